//! The files beside a state file whose text becomes a part of what a state declares: files of variables
//! and labels, and profiles. Read once, with the tree, so that an edit is a difference like others.

use std::path::Path;

use serde_json::{Map, Value};

use super::graph::State;
use super::tree::Tree;
use crate::resource::form::{self, Form};
use crate::resource::{At, Reading, Vocabulary};
use crate::source::{Diagnostic, Diagnostics, Node, Place};

/// Puts what the files of a state say into the fields that they belong to.
pub fn read(state: &mut State, tree: &Tree, problems: &mut Diagnostics) {
    for field in state.kind.fields(state.function.name) {
        if let At::Within(of) = field.at
            && let Some(files) = state.spec.get(field.name).cloned()
        {
            let below = lines(field.name, &files.value, &files.place, tree, problems);
            let form = state.kind.fields(state.function.name).iter().find(|field| field.name == of);
            let Some((of, form)) = form.map(|field| (field.name, field.form)) else { continue };
            let Some(below) = checked(form, below, &files.place, problems) else { continue };
            let (on_top, place) = match state.spec.get(of) {
                Some(declared) => (declared.value.clone(), declared.place.clone()),
                None => (Value::Object(Map::new()), files.place.clone()),
            };
            state.spec.insert(of, form.over(&below, &on_top), &place);
            state.spec.remove(field.name);
        }
    }
    profiles(state, tree, problems);
}

/// What all files of a field say together.
fn lines(
    field: &str,
    files: &Value,
    place: &Place,
    tree: &Tree,
    problems: &mut Diagnostics,
) -> Map<String, Value> {
    let mut all = Map::new();
    for file in files.as_array().into_iter().flatten() {
        let path = Path::new(file["path"].as_str().unwrap_or_default());
        if file["required"] == false && !tree.is_file(path) {
            continue;
        }
        let Some(text) = text_of(field, path, place, tree, problems) else { continue };
        match form::file_lines(&text, file["raw"] == true) {
            Ok(pairs) => all.extend(pairs.into_iter().map(|(key, value)| (key, Value::from(value)))),
            Err(wrong) => problems.extend(wrong.into_iter().map(|line| {
                Diagnostic::error(place, format!("{}:{}: {}", tree.shown(path), line.number, line.reason))
                    .hint("lines are `KEY=value`, empty, or begin with `#`")
            })),
        }
    }
    all
}

/// As if it stood in the state file, so that names that cannot be are refused.
fn checked(
    form: &dyn Form,
    pairs: Map<String, Value>,
    place: &Place,
    problems: &mut Diagnostics,
) -> Option<Value> {
    use crate::source::{Entry, Style};
    let entry = |(key, value): (String, Value)| Entry {
        key,
        key_place: place.clone(),
        value: Node::scalar(place.clone(), value.as_str().unwrap_or_default(), Style::Quoted),
    };
    let node = Node::map(place.clone(), pairs.into_iter().map(entry).collect());
    let reading = Reading { vocabulary: Vocabulary::Plain, folder: std::path::PathBuf::new() };
    form.read(&node, &reading).map_err(|found| problems.extend(found)).ok()
}

/// Puts the text of seccomp profiles in the place of their paths.
fn profiles(state: &mut State, tree: &Tree, problems: &mut Diagnostics) {
    const FIELD: &str = "security_opt";
    let Some(declared) = state.spec.get(FIELD).cloned() else { return };
    let options = declared.value.as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut sent = Vec::new();
    for option in options {
        let Some(path) = option.strip_prefix(form::FROM_FILE) else {
            sent.push(option.to_owned());
            continue;
        };
        let path = Path::new(path);
        let Some(text) = text_of(FIELD, path, &declared.place, tree, problems) else { continue };
        match form::seccomp_profile(&text) {
            Some(profile) => sent.push(format!("seccomp={profile}")),
            None => problems.push(
                Diagnostic::error(
                    &declared.place,
                    format!("{} is no JSON of a seccomp profile", tree.shown(path)),
                )
                .hint("a profile begins with `{\"defaultAction\": …`"),
            ),
        }
    }
    sent.sort();
    // Other kinds have no such row.
    if state.kind.name() == "container" {
        state.spec.insert(FIELD, Value::from(sent), &declared.place);
    }
}

fn text_of(
    field: &str,
    path: &Path,
    place: &Place,
    tree: &Tree,
    problems: &mut Diagnostics,
) -> Option<String> {
    if tree.bounds.leave_out(path) {
        problems.push(
            Diagnostic::error(place, format!("`{field}` leads out of the tree: {}", tree.shown(path)))
                .note("a tree that was pushed to a host reads nothing but itself")
                .hint("put the file into the tree, and no link to elsewhere"),
        );
        return None;
    }
    match tree.read_beside(path) {
        Ok(file) => Some(file.text.clone()),
        Err(found) => {
            problems.push(Diagnostic::error(place, format!("`{field}`: {}", found.message)).hint(
                "paths are relative to the state file; `required: false` is for a file that may be missing",
            ));
            None
        }
    }
}
