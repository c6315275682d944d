//! Hooks in a run: which of them may fail, and the copies of a newcomer that serve nobody.

use super::work::{container_of, makes};
use crate::plan::{Change, Phase};
use crate::world::{Moment, Step, label};

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
pub(super) fn after(step: &Step, phase: Phase) -> AfterFailure {
    let Step::RunHook { hook } = step else { return AfterFailure::TakeBack };
    match hook.moment {
        Moment::PreStop => AfterFailure::GoOn,
        Moment::PostReplace => AfterFailure::GoOnAndFail,
        // A recovery has no hooks that decide.
        Moment::PreReplace | Moment::PostStart if phase == Phase::Recover => AfterFailure::GoOn,
        Moment::PreReplace | Moment::PostStart => AfterFailure::TakeBack,
    }
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
