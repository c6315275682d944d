//! Healthchecks, in Compose's form and in the engine's own.

use serde_json::{Value, json};

use super::command::words;
use super::duration::{MILLISECOND, shown, span};
use super::list::texts;
use super::map::{differences_by_key, object, sorted};
use super::parts::{Read, each, entries, text, unexpected, unknown_key, wrong};
use super::scalar::whole;
use super::{BOOL, Form, Sample, Samples};
use crate::resource::{Reading, Vocabulary};
use crate::source::{Diagnostics, Entry, Node, NodeValue};

/// How the engine finds out whether a container is well. Normal form: a map of `test` (words),
/// `interval`, `timeout`, `start_period`, `start_interval` (nanoseconds) and `retries`, each only
/// if it is set; `{test: [NONE]}` if it is switched off; `null` if nothing is said.
pub struct Healthcheck;

pub const HEALTHCHECK: Healthcheck = Healthcheck;

/// Our name for a setting and the engine's.
const SETTINGS: &[(&str, &str)] = &[
    ("test", "Test"),
    ("interval", "Interval"),
    ("timeout", "Timeout"),
    ("start_period", "StartPeriod"),
    ("start_interval", "StartInterval"),
    ("retries", "Retries"),
];

const TEST: &str = "a command, or a list that begins with `CMD`, `CMD-SHELL` or `NONE`";

impl Form for Healthcheck {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(Value::Null);
        }
        if node.text() == Some("NONE") {
            return Ok(disabled());
        }
        let settings = each(&entries(node, self.expects())?, |entry| setting(entry, reading))?;
        Ok(normal(object(settings.into_iter().flatten())))
    }

    fn observe(&self, shown: &Value) -> Value {
        let settings = SETTINGS.iter().map(|(name, engines)| ((*name).to_owned(), shown[engines].clone()));
        normal(object(settings))
    }

    fn send(&self, normal: &Value) -> Value {
        if normal.is_null() {
            return Value::Null;
        }
        let settings = SETTINGS.iter().map(|(name, engines)| ((*engines).to_owned(), normal[name].clone()));
        object(settings.filter(|(_, value)| !value.is_null()))
    }

    fn since(&self, normal: &Value) -> Vec<(String, (u32, u32))> {
        let is_newer = !normal["start_interval"].is_null();
        is_newer.then(|| ("start_interval".to_owned(), (1, 44))).into_iter().collect()
    }

    /// The engine fills every setting that is not declared from the image's.
    fn over(&self, background: &Value, declared: &Value) -> Value {
        if *declared == disabled() {
            return disabled();
        }
        normal(super::map::union(background, declared))
    }

    fn differences(&self, from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
        let is_whole = |value: &Value| value.is_null() || *value == disabled();
        if from == to {
            return Vec::new();
        }
        if is_whole(from) || is_whole(to) {
            return vec![(String::new(), self.show(from), self.show(to))];
        }
        let differences = differences_by_key(from, to).into_iter();
        differences
            .map(|(key, from, to)| (key.clone(), shown_setting(&key, &from), shown_setting(&key, &to)))
            .collect()
    }

    fn show(&self, normal: &Value) -> Value {
        if !normal.is_object() {
            return normal.clone();
        }
        object(sorted(normal).into_iter().map(|(key, value)| (key.clone(), shown_setting(key, value))))
    }

    fn expects(&self) -> &'static str {
        "a healthcheck, such as `{test: curl -f http://localhost, interval: 10s}`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &[
                    "{test: wget -q localhost, interval: 1m30s, timeout: 5s, retries: 3, start_period: 2s}",
                    "{test: [CMD-SHELL, wget -q localhost], interval: 90s, timeout: 5000ms, retries: '3', start_period: 2s}",
                ],
                salt: &[
                    "{test: wget -q localhost, interval: 90000000000, timeout: 5000000000, retries: 3, start_period: 2000000000}",
                    "{Test: [CMD-SHELL, wget -q localhost], Interval: 90000000000, Timeout: 5000000000, Retries: 3, StartPeriod: 2000000000}",
                    "[{test: wget -q localhost}, {interval: 90s}, {timeout: 5s}, {retries: 3}, {start_period: 2s}]",
                ],
            },
            Sample { plain: &["{test: [CMD, /check]}", "{test: [CMD, '/check'], interval: 0}"], salt: &[] },
            Sample {
                plain: &[
                    "{disable: true}",
                    "{test: [NONE]}",
                    "{test: NONE}",
                    "NONE",
                    "{test: [NONE], interval: 5s}",
                ],
                salt: &[],
            },
            Sample { plain: &["{interval: 5s}"], salt: &["{interval: 5000000000}", "{Interval: 5s}"] },
            Sample { plain: &["{}", "{disable: false}"], salt: &[] },
        ])
    }
}

fn disabled() -> Value {
    json!({"test": ["NONE"]})
}

/// Drops what is not set, and everything else if the check is switched off.
fn normal(settings: Value) -> Value {
    if texts(&settings["test"]).next() == Some("NONE") {
        return disabled();
    }
    let is_set = |value: &Value| match value {
        Value::Array(words) => !words.is_empty(),
        Value::Number(number) => number.as_i64() != Some(0),
        _ => false,
    };
    let settings = sorted(&settings).into_iter().filter(|(_, value)| is_set(value));
    match object(settings.map(|(name, value)| (name.clone(), value.clone()))) {
        Value::Object(map) if map.is_empty() => Value::Null,
        map => map,
    }
}

fn setting(entry: &Entry, reading: &Reading) -> Read<Option<(String, Value)>> {
    let engines =
        SETTINGS.iter().find(|(_, engines)| *engines == entry.key && reading.vocabulary == Vocabulary::Salt);
    let name = engines.map_or(entry.key.as_str(), |(name, _)| name);
    if entry.value.is_null() {
        return Ok(None);
    }
    let value = match name {
        "test" => test(&entry.value)?,
        "interval" | "timeout" | "start_period" | "start_interval" => json!(duration(&entry.value, reading)?),
        "retries" => match whole(&entry.value, "a number of retries, such as `3`")? {
            retries @ 0..=1_000_000 => json!(retries),
            _ => return Err(unexpected(&entry.value, "a number of retries, such as `3`").into()),
        },
        "disable" => match BOOL.read(&entry.value, reading)? {
            Value::Bool(true) => return Ok(Some(("test".to_owned(), json!(["NONE"])))),
            _ => return Ok(None),
        },
        _ => {
            let known: Vec<_> = SETTINGS.iter().map(|(name, _)| *name).chain(["disable"]).collect();
            return Err(unknown_key(entry, "a healthcheck", &known));
        }
    };
    Ok(Some((name.to_owned(), value)))
}

fn test(node: &Node) -> Read<Value> {
    let NodeValue::List(items) = &node.value else {
        return Ok(match text(node, TEST)? {
            "" => json!([]),
            "NONE" => json!(["NONE"]),
            command => json!(["CMD-SHELL", command]),
        });
    };
    let words = words(node, TEST)?;
    match (words.first().map(String::as_str), words.len()) {
        (None, _) | (Some("NONE"), 1) | (Some("CMD-SHELL"), 2) | (Some("CMD"), 2..) => Ok(json!(words)),
        (Some("CMD-SHELL"), 3..) => Err(wrong(
            node,
            "`CMD-SHELL` takes one text",
            "put the whole command into one text, or begin with `CMD`",
        )),
        (Some("CMD" | "CMD-SHELL"), _) => Err(wrong(node, "the command is missing", TEST)),
        (Some("NONE"), _) => Err(wrong(node, "`NONE` takes no command", "write `[NONE]`")),
        (Some(_), _) => {
            let first = items.first().unwrap_or(node);
            Err(unexpected(first, "`CMD`, `CMD-SHELL` or `NONE`").hint("begin the list with `CMD`").into())
        }
    }
}

fn duration(node: &Node, reading: &Reading) -> Read<i64> {
    let span = span(node, reading, "a duration, such as `30s`")?;
    if span != 0 && span < MILLISECOND {
        let hint = match reading.vocabulary {
            Vocabulary::Plain => "write `1ms` or more",
            Vocabulary::Salt => "a number is in nanoseconds here; write `30s` or `30000000000`",
        };
        return Err(wrong(node, "the engine takes no duration below a millisecond", hint));
    }
    Ok(span)
}

fn shown_setting(key: &str, value: &Value) -> Value {
    match value.as_i64() {
        Some(nanoseconds) if key != "retries" => json!(shown(nanoseconds)),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, plain, refused};
    use super::*;

    #[test]
    fn healthchecks_obey_the_laws() {
        obeys_the_laws(&HEALTHCHECK);
    }

    #[test]
    fn what_is_not_declared_is_the_images() {
        let image = HEALTHCHECK.observe(&json!({"Test": ["CMD", "/check"], "Interval": 5_000_000_000_i64}));
        let over = |text: &str| HEALTHCHECK.over(&image, &plain(&HEALTHCHECK, text));
        assert_eq!(over("{interval: 1s}"), json!({"test": ["CMD", "/check"], "interval": 1_000_000_000}));
        assert_eq!(over("{disable: true}"), json!({"test": ["NONE"]}));
        assert_eq!(over("{}"), image);
        assert_eq!(HEALTHCHECK.over(&disabled(), &plain(&HEALTHCHECK, "{interval: 1s}")), disabled());
    }

    #[test]
    fn a_disabled_check_has_no_interval() {
        assert_eq!(HEALTHCHECK.observe(&json!({"Test": ["NONE"], "Interval": 5})), disabled());
    }

    #[test]
    fn differences_are_told_by_setting() {
        let (from, to) =
            (plain(&HEALTHCHECK, "{test: a, interval: 30s}"), plain(&HEALTHCHECK, "{test: a, interval: 1m}"));
        assert_eq!(HEALTHCHECK.differences(&from, &to), [("interval".to_owned(), json!("30s"), json!("1m"))]);
        assert_eq!(HEALTHCHECK.differences(&from, &Value::Null)[0].0, "");
    }

    #[test]
    fn wrong_checks_are_refused() {
        assert!(refused(&HEALTHCHECK, "{test: [wget, x]}").contains("begin the list with `CMD`"));
        assert!(refused(&HEALTHCHECK, "{test: [CMD-SHELL, wget, x]}").contains("takes one text"));
        assert!(refused(&HEALTHCHECK, "{interval: 10us}").contains("below a millisecond"));
        assert!(refused(&HEALTHCHECK, "{interval: 30}").contains("write `30s`"));
        assert!(refused(&HEALTHCHECK, "{intervall: 30s}").contains("did you mean `interval`?"));
        assert!(refused(&HEALTHCHECK, "{retries: -1}").contains("a number of retries"));
    }
}
