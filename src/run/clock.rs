//! A stopwatch for the parts of a run.

use std::time::Instant;

use crate::plan::Timing;

/// Where the time goes.
pub(super) struct Clock {
    last: Instant,
    pub laps: Vec<Timing>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { last: Instant::now(), laps: Vec::new() }
    }
}

impl Clock {
    /// Ends a part of the run.
    pub fn lap(&mut self, what: &'static str) {
        let now = Instant::now();
        self.laps.push(Timing { what, took: now - self.last });
        self.last = now;
    }
}
