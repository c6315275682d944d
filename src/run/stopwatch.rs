//! A stopwatch for the parts of a run.

use std::time::Instant;

use crate::plan::Timing;

/// Where the time goes.
pub(super) struct Stopwatch {
    last: Instant,
    pub laps: Vec<Timing>,
}

impl Default for Stopwatch {
    fn default() -> Self {
        Self { last: Instant::now(), laps: Vec::new() }
    }
}

impl Stopwatch {
    /// Ends a part of the run.
    pub fn lap(&mut self, what: &'static str) {
        let now = Instant::now();
        self.laps.push(Timing { what, took: now - self.last });
        self.last = now;
    }
}
