//! Spans of time, as `1m30s` or as a number.

use serde_json::{Value, json};

use super::parts::{Read, text, unexpected, whole_number};
use super::{Form, Sample, Samples};
use crate::resource::{Reading, Vocabulary};
use crate::source::{Diagnostics, Node};

const SECOND: i64 = 1_000_000_000;
pub(super) const MILLISECOND: i64 = 1_000_000;

/// Longest first, so that `ms` is not taken for `m`.
const UNITS: [(&str, i64); 7] = [
    ("ms", MILLISECOND),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
    ("h", 3600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
];

/// A span in whole seconds; a number alone is seconds. Normal form: seconds, `null` for nothing.
pub struct Seconds {
    /// True if -1 means "without end".
    may_be_endless: bool,
}

pub const DURATION_SECONDS: Seconds = Seconds { may_be_endless: false };
/// -1 waits without end.
pub const STOP_TIMEOUT: Seconds = Seconds { may_be_endless: true };

impl Form for Seconds {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(Value::Null);
        }
        let text = text(node, self.expects())?;
        let is_allowed = |seconds: &i64| *seconds >= 0 || self.may_be_endless && *seconds == -1;
        if let Some(seconds) = whole_number(text).filter(is_allowed) {
            return Ok(json!(seconds));
        }
        match nanoseconds(text) {
            Some(span) if span % SECOND == 0 => Ok(json!(span / SECOND)),
            Some(_) => {
                Err(unexpected(node, self.expects()).hint("only whole seconds can be said here").into())
            }
            None => Err(unexpected(node, self.expects()).into()),
        }
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.as_i64().map_or(Value::Null, |seconds| json!(seconds))
    }

    fn show(&self, normal: &Value) -> Value {
        match normal.as_i64().and_then(|seconds| seconds.checked_mul(SECOND)) {
            Some(span) if span >= 0 => json!(shown(span)),
            _ => normal.clone(),
        }
    }

    fn expects(&self) -> &'static str {
        "a duration in whole seconds, such as `1m30s` or `90`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["90", "1m30s", "'90'", "90s", "90000ms"], salt: &[] },
            Sample { plain: &["0", "0s"], salt: &[] },
            Sample { plain: &["10"], salt: &[] },
        ])
    }
}

/// A span with a unit; in Salt's vocabulary a number alone is nanoseconds. Normal form:
/// nanoseconds, `null` for nothing and for 0.
pub struct Span;

pub const DURATION: Span = Span;

impl Form for Span {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(Value::Null);
        }
        Ok(self.observe(&json!(span(node, reading, self.expects())?)))
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.as_i64().filter(|span| *span != 0).map_or(Value::Null, |span| json!(span))
    }

    fn send(&self, normal: &Value) -> Value {
        json!(normal.as_i64().unwrap_or(0))
    }

    fn show(&self, normal: &Value) -> Value {
        normal.as_i64().map_or_else(|| normal.clone(), |span| json!(shown(span)))
    }

    fn expects(&self) -> &'static str {
        "a duration, such as `1m30s`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["90s", "1m30s", "1.5m"], salt: &["90s", "90000000000"] },
            Sample { plain: &["500ms", "0.5s"], salt: &[] },
            Sample { plain: &["0", "0s"], salt: &[] },
        ])
    }
}

/// Reads a span in nanoseconds.
pub(super) fn span(node: &Node, reading: &Reading, expects: &str) -> Read<i64> {
    let text = text(node, expects)?;
    if let Some(number) = whole_number(text).filter(|number| *number >= 0) {
        if number == 0 || reading.vocabulary == Vocabulary::Salt {
            return Ok(number);
        }
        return Err(unexpected(node, expects).hint(format!("the unit is missing: write `{number}s`")).into());
    }
    nanoseconds(text).ok_or_else(|| unexpected(node, expects).into())
}

/// Reads `1h2m3.5s` and the like.
fn nanoseconds(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    let mut total: i64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let (unit, scale) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        total = total.checked_add(super::size::scaled(number, *scale)?)?;
        rest = &after[unit.len()..];
    }
    Some(total)
}

/// Whole seconds from `90`, `90s` or `1m30s`.
pub fn whole_seconds(text: &str) -> Option<u64> {
    let seconds = whole_number(text).or_else(|| {
        let span = nanoseconds(text)?;
        (span % SECOND == 0).then_some(span / SECOND)
    });
    u64::try_from(seconds?).ok()
}

/// A span as a person would write it.
pub(super) fn shown(span: i64) -> String {
    if span <= 0 || span % SECOND != 0 {
        return match span {
            span if span % MILLISECOND == 0 && span > 0 => format!("{}ms", span / MILLISECOND),
            0 => "0s".to_owned(),
            span => format!("{span}ns"),
        };
    }
    let seconds = span / SECOND;
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, plain, refused};
    use super::*;

    #[test]
    fn durations_obey_the_laws() {
        let forms: &[&dyn Form] = &[&DURATION_SECONDS, &STOP_TIMEOUT, &DURATION];
        for form in forms {
            obeys_the_laws(*form);
        }
    }

    #[test]
    fn durations_are_shown_as_a_person_would_write_them() {
        for text in ["1h1m1s", "1h", "500ms", "1m30s"] {
            assert_eq!(DURATION.show(&plain(&DURATION, text)), json!(text));
        }
        assert_eq!(DURATION_SECONDS.show(&json!(90)), json!("1m30s"));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        assert!(refused(&DURATION, "30").contains("the unit is missing: write `30s`"));
        assert!(refused(&DURATION_SECONDS, "1.5s").contains("only whole seconds"));
        assert!(refused(&DURATION_SECONDS, "-1").contains("such as `1m30s`"));
        assert_eq!(plain(&STOP_TIMEOUT, "-1"), json!(-1));
        for text in ["soon", "5y", "1h-1m", "99999999999h"] {
            assert!(refused(&DURATION, text).contains("such as `1m30s`"), "{text}");
        }
    }
}
