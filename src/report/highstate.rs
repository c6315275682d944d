//! Salt's layout of a highstate, character for character, so that eyes and scripts that know it go
//! on working. Facts beyond it stand in the comment.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::str::FromStr;

use anstyle::Style;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::comment::comment;
use super::text::{CYAN, GREEN, RED, YELLOW, harmless, lines, paint};
use super::view::View;
use crate::plan::{Change, ChangeReport, Ending, RunReport};

/// Which states are told in full, and by what they are called on a single line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateOutput {
    pub detail: Detail,
    pub label: Label,
}

/// Salt's `state_output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Every state in full.
    Full,
    /// Every state on one line.
    Terse,
    /// Failed states in full.
    Mixed,
    /// Failed and changed states in full.
    Changes,
}

/// What a state is called on a single line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    Name,
    Id,
}

impl StateOutput {
    /// The words that the command line takes.
    pub const WORDS: [&'static str; 8] =
        ["full", "terse", "mixed", "changes", "full_id", "terse_id", "mixed_id", "changes_id"];
}

impl FromStr for StateOutput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (word, label) = match text.strip_suffix("_id") {
            Some(word) => (word, Label::Id),
            None => (text, Label::Name),
        };
        let detail = match word {
            "full" => Detail::Full,
            "terse" => Detail::Terse,
            "mixed" => Detail::Mixed,
            "changes" => Detail::Changes,
            _ => return Err(format!("not one of {}", Self::WORDS.join(", "))),
        };
        Ok(Self { detail, label })
    }
}

/// Renders the whole run.
pub fn highstate(report: &RunReport, mode: StateOutput, view: &View) -> String {
    let states: Vec<_> = report
        .plan
        .changes
        .iter()
        .zip(&report.changes)
        .map(|(change, outcome)| State::new(change, outcome, view))
        .collect();
    let host = harmless(&report.host);
    let mut text = paint(header_colour(&states), format!("{host}:")) + "\n";
    for state in &states {
        if state.is_terse(mode.detail) {
            state.write_terse(&mut text, mode.label);
        } else {
            state.write_full(&mut text);
        }
    }
    text.push_str(&summary(&states, &host));
    text
}

/// What Salt prints when state files are wrong.
pub fn compile_error(host: &str, messages: &[String]) -> String {
    let mut text = format!("{}\n", paint(RED, format!("{}:", harmless(host))));
    _ = writeln!(text, "    {}", paint(RED, "Data failed to compile:"));
    for message in messages {
        _ = writeln!(text, "{}", paint(RED, "----------"));
        for line in lines(message) {
            _ = writeln!(text, "    {}", paint(RED, line));
        }
    }
    text
}

/// A state in Salt's terms.
struct State<'a> {
    change: &'a Change,
    /// As Salt prints Python's `True`, `False` and `None`.
    result: &'static str,
    comment: String,
    changes: Value,
    started: Option<String>,
    /// In milliseconds, rounded as Salt does.
    duration: f64,
}

impl<'a> State<'a> {
    fn new(change: &'a Change, outcome: &ChangeReport, view: &View) -> Self {
        let result = match outcome.ending {
            Ending::Unchanged | Ending::Changed | Ending::Conditional { .. } => "True",
            Ending::Pending => "None",
            Ending::Failed { .. } | Ending::Skipped { .. } => "False",
        };
        let started = outcome.started.and_then(|started| Timestamp::try_from(started).ok());
        Self {
            change,
            result,
            comment: comment(change, outcome),
            changes: changes(change, outcome),
            started: started.map(|at| at.to_zoned(view.zone.clone()).strftime("%H:%M:%S.%6f").to_string()),
            duration: (outcome.duration.as_secs_f64() * 1e6).round() / 1e3,
        }
    }

    fn is_changed(&self) -> bool {
        self.changes.as_object().is_some_and(|changes| !changes.is_empty())
    }

    fn is_terse(&self, detail: Detail) -> bool {
        match detail {
            Detail::Full => false,
            Detail::Terse => true,
            Detail::Mixed => self.result != "False",
            Detail::Changes => self.result == "True" && !self.is_changed(),
        }
    }

    fn colour(&self) -> Style {
        match self.result {
            "False" => RED,
            "None" => YELLOW,
            _ if self.is_changed() => CYAN,
            _ => GREEN,
        }
    }

    fn function(&self) -> String {
        format!("{}.{}", self.change.state.kind, harmless(&self.change.state.function))
    }

    fn write_full(&self, text: &mut String) {
        let colour = self.colour();
        let mut line = |line: String| _ = writeln!(text, "{}", paint(colour, line));
        line("----------".to_owned());
        line(format!("          ID: {}", harmless(&self.change.state.id)));
        line(format!("    Function: {}", self.function()));
        if self.change.state.id != self.change.state.name {
            line(format!("        Name: {}", harmless(&self.change.state.name)));
        }
        line(format!("      Result: {}", self.result));
        line(format!("     Comment: {}", self.comment.replace('\n', "\n              ")));
        if let Some(started) = &self.started {
            line(format!("     Started: {started}"));
            line(format!("    Duration: {:?} ms", self.duration));
        }
        line("     Changes:   ".to_owned());
        if self.is_changed() {
            nested(text, &self.changes, 14, "");
        }
    }

    fn write_terse(&self, text: &mut String, label: Label) {
        let label = match label {
            Label::Name => &self.change.state.name,
            Label::Id => &self.change.state.id,
        };
        let result = match self.result {
            "False" => "Failed",
            "None" => "Differs",
            _ if self.is_changed() => "Changed",
            _ => "Clean",
        };
        let mut line =
            format!("  Name: {} - Function: {} - Result: {result}", harmless(label), self.function());
        if let Some(started) = &self.started {
            _ = write!(line, " - Started: {started} - Duration: {:?} ms", self.duration);
        }
        _ = writeln!(text, "{}", paint(self.colour(), line));
    }
}

/// What changed, as Salt nests it: the kind, its fields, and `new` and `old` of each.
fn changes(change: &Change, outcome: &ChangeReport) -> Value {
    if !matches!(outcome.ending, Ending::Changed | Ending::Pending) {
        return Value::Object(Map::new());
    }
    let fields: Map<String, Value> = change
        .diff
        .iter()
        .map(|diff| {
            let both = [("new", &diff.to), ("old", &diff.from)];
            let both = both.into_iter().map(|(key, value)| (key.to_owned(), value.clone())).collect();
            (diff.field.clone(), Value::Object(both))
        })
        .collect();
    let changes = if fields.is_empty() {
        (change.action.word().to_owned(), Value::String(change.state.name.clone()))
    } else {
        (change.state.kind.to_owned(), Value::Object(fields))
    };
    Value::Object(Map::from_iter([changes]))
}

/// Salt's `nested` outputter.
fn nested(text: &mut String, value: &Value, indent: usize, prefix: &str) {
    let mut line = |style: Style, content: &str| {
        _ = writeln!(text, "{:indent$}{prefix}{}", "", paint(style, content));
    };
    match value {
        Value::Null => line(YELLOW, "None"),
        Value::Bool(true) => line(YELLOW, "True"),
        Value::Bool(false) => line(YELLOW, "False"),
        Value::Number(number) => line(YELLOW, &number.to_string()),
        Value::String(string) => {
            for (number, part) in string.lines().enumerate() {
                let prefix = if number == 0 { prefix } else { &" ".repeat(prefix.len()) };
                _ = writeln!(text, "{:indent$}{prefix}{}", "", paint(GREEN, harmless(part)));
            }
        }
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::Array(_) => {
                        _ = writeln!(text, "{:indent$}{}", "", paint(GREEN, "|_"));
                        nested(text, item, indent + 2, "- ");
                    }
                    Value::Object(_) => {
                        _ = writeln!(text, "{:indent$}{}", "", paint(GREEN, "|_"));
                        nested(text, item, indent + 2, "");
                    }
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                        nested(text, item, indent, "- ");
                    }
                }
            }
        }
        Value::Object(map) => {
            _ = writeln!(text, "{:indent$}{}", "", paint(CYAN, "----------"));
            for (key, value) in map.iter().collect::<BTreeMap<_, _>>() {
                let key = paint(CYAN, format!("{}:", harmless(key)));
                _ = writeln!(text, "{:indent$}{prefix}{key}", "");
                nested(text, value, indent + 4, "");
            }
        }
    }
}

/// The colour of the worst state.
fn header_colour(states: &[State]) -> Style {
    let is = |result| states.iter().any(|state| state.result == result);
    if is("False") {
        RED
    } else if is("None") {
        YELLOW
    } else if states.iter().any(State::is_changed) {
        CYAN
    } else {
        GREEN
    }
}

fn summary(states: &[State], host: &str) -> String {
    let count = |result| states.iter().filter(|state| state.result == result).count();
    let (pending, failed) = (count("None"), count("False"));
    let succeeded = count("True") + pending;
    let changed = states.iter().filter(|state| state.is_changed()).count();
    let digits = [count("True"), pending, failed].map(|count| count.to_string().len());
    let wide = 11 + digits.into_iter().max().unwrap_or(1);
    let counts = |label: &str, count: usize| format!("{label}: {count:>0$}", wide - label.len() - 2);

    let mut details = Vec::new();
    if pending > 0 {
        details.push(paint(YELLOW, format!("unchanged={pending}")));
    }
    if changed > 0 {
        details.push(paint(GREEN, format!("changed={changed}")));
    }
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    let failed_colour = if failed > 0 { RED } else { CYAN };

    let mut text = format!("\n{}\n", paint(CYAN, format!("Summary for {host}")));
    _ = writeln!(text, "{}", paint(CYAN, "-".repeat(wide)));
    _ = writeln!(text, "{}{details}", paint(GREEN, counts("Succeeded", succeeded)));
    _ = writeln!(text, "{}", paint(failed_colour, counts("Failed", failed)));
    _ = writeln!(text, "{}", paint(CYAN, "-".repeat(wide)));
    _ = writeln!(text, "{}", paint(CYAN, format!("Total states run: {:>1$}", states.len(), wide - 7)));
    let millis: f64 = states.iter().map(|state| state.duration).sum();
    let (time, unit) = if millis > 999.0 { (millis / 1000.0, "s") } else { (millis, "ms") };
    let time = format!("{time:.3}");
    _ = writeln!(text, "{}", paint(CYAN, format!("Total run time: {time:>0$} {unit}", wide - 5)));
    text
}
