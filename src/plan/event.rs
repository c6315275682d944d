//! What happens during a run, for whoever shows it.

use std::sync::Arc;
use std::time::Duration;

use super::{ChangeId, Phase, Plan};

/// One thing that happened. The executor sends them; reports only render them.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A plan was made; the events that follow speak of its changes. Comes again when the plan is
    /// made anew under the lock.
    Planned {
        plan: Arc<Plan>,
    },
    PhaseStarted {
        phase: Phase,
    },
    StepStarted {
        change: ChangeId,
        step: String,
    },
    /// Progress of a long step: a layer of a pull, a line of a build, a wait for health.
    StepProgress {
        change: ChangeId,
        text: String,
    },
    StepDone {
        change: ChangeId,
        step: String,
        took: Duration,
    },
    StepFailed {
        change: ChangeId,
        step: String,
        reason: String,
    },
    /// A change is undone, or what an earlier run left is finished.
    Recovering {
        change: ChangeId,
        why: String,
    },
    ChangeDone {
        change: ChangeId,
    },
    /// Something that concerns the whole run.
    Message {
        text: String,
    },
}
