//! First creations are not settled one by one: one wait for all of them, before the result is read.

use super::execute::Run;
use crate::plan::{Action, Change};
use crate::world::Step;

/// Gives containers that were made and started the time to end, if that is what they do.
pub async fn wait_for_first_look(run: &Run<'_>) {
    let started = |change: &Change| {
        // A job is waited for until its end.
        change.action == Action::Create
            && change.steps.iter().any(|step| matches!(step, Step::StartContainer { .. }))
    };
    let any_is_up = {
        let progress = run.lock();
        run.execution.plan.changes.iter().filter(|change| started(change)).any(|change| {
            let progress = &progress[change.id.0];
            progress.ending.is_none() && !progress.steps.is_empty()
        })
    };
    if any_is_up {
        tokio::time::sleep(run.execution.first_look).await;
    }
}
