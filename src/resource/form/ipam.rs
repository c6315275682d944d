//! How a network hands out addresses.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::address::{Cidr, canonical_ip, canonical_subnet, ip, subnet};
use super::map::{object, sorted};
use super::parts::{Pair, Read, each, entries, pairs, text, unexpected, unknown_key, written, wrong};
use super::{Form, STRING_MAP, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Entry, Node};

/// The pools of a network. Normal form: `{driver, options, pools: [{subnet, gateway, ip_range,
/// aux: {name: ip}}]}`, IPv4 before IPv6, each key of a pool only if it is set.
///
/// What is not declared is not compared where the engine fills it in: a gateway, and all pools if
/// none is declared. So equality is `differences`, with what is wanted on the `to` side.
pub struct Ipam;

pub const IPAM: Ipam = Ipam;

const KEYS: &[&str] = &["driver", "options", "config", "subnet", "gateway", "ip_range", "aux_addresses"];

impl Form for Ipam {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(self.observe(&Value::Null));
        }
        if let Some(items) =
            node.as_list().filter(|items| items.iter().any(|item| item.get("subnet").is_some()))
        {
            return Ok(normal("default", &json!({}), each(items, |item| pool(item, reading))?));
        }
        let entries = entries(node, self.expects())?;
        let (own, settings): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|it| is_of_pool(&it.key));
        let (mut driver, mut options, mut pools) = ("default".to_owned(), json!({}), Vec::new());
        if !own.is_empty() {
            pools.push(pool(&Node::map(node.place.clone(), own), reading)?);
        }
        for entry in settings.iter().filter(|entry| !entry.value.is_null()) {
            match entry.key.as_str() {
                "driver" | "Driver" => text(&entry.value, "a driver's name")?.clone_into(&mut driver),
                "options" | "Options" => options = STRING_MAP.read(&entry.value, reading)?,
                "config" | "pools" | "Config" => {
                    let Some(items) = entry.value.as_list() else {
                        return Err(unexpected(
                            &entry.value,
                            "a list of pools, such as `[{subnet: 10.5.0.0/24}]`",
                        )
                        .into());
                    };
                    pools.extend(each(items, |item| pool(item, reading))?);
                }
                _ => return Err(unknown_key(entry, "ipam", KEYS)),
            }
        }
        Ok(normal(&driver, &options, pools))
    }

    fn observe(&self, shown: &Value) -> Value {
        let driver = shown["Driver"].as_str().filter(|driver| !driver.is_empty()).unwrap_or("default");
        let pools = shown["Config"].as_array().into_iter().flatten().filter_map(observed_pool);
        normal(driver, &STRING_MAP.observe(&shown["Options"]), pools.collect())
    }

    fn send(&self, normal: &Value) -> Value {
        let pools = normal["pools"].as_array().into_iter().flatten();
        json!({
            "Driver": normal["driver"],
            "Options": normal["options"],
            "Config": pools.map(sent_pool).collect::<Value>(),
        })
    }

    fn differences(&self, from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
        let mut differences = Vec::new();
        for key in ["driver", "options"] {
            if from[key] != to[key] {
                differences.push((key.to_owned(), from[key].clone(), to[key].clone()));
            }
        }
        let compared = what_is_wanted(&from["pools"], &to["pools"]);
        if compared != to["pools"] {
            differences.push(("pools".to_owned(), compared, to["pools"].clone()));
        }
        differences
    }

    fn expects(&self) -> &'static str {
        "address pools, such as `{config: [{subnet: 10.5.0.0/24}]}`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &[
                    "{config: [{subnet: 10.5.0.0/24, gateway: 10.5.0.1}, {subnet: 'fd00::/64'}]}",
                    "{driver: default, config: [{subnet: 'FD00:0::/64'}, {subnet: 10.5.0.7/24, gateway: 10.5.0.1}]}",
                    "[{subnet: 'fd00::/64'}, {subnet: 10.5.0.0/24, gateway: 10.5.0.1}]",
                ],
                salt: &[
                    "[{subnet: 'fd00::/64'}, {subnet: 10.5.0.0/24, gateway: 10.5.0.1}]",
                    "{Driver: default, Config: [{Subnet: 10.5.0.0/24, Gateway: 10.5.0.1}, {Subnet: 'fd00::/64'}]}",
                ],
            },
            Sample {
                plain: &[
                    "{subnet: 10.5.0.0/16, ip_range: 10.5.1.0/24, aux_addresses: {dns: 10.5.0.53}}",
                    "{config: [{subnet: 10.5.0.0/16, ip_range: 10.5.1.0/24, aux_addresses: [dns=10.5.0.53]}]}",
                ],
                salt: &["{subnet: 10.5.0.0/16, iprange: 10.5.1.0/24, aux_address: dns=10.5.0.53}"],
            },
            Sample { plain: &["{driver: custom, options: {a: 1}}"], salt: &[] },
            Sample { plain: &["{subnet: 10.6.0.0/16}"], salt: &[] },
        ])
    }
}

/// Our word for a key of a pool, in all its spellings.
fn pool_key(key: &str) -> Option<&'static str> {
    match key {
        "subnet" | "Subnet" => Some("subnet"),
        "gateway" | "Gateway" => Some("gateway"),
        "ip_range" | "iprange" | "IPRange" => Some("ip_range"),
        "aux_addresses" | "aux_address" | "AuxiliaryAddresses" => Some("aux"),
        _ => None,
    }
}

fn is_of_pool(key: &str) -> bool {
    pool_key(key).is_some()
}

fn pool(node: &Node, reading: &Reading) -> Read<Value> {
    let entries = entries(node, "a pool, such as `{subnet: 10.5.0.0/24}`")?;
    let known = ["subnet", "gateway", "ip_range", "aux_addresses"];
    let Some(range) = entries.iter().find(|entry| pool_key(&entry.key) == Some("subnet")) else {
        return Err(wrong(node, "a pool needs a subnet", "such as `{subnet: 10.5.0.0/24}`"));
    };
    let range = subnet(&range.value)?;
    let settings = each(entries.iter().filter(|entry| !entry.value.is_null()), |entry| {
        let Some(key) = pool_key(&entry.key) else { return Err(unknown_key(entry, "a pool", &known)) };
        let value = match key {
            "subnet" => json!(range.to_string()),
            "gateway" => json!(inside(ip(&entry.value)?, &range, &entry.value)?),
            "ip_range" => {
                let part = subnet(&entry.value)?;
                if !range.covers(&part) {
                    return Err(outside(&entry.value, &range));
                }
                json!(part.to_string())
            }
            _ => {
                let read = |pair: Pair| match &pair.value {
                    Some(value) => Ok((pair.key.clone(), json!(inside(ip(value)?, &range, value)?))),
                    None => Err(unexpected(&entry.value, "`{name: ip}`").into()),
                };
                object(each(pairs(&entry.value, reading, "addresses by name: `{name: ip}`")?, read)?)
            }
        };
        Ok((key.to_owned(), value))
    })?;
    Ok(object(settings.into_iter().filter(|(_, value)| *value != json!({}))))
}

fn inside(address: IpAddr, range: &Cidr, node: &Node) -> Read<String> {
    if range.contains(address) { Ok(address.to_string()) } else { Err(outside(node, range)) }
}

fn outside(node: &Node, range: &Cidr) -> Diagnostics {
    let found = node.text().unwrap_or_default();
    wrong(node, format!("`{found}` is not in the subnet {range}"), "take one from the subnet")
}

fn observed_pool(shown: &Value) -> Option<Value> {
    let mut settings = vec![("subnet".to_owned(), json!(canonical_subnet(shown["Subnet"].as_str()?)))];
    let text = |key: &str| shown[key].as_str().filter(|text| !text.is_empty());
    settings.extend(text("Gateway").map(|ip| ("gateway".to_owned(), json!(canonical_ip(ip)))));
    settings.extend(text("IPRange").map(|range| ("ip_range".to_owned(), json!(canonical_subnet(range)))));
    let others = sorted(&shown["AuxiliaryAddresses"]).into_iter();
    let others = object(others.map(|(name, ip)| (name.clone(), json!(canonical_ip(&written(ip))))));
    settings.extend((others != json!({})).then(|| ("aux".to_owned(), others)));
    Some(object(settings))
}

fn sent_pool(pool: &Value) -> Value {
    let names = [
        ("subnet", "Subnet"),
        ("gateway", "Gateway"),
        ("ip_range", "IPRange"),
        ("aux", "AuxiliaryAddresses"),
    ];
    let settings = names.iter().filter(|(name, _)| !pool[name].is_null());
    object(settings.map(|(name, engines)| ((*engines).to_owned(), pool[name].clone())))
}

fn normal(driver: &str, options: &Value, mut pools: Vec<Value>) -> Value {
    pools.sort_by_key(|pool| {
        let subnet = written(&pool["subnet"]);
        (!Cidr::parse(&subnet).is_some_and(|cidr| cidr.is_ipv4()), subnet)
    });
    json!({"driver": driver, "options": options, "pools": pools})
}

/// The observed pools without what the engine may fill in where it is not declared.
fn what_is_wanted(observed: &Value, wanted: &Value) -> Value {
    let wanted = wanted.as_array().map(Vec::as_slice).unwrap_or_default();
    if wanted.is_empty() {
        return json!([]);
    }
    let is_v6 = |pool: &Value| pool["subnet"].as_str().is_some_and(|subnet| subnet.contains(':'));
    let pools = observed.as_array().into_iter().flatten();
    // Newer engines add a v6 range of their own where `ipv6` asks for one and nobody names it.
    let chosen = |pool: &&Value| !wanted.iter().any(|wanted| is_v6(wanted) == is_v6(pool));
    pools
        .filter(|pool| !chosen(pool))
        .map(|pool| {
            let mut pool = pool.clone();
            let twin = wanted.iter().find(|wanted| wanted["subnet"] == pool["subnet"]);
            if twin.is_some_and(|twin| twin["gateway"].is_null())
                && let Some(pool) = pool.as_object_mut()
            {
                pool.remove("gateway");
            }
            pool
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, plain, refused};
    use super::*;

    #[test]
    fn ipam_obeys_the_laws() {
        obeys_the_laws(&IPAM);
    }

    #[test]
    fn a_range_that_the_engine_adds_for_the_other_family_is_no_difference() {
        let shown = json!({"Driver": "default", "Config": [
            {"Subnet": "10.5.0.0/24"},
            {"Subnet": "fd73:96c6:ac31::/64", "Gateway": "fd73:96c6:ac31::1"},
        ]});
        let wanted = plain(&IPAM, "{config: [{subnet: 10.5.0.0/24}]}");
        assert!(IPAM.differences(&IPAM.observe(&shown), &wanted).is_empty());
        let other = plain(&IPAM, "{config: [{subnet: 10.5.0.0/24}, {subnet: fd00::/64}]}");
        assert!(!IPAM.differences(&IPAM.observe(&shown), &other).is_empty());
    }

    #[test]
    fn a_gateway_is_compared_only_if_it_is_declared() {
        let shown =
            json!({"Driver": "default", "Config": [{"Subnet": "10.5.0.0/24", "Gateway": "10.5.0.1"}]});
        let observed = IPAM.observe(&shown);
        for same in ["{subnet: 10.5.0.0/24}", "{driver: default}", "{subnet: 10.5.0.0/24, gateway: 10.5.0.1}"]
        {
            assert_eq!(IPAM.differences(&observed, &plain(&IPAM, same)), [], "{same}");
        }
        for other in ["{subnet: 10.5.0.0/24, gateway: 10.5.0.2}", "{subnet: 10.5.1.0/24}", "{driver: x}"] {
            assert_eq!(IPAM.differences(&observed, &plain(&IPAM, other)).len(), 1, "{other}");
        }
    }

    #[test]
    fn what_is_outside_the_subnet_is_refused() {
        assert!(
            refused(&IPAM, "{subnet: 10.5.0.0/24, gateway: 10.6.0.1}")
                .contains("not in the subnet 10.5.0.0/24")
        );
        assert!(refused(&IPAM, "{subnet: 10.5.0.0/24, ip_range: 10.5.0.0/16}").contains("not in the subnet"));
        assert!(refused(&IPAM, "{config: [{gateway: 10.5.0.1}]}").contains("needs a subnet"));
        assert!(
            refused(&IPAM, "{config: [{subnet: 10.5.0.0/24, gatway: 10.5.0.1}]}")
                .contains("did you mean `gateway`?")
        );
    }
}
