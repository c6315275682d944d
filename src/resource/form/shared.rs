//! What a container has of others: processes, memory, mounts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::list::texts;
use super::parts::{Read, each, items, suggestion, text, unexpected, wrong};
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node};

/// Whose processes a container sees. Normal form: `host` or `container:NAME`; `null` for its own.
pub struct Pid;

pub const PID: Pid = Pid;

impl Form for Pid {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        mode(node, &["host"], self.expects())
    }

    fn observe(&self, shown: &Value) -> Value {
        super::TEXT.observe(shown)
    }

    fn send(&self, normal: &Value) -> Value {
        super::TEXT.send(normal)
    }

    fn expects(&self) -> &'static str {
        "`host` or `container:NAME`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["host", "'host'"], salt: &[] },
            Sample { plain: &["container:db"], salt: &[] },
            Sample { plain: &["''", "null"], salt: &[] },
        ])
    }
}

/// Whose memory a container has. Normal form: one of the words, or `container:NAME`; `null` for the engine's
/// default.
pub struct Ipc;

pub const IPC: Ipc = Ipc;

impl Form for Ipc {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        mode(node, &["private", "shareable", "none", "host"], self.expects())
    }

    fn observe(&self, shown: &Value) -> Value {
        super::TEXT.observe(shown)
    }

    fn send(&self, normal: &Value) -> Value {
        super::TEXT.send(normal)
    }

    fn expects(&self) -> &'static str {
        "`private`, `shareable`, `none`, `host` or `container:NAME`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["shareable", "'shareable'"], salt: &[] },
            Sample { plain: &["container:db"], salt: &[] },
            Sample { plain: &["''", "null"], salt: &[] },
        ])
    }
}

fn mode(node: &Node, words: &[&str], expects: &str) -> Read<Value> {
    if node.is_null() {
        return Ok(Value::Null);
    }
    let mode = text(node, expects)?;
    match mode.split_once(':') {
        None if mode.is_empty() => Ok(Value::Null),
        None if words.contains(&mode) => Ok(json!(mode)),
        Some(("service", service)) => Err(no_service(node, service)),
        Some(("container", "")) | None if mode.starts_with("container") => {
            Err(wrong(node, "the name of the container is missing", "write `container:NAME`"))
        }
        Some(("container", name)) if is_name(name) => Ok(json!(mode)),
        _ => Err(unexpected(node, expects).hint(suggestion(mode, words)).into()),
    }
}

fn no_service(node: &Node, service: &str) -> Diagnostics {
    let hint = format!("write `container:{service}`, with the container's name");
    wrong(node, "there are no Compose services here", hint)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// Containers whose mounts a container has too, in an order that matters: of two at one path the later is
/// mounted. Normal form: a list of `NAME` or `NAME:ro`, with `z` or `Z` behind it.
pub struct VolumesFrom;

pub const VOLUMES_FROM: VolumesFrom = VolumesFrom;

impl Form for VolumesFrom {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let items = items(node, reading, self.expects())?;
        let mut seen = BTreeSet::new();
        let read = each(&items, |item| {
            let (name, options) = whose(item, self.expects())?;
            if !seen.insert(name.clone()) {
                return Err(wrong(item, format!("`{name}` is named twice"), "keep one of them"));
            }
            Ok(normal(&name, &options))
        })?;
        Ok(json!(read))
    }

    fn observe(&self, shown: &Value) -> Value {
        let read = |text: &str| match text.split_once(':') {
            Some((name, options)) => normal(name, &options.split(',').collect::<Vec<_>>()),
            None => text.to_owned(),
        };
        texts(shown).map(|text| json!(read(text))).collect()
    }

    fn expects(&self) -> &'static str {
        "a list of containers, such as `[data, config:ro]`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &["[data, config:ro]", "['data:rw', 'container:config:ro']"],
                salt: &["[data, 'config:ro']", "'data,config:ro'"],
            },
            Sample { plain: &["[config:ro, data]"], salt: &[] },
            Sample { plain: &["data", "[data]", "['container:data']"], salt: &["data"] },
            Sample { plain: &["['data:ro,z']", "['data:z,ro']"], salt: &[] },
            Sample { plain: &["[]"], salt: &[] },
        ])
    }
}

/// Reads `name:options`, also with Compose's `container:` before it.
fn whose(node: &Node, expects: &str) -> Read<(String, Vec<String>)> {
    let written = text(node, expects)?;
    let parts: Vec<&str> = written.split(':').collect();
    let (name, options) = match *parts {
        ["service", service, ..] => {
            let hint = format!("write `{service}`, with the container's name");
            return Err(wrong(node, "there are no Compose services here", hint));
        }
        ["container", name] if !OPTIONS.contains(&name) => (name, ""),
        ["container", name, options] => (name, options),
        [name] => (name, ""),
        [name, options] => (name, options),
        _ => return Err(unexpected(node, expects).into()),
    };
    if !is_name(name) {
        return Err(unexpected(node, expects).into());
    }
    let options: Vec<String> =
        options.split(',').filter(|option| !option.is_empty()).map(str::to_owned).collect();
    if let Some(unknown) = options.iter().find(|option| !OPTIONS.contains(&option.as_str())) {
        let hint = "`ro`, `rw`, `z` and `Z` are known; all else is as the other container has it";
        return Err(wrong(node, format!("`{unknown}` is no option of `volumes_from`"), hint));
    }
    Ok((name.to_owned(), options))
}

const OPTIONS: [&str; 4] = ["ro", "rw", "z", "Z"];

fn normal(name: &str, options: &[impl AsRef<str>]) -> String {
    let mut rest: Vec<&str> = options.iter().map(AsRef::as_ref).filter(|option| *option != "rw").collect();
    rest.retain(|option| !option.is_empty());
    rest.sort_by_key(|option| OPTIONS.iter().position(|known| known == option));
    rest.dedup();
    if rest.is_empty() { name.to_owned() } else { format!("{name}:{}", rest.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn what_is_shared_obeys_the_laws() {
        let forms: &[&dyn Form] = &[&PID, &IPC, &VOLUMES_FROM];
        for form in forms {
            obeys_the_laws(*form);
        }
    }

    #[test]
    fn what_cannot_be_shared_is_refused_with_a_hint() {
        assert!(refused(&PID, "service:db").contains("write `container:db`"));
        assert!(refused(&IPC, "'container:'").contains("write `container:NAME`"));
        assert!(refused(&IPC, "container").contains("write `container:NAME`"));
        assert!(refused(&IPC, "sharable").contains("did you mean `shareable`?"));
        assert!(refused(&PID, "private").contains("`host` or `container:NAME`"));
        assert!(refused(&PID, "'container:/db'").contains("`host` or `container:NAME`"));
        assert!(refused(&VOLUMES_FROM, "['service:db:ro']").contains("write `db`"));
        assert!(refused(&VOLUMES_FROM, "['db:nocopy']").contains("`nocopy` is no option"));
        assert!(refused(&VOLUMES_FROM, "[db, 'db:ro']").contains("named twice"));
        assert!(refused(&VOLUMES_FROM, "['/srv:/data']").contains("a list of containers"));
    }
}
