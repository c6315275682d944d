//! Revisions of containers, for people and for programs.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::status::{NAME, ago, short_digest};
use super::table::{NOTHING, laid_out, start_of};
use super::text::{BOLD, DIM, GREEN, RED, YELLOW, duration, harmless, paint};
use super::view::{Amount, View};
use crate::plan::{HistoryRead, HistoryReport, Revision, RevisionDifferences, RevisionResult, Whereabouts};

/// Digits of a commit that are shown.
const DIGITS: usize = 7;
const HEADS: [&str; 8] = ["NAME", "REV", "WHEN", "RESULT", "NOW", "VERSION", "DIGEST", "IMAGE"];
/// Behind the number of what only labels tell of.
const UNRECORDED: &str = "*";
const INDENT: &str = "     ";

/// Renders a line per revision, and one below it that says who made it, and why. What is too long for a line is cut,
/// unless more is to be told.
pub fn history(report: &HistoryReport, view: &View) -> String {
    let mut rows = vec![HEADS.map(str::to_owned)];
    rows.extend(report.revisions.iter().map(|revision| cells(revision, report.now, view)));
    let mut text = String::new();
    let is_kept = |column: usize| (column == 0).then_some(report.name.is_none());
    for (number, line) in laid_out(&rows, is_kept, view).into_iter().enumerate() {
        let line = fitting(&line, view);
        let Some(revision) = number.checked_sub(1).map(|index| &report.revisions[index]) else {
            _ = writeln!(text, "{}", paint(BOLD, line));
            continue;
        };
        _ = writeln!(text, "{}", painted(revision, line));
        text += &details(revision, view);
    }
    if report.revisions.is_empty() {
        text += "no container here is evenkeel's, and none is on record\n";
    } else if report.record == HistoryRead::Read && report.revisions.iter().any(|one| !one.is_on_record) {
        let note = format!("{UNRECORDED} not on record here: told by the labels of the container");
        _ = writeln!(text, "{}", paint(DIM, fitting(&note, view)));
    }
    text
}

/// Renders the same as one JSON object.
pub fn history_json(report: &HistoryReport) -> String {
    let revisions: Vec<_> = report.revisions.iter().map(revision_json).collect();
    let unread = match &report.record {
        HistoryRead::Unreadable(reason) => Some(reason),
        HistoryRead::Read | HistoryRead::Missing => None,
    };
    let json = json!({"name": report.name, "revisions": revisions, "history": unread});
    format!("{json:#}\n")
}

/// Renders what differs between two revisions.
pub fn differences(report: &RevisionDifferences, view: &View) -> String {
    let (from, to) = (harmless(&report.from.label()), harmless(&report.to.label()));
    let mut text = match report.differences.len() {
        0 => format!("{from} and {to} are declared alike\n"),
        _ => format!("{from} {} {to}\n", view.glyphs.arrow()),
    };
    text.extend(report.differences.iter().map(|diff| super::difference::bare(diff, view)));
    if !report.hidden.is_empty() {
        let note = format!("secrets are kept of neither, and not compared: {}", report.hidden.join(", "));
        _ = writeln!(text, "{}", paint(DIM, harmless(&note)));
    }
    text
}

/// Renders the same as one JSON object.
pub fn differences_json(report: &RevisionDifferences) -> String {
    let rows = report.differences.iter();
    let rows: Vec<_> =
        rows.map(|diff| json!({"field": diff.field, "from": diff.from, "to": diff.to})).collect();
    let json = json!({
        "from": revision_json(&report.from),
        "to": revision_json(&report.to),
        "differences": rows,
        "not_compared": report.hidden,
    });
    format!("{json:#}\n")
}

fn cells(revision: &Revision, now: Timestamp, view: &View) -> [String; 8] {
    let or_nothing = |text: Option<&str>| text.map_or(NOTHING.to_owned(), harmless);
    let mark = if revision.is_on_record { "" } else { UNRECORDED };
    let number = revision.number.map_or("?".to_owned(), |number| format!("r{number}"));
    let digest = revision.digest.as_deref().or(revision.image_id.as_deref()).map(short_digest);
    [
        start_of(&harmless(&revision.name), NAME, view.glyphs),
        format!("{number}{mark}"),
        revision.when.map_or(NOTHING.to_owned(), |when| ago(when, now)),
        revision.result.word().to_owned(),
        harmless(&now_text(&revision.whereabouts)),
        or_nothing(revision.version.as_deref()),
        or_nothing(digest.as_deref()),
        or_nothing(Some(revision.image.as_str()).filter(|image| !image.is_empty())),
    ]
}

fn now_text(whereabouts: &Whereabouts) -> String {
    match whereabouts {
        // Only what runs has a health.
        Whereabouts::Current { state, health } => {
            health.as_ref().filter(|_| state == "running").unwrap_or(state).clone()
        }
        Whereabouts::Kept { name, .. } => format!("kept as {name}"),
        Whereabouts::Beside { name, state } => format!("{state} as {name}"),
        Whereabouts::Gone => "gone".to_owned(),
    }
}

/// Who made it, what that took and why; why it failed; what differed.
fn details(revision: &Revision, view: &View) -> String {
    let cause = revision.cause.as_deref().unwrap_or("made");
    let mut parts = vec![match &revision.by {
        Some(by) => format!("{cause} by {by}"),
        None => cause.to_owned(),
    }];
    parts.extend(revision.commit.as_ref().map(|commit| format!("commit {}", short_commit(commit))));
    parts.extend(revision.took.map(|took| format!("took {}", duration(took))));
    parts.extend(revision.gap.map(|gap| format!("away for {}", duration(gap))));
    let mut line = parts.join(", ");
    if let Some(why) = &revision.why {
        line += &format!(": {why}");
    }
    let mut text = String::new();
    if revision.by.is_some() || revision.cause.is_some() || revision.took.is_some() {
        _ = writeln!(text, "{}", fitting(&format!("{INDENT}{}", harmless(&line)), view));
    }
    for line in revision.reason.iter().flat_map(|reason| reason.lines()) {
        let line = fitting(&format!("{INDENT}{} {}", view.glyphs.failed(), harmless(line)), view);
        _ = writeln!(text, "{}", paint(RED, line));
    }
    if view.amount == Amount::Brief {
        return text;
    }
    for difference in &revision.differences {
        _ = writeln!(text, "{INDENT}{} {}", paint(YELLOW, "~"), harmless(difference));
    }
    let plan = revision.plan.iter().flat_map(|plan| plan.lines());
    let rest = plan.filter(|line| !revision.differences.iter().any(|difference| difference == line));
    for (number, line) in rest.enumerate() {
        let line = if number == 0 { format!("plan: {line}") } else { format!("  {line}") };
        _ = writeln!(text, "{INDENT}{}", paint(DIM, harmless(&line)));
    }
    text
}

/// The beginning of a commit, with what is behind it, such as `-dirty`.
fn short_commit(commit: &str) -> String {
    let (hex, rest) = commit.split_at(commit.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(commit.len()));
    format!("{}{rest}", hex.get(..DIGITS).unwrap_or(hex))
}

/// A line that is no wider than the reader's, unless everything is to be told.
fn fitting(line: &str, view: &View) -> String {
    match view.amount {
        Amount::Brief => start_of(line, view.width, view.glyphs),
        Amount::Verbose => line.to_owned(),
    }
}

/// A line in the colour of what a person should look at.
fn painted(revision: &Revision, line: String) -> String {
    match (&revision.result, &revision.whereabouts) {
        (RevisionResult::Failed, _) => paint(RED, line),
        (RevisionResult::Unfinished, _) | (_, Whereabouts::Beside { .. }) => paint(YELLOW, line),
        (_, Whereabouts::Current { state, health }) => match (state.as_str(), health.as_deref()) {
            ("running", Some("unhealthy")) => paint(RED, line),
            ("running", _) => paint(GREEN, line),
            _ => paint(YELLOW, line),
        },
        (_, Whereabouts::Kept { .. }) => line,
        (_, Whereabouts::Gone) => paint(DIM, line),
    }
}

fn revision_json(revision: &Revision) -> Value {
    let (place, state) = match &revision.whereabouts {
        Whereabouts::Current { state, .. } => ("current", Some(state)),
        Whereabouts::Kept { state, .. } => ("kept", Some(state)),
        Whereabouts::Beside { state, .. } => ("beside", Some(state)),
        Whereabouts::Gone => ("gone", None),
    };
    let health = match &revision.whereabouts {
        Whereabouts::Current { health, .. } => health.as_ref(),
        Whereabouts::Kept { .. } | Whereabouts::Beside { .. } | Whereabouts::Gone => None,
    };
    json!({
        "name": revision.name,
        "revision": revision.number,
        "project": revision.owner.as_ref().map(|owner| &owner.project),
        "env": revision.owner.as_ref().map(|owner| &owner.env),
        "when": revision.when.map(|when| when.to_string()),
        "result": revision.result.word(),
        "reason": revision.reason,
        "now": place,
        "container": revision.container,
        "container_name": revision.whereabouts.name(&revision.name),
        "state": state,
        "health": health,
        "image": revision.image,
        "image_id": revision.image_id,
        "digest": revision.digest,
        "version": revision.version,
        "by": revision.by,
        "cause": revision.cause,
        "why": revision.why,
        "commit": revision.commit,
        "took_ms": revision.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        "gap_ms": revision.gap.map(|gap| u64::try_from(gap.as_millis()).unwrap_or(u64::MAX)),
        "on_record": revision.is_on_record,
        "differences": revision.differences,
        "plan": revision.plan,
    })
}
