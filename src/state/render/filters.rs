//! Filters that Salt's trees use and the template engine lacks.

use base64::Engine as _;
use minijinja::value::{Kwargs, Rest, Serde, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use regex_lite::{Regex, RegexBuilder};
use sha2::{Digest, Sha256};

use super::markers::without;
use super::secrets::guard;
use crate::source::Diagnostics;
use crate::state::decode::decode;
use crate::state::json::{Booleans, data};
use crate::state::pillar::merge;
use crate::state::tree::Plain;
use crate::state::yaml;

type Result<T> = std::result::Result<T, Error>;

/// Adds the filters.
pub fn add(env: &mut Environment<'static>) {
    for name in ["json", "tojson", "yaml", "yaml_encode"] {
        env.add_filter(name, |value: &Value, _: Rest<Value>, _: Kwargs| json(value));
    }
    env.add_filter("yaml_dquote", |value: &Value| json(&Value::from(text(value))));
    env.add_filter("yaml_squote", |value: &Value| format!("'{}'", text(value).replace('\'', "''")));
    env.add_filter("load_yaml", load_yaml);
    env.add_filter("load_json", load_json);
    guard(env, "regex_replace", Value::from_function(regex_replace));
    guard(env, "regex_search", Value::from_function(regex_search));
    guard(env, "regex_match", Value::from_function(regex_match));
    guard(env, "to_bool", Value::from_function(to_bool));
    let sha256 = |value: &Value| hex(&Sha256::digest(text(value).as_bytes()));
    guard(env, "sha256", Value::from_function(sha256));
    env.add_filter("md5", |_: &Value| -> Result<Value> {
        Err(wrong("`md5` is not offered: use the filter `sha256`"))
    });
    let encode = |value: &Value| base64::engine::general_purpose::STANDARD.encode(text(value));
    guard(env, "base64_encode", Value::from_function(encode));
    guard(env, "base64_decode", Value::from_function(base64_decode));
    env.add_filter("union", |a: &Value, b: &Value| -> Result<Value> {
        Ok(unique(items(a)?.into_iter().chain(items(b)?)))
    });
    env.add_filter("intersect", |a: &Value, b: &Value| -> Result<Value> {
        let b = items(b)?;
        Ok(unique(items(a)?.into_iter().filter(|item| b.contains(item))))
    });
    env.add_filter("difference", |a: &Value, b: &Value| -> Result<Value> {
        let b = items(b)?;
        Ok(unique(items(a)?.into_iter().filter(|item| !b.contains(item))))
    });
    env.add_filter("symmetric_difference", |a: &Value, b: &Value| -> Result<Value> {
        let (a, b) = (items(a)?, items(b)?);
        let left: Vec<_> = a.iter().filter(|item| !b.contains(item)).cloned().collect();
        Ok(unique(left.into_iter().chain(b.into_iter().filter(|item| !a.contains(item)))))
    });
    env.add_filter("flatten", |value: &Value| -> Result<Value> {
        let mut flat = Vec::new();
        flatten(value, &mut flat, 0)?;
        Ok(Value::from(flat))
    });
    guard(env, "path_join", Value::from_function(path_join));
    guard(env, "quote", Value::from_function(|value: &Value| quote(&text(value))));
    env.add_filter("sequence", |value: &Value| match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => value.clone(),
        _ => Value::from(vec![value.clone()]),
    });
    env.add_filter("merge", |a: &Value, b: &Value| -> Result<Value> {
        let mut merged = to_json(a)?;
        merge(&mut merged, to_json(b)?);
        Ok(Value::from(Serde(merged)))
    });
    env.add_filter("dict_to_sls_yaml_params", |value: &Value| -> Result<String> {
        let serde_json::Value::Object(map) = to_json(value)? else { return Err(wrong("this is no mapping")) };
        let list: Vec<_> = map.into_iter().map(|pair| serde_json::Map::from_iter([pair]).into()).collect();
        Ok(serde_json::Value::Array(list).to_string())
    });
    env.add_test("match", |value: &Value, pattern: &str| -> Result<bool> {
        Ok(compile(&format!("^(?:{pattern})"), &[])?.is_match(&text(value)))
    });
}

pub fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// A value as JSON, which is YAML too.
pub fn json(value: &Value) -> Result<String> {
    Ok(to_json(value)?.to_string())
}

pub fn to_json(value: &Value) -> Result<serde_json::Value> {
    serde_json::to_value(value).map_err(|error| wrong(format!("this cannot be written: {error}")))
}

/// A value as it prints.
fn text(value: &Value) -> String {
    match value.as_str() {
        Some(text) => without(text),
        None if value.kind() == ValueKind::Bool => value.is_true().to_string(),
        None => value.to_string(),
    }
}

fn items(value: &Value) -> Result<Vec<Value>> {
    Ok(value.try_iter()?.collect())
}

fn unique(values: impl IntoIterator<Item = Value>) -> Value {
    let mut seen = std::collections::HashSet::new();
    Value::from(values.into_iter().filter(|value| seen.insert(value.clone())).collect::<Vec<_>>())
}

fn flatten(value: &Value, into: &mut Vec<Value>, depth: usize) -> Result<()> {
    if depth > 64 {
        return Err(wrong("this list is nested too deep"));
    }
    for item in value.try_iter()? {
        match item.kind() {
            ValueKind::Seq => flatten(&item, into, depth + 1)?,
            _ => into.push(item),
        }
    }
    Ok(())
}

/// Reads YAML that a template has put together.
pub fn load_yaml(state: &State, source: &str) -> Result<Value> {
    let booleans = match state.name().rsplit('.').next() {
        Some("yml" | "yaml") => Booleans::Strict,
        _ => Booleans::Salt,
    };
    parse_yaml(&without(source), state.name(), booleans)
}

/// Reads YAML that came from a file or from a template.
pub fn parse_yaml(source: &str, name: &str, booleans: Booleans) -> Result<Value> {
    let first = |problems: Diagnostics| {
        let problem = problems.into_iter().next();
        wrong(problem.map_or_else(String::new, |problem| {
            let line = problem.place.as_ref().map(|place| format!(" (line {} of it)", place.line));
            format!("{}{}", problem.message, line.unwrap_or_default())
        }))
    };
    let file = decode(name, source.as_bytes().to_vec()).map_err(|problem| first(problem.into()))?;
    let mut problems = Diagnostics::default();
    let value = match yaml::load(&Plain(file), &mut problems) {
        Some(node) => data(&node, booleans, &mut problems),
        None => serde_json::Value::Null,
    };
    if problems.has_errors() {
        return Err(first(problems));
    }
    Ok(Value::from(Serde(value)))
}

/// Reads JSON.
pub fn load_json(source: &str) -> Result<Value> {
    let value: serde_json::Value = serde_json::from_str(&without(source))
        .map_err(|error| wrong(format!("this is not JSON: {error}")))?;
    Ok(Value::from(Serde(value)))
}

fn compile(pattern: &str, flags: &[(&str, bool)]) -> Result<Regex> {
    let is_set = |name: &str| flags.iter().any(|(flag, on)| *flag == name && *on);
    RegexBuilder::new(pattern)
        .case_insensitive(is_set("ignorecase"))
        .multi_line(is_set("multiline"))
        .build()
        .map_err(|error| wrong(format!("`{pattern}` is no regular expression: {error}")))
}

fn flags(given: &[Value], kwargs: &Kwargs) -> Result<[(&'static str, bool); 2]> {
    let flag = |name, n: usize| -> Result<bool> {
        let named: Option<bool> = kwargs.get(name)?;
        Ok(named.or_else(|| given.get(n).map(Value::is_true)).unwrap_or(false))
    };
    Ok([("ignorecase", flag("ignorecase", 0)?), ("multiline", flag("multiline", 1)?)])
}

fn regex_replace(
    value: &str,
    pattern: &str,
    with: &str,
    rest: Rest<Value>,
    kwargs: Kwargs,
) -> Result<String> {
    // Python writes `\1`, the library `${1}`.
    let mut replacement = String::new();
    let mut letters = with.chars().peekable();
    while let Some(c) = letters.next() {
        match (c, letters.peek()) {
            ('\\', Some(digit)) if digit.is_ascii_digit() => {
                replacement.push_str(&format!("${{{digit}}}"));
                letters.next();
            }
            ('$', _) => replacement.push_str("$$"),
            _ => replacement.push(c),
        }
    }
    let regex = compile(pattern, &flags(&rest, &kwargs)?)?;
    Ok(regex.replace_all(&without(value), replacement.as_str()).into_owned())
}

fn groups(value: &str, pattern: &str, rest: &[Value], kwargs: &Kwargs) -> Result<Value> {
    let regex = compile(pattern, &flags(rest, kwargs)?)?;
    Ok(match regex.captures(&without(value)) {
        Some(found) => found
            .iter()
            .skip(1)
            .map(|group| group.map_or_else(|| Value::from(()), |group| Value::from(group.as_str())))
            .collect::<Vec<_>>()
            .into(),
        None => Value::from(()),
    })
}

fn regex_search(value: &str, pattern: &str, rest: Rest<Value>, kwargs: Kwargs) -> Result<Value> {
    groups(value, pattern, &rest, &kwargs)
}

fn regex_match(value: &str, pattern: &str, rest: Rest<Value>, kwargs: Kwargs) -> Result<Value> {
    groups(value, &format!("^(?:{pattern})"), &rest, &kwargs)
}

fn to_bool(value: &Value) -> bool {
    match value.as_str() {
        Some(text) => matches!(text.to_lowercase().as_str(), "yes" | "1" | "true" | "on"),
        None => value.is_true(),
    }
}

fn base64_decode(value: &str) -> Result<String> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(without(value).trim());
    let bytes = bytes.map_err(|error| wrong(format!("this is not base64: {error}")))?;
    String::from_utf8(bytes).map_err(|_| wrong("what base64 stands for is no text"))
}

fn path_join(value: &Value, rest: Rest<String>) -> Result<String> {
    let mut parts = match value.as_str() {
        Some(text) => vec![without(text)],
        None => items(value)?.iter().map(text).collect(),
    };
    parts.extend(rest.iter().cloned());
    let mut path = String::new();
    for part in parts {
        if part.starts_with('/') || path.is_empty() {
            path = part;
        } else {
            path = format!("{}/{part}", path.trim_end_matches('/'));
        }
    }
    Ok(path)
}

/// Quotes for a shell.
fn quote(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\"'\"'"))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
