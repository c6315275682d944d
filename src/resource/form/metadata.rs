//! What people say of an image, in their own words and shape.

use serde_json::Value;

use super::map::object;
use super::parts::{each, entries, wrong};
use super::raw::typed;
use super::{Form, Sample, Samples};
use crate::resource::field::Reading;
use crate::source::{Diagnostics, Node, NodeValue, looks_secret, without_url_passwords};

/// A mapping of any YAML, typed by YAML's core schema; a number that would be printed otherwise than it
/// was written is text. Normal form: the JSON itself.
pub struct Metadata;

pub const METADATA: Metadata = Metadata;

/// Bytes of JSON. They travel in a label, with every container of the image.
const LONGEST: usize = 32 * 1024;

impl Form for Metadata {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        let metadata = each(entries(node, self.expects())?, |entry| {
            let value = as_written(&entry.value);
            match secret(&entry.key, &value) {
                Some(key) => Err(wrong(
                    &entry.value,
                    format!("`{key}` looks like a secret, and whoever has the image can read its metadata"),
                    "leave it out, or call it by a name that does not look like one",
                )),
                None => Ok((entry.key, in_order(value))),
            }
        })?;
        let metadata = object(metadata);
        match metadata.to_string().len() {
            0..=LONGEST => Ok(metadata),
            bytes => Err(wrong(
                node,
                format!("metadata of {bytes} bytes is too much for a label; it may have {LONGEST}"),
                "put a file into the image, and its path here",
            )),
        }
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.clone()
    }

    fn expects(&self) -> &'static str {
        "a mapping, such as `{owner: db-team, links: [https://wiki.example/db]}`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &[
                    "{owner: db-team, tier: 1, on_call: [{b: bob, a: ann}]}",
                    "{on_call: [{a: ann, b: 'bob'}], tier: 1, owner: db-team}",
                ],
                salt: &[],
            },
            Sample { plain: &["{tier: '1'}"], salt: &[] },
            Sample { plain: &["{version: 1.10}", "{version: '1.10'}"], salt: &[] },
            Sample { plain: &["{}"], salt: &[] },
        ])
    }
}

/// The JSON that a node stands for. People mean a version by `1.10`, and `1.1` is another one.
fn as_written(node: &Node) -> Value {
    match &node.value {
        NodeValue::Scalar { text, .. } => match typed(node) {
            Value::Number(number) if number.to_string() != *text => Value::String(text.clone()),
            value => value,
        },
        NodeValue::List(items) => items.iter().map(as_written).collect(),
        NodeValue::Map(entries) => {
            object(entries.iter().map(|entry| (entry.key.clone(), as_written(&entry.value))))
        }
    }
}

/// The same value with sorted keys, so that another order in the file makes no difference.
fn in_order(value: Value) -> Value {
    match value {
        Value::Object(map) => object(map.into_iter().map(|(key, value)| (key, in_order(value)))),
        Value::Array(items) => items.into_iter().map(in_order).collect(),
        other => other,
    }
}

/// The key of a value that is nobody's business, at whatever depth.
fn secret(key: &str, value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(_) => None,
        _ if looks_secret(key) => Some(key.to_owned()),
        Value::Object(map) => map.iter().find_map(|(key, value)| secret(key, value)),
        Value::Array(items) => items.iter().find_map(|item| secret(key, item)),
        Value::String(text) => (without_url_passwords(text) != *text).then(|| key.to_owned()),
        Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, plain, refused};
    use super::*;
    use serde_json::json;

    #[test]
    fn metadata_obeys_the_laws() {
        obeys_the_laws(&METADATA);
        assert!(refused(&METADATA, "just text").contains("a mapping"));
        assert!(
            refused(&METADATA, "{a: {b: [{db_password: x}]}}").contains("`db_password` looks like a secret")
        );
        assert!(refused(&METADATA, "{db: ['pg://me:x@db']}").contains("`db` looks like a secret"));
        let long = format!("{{a: {}}}", "x".repeat(LONGEST));
        assert!(refused(&METADATA, &long).contains("put a file into the image"));
    }

    #[test]
    fn a_number_that_would_be_printed_otherwise_stays_as_it_was_written() {
        let text = "{a: 1.10, b: 007, c: 1e3, d: [{e: 0x1f}], f: 10, g: -2.5, h: 1.0, i: true, j: ~, k: '1'}";
        let expected = json!({"a": "1.10", "b": "007", "c": "1e3", "d": [{"e": "0x1f"}], "f": 10, "g": -2.5,
            "h": 1.0, "i": true, "j": null, "k": "1"});
        assert_eq!(plain(&METADATA, text), expected);
    }
}
