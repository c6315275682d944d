//! The records that an image carries: one of each build of it and of its ancestors, in labels of their own,
//! since a child that sets a key erases its parent's value.

use serde_json::{Map, Value};

use super::{Labels, label};

/// The version of a record's keys. A reader takes what it knows and leaves the rest.
pub(super) const FORMAT: u32 = 1;

/// The keys that every record is shown with, known or not.
pub const RECORD_KEYS: [&str; 13] = [
    "validate_method",
    "start_method",
    "update_method",
    "validate",
    "build_cause",
    "build_tag",
    "ci",
    "image_tag_names",
    "project",
    "build_time",
    "build_time_stamp",
    "image_name",
    "gitref",
];

/// The labels of the methods of a life cycle, with their short names.
pub const METHODS: [(&str, &str); 3] = [
    ("start", label::LIFECYCLE_START),
    ("update", label::LIFECYCLE_UPDATE),
    ("validate", label::LIFECYCLE_VALIDATE),
];

/// Bytes; what is longer than this nobody wrote for people to read.
const LONGEST: usize = 256 * 1024;

/// What a label says of one build.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// 0 is the oldest ancestor.
    pub number: u32,
    /// The label that it stands in.
    pub label: String,
    /// Its keys and values, or why they cannot be read.
    pub content: Result<Map<String, Value>, String>,
}

/// The records of an image or a container, oldest first.
pub fn records(labels: &Labels<'_>) -> Vec<Record> {
    let mut records: Vec<Record> = labels
        .iter()
        .filter_map(|(key, text)| {
            let number = number(key)?;
            Some(Record { number, label: key.to_owned(), content: read(text) })
        })
        .collect();
    records.sort_by(|a, b| (a.number, &a.label).cmp(&(b.number, &b.label)));
    records
}

/// The label of a number.
pub fn record_label(number: u32) -> String {
    format!("{}{number:02}", label::IMAGE_RECORD)
}

/// The number behind those that are taken; nothing if there is none left.
pub fn next_number(labels: &Labels<'_>) -> Option<u32> {
    match labels.iter().filter_map(|(key, _)| number(key)).max() {
        Some(highest) => highest.checked_add(1),
        None => Some(0),
    }
}

/// The number in a key; other keys begin in the same way.
fn number(key: &str) -> Option<u32> {
    let digits = key.strip_prefix(label::IMAGE_RECORD)?;
    let is_number = digits.len() >= 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

fn read(text: &str) -> Result<Map<String, Value>, String> {
    if text.len() > LONGEST {
        return Err(format!("{} bytes are too many for a record", text.len()));
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(record)) => Ok(record),
        Ok(_) => Err("it is JSON, but no object".to_owned()),
        Err(error) => Err(format!("it is no JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(labels: Value) -> Vec<(u32, bool)> {
        records(&Labels::new(Some(&labels))).iter().map(|r| (r.number, r.content.is_ok())).collect()
    }

    #[test]
    fn records_come_in_the_order_of_their_numbers() {
        let labels = json!({
            "io.evenkeel.image.10": "{}", "io.evenkeel.image.02": "{}", "io.evenkeel.image.100": "{}",
            "io.evenkeel.image.digest": "sha256:0", "io.evenkeel.image.1": "{}", "io.evenkeel.image.": "{}",
            "io.evenkeel.image.-1": "{}", "io.evenkeel.image.99999999999": "{}", "a": "{}",
        });
        assert_eq!(of(labels), [(2, true), (10, true), (100, true)]);
        assert_eq!(record_label(7), "io.evenkeel.image.07");
        assert_eq!(record_label(100), "io.evenkeel.image.100");
    }

    #[test]
    fn the_next_number_is_behind_all_that_are_taken() {
        let next = |labels: Value| next_number(&Labels::new(Some(&labels)));
        assert_eq!(next(json!({})), Some(0));
        assert_eq!(next(json!({"io.evenkeel.image.00": "{}", "io.evenkeel.image.05": "broken"})), Some(6));
        assert_eq!(next(json!({"io.evenkeel.image.4294967295": ""})), None);
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        let deep = "[".repeat(100_000);
        let long = format!("\"{}\"", "x".repeat(LONGEST));
        for text in ["", "{", "[]", "\"x\"", "null", "{\"a\": 1", "\u{0}", deep.as_str(), long.as_str()] {
            assert_eq!(of(json!({"io.evenkeel.image.00": text})), [(0, false)], "{:.20}", text);
        }
        assert_eq!(of(Value::Null), []);
    }
}
