//! Arguments of a state: a mapping or Salt's list of one-key mappings become one form here, with
//! the requisites apart.

use std::sync::Arc;

use super::parse::Origin;
use super::target::{Wanted, wanted};
use super::word::{Requisite, requisite};
use crate::source::{Diagnostic, Diagnostics, Entry, Node, NodeValue, Place};

/// Arguments in one form.
#[derive(Clone, Default)]
pub struct Arguments {
    /// Everything but requisites; each key once.
    pub entries: Vec<Entry>,
    pub requisites: Vec<Wish>,
}

/// One target of one requisite.
#[derive(Clone)]
pub struct Wish {
    pub requisite: Requisite,
    pub target: Wanted,
    pub place: Place,
    /// Where the target is looked for first.
    pub origin: Arc<Origin>,
}

impl Arguments {
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Takes an argument over unless there is one of that name.
    pub fn add_default(&mut self, entry: &Entry) {
        if self.get(&entry.key).is_none() {
            self.entries.push(entry.clone());
        }
    }

    /// Puts other arguments on top: the same key is replaced, requisites are added.
    pub fn extend(&mut self, other: &Self) {
        for entry in &other.entries {
            match self.entries.iter_mut().find(|known| known.key == entry.key) {
                Some(known) => *known = entry.clone(),
                None => self.entries.push(entry.clone()),
            }
        }
        self.requisites.extend(other.requisites.iter().cloned());
    }
}

/// Reads the arguments below `container.running:`.
pub fn arguments(node: &Node, origin: &Arc<Origin>, problems: &mut Diagnostics) -> Arguments {
    let mut found = Arguments::default();
    match &node.value {
        _ if node.is_null() => {}
        NodeValue::Map(entries) => {
            for entry in entries {
                add(&mut found, entry, origin, problems);
            }
        }
        NodeValue::List(items) => {
            for item in items {
                match &item.value {
                    NodeValue::Map(entries) => {
                        for entry in entries {
                            add(&mut found, entry, origin, problems);
                        }
                    }
                    NodeValue::Scalar { text, .. } => problems.push(
                        Diagnostic::error(&item.place, format!("`{text}` is no argument: it has no value"))
                            .hint(format!("write `{text}: …`, with a space behind the colon")),
                    ),
                    NodeValue::List(_) => {
                        problems.push(Diagnostic::error(
                            &item.place,
                            "an argument is `key: value`, this is a list",
                        ));
                    }
                }
            }
        }
        NodeValue::Scalar { text, .. } => problems.push(
            Diagnostic::error(&node.place, format!("arguments are a mapping, this is only `{text}`"))
                .hint("write `key: value` below it, indented"),
        ),
    }
    found
}

fn add(found: &mut Arguments, entry: &Entry, origin: &Arc<Origin>, problems: &mut Diagnostics) {
    if let Some(requisite) = requisite(&entry.key) {
        let mut wish = |node: &Node, problems: &mut Diagnostics| {
            for (target, place) in wanted(node, &entry.key, problems) {
                found.requisites.push(Wish { requisite, target, place, origin: origin.clone() });
            }
        };
        match &entry.value.value {
            NodeValue::List(items) => items.iter().for_each(|item| wish(item, problems)),
            NodeValue::Map(_) | NodeValue::Scalar { .. } if !entry.value.is_null() => {
                wish(&entry.value, problems)
            }
            NodeValue::Map(_) | NodeValue::Scalar { .. } => {}
        }
    } else if let Some(first) = found.get(&entry.key) {
        problems.push(
            Diagnostic::error(&entry.key_place, format!("`{}` stands here for a second time", entry.key))
                .note(format!("the first is at {}", first.key_place))
                .hint("remove one of them, or merge what they say"),
        );
    } else {
        found.entries.push(entry.clone());
    }
}
