//! What a container is asked before it counts as good.

use serde_json::{Value, json};

use super::parts::{Read, each, entries, shell_command, text, unexpected, unknown_key, wrong};
use super::{Form, Sample, Samples};
use crate::resource::field::Reading;
use crate::source::{Diagnostics, Entry, Node};
use crate::world::{Probe, Whence};

/// Probes. Normal form: their list, as `world::Probe` is written as JSON.
pub struct Wait;

pub const WAIT: Wait = Wait;

const KEYS: [&str; 6] = ["http", "tcp", "exec", "log", "status", "from"];
const HTTP: &str = "a port and a path, such as `8080/health`";
const STATUS: &str = "a status or a range of them, such as `200` or `200-299`";
const PORT: &str = "a port, such as `5432`";

impl Form for Wait {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        let probes: Vec<Probe> = match node.as_list() {
            Some(items) => each(items, |item| one(self, item))?.into_iter().flatten().collect(),
            None => one(self, node)?,
        };
        // A probe is plain data; JSON has room for all of it.
        Ok(probes.iter().map(|probe| json!(probe)).collect())
    }

    fn observe(&self, shown: &Value) -> Value {
        if shown.is_null() { json!([]) } else { shown.clone() }
    }

    fn show(&self, normal: &Value) -> Value {
        match serde_json::from_value::<Vec<Probe>>(normal.clone()) {
            Ok(probes) => probes.iter().map(|probe| json!(probe.to_string())).collect(),
            // It is shown already.
            Err(_) => normal.clone(),
        }
    }

    fn expects(&self) -> &'static str {
        "one or a list of `{http: 8080/health}`, `{tcp: 5432}`, `{exec: COMMAND}`, `{log: TEXT}`, `validate` and `healthy`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &[
                    "{http: 8080/health}",
                    "{http: ':8080/health'}",
                    "[{http: 'http://localhost:8080/health', status: 200-399, from: helper}]",
                ],
                salt: &[],
            },
            Sample { plain: &["{http: '80', status: 204}", "{http: /, status: 204-204}"], salt: &[] },
            Sample { plain: &["{tcp: 5432}", "{tcp: ':5432', from: helper}"], salt: &[] },
            Sample { plain: &["{tcp: 5432, from: published}"], salt: &[] },
            Sample { plain: &["{exec: pg_isready -q}", "{exec: [/bin/sh, -c, pg_isready -q]}"], salt: &[] },
            Sample { plain: &["{log: ready, exec: 'true'}", "[{log: ready}, {exec: 'true'}]"], salt: &[] },
            Sample { plain: &["healthy", "[healthy]"], salt: &[] },
            Sample { plain: &["[validate, healthy]"], salt: &[] },
        ])
    }
}

/// The probes of one item: a word, or a map with one or several of them.
fn one(form: &Wait, node: &Node) -> Read<Vec<Probe>> {
    match node.text() {
        Some("healthy") => return Ok(vec![Probe::Healthy]),
        Some("validate") => return Ok(vec![Probe::Validate]),
        Some(_) => return Err(unexpected(node, form.expects()).into()),
        None => {}
    }
    let entries = entries(node, form.expects())?;
    let value = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
    let from = value("from").map(whence).transpose()?;
    let status = value("status").map(statuses).transpose()?;
    if let (Some(Whence::Inside), Some(_), Some(node)) = (from, status, value("status")) {
        let hint = "leave `status` or `from` out, or ask with `exec`";
        return Err(wrong(
            node,
            "`from: inside` does not see the status: it asks with what the image has",
            hint,
        ));
    }
    let asks = |key: &str| value(key).is_some();
    for (key, needs) in [("status", asks("http")), ("from", asks("http") || asks("tcp"))] {
        if let Some(node) = value(key).filter(|_| !needs) {
            return Err(wrong(
                node,
                format!("`{key}` belongs to `http`{}", if key == "from" { " and `tcp`" } else { "" }),
                "remove it",
            ));
        }
    }
    let probes = each(&entries, |entry| probe(entry, from, status))?;
    match probes.iter().flatten().next() {
        Some(_) => Ok(probes.into_iter().flatten().collect()),
        None => Err(unexpected(node, form.expects()).into()),
    }
}

fn probe(entry: &Entry, from: Option<Whence>, status: Option<(u16, u16)>) -> Read<Option<Probe>> {
    let (node, from) = (&entry.value, from.unwrap_or(Whence::Helper));
    Ok(Some(match entry.key.as_str() {
        "http" => {
            let (port, path) = url(node)?;
            Probe::Http { port, path, status: status.unwrap_or((200, 399)), from }
        }
        "tcp" => {
            let written = text(node, PORT)?;
            let written = written.strip_prefix(':').unwrap_or(written);
            Probe::Tcp { port: port(written).ok_or_else(|| unexpected(node, PORT))?, from }
        }
        "exec" => Probe::Exec { command: shell_command(node)? },
        "log" => match text(node, "a text that the container writes")? {
            "" => return Err(unexpected(node, "a text that the container writes").into()),
            text => Probe::Log { text: text.to_owned() },
        },
        "status" | "from" => return Ok(None),
        _ => return Err(unknown_key(entry, "`wait`", &KEYS)),
    }))
}

/// `8080`, `8080/health`, `/health` (port 80), or a URL of the container itself.
fn url(node: &Node) -> Read<(u16, String)> {
    let written = text(node, HTTP)?;
    if written.starts_with("https:") {
        let hint = "ask with `exec` and a client of the image, or with `tcp`";
        return Err(wrong(node, "`https` cannot be asked: nobody here knows the certificate", hint));
    }
    let rest = written.strip_prefix("http://").unwrap_or(written);
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) => (host, format!("/{path}")),
        None => (rest, "/".to_owned()),
    };
    let (host, port_text) = match host.rsplit_once(':') {
        Some((host, port)) => (host, port),
        None if host.is_empty() || rest.len() != written.len() => (host, "80"),
        None => ("", host),
    };
    if !matches!(host, "" | "localhost" | "127.0.0.1") {
        let hint = format!("write `{port_text}{path}`");
        return Err(wrong(node, format!("only the container itself is asked, not `{host}`"), hint));
    }
    if path.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(wrong(node, "a path has no spaces", "write `%20`"));
    }
    Ok((port(port_text).ok_or_else(|| unexpected(node, HTTP))?, path))
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

fn statuses(node: &Node) -> Read<(u16, u16)> {
    let written = text(node, STATUS)?;
    let (first, last) = written.split_once('-').unwrap_or((written, written));
    let number = |text: &str| text.trim().parse().ok().filter(|status| (100..=599).contains(status));
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Ok((first, last)),
        _ => Err(unexpected(node, STATUS).into()),
    }
}

fn whence(node: &Node) -> Read<Whence> {
    const EXPECTED: &str = "`helper`, `published` or `inside`";
    let word = text(node, EXPECTED)?;
    Whence::parse(word).ok_or_else(|| unexpected(node, EXPECTED).into())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn waits_obey_the_laws() {
        obeys_the_laws(&WAIT);
    }

    #[test]
    fn wrong_waits_are_refused() {
        assert!(refused(&WAIT, "{htpp: 80}").contains("did you mean `http`?"));
        assert!(refused(&WAIT, "{http: web:80/}").contains("only the container itself is asked"));
        assert!(refused(&WAIT, "{http: 'https://localhost/'}").contains("ask with `exec`"));
        assert!(refused(&WAIT, "{tcp: 70000}").contains("a port"));
        assert!(refused(&WAIT, "{http: 80, status: 700}").contains("a status or a range"));
        assert!(refused(&WAIT, "{exec: a, status: 200}").contains("belongs to `http`"));
        assert!(refused(&WAIT, "{from: inside}").contains("belongs to `http` and `tcp`"));
        assert!(refused(&WAIT, "{http: 80, status: 200, from: inside}").contains("does not see the status"));
        assert!(refused(&WAIT, "ready").contains("one or a list of"));
        assert!(refused(&WAIT, "{exec: ''}").contains("a command"));
        assert!(refused(&WAIT, "{}").contains("one or a list of"));
    }
}
