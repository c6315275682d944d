//! A failure, a lost answer and a death at every mutating call of one highstate: what served before serves again,
//! the data is there, and a rerun converges. CI tries a sample; `EVENKEEL_MATRIX=full` tries all on both engines and
//! prints the tables of docs/faults.md.

mod restarts;
mod system;
mod trouble;

use crate::rig::engines::{self, Engine};
use std::cell::Cell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;
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
    (1 + offset..=calls).step_by(6).enumerate().map(|(n, k)| (k, TROUBLES[(n + offset) % 7])).collect()
}

/// Tries them one after the other, prints the table, and fails if a point is lost.
fn survives(engine: &Engine, policies: [&'static str; 2], points: impl Fn(usize) -> Vec<(usize, Trouble)>) {
    let began = Instant::now();
    let mut system = System::new(engine, policies);
    let mut tried = Vec::new();
    for (k, trouble) in points(system.calls) {
        let at = Instant::now();
        let point = system.try_point(k, trouble);
        eprintln!("{k} {trouble:?} took {:?}", at.elapsed());
        let survived = point.failure.is_none();
        if let (false, true) = (survived, is_full()) {
            eprintln!("{trouble:?} at call {k}: {}", point.failure.as_deref().unwrap_or_default());
        }
        tried.push(point);
        match survived {
            true => system.go_back(),
            false => system = System::new(engine, policies),
        }
    }
    let text = format!("{}  in {:?}\n", table(engine, system.calls, &tried), began.elapsed());
    if std::env::var_os("EVENKEEL_MATRIX").is_some() {
        // Past libtest's capture: this table is what the run is for.
        drop(std::io::stderr().write_all(text.as_bytes()));
    }
    let failures: Vec<_> = tried
        .iter()
        .filter_map(|point| {
            Some(format!("{:?} at call {}: {}", point.trouble, point.k, point.failure.as_ref()?))
        })
        .collect();
    assert!(failures.is_empty(), "{text}{}", failures.join("\n"));
}

/// What the full matrix is for: for each call and trouble, whether the page was served at once or after the next run.
fn table(engine: &Engine, calls: usize, points: &[Point]) -> String {
    let mut troubles: Vec<Trouble> = Vec::new();
    for point in points {
        if !troubles.contains(&point.trouble) {
            troubles.push(point.trouble);
        }
    }
    let titles: Vec<_> = troubles.iter().map(|trouble| format!("{trouble:?}")).collect();
    let line = "---|".repeat(troubles.len());
    let mut text =
        format!("{}, {calls} calls:\n\n| call | {} |\n|---|{line}\n", engine.version, titles.join(" | "));
    for k in 1..=calls {
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

#[test]
fn whatever_goes_wrong_at_any_call_it_serves_and_converges() {
    let offset = Cell::new(0);
    engines::each(|engine| {
        survives(engine, ["unless-stopped", "always"], |calls| points(calls, offset.get()));
        offset.set(offset.get() + 2);
    });
}
