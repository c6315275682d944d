//! Files that a container is to have, and what is done when they change.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::local::clean;
use super::map::object;
use super::name::signal;
use super::parts::{Read, each, entries, shell_command, text, unexpected, unknown_key, wrong};
use super::{Form, Sample, Samples};
use crate::resource::field::Reading;
use crate::source::{Diagnostic, Diagnostics, Entry, Node, NodeValue, holds_token};

/// Files by their path in the container. Normal form: a map of paths to `{content | base64 | source | template, mode,
/// uid, gid}`; `vars` may stand beside `template`. Sources are full paths of this machine, which the compiler puts
/// the contents of in their place.
pub struct Files;

pub const FILES: Files = Files;

const KEYS: &[&str] = &["content", "source", "template", "mode", "owner", "vars"];
const MODE: u32 = 0o644;
const SECRET_MODE: u32 = 0o400;
/// What the engine puts over whatever is at these paths when a container starts.
const TAKEN: &[(&str, &str)] = &[
    ("/etc/hosts", "declare `extra_hosts`"),
    ("/etc/hostname", "declare `hostname`"),
    ("/etc/resolv.conf", "declare `dns`, `dns_search` and `dns_opt`"),
];
const HIDDEN: &[&str] = &["/dev", "/proc", "/sys"];

impl Form for Files {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(json!({}));
        }
        let files = each(entries(node, self.expects())?, |entry| {
            let path = path(&entry)?;
            Ok((path, file(&entry, reading)?))
        })?;
        let mut paths = std::collections::BTreeSet::new();
        for (path, _) in &files {
            if !paths.insert(path) {
                return Err(Diagnostic::error(&node.place, format!("`{path}` stands here twice")).into());
            }
        }
        Ok(object(files))
    }

    fn observe(&self, shown: &Value) -> Value {
        match shown {
            Value::Null => json!({}),
            shown => shown.clone(),
        }
    }

    fn show(&self, normal: &Value) -> Value {
        let mut shown = normal.clone();
        for (_, file) in shown.as_object_mut().into_iter().flatten() {
            if let Some(mode) = file["mode"].as_u64() {
                file["mode"] = json!(format!("{mode:04o}"));
            }
            if let Some(digest) = file["sha256"].as_str().and_then(|digest| digest.get(..12)) {
                file["sha256"] = json!(digest);
            }
        }
        shown
    }

    fn expects(&self) -> &'static str {
        "files by path, such as `{/etc/app.conf: {source: app.conf, mode: '0640'}}`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &[
                    "{/etc/app.conf: hello}",
                    "{/etc/../etc/app.conf: {content: hello}}",
                    "{/etc/app.conf: {content: hello, mode: '0644', owner: '0:0'}}",
                    "{/etc/app.conf: {content: hello, mode: 644, owner: 0}}",
                ],
                salt: &[],
            },
            Sample { plain: &["{/etc/app.conf: {content: bye, mode: '600', owner: 1000}}"], salt: &[] },
        ])
    }
}

fn path(entry: &Entry) -> Read<String> {
    let refuse =
        |message: String, hint: &str| Err(Diagnostic::error(&entry.key_place, message).hint(hint).into());
    let written = entry.key.as_str();
    if !written.starts_with('/') || written.contains(['\0', '\n']) {
        return refuse(format!("`{written}` is no absolute path in the container"), "write `/etc/app.conf`");
    }
    let path = clean(Path::new(written)).to_string_lossy().into_owned();
    if path == "/" || written.ends_with('/') {
        return refuse(
            format!("`{written}` is a folder"),
            "name each file; for a folder, mount one with `volumes`",
        );
    }
    if let Some((_, instead)) = TAKEN.iter().find(|(taken, _)| *taken == path) {
        return refuse(format!("the engine writes `{path}` itself whenever the container starts"), instead);
    }
    if let Some(hidden) = HIDDEN.iter().find(|hidden| Path::new(&path).starts_with(hidden)) {
        return refuse(
            format!("a running container has no files of its own below `{hidden}`"),
            "choose another path",
        );
    }
    Ok(path)
}

fn file(entry: &Entry, reading: &Reading) -> Read<Value> {
    let node = &entry.value;
    let NodeValue::Map(options) = &node.value else {
        return match node.text() {
            Some(content) if !node.is_null() => {
                Ok(normal(json!({"content": content}), default_mode(content), (0, 0)))
            }
            _ => Err(wrong(
                node,
                format!("`{}` has no content", entry.key),
                "write `{content: …}`, `{source: FILE}` or `{template: FILE}`",
            )),
        };
    };
    for option in options {
        if !KEYS.contains(&option.key.as_str()) {
            return Err(unknown_key(option, "a file", KEYS));
        }
    }
    let of = |key: &str| {
        options.iter().find(|option| option.key == key && !option.value.is_null()).map(|it| &it.value)
    };
    let mut origins = Map::new();
    if let Some(content) = of("content") {
        origins.insert("content".to_owned(), json!(text(content, "a text")?));
    }
    for key in ["source", "template"] {
        let Some(file) = of(key) else { continue };
        let written = text(file, "a file, relative to the state file")?;
        if written.is_empty() || written.starts_with('~') {
            return Err(wrong(
                file,
                format!("`{written}` is no path of a file"),
                "write it relative to the state file",
            ));
        }
        origins.insert(key.to_owned(), json!(clean(&reading.folder.join(written)).to_string_lossy()));
    }
    if origins.len() != 1 {
        let message = format!("`{}` needs one of `content`, `source` and `template`", entry.key);
        return Err(Diagnostic::error(&entry.key_place, message).into());
    }
    if let Some(vars) = of("vars") {
        if !origins.contains_key("template") {
            return Err(wrong(vars, "`vars` are for templates", "write `template` in place of `source`"));
        }
        let given = vars.as_map().ok_or_else(|| unexpected(vars, "a mapping of names to values"))?;
        let given: Map<String, Value> =
            given.iter().map(|var| (var.key.clone(), value(&var.value))).collect();
        origins.insert("vars".to_owned(), Value::Object(given));
    }
    let usual = origins.get("content").and_then(Value::as_str).map_or(MODE, default_mode);
    if of("mode").is_none() && origins.contains_key("template") {
        // What comes out of it may hold a secret.
        origins.insert("_mode".to_owned(), json!("default"));
    }
    let mode = of("mode").map_or(Ok(usual), mode)?;
    let owner = of("owner").map_or(Ok((0, 0)), owner)?;
    Ok(normal(Value::Object(origins), mode, owner))
}

fn normal(mut origin: Value, mode: u32, (uid, gid): (u32, u32)) -> Value {
    origin["mode"] = json!(mode);
    origin["uid"] = json!(uid);
    origin["gid"] = json!(gid);
    origin
}

/// The permissions of a file that says nothing of them: with a secret in it, nobody but its owner reads it.
pub fn default_mode(content: &str) -> u32 {
    if holds_token(content) { SECRET_MODE } else { MODE }
}

/// Always octal, as `chmod` has it.
fn mode(node: &Node) -> Read<u32> {
    let expects = "permissions as `chmod` takes them, such as `'0644'`";
    let written = text(node, expects)?;
    let digits = written.strip_prefix("0o").unwrap_or(written);
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if mode <= 0o7777 => Ok(mode),
        Ok(_) | Err(_) => Err(unexpected(node, expects).into()),
    }
}

fn owner(node: &Node) -> Read<(u32, u32)> {
    let expects = "numbers of a user and a group, such as `1000:1000`";
    let written = text(node, expects)?;
    let (user, group) = written.split_once(':').unwrap_or((written, written));
    match (user.parse(), group.parse()) {
        (Ok(user), Ok(group)) => Ok((user, group)),
        _ => Err(unexpected(node, expects)
            .hint("names of users are known to the image alone: `docker run --rm IMAGE id NAME` shows the numbers")
            .into()),
    }
}

/// A value for templates, as YAML means it.
fn value(node: &Node) -> Value {
    match &node.value {
        NodeValue::List(items) => items.iter().map(value).collect(),
        NodeValue::Map(entries) => {
            Value::Object(entries.iter().map(|entry| (entry.key.clone(), value(&entry.value))).collect())
        }
        NodeValue::Scalar { .. } if node.is_null() => Value::Null,
        NodeValue::Scalar { text, style } => match (style, text.as_str()) {
            (crate::source::Style::Plain, "true" | "false") => json!(text == "true"),
            (crate::source::Style::Plain, number) => {
                let whole = number.parse::<i64>().ok().filter(|parsed| parsed.to_string() == number);
                whole.map_or_else(|| json!(number), |number| json!(number))
            }
            _ => json!(text),
        },
    }
}

/// What is done when files change. Normal form: `replace`, `restart`, `{signal: SIGHUP}` or `{exec: [words]}`.
pub struct OnChange;

pub const ON_CHANGE: OnChange = OnChange;

impl Form for OnChange {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        match &node.value {
            NodeValue::Scalar { text, .. } if matches!(text.as_str(), "replace" | "restart") => {
                Ok(json!(text))
            }
            NodeValue::Map(entries) if entries.len() == 1 => match entries[0].key.as_str() {
                "signal" => {
                    let value = &entries[0].value;
                    let name = value.text().and_then(signal);
                    let name = name.ok_or_else(|| unexpected(value, "a signal, such as `HUP`"))?;
                    Ok(json!({"signal": name}))
                }
                "exec" => Ok(json!({"exec": shell_command(&entries[0].value)?})),
                _ => Err(unexpected(node, self.expects()).into()),
            },
            _ => Err(unexpected(node, self.expects()).into()),
        }
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.clone()
    }

    fn expects(&self) -> &'static str {
        "`restart`, `replace`, `{signal: HUP}` or `{exec: COMMAND}`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["restart"], salt: &[] },
            Sample { plain: &["{signal: HUP}", "{signal: SIGHUP}"], salt: &[] },
            Sample { plain: &["{exec: [nginx, -s, reload]}"], salt: &[] },
        ])
    }
}
