//! What was changed is looked at once more: what still differs is an error, and so is a container
//! that does not serve.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::execute::{Execution, Run};
use crate::engine::ObserveError;
use crate::plan::{Change, Ending, Event, FieldDiff, shown};
use crate::resource::{ailment, is_unhealthy, restarts};
use crate::world::{Container, Step, World};

/// Reads back everything that a run changed.
pub async fn read_back(run: &Run<'_>) {
    let changed: Vec<&Change> = {
        let progress = run.lock();
        let plan = run.execution.plan;
        plan.changes
            .iter()
            .filter(|c| progress[c.id.0].ending.is_none() && !progress[c.id.0].steps.is_empty())
            .collect()
    };
    if changed.is_empty() {
        return;
    }
    let world = match look(run, &changed).await {
        Ok(world) => world,
        Err(error) => {
            let text = format!("could not look at the result: {error}");
            (run.execution.events)(Event::Message { text });
            return;
        }
    };
    for change in changed {
        let diff = (run.execution.remaining)(change.id, &world);
        let is_container = change.state.kind == "container";
        let container = world.container(&change.state.name).filter(|_| is_container);
        if let Some(reason) = does_not_serve(change, &diff, container) {
            if let Some(container) = container {
                let lines = run.execution.observer.last_log_lines(&container.id.to_string(), 20).await;
                run.lock()[change.id.0].output = lines;
            }
            run.end(change.id, Ending::Failed { reason, hint: None });
        } else if !diff.is_empty() {
            let reason = did_not_take(&diff, &run.lock()[change.id.0].notes);
            run.end(change.id, Ending::Failed { reason, hint: hint(&diff) });
        }
    }
}

/// Looks at what is there now. While a container is paused its probes fail, so what the engine says of its
/// health counts only after new ones.
async fn look(run: &Run<'_>, changed: &[&Change]) -> Result<World, ObserveError> {
    let Execution { observer, wanted, .. } = run.execution;
    let mut world = observer.world(wanted).await?;
    let is_unpaused = |step: &Step| matches!(step, Step::UnpauseContainer { .. });
    let unpaused = changed.iter().filter(|change| change.steps.iter().any(is_unpaused));
    let names: Vec<&str> = unpaused.map(|change| change.state.name.as_str()).collect();
    let first: Vec<usize> = names.iter().map(|name| world.container(name).map_or(0, probes)).collect();
    let began = Instant::now();
    loop {
        let waits = names.iter().zip(&first).filter_map(|(name, first)| {
            let container = world.container(name).filter(|container| is_unhealthy(container))?;
            let bound = probing(container).checked_mul(NEW_PROBES)?.min(LONGEST_PROBING);
            (probes(container) < first + NEW_PROBES as usize && began.elapsed() < bound).then_some(())
        });
        if waits.count() == 0 {
            return Ok(world);
        }
        tokio::time::sleep(PAUSE).await;
        world = observer.world(wanted).await?;
    }
}

/// The first new probe may have begun while the container was paused.
const NEW_PROBES: u32 = 2;
/// The longest that probes are waited for.
const LONGEST_PROBING: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

/// How many probes have failed in a row.
fn probes(container: &Container) -> usize {
    let streak = container.attributes.at("State.Health.FailingStreak").known().and_then(Value::as_u64);
    streak.and_then(|streak| usize::try_from(streak).ok()).unwrap_or_default()
}

/// How long it takes until there is a new probe, as far as the container says it itself.
fn probing(container: &Container) -> Duration {
    let at = |path| container.attributes.at(path).known().and_then(Value::as_u64).filter(|span| *span > 0);
    let default = Duration::from_secs(30);
    let span = |path| at(path).map_or(default, Duration::from_nanos);
    span("Config.Healthcheck.Interval") + span("Config.Healthcheck.Timeout")
}

/// Why a container that was started is not what was hoped for.
fn does_not_serve(change: &Change, diff: &[FieldDiff], container: Option<&Container>) -> Option<String> {
    if let Some(row) = diff.iter().find(|row| row.field == "status") {
        return Some(match container.and_then(ailment) {
            Some(ailment) => format!("it was started and {ailment}"),
            None => format!("it was started and is {} again", shown(&row.from)),
        });
    }
    // It runs at this moment, between two ends.
    let was_started = change.steps.iter().any(|step| matches!(step, Step::StartContainer { .. }));
    let is_up = container.is_some_and(|container| container.state.is_up());
    let ended = container.map(restarts).filter(|restarts| was_started && is_up && *restarts > 0)?;
    let times = if ended == 1 { "once".to_owned() } else { format!("{ended} times") };
    Some(format!("it was started, ended by itself and was restarted, {times} so far"))
}

/// What to say of fields that an engine took and does not show, with what it said itself about it.
pub(super) fn did_not_take(diff: &[FieldDiff], notes: &[String]) -> String {
    let rows: Vec<_> = diff.iter().map(ToString::to_string).collect();
    let said: Vec<&str> = notes.iter().filter_map(|note| note.strip_prefix(ENGINE_SAYS)).collect();
    let said = if said.is_empty() { String::new() } else { format!(" (it says: {})", said.join(" ")) };
    format!("the engine took it and still shows something else: {}{said}", rows.join(", "))
}

/// What stands before a warning of the engine among the notes of a change.
pub(super) const ENGINE_SAYS: &str = "the engine says: ";

/// What can be done about fields that an engine dropped, or files that the container has made its own.
pub(super) fn hint(diff: &[FieldDiff]) -> Option<String> {
    let mut fields: Vec<&str> =
        diff.iter().map(|row| row.field.split('.').next().unwrap_or(&row.field)).collect();
    fields.dedup();
    if fields == ["files"] {
        return Some(
            "the container itself has changed it since: what its program writes does not belong into `files`"
                .to_owned(),
        );
    }
    let fields: Vec<String> = fields.into_iter().map(|field| format!("`{field}`")).collect();
    Some(format!("this engine, or its kernel, does not do what {} says: remove it here", fields.join(", ")))
}
