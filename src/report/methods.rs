//! What came of validations and updates, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::text::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, duration, harmless, lines, paint};
use super::view::View;
use crate::plan::{Method, MethodEnding, MethodReport, MethodRun};

/// Renders one line per method, what to do about those that failed, and one closing line.
pub fn methods(report: &MethodReport, view: &View) -> String {
    let mut text = String::new();
    for run in &report.runs {
        let name = paint(BOLD, harmless(&run.subject.name));
        _ = writeln!(text, "{name}: {}: {}", what(run), how(run, view));
        let hint = match &run.ending {
            MethodEnding::NotRun { hint, .. } => hint.as_deref(),
            MethodEnding::TimedOut(_) | MethodEnding::Stopped => Some("it may still run in the container"),
            MethodEnding::Exited(_) | MethodEnding::Lost(_) => None,
        };
        for line in lines(hint.unwrap_or_default()) {
            _ = writeln!(text, "  {}: {line}", paint(CYAN, "hint"));
        }
    }
    let mut left_out: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, reason) in &report.left_out {
        left_out.entry(reason).or_default().push(harmless(name));
    }
    for (reason, names) in left_out {
        let line = format!("left out: {} ({})", names.join(", "), harmless(reason));
        _ = writeln!(text, "{}", paint(DIM, line));
    }
    let counts = Counts::of(report);
    let mut end = format!("{} passed, {} failed", counts.passed, counts.failed);
    if counts.unknown > 0 {
        _ = write!(end, ", {} without an end", counts.unknown);
    }
    if !report.left_out.is_empty() {
        _ = write!(end, ", {} left out", report.left_out.len());
    }
    text + &end + "\n"
}

/// Renders the same as one JSON object.
pub fn methods_json(report: &MethodReport) -> String {
    let runs: Vec<_> = report.runs.iter().map(run_json).collect();
    let left_out: Vec<_> =
        report.left_out.iter().map(|(name, reason)| json!({"container": name, "reason": reason})).collect();
    let counts = Counts::of(report);
    let json = json!({
        "runs": runs,
        "left_out": left_out,
        "summary": {
            "total": report.runs.len(),
            "passed": counts.passed,
            "failed": counts.failed,
            "unknown": counts.unknown,
            "left_out": report.left_out.len(),
        },
    });
    format!("{json:#}\n")
}

struct Counts {
    passed: usize,
    failed: usize,
    unknown: usize,
}

impl Counts {
    fn of(report: &MethodReport) -> Self {
        let count = |word: &str| report.runs.iter().filter(|run| run.ending.word() == word).count();
        Self { passed: count("passed"), failed: count("failed"), unknown: count("unknown") }
    }
}

/// `revision 12, update 3`
fn what(run: &MethodRun) -> String {
    let revision = run.subject.revision.map(|revision| format!("revision {revision}, ")).unwrap_or_default();
    match (run.method, run.number) {
        (Method::Validate, _) => format!("{revision}validation"),
        (Method::Update, Some(number)) => format!("{revision}update {number}"),
        (Method::Update, None) => format!("{revision}update"),
    }
}

fn how(run: &MethodRun, view: &View) -> String {
    let took = duration(run.took);
    let failed = paint(RED, format!("{} failed", view.glyphs.failed()));
    match &run.ending {
        MethodEnding::Exited(0) => format!("{} in {took}", paint(GREEN, "passed")),
        MethodEnding::Exited(code) => format!("{failed} with exit code {code} after {took}"),
        MethodEnding::NotRun { reason, .. } => format!("{failed}: {}", lines(reason).join(" ")),
        MethodEnding::TimedOut(bound) => {
            let bound = duration(*bound);
            format!("{}: it did not end within --timeout {bound}", paint(YELLOW, "no longer waited for"))
        }
        MethodEnding::Stopped => format!("{}: stopped", paint(YELLOW, "no longer waited for")),
        MethodEnding::Lost(reason) => {
            format!("{}: {}", paint(YELLOW, "its end is not known"), lines(reason).join(" "))
        }
    }
}

fn run_json(run: &MethodRun) -> Value {
    let subject = &run.subject;
    let reason = match &run.ending {
        MethodEnding::Exited(_) => None,
        MethodEnding::NotRun { reason, .. } | MethodEnding::Lost(reason) => Some(reason.clone()),
        MethodEnding::TimedOut(bound) => Some(format!("it did not end within {}", duration(*bound))),
        MethodEnding::Stopped => Some("stopped".to_owned()),
    };
    json!({
        "container": subject.name,
        "project": subject.owner.as_ref().map(|owner| &owner.project),
        "env": subject.owner.as_ref().map(|owner| &owner.env),
        "revision": subject.revision,
        "image": subject.image,
        "digest": subject.digest,
        "version": subject.version,
        "method": run.method.word(),
        "number": run.number,
        "result": run.ending.word(),
        "exit_code": run.ending.exit_code(),
        "reason": reason,
        "duration_ms": u64::try_from(run.took.as_millis()).unwrap_or(u64::MAX),
        "on_record": run.is_on_record,
    })
}
