//! Puts the containers that a run made on record, and knows the numbers that were given before.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Ambient;
use super::prepared::Prepared;
use super::record::{Clock, recall, record_all};
use crate::engine::Observe;
use crate::history::{Entry, Kind, Outcome};
use crate::plan::{Change, ChangeReport, Ending, Plan};
use crate::resource::{Ran, is_job_state};
use crate::world::{ImageReference, Step, World, label};

/// Puts every container that was made on record, whatever became of it.
///
/// # Errors
/// Says why it is not, and what to do about it. The run itself is not concerned.
pub(super) async fn record(
    run: &Prepared,
    (plan, changes, world): (&Plan, &[ChangeReport], &World),
    ambient: &Ambient,
) -> Result<(), String> {
    let clock = Clock::of(ambient);
    let mut entries = Vec::new();
    for (change, report) in plan.changes.iter().zip(changes) {
        if let Some(id) = &report.made
            && let Some(body) = created(change)
        {
            entries.push(entry(run, (change, report), (id, body), world, (ambient, &clock)).await);
        } else if let Some((id, body)) = finished(run, change, report).await {
            entries.push(entry(run, (change, report), (&id, &body), world, (ambient, &clock)).await);
        }
    }
    if entries.is_empty() { Ok(()) } else { record_all(entries, ambient).await }
}

/// A job that an earlier run began and that has come to its end in this one: its container, and what it was made of.
async fn finished(run: &Prepared, change: &Change, report: &ChangeReport) -> Option<(String, Value)> {
    let is_awaited = |step: &Step| matches!(step, Step::AwaitEnd { .. });
    let is_job = is_job_state(&change.state.function) && change.steps.iter().any(is_awaited);
    if !is_job || report.ending != Ending::Changed {
        return None;
    }
    let container = run.client.container(&change.state.name).await.ok().flatten()?;
    let shown = |path: &str| container.attributes.at(path).known().cloned().unwrap_or_default();
    Some((
        container.id.to_string(),
        json!({"Image": shown("Config.Image"), "Labels": shown("Config.Labels")}),
    ))
}

/// What was sent to make the container of a change.
fn created(change: &Change) -> Option<&Value> {
    change.steps.iter().find_map(|step| match step {
        Step::CreateContainer { body, .. } => Some(body),
        _ => None,
    })
}

async fn entry(
    run: &Prepared,
    (change, report): (&Change, &ChangeReport),
    (id, body): (&str, &Value),
    world: &World,
    (ambient, clock): (&Ambient, &Clock),
) -> Entry {
    // Whoever vanished meanwhile is on record with what was sent.
    let container = run.client.container(id).await.ok().flatten();
    let image = match &container {
        Some(container) => run.client.image(&container.image.to_string()).await.ok().flatten(),
        None => None,
    };
    let labelled = |key: &str| body["Labels"][key].as_str();
    let state: Option<Value> = labelled(label::STATE).and_then(|text| serde_json::from_str(text).ok());
    let reference = body["Image"].as_str().unwrap_or_default();
    let own = image.as_ref().map(|image| image.digests_in(&ImageReference::parse(reference)));
    let digests = own.unwrap_or_default().into_iter().map(str::to_owned).collect();
    let stamps = run.stamps();
    let differences: Vec<String> = change.diff.iter().map(ToString::to_string).collect();
    let reason = match &report.ending {
        Ending::Failed { reason, .. } => Some(run.secrets.hidden(reason)),
        _ => None,
    };
    // When it was done, not when the run began.
    let done = report.started.and_then(|started| Timestamp::try_from(started + report.duration).ok());
    Entry {
        time: done.unwrap_or_else(|| clock.now()),
        engine: Some(run.engine_of(world)),
        owner: Some(plan_owner(run)),
        object: change.state.name.clone(),
        container: Some(id.to_owned()),
        revision: labelled(label::REVISION).and_then(|number| number.parse().ok()),
        kind: Kind::Revised,
        image: Some(reference.to_owned()),
        image_id: container.as_ref().map(|container| container.image.to_string()),
        digests,
        version: image.as_ref().and_then(|image| image.labels().get(label::OCI_VERSION)).map(str::to_owned),
        outcome: match &report.ending {
            Ending::Changed => Outcome::Passed,
            Ending::Failed { .. } => Outcome::Failed,
            _ => Outcome::Unknown,
        },
        exit_code: None,
        took: report.duration,
        actor: ambient.actor(),
        why: stamps.why.clone(),
        detail: json!({
            "action": change.action.word(),
            "cause": stamps.cause.word(),
            "commit": stamps.commit,
            "differences": differences,
            "plan": run.secrets.hidden(&change.record_text()),
            "gap_ms": report.gap.map(|gap| u64::try_from(gap.as_millis()).unwrap_or(u64::MAX)),
            "reason": reason,
            "state": state,
        }),
    }
}

fn plan_owner(run: &Prepared) -> crate::world::Owner {
    run.graph.owner.clone()
}

/// The highest number on record of each container that a plan makes, so that none is given twice. Nothing where
/// there is no record, or it cannot be read: labels have to do then.
pub(super) async fn given(
    run: &Prepared,
    plan: &Plan,
    world: &World,
    ambient: &Ambient,
) -> BTreeMap<String, u32> {
    let made = plan.changes.iter().filter(|change| created(change).is_some());
    let names: Vec<String> = made.map(|change| change.state.name.clone()).collect();
    if names.is_empty() {
        return BTreeMap::new();
    }
    let engine = run.engine_of(world);
    let read = recall(ambient, move |history| {
        let number = |name: &String| Ok((name.clone(), history.last_revision(&engine, name)?));
        names.iter().map(number).collect::<Result<BTreeMap<_, _>, _>>()
    });
    let known = read.await.ok().flatten().unwrap_or_default();
    known.into_iter().filter_map(|(name, number)| Some((name, number?))).collect()
}

/// When the jobs that a plan makes ran well for the last time, as far as that is on record and nothing went wrong since.
pub(super) async fn ran(
    run: &Prepared,
    plan: &Plan,
    world: &World,
    ambient: &Ambient,
) -> BTreeMap<String, Ran> {
    let made = plan.changes.iter().filter(|change| created(change).is_some());
    let jobs = made.filter(|change| is_job_state(&change.state.function));
    let names: Vec<String> = jobs.map(|change| change.state.name.clone()).collect();
    if names.is_empty() {
        return BTreeMap::new();
    }
    let engine = run.engine_of(world);
    let read = recall(ambient, move |history| {
        let mut ran = BTreeMap::new();
        for name in names {
            let last = history.revisions(&engine, Some(&name), &[], 1)?.into_iter().next();
            let last = last.filter(|entry| entry.object == name && entry.outcome == Outcome::Passed);
            ran.extend(
                last.and_then(|entry| Some((name, Ran { at: entry.time, revision: entry.revision? }))),
            );
        }
        Ok(ran)
    });
    read.await.ok().flatten().unwrap_or_default()
}
