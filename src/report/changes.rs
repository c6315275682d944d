//! The default output: every change with its reason, its effect and its fields, and one closing
//! line. What is as declared is counted, not listed.

use std::fmt::Write;

use anstyle::Style;

use super::comment::is_remedy;
use super::difference::difference;
use super::notices::{orphans, warnings};
use super::text::{BLUE, BOLD, CYAN, DIM, GREEN, RED, YELLOW, duration, gap_text, harmless, lines, paint};
use super::view::{Amount, View};
use crate::plan::{Action, Change, ChangeReport, Ending, Impact, RunReport, StateRef};

/// Renders the whole run.
pub fn changes(report: &RunReport, view: &View) -> String {
    let mut text = String::new();
    for (change, outcome) in report.plan.changes.iter().zip(&report.changes) {
        if is_worth_telling(change, outcome, view) {
            text.push_str(&entry(change, outcome, view));
        }
    }
    text.push_str(&orphans(report));
    text.push_str(&warnings(report));
    if let Some(reason) = &report.aborted {
        _ = writeln!(text, "{} {}", paint(RED.bold(), "the run ended early:"), harmless(reason));
    }
    text.push_str(&closing_line(report));
    text
}

/// What is as declared is told only if there is something to know of it; what was not looked at always.
fn is_worth_telling(change: &Change, outcome: &ChangeReport, view: &View) -> bool {
    outcome.ending != Ending::Unchanged
        || view.amount == Amount::Verbose
        || change.not_looked_at().is_some()
        || !change.notes.is_empty()
        || !outcome.notes.is_empty()
        || change.diff.iter().any(|diff| diff.impact == Impact::Note)
}

fn entry(change: &Change, outcome: &ChangeReport, view: &View) -> String {
    let mut text = head(change, outcome, view);
    for diff in told_differences(change, outcome) {
        text.push_str(&difference(diff, view));
    }
    for blocker in &change.blockers {
        line(&mut text, RED, "refused", blocker);
    }
    for note in &change.notes {
        line(&mut text, BLUE, "note", note);
    }
    if view.amount == Amount::Verbose {
        for step in &outcome.steps {
            line(&mut text, DIM, "step", step);
        }
        if outcome.ending != Ending::Unchanged && !outcome.duration.is_zero() {
            line(&mut text, DIM, "took", &duration(outcome.duration));
        }
    }
    if let Ending::Failed { reason, hint } = &outcome.ending {
        if !change.blockers.contains(reason) {
            line(&mut text, RED, "failed", reason);
        }
        for output in outcome.output.iter().flat_map(|output| lines(output)) {
            _ = writeln!(text, "    {} {output}", paint(DIM, "|"));
        }
        if let Some(hint) = hint {
            line(&mut text, CYAN, "hint", hint);
        }
    }
    if let Some(gap) = outcome.gap {
        line(&mut text, BLUE, "note", &gap_text(gap));
    }
    // What came of a failure is read after it.
    for note in &outcome.notes {
        line(&mut text, BLUE, "note", note);
    }
    let is_failed = matches!(outcome.ending, Ending::Failed { .. });
    if (is_failed || view.amount == Amount::Verbose) && !change.state.file.is_empty() {
        line(&mut text, DIM, "declared in", &format!("{}:{}", change.state.file, change.state.line));
    }
    text
}

fn head(change: &Change, outcome: &ChangeReport, view: &View) -> String {
    let (glyph, style, word) = match &outcome.ending {
        Ending::Unchanged => ("=", DIM, "ok"),
        Ending::Changed | Ending::Pending => {
            let (glyph, style) = glyph(change.action);
            (glyph, style, change.action.word())
        }
        Ending::Conditional { .. } => ("?", DIM, change.action.word()),
        Ending::Failed { .. } => (view.glyphs.failed(), RED, change.action.word()),
        Ending::Skipped { .. } => (view.glyphs.skipped(), DIM, "skipped"),
    };
    let mut text = format!("{} {}", paint(style.bold(), glyph), paint(style, format!("{word:<7}")));
    _ = write!(text, " {}", paint(BOLD, title(&change.state)));
    let why = reasons(change, outcome);
    if !why.is_empty() {
        _ = write!(text, ": {}", why.join("; "));
    }
    text.push('\n');
    text
}

/// Why it is done and what that means for others.
fn reasons(change: &Change, outcome: &ChangeReport) -> Vec<String> {
    let mut reasons = Vec::new();
    match &outcome.ending {
        Ending::Unchanged => reasons.push(match change.not_looked_at() {
            Some(why) => format!("not looked at: {}", harmless(why)),
            None if is_remedy(change) => "not needed, nothing failed".to_owned(),
            None => "as declared".to_owned(),
        }),
        Ending::Conditional { only_if } => reasons.push(format!("only if {}", harmless(only_if))),
        Ending::Skipped { because } => reasons.push(harmless(because)),
        Ending::Changed | Ending::Pending | Ending::Failed { .. } => {
            if !change.cause.is_empty() {
                reasons.push(harmless(&change.cause));
            }
            if change.blockers.is_empty()
                && let Some(effect) = change.effect.words()
            {
                reasons.push(paint(YELLOW, effect));
            }
        }
    }
    reasons
}

/// The fields that belong to what was told: all of a change, of an untouched state the remarks.
fn told_differences<'a>(
    change: &'a Change,
    outcome: &'a ChangeReport,
) -> impl Iterator<Item = &'a crate::plan::FieldDiff> {
    let is_touched = !matches!(outcome.ending, Ending::Unchanged | Ending::Skipped { .. });
    change.diff.iter().filter(move |diff| is_touched || diff.impact == Impact::Note)
}

/// `container.web`, with the state's ID where the object is called otherwise.
fn title(state: &StateRef) -> String {
    let name = harmless(&state.name);
    if state.id == state.name || state.id.is_empty() {
        format!("{}.{name}", state.kind)
    } else {
        format!("{}.{name} ({})", state.kind, harmless(&state.id))
    }
}

fn glyph(action: Action) -> (&'static str, Style) {
    match action {
        Action::Create
        | Action::Pull
        | Action::Build
        | Action::Load
        | Action::Push
        | Action::Save
        | Action::Tag
        | Action::Start => ("+", GREEN),
        Action::Remove | Action::Stop => ("-", RED),
        Action::Update
        | Action::Rename
        | Action::Signal
        | Action::Restart
        | Action::Replace
        | Action::Run
        | Action::Recover
        | Action::Adopt => ("~", YELLOW),
        Action::Refuse => ("!", RED),
        Action::None => ("=", DIM),
    }
}

/// A named detail; further lines of it are indented below.
fn line(text: &mut String, style: Style, name: &str, detail: &str) {
    for (number, detail) in lines(detail).iter().enumerate() {
        _ = match number {
            0 => writeln!(text, "  {} {detail}", paint(style, format!("{name}:"))),
            _ => writeln!(text, "    {detail}"),
        };
    }
}

fn closing_line(report: &RunReport) -> String {
    let unchanged = report.unchanged();
    let failed = report.count(|ending| matches!(ending, Ending::Failed { .. }));
    let skipped = report.count(|ending| matches!(ending, Ending::Skipped { .. }));
    let (changed, word) = if report.dry_run {
        (report.count(|ending| *ending == Ending::Pending), "would change")
    } else {
        (report.count(|ending| *ending == Ending::Changed), "changed")
    };
    let styled = |count: usize, style: Style, word: &str| {
        let style = if count == 0 { Style::new() } else { style };
        paint(style, format!("{count} {word}"))
    };
    let mut parts = vec![
        styled(changed, YELLOW, word),
        styled(unchanged, GREEN, "unchanged"),
        styled(failed, RED, "failed"),
    ];
    if skipped > 0 {
        parts.push(styled(skipped, RED, "skipped"));
    }
    parts.join(", ") + "\n"
}
