//! Values that go to the engine as they were written, for options that have no row of their own.

use serde_json::{Map, Number, Value, json};

use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node, NodeValue, Style};

/// Any YAML, typed by YAML's core schema. Normal form: the JSON itself.
pub struct Raw;

pub const RAW: Raw = Raw;

impl Form for Raw {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        Ok(typed(node))
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.clone()
    }

    fn expects(&self) -> &'static str {
        "any value"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["{A: 1, B: [true, x]}", "{B: [True, 'x'], A: 0x1}"], salt: &[] },
            Sample { plain: &["{A: '1'}"], salt: &[] },
            Sample { plain: &["[]"], salt: &[] },
        ])
    }
}

/// The JSON that a node stands for.
pub(super) fn typed(node: &Node) -> Value {
    match &node.value {
        NodeValue::Scalar { text, style: Style::Quoted } => json!(text),
        NodeValue::Scalar { text, style: Style::Plain } => plain(text),
        NodeValue::List(items) => items.iter().map(typed).collect(),
        NodeValue::Map(entries) => {
            let entries = entries.iter().map(|entry| (entry.key.clone(), typed(&entry.value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => json!(true),
        "false" | "False" | "FALSE" => json!(false),
        _ => number(text).map_or_else(|| json!(text), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(octal) = text.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok().map(Number::from);
    }
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return i64::from_str_radix(hexadecimal, 16).ok().map(Number::from);
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let text = text.strip_prefix('+').unwrap_or(text);
        return text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from)).ok();
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}
