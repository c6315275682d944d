//! The shapes that values share: a text, a list, keys with values. Reads them in all their
//! spellings and words the complaints; knows nothing of what the values mean.

use crate::resource::{Reading, Vocabulary};
use crate::source::{Diagnostic, Diagnostics, Entry, Node, NodeValue, Place, Style, did_you_mean};

pub(super) type Read<T> = Result<T, Diagnostics>;

/// A key with its value; `None` where only the key was written.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub key: String,
    pub place: Place,
    pub value: Option<Node>,
}

impl Pair {
    fn of(entry: &Entry) -> Self {
        Self { key: entry.key.clone(), place: entry.key_place.clone(), value: Some(entry.value.clone()) }
    }

    fn from_text(text: &str, place: &Place) -> Self {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(Node::scalar(place.clone(), value, Style::Quoted))),
            None => (text, None),
        };
        Self { key: key.to_owned(), place: place.clone(), value }
    }
}

/// Complains that a node is not what was expected.
pub(super) fn unexpected(node: &Node, expects: &str) -> Diagnostic {
    let found = match &node.value {
        NodeValue::Scalar { text, .. } if !node.is_null() => format!("`{}`", shortened(text)),
        NodeValue::Scalar { .. } | NodeValue::List(_) | NodeValue::Map(_) => node.sort().to_owned(),
    };
    Diagnostic::error(&node.place, format!("expected {expects}, found {found}"))
}

/// An error about a node with its remedy.
pub(super) fn wrong(node: &Node, message: impl Into<String>, hint: impl Into<String>) -> Diagnostics {
    Diagnostic::error(&node.place, message).hint(hint).into()
}

/// The text of a scalar that is not null.
pub(super) fn text<'a>(node: &'a Node, expects: &str) -> Read<&'a str> {
    match node.text() {
        Some(text) if !node.is_null() => Ok(text),
        Some(_) | None => Err(unexpected(node, expects).into()),
    }
}

/// Does `read` for every item and gives all results, or all complaints.
pub(super) fn each<I, T>(
    items: impl IntoIterator<Item = I>,
    mut read: impl FnMut(I) -> Read<T>,
) -> Read<Vec<T>> {
    let mut problems = Diagnostics::default();
    let mut results = Vec::new();
    for item in items {
        match read(item) {
            Ok(result) => results.push(result),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(results) } else { Err(problems) }
}

/// The items of a list. A single value is a list of one; in Salt's vocabulary commas separate.
pub(super) fn items(node: &Node, reading: &Reading, expects: &str) -> Read<Vec<Node>> {
    match &node.value {
        NodeValue::List(items) => Ok(items.clone()),
        _ if node.is_null() => Ok(Vec::new()),
        NodeValue::Scalar { text, style } => Ok(match reading.vocabulary {
            Vocabulary::Salt => {
                pieces(text).map(|piece| Node::scalar(node.place.clone(), piece, *style)).collect()
            }
            Vocabulary::Plain => vec![node.clone()],
        }),
        NodeValue::Map(_) => Err(unexpected(node, expects).into()),
    }
}

/// The parts of a comma string.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|piece| !piece.is_empty())
}

/// Keys with values: a mapping, a list of `key=value` or of mappings, in Salt's vocabulary also a
/// comma string. A key may come twice in a list.
pub(super) fn pairs(node: &Node, reading: &Reading, expects: &str) -> Read<Vec<Pair>> {
    match &node.value {
        NodeValue::Map(entries) => Ok(entries.iter().map(Pair::of).collect()),
        _ if node.is_null() => Ok(Vec::new()),
        NodeValue::List(items) => {
            Ok(each(items, |item| pairs_of_item(item, expects))?.into_iter().flatten().collect())
        }
        NodeValue::Scalar { text, .. } if reading.vocabulary == Vocabulary::Salt => {
            Ok(pieces(text).map(|piece| Pair::from_text(piece, &node.place)).collect())
        }
        NodeValue::Scalar { .. } => {
            Err(unexpected(node, expects).hint("put it into brackets: a list of `KEY=value`").into())
        }
    }
}

fn pairs_of_item(item: &Node, expects: &str) -> Read<Vec<Pair>> {
    match &item.value {
        NodeValue::Map(entries) => Ok(entries.iter().map(Pair::of).collect()),
        NodeValue::Scalar { text, .. } if !item.is_null() => Ok(vec![Pair::from_text(text, &item.place)]),
        NodeValue::Scalar { .. } | NodeValue::List(_) => Err(unexpected(item, expects).into()),
    }
}

/// The entries of a mapping, also if it was written as Salt's list of one-key mappings.
pub(super) fn entries(node: &Node, expects: &str) -> Read<Vec<Entry>> {
    match &node.value {
        NodeValue::Map(entries) => Ok(entries.clone()),
        NodeValue::List(items) => Ok(each(items, |item| match item.as_map() {
            Some(entries) => Ok(entries.to_vec()),
            None => Err(unexpected(item, expects).into()),
        })?
        .into_iter()
        .flatten()
        .collect()),
        NodeValue::Scalar { .. } => Err(unexpected(node, expects).into()),
    }
}

/// Complains about a key that nobody knows.
pub(super) fn unknown_key(entry: &Entry, of: &str, known: &[&str]) -> Diagnostics {
    Diagnostic::error(&entry.key_place, format!("`{}` is not a key of {of}", entry.key))
        .hint(suggestion(&entry.key, known))
        .into()
}

/// `did you mean …?`, or else the words that are taken.
pub(super) fn suggestion(word: &str, known: &[&str]) -> String {
    match did_you_mean(word, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("it takes: {}", known.join(", ")),
    }
}

/// A value as a person would type it: `true`, `-1`, `some text`.
pub(super) fn written(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A command for a shell, or a program and its arguments.
pub(super) fn shell_command(node: &Node) -> Read<Vec<String>> {
    const COMMAND: &str = "a command, or a list of a program and its arguments";
    let words = match node.as_list() {
        Some(items) => each(items, |item| text(item, "a word").map(str::to_owned))?,
        None => match text(node, COMMAND)?.trim() {
            "" => Vec::new(),
            script => vec!["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned()],
        },
    };
    if words.is_empty() { Err(unexpected(node, COMMAND).into()) } else { Ok(words) }
}

/// A whole number in YAML's spellings.
pub(super) fn whole_number(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let number = match (digits.strip_prefix("0o"), digits.strip_prefix("0x")) {
        (Some(octal), _) => i64::from_str_radix(octal, 8),
        (_, Some(hexadecimal)) => i64::from_str_radix(hexadecimal, 16),
        (None, None) => digits.parse(),
    };
    number.ok().filter(|number| *number >= 0).map(|number| sign * number)
}

/// Cleans a path as the engine does: no `.`, no `..`, no doubled or trailing slashes.
pub(super) fn clean_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let rooted = path.starts_with('/');
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".to_owned(),
        (false, path) => path,
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_the_engine_does() {
        for (path, cleaned) in
            [("/w/", "/w"), ("//a//b/../c/.", "/a/c"), ("/..", "/"), ("a/../..", ".."), ("", "."), ("/", "/")]
        {
            assert_eq!(clean_path(path), cleaned, "{path}");
        }
    }

    #[test]
    fn whole_numbers_have_yaml_spellings() {
        assert_eq!(whole_number("0o17"), Some(15));
        assert_eq!(whole_number("-0x10"), Some(-16));
        assert_eq!(whole_number("+7"), Some(7));
        for text in ["", "-", "1_000", "1e3", "--1", "0x", "9999999999999999999", "0x-1"] {
            assert_eq!(whole_number(text), None, "{text}");
        }
    }
}
