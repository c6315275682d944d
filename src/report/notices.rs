//! What a person should know of a run besides its states. Formats for machines have no place for
//! it, so that it goes to standard error there.

use std::fmt::Write;
use std::path::Path;

use super::text::{CYAN, YELLOW, harmless, lines, paint};
use crate::plan::RunReport;

/// Warnings, orphans, and why the run ended early.
pub fn notices(report: &RunReport) -> String {
    let mut text = orphans(report);
    text.push_str(&warnings(report));
    if let Some(reason) = &report.aborted {
        _ = writeln!(text, "the run ended early: {}", harmless(reason));
    }
    text
}

/// Where the plan of a dry run was saved, and how it is applied.
pub fn saved(report: &RunReport, path: &Path) -> String {
    let path = path.display().to_string();
    if report.plan.changes.iter().any(|change| !change.blockers.is_empty()) {
        return format!("not saved to {}: something stands against this plan\n", harmless(&path));
    }
    format!("saved; to do just that: evenkeel apply {}\n", harmless(&path))
}

/// Lines that may hold what others wrote, such as the subject of a commit.
pub fn lines_of(text: &str) -> String {
    text.lines().map(|line| harmless(line).to_string() + "\n").collect()
}

pub(super) fn orphans(report: &RunReport) -> String {
    let mut text = String::new();
    for (kind, target) in &report.plan.orphans {
        let name = harmless(&target.name);
        _ = writeln!(text, "{} {kind}.{name}: no state declares it any more", paint(YELLOW, "? orphan "));
    }
    if report.plan.orphans.iter().any(|(kind, _)| matches!(*kind, "container" | "network")) {
        let hint = "--prune removes containers and networks that no state declares any more";
        _ = writeln!(text, "  {} {hint}", paint(CYAN, "hint:"));
    }
    text
}

pub(super) fn warnings(report: &RunReport) -> String {
    report.plan.warnings.iter().map(|text| warning(text)).collect()
}

/// One warning.
pub fn warning(text: &str) -> String {
    let mut shown = String::new();
    for (number, line) in lines(text).iter().enumerate() {
        _ = match number {
            0 => writeln!(shown, "{} {line}", paint(YELLOW, "warning:")),
            _ => writeln!(shown, "  {line}"),
        };
    }
    shown
}
