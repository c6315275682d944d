//! A parsed value in which every part knows its place.

use super::Place;

/// How a scalar was written; only plain scalars may stand for something else than their text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    /// Quoted or a block scalar: always a string.
    Quoted,
}

/// A parsed value. Scalars keep the text that was written; the type of the field that takes them
/// decides what they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub place: Place,
    pub value: NodeValue,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeValue {
    Scalar {
        text: String,
        style: Style,
    },
    List(Vec<Node>),
    /// In the order in which it was written; keys are unique.
    Map(Vec<Entry>),
}

/// One key of a map with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Always a scalar's text; the place is the key's own.
    pub key: String,
    pub key_place: Place,
    pub value: Node,
}

impl Node {
    pub fn scalar(place: Place, text: impl Into<String>, style: Style) -> Self {
        Self { place, value: NodeValue::Scalar { text: text.into(), style } }
    }

    pub fn list(place: Place, items: Vec<Node>) -> Self {
        Self { place, value: NodeValue::List(items) }
    }

    pub fn map(place: Place, entries: Vec<Entry>) -> Self {
        Self { place, value: NodeValue::Map(entries) }
    }

    /// The text of a scalar, however it was quoted.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            NodeValue::Scalar { text, .. } => Some(text),
            NodeValue::List(_) | NodeValue::Map(_) => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            NodeValue::List(items) => Some(items),
            NodeValue::Scalar { .. } | NodeValue::Map(_) => None,
        }
    }

    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.value {
            NodeValue::Map(entries) => Some(entries),
            NodeValue::Scalar { .. } | NodeValue::List(_) => None,
        }
    }

    /// The value behind a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// True for a plain `null`, `~` or nothing at all.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, NodeValue::Scalar { text, style: Style::Plain }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What a message calls this sort of value.
    pub fn sort(&self) -> &'static str {
        match &self.value {
            _ if self.is_null() => "nothing",
            NodeValue::Scalar { .. } => "a single value",
            NodeValue::List(_) => "a list",
            NodeValue::Map(_) => "a mapping",
        }
    }
}
