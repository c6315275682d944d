//! Makes declarations of the nodes of one state file. Knows the shape of a file, not what
//! arguments mean.

use std::path::PathBuf;
use std::sync::Arc;

use super::arguments::{Arguments, arguments};
use super::reserved::{defaults, excludes, extends, includes};
use super::salt_words;
use super::target::Wanted;
use super::word::RESERVED;
use crate::resource::{Function, KINDS, Kind, Vocabulary, functions_of, kind_called};
use crate::source::{Diagnostic, Diagnostics, Entry, Node, NodeValue, Place, did_you_mean};

/// The file, or the use of a module, that declarations come from.
#[derive(Debug, PartialEq, Eq)]
pub struct Origin {
    pub sls: String,
    /// Where relative paths start.
    pub folder: PathBuf,
    /// Ids of the module calls around, outermost first, each with the ids around it in front.
    pub calls: Vec<String>,
}

impl Origin {
    /// The id of the innermost module call.
    pub fn call(&self) -> Option<&str> {
        self.calls.last().map(String::as_str)
    }

    /// An id as it is known outside.
    pub fn outer_id(&self, id: &str) -> String {
        match self.call() {
            Some(call) => format!("{call}-{id}"),
            None => id.to_owned(),
        }
    }
}

/// What one file says.
#[derive(Default)]
pub struct Parsed {
    pub includes: Vec<(String, Place)>,
    pub extends: Vec<Extension>,
    pub excludes: Vec<Exclusion>,
    pub defaults: Vec<Defaults>,
    pub project: Option<(String, Place)>,
    pub items: Vec<Item>,
}

/// What stands under an id.
pub enum Item {
    State(Declaration),
    Call(Call),
}

/// A state as it was written.
#[derive(Clone)]
pub struct Declaration {
    /// With the ids of module calls in front.
    pub id: String,
    pub kind: &'static dyn Kind,
    pub vocabulary: Vocabulary,
    pub function: Function,
    pub place: Place,
    pub origin: Arc<Origin>,
    pub arguments: Arguments,
}

/// The use of a module.
pub struct Call {
    pub id: String,
    pub module: String,
    pub place: Place,
    pub arguments: Arguments,
}

/// What `extend` adds to a state.
pub struct Extension {
    pub target: Wanted,
    pub place: Place,
    pub kind: &'static dyn Kind,
    pub function: Option<Function>,
    pub arguments: Arguments,
    pub origin: Arc<Origin>,
}

/// What `exclude` takes out.
pub struct Exclusion {
    pub what: Excluded,
    pub place: Place,
}

pub enum Excluded {
    /// States of files whose dotted name matches.
    Sls(String),
    Id(String),
}

/// Arguments for every state of a kind that does not say otherwise.
pub struct Defaults {
    pub kind: &'static dyn Kind,
    pub vocabulary: Vocabulary,
    pub function: Option<Function>,
    pub entries: Vec<Entry>,
}

/// Reads the tree of one file.
pub fn parse(root: Option<&Node>, origin: &Arc<Origin>, problems: &mut Diagnostics) -> Parsed {
    let mut parsed = Parsed::default();
    let Some(root) = root.filter(|root| !root.is_null()) else { return parsed };
    let Some(entries) = root.as_map() else {
        problems.push(
            Diagnostic::error(
                &root.place,
                format!("a state file is a mapping of ids, this is {}", root.sort()),
            )
            .hint("write `id:` and below it, indented, a kind such as `container.running:`"),
        );
        return parsed;
    };
    for entry in entries {
        match entry.key.as_str() {
            "include" => parsed.includes.extend(includes(&entry.value, problems)),
            "extend" => parsed.extends.extend(extends(&entry.value, origin, problems)),
            "exclude" => parsed.excludes.extend(excludes(&entry.value, problems)),
            "defaults" => parsed.defaults.extend(defaults(&entry.value, problems)),
            "project" => match entry.value.text().filter(|_| !entry.value.is_null()) {
                Some(name) => parsed.project = Some((name.to_owned(), entry.value.place.clone())),
                None => problems.push(Diagnostic::error(
                    &entry.value.place,
                    format!("`project` takes a name, this is {}", entry.value.sort()),
                )),
            },
            "params" => problems.push(
                Diagnostic::error(&entry.key_place, "`params` belongs to the header of a module").hint(
                    "in a module, end the header with a line `---`; a state file reads its data from pillar",
                ),
            ),
            "import" => problems.push(
                Diagnostic::error(&entry.key_place, "`import` is reserved for a later version")
                    .hint("use `include` for state files, and `{% import %}` for macros"),
            ),
            _ => declarations(entry, origin, &mut parsed.items, problems),
        }
    }
    parsed
}

fn declarations(entry: &Entry, origin: &Arc<Origin>, items: &mut Vec<Item>, problems: &mut Diagnostics) {
    let id = origin.outer_id(&entry.key);
    let mut add = |spelled: &str, place: &Place, value: Option<&Node>, problems: &mut Diagnostics| {
        if let Some(module) = spelled.strip_prefix("module.") {
            let arguments = value.map(|node| arguments(node, origin, problems)).unwrap_or_default();
            items.push(Item::Call(Call {
                id: id.clone(),
                module: module.to_owned(),
                place: place.clone(),
                arguments,
            }));
            return;
        }
        let Some(named) = function_called(spelled, place, problems) else { return };
        let (named, mut arguments) = match named.function {
            Some(_) => (named, value.map(|node| arguments(node, origin, problems)).unwrap_or_default()),
            None => split_form(named, place, value, origin, problems),
        };
        if let Some(function) = named.function {
            let function = salt_words::meant(named.kind, named.vocabulary, function, &mut arguments);
            items.push(Item::State(Declaration {
                id: id.clone(),
                kind: named.kind,
                vocabulary: named.vocabulary,
                function,
                place: place.clone(),
                origin: origin.clone(),
                arguments,
            }));
        }
    };
    match &entry.value.value {
        _ if entry.value.is_null() => problems.push(
            Diagnostic::error(&entry.key_place, format!("nothing stands under `{}`", entry.key))
                .maybe_hint(near_reserved(&entry.key))
                .maybe_hint(
                    entry.key.contains('.').then(|| "remove the trailing colon, or give it an id".to_owned()),
                ),
        ),
        NodeValue::Scalar { text, .. } => add(text, &entry.value.place, None, problems),
        NodeValue::Map(kinds) => {
            let mut seen: Vec<(&str, Place)> = Vec::new();
            for kind in kinds {
                let word = kind.key.split('.').next().unwrap_or_default();
                if let Some((_, first)) = seen.iter().find(|(known, _)| same_kind(known, word)) {
                    problems.push(
                        Diagnostic::error(
                            &kind.key_place,
                            format!("`{}` has two states of the kind {word}", entry.key),
                        )
                        .note(format!("the first is at {first}"))
                        .hint("give one of them an id of its own, and `name:` if needed"),
                    );
                    continue;
                }
                seen.push((word, kind.key_place.clone()));
                add(&kind.key, &kind.key_place, Some(&kind.value), problems);
            }
        }
        NodeValue::List(_) => problems.push(
            Diagnostic::error(&entry.value.place, format!("`{}` is a list", entry.key))
                .maybe_hint(near_reserved(&entry.key))
                .maybe_hint(Some(
                    "below an id stands a kind with its function, such as `container.running:`".to_owned(),
                )),
        ),
    }
}

fn same_kind(one: &str, other: &str) -> bool {
    one == other
        || matches!((kind_called(one), kind_called(other)), (Some((a, _)), Some((b, _))) if a.name() == b.name())
}

fn near_reserved(key: &str) -> Option<String> {
    did_you_mean(key, RESERVED).map(|word| format!("did you mean `{word}`?"))
}

/// A kind with or without a function, as it was spelled.
pub struct Named {
    pub kind: &'static dyn Kind,
    pub vocabulary: Vocabulary,
    pub function: Option<Function>,
}

/// Finds kind and function of `container.running`; without a dot only the kind.
pub fn function_called(spelled: &str, place: &Place, problems: &mut Diagnostics) -> Option<Named> {
    let (word, function) = match spelled.split_once('.') {
        Some((word, function)) => (word, Some(function)),
        None => (spelled, None),
    };
    let Some((kind, vocabulary)) = kind_called(word) else {
        let words: Vec<_> = kind_words().collect();
        let meant = did_you_mean(word, words.iter().copied());
        problems.push(Diagnostic::error(place, format!("there is no kind `{word}`")).hint(
            match (meant, function) {
                (Some(meant), Some(function)) => format!("did you mean `{meant}.{function}`?"),
                (Some(meant), None) => format!("did you mean `{meant}`?"),
                (None, _) => format!("the kinds are {}", words.join(", ")),
            },
        ));
        return None;
    };
    let Some(function) = function else { return Some(Named { kind, vocabulary, function: None }) };
    match functions_of(word).find(|(_, known)| known.name == function) {
        Some((kind, known)) => Some(Named { kind, vocabulary, function: Some(known) }),
        None => {
            problems.push(no_function(word, function, place));
            None
        }
    }
}

fn no_function(word: &str, function: &str, place: &Place) -> Diagnostic {
    let names = || functions_of(word).map(|(_, known)| known.name);
    let problem = Diagnostic::error(place, format!("{word} has no function `{function}`"));
    match did_you_mean(function, names()) {
        Some(meant) => problem.hint(format!("did you mean `{word}.{meant}`?")),
        None => problem.hint(format!("it has {}", names().collect::<Vec<_>>().join(", "))),
    }
}

/// What may stand before the dot.
pub fn kind_words() -> impl Iterator<Item = &'static str> {
    let spelled = |vocabulary| {
        // Kinds that share a word stand side by side.
        let mut words: Vec<_> = KINDS.iter().map(|kind| kind.spelling(vocabulary)).collect();
        words.dedup();
        words.into_iter()
    };
    spelled(Vocabulary::Plain).chain(["module"]).chain(spelled(Vocabulary::Salt))
}

/// Salt's old form, with the function as a bare word in the list of arguments.
pub fn split_form(
    named: Named,
    place: &Place,
    value: Option<&Node>,
    origin: &Arc<Origin>,
    problems: &mut Diagnostics,
) -> (Named, Arguments) {
    let word = named.kind.spelling(named.vocabulary);
    let mut function: Option<(&'static dyn Kind, Function)> = None;
    let mut rest = Vec::new();
    let words = match value.map(|node| &node.value) {
        Some(NodeValue::List(items)) => items.as_slice(),
        Some(NodeValue::Scalar { .. }) => value.map(std::slice::from_ref).unwrap_or_default(),
        Some(NodeValue::Map(_)) | None => &[],
    };
    for item in words {
        match item.text() {
            Some(name) if function.is_some() => {
                problems.push(Diagnostic::error(
                    &item.place,
                    format!("`{name}` is a second function of `{word}`"),
                ));
            }
            Some(name) => match functions_of(word).find(|(_, known)| known.name == name) {
                Some(known) => function = Some(known),
                None => {
                    problems.push(no_function(word, name, &item.place));
                    return (named, Arguments::default());
                }
            },
            None => rest.push(item.clone()),
        }
    }
    let Some((kind, function)) = function else {
        let names: Vec<_> = functions_of(word).map(|(_, known)| format!("{word}.{}", known.name)).collect();
        problems.push(
            Diagnostic::error(place, format!("`{word}` does not say its function"))
                .hint(format!("write one of {}", names.join(", "))),
        );
        return (named, Arguments::default());
    };
    let named = Named { kind, function: Some(function), ..named };
    (named, arguments(&Node::list(place.clone(), rest), origin, problems))
}
