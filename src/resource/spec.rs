//! What a state declares of one object, read through the kind's table of fields.

use std::collections::BTreeMap;

use serde_json::Value;

use super::field::{Field, Reading, Unset};
use super::kind::Kind;
use crate::source::{Diagnostic, Diagnostics, Entry, Place, did_you_mean};

/// A declared value in its normal form.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    pub value: Value,
    pub place: Place,
}

/// The declared fields of one state, by our name for them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spec {
    fields: BTreeMap<&'static str, Declared>,
}

impl Spec {
    pub fn get(&self, field: &str) -> Option<&Declared> {
        self.fields.get(field)
    }

    /// The normal form of a field, if it is declared.
    pub fn value(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).map(|declared| &declared.value)
    }

    /// The text of a field whose normal form is a text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.value(field)?.as_str()
    }

    pub fn contains(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    pub fn insert(&mut self, field: &'static str, value: Value, place: &Place) {
        self.fields.insert(field, Declared { value, place: place.clone() });
    }

    pub fn remove(&mut self, field: &str) {
        self.fields.remove(field);
    }

    /// Calls `change` for the value of every field.
    pub fn change(&mut self, mut change: impl FnMut(&'static str, &mut Value)) {
        self.fields.iter_mut().for_each(|(name, declared)| change(name, &mut declared.value));
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Declared)> {
        self.fields.iter().map(|(name, declared)| (*name, declared))
    }
}

/// Reads the arguments of a state. A value `null` means "not declared".
///
/// # Errors
/// Every unknown key (with what may have been meant), every field that is spelled twice, and
/// everything that a form does not understand.
pub fn read_spec(
    kind: &dyn Kind,
    function: &str,
    arguments: &[Entry],
    reading: &Reading,
) -> Result<Spec, Diagnostics> {
    let mut problems = Diagnostics::default();
    let mut spec = Spec::default();
    let mut spelled: BTreeMap<&'static str, &Entry> = BTreeMap::new();
    let arguments = kind.expand(arguments, reading, &mut problems);
    for entry in &arguments {
        let Some(field) = field_called(kind, function, &entry.key, reading) else {
            problems.push(unknown_key(kind, function, entry, reading));
            continue;
        };
        if let Some(first) = spelled.insert(field.name, entry) {
            problems.push(
                Diagnostic::error(
                    &entry.key_place,
                    format!("`{}` and `{}` are the same field", first.key, entry.key),
                )
                .note(format!("`{}` stands at {}", first.key, first.key_place))
                .hint("keep one of them"),
            );
            continue;
        }
        if entry.value.is_null() {
            continue;
        }
        match field.form.read(&entry.value, reading) {
            // What the engine chooses is what it is where nothing is said.
            Ok(Value::Null) if matches!(field.unset, Unset::Chosen(_)) => {}
            Ok(value) => spec.insert(field.name, value, &entry.value.place),
            Err(found) => problems.extend(found),
        }
    }
    kind.combine(&mut spec, &mut problems);
    if problems.has_errors() { Err(problems) } else { Ok(spec) }
}

fn field_called(kind: &dyn Kind, function: &str, word: &str, reading: &Reading) -> Option<&'static Field> {
    kind.fields(function).iter().find(|field| field.words(reading.vocabulary).any(|known| known == word))
}

fn unknown_key(kind: &dyn Kind, function: &str, entry: &Entry, reading: &Reading) -> Diagnostic {
    use super::field::Vocabulary::{Plain, Salt};
    let spelled = kind.spelling(reading.vocabulary);
    let problem = Diagnostic::error(
        &entry.key_place,
        format!("`{}` is not an option of {spelled}.{function}", entry.key),
    );
    let other = match reading.vocabulary {
        Plain => Salt,
        Salt => Plain,
    };
    if let Some(instead) = kind.instead_of(&entry.key) {
        return problem.hint(instead);
    }
    let words = kind.fields(function).iter().flat_map(|field| field.words(reading.vocabulary));
    if let Some(meant) = did_you_mean(&entry.key, words) {
        return problem.hint(format!("did you mean `{meant}`?"));
    }
    let in_other =
        kind.fields(function).iter().find(|field| field.words(other).any(|word| word == entry.key));
    match in_other {
        Some(field) => {
            let ours: Vec<_> = field.words(reading.vocabulary).map(|word| format!("`{word}`")).collect();
            let spelled_other = kind.spelling(other);
            problem.hint(match ours.first() {
                Some(word) => format!("`{}` is {spelled_other}'s word; {spelled} says {word}", entry.key),
                None => format!("`{}` is {spelled_other}'s word; use {spelled_other}.{function}", entry.key),
            })
        }
        None => {
            let words: Vec<_> =
                kind.fields(function).iter().flat_map(|field| field.words(reading.vocabulary)).collect();
            problem.hint(format!("it takes: {}", words.join(", ")))
        }
    }
}
