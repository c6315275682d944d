//! A failure, a lost answer and a death at every mutating call of one highstate: what served before serves again,
//! the data is there, and a rerun converges. CI tries a sample; `EVENKEEL_MATRIX=full` tries all on both engines and
//! prints the tables of docs/faults.md.

mod restarts;
mod system;
mod trouble;

use crate::rig::engines::{self, Engine};
use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};
use system::{Point, System, revisionless};
use trouble::Trouble;

const TROUBLES: [Trouble; 7] = [
    Trouble::Refused,
    Trouble::AnswerLost,
    Trouble::KilledBefore,
    Trouble::KilledAfter,
    Trouble::Silent,
    Trouble::DoneAndSilent,
    Trouble::DoneLate,
];

fn is_full() -> bool {
    std::env::var("EVENKEEL_MATRIX").is_ok_and(|wish| wish == "full")
}

/// The troubles to try in the full matrix: all, or those that are named, such as `EVENKEEL_TROUBLES=Silent,DoneLate`.
fn wanted(troubles: &[Trouble]) -> Vec<Trouble> {
    let Ok(named) = std::env::var("EVENKEEL_TROUBLES") else { return troubles.to_vec() };
    let is_named = |trouble: &&Trouble| named.split(',').any(|name| name == format!("{trouble:?}"));
    troubles.iter().filter(is_named).copied().collect()
}

/// The points to try: all, or a sample that is another one on each engine.
fn points(calls: usize, offset: usize) -> Vec<(usize, Trouble)> {
    if is_full() {
        return wanted(&TROUBLES).iter().flat_map(|trouble| (1..=calls).map(|k| (k, *trouble))).collect();
    }
    (1 + offset..=calls).step_by(8).enumerate().map(|(n, k)| (k, TROUBLES[(n + offset) % 7])).collect()
}

/// What was tried so far on engines of one version, and what is left to try.
#[derive(Default)]
struct Tried {
    version: String,
    calls: usize,
    left: Option<VecDeque<(usize, Trouble)>>,
    points: Vec<Point>,
    took: Duration,
}

impl Tried {
    fn is_done(&self) -> bool {
        self.left.as_ref().is_some_and(VecDeque::is_empty)
    }

    /// Tries one point after the other, up to one that is lost: who knows what an engine is worth after that.
    fn go_on(
        &mut self,
        engine: &Engine,
        policies: [&'static str; 2],
        points: impl Fn(usize) -> Vec<(usize, Trouble)>,
    ) {
        let began = Instant::now();
        let system = System::new(engine, policies);
        (self.version, self.calls) = (engine.version.clone(), system.calls);
        let left = self.left.get_or_insert_with(|| points(system.calls).into());
        while let Some((k, trouble)) = left.pop_front() {
            let point = system.try_point(k, trouble);
            if is_full() {
                eprintln!(
                    "{k} {trouble:?}: {} {}",
                    point.told(),
                    point.failure.as_deref().unwrap_or_default()
                );
            }
            let is_lost = point.failure.is_some();
            self.points.push(point);
            if is_lost {
                break;
            }
            system.go_back();
        }
        self.took += began.elapsed();
    }

    /// Prints the table, and fails if a point is lost.
    fn ends(&self) {
        let text = format!("{}  in {:?}\n", self.table(), self.took);
        if std::env::var_os("EVENKEEL_MATRIX").is_some() {
            // Past libtest's capture: this table is what the run is for.
            drop(std::io::stderr().write_all(text.as_bytes()));
        }
        let lost = |point: &Point| {
            Some(format!("{:?} at call {}: {}", point.trouble, point.k, point.failure.as_ref()?))
        };
        let failures: Vec<_> = self.points.iter().filter_map(lost).collect();
        assert!(failures.is_empty(), "{text}{}", failures.join("\n"));
    }
}

impl Tried {
    /// What the full matrix is for: for each call and trouble, whether the page was served at once or after the next run.
    fn table(&self) -> String {
        let points = &self.points;
        let mut troubles: Vec<Trouble> = Vec::new();
        for point in points {
            if !troubles.contains(&point.trouble) {
                troubles.push(point.trouble);
            }
        }
        let titles: Vec<_> = troubles.iter().map(|trouble| format!("{trouble:?}")).collect();
        let line = "---|".repeat(troubles.len());
        let mut text = format!(
            "{}, {} calls:\n\n| call | {} |\n|---|{line}\n",
            self.version,
            self.calls,
            titles.join(" | ")
        );
        for k in 1..=self.calls {
            let of_call: Vec<_> = points.iter().filter(|point| point.k == k).collect();
            let cell = |trouble: &Trouble| {
                of_call.iter().find(|point| point.trouble == *trouble).map_or("-", |p| p.told())
            };
            let mut named: Vec<_> = of_call.iter().map(|point| revisionless(&point.call)).collect();
            named.sort();
            named.dedup();
            let cells: Vec<_> = troubles.iter().map(cell).collect();
            _ = writeln!(text, "| {k}: {} | {} |", named.join(", or "), cells.join(" | "));
        }
        for point in points.iter().filter(|point| !point.complaint.is_empty()) {
            _ = writeln!(text, "\n{:?} at call {}: {}", point.trouble, point.k, point.complaint);
        }
        text
    }
}

#[test]
fn whatever_goes_wrong_at_any_call_it_serves_and_converges() {
    let offset = Cell::new(0);
    engines::each(|engine| {
        let mut tried = Tried::default();
        while !tried.is_done() {
            tried.go_on(engine, ["unless-stopped", "always"], |calls| points(calls, offset.get()));
        }
        tried.ends();
        offset.set(offset.get() + 2);
    });
}
