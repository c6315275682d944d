//! What was changed is looked at once more: what still differs is an error, and so is a container
//! that does not serve.

use super::execute::Run;
use crate::plan::{Change, Ending, Event, FieldDiff, shown};
use crate::resource::{ailment, restarts};
use crate::world::{Container, Step};

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
    let world = match run.execution.observer.world(run.execution.wanted).await {
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
            run.end(change.id, Ending::Failed { reason: did_not_take(&diff), hint: None });
        }
    }
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
    let ended = container.map(restarts).filter(|restarts| was_started && *restarts > 0)?;
    let times = if ended == 1 { "once".to_owned() } else { format!("{ended} times") };
    Some(format!("it was started, ended by itself and was restarted, {times} so far"))
}

pub(super) fn did_not_take(diff: &[FieldDiff]) -> String {
    let rows: Vec<_> = diff.iter().map(ToString::to_string).collect();
    format!("the engine took it and still shows something else: {}", rows.join(", "))
}
