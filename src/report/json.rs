//! One JSON object per run. It is an API: keys stay, actions may be added.

use serde::Serialize;
use serde_json::Value;

use super::comment::comment;
use crate::plan::{Action, Change, ChangeReport, Ending, FieldDiff, RunReport};

/// Renders the run as one JSON object with a line break behind it.
pub fn json(report: &RunReport) -> String {
    let changes = report.plan.changes.iter().zip(&report.changes);
    let run = Run {
        states: changes.map(|(change, outcome)| state(change, outcome)).collect(),
        summary: Summary {
            total: report.changes.len(),
            unchanged: report.unchanged(),
            changed: report.count(|ending| *ending == Ending::Changed),
            pending: report.count(|ending| *ending == Ending::Pending),
            failed: report.count(|ending| matches!(ending, Ending::Failed { .. })),
            skipped: report.count(|ending| matches!(ending, Ending::Skipped { .. })),
        },
    };
    let text = serde_json::to_string_pretty(&run).expect("all keys are strings");
    text + "\n"
}

#[derive(Serialize)]
struct Run<'a> {
    states: Vec<State<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct State<'a> {
    id: &'a str,
    kind: &'a str,
    function: &'a str,
    name: &'a str,
    file: &'a str,
    line: u32,
    result: Option<bool>,
    action: &'static str,
    /// Present, and true, only where a state was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<bool>,
    cause: &'a str,
    diff: Vec<Difference<'a>>,
    steps: &'a [String],
    comment: String,
    duration_ms: u64,
    /// Only where a container was stopped and another one started in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    gap_ms: Option<u64>,
}

#[derive(Serialize)]
struct Difference<'a> {
    field: &'a str,
    from: &'a Value,
    to: &'a Value,
    impact: &'static str,
}

#[derive(Serialize)]
struct Summary {
    total: usize,
    unchanged: usize,
    changed: usize,
    pending: usize,
    failed: usize,
    skipped: usize,
}

fn state<'a>(change: &'a Change, outcome: &'a ChangeReport) -> State<'a> {
    let (result, action, cause) = match &outcome.ending {
        Ending::Unchanged | Ending::Conditional { .. } => (Some(true), Action::None, ""),
        Ending::Changed => (Some(true), change.action, change.cause.as_str()),
        Ending::Pending => (None, change.action, change.cause.as_str()),
        Ending::Failed { .. } => (Some(false), change.action, change.cause.as_str()),
        Ending::Skipped { because } => (Some(false), Action::None, because.as_str()),
    };
    State {
        id: &change.state.id,
        kind: change.state.kind,
        function: &change.state.function,
        name: &change.state.name,
        file: &change.state.file,
        line: change.state.line,
        result,
        action: action.word(),
        skipped: matches!(outcome.ending, Ending::Skipped { .. }).then_some(true),
        cause,
        diff: change.diff.iter().map(difference).collect(),
        steps: &outcome.steps,
        comment: comment(change, outcome),
        duration_ms: milliseconds(outcome.duration),
        gap_ms: outcome.gap.map(milliseconds),
    }
}

fn milliseconds(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn difference(diff: &FieldDiff) -> Difference<'_> {
    Difference { field: &diff.field, from: &diff.from, to: &diff.to, impact: diff.impact.word() }
}
