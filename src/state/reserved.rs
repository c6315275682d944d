//! Reads what stands under the reserved keys of a state file.

use std::sync::Arc;

use super::arguments::arguments;
use super::parse::{Defaults, Excluded, Exclusion, Extension, Origin, function_called, split_form};
use super::target::Wanted;
use crate::source::{Diagnostic, Diagnostics, Entry, Node, NodeValue, Place, Style, did_you_mean};

pub fn includes(node: &Node, problems: &mut Diagnostics) -> Vec<(String, Place)> {
    let mut found = Vec::new();
    for item in listed(node, "include", problems) {
        match (item.text(), item.as_map()) {
            (Some(name), _) if !item.is_null() => found.push((name.to_owned(), item.place.clone())),
            // Salt's form with an environment: there is one tree here.
            (None, Some([entry])) if entry.value.text().is_some() => problems.push(
                Diagnostic::error(&item.place, "an include takes no environment")
                    .hint(format!("write `- {}`", entry.value.text().unwrap_or_default())),
            ),
            _ => problems.push(Diagnostic::error(
                &item.place,
                format!("an include is a dotted name such as `web.frontend`, this is {}", item.sort()),
            )),
        }
    }
    found
}

pub fn excludes(node: &Node, problems: &mut Diagnostics) -> Vec<Exclusion> {
    let mut found = Vec::new();
    for item in listed(node, "exclude", problems) {
        let what = match (&item.value, item.text()) {
            (_, Some(sls)) => Some(Excluded::Sls(sls.to_owned())),
            (NodeValue::Map(entries), _) => match entries.as_slice() {
                [Entry { key, value, .. }] if key == "sls" => {
                    value.text().map(|text| Excluded::Sls(text.to_owned()))
                }
                [Entry { key, value, .. }] if key == "id" => {
                    value.text().map(|text| Excluded::Id(text.to_owned()))
                }
                _ => None,
            },
            (_, None) => None,
        };
        match what {
            Some(what) => found.push(Exclusion { what, place: item.place.clone() }),
            None => problems.push(
                Diagnostic::error(&item.place, "this says neither a file nor an id to exclude")
                    .hint("write `- sls: web.*` or `- id: web`"),
            ),
        }
    }
    found
}

pub fn extends(node: &Node, origin: &Arc<Origin>, problems: &mut Diagnostics) -> Vec<Extension> {
    let Some(ids) = node.as_map() else {
        problems.push(Diagnostic::error(
            &node.place,
            format!("`extend` is a mapping of ids, this is {}", node.sort()),
        ));
        return Vec::new();
    };
    let mut found = Vec::new();
    for id in ids {
        let mut add = |spelled: &str, place: &Place, value: Option<&Node>, problems: &mut Diagnostics| {
            let Some(named) = function_called(spelled, place, problems) else { return };
            let (named, arguments) = match value {
                Some(node) if named.function.is_none() && has_bare_word(node) => {
                    split_form(named, place, value, origin, problems)
                }
                _ => (named, value.map(|node| arguments(node, origin, problems)).unwrap_or_default()),
            };
            found.push(Extension {
                target: Wanted::kind(named.kind, &id.key),
                place: id.key_place.clone(),
                kind: named.kind,
                function: named.function,
                arguments,
                origin: origin.clone(),
            });
        };
        match &id.value.value {
            NodeValue::Map(kinds) => {
                for kind in kinds {
                    add(&kind.key, &kind.key_place, Some(&kind.value), problems);
                }
            }
            NodeValue::Scalar { text, .. } if !id.value.is_null() => {
                add(text, &id.value.place, None, problems)
            }
            NodeValue::Scalar { .. } | NodeValue::List(_) => problems.push(
                Diagnostic::error(&id.value.place, format!("`extend` of `{}` names no kind", id.key))
                    .hint("write the kind below it, such as `container:`, and below that the arguments"),
            ),
        }
    }
    found
}

fn has_bare_word(node: &Node) -> bool {
    node.as_list().is_some_and(|items| items.iter().any(|item| item.text().is_some()))
}

/// Reads `defaults: {container: {restart: always}}`.
pub fn defaults(node: &Node, problems: &mut Diagnostics) -> Vec<Defaults> {
    let Some(kinds) = node.as_map() else {
        problems.push(
            Diagnostic::error(
                &node.place,
                format!("`defaults` is a mapping of kinds, this is {}", node.sort()),
            )
            .hint("write `defaults: {container: {restart: always}}`"),
        );
        return Vec::new();
    };
    let mut found = Vec::new();
    for kind in kinds {
        let Some(named) = function_called(&kind.key, &kind.key_place, problems) else { continue };
        let mut entries = Vec::new();
        for entry in kind.value.as_map().unwrap_or_default() {
            let is_field = named.kind.functions().iter().any(|function| {
                let fields = named.kind.fields(function.name);
                fields.iter().any(|field| field.words(named.vocabulary).any(|known| known == entry.key))
            });
            let is_option =
                matches!(entry.key.as_str(), "failhard" | "retry" | "order" | "protect" | "watch_action");
            if is_field || is_option {
                entries.push(entry.clone());
            } else {
                let words: Vec<_> = named
                    .kind
                    .functions()
                    .iter()
                    .flat_map(|function| named.kind.fields(function.name))
                    .flat_map(|field| field.words(named.vocabulary))
                    .collect();
                problems.push(
                    Diagnostic::error(&entry.key_place, format!("`{}` can have no default", entry.key))
                        .maybe_hint(
                            did_you_mean(&entry.key, words.iter().copied())
                                .map(|meant| format!("did you mean `{meant}`?")),
                        ),
                );
            }
        }
        if kind.value.as_map().is_none() && !kind.value.is_null() {
            problems.push(Diagnostic::error(
                &kind.value.place,
                format!("the defaults of a kind are a mapping, this is {}", kind.value.sort()),
            ));
        }
        found.push(Defaults {
            kind: named.kind,
            vocabulary: named.vocabulary,
            function: named.function,
            entries,
        });
    }
    found
}

/// Items of a list; one value alone counts as a list of one.
fn listed<'a>(node: &'a Node, word: &str, problems: &mut Diagnostics) -> &'a [Node] {
    match &node.value {
        _ if node.is_null() => &[],
        NodeValue::List(items) => items,
        NodeValue::Scalar { style: Style::Plain | Style::Quoted, .. } => std::slice::from_ref(node),
        NodeValue::Map(_) => {
            problems.push(Diagnostic::error(&node.place, format!("`{word}` is a list, this is a mapping")));
            &[]
        }
    }
}
