//! Gives plain scalars a meaning where no field does: in pillar and in parameters.

use serde_json::{Map, Number, Value};

use crate::source::{Diagnostic, Diagnostics, Node, NodeValue, Style};

/// Which words are booleans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Booleans {
    /// `true` and `false`; other words that might have been meant as such are errors.
    Strict,
    /// YAML 1.1, as in Salt's files: also `yes`, `no`, `on`, `off`.
    Salt,
    /// `true` and `false`; other words are words.
    Words,
}

/// The value of a node. A plain scalar is a number only if the number prints as it was written,
/// so that `1.10`, `0777` and `1_000` stay texts.
pub fn data(node: &Node, booleans: Booleans, problems: &mut Diagnostics) -> Value {
    match &node.value {
        _ if node.is_null() => Value::Null,
        NodeValue::Scalar { text, style: Style::Quoted } => Value::String(text.clone()),
        NodeValue::Scalar { text, style: Style::Plain } => {
            if let Some(truth) = truth(text, booleans) {
                return Value::Bool(truth);
            }
            if booleans == Booleans::Strict
                && let Some(meant) = truth_11(text)
            {
                problems.push(
                    Diagnostic::error(&node.place, format!("`{text}` may be a word or {meant}"))
                        .hint(format!("write {meant}, or \"{text}\" in quotes")),
                );
            }
            number(text).unwrap_or_else(|| Value::String(text.clone()))
        }
        NodeValue::List(items) => items.iter().map(|item| data(item, booleans, problems)).collect(),
        NodeValue::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|entry| (entry.key.clone(), data(&entry.value, booleans, problems)))
                .collect::<Map<_, _>>(),
        ),
    }
}

fn truth(text: &str, booleans: Booleans) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ if booleans == Booleans::Salt => truth_11(text),
        _ => None,
    }
}

fn truth_11(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse::<i64>() {
        return (whole.to_string() == text).then(|| Value::from(whole));
    }
    let first = text.trim_start_matches('-').chars().next()?;
    let fraction = text.parse::<f64>().ok().filter(|n| n.is_finite() && first.is_ascii_digit())?;
    (fraction.to_string() == text).then(|| Number::from_f64(fraction).map(Value::Number)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Place;

    #[test]
    fn a_scalar_is_a_number_only_if_it_prints_as_written() {
        let read = |text: &str| {
            let node = Node::scalar(Place::outside("t"), text, Style::Plain);
            data(&node, Booleans::Words, &mut Diagnostics::default()).to_string()
        };
        for (text, expected) in [
            ("1", "1"),
            ("-3", "-3"),
            ("1.5", "1.5"),
            ("1.10", "\"1.10\""),
            ("0777", "\"0777\""),
            ("1_000", "\"1_000\""),
            ("22:22", "\"22:22\""),
            ("1e3", "\"1e3\""),
            ("inf", "\"inf\""),
            ("true", "true"),
            ("~", "null"),
            ("99999999999999999999", "\"99999999999999999999\""),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
