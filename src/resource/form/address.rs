//! Addresses of the internet: of hosts, of networks, of name servers and of named hosts.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::list::{set, texts};
use super::parts::{Read, each, items, text, unexpected, wrong};
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Entry, Node, NodeValue};

const IP_EXPECTED: &str = "an IP address, such as `10.0.0.2` or `fd00::2`";
const HOST_EXPECTED: &str = "a host with its address, such as `db:10.0.0.2` or `db:host-gateway`";

/// An address. Normal form: its canonical text, `null` for none.
pub struct Ip;

pub const IP: Ip = Ip;

impl Form for Ip {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() || node.text() == Some("") {
            return Ok(Value::Null);
        }
        Ok(json!(ip(node)?.to_string()))
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.as_str().filter(|text| !text.is_empty()).map_or(Value::Null, |text| json!(canonical_ip(text)))
    }

    fn send(&self, normal: &Value) -> Value {
        json!(normal.as_str().unwrap_or_default())
    }

    fn expects(&self) -> &'static str {
        IP_EXPECTED
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["10.0.0.2", "'10.0.0.2'"], salt: &[] },
            Sample { plain: &["fd00::2", "FD00:0:0:0::2", "'fd00:0::0:2'"], salt: &[] },
        ])
    }
}

/// Reads an address.
pub(super) fn ip(node: &Node) -> Read<IpAddr> {
    let text = text(node, IP_EXPECTED)?;
    text.parse().map_err(|_| unexpected(node, IP_EXPECTED).into())
}

/// The canonical text of an address; the text itself if it is none.
pub(super) fn canonical_ip(text: &str) -> String {
    let bare = text.split('/').next().unwrap_or(text);
    bare.parse::<IpAddr>().map_or_else(|_| text.to_owned(), |ip| ip.to_string())
}

/// A range of addresses. Normal form: `10.0.0.0/24`, without bits of a host, `null` for none.
pub struct Subnet;

pub const SUBNET: Subnet = Subnet;

impl Form for Subnet {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() || node.text() == Some("") {
            return Ok(Value::Null);
        }
        Ok(json!(subnet(node)?.to_string()))
    }

    fn observe(&self, shown: &Value) -> Value {
        shown
            .as_str()
            .filter(|text| !text.is_empty())
            .map_or(Value::Null, |text| json!(canonical_subnet(text)))
    }

    fn send(&self, normal: &Value) -> Value {
        json!(normal.as_str().unwrap_or_default())
    }

    fn expects(&self) -> &'static str {
        "a subnet, such as `10.5.0.0/24` or `fd00::/64`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["10.231.5.0/24", "10.231.5.7/24"], salt: &[] },
            Sample { plain: &["fd00::/64", "FD00:0:0:0::/64", "fd00::1/64"], salt: &[] },
        ])
    }
}

/// Reads a subnet.
pub(super) fn subnet(node: &Node) -> Read<Cidr> {
    let text = text(node, SUBNET.expects())?;
    Cidr::parse(text).ok_or_else(|| {
        let hint =
            text.parse::<IpAddr>().is_ok().then(|| format!("the length is missing: write `{text}/24`"));
        unexpected(node, SUBNET.expects()).maybe_hint(hint).into()
    })
}

/// The canonical text of a subnet; the text itself if it is none.
pub(super) fn canonical_subnet(text: &str) -> String {
    Cidr::parse(text).map_or_else(|| text.to_owned(), |cidr| cidr.to_string())
}

/// A network address with the number of bits that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cidr {
    address: IpAddr,
    length: u8,
}

impl Cidr {
    /// Parses `address/length` and clears the bits of the host.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (address, length) = (address.parse::<IpAddr>().ok()?, length.parse::<u8>().ok()?);
        let most = if address.is_ipv4() { 32 } else { 128 };
        (length <= most).then(|| Self { address: masked(address, length), length })
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.is_ipv4() && masked(address, self.length) == self.address
    }

    /// True if all of `other` lies in it.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.length >= self.length && self.contains(other.address)
    }

    pub(super) fn is_ipv4(&self) -> bool {
        self.address.is_ipv4()
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

fn masked(address: IpAddr, length: u8) -> IpAddr {
    let length = u32::from(length);
    match address {
        IpAddr::V4(v4) => {
            IpAddr::V4((v4.to_bits() & u32::MAX.checked_shl(32 - length.min(32)).unwrap_or(0)).into())
        }
        IpAddr::V6(v6) => {
            IpAddr::V6((v6.to_bits() & u128::MAX.checked_shl(128 - length.min(128)).unwrap_or(0)).into())
        }
    }
}

/// Name servers, in order. Normal form: a list of canonical addresses.
pub struct DnsServers;

pub const DNS_SERVERS: DnsServers = DnsServers;

impl Form for DnsServers {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let servers = items(node, reading, self.expects())?;
        Ok(json!(each(&servers, |server| Ok(ip(server)?.to_string()))?))
    }

    fn observe(&self, shown: &Value) -> Value {
        texts(shown).map(|text| json!(canonical_ip(text))).collect()
    }

    fn expects(&self) -> &'static str {
        "a list of IP addresses, in order, such as `[10.0.0.53]`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &["[1.1.1.1, 'FD00::0:1']", "['1.1.1.1', 'fd00::1']"],
                salt: &["'1.1.1.1,fd00::1'"],
            },
            Sample { plain: &["['fd00::1', 1.1.1.1]"], salt: &[] },
            Sample { plain: &["[9.9.9.9]", "9.9.9.9"], salt: &[] },
        ])
    }
}

/// Hosts that a container knows by name. Normal form: a sorted list of `host:address`.
pub struct ExtraHosts;

pub const EXTRA_HOSTS: ExtraHosts = ExtraHosts;

impl Form for ExtraHosts {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let hosts = match &node.value {
            NodeValue::Map(entries) => each(entries, hosts_of_entry)?,
            _ => each(&items(node, reading, self.expects())?, |item| match item.as_map() {
                Some(entries) => Ok(each(entries, hosts_of_entry)?.concat()),
                None => host_of_text(item).map(|host| vec![host]),
            })?,
        };
        Ok(set(hosts.concat()))
    }

    fn observe(&self, shown: &Value) -> Value {
        set(texts(shown).map(|text| match text.split_once(':') {
            Some((host, address)) => format!("{host}:{}", canonical_ip(unbracketed(address))),
            None => text.to_owned(),
        }))
    }

    fn expects(&self) -> &'static str {
        "hosts with their addresses: a list of `host:ip`, or `{host: ip}`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &[
                    "['db:10.0.0.2', 'gw=host-gateway']",
                    "{gw: host-gateway, db: 10.0.0.2}",
                    "['gw:host-gateway', {db: 10.0.0.2}]",
                ],
                salt: &["'db:10.0.0.2,gw:host-gateway'", "['gw:host-gateway', 'db:10.0.0.2']"],
            },
            Sample {
                plain: &["['db:fd00::2']", "['db=[FD00::2]']", "{db: 'fd00:0::2'}", "['db:[fd00::2]']"],
                salt: &[],
            },
            Sample { plain: &["{db: [10.0.0.2, 10.0.0.3]}", "['db:10.0.0.3', 'db:10.0.0.2']"], salt: &[] },
        ])
    }
}

fn hosts_of_entry(entry: &Entry) -> Read<Vec<String>> {
    let addresses = match &entry.value.value {
        NodeValue::List(addresses) => addresses.as_slice(),
        NodeValue::Scalar { .. } | NodeValue::Map(_) => std::slice::from_ref(&entry.value),
    };
    each(addresses, |address| host(&entry.key, text(address, IP_EXPECTED)?, address))
}

fn host_of_text(node: &Node) -> Read<String> {
    let text = text(node, HOST_EXPECTED)?;
    match text.split_once('=').or_else(|| text.split_once(':')) {
        Some((name, address)) => host(name.trim(), address.trim(), node),
        None => Err(unexpected(node, HOST_EXPECTED).into()),
    }
}

fn host(name: &str, address: &str, node: &Node) -> Read<String> {
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == ':') {
        return Err(unexpected(node, HOST_EXPECTED).into());
    }
    if address == "host-gateway" {
        return Ok(format!("{name}:{address}"));
    }
    match unbracketed(address).parse::<IpAddr>() {
        Ok(ip) => Ok(format!("{name}:{ip}")),
        Err(_) => {
            let message = format!("`{address}` is not an IP address");
            Err(wrong(node, message, "a name is not taken here; `host-gateway` is the engine's host"))
        }
    }
}

pub(super) fn unbracketed(address: &str) -> &str {
    address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn addresses_obey_the_laws() {
        let forms: &[&dyn Form] = &[&IP, &SUBNET, &DNS_SERVERS, &EXTRA_HOSTS];
        for form in forms {
            obeys_the_laws(*form);
        }
    }

    #[test]
    fn a_wrong_address_is_refused() {
        assert!(refused(&IP, "10.0.0").contains("such as `10.0.0.2`"));
        assert!(refused(&SUBNET, "10.0.0.0").contains("write `10.0.0.0/24`"));
        assert!(refused(&SUBNET, "10.0.0.0/33").contains("a subnet"));
        assert!(refused(&DNS_SERVERS, "[one.one]").contains("an IP address"));
        assert!(refused(&EXTRA_HOSTS, "['db:elsewhere']").contains("`elsewhere` is not an IP address"));
        assert!(refused(&EXTRA_HOSTS, "[db]").contains("a host with its address"));
    }

    #[test]
    fn the_edges_of_masks_hold() {
        for (text, canonical) in [
            ("1.2.3.4/0", "0.0.0.0/0"),
            ("1.2.3.4/32", "1.2.3.4/32"),
            ("ff::1/0", "::/0"),
            ("::1/128", "::1/128"),
        ] {
            assert_eq!(canonical_subnet(text), canonical);
        }
        assert!(
            Cidr::parse("10.0.0.0/8")
                .zip(Cidr::parse("10.1.0.0/16"))
                .is_some_and(|(a, b)| a.covers(&b) && !b.covers(&a))
        );
    }
}
