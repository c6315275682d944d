//! Keys with values: environment, labels and plain maps of texts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::parts::{Pair, Read, each, pairs, unexpected, written};
use super::{Form, Sample, Samples};
use crate::resource::{Reading, Vocabulary};
use crate::source::{Diagnostic, Diagnostics, Node};
use crate::world::label;

/// Environment variables. Normal form: a map of names to texts; `null` stands for a variable that
/// was taken away, which only the engine shows.
pub struct Env;

pub const ENV: Env = Env;

impl Form for Env {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let variables = each(pairs(node, reading, self.expects())?, |pair| {
            if pair.key.is_empty() || pair.key.contains(['=', '\0']) {
                let message = format!("`{}` is not a name for a variable", pair.key);
                return Err(Diagnostic::error(&pair.place, message).into());
            }
            Ok((pair.key.clone(), variable(&pair, node, reading)?))
        })?;
        Ok(object(variables))
    }

    fn observe(&self, shown: &Value) -> Value {
        let variables = shown.as_array().into_iter().flatten().filter_map(Value::as_str);
        object(variables.map(|variable| match variable.split_once('=') {
            Some((name, value)) => (name.to_owned(), json!(value)),
            None => (variable.to_owned(), Value::Null),
        }))
    }

    fn send(&self, normal: &Value) -> Value {
        let variables = sorted(normal).into_iter();
        variables
            .map(|(name, value)| match value {
                Value::Null => json!(name),
                value => json!(format!("{name}={}", written(value))),
            })
            .collect()
    }

    fn over(&self, background: &Value, declared: &Value) -> Value {
        union(background, declared)
    }

    fn differences(&self, from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
        differences_by_key(from, to)
    }

    fn expects(&self) -> &'static str {
        "environment variables: `{KEY: value}` or a list of `KEY=value`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &["{A: 1, B: x=y}", "['B=x=y', A=1]", "[{A: 1}, {B: x=y}]", "[A=0, B=x=y, A=1]"],
                salt: &["{A: 1, B: x=y}", "[A=1, B=x=y]", "[{A: 1}, {B: x=y}]", "A=1,B=x=y", "'A=1, B=x=y'"],
            },
            Sample { plain: &["{A: ''}", "[A=]", "[{A: ''}]"], salt: &[] },
            Sample { plain: &["{A: yes, B: 1_000, C: 0o17}", "['A=yes', B=1_000, C=0o17]"], salt: &[] },
            Sample { plain: &["{}", "[]"], salt: &[] },
        ])
    }
}

fn variable(pair: &Pair, node: &Node, reading: &Reading) -> Read<Value> {
    let key = &pair.key;
    let Some(value) = &pair.value else {
        let is_piece = node.text().is_some() && reading.vocabulary == Vocabulary::Salt;
        let hint = if is_piece {
            "a comma separates variables here; write a value that has one in a mapping".to_owned()
        } else {
            format!("write `{key}=value`, or `{key}=` for an empty one")
        };
        return Err(Diagnostic::error(&pair.place, format!("`{key}` has no value")).hint(hint).into());
    };
    if value.is_null() {
        let problem = Diagnostic::error(&value.place, format!("`{key}` has no value"));
        return Err(problem.hint(format!("write `{key}: \"\"` for an empty one, or remove the line")).into());
    }
    text_of(pair, value)
}

pub(super) fn text_of(pair: &Pair, value: &Node) -> Read<Value> {
    value.text().map(|text| json!(text)).ok_or_else(|| {
        let problem = unexpected(value, &format!("a text for `{}`", pair.key));
        problem.hint("put JSON or the like into quotes").into()
    })
}

/// Labels. Normal form: a map of texts without our own.
pub struct Labels;

pub const LABELS: Labels = Labels;

impl Form for Labels {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let labels = each(pairs(node, reading, self.expects())?, |pair| {
            if pair.key.starts_with(label::PREFIX) {
                let message = format!("`{}` is a label that evenkeel writes itself", pair.key);
                return Err(Diagnostic::error(&pair.place, message).hint("choose another name").into());
            }
            if pair.key.is_empty() {
                return Err(Diagnostic::error(&pair.place, "a label needs a name").into());
            }
            let value = match &pair.value {
                Some(value) if !value.is_null() => text_of(&pair, value)?,
                Some(_) | None => json!(""),
            };
            Ok((pair.key, value))
        })?;
        Ok(object(labels))
    }

    fn observe(&self, shown: &Value) -> Value {
        object(sorted(shown).into_iter().filter(|(name, _)| !name.starts_with(label::PREFIX)).map(text_entry))
    }

    fn over(&self, background: &Value, declared: &Value) -> Value {
        union(background, declared)
    }

    fn differences(&self, from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
        differences_by_key(from, to)
    }

    fn expects(&self) -> &'static str {
        "labels: `{name: value}` or a list of `name=value`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &["{tier: front, n: 1}", "[tier=front, n=1]", "[{tier: front}, n=1]"],
                salt: &["{tier: front, n: 1}", "'tier=front,n=1'", "[{tier: front}, {n: '1'}]"],
            },
            Sample { plain: &["{seen: ''}", "[seen]", "{seen: }"], salt: &["seen", "[seen]"] },
            Sample { plain: &["{}", "[]"], salt: &[] },
        ])
    }
}

pub(super) fn text_entry((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), json!(if value.is_null() { String::new() } else { written(value) }))
}

/// A JSON map in the order of its keys; of two equal keys the last wins.
pub(super) fn object(entries: impl IntoIterator<Item = (String, Value)>) -> Value {
    let sorted: BTreeMap<String, Value> = entries.into_iter().collect();
    Value::Object(sorted.into_iter().collect::<Map<_, _>>())
}

/// The entries of a JSON map in the order of their keys; none of anything else.
pub(super) fn sorted(map: &Value) -> BTreeMap<&String, &Value> {
    map.as_object().into_iter().flatten().collect()
}

/// Both maps; what is declared wins.
pub(super) fn union(background: &Value, declared: &Value) -> Value {
    let entries = sorted(background).into_iter().chain(sorted(declared));
    object(entries.map(|(key, value)| (key.clone(), value.clone())))
}

/// One difference per key.
pub(super) fn differences_by_key(from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
    let (before, after) = (sorted(from), sorted(to));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).copied().collect();
    keys.into_iter()
        .filter(|key| before.get(key) != after.get(key))
        .map(|key| {
            let value =
                |map: &BTreeMap<&String, &Value>| map.get(key).map_or(Value::Null, |value| (*value).clone());
            (key.clone(), value(&before), value(&after))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, plain, refused, salt};
    use super::*;

    #[test]
    fn maps_obey_the_laws() {
        let forms: &[&dyn Form] = &[&ENV, &LABELS];
        for form in forms {
            obeys_the_laws(*form);
        }
    }

    #[test]
    fn variables_keep_the_text_that_was_written() {
        let written = plain(&ENV, "{A: yes, B: no, C: 1_000, D: 0o17, E: 1e3, F: 'null', P: 'a$b$$c${d}'}");
        let kept = json!({"A": "yes", "B": "no", "C": "1_000", "D": "0o17", "E": "1e3", "F": "null", "P": "a$b$$c${d}"});
        assert_eq!(written, kept);
    }

    #[test]
    fn a_variable_without_a_value_is_refused_with_the_remedy() {
        assert!(refused(&ENV, "{KEY: ~}").contains("write `KEY: \"\"` for an empty one"));
        assert!(refused(&ENV, "[KEY]").contains("write `KEY=value`"));
        assert!(refused(&ENV, "KEY=1").contains("put it into brackets"));
        assert!(refused(&ENV, "{KEY: [1]}").contains("expected a text for `KEY`, found a list"));
        assert!(refused(&ENV, "[=x]").contains("is not a name"));
    }

    #[test]
    fn the_last_of_two_variables_wins_and_the_images_are_the_background() {
        assert_eq!(ENV.observe(&json!(["A=1", "A=2", "NOEQ"])), json!({"A": "2", "NOEQ": null}));
        assert_eq!(ENV.over(&json!({"A": "1", "P": "/x"}), &json!({"A": "2"})), json!({"A": "2", "P": "/x"}));
        assert_eq!(ENV.send(&json!({"B": "x", "A": "1"})), json!(["A=1", "B=x"]));
    }

    #[test]
    fn differences_are_told_by_key() {
        let differences = ENV.differences(&json!({"A": "1", "B": "2"}), &json!({"B": "3", "C": "4"}));
        let expected =
            [("A", json!("1"), Value::Null), ("B", json!("2"), json!("3")), ("C", Value::Null, json!("4"))];
        assert_eq!(differences, expected.map(|(key, from, to)| (key.to_owned(), from, to)));
    }

    #[test]
    fn our_own_labels_are_ours() {
        assert!(refused(&LABELS, "{io.evenkeel.id: x}").contains("evenkeel writes itself"));
        assert_eq!(LABELS.observe(&json!({"io.evenkeel.id": "web", "a": "b"})), json!({"a": "b"}));
    }

    #[test]
    fn a_comma_in_a_value_is_noticed() {
        assert_eq!(salt(&ENV, "'A=1, B=2'"), json!({"A": "1", "B": "2"}));
        let problem = ENV
            .read(&super::super::testing::yaml("'A=1,2'"), &super::super::testing::reading(Vocabulary::Salt));
        assert!(problem.is_err_and(|problems| {
            problems.iter().any(|p| p.hint.as_deref().is_some_and(|h| h.contains("comma")))
        }));
    }
}
