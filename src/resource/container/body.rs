//! The create call of a container.

use serde_json::{Value, json};

use super::super::compare;
use super::super::form::{self, Form};
use super::super::kind::Desired;
use super::super::spec::Spec;
use super::fields::FIELDS;
use super::gate::gate_text;
use super::job::is_job_state;
use super::recorded::record_of;
use super::{effective, files, mounted, mounts, networks, shares};
use crate::world::{Claim, Container, World, label, port_claims};

/// What a new container is made of.
pub struct Made<'a> {
    pub revision: u32,
    /// The container that it takes the place of.
    pub replaces: Option<&'a Container>,
    /// Anonymous volumes that it takes over: where they are mounted, and their names.
    pub carried: &'a [(String, String)],
}

/// Gives what the API would take to create the container where there is nothing yet.
pub fn create_body(desired: &Desired<'_>) -> Value {
    body(desired, &Made { revision: 1, replaces: None, carried: &[] }, &World::default())
}

/// Gives what the API takes to create the container.
pub fn body(desired: &Desired<'_>, made: &Made<'_>, world: &World) -> Value {
    let mut body = json!({"HostConfig": {}});
    if let Some(image) = desired.spec.text("image") {
        body["Image"] = json!(image);
    }
    let mode = networks::mode(desired, world);
    let shares = mode.as_deref().is_some_and(networks::shares_network);
    compare::send(FIELDS, desired.spec, |path, value| {
        if path == "HostConfig.PortBindings" && shares {
            return;
        }
        put(&mut body, path, value);
    });
    if !shares {
        expose_published(desired.spec, &mut body);
    }
    mounts::send(desired, made.carried, &mut body);
    let links = networks::links(desired);
    // In networks that people make, the attachments have them.
    if !links.is_empty() && mode.as_deref().and_then(networks::primary).is_none() {
        body["HostConfig"]["Links"] = links.iter().map(|link| json!(by_id(link, world))).collect();
    }
    if let Some(mode) = &mode {
        body["HostConfig"]["NetworkMode"] = json!(mode);
    }
    shares::send(desired, world, &mut body);
    let endpoints = networks::first_endpoint(desired);
    if endpoints.as_object().is_some_and(|map| !map.is_empty()) {
        body["NetworkingConfig"] = endpoints;
    }
    networks::send_macs(desired, mode.as_deref(), world, &mut body);
    if let Some(raw) = desired.spec.value("raw") {
        merge(&mut body, raw);
    }
    add_labels(desired, made, &mut body);
    body
}

/// What the container takes for itself alone when it runs.
pub fn claims(spec: &Spec) -> Vec<Claim> {
    let shares = spec.text("network_mode").is_some_and(networks::shares_network);
    let mut claims = match spec.value("ports") {
        Some(ports) if !shares => port_claims(&form::PORTS.send(ports)),
        _ => Vec::new(),
    };
    for (network, settings) in spec.value("networks").and_then(Value::as_object).into_iter().flatten() {
        for key in ["IPv4Address", "IPv6Address"] {
            if let Some(address) = form::sent_endpoint(settings)["IPAMConfig"][key].as_str() {
                claims.push(Claim::Address { network: network.clone(), address: address.to_owned() });
            }
        }
    }
    claims
}

/// Sets a value at its inspect path in a create body, which has `Config` at its top level.
fn put(body: &mut Value, path: &str, value: Value) {
    let path = path.strip_prefix("Config.").unwrap_or(path);
    let mut slot = body;
    for part in path.split('.') {
        slot = &mut slot[part];
    }
    // Several fields are labels.
    merge(slot, &value);
}

/// The engine publishes only ports that are exposed as well.
fn expose_published(spec: &Spec, body: &mut Value) {
    let Some(ports) = spec.value("ports") else { return };
    let bindings = form::PORTS.send(ports);
    for (port, _) in bindings.as_object().into_iter().flatten() {
        body["ExposedPorts"][port.as_str()] = json!({});
    }
}

/// A link by id, so that it means the container of this plan whatever it is called at the moment.
fn by_id(link: &str, world: &World) -> String {
    let (name, alias) = link.split_once(':').unwrap_or((link, link));
    match world.container(name) {
        Some(container) => format!("{}:{alias}", container.id),
        None => format!("{name}:{alias}"),
    }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn add_labels(desired: &Desired<'_>, made: &Made<'_>, body: &mut Value) {
    let mut labels = desired.labels();
    if let Some(declared) = labels.get_mut(label::DECLARED) {
        let keys = effective::declared_keys(desired.spec).chain(files::declared_keys(desired.spec));
        keys.for_each(|key| declared.extend([",", &key]));
    }
    labels.insert(label::REVISION.to_owned(), made.revision.to_string());
    labels.insert(label::STATE.to_owned(), Value::Object(record_of(desired.spec)).to_string());
    if let Some(text) = mounted::label_text(desired) {
        labels.insert(label::MOUNTED.to_owned(), text);
    }
    if is_job_state(desired.function.name) {
        labels.insert(label::JOB.to_owned(), "true".to_owned());
    }
    if desired.function.name == "running" {
        labels.insert(label::GATE.to_owned(), gate_text(&desired.gate));
    }
    if let Some(old) = made.replaces {
        labels.insert(label::REPLACES.to_owned(), old.id.to_string());
        let policy = old.attributes.at("HostConfig.RestartPolicy").known();
        if let Some(policy) = policy.map(|shown| form::RESTART.observe(shown))
            && let Some(text) = policy.as_str()
        {
            labels.insert(label::RESTORES.to_owned(), text.to_owned());
        }
    }
    compare::add_labels(&mut body["Labels"], &labels);
}
