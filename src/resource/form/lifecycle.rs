//! The methods of a life cycle: the commands by which what runs is started, updated and validated.

use serde_json::{Map, Value, json};

use super::map::{differences_by_key, object, union};
use super::parts::{each, entries, text, unexpected, unknown_key};
use super::{Form, Sample, Samples};
use crate::resource::field::Reading;
use crate::source::{Diagnostics, Node};
use crate::world::METHODS;

/// Methods. Normal form: a map of `start`, `update` and `validate`, as far as they are said, to commands.
/// The engine has them as labels.
pub struct Lifecycle;

pub const LIFECYCLE: Lifecycle = Lifecycle;

/// Bytes; a label is no place for a program.
const LONGEST: usize = 8 * 1024;

impl Form for Lifecycle {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        const COMMAND: &str = "a command for the shell in the container";
        let methods = each(entries(node, self.expects())?, |entry| {
            let names = METHODS.map(|(name, _)| name);
            if !names.contains(&entry.key.as_str()) {
                return Err(unknown_key(&entry, "`lifecycle`", &names));
            }
            match text(&entry.value, COMMAND)?.trim() {
                command if command.is_empty() || command.contains('\0') => {
                    Err(unexpected(&entry.value, COMMAND).into())
                }
                command if command.len() > LONGEST => {
                    Err(unexpected(&entry.value, "at most 8 KiB; put a script into the image").into())
                }
                command => Ok((entry.key.clone(), json!(command))),
            }
        })?;
        Ok(object(methods))
    }

    fn observe(&self, shown: &Value) -> Value {
        let said = METHODS.iter().filter_map(|(name, label)| {
            let command = shown[*label].as_str().filter(|command| !command.is_empty())?;
            Some(((*name).to_owned(), json!(command)))
        });
        object(said)
    }

    fn send(&self, normal: &Value) -> Value {
        let said = METHODS.iter().filter_map(|(name, label)| {
            let command = normal.get(*name)?;
            Some(((*label).to_owned(), command.clone()))
        });
        Value::Object(said.collect::<Map<_, _>>())
    }

    fn over(&self, background: &Value, declared: &Value) -> Value {
        union(background, declared)
    }

    fn differences(&self, from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
        differences_by_key(from, to)
    }

    fn expects(&self) -> &'static str {
        "commands: `{start: …, update: …, validate: …}`, as many of them as there are"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &[
                    "{update: git pull, validate: 'test -x /app'}",
                    "{validate: ' test -x /app ', update: git pull}",
                ],
                salt: &[],
            },
            Sample { plain: &["{start: /run.sh}"], salt: &[] },
            Sample { plain: &["{}"], salt: &[] },
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, plain, refused};
    use super::*;

    #[test]
    fn methods_obey_the_laws() {
        obeys_the_laws(&LIFECYCLE);
        assert!(refused(&LIFECYCLE, "{valdate: x}").contains("did you mean `validate`"));
        assert!(refused(&LIFECYCLE, "{validate: ''}").contains("a command"));
        assert!(refused(&LIFECYCLE, "{validate: [a, b]}").contains("a command"));
        assert!(refused(&LIFECYCLE, "true").contains("commands: `{start"));
    }

    #[test]
    fn they_are_labels_and_those_of_the_image_stay_in_force() {
        let declared = plain(&LIFECYCLE, "{validate: two}");
        let image = LIFECYCLE
            .observe(&json!({"io.evenkeel.lifecycle.update": "one", "io.evenkeel.lifecycle.validate": "one", "a": "b"}));
        assert_eq!(LIFECYCLE.over(&image, &declared), json!({"update": "one", "validate": "two"}));
        assert_eq!(LIFECYCLE.send(&declared), json!({"io.evenkeel.lifecycle.validate": "two"}));
        assert_eq!(LIFECYCLE.observe(&Value::Null), json!({}));
    }
}
