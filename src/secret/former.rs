//! The values that secrets had when an object was made: what is on record has tokens, and what the engine shows of the
//! object has what stood there.

use std::collections::BTreeMap;

use serde_json::Value;
use zeroize::Zeroizing;

use super::vault::fit;
use crate::source::{Piece, pieces};

/// Values by name.
pub type Values = BTreeMap<String, Zeroizing<String>>;

/// Finds what the tokens of a record stood for. True if all of it is as recorded; what was found until then is in
/// `found` in any case.
pub fn former_values(record: &Value, shown: &Value, found: &mut Values) -> bool {
    match (record, shown) {
        (Value::String(text), Value::String(shown)) => in_text(text, shown, found),
        (Value::Array(items), Value::Array(shown)) if items.len() == shown.len() => {
            items.iter().zip(shown).fold(true, |all, (item, shown)| former_values(item, shown, found) && all)
        }
        // An object may show more than was declared.
        (Value::Object(map), shown) => {
            map.iter().fold(true, |all, (key, item)| former_values(item, &shown[key.as_str()], found) && all)
        }
        (record, shown) => record == shown,
    }
}

fn in_text(text: &str, shown: &str, found: &mut Values) -> bool {
    let mut rest = shown;
    let mut open: Option<String> = None;
    for piece in pieces(text) {
        let literal = match &piece {
            Piece::Text(text) => (*text).to_owned(),
            Piece::Secret(name) => match (found.get(name), &open) {
                (Some(value), _) => value.to_string(),
                // Nobody knows where one ends and the other begins.
                (None, Some(_)) => return false,
                (None, None) => {
                    open = Some(name.clone());
                    continue;
                }
            },
        };
        let Some(at) = rest.find(&literal) else { return false };
        match open.take() {
            Some(name) => {
                let Ok(value) = fit(&rest.as_bytes()[..at]) else { return false };
                found.insert(name, value);
            }
            None if at > 0 => return false,
            None => {}
        }
        rest = &rest[at + literal.len()..];
    }
    match open {
        Some(name) => match fit(rest.as_bytes()) {
            Ok(value) => found.insert(name, value).is_none(),
            Err(_) => false,
        },
        None => rest.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::token;

    fn found(record: &Value, shown: &Value) -> (bool, Vec<(String, String)>) {
        let mut values = Values::new();
        let all = former_values(record, shown, &mut values);
        (all, values.into_iter().map(|(name, value)| (name, value.to_string())).collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_stood_there_is_found_between_what_is_on_record() {
        let (a, b) = (token("a"), token("b"));
        let record = json!({"URL": format!("pg://u:{a}@db/{b}"), "PLAIN": "1", "CMD": ["run", b]});
        let shown = json!({"URL": "pg://u:hunter2@db/shop-1", "PLAIN": "1", "CMD": ["run", "shop-1"], "PATH": "/bin"});
        assert_eq!(found(&record, &shown), (true, pairs(&[("a", "hunter2"), ("b", "shop-1")])));
        assert!(!found(&json!(format!("{a}{b}")), &json!("hunter2shop")).0);
        assert!(!found(&json!(format!("x{a}")), &json!("hunter2")).0);
        assert!(!found(&json!(a), &json!(null)).0);
        assert!(found(&json!(format!("{a}-{a}")), &json!("hunter2-hunter2")).0);
        assert!(!found(&json!(format!("{a}-{a}")), &json!("hunter2-hunter3")).0);
    }
}
