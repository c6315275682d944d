//! One published port as it may be written: `127.0.0.1:8080:80/udp` and the long form.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::address::unbracketed;
use super::parts::{Read, suggestion, text, unexpected, unknown_key, wrong};
use crate::source::{Diagnostic, Entry, Node};

const EXPECTED: &str = "a port, such as `8080:80`";
const PROTOCOLS: &[&str] = &["tcp", "udp", "sctp"];

/// A port of the container with the one on the host that leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    /// `80/tcp`.
    pub container: String,
    /// Empty for every address.
    pub ip: String,
    /// A port, a range to pick from, or empty for any.
    pub host: String,
}

/// The protocol of a port: `tcp`, `udp` or `sctp`.
pub(super) struct Protocol;

impl Protocol {
    /// Splits `80/udp`; without a protocol it is `tcp`.
    pub(super) fn split<'a>(text: &'a str, node: &Node) -> Read<(&'a str, String)> {
        match text.split_once('/') {
            Some((port, protocol)) => Ok((port, Self::read(protocol, node)?)),
            None => Ok((text, "tcp".to_owned())),
        }
    }

    pub(super) fn read(text: &str, node: &Node) -> Read<String> {
        let protocol = text.to_ascii_lowercase();
        if PROTOCOLS.contains(&protocol.as_str()) {
            return Ok(protocol);
        }
        Err(wrong(node, format!("`{text}` is not a protocol"), suggestion(&protocol, PROTOCOLS)))
    }
}

/// One port or several in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    pub(super) fn read(text: &str, node: &Node) -> Read<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = Self { first: number(first, node)?, last: number(last, node)? };
        if range.first > range.last {
            let hint = format!("write `{}-{}`", range.last, range.first);
            return Err(wrong(node, format!("`{text}` counts down"), hint));
        }
        Ok(range)
    }

    pub(super) fn numbers(self) -> RangeInclusive<u16> {
        self.first..=self.last
    }

    fn len(self) -> usize {
        self.numbers().len()
    }
}

impl std::fmt::Display for PortRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

fn number(text: &str, node: &Node) -> Read<u16> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if is_number && port > 0 => Ok(port),
        _ => Err(Diagnostic::error(&node.place, format!("`{text}` is not a port from 1 to 65535")).into()),
    }
}

/// Reads one item of a list of published ports.
pub(super) fn published(node: &Node) -> Read<Vec<Binding>> {
    if let Some(entries) = node.as_map() {
        return long(node, entries);
    }
    let text = text(node, EXPECTED)?;
    let (text, protocol) = Protocol::split(text, node)?;
    let (rest, container) = text.rsplit_once(':').unwrap_or(("", text));
    let (ip, host) = if rest.starts_with('[') && rest.ends_with(']') {
        (rest, "")
    } else {
        rest.rsplit_once(':').unwrap_or(("", rest))
    };
    if ip.contains(':') && !ip.starts_with('[') {
        let hint = format!("put an IPv6 address into brackets: write `[{ip}]:{host}:{container}`");
        return Err(unexpected(node, EXPECTED).hint(hint).into());
    }
    bindings(&address(ip, node)?, host, container, &protocol, node)
}

/// The bindings of one host range and one container range.
pub(super) fn bindings(
    ip: &str,
    host: &str,
    container: &str,
    protocol: &str,
    node: &Node,
) -> Read<Vec<Binding>> {
    let container = PortRange::read(container, node)?;
    let host = if matches!(host, "" | "0") { None } else { Some(PortRange::read(host, node)?) };
    let binding = |port: u16, host: String| Binding {
        container: format!("{port}/{protocol}"),
        ip: ip.to_owned(),
        host,
    };
    match host {
        None => Ok(container.numbers().map(|port| binding(port, String::new())).collect()),
        Some(host) if container.len() == 1 => Ok(vec![binding(container.first, host.to_string())]),
        Some(host) if container.len() == host.len() => {
            let pairs = container.numbers().zip(host.numbers());
            Ok(pairs.map(|(port, host)| binding(port, host.to_string())).collect())
        }
        Some(host) => {
            let (inside, outside) = (container.len(), host.len());
            let message = format!("there are {inside} ports in the container and {outside} on the host");
            Err(wrong(node, message, "make the ranges equally long"))
        }
    }
}

/// Reads a host address in its canonical text; brackets are taken off.
pub(super) fn address(text: &str, node: &Node) -> Read<String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    match unbracketed(text).parse::<IpAddr>() {
        Ok(ip) => Ok(ip.to_string()),
        Err(_) => {
            let message = format!("`{text}` is not an IP address of the host");
            Err(wrong(node, message, "write `[ip:][host port:]container port`, such as `127.0.0.1:8080:80`"))
        }
    }
}

fn long(node: &Node, entries: &[Entry]) -> Read<Vec<Binding>> {
    const KEYS: &[&str] = &["target", "published", "host_ip", "protocol", "mode"];
    let (mut target, mut host, mut ip, mut protocol) = (None, "", String::new(), "tcp".to_owned());
    for entry in entries.iter().filter(|entry| !entry.value.is_null()) {
        let value = text(&entry.value, "a single value")?;
        match entry.key.as_str() {
            "target" => target = Some(value),
            "published" => host = value,
            "host_ip" => ip = address(value, &entry.value)?,
            "protocol" => protocol = Protocol::read(value, &entry.value)?,
            // On a single engine both mean the same.
            "mode" if matches!(value, "host" | "ingress") => {}
            "mode" => return Err(unexpected(&entry.value, "`host` or `ingress`").into()),
            _ => return Err(unknown_key(entry, "a port", KEYS)),
        }
    }
    let Some(target) = target else {
        return Err(wrong(node, "`target` is missing", "it is the port in the container"));
    };
    bindings(&ip, host, target, &protocol, node)
}

/// A port as the engine shows it, with its protocol.
pub(super) fn observed_port(text: &str) -> String {
    if text.contains('/') { text.to_ascii_lowercase() } else { format!("{text}/tcp") }
}
