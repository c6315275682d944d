//! What a container has to show for what a state says, where the one is not simply the other:
//! because fields lean on each other, or because the engine puts something beside what was said.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::form::{self, Form};
use super::super::kind::Desired;
use super::super::spec::Spec;
use super::networks;
use crate::source::Place;
use crate::world::{Container, World};

/// Gives what is to be compared. `before` lists what was declared when the container was made, if
/// it is one of ours.
pub fn spec(
    desired: &Desired<'_>,
    container: &Container,
    before: Option<&BTreeSet<&str>>,
    world: &World,
) -> Spec {
    let mut spec = desired.spec.clone();
    let shown = |path: &str| container.attributes.at(path).known().cloned().unwrap_or(Value::Null);
    // An empty one takes the image's, as does none.
    if spec.value("command").is_some_and(Value::is_null) {
        spec.remove("command");
    }
    let was_declared = |field: &str| before.is_some_and(|before| before.contains(field));
    if spec.contains("expose") || was_declared("expose") {
        expose_published(&mut spec);
    }
    if let Some(options) = log_options(&spec, &shown("HostConfig.LogConfig.Config"), before) {
        put(&mut spec, "log_opt", options);
    }
    // Nothing is the engine's own.
    if spec.value("log_driver").is_some_and(|driver| driver.is_null() || driver == "") {
        spec.remove("log_driver");
    }
    if !spec.contains("log_driver")
        && was_declared("log_driver")
        && let Some(driver) = world.engine.info["LoggingDriver"].as_str()
    {
        put(&mut spec, "log_driver", json!(driver));
    }
    if spec.value("memory_swap").is_none_or(Value::is_null) {
        spec.remove("memory_swap");
        let limits_swap = world.engine.info["SwapLimit"] == true;
        let bytes = |path: &str| shown(path).as_i64().unwrap_or(0);
        let (memory, swap) = (bytes("HostConfig.Memory"), bytes("HostConfig.MemorySwap"));
        if before.is_some() && limits_swap && swap != derived_swap(memory) {
            let wanted = derived_swap(spec.value("memory").and_then(Value::as_i64).unwrap_or(0));
            put(&mut spec, "memory_swap", form::MEMORY_SWAP.observe(&json!(wanted)));
        }
    }
    spec
}

/// The swap limit that the engine derives from the memory.
pub fn derived_swap(memory: i64) -> i64 {
    memory.saturating_mul(2)
}

/// The keys of maps to which the engine adds keys of its own, as the label of declared fields has
/// them: without them nobody could tell later whose a key was.
pub fn declared_keys(spec: &Spec) -> impl Iterator<Item = String> {
    let options = spec.value("log_opt").and_then(Value::as_object).into_iter().flatten();
    options.map(|(key, _)| log_key(key)).filter(|key| !key.contains(','))
}

fn log_key(key: &str) -> String {
    format!("log_opt.{key}")
}

/// The engine shows what is published among what is exposed.
fn expose_published(spec: &mut Spec) {
    if spec.text("network_mode").is_some_and(networks::shares_network) {
        return;
    }
    let Some(ports) = spec.value("ports") else { return };
    let published = form::EXPOSED_PORTS.observe(&form::exposed_ports(ports));
    let both = match spec.value("expose") {
        Some(declared) => form::EXPOSED_PORTS.over(&published, declared),
        None => published,
    };
    put(spec, "expose", both);
}

/// The engine adds its configured options to those that were declared. What is shown and was never
/// declared is its own.
fn log_options(spec: &Spec, shown: &Value, before: Option<&BTreeSet<&str>>) -> Option<Value> {
    let declared = spec.value("log_opt").and_then(Value::as_object);
    let was_declared = |key: &str| before.is_some_and(|before| before.contains(log_key(key).as_str()));
    let shown = shown.as_object();
    if declared.is_none() && !shown.into_iter().flatten().any(|(key, _)| was_declared(key)) {
        return None;
    }
    let mut options: Map<String, Value> = declared.cloned().unwrap_or_default();
    for (key, value) in shown.into_iter().flatten().filter(|(key, _)| !was_declared(key)) {
        options.entry(key.clone()).or_insert_with(|| value.clone());
    }
    Some(Value::Object(options))
}

fn put(spec: &mut Spec, field: &'static str, value: Value) {
    let place =
        spec.get(field).map_or_else(|| Place::outside("the engine"), |declared| declared.place.clone());
    spec.insert(field, value, &place);
}
