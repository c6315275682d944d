//! Reactions that a run did not come to, and that no later run would know of.

use super::execute::{Progress, Run};
use super::reaction::changes_of;
use crate::plan::{Action, Change, Ending, FieldDiff, Impact};
use crate::world::Step;

/// Tells of each watcher that was left out whom it has not reacted to, and what to do about it.
pub fn note_owed(run: &Run<'_>) {
    let changes = &run.execution.plan.changes;
    let mut progress = run.lock();
    for watcher in changes {
        if let Some(note) = owed(watcher, changes, &progress) {
            progress[watcher.id.0].notes.push(note);
        }
    }
}

fn owed(watcher: &Change, changes: &[Change], progress: &[Progress]) -> Option<String> {
    let was_left_out = match progress[watcher.id.0].ending {
        Some(Ending::Skipped { .. }) => true,
        Some(Ending::Failed { .. }) => progress[watcher.id.0].steps.is_empty(),
        _ => false,
    };
    if !was_left_out {
        return None;
    }
    let is_owed = |target: &Change, watch: &FieldDiff| {
        let is_meant = watch.to.as_str() == Some(&changes_of(&target.state.title()));
        let target_changed =
            progress[target.id.0].ending.is_none() && !progress[target.id.0].steps.is_empty();
        // What was made anew is newer than the watcher, and the next run sees that.
        let is_seen = matches!(target.action, Action::Create | Action::Replace)
            && target.state.kind != "image"
            && watch.impact != Impact::Signal;
        is_meant && target_changed && !is_seen
    };
    let watches = || watcher.diff.iter().filter(|row| row.field == "watch");
    let (target, watch) = watches().find_map(|watch| {
        changes.iter().find(|target| is_owed(target, watch)).map(|target| (target, watch))
    })?;
    Some(format!(
        "{} was changed in this run, and the reaction to it is still owed, which the next run does not know: {}",
        target.state.title(),
        by_hand(watcher, watch.impact)
    ))
}

/// How a person makes up for it.
fn by_hand(watcher: &Change, impact: Impact) -> String {
    let name = &watcher.state.name;
    let signal = watcher.steps.iter().find_map(|step| match step {
        Step::SignalContainer { signal, .. } => Some(signal.as_str()),
        _ => None,
    });
    match (impact, watcher.state.kind) {
        (_, "image") => format!("build image {name} again, once what it waits for is mended"),
        (Impact::Signal, _) => {
            format!("do it by hand with `docker kill --signal {} {name}`", signal.unwrap_or("SIGNAL"))
        }
        _ => format!("do it by hand with `docker restart {name}`"),
    }
}
