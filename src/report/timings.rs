//! Where the time of a run went.

use std::fmt::Write;
use std::time::Duration;

use super::text::{BOLD, duration, paint};
use crate::plan::RunReport;

/// Renders the parts of the run, their sum and the numbers of requests.
pub fn timings(report: &RunReport) -> String {
    let total: Duration = report.timings.iter().map(|timing| timing.took).sum();
    let wide = report.timings.iter().map(|timing| timing.what.chars().count()).max().unwrap_or(0).max(8);
    let mut text = paint(BOLD, "timings") + "\n";
    for timing in &report.timings {
        _ = writeln!(text, "  {:<wide$}  {:>11}", timing.what, duration(timing.took));
    }
    _ = writeln!(text, "  {:<wide$}  {:>11}", "total", duration(total));
    _ = writeln!(text, "  {:<wide$}  {:>11}", "requests", report.requests);
    if report.registry_requests > 0 {
        _ = writeln!(text, "  {:<wide$}  {:>11}", "of registries", report.registry_requests);
    }
    text
}
