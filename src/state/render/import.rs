//! Files of the tree that templates import as data.

use minijinja::{Captured, Error, ErrorKind, State, Value};

use super::filters::{load_json, parse_yaml};
use super::markers::without;
use super::renderer::spend;
use super::sources::Sources;
use crate::state::json::Booleans;

#[derive(Clone, Copy)]
pub enum Sort {
    Yaml,
    Json,
    Text,
}

/// Renders a file of the tree, and reads what comes out.
pub fn import(sources: &Sources, state: &State, name: &str, sort: Sort) -> Result<Value, Error> {
    let path = sources
        .find(name, state.name())
        .ok_or_else(|| Error::new(ErrorKind::TemplateNotFound, format!("there is no file `{name}`")))?;
    let shown = sources.tree.shown(&path);
    let template = state.env().get_template(&shown)?;
    let text = without(&sources.nested(|| {
        let captured = template.render_captured(());
        spend(sources, &captured, 0)?;
        captured.map(Captured::into_output)
    })?);
    let booleans = match path.extension().and_then(|end| end.to_str()) {
        Some("yml" | "yaml") => Booleans::Strict,
        _ => Booleans::Salt,
    };
    match sort {
        Sort::Yaml => parse_yaml(&text, &shown, booleans),
        Sort::Json => load_json(&text),
        Sort::Text => Ok(Value::from(text)),
    }
}
