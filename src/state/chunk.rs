//! One state per name: a declaration with `names` stands for several.

use std::sync::Arc;

use super::arguments::{Arguments, Wish, arguments};
use super::graph::State;
use super::parse::{Declaration, Origin};
use super::read_options::read_options;
use crate::resource::{Function, Kind, Reading, Spec, Vocabulary, read_spec};
use crate::source::{Diagnostic, Diagnostics, Entry, Node, NodeValue, Place};

/// A declaration for one name.
#[derive(Clone)]
pub struct Chunk {
    pub id: String,
    pub name: String,
    pub kind: &'static dyn Kind,
    pub vocabulary: Vocabulary,
    pub function: Function,
    pub place: Place,
    pub origin: Arc<Origin>,
    pub arguments: Arguments,
}

impl Chunk {
    /// The object's name; Salt gives an image's tag apart from it.
    pub fn object(&self) -> String {
        let tag = self.arguments.get("tag").and_then(|entry| entry.value.text());
        match tag.filter(|_| self.kind.name() == "image" && self.vocabulary == Vocabulary::Salt) {
            Some(tag) => format!("{}:{tag}", self.name),
            None => self.name.clone(),
        }
    }

    pub fn title(&self) -> String {
        format!("{} {}", self.kind.name(), self.id)
    }
}

/// Expands `name` and `names`.
pub fn chunks(declarations: Vec<Declaration>, problems: &mut Diagnostics) -> Vec<Chunk> {
    let mut found = Vec::with_capacity(declarations.len());
    for declaration in declarations {
        let Some(names) = declaration.arguments.get("names").cloned() else {
            let name = match declaration.arguments.get("name") {
                Some(entry) => name_of(&entry.value, problems),
                None => None,
            };
            let name = name.unwrap_or_else(|| declaration.id.clone());
            found.push(chunk(declaration, name));
            continue;
        };
        if let Some(entry) = declaration.arguments.get("name") {
            problems.push(
                Diagnostic::error(&entry.key_place, "`name` and `names` exclude each other")
                    .note(format!("`names` stands at {}", names.key_place)),
            );
        }
        let several = names_of(&names.value, &declaration.origin, problems);
        if several.is_empty() {
            // What else is wrong with it shall be told too.
            let name = declaration.id.clone();
            found.push(chunk(declaration, name));
            continue;
        }
        for (name, changed) in several {
            let mut one = declaration.clone();
            if let Some(changed) = changed {
                one.arguments.extend(&changed);
            }
            found.push(chunk(one, name));
        }
    }
    found
}

fn chunk(declaration: Declaration, name: String) -> Chunk {
    let Declaration { id, kind, vocabulary, function, place, origin, arguments } = declaration;
    Chunk { id, name, kind, vocabulary, function, place, origin, arguments }
}

fn name_of(node: &Node, problems: &mut Diagnostics) -> Option<String> {
    match node.text() {
        _ if node.is_null() => None,
        Some(text) => Some(text.to_owned()),
        None => {
            problems.push(
                Diagnostic::error(&node.place, format!("`name` takes one name, this is {}", node.sort()))
                    .hint("for several objects write `names`"),
            );
            None
        }
    }
}

type NamedArguments = (String, Option<Arguments>);

fn names_of(node: &Node, origin: &Arc<Origin>, problems: &mut Diagnostics) -> Vec<NamedArguments> {
    let mut found: Vec<NamedArguments> = Vec::new();
    let mut with = |entry: &Entry, problems: &mut Diagnostics| {
        let changed = (!entry.value.is_null()).then(|| arguments(&entry.value, origin, problems));
        found.push((entry.key.clone(), changed));
    };
    let items: Vec<&Node> = match &node.value {
        NodeValue::List(items) => items.iter().collect(),
        NodeValue::Map(entries) => {
            entries.iter().for_each(|entry| with(entry, problems));
            Vec::new()
        }
        NodeValue::Scalar { .. } if node.is_null() => Vec::new(),
        NodeValue::Scalar { .. } => vec![node],
    };
    for item in items {
        match &item.value {
            NodeValue::Map(entries) => entries.iter().for_each(|entry| with(entry, problems)),
            NodeValue::Scalar { text, .. } if !item.is_null() => {
                with(
                    &Entry {
                        key: text.clone(),
                        key_place: item.place.clone(),
                        value: Node::map(item.place.clone(), Vec::new()),
                    },
                    problems,
                );
            }
            NodeValue::Scalar { .. } | NodeValue::List(_) => problems.push(Diagnostic::error(
                &item.place,
                format!("`names` lists names, this is {}", item.sort()),
            )),
        }
    }
    if found.is_empty() {
        problems.push(Diagnostic::error(&node.place, "`names` lists no name"));
    }
    found
}

/// Reads options and fields of a chunk.
pub fn read(chunk: &Chunk, position: usize, problems: &mut Diagnostics) -> Option<State> {
    let (options, mut fields) = read_options(&chunk.arguments, problems);
    // Some kinds have a row for the name.
    let knows_name = chunk
        .kind
        .fields(chunk.function.name)
        .iter()
        .any(|field| field.words(chunk.vocabulary).any(|word| word == "name"));
    if knows_name && let Some(entry) = chunk.arguments.get("name") {
        fields.push(entry.clone());
    }
    let reading = Reading { vocabulary: chunk.vocabulary, folder: chunk.origin.folder.clone() };
    let spec: Spec = match read_spec(chunk.kind, chunk.function.name, &fields, &reading) {
        Ok(spec) => spec,
        Err(found) => {
            problems.extend(found);
            return None;
        }
    };
    let found = chunk.kind.check(chunk.function.name, &chunk.name, &spec, &chunk.place);
    let is_sound = !found.has_errors();
    problems.extend(found);
    is_sound.then(|| State {
        id: chunk.id.clone(),
        kind: chunk.kind,
        vocabulary: chunk.vocabulary,
        function: chunk.function,
        name: chunk.name.clone(),
        place: chunk.place.clone(),
        sls: chunk.origin.sls.clone(),
        module: chunk.origin.call().map(str::to_owned),
        spec,
        options,
        position,
        implied: false,
    })
}

impl Chunk {
    pub fn wishes(&self) -> impl Iterator<Item = &Wish> {
        self.arguments.requisites.iter()
    }
}
