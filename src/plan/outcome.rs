//! What became of a plan.

use std::time::{Duration, SystemTime};

use super::Plan;

/// How a change ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Nothing was to be done.
    Unchanged,
    Changed,
    /// A dry run: it would be done.
    Pending,
    /// A dry run: it would be done only if something else fails, as in `container.web fails`. It
    /// counts as unchanged.
    Conditional {
        only_if: String,
    },
    /// It failed, for this reason (a chain of fragments without a full stop).
    Failed {
        reason: String,
        hint: Option<String>,
    },
    /// It was not tried, because of this.
    Skipped {
        because: String,
    },
}

/// One change and its end.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeReport {
    pub ending: Ending,
    /// What was done, one line each; under a dry run what would be done.
    pub steps: Vec<String>,
    pub started: Option<SystemTime>,
    pub duration: Duration,
    /// The last log lines of a container that did not start, or the output of a failed build.
    pub output: Vec<String>,
    /// What a person should know, beyond the plan's own notes.
    pub notes: Vec<String>,
    /// The engine's id of the container that was made.
    pub made: Option<String>,
    /// From the stop of a container to the start of the one that serves in its place.
    pub gap: Option<Duration>,
}

/// Where the time of a run went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    pub what: &'static str,
    pub took: Duration,
}

/// A plan and what became of it: one report per change, in the plan's order.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    pub plan: Plan,
    pub changes: Vec<ChangeReport>,
    pub timings: Vec<Timing>,
    /// Requests that were sent to the engine.
    pub requests: u64,
    /// Requests that were sent to registries.
    pub registry_requests: u64,
    /// Why registries could not say what they were asked.
    pub unknown: Vec<String>,
    /// True under `--test`.
    pub dry_run: bool,
    /// What the target is called in Salt's layout.
    pub host: String,
    /// Why the run ended early, if it did.
    pub aborted: Option<String>,
}

impl RunReport {
    /// How many are as declared, or are left alone unless something fails.
    pub fn unchanged(&self) -> usize {
        self.count(|ending| matches!(ending, Ending::Unchanged | Ending::Conditional { .. }))
    }

    pub fn count(&self, wanted: impl Fn(&Ending) -> bool) -> usize {
        self.changes.iter().filter(|change| wanted(&change.ending)).count()
    }
}
