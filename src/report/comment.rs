//! A change and its end in a few sentences, for Salt's layout and for JSON.

use super::text::{gap_text, harmless, lines};
use crate::plan::{Action, Change, ChangeReport, Ending, When};

/// Says what happened, why, and what else is to be known; one line each.
pub(super) fn comment(change: &Change, outcome: &ChangeReport) -> String {
    let what = format!("{} {}", change.state.kind, harmless(&change.state.name));
    let done = participle(change.action);
    let mut said = match &outcome.ending {
        Ending::Unchanged => match change.not_looked_at() {
            Some(why) => vec![format!("{what} was not looked at: {}", harmless(why))],
            None if is_remedy(change) => vec![format!("{what} was not needed, nothing failed")],
            None => vec![format!("{what} is as declared")],
        },
        Ending::Changed => vec![with_cause(format!("{what} was {done}"), change)],
        Ending::Pending => vec![with_cause(format!("{what} would be {done}"), change)],
        Ending::Conditional { only_if } => {
            vec![format!("{what} would be {done} only if {}", harmless(only_if))]
        }
        Ending::Skipped { because } => lines(because),
        Ending::Failed { reason, hint } => {
            let mut said: Vec<_> = change.blockers.iter().flat_map(|blocker| lines(blocker)).collect();
            if !change.blockers.contains(reason) {
                said.extend(lines(reason));
            }
            said.extend(
                outcome.output.iter().flat_map(|output| lines(output)).map(|line| format!("| {line}")),
            );
            said.extend(hint.iter().flat_map(|hint| lines(hint)).map(|line| format!("hint: {line}")));
            said
        }
    };
    said.extend(outcome.gap.map(|gap| format!("note: {}", gap_text(gap))));
    let notes = change.notes.iter().chain(&outcome.notes);
    said.extend(notes.flat_map(|note| lines(note)).map(|line| format!("note: {line}")));
    said.join("\n")
}

/// True for what is only done when something else fails.
pub(super) fn is_remedy(change: &Change) -> bool {
    matches!(change.when, When::OnFailure(_))
}

fn with_cause(sentence: String, change: &Change) -> String {
    let mut text = sentence;
    if !change.cause.is_empty() {
        text = format!("{text}: {}", harmless(&change.cause));
    }
    if let Some(effect) = change.effect.words() {
        text = format!("{text} ({effect})");
    }
    text
}

fn participle(action: Action) -> &'static str {
    match action {
        Action::None => "left alone",
        Action::Create => "created",
        Action::Start => "started",
        Action::Stop => "stopped",
        Action::Rename => "renamed",
        Action::Signal => "signalled",
        Action::Update => "updated",
        Action::Restart => "restarted",
        Action::Replace => "replaced",
        Action::Remove => "removed",
        Action::Pull => "pulled",
        Action::Build => "built",
        Action::Load => "loaded",
        Action::Push => "pushed",
        Action::Save => "saved",
        Action::Recover => "recovered",
        Action::Refuse => "refused",
        Action::Tag => "tagged",
        Action::Run => "run",
        Action::Adopt => "adopted",
    }
}
