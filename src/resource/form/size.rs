//! Amounts of memory and of processor time.

use serde_json::{Value, json};

use super::parts::{text, unexpected};
use super::{Form, Sample, Samples};
use crate::resource::{Reading, Vocabulary};
use crate::source::{Diagnostics, Node};

const UNITS: [(char, u32); 5] = [('p', 50), ('t', 40), ('g', 30), ('m', 20), ('k', 10)];

/// An amount of memory; 1k is 1024. Normal form: bytes, `null` for 0 and for nothing.
pub struct Size {
    /// What the engine takes where nothing was said.
    default: Option<i64>,
    /// True if -1 means "no limit".
    may_be_unlimited: bool,
}

/// Nothing and 0 are "not set".
pub const SIZE: Size = Size { default: None, may_be_unlimited: false };
/// Memory and swap together; -1 is "no limit".
pub const MEMORY_SWAP: Size = Size { default: None, may_be_unlimited: true };
/// Nothing and 0 are the engine's 64m.
pub const SHM_SIZE: Size = Size { default: Some(64 << 20), may_be_unlimited: false };

impl Size {
    fn normal(&self, bytes: i64) -> Value {
        if bytes == 0 { json!(self.default) } else { json!(bytes) }
    }
}

impl Form for Size {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(json!(self.default));
        }
        let text = text(node, self.expects())?;
        match bytes(text) {
            Some(bytes) => Ok(self.normal(bytes)),
            None if self.may_be_unlimited && matches!(text, "-1" | "unlimited") => Ok(json!(-1)),
            None => Err(unexpected(node, self.expects()).into()),
        }
    }

    fn observe(&self, shown: &Value) -> Value {
        self.normal(shown.as_i64().unwrap_or(0))
    }

    fn send(&self, normal: &Value) -> Value {
        json!(normal.as_i64().unwrap_or(0))
    }

    fn show(&self, normal: &Value) -> Value {
        normal.as_i64().map_or_else(|| normal.clone(), |bytes| json!(shown_bytes(bytes)))
    }

    fn expects(&self) -> &'static str {
        if self.may_be_unlimited {
            "a size, such as `1g`, or `-1` for no limit"
        } else {
            "a size, such as `64m`"
        }
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["128m", "128M", "128mb", "128 MiB", "134217728", "0.125g"], salt: &[] },
            Sample { plain: &["1gb", "1024m", "1G"], salt: &[] },
            Sample { plain: &["0", "'0'", "0m"], salt: &[] },
        ])
    }
}

/// Reads a size as the engine's command line does.
pub(super) fn bytes(text: &str) -> Option<i64> {
    let lower = text.trim().to_ascii_lowercase();
    let end = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (number, unit) = lower.split_at(end);
    let unit = unit.trim_start();
    let unit = unit.strip_suffix('b').unwrap_or(unit);
    let unit = unit.strip_suffix('i').unwrap_or(unit);
    let shift = match unit {
        "" => 0,
        unit => UNITS.iter().find(|(letter, _)| unit.chars().eq([*letter]))?.1,
    };
    scaled(number, 1_i64 << shift)
}

/// A decimal number times a scale, cut to a whole number; nothing if it is none or too large.
pub(super) fn scaled(number: &str, scale: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction = &fraction[..fraction.len().min(15)];
    let below_one = if fraction.is_empty() {
        0
    } else {
        i128::from(scale) * fraction.parse::<i128>().ok()? / 10_i128.pow(u32::try_from(fraction.len()).ok()?)
    };
    whole.checked_mul(scale)?.checked_add(i64::try_from(below_one).ok()?)
}

pub(super) fn shown_bytes(bytes: i64) -> String {
    if bytes <= 0 {
        return bytes.to_string();
    }
    match UNITS.iter().find(|(_, shift)| bytes % (1 << shift) == 0) {
        Some((letter, shift)) => format!("{}{letter}", bytes >> shift),
        None => bytes.to_string(),
    }
}

/// A number of processors. Normal form: billionths of one, `null` for 0 and for nothing.
pub struct Cpus;

pub const CPUS: Cpus = Cpus;

const BILLION: i64 = 1_000_000_000;

impl Form for Cpus {
    /// In Salt's vocabulary a whole number from a million up is meant in billionths (`nano_cpus`).
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(Value::Null);
        }
        let text = text(node, self.expects())?;
        let nano = match text.parse::<i64>() {
            Ok(nano) if reading.vocabulary == Vocabulary::Salt && nano >= 1_000_000 => Some(nano),
            Ok(_) | Err(_) => scaled(text, BILLION),
        };
        match nano {
            Some(0) => Ok(Value::Null),
            Some(nano) => Ok(json!(nano)),
            None => Err(unexpected(node, self.expects()).into()),
        }
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.as_i64().filter(|nano| *nano != 0).map_or(Value::Null, |nano| json!(nano))
    }

    fn send(&self, normal: &Value) -> Value {
        json!(normal.as_i64().unwrap_or(0))
    }

    fn show(&self, normal: &Value) -> Value {
        let Some(nano) = normal.as_i64() else { return normal.clone() };
        let fraction = format!("{:09}", (nano % BILLION).abs());
        match fraction.trim_end_matches('0') {
            "" => json!((nano / BILLION).to_string()),
            fraction => json!(format!("{}.{fraction}", nano / BILLION)),
        }
    }

    fn expects(&self) -> &'static str {
        "a number of processors, such as `0.5`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["0.5", "'0.5'", ".50"], salt: &["0.5", "500000000"] },
            Sample { plain: &["1", "1.0"], salt: &["1", "1000000000"] },
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, plain, refused};
    use super::*;

    #[test]
    fn sizes_obey_the_laws() {
        let forms: &[&dyn Form] = &[&SIZE, &MEMORY_SWAP, &SHM_SIZE, &CPUS];
        for form in forms {
            obeys_the_laws(*form);
        }
    }

    #[test]
    fn sizes_are_shown_as_a_person_would_write_them() {
        assert_eq!(SIZE.show(&json!(67_108_864)), json!("64m"));
        assert_eq!(SIZE.show(&json!(1_500)), json!("1500"));
        assert_eq!(CPUS.show(&plain(&CPUS, "0.5")), json!("0.5"));
        assert_eq!(CPUS.show(&plain(&CPUS, "2")), json!("2"));
        assert_eq!(MEMORY_SWAP.show(&plain(&MEMORY_SWAP, "-1")), json!("-1"));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["-1", "64x", "m", "1.2.3", "9999999999g", "''", "64 m m"] {
            assert!(refused(&SIZE, text).contains("expected a size, such as `64m`"), "{text}");
        }
        assert!(refused(&CPUS, "half").contains("such as `0.5`"));
    }
}
