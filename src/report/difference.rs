//! One field that differs: on a line if it fits, else line by line.

use std::fmt::Write;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::text::{DIM, GREEN, RED, YELLOW, harmless, paint};
use super::view::View;
use crate::plan::{FieldDiff, shown};

/// Renders `diff` below the head line of its change.
pub(super) fn difference(diff: &FieldDiff, view: &View) -> String {
    rendered(diff, &format!("({})", diff.impact.word()), view)
}

/// Renders `diff` where nothing is to be done about it.
pub(super) fn bare(diff: &FieldDiff, view: &View) -> String {
    rendered(diff, "", view)
}

fn rendered(diff: &FieldDiff, impact: &str, view: &View) -> String {
    let field = harmless(&diff.field);
    let (glyph, style, value) = match (&diff.from, &diff.to) {
        (Value::Null, to) => ("+", GREEN, harmless(&shown(to))),
        (from, Value::Null) => ("-", RED, harmless(&shown(from))),
        (from, to) => {
            let (from, to) = (harmless(&shown(from)), harmless(&shown(to)));
            ("~", YELLOW, format!("{from} {} {to}", view.glyphs.arrow()))
        }
    };
    let impact = if impact.is_empty() { String::new() } else { format!("   {}", paint(DIM, impact)) };
    let shown = anstream::adapter::strip_str(&impact).to_string();
    let columns = 2 + 2 + field.chars().count() + 2 + value.chars().count() + shown.len();
    let glyph = paint(style, glyph);
    if columns <= view.width && !has_lines(&diff.from) && !has_lines(&diff.to) {
        return format!("  {glyph} {field}: {value}{impact}\n");
    }
    format!("  {glyph} {field}:{impact}\n{}", block(&diff.from, &diff.to))
}

/// The lines that go and come, with one unchanged line around them.
fn block(from: &Value, to: &Value) -> String {
    let ends = |value: &Value| value.as_str().is_none_or(|text| text.ends_with('\n'));
    let (mut old, mut new) = (value_lines(from), value_lines(to));
    // A last line that is ended on both sides is no further line.
    if ends(from) && ends(to) && !(from.is_null() && to.is_null()) {
        for lines in [&mut old, &mut new] {
            lines.pop_if(|last| last.is_empty());
        }
    }
    let old: Vec<&str> = old.iter().map(String::as_str).collect();
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    let diff = TextDiff::from_slices(&old, &new);
    let mut text = String::new();
    for (number, group) in diff.grouped_ops(1).iter().enumerate() {
        if number > 0 {
            text.push_str("      ...\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value();
            _ = match change.tag() {
                ChangeTag::Delete => writeln!(text, "      {}", paint(RED, format!("- {line}"))),
                ChangeTag::Insert => writeln!(text, "      {}", paint(GREEN, format!("+ {line}"))),
                ChangeTag::Equal => writeln!(text, "        {line}"),
            };
        }
    }
    text
}

fn value_lines(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(|item| harmless(&shown(item))).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| format!("{}: {}", harmless(key), harmless(&shown(value)))).collect()
        }
        Value::String(text) if text.contains('\n') => text.split('\n').map(harmless).collect(),
        Value::String(_) | Value::Bool(_) | Value::Number(_) => vec![harmless(&shown(value))],
    }
}

fn has_lines(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim_end().contains('\n'))
}
