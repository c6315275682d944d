//! The networks that a container is attached to.

use serde_json::{Map, Value, json};

use super::address::{canonical_ip, ip};
use super::list::{set, texts};
use super::mac::mac;
use super::map::{differences_by_key, object, sorted};
use super::parts::{Pair, Read, each, entries, items, pairs, text, unexpected, unknown_key};
use super::scalar::whole;
use super::{Form, STRING_MAP, STRING_SET, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostic, Diagnostics, Entry, Node};

/// Attachments by network. Normal form: a map of network names to `{aliases, links,
/// link_local_ips (sets), ipv4, ipv6, mac, driver_opts, gw_priority}`, each key only if it is set.
/// Keys
/// with `_` are notes that are never compared: `_priority` is the order of attaching. So equality
/// is `differences`, with what is wanted on the `to` side.
pub struct Networks;

pub const NETWORKS: Networks = Networks;

const KEYS: &[&str] = &[
    "aliases",
    "ipv4_address",
    "ipv6_address",
    "link_local_ips",
    "links",
    "mac_address",
    "driver_opts",
    "gw_priority",
    "priority",
];

impl Form for Networks {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let networks = pairs(node, reading, self.expects());
        let networks = match node.text() {
            Some(_) => each(&items(node, reading, self.expects())?, |name| {
                Ok(bare(text(name, self.expects())?, name))
            })?,
            None => networks?,
        };
        let networks = each(networks, |pair| {
            if pair.key.trim().is_empty() || pair.key.contains(char::is_whitespace) {
                return Err(Diagnostic::error(
                    &pair.place,
                    format!("`{}` is not the name of a network", pair.key),
                )
                .into());
            }
            let endpoint = match pair.value.as_ref().filter(|value| !value.is_null()) {
                Some(value) => endpoint(value, reading)?,
                None => json!({}),
            };
            Ok((pair.key, endpoint))
        })?;
        Ok(object(networks))
    }

    /// Reads a map of the engine's `EndpointSettings`; see also [`observed_endpoint`].
    fn observe(&self, shown: &Value) -> Value {
        object(
            sorted(shown)
                .into_iter()
                .map(|(name, settings)| (name.clone(), observed_endpoint(settings, "", ""))),
        )
    }

    fn send(&self, normal: &Value) -> Value {
        object(sorted(normal).into_iter().map(|(name, endpoint)| (name.clone(), sent_endpoint(endpoint))))
    }

    /// Notes (keys with `_`) are not compared, but a wanted MAC address is with the one in effect.
    fn differences(&self, from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
        let observed = sorted(from).into_iter().map(|(name, endpoint)| {
            let mut endpoint = endpoint.clone();
            if !to[name]["mac"].is_null() && endpoint["mac"].is_null() {
                endpoint["mac"] = endpoint["_mac"].clone();
            }
            (name.clone(), endpoint)
        });
        differences_by_key(&self.show(&object(observed)), &self.show(to))
    }

    fn since(&self, normal: &Value) -> Vec<(String, (u32, u32))> {
        let newer = [("mac", "mac_address", (1, 44)), ("gw_priority", "gw_priority", (1, 48))];
        let networks = sorted(normal).into_iter();
        let parts = networks.flat_map(|(network, endpoint)| {
            let known = newer.iter().filter(|(key, ..)| !endpoint[key].is_null());
            known.map(move |(_, word, since)| (format!("{network}.{word}"), *since))
        });
        parts.collect()
    }

    /// Without what is never compared.
    fn show(&self, normal: &Value) -> Value {
        if !normal.is_object() {
            return normal.clone();
        }
        object(sorted(normal).into_iter().map(|(name, endpoint)| {
            let settings = sorted(endpoint).into_iter().filter(|(key, _)| !key.starts_with('_'));
            (name.clone(), object(settings.map(|(key, value)| (key.clone(), value.clone()))))
        }))
    }

    fn expects(&self) -> &'static str {
        "networks: a list of names, or `{name: {aliases: [db], ipv4_address: 10.5.0.2}}`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &["[front, back]", "[back, front]", "{front: {}, back: }", "[{front: {}}, back]"],
                salt: &["[front, back]", "'front,back'", "front, back"],
            },
            Sample { plain: &["[front]", "front"], salt: &[] },
            Sample {
                plain: &[
                    "{front: {aliases: [b, a], ipv4_address: 10.5.0.2, ipv6_address: 'FD00::0:2', driver_opts: {x: 1}}}",
                    "{front: {ipv6_address: 'fd00::2', aliases: [a, b], ipv4_address: 10.5.0.2, driver_opts: [x=1]}}",
                ],
                salt: &[
                    "[{front: [{aliases: [a, b]}, {ipv4_address: 10.5.0.2}, {ipv6_address: 'fd00::2'}, {driver_opt: x=1}]}]",
                ],
            },
            Sample { plain: &["[]", "{}"], salt: &[] },
        ])
    }
}

fn bare(name: &str, node: &Node) -> Pair {
    Pair { key: name.to_owned(), place: node.place.clone(), value: None }
}

fn endpoint(node: &Node, reading: &Reading) -> Read<Value> {
    let entries = entries(node, "settings such as `{aliases: [db], ipv4_address: 10.5.0.2}`")?;
    let settings =
        each(entries.iter().filter(|entry| !entry.value.is_null()), |entry| setting(entry, reading))?;
    Ok(object(settings.into_iter().filter(|(_, value)| is_set(value))))
}

fn setting(entry: &Entry, reading: &Reading) -> Read<(String, Value)> {
    let value = &entry.value;
    let (key, value) = match entry.key.as_str() {
        "aliases" => ("aliases", STRING_SET.read(value, reading)?),
        "links" => ("links", STRING_SET.read(value, reading)?),
        "ipv4_address" | "ipv4" => ("ipv4", json!(address(value, true)?)),
        "ipv6_address" | "ipv6" => ("ipv6", json!(address(value, false)?)),
        "link_local_ips" => {
            let addresses = items(value, reading, "a list of IP addresses")?;
            ("link_local_ips", set(each(&addresses, |address| Ok(ip(address)?.to_string()))?))
        }
        "mac_address" => ("mac", json!(mac(value)?)),
        "driver_opts" | "driver_opt" => ("driver_opts", STRING_MAP.read(value, reading)?),
        "gw_priority" => ("gw_priority", json!(whole(value, "a whole number")?)),
        "priority" => ("_priority", json!(whole(value, "a whole number")?)),
        _ => return Err(unknown_key(entry, "an attachment to a network", KEYS)),
    };
    Ok((key.to_owned(), value))
}

fn address(node: &Node, is_ipv4: bool) -> Read<String> {
    let address = ip(node)?;
    if address.is_ipv4() == is_ipv4 {
        return Ok(address.to_string());
    }
    let expects =
        if is_ipv4 { "an IPv4 address, such as `10.5.0.2`" } else { "an IPv6 address, such as `fd00::2`" };
    Err(unexpected(node, expects).into())
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Number(number) => number.as_i64() != Some(0),
        Value::Bool(_) => true,
    }
}

/// The normal form of one of the engine's `EndpointSettings`. Only what was asked for counts:
/// `IPAMConfig`, never the address in effect. The aliases that the engine makes up, the short id
/// and the container's own name, are left out.
///
/// `MacAddress` shows what is in effect, asked for or not. So it is kept as the note `_mac`, which
/// counts only where a MAC address is wanted.
pub fn observed_endpoint(settings: &Value, id: &str, name: &str) -> Value {
    let ipam = &settings["IPAMConfig"];
    let address = |key: &str| ipam[key].as_str().filter(|text| !text.is_empty()).map(canonical_ip);
    let is_made_up = |alias: &str| alias == name || alias.len() >= 12 && id.starts_with(alias);
    let aliases = texts(&settings["Aliases"]).filter(|alias| !is_made_up(alias));
    let endpoint = [
        ("aliases", set(aliases.map(str::to_owned))),
        ("links", STRING_SET.observe(&settings["Links"])),
        ("ipv4", json!(address("IPv4Address"))),
        ("ipv6", json!(address("IPv6Address"))),
        ("link_local_ips", set(texts(&ipam["LinkLocalIPs"]).map(canonical_ip))),
        ("_mac", json!(settings["MacAddress"].as_str().map(str::to_ascii_lowercase))),
        ("driver_opts", STRING_MAP.observe(&settings["DriverOpts"])),
        ("gw_priority", settings["GwPriority"].clone()),
    ];
    object(
        endpoint.into_iter().filter(|(_, value)| is_set(value)).map(|(key, value)| (key.to_owned(), value)),
    )
}

/// The engine's `EndpointSettings` for the normal form of an attachment.
pub fn sent_endpoint(normal: &Value) -> Value {
    let mut ipam = Map::new();
    let mut settings = Map::new();
    for (key, value) in sorted(normal) {
        let (map, engines) = match key.as_str() {
            "ipv4" => (&mut ipam, "IPv4Address"),
            "ipv6" => (&mut ipam, "IPv6Address"),
            "link_local_ips" => (&mut ipam, "LinkLocalIPs"),
            "aliases" => (&mut settings, "Aliases"),
            "links" => (&mut settings, "Links"),
            "mac" => (&mut settings, "MacAddress"),
            "driver_opts" => (&mut settings, "DriverOpts"),
            "gw_priority" => (&mut settings, "GwPriority"),
            _ => continue,
        };
        map.insert(engines.to_owned(), value.clone());
    }
    if !ipam.is_empty() {
        settings.insert("IPAMConfig".to_owned(), Value::Object(ipam));
    }
    Value::Object(settings)
}

/// The same attachments without an alias that is the container's own name: the engine resolves
/// that anyway, and [`observed_endpoint`] leaves it out.
pub fn without_own_name(networks: &Value, name: &str) -> Value {
    object(sorted(networks).into_iter().map(|(network, endpoint)| {
        let aliases = set(texts(&endpoint["aliases"]).filter(|alias| *alias != name).map(str::to_owned));
        let others = sorted(endpoint).into_iter().filter(|(key, _)| *key != "aliases");
        let settings = others.map(|(key, value)| (key.clone(), value.clone()));
        let aliases = is_set(&aliases).then(|| ("aliases".to_owned(), aliases));
        (network.clone(), object(settings.chain(aliases)))
    }))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, plain, refused};
    use super::*;

    #[test]
    fn networks_obey_the_laws() {
        obeys_the_laws(&NETWORKS);
    }

    #[test]
    fn only_what_was_asked_for_is_observed() {
        let id = "0123456789abcdef0123";
        let shown = json!({
            "Aliases": ["db", "0123456789ab", "web"],
            "IPAMConfig": {"IPv4Address": "10.5.0.9"},
            "IPAddress": "10.5.0.2",
            "MacAddress": "02:42:0a:05:00:02",
            "EndpointID": "",
            "DriverOpts": null,
        });
        let observed = json!({"front": observed_endpoint(&shown, id, "web")});
        assert_eq!(NETWORKS.show(&observed), json!({"front": {"aliases": ["db"], "ipv4": "10.5.0.9"}}));
        let wanted = plain(&NETWORKS, "{front: {aliases: [web, db], ipv4_address: 10.5.0.9}}");
        assert_eq!(NETWORKS.differences(&observed, &without_own_name(&wanted, "web")), []);
        for (mac, count) in [("02:42:0A:05:00:02", 0), ("02:42:0a:05:00:03", 1)] {
            let text = format!("{{front: {{aliases: [db], ipv4_address: 10.5.0.9, mac_address: '{mac}'}}}}");
            assert_eq!(NETWORKS.differences(&observed, &plain(&NETWORKS, &text)).len(), count, "{mac}");
        }
    }

    #[test]
    fn the_order_of_attaching_is_not_compared() {
        let (one, two) = (plain(&NETWORKS, "{a: {priority: 1}}"), plain(&NETWORKS, "{a: }"));
        assert_eq!(NETWORKS.differences(&one, &two), []);
    }

    #[test]
    fn wrong_attachments_are_refused() {
        assert!(refused(&NETWORKS, "{a: {aliase: [b]}}").contains("did you mean `aliases`?"));
        assert!(refused(&NETWORKS, "{a: {ipv4_address: 'fd00::2'}}").contains("an IPv4 address"));
        assert!(refused(&NETWORKS, "{a: {mac_address: 02:42}}").contains("a MAC address"));
        assert!(refused(&NETWORKS, "['a b']").contains("not the name of a network"));
    }
}
