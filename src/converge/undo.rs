//! After a failure: look again, and do what `recover` says about what is there.

use super::execute::Run;
use super::hooks::{copies, is_of_copy};
use super::work::{container_of, makes};
use crate::engine::PerformError;
use crate::plan::{Change, Ending, Event};
use crate::resource::{Outcome, end_of_trial, recover, trials};
use crate::world::{Id, Role, Step, World};

/// Restores service, or finishes what a lost answer left open. True if the change has come to its
/// goal by that: only its removals are left.
pub async fn undo(run: &Run<'_>, change: &Change, error: &PerformError) -> bool {
    end_trials(run, change).await;
    if change.state.kind != "container" {
        return false;
    }
    // Whoever made nothing has nothing to take back.
    let makes_one = change.steps.iter().any(|step| matches!(step, Step::CreateContainer { .. }));
    let outcome = match error {
        PerformError::Lost { .. } => Outcome::Unknown,
        PerformError::NotSettled { .. } | PerformError::Failed { .. } if makes_one => Outcome::NotProven,
        PerformError::Refused { .. } | PerformError::NotSettled { .. } | PerformError::Failed { .. } => {
            Outcome::Refused
        }
    };
    // One more time as refused if even the recovery fails: then the old one comes back.
    go_back(run, change, &[outcome, Outcome::Refused]).await
}

/// Removes the throw-away containers of a change, which are of no use any more.
async fn end_trials(run: &Run<'_>, change: &Change) {
    let names: Vec<_> = copies(change).filter_map(container_of).map(|container| &container.name).collect();
    if names.is_empty() {
        return;
    }
    let execution = run.execution;
    let Ok(world) = execution.observer.world(execution.wanted).await else { return };
    for found in trials(execution.owner, &world).into_iter().filter(|found| names.contains(&&found.name)) {
        let why = format!("{} is removed: it was only tried", found.name);
        (execution.events)(Event::Recovering { change: change.id, why });
        for step in end_of_trial(found) {
            if let Err(error) = run.step(change, &step).await {
                run.lock()[change.id.0].notes.push(format!("{step}: {error}; the next run goes on with it"));
                return;
            }
        }
    }
}

/// Takes back what a change did before it came out that it cannot be done.
pub async fn give_up(run: &Run<'_>, change: &Change) {
    let nothing_done = run.lock()[change.id.0].steps.is_empty();
    if change.state.kind != "container" || nothing_done {
        return;
    }
    go_back(run, change, &[Outcome::Refused, Outcome::Refused]).await;
}

async fn go_back(run: &Run<'_>, change: &Change, outcomes: &[Outcome]) -> bool {
    for outcome in outcomes {
        match attempt(run, change, *outcome).await {
            Ok(Some(recovered)) => {
                run.lock()[change.id.0].notes.push(recovered.why);
                return recovered.is_finished;
            }
            Ok(None) => return false,
            Err(reason) => {
                run.lock()[change.id.0]
                    .notes
                    .push(format!("recovery stopped: {reason}; the next run goes on with it"));
            }
        }
    }
    false
}

struct Recovered {
    why: String,
    is_finished: bool,
}

async fn attempt(run: &Run<'_>, change: &Change, outcome: Outcome) -> Result<Option<Recovered>, String> {
    let execution = run.execution;
    let mut wanted = execution.wanted.clone();
    wanted.kept.insert(change.state.name.clone());
    let mut world = execution.observer.world(&wanted).await.map_err(|error| error.to_string())?;
    let gone = remember_newcomer(run, change, &mut world);
    // Whoever is gone does not prove itself any more.
    let outcome = if gone.is_some() { Outcome::Refused } else { outcome };
    let Some(recovery) = recover(&change.state.name, execution.owner, &world, outcome) else {
        let why = "it had come to its end all the same".to_owned();
        let is_finished = outcome == Outcome::Unknown && has_taken_over(run, change, &world);
        return Ok(is_finished.then_some(Recovered { why, is_finished }));
    };
    (execution.events)(Event::Recovering { change: change.id, why: recovery.why.clone() });
    let is_there = |step: &&Step| container_of(step).is_none_or(|target| Some(&target.id) != gone.as_ref());
    for step in recovery.steps.iter().filter(is_there) {
        match run.step(change, step).await {
            // What serves again is what counts.
            Err(error) if matches!(step, Step::RunHook { .. }) => {
                run.lock()[change.id.0].notes.push(format!("{step}: {error}"));
            }
            done => done.map_err(|error| format!("{step}: {error}"))?,
        }
        if let Step::RenameContainer { to, .. } = step {
            taken_back(run, change, to);
        }
        // It was done, so it was not refused.
        let _ = world.predict(step);
    }
    let is_finished = outcome == Outcome::Unknown && has_taken_over(run, change, &world);
    Ok(Some(Recovered { why: recovery.why, is_finished }))
}

/// True if the newcomer of a change has the name, and nothing else than removals is left to do.
fn has_taken_over(run: &Run<'_>, change: &Change, world: &World) -> bool {
    let mut made = change.steps.iter().filter_map(|step| match step {
        Step::CreateContainer { container, .. } => Some(container),
        _ => None,
    });
    let Some(newcomer) = made.find(|made| matches!(Role::of(&made.name), Role::Newcomer { .. })) else {
        return false;
    };
    let id = run.bindings.lock().unwrap_or_else(std::sync::PoisonError::into_inner).id(&newcomer.id);
    let has_more = change.steps.switch.iter().any(|step| matches!(step, Step::CheckCommand { .. }));
    !has_more && world.container(&change.state.name).is_some_and(|current| current.id == id)
}

/// Somebody removed a newcomer that was to prove itself, and with it the labels that say whose place
/// it was to take. So it is put into what was observed as it was made, and `recover` goes by that;
/// gives its id there.
fn remember_newcomer(run: &Run<'_>, change: &Change, world: &mut World) -> Option<Id> {
    let mut settled = change.steps.iter().filter_map(|step| match step {
        Step::Settle { container, .. } => Some(container),
        _ => None,
    });
    // Those that are only waited for were made by others.
    let (container, create) = settled.find_map(|container| {
        let create = change.steps.iter().find(|step| makes(step) == Some(&container.id))?;
        (!is_of_copy(change, create)).then_some((container, create))
    })?;
    let bindings = run.bindings.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let made = bindings.id(&container.id);
    if made == container.id || world.containers.contains_key(&made) {
        return None;
    }
    world.predict(&bindings.bind(create)).ok()?;
    Some(container.id.clone())
}

/// Another change had taken what this one needs to go back, and was turned back for it.
fn taken_back(run: &Run<'_>, failed: &Change, verdict: &str) {
    let Role::Failed { of, .. } = Role::of(verdict) else { return };
    if of == failed.state.name {
        return;
    }
    let mut changes = run.execution.plan.changes.iter();
    let other = changes.find(|change| change.state.kind == "container" && change.state.name == of);
    if let Some(other) = other {
        let reason = format!("taken back, because {} failed and needs what it had", failed.state.title());
        run.end(other.id, Ending::Failed { reason, hint: None });
    }
}
