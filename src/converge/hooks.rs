//! Hooks in a run: which of them may fail, and the copies of a newcomer that serve nobody.

use super::work::{container_of, makes};
use crate::engine::PerformError;
use crate::plan::{Action, Change, Phase};
use crate::world::{Id, Moment, Step, label};

/// What happens when a step has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterFailure {
    /// The change has failed, and what it did is taken back.
    TakeBack,
    /// It is told, and the change goes on.
    GoOn,
    /// The change goes on to its end, and has failed.
    GoOnAndFail,
}

/// What a failed step means for its change. What was proven stays, and what is to stop stops.
pub(super) fn after(change: &Change, step: &Step, phase: Phase, error: &PerformError) -> AfterFailure {
    let Step::RunHook { hook } = step else {
        return if is_gone(change, step, error) { AfterFailure::GoOn } else { AfterFailure::TakeBack };
    };
    match hook.moment {
        Moment::PreStop => AfterFailure::GoOn,
        Moment::PostReplace => AfterFailure::GoOnAndFail,
        // The next run sees that the container does not know of its files.
        Moment::OnChange => AfterFailure::TakeBack,
        // A recovery has no hooks that decide.
        Moment::PreReplace | Moment::PostStart if phase == Phase::Recover => AfterFailure::GoOn,
        Moment::PreReplace | Moment::PostStart => AfterFailure::TakeBack,
    }
}

/// True if the one that is replaced is not there any more: whoever removed it did what was to be done with it.
fn is_gone(change: &Change, step: &Step, error: &PerformError) -> bool {
    let is_about_old = match step {
        Step::UpdateContainer { container, .. }
        | Step::RenameContainer { container, .. }
        | Step::Disconnect { container, .. } => matches!(container.id, Id::Engine(_)),
        _ => false,
    };
    let is_missing = matches!(error, PerformError::Refused { status: Some(404), .. });
    change.action == Action::Replace && is_about_old && is_missing
}

/// True for steps about a throw-away copy that the change makes itself.
pub(super) fn is_of_copy(change: &Change, step: &Step) -> bool {
    let Some(target) = container_of(step) else { return false };
    copies(change).any(|create| makes(create) == Some(&target.id))
}

/// The steps that make throw-away copies.
pub(super) fn copies(change: &Change) -> impl Iterator<Item = &Step> {
    change.steps.iter().filter(|step| match step {
        Step::CreateTrial { .. } => true,
        Step::CreateContainer { body, .. } => !body["Labels"][label::TRIAL].is_null(),
        _ => false,
    })
}
