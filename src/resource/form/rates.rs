//! Numbers by device: weights, and how much may be read or written.

use serde_json::{Value, json};

use super::map::{differences_by_key, object, sorted};
use super::parts::{
    Read, clean_path, each, entries, items, text, unexpected, unknown_key, whole_number, wrong,
};
use super::size::{bytes, shown_bytes};
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node, NodeValue, Style};

/// Numbers by the path of a device. Normal form: a map of paths to numbers.
pub struct Rates {
    unit: Unit,
    expects: &'static str,
    samples: Samples,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    BytesPerSecond,
    TimesPerSecond,
    Weight,
}

pub const BYTE_RATES: Rates = Rates {
    unit: Unit::BytesPerSecond,
    expects: "bytes per second by device, such as `['/dev/sda:1mb']`",
    samples: Samples::of(&[
        Sample {
            plain: &[
                "['/dev/loop0:1mb', '/dev/loop1:512k']",
                "{/dev/loop1: 524288, /dev/loop0: 1m}",
                "[{path: /dev/loop1, rate: 512k}, {path: /dev/loop0, rate: '1mb'}]",
            ],
            salt: &[
                "'/dev/loop0:1mb,/dev/loop1:524288'",
                "[{Path: /dev/loop0, Rate: 1048576}, '/dev/loop1:512k']",
            ],
        },
        Sample { plain: &["['/dev/loop0:2mb']", "{/dev/loop0: 2m}"], salt: &[] },
        Sample { plain: &["[]", "{}"], salt: &[] },
    ]),
};

pub const TIMES_RATES: Rates = Rates {
    unit: Unit::TimesPerSecond,
    expects: "operations per second by device, such as `['/dev/sda:1000']`",
    samples: Samples::of(&[
        Sample {
            plain: &["['/dev/loop0:100']", "{/dev/loop0: 100}", "[{path: /dev/loop0, rate: 100}]"],
            salt: &["'/dev/loop0:100'", "[{Path: /dev/loop0, Rate: 100}]"],
        },
        Sample { plain: &["['/dev/loop0:200', '/dev/loop1:1']"], salt: &[] },
        Sample { plain: &["[]", "{}"], salt: &[] },
    ]),
};

pub const DEVICE_WEIGHTS: Rates = Rates {
    unit: Unit::Weight,
    expects: "weights from 10 to 1000 by device, such as `['/dev/sda:200']`",
    samples: Samples::of(&[
        Sample {
            plain: &["['/dev/loop0:300']", "{/dev/loop0: 300}", "[{path: /dev/loop0, weight: 300}]"],
            salt: &["'/dev/loop0:300'", "[{Path: /dev/loop0, Weight: 300}]"],
        },
        Sample { plain: &["['/dev/loop0:500']"], salt: &[] },
        Sample { plain: &["[]", "{}"], salt: &[] },
    ]),
};

impl Form for Rates {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let rates = match &node.value {
            NodeValue::Map(entries) => each(entries, |entry| self.rate(&entry.key, &entry.value))?,
            _ => {
                let items = items(node, reading, self.expects)?;
                each(&items, |item| if item.as_map().is_some() { self.long(item) } else { self.short(item) })?
            }
        };
        Ok(object(rates))
    }

    fn observe(&self, shown: &Value) -> Value {
        let key = self.key();
        object(
            shown
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|rate| Some((clean_path(rate["Path"].as_str()?), json!(rate[key].as_i64()?)))),
        )
    }

    fn send(&self, normal: &Value) -> Value {
        sorted(normal).into_iter().map(|(path, rate)| json!({"Path": path, self.key(): rate})).collect()
    }

    fn differences(&self, from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
        let rows = differences_by_key(from, to).into_iter();
        rows.map(|(path, from, to)| (path, self.shown(&from), self.shown(&to))).collect()
    }

    fn show(&self, normal: &Value) -> Value {
        if !normal.is_object() {
            return normal.clone();
        }
        object(sorted(normal).into_iter().map(|(path, rate)| (path.clone(), self.shown(rate))))
    }

    fn expects(&self) -> &'static str {
        self.expects
    }

    fn samples(&self) -> Samples {
        self.samples
    }
}

impl Rates {
    fn key(&self) -> &'static str {
        if self.unit == Unit::Weight { "Weight" } else { "Rate" }
    }

    fn shown(&self, rate: &Value) -> Value {
        match (self.unit, rate.as_i64()) {
            (Unit::BytesPerSecond, Some(rate)) => json!(shown_bytes(rate)),
            _ => rate.clone(),
        }
    }

    fn short(&self, node: &Node) -> Read<(String, Value)> {
        let text = text(node, self.expects)?;
        let Some((path, rate)) = text.rsplit_once(':') else {
            return Err(unexpected(node, self.expects).into());
        };
        self.rate(path, &Node::scalar(node.place.clone(), rate, Style::Quoted))
    }

    fn long(&self, node: &Node) -> Read<(String, Value)> {
        let (mut path, mut rate) = (None, None);
        let word = if self.unit == Unit::Weight { "weight" } else { "rate" };
        for entry in &entries(node, self.expects)? {
            match entry.key.as_str() {
                "path" | "Path" => path = Some(text(&entry.value, self.expects)?.to_owned()),
                key if key.eq_ignore_ascii_case(word) => rate = Some(entry.value.clone()),
                _ => return Err(unknown_key(entry, "a device", &["path", word])),
            }
        }
        match (path, rate) {
            (Some(path), Some(rate)) => self.rate(&path, &rate),
            _ => Err(wrong(node, format!("`path` and `{word}` are needed"), self.expects)),
        }
    }

    fn rate(&self, path: &str, node: &Node) -> Read<(String, Value)> {
        if !path.starts_with('/') {
            return Err(wrong(node, format!("`{path}` is not the path of a device"), "such as `/dev/sda`"));
        }
        let text = text(node, self.expects)?;
        let rate = match self.unit {
            Unit::BytesPerSecond => bytes(text),
            Unit::TimesPerSecond => whole_number(text.trim()).filter(|rate| *rate >= 0),
            Unit::Weight => whole_number(text.trim()).filter(|weight| (10..=1000).contains(weight)),
        };
        rate.map(|rate| (clean_path(path), json!(rate))).ok_or_else(|| unexpected(node, self.expects).into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, plain, refused};
    use super::*;

    #[test]
    fn rates_obey_the_laws() {
        for form in [BYTE_RATES, TIMES_RATES, DEVICE_WEIGHTS] {
            obeys_the_laws(&form);
        }
    }

    #[test]
    fn rates_are_shown_as_a_person_would_write_them() {
        let normal = plain(&BYTE_RATES, "{/dev/sda: 1048576}");
        assert_eq!(BYTE_RATES.show(&normal), json!({"/dev/sda": "1m"}));
    }

    #[test]
    fn wrong_rates_are_refused() {
        assert!(refused(&BYTE_RATES, "[/dev/sda]").contains("bytes per second"));
        assert!(refused(&BYTE_RATES, "['sda:1mb']").contains("not the path of a device"));
        assert!(refused(&TIMES_RATES, "['/dev/sda:1mb']").contains("operations per second"));
        assert!(refused(&DEVICE_WEIGHTS, "['/dev/sda:5']").contains("from 10 to 1000"));
        assert!(refused(&DEVICE_WEIGHTS, "[{path: /dev/sda, rate: 5}]").contains("weight"));
    }
}
