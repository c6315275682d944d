//! Comparing what is declared with what is observed, row by row, and sending it: the same for
//! every kind.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::SECRET;
use super::field::{At, Field, Unset};
use super::spec::Spec;
use crate::plan::{FieldDiff, Impact};
use crate::source::{
    Diagnostic, Diagnostics, Piece, Place, holds_token, looks_secret, masked, pieces, value_holds_token,
};
use crate::world::{Attributes, Seen};

/// What stands behind an object's own fields.
#[derive(Debug, Clone)]
pub enum Background<'a> {
    /// Nothing: the kind knows no images.
    None,
    /// The image's inspect JSON.
    Image(&'a Attributes),
    /// An image that is not there yet. Only what is declared can be compared; the object is
    /// replaced anyway.
    Unknown,
}

/// Compares the rows that stand at a path. `declared_before` lists the fields that were declared
/// when the object was made, if it is one of ours: what is declared no longer goes back.
pub fn fields(
    table: &'static [Field],
    spec: &Spec,
    observed: &Attributes,
    background: &Background<'_>,
    declared_before: Option<BTreeSet<&str>>,
) -> Vec<FieldDiff> {
    let mut diffs = Vec::new();
    for field in table {
        let At::Path(path) = field.at else { continue };
        let Seen::Known(shown) = observed.at(path) else { continue };
        let from = field.form.observe(shown);
        if let (Unset::Chosen(_), None) = (field.unset, spec.value(field.name)) {
            diffs.extend(chosen_again(field, &from, declared_before.as_ref()));
            continue;
        }
        let (to, impact) = match spec.value(field.name) {
            Some(declared) => match wanted(field, declared, background, &from) {
                // Going back to nothing is a removal, whether it is said or not.
                Some(to) if to == field.form.observe(&Value::Null) => (to, field.removal),
                Some(to) => (to, field.impact),
                None => continue,
            },
            None => match gone(field, spec, background, declared_before.as_ref()) {
                Some(to) => (to, field.removal),
                None => continue,
            },
        };
        diffs.extend(rows(field, &from, &to, impact));
    }
    diffs
}

/// What the engine chose, or what was declared once: only a new object tells, and that has no
/// trace of the field any more.
fn chosen_again(field: &Field, from: &Value, declared_before: Option<&BTreeSet<&str>>) -> Option<FieldDiff> {
    declared_before?.contains(field.name).then(|| {
        let from = if from.is_null() { Value::Null } else { field.form.show(from) };
        let to = Value::String("(the engine's own)".to_owned());
        mask(FieldDiff { field: field.name.to_owned(), from, to, impact: field.removal })
    })
}

/// The diff rows of one field between two normal forms.
pub fn rows(field: &Field, from: &Value, to: &Value, impact: Impact) -> Vec<FieldDiff> {
    let differences = field.form.differences(from, to);
    let row = |(key, from, to): (String, Value, Value)| {
        let name = if key.is_empty() { field.name.to_owned() } else { format!("{}.{key}", field.name) };
        let show = |value: &Value| if value.is_null() { Value::Null } else { field.form.show(value) };
        mask(FieldDiff { field: name, from: show(&from), to: show(&to), impact })
    };
    differences.into_iter().map(row).collect()
}

/// The value that an object should show for a declared field.
fn wanted(field: &Field, declared: &Value, background: &Background<'_>, from: &Value) -> Option<Value> {
    match (field.unset, background) {
        (Unset::Image(path), Background::Image(image)) => {
            let behind = image.at(path).known().map_or(Value::Null, |value| field.form.observe(value));
            Some(field.form.over(&behind, declared))
        }
        // Whatever the image adds is there already as far as anybody can tell.
        (Unset::Image(_), Background::Unknown) => Some(field.form.over(from, declared)),
        (Unset::Image(_), Background::None) | (Unset::Engine | Unset::Chosen(_) | Unset::Unmanaged(_), _) => {
            Some(declared.clone())
        }
    }
}

/// The value that an object should show for a field that nobody declares, if that is managed.
fn gone(
    field: &Field,
    spec: &Spec,
    background: &Background<'_>,
    declared_before: Option<&BTreeSet<&str>>,
) -> Option<Value> {
    let before = declared_before?;
    if !before.contains(field.name) && !field.is_updated_in_place() {
        return None;
    }
    match (field.unset, background) {
        (Unset::Unmanaged(_) | Unset::Chosen(_), _) | (Unset::Image(_), Background::Unknown) => None,
        // An entrypoint of one's own takes the image's command away.
        (Unset::Image(_), _)
            if field.name == "command" && spec.value("entrypoint").is_some_and(|own| !own.is_null()) =>
        {
            Some(Value::Null)
        }
        (Unset::Image(path), Background::Image(image)) => {
            Some(image.at(path).known().map_or(Value::Null, |value| field.form.observe(value)))
        }
        (Unset::Image(_), Background::None) | (Unset::Engine, _) => Some(field.form.observe(&Value::Null)),
    }
}

/// Gives what the engine takes for every declared row that stands at a path.
pub fn send(table: &'static [Field], spec: &Spec, mut put: impl FnMut(&'static str, Value)) {
    for field in table {
        if let (At::Path(path), Some(declared)) = (field.at, spec.value(field.name)) {
            put(path, field.form.send(declared));
        }
    }
}

/// Adds labels to the JSON of a create body.
pub fn add_labels(json: &mut Value, labels: &BTreeMap<String, String>) {
    if !json.is_object() {
        *json = Value::Object(serde_json::Map::new());
    }
    for (key, value) in labels {
        json[key.as_str()] = Value::String(value.clone());
    }
}

/// The diff row of an object that goes by another name.
pub fn renamed(from: &str, to: &str, impact: Impact) -> FieldDiff {
    FieldDiff { field: "name".to_owned(), from: Value::from(from), to: Value::from(to), impact }
}

/// Hides the values of keys that look secret.
pub fn mask(mut diff: FieldDiff) -> FieldDiff {
    if value_holds_token(&diff.from) || value_holds_token(&diff.to) {
        // What stands on the other side may be the same secret, at another time.
        for value in [&mut diff.from, &mut diff.to].into_iter().filter(|value| !value.is_null()) {
            *value = Value::from(SECRET);
        }
        return diff;
    }
    let is_secret = looks_secret(&diff.field);
    for value in [&mut diff.from, &mut diff.to] {
        hide(value, is_secret);
    }
    diff
}

/// Puts `***` in place of what looks secret, by its key or by what is written before it.
pub fn hide(value: &mut Value, is_secret: bool) {
    match value {
        Value::Null => {}
        // A token shows nothing, and says where the value is to be had.
        Value::String(text) if is_kept(text, is_secret) => {}
        _ if is_secret => *value = Value::String("***".to_owned()),
        Value::String(text) => *text = masked(text),
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, false)),
        Value::Object(map) => map.iter_mut().for_each(|(key, value)| hide(value, looks_secret(key))),
        Value::Bool(_) | Value::Number(_) => {}
    }
}

/// True for a text that hides nothing beside its tokens.
fn is_kept(text: &str, is_secret: bool) -> bool {
    if !holds_token(text) {
        return false;
    }
    let rest: String = pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Secret(_) => "",
        })
        .collect();
    // A password of a URL that is a token leaves an empty one.
    let rest_masked = masked(&rest).replace(":***@", ":@");
    if is_secret { rest.is_empty() } else { rest_masked == rest }
}

/// Checks that an object may be called `name`.
pub fn check_name(kind: &str, name: &str, place: &Place) -> Diagnostics {
    let mut problems = Diagnostics::default();
    let mut characters = name.chars();
    let first = characters.next().is_some_and(|c| c.is_ascii_alphanumeric());
    let rest = characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    if !first || !rest || name.len() < 2 {
        problems.push(Diagnostic::error(place, format!("`{name}` cannot be the name of a {kind}")).hint(
            "names have two or more of a-z, A-Z, 0-9, `_`, `.`, `-`, and begin with a letter or a digit",
        ));
    }
    problems
}
