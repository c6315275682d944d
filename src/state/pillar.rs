//! Pillar: the data of an environment. Common data, then the environment's, then `--pillar`.

use serde_json::{Map, Value};

use super::decode::decode;
use super::inputs::Inputs;
use super::json::{Booleans, data};
use super::render::{Renderer, Subject, Surroundings};
use super::tree::{Plain, Tree};
use super::yaml;
use crate::source::{Diagnostic, Diagnostics, did_you_mean};

/// Reads and merges the pillar files.
pub fn read(inputs: &Inputs, tree: &Tree, surroundings: &Surroundings, problems: &mut Diagnostics) -> Value {
    let mut pillar = Value::Object(Map::new());
    let env = &surroundings.owner.env;
    let renderer = Renderer::new(tree, surroundings, None);
    for stem in ["common", env] {
        match tree.pillar(stem) {
            Ok(Some(path)) => {
                if let Some(more) = file(&path, tree, &renderer, problems) {
                    merge(&mut pillar, more);
                }
            }
            Ok(None) if stem == env.as_str() && inputs.env.is_some() => {
                let stems = tree.pillar_stems();
                let others = stems.iter().map(String::as_str).filter(|stem| *stem != "common");
                if let Some(meant) = did_you_mean(env, others) {
                    problems.push(
                        Diagnostic::error_without_place(format!("there is no pillar for the env `{env}`"))
                            .hint(format!("did you mean `--env {meant}`?")),
                    );
                }
            }
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    for (path, text) in &inputs.pillar {
        match given(path, text) {
            Ok(more) => merge(&mut pillar, more),
            Err(found) => problems.extend(found),
        }
    }
    pillar
}

fn file(
    path: &std::path::Path,
    tree: &Tree,
    renderer: &Renderer,
    problems: &mut Diagnostics,
) -> Option<Value> {
    let file =
        tree.read(path).and_then(|file| renderer.render(&file, &Subject::state(path, &tree.dotted(path))));
    let rendered = match file {
        Ok(rendered) => rendered,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let root = yaml::load(&rendered, problems)?;
    if root.as_map().is_none() && !root.is_null() {
        problems
            .push(Diagnostic::error(&root.place, format!("pillar is a mapping, this is {}", root.sort())));
        return None;
    }
    let booleans =
        if path.extension().is_some_and(|end| end == "sls") { Booleans::Salt } else { Booleans::Strict };
    Some(data(&root, booleans, problems))
}

/// Makes the map `{a: {b: value}}` of `a.b=value`.
fn given(path: &str, text: &str) -> Result<Value, Diagnostics> {
    let mut problems = Diagnostics::default();
    let source = decode(&format!("--pillar {path}"), text.as_bytes().to_vec())?;
    let is_structure = text.trim_start().starts_with(['{', '[', '"', '\'']);
    let mut value = if is_structure {
        match yaml::load(&Plain(source), &mut problems) {
            Some(node) => data(&node, Booleans::Strict, &mut problems),
            None => Value::Null,
        }
    } else {
        let place = crate::source::Place::in_file(&source, 1, 1);
        let node = crate::source::Node::scalar(place, text, crate::source::Style::Plain);
        data(&node, Booleans::Strict, &mut problems)
    };
    if path.split(['.', ':']).any(str::is_empty) {
        problems.push(
            Diagnostic::error_without_place(format!("--pillar {path}={text}: a part of the name is empty"))
                .hint("write --pillar web.tag=1.2"),
        );
    }
    for key in path.rsplit(['.', ':']) {
        value = Value::Object(Map::from_iter([(key.to_owned(), value)]));
    }
    if problems.has_errors() { Err(problems) } else { Ok(value) }
}

/// Merges maps deeply; everything else is replaced.
pub fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                match into.get_mut(&key) {
                    Some(known) => merge(known, value),
                    None => {
                        into.insert(key, value);
                    }
                }
            }
        }
        (into, more) => *into = more,
    }
}
