//! The contents of files that containers are to have: read and rendered here, so that all that follows has only values.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::graph::State;
use super::render::{Renderer, Subject};
use super::tree::Tree;
use crate::resource::form::default_mode;
use crate::source::{Diagnostic, Diagnostics, Place, is_token_character};
use crate::world::{FileContent, LARGEST_FILE};

/// Puts the contents in place of sources and templates.
pub fn fill(state: &mut State, tree: &Tree, renderer: &Renderer, problems: &mut Diagnostics) {
    let Some(declared) = state.spec.get("files") else { return };
    let (place, mut files) = (declared.place.clone(), declared.value.clone());
    for (path, file) in files.as_object_mut().into_iter().flatten() {
        let filled = match filled(file, &state.sls, tree, renderer, &place) {
            Ok(content) => content,
            Err(problem) => {
                problems.push(
                    problem.note(format!("it is to be {path} of container {}, at {place}", state.name)),
                );
                continue;
            }
        };
        if u64::try_from(filled.bytes().len()).unwrap_or(u64::MAX) > LARGEST_FILE {
            let message = format!("{path} would have more than {} MiB", LARGEST_FILE >> 20);
            problems.push(
                Diagnostic::error(&place, message).hint("put it into the image, or mount it with `volumes`"),
            );
            continue;
        }
        let Some(file) = file.as_object_mut() else { continue };
        let is_usual = file.contains_key("_mode");
        for key in ["source", "template", "vars", "_mode"] {
            file.shift_remove(key);
        }
        if let (true, FileContent::Text(text)) = (is_usual, &filled) {
            file.insert("mode".to_owned(), json!(default_mode(text)));
        }
        match filled {
            FileContent::Text(text) => file.insert("content".to_owned(), json!(text)),
            bytes @ FileContent::Bytes(_) => file.insert("base64".to_owned(), json!(bytes.base64())),
        };
    }
    state.spec.insert("files", files, &place);
}

/// The bytes of a file as it stands. Characters that stand for secrets here stand for nothing there.
fn plain(bytes: Vec<u8>) -> FileContent {
    match FileContent::of(bytes) {
        FileContent::Text(text) if text.contains(is_token_character) => FileContent::Bytes(text.into_bytes()),
        content => content,
    }
}

fn filled(
    file: &Value,
    sls: &str,
    tree: &Tree,
    renderer: &Renderer,
    place: &Place,
) -> Result<FileContent, Diagnostic> {
    let at = |problem: Diagnostic| problem.placed(place);
    if let Some(text) = file["content"].as_str() {
        return Ok(FileContent::Text(text.to_owned()));
    }
    if let Some(source) = file["source"].as_str() {
        return tree.bytes(Path::new(source), LARGEST_FILE).map(plain).map_err(at);
    }
    let path = Path::new(file["template"].as_str().unwrap_or_default());
    let template = tree.read(path).map_err(at)?;
    let none = Map::new();
    let vars = file["vars"].as_object().unwrap_or(&none);
    let subject = Subject::file(path, sls, vars);
    renderer.text(&Arc::clone(&template), &subject).map(FileContent::Text)
}
