//! Where the tokens of secrets may stand in a state, and which secrets states use.

use std::collections::BTreeMap;

use super::chunk::Chunk;
use super::graph::{State, StateGraph};
use crate::resource::{Holds, holds_secrets};
use crate::source::{
    Diagnostic, Diagnostics, Node, NodeValue, Piece, Place, each_token, holds_token, is_token_character,
    pieces, shown_tokens,
};

/// Refuses tokens where their value would have to be known, or would be seen by everybody.
pub fn places(chunk: &Chunk, problems: &mut Diagnostics) {
    for (what, text) in [("id", &chunk.id), ("name", &chunk.name)] {
        if holds_token(text) {
            let message = format!("a secret cannot stand in the {what} of a state: {}", shown_tokens(text));
            return problems
                .push(Diagnostic::error(&chunk.place, message).hint("write it without the secret"));
        }
    }
    let fields = chunk.kind.fields(chunk.function.name);
    for entry in &chunk.arguments.entries {
        let field = fields.iter().find(|field| field.words(chunk.vocabulary).any(|word| word == entry.key));
        let holds = field.map_or(Holds::Nowhere, |field| holds_secrets(chunk.kind.name(), field.name));
        let is_build = chunk.kind.name() == "image";
        remains(&entry.value, problems);
        check(&entry.value, holds, &mut |place| {
            let message = match holds {
                Holds::Anywhere => "a secret cannot stand in a key".to_owned(),
                Holds::Commands => {
                    format!("a secret cannot stand at this place of `{}`, only in commands", entry.key)
                }
                Holds::Nowhere => format!("`{}` cannot hold a secret", entry.key),
            };
            let hint = match entry.key.as_str() {
                "args" if is_build => {
                    "arguments of a build stand in the image's history: hand it over with the option `secrets` of the build"
                }
                "onlyif" | "unless" | "creates" | "check_cmd" => "let the command read the secret itself",
                _ => {
                    "secrets can stand in `env`, commands, labels, and options of logs, networks and volumes"
                }
            };
            problems.push(Diagnostic::error(place, message).hint(hint));
        });
    }
}

/// Refuses what is left of a token that was cut: a value that no template of its own file has cut.
fn remains(node: &Node, problems: &mut Diagnostics) {
    match &node.value {
        NodeValue::Scalar { text, .. } => {
            let is_left =
                |piece: &Piece<'_>| matches!(piece, Piece::Text(text) if text.contains(is_token_character));
            if pieces(text).iter().any(is_left) {
                problems.push(
                    Diagnostic::error(&node.place, "an expression has cut a secret into pieces")
                        .hint("a secret can only be handed on, as it is or put together with `~`"),
                );
            }
        }
        NodeValue::List(items) => items.iter().for_each(|item| remains(item, problems)),
        NodeValue::Map(entries) => entries.iter().for_each(|entry| remains(&entry.value, problems)),
    }
}

/// Notes where a chunk uses each secret first.
pub fn note_uses(chunk: &Chunk, uses: &mut BTreeMap<String, Place>) {
    chunk.arguments.entries.iter().for_each(|entry| note_in(&entry.value, uses));
}

fn note_in(node: &Node, uses: &mut BTreeMap<String, Place>) {
    match &node.value {
        NodeValue::Scalar { text, .. } => {
            for piece in pieces(text) {
                if let Piece::Secret(name) = piece {
                    uses.entry(name).or_insert_with(|| node.place.clone());
                }
            }
        }
        NodeValue::List(items) => items.iter().for_each(|item| note_in(item, uses)),
        NodeValue::Map(entries) => entries.iter().for_each(|entry| note_in(&entry.value, uses)),
    }
}

/// Calls `refuse` for every place where a token stands that may not.
fn check(node: &Node, holds: Holds, refuse: &mut impl FnMut(&Place)) {
    match &node.value {
        NodeValue::Scalar { text, .. } if holds != Holds::Anywhere && holds_token(text) => {
            refuse(&node.place)
        }
        NodeValue::Scalar { .. } => {}
        NodeValue::List(items) => items.iter().for_each(|item| check(item, holds, refuse)),
        NodeValue::Map(entries) => {
            for entry in entries {
                if holds_token(&entry.key) {
                    refuse(&entry.key_place);
                }
                let is_command = holds == Holds::Commands && COMMANDS.contains(&entry.key.as_str());
                check(&entry.value, if is_command { Holds::Anywhere } else { holds }, refuse);
            }
        }
    }
}

/// Keys below which commands stand, in probes, hooks and healthchecks.
const COMMANDS: [&str; 9] = ["exec", "test", "Test", "command", "here", "controller", "old", "new", "once"];

/// The secrets that a state uses, each at the place of the first field that does.
pub fn used_by(state: &State) -> BTreeMap<String, Place> {
    let mut used = BTreeMap::new();
    for (_, declared) in state.spec.iter() {
        each_token(&declared.value, &mut |name| {
            used.entry(name.to_owned()).or_insert_with(|| declared.place.clone());
        });
    }
    used
}

impl StateGraph {
    /// The secrets that the states use, each at the place where it is used first.
    pub fn used_secrets(&self) -> BTreeMap<String, Place> {
        let mut used = BTreeMap::new();
        for state in self.graph.node_weights() {
            for (name, place) in used_by(state) {
                let written = self.secret_places.get(&name).cloned();
                used.entry(name).or_insert(written.unwrap_or(place));
            }
        }
        used
    }
}

/// Fields that others see: in the engine's answers, or among the processes of a machine.
const OPEN: [&str; 9] = [
    "labels",
    "command",
    "entrypoint",
    "healthcheck",
    "wait",
    "pre_replace",
    "post_start",
    "pre_stop",
    "post_replace",
];

/// Warns of secrets that stand where others see them.
pub fn seen_by_others(state: &State, problems: &mut Diagnostics) {
    for (field, declared) in state.spec.iter().filter(|(field, _)| OPEN.contains(field)) {
        let mut names = Vec::new();
        each_token(&declared.value, &mut |name| names.push(format!("`{name}`")));
        if !names.is_empty() {
            names.dedup();
            let message = format!(
                "`{field}` holds the secret {}, and others see it there: whoever may ask the engine, or look at processes",
                names.join(", ")
            );
            problems.push(
                Diagnostic::warning(&declared.place, message).hint("hand it over in `env`, or in a file"),
            );
        }
    }
}
