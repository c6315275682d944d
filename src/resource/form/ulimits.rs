//! Limits of the kernel on what a process may use.

use serde_json::{Value, json};

use super::map::{differences_by_key, object, sorted};
use super::parts::{Pair, Read, each, entries, pairs, suggestion, text, unexpected, unknown_key, wrong};
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostic, Diagnostics, Node};

/// Limits by name. Normal form: a map of names to `{soft, hard}`; -1 is "no limit".
pub struct Ulimits;

pub const ULIMITS: Ulimits = Ulimits;

const KNOWN: &[&str] = &[
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

const LIMIT: &str = "a limit, such as `1024`, `{soft: 1024, hard: 2048}` or -1 for none";

impl Form for Ulimits {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let limits = match raw_limits(node) {
            Some(items) => each(items, raw_limit)?,
            None => each(pairs(node, reading, self.expects())?, |pair| limit(&pair))?,
        };
        Ok(object(limits))
    }

    fn observe(&self, shown: &Value) -> Value {
        object(shown.as_array().into_iter().flatten().filter_map(|limit| {
            let name = limit["Name"].as_str()?.to_owned();
            Some((name, json!({"soft": limit["Soft"], "hard": limit["Hard"]})))
        }))
    }

    fn send(&self, normal: &Value) -> Value {
        sorted(normal)
            .into_iter()
            .map(|(name, limit)| json!({"Name": name, "Soft": limit["soft"], "Hard": limit["hard"]}))
            .collect()
    }

    fn differences(&self, from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
        differences_by_key(from, to)
    }

    fn expects(&self) -> &'static str {
        "limits by name, such as `{nofile: 1024}`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &[
                    "{nofile: {soft: 1024, hard: 2048}}",
                    "{nofile: '1024:2048'}",
                    "['nofile=1024:2048']",
                    "[{nofile: {hard: 2048, soft: 1024}}]",
                ],
                salt: &[
                    "nofile=1024:2048",
                    "['nofile=1024:2048']",
                    "[{Name: nofile, Soft: 1024, Hard: 2048}]",
                ],
            },
            Sample {
                plain: &["{nproc: 64, core: -1}", "{nproc: 64, core: unlimited}"],
                salt: &["'nproc=64,core=-1'"],
            },
            Sample { plain: &["{}", "[]"], salt: &[] },
        ])
    }
}

/// The items of the engine's own shape, `[{Name, Soft, Hard}]`.
fn raw_limits(node: &Node) -> Option<&[Node]> {
    node.as_list().filter(|items| items.iter().any(|item| item.get("Name").is_some()))
}

fn raw_limit(item: &Node) -> Read<(String, Value)> {
    let Some(name) = item.get("Name") else { return Err(unexpected(item, "`{Name, Soft, Hard}`").into()) };
    let name = known_name(text(name, "the name of a limit")?, name)?;
    let number = |key: &str| item.get(key).map(bound).transpose();
    let (soft, hard) = (number("Soft")?, number("Hard")?);
    let Some(first) = soft.or(hard) else { return Err(unexpected(item, LIMIT).into()) };
    Ok((name, both(soft.unwrap_or(first), hard.unwrap_or(first), item)?))
}

fn limit(pair: &Pair) -> Read<(String, Value)> {
    let place = Node::scalar(pair.place.clone(), pair.key.as_str(), crate::source::Style::Quoted);
    let name = known_name(&pair.key, &place)?;
    let Some(value) = pair.value.as_ref().filter(|value| !value.is_null()) else {
        return Err(Diagnostic::error(&pair.place, format!("`{name}` has no limit")).hint(LIMIT).into());
    };
    if let Some(text) = value.text() {
        let (soft, hard) = text.split_once(':').unwrap_or((text, text));
        let bound = |text: &str| bound_of_text(text).ok_or_else(|| unexpected(value, LIMIT));
        return Ok((name, both(bound(soft)?, bound(hard)?, value)?));
    }
    let (mut soft, mut hard) = (None, None);
    for entry in &entries(value, LIMIT)? {
        match entry.key.as_str() {
            "soft" => soft = Some(bound(&entry.value)?),
            "hard" => hard = Some(bound(&entry.value)?),
            _ => return Err(unknown_key(entry, "a limit", &["soft", "hard"])),
        }
    }
    match (soft, hard) {
        (Some(soft), Some(hard)) => Ok((name, both(soft, hard, value)?)),
        _ => Err(wrong(value, "a limit needs `soft` and `hard`", "write both, or one number for both")),
    }
}

fn known_name(name: &str, node: &Node) -> Read<String> {
    if KNOWN.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(unexpected(node, "the name of a limit, such as `nofile`").hint(suggestion(name, KNOWN)).into())
}

fn bound(node: &Node) -> Read<i64> {
    bound_of_text(text(node, LIMIT)?).ok_or_else(|| unexpected(node, LIMIT).into())
}

fn bound_of_text(text: &str) -> Option<i64> {
    match text.trim() {
        "unlimited" => Some(-1),
        text => super::parts::whole_number(text).filter(|number| *number >= -1),
    }
}

fn both(soft: i64, hard: i64, node: &Node) -> Read<Value> {
    if hard != -1 && (soft == -1 || soft > hard) {
        return Err(wrong(node, "the soft limit is above the hard one", "raise `hard` or lower `soft`"));
    }
    Ok(json!({"soft": soft, "hard": hard}))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn ulimits_obey_the_laws() {
        obeys_the_laws(&ULIMITS);
    }

    #[test]
    fn a_wrong_limit_is_refused() {
        assert!(refused(&ULIMITS, "{nofiles: 5}").contains("did you mean `nofile`?"));
        assert!(refused(&ULIMITS, "{nofile: {soft: 5}}").contains("needs `soft` and `hard`"));
        assert!(refused(&ULIMITS, "{nofile: '5:4'}").contains("above the hard one"));
        assert!(refused(&ULIMITS, "{nofile: many}").contains("expected a limit"));
        assert!(refused(&ULIMITS, "[nofile]").contains("has no limit"));
    }
}
