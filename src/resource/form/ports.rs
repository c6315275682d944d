//! Ports: those that are published on the host, and those that are only announced.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::address::canonical_ip;
use super::list::texts;
use super::parts::{each, items, text, unexpected};
use super::port::{self, Binding, PortRange, Protocol};
use super::{Form, Sample, Samples, port_bindings};
use crate::resource::{Reading, Vocabulary};
use crate::source::{Diagnostics, Node, NodeValue};

/// Published ports. Normal form: a sorted list of `{container: "80/tcp", ip: "", host: "8080"}`;
/// no `ip` is every address, no `host` is a port that the engine picks, and `host: "3000-3005"`
/// one that it picks from a range.
pub struct Ports;

pub const PORTS: Ports = Ports;

impl Form for Ports {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        if let (Vocabulary::Salt, NodeValue::Map(entries)) = (reading.vocabulary, &node.value) {
            return Ok(normal(each(entries, port_bindings::bindings)?.concat()));
        }
        if node.as_map().is_some() {
            let hint = "write a list, such as `[\"8080:80\"]`";
            return Err(unexpected(node, self.expects()).hint(hint).into());
        }
        let ports = items(node, reading, self.expects())?;
        Ok(normal(each(&ports, port::published)?.concat()))
    }

    fn observe(&self, shown: &Value) -> Value {
        let bindings = shown.as_object().into_iter().flatten().flat_map(|(container, bindings)| {
            let bindings = bindings.as_array().map(Vec::as_slice).unwrap_or_default();
            bindings.iter().filter_map(move |binding| observed(container, binding))
        });
        normal(bindings.collect())
    }

    fn send(&self, normal: &Value) -> Value {
        let mut ports = Map::new();
        for binding in normal.as_array().into_iter().flatten() {
            let Some(container) = binding["container"].as_str() else { continue };
            let sent = json!({"HostIp": binding["ip"], "HostPort": binding["host"]});
            let bindings = ports.entry(container).or_insert_with(|| json!([]));
            bindings.as_array_mut().into_iter().for_each(|bindings| bindings.push(sent.clone()));
        }
        Value::Object(ports)
    }

    fn show(&self, normal: &Value) -> Value {
        match normal {
            Value::Array(bindings) => bindings.iter().map(shown).collect(),
            other => other.clone(),
        }
    }

    fn expects(&self) -> &'static str {
        "ports to publish, such as `[\"8080:80\"]`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &[
                    "['8080:80', '127.0.0.1:5353:53/udp']",
                    "[127.0.0.1:5353:53/UDP, 8080:80/tcp, '8080:80']",
                    "[{target: 80, published: 8080}, {target: 53, published: '5353', host_ip: 127.0.0.1, protocol: udp}]",
                ],
                salt: &[
                    "['8080:80', '127.0.0.1:5353:53/udp']",
                    "'8080:80,127.0.0.1:5353:53/udp'",
                    "{80: 8080, 53/udp: [127.0.0.1, 5353]}",
                    "{80/tcp: [{HostPort: '8080'}], 53/udp: [{HostIp: 127.0.0.1, HostPort: 5353}]}",
                ],
            },
            Sample {
                plain: &["['8000-8002:80-82']", "['8000:80', '8001:81', '8002:82']"],
                salt: &["8000-8002:80-82", "{80: 8000, 81: 8001, 82: 8002}"],
            },
            Sample {
                plain: &["[80]", "80", "['0:80']", "[{target: 80}]"],
                salt: &["80", "[80]", "{80: }", "'0:80'"],
            },
            Sample { plain: &["['[::1]:8080:80/sctp']", "['[0::1]:8080:80/sctp']"], salt: &[] },
            Sample { plain: &["['127.0.0.1::80']"], salt: &["127.0.0.1::80", "{80: [127.0.0.1]}"] },
            Sample {
                plain: &["['3000-3005:80']", "[{target: 80, published: 3000-3005}]"],
                salt: &["3000-3005:80"],
            },
            Sample { plain: &["[]"], salt: &[] },
        ])
    }
}

/// The ports that `Config.ExposedPorts` takes for published ones.
pub fn exposed(normal: &Value) -> Value {
    let bindings = normal.as_array().into_iter().flatten();
    let ports = bindings.filter_map(|binding| binding["container"].as_str());
    Value::Object(ports.map(|port| (port.to_owned(), json!({}))).collect())
}

fn normal(mut bindings: Vec<Binding>) -> Value {
    bindings.sort_by(|a, b| {
        by_port(&a.container, &b.container).then_with(|| (&a.ip, &a.host).cmp(&(&b.ip, &b.host)))
    });
    bindings.dedup();
    let bindings = bindings.into_iter();
    bindings.map(|it| json!({"container": it.container, "ip": it.ip, "host": it.host})).collect()
}

fn observed(container: &str, binding: &Value) -> Option<Binding> {
    let field = |key: &str| match &binding[key] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let host = field("HostPort");
    binding.is_object().then(|| Binding {
        container: port::observed_port(container),
        ip: canonical_ip(&field("HostIp")),
        host: if host == "0" { String::new() } else { host },
    })
}

fn shown(binding: &Value) -> Value {
    let Some(container) = binding["container"].as_str() else { return binding.clone() };
    let container = container.strip_suffix("/tcp").unwrap_or(container);
    let (ip, host) =
        (binding["ip"].as_str().unwrap_or_default(), binding["host"].as_str().unwrap_or_default());
    let ip = if ip.contains(':') { format!("[{ip}]") } else { ip.to_owned() };
    json!(match (ip.as_str(), host) {
        ("", "") => container.to_owned(),
        ("", host) => format!("{host}:{container}"),
        (ip, host) => format!("{ip}:{host}:{container}"),
    })
}

/// By number, then by protocol.
fn by_port(a: &str, b: &str) -> Ordering {
    let number = |port: &str| port.split('/').next().and_then(|number| number.parse::<u32>().ok());
    number(a).cmp(&number(b)).then_with(|| a.cmp(b))
}

/// Announced ports. Normal form: a sorted list of `80/tcp`; the image's are joined.
pub struct ExposedPorts;

pub const EXPOSED_PORTS: ExposedPorts = ExposedPorts;

impl Form for ExposedPorts {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let ports = each(&items(node, reading, self.expects())?, |item| {
            let text = text(item, self.expects())?;
            let (numbers, protocol) = Protocol::split(text, item)?;
            let range = PortRange::read(numbers, item)?;
            Ok(range.numbers().map(|number| format!("{number}/{protocol}")).collect::<Vec<_>>())
        })?;
        Ok(port_set(ports.concat()))
    }

    fn observe(&self, shown: &Value) -> Value {
        port_set(shown.as_object().into_iter().flatten().map(|(port, _)| port::observed_port(port)).collect())
    }

    fn send(&self, normal: &Value) -> Value {
        Value::Object(texts(normal).map(|port| (port.to_owned(), json!({}))).collect())
    }

    fn over(&self, background: &Value, declared: &Value) -> Value {
        port_set(texts(background).chain(texts(declared)).map(str::to_owned).collect())
    }

    fn expects(&self) -> &'static str {
        "ports of the container, such as `[80, 53/udp, 8000-8010]`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["[80, 53/udp]", "['53/UDP', 80/tcp]"], salt: &["'80,53/udp'", "[80, 53/udp]"] },
            Sample { plain: &["[80-82]", "[80, 81, 82]", "80-82"], salt: &[] },
            Sample { plain: &["[]"], salt: &[] },
        ])
    }
}

fn port_set(mut ports: Vec<String>) -> Value {
    ports.sort_by(|a, b| by_port(a, b));
    ports.dedup();
    json!(ports)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, plain, refused};
    use super::*;

    #[test]
    fn ports_obey_the_laws() {
        obeys_the_laws(&PORTS);
        obeys_the_laws(&EXPOSED_PORTS);
    }

    #[test]
    fn wrong_ports_are_refused_with_the_remedy() {
        assert!(refused(&PORTS, "['::1:80:80']").contains("write `[::1]:80:80`"));
        assert!(
            refused(&PORTS, "['8000-8001:80-82']").contains("3 ports in the container and 2 on the host")
        );
        assert!(refused(&PORTS, "['80:http']").contains("`http` is not a port"));
        assert!(refused(&PORTS, "['80:70000']").contains("`70000` is not a port"));
        assert!(refused(&PORTS, "['80/tpc']").contains("did you mean `tcp`?"));
        assert!(refused(&PORTS, "{8080: 80}").contains("write a list"));
        assert!(refused(&PORTS, "[{published: 80}]").contains("`target` is missing"));
        assert!(refused(&PORTS, "[{target: 80, publish: 80}]").contains("did you mean `published`?"));
        assert!(refused(&PORTS, "['82-80']").contains("counts down"));
        assert!(refused(&PORTS, "['host:80:80']").contains("`host` is not an IP address"));
    }

    #[test]
    fn both_protocols_and_both_families_are_kept_apart() {
        let both = plain(&PORTS, "['18053:53/tcp', '18053:53/udp', '0.0.0.0:80:80', '[::]:80:80']");
        assert_eq!(PORTS.show(&both), json!(["18053:53", "18053:53/udp", "0.0.0.0:80:80", "[::]:80:80"]));
        assert_eq!(exposed(&both), json!({"53/tcp": {}, "53/udp": {}, "80/tcp": {}}));
    }

    #[test]
    fn no_host_address_is_made_up() {
        let sent = PORTS.send(&plain(&PORTS, "['8080:80']"));
        assert_eq!(sent, json!({"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}));
    }

    #[test]
    fn a_random_port_and_a_published_nothing_are_understood() {
        let shown = json!({"80/tcp": [{"HostIp": "", "HostPort": "0"}], "81/tcp": null, "82/tcp": []});
        assert_eq!(PORTS.observe(&shown), json!([{"container": "80/tcp", "ip": "", "host": ""}]));
    }
}
