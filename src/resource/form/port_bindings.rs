//! Published ports as docker-py's mapping, which Salt's `port_bindings` takes: `{80: 8080}`,
//! `{80/tcp: [127.0.0.1, 8080]}`, `{80: [8080, 8081]}` and the engine's own shape.

use super::parts::{Read, each, text, unexpected, unknown_key};
use super::port::{self, Binding, Protocol};
use crate::source::{Entry, Node, NodeValue, Place, Style};

const EXPECTED: &str = "a host port, `[ip, port]`, or a list of these";

/// Reads what one port of the container is bound to.
pub(super) fn bindings(entry: &Entry) -> Read<Vec<Binding>> {
    let key = Node::scalar(entry.key_place.clone(), entry.key.as_str(), Style::Quoted);
    let (container, protocol) = Protocol::split(&entry.key, &key)?;
    let bind = |ip: &str, host: &str, node: &Node| port::bindings(ip, host, container, &protocol, node);
    match &entry.value.value {
        NodeValue::List(items) if is_pair(items) => {
            pair(items, &entry.key_place).and_then(|(ip, host)| bind(&ip, &host, &entry.value))
        }
        NodeValue::List(items) => Ok(each(items, |item| {
            let (ip, host) = one(item)?;
            bind(&ip, &host, item)
        })?
        .concat()),
        NodeValue::Scalar { .. } | NodeValue::Map(_) => {
            let (ip, host) = one(&entry.value)?;
            bind(&ip, &host, &entry.value)
        }
    }
}

/// True for `[ip]` and `[ip, port]`.
fn is_pair(items: &[Node]) -> bool {
    let is_address =
        |node: &Node| node.text().is_some_and(|text| text.contains(['.', ':']) && !node.is_null());
    items.len() <= 2 && items.first().is_some_and(is_address)
}

fn pair(items: &[Node], place: &Place) -> Read<(String, String)> {
    let host = match items.get(1).filter(|node| !node.is_null()) {
        Some(node) => text(node, EXPECTED)?.to_owned(),
        None => String::new(),
    };
    match items.first() {
        Some(node) => Ok((port::address(text(node, EXPECTED)?, node)?, host)),
        None => Err(crate::source::Diagnostic::error(place, "the address is missing").into()),
    }
}

/// A host port, `[ip, port]`, `{HostIp, HostPort}`, or nothing for a port that the engine picks.
fn one(node: &Node) -> Read<(String, String)> {
    match &node.value {
        NodeValue::List(items) if is_pair(items) => pair(items, &node.place),
        NodeValue::List(_) => Err(unexpected(node, EXPECTED).into()),
        NodeValue::Scalar { .. } if node.is_null() => Ok((String::new(), String::new())),
        NodeValue::Scalar { text, .. } => Ok((String::new(), text.clone())),
        NodeValue::Map(entries) => {
            let (mut ip, mut host) = (String::new(), String::new());
            for entry in entries {
                match entry.key.as_str() {
                    "HostIp" => ip = port::address(text(&entry.value, "an IP address")?, &entry.value)?,
                    "HostPort" => text(&entry.value, "a host port")?.clone_into(&mut host),
                    _ => return Err(unknown_key(entry, "a binding", &["HostIp", "HostPort"])),
                }
            }
            Ok((ip, host))
        }
    }
}
