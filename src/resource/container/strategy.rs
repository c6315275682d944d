//! How a successor takes over: beside the old one, or after it.

use serde_json::Value;

use super::super::kind::Desired;
use super::ailment::relapse;
use super::{body, mounts, shares};
use crate::world::{Claim, Container, RunState, World};

/// How a container is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// The new one is started and proven beside the old one, then takes its name; then the old one stops.
    Overlap,
    /// The old one stops, then the new one is started.
    Replace,
}

/// A strategy, and the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub strategy: Strategy,
    pub because: String,
}

/// Chooses how `old` is replaced.
///
/// # Errors
/// If the state asks for what cannot be.
pub fn choose(desired: &Desired<'_>, old: &Container, world: &World) -> Result<Choice, String> {
    let chosen = |strategy, because: &str| Ok(Choice { strategy, because: because.to_owned() });
    if old.state == RunState::Restarting || relapse(old, desired.facts.now).is_some() {
        // Engines refuse to rename a container in the moment in which it ends.
        return chosen(Strategy::Replace, "the old one ends again and again");
    }
    let exclusive = exclusive(desired, old);
    let shared = shared(desired, old, world);
    match (desired.spec.text("strategy"), exclusive, shared) {
        (Some("overlap"), Some(thing), _) => Err(format!(
            "`strategy: overlap` cannot be: {thing}, and two containers cannot have it at a time; leave the \
             strategy out, or write `strategy: replace`"
        )),
        (Some("overlap"), None, Some(thing)) => {
            chosen(Strategy::Overlap, &format!("it is declared, although {thing}"))
        }
        (Some("overlap"), None, None) | (Some("replace"), ..) => {
            let overlaps = desired.spec.text("strategy") == Some("overlap");
            chosen(if overlaps { Strategy::Overlap } else { Strategy::Replace }, "it is declared")
        }
        (_, Some(thing), _) | (_, None, Some(thing)) => chosen(Strategy::Replace, &thing),
        (_, None, None) => chosen(Strategy::Overlap, "nothing is exclusive"),
    }
}

/// What only one of the two can have.
fn exclusive(desired: &Desired<'_>, old: &Container) -> Option<String> {
    if desired.yields {
        return Some("what it has goes to another container in this run".to_owned());
    }
    let spec = desired.spec;
    let held = old.claims();
    let is_held = |claim: &Claim| held.iter().any(|held| held.excludes(claim));
    if let Some(claim) = body::claims(spec).into_iter().find(is_held) {
        return Some(format!("both have {claim}"));
    }
    if spec.text("network_mode") == Some("host") {
        return Some("both have the ports of the host (`network_mode: host`)".to_owned());
    }
    if let Some(other) = spec.text("network_mode").and_then(|mode| mode.strip_prefix("container:")) {
        return Some(format!("both would have the network of container {other}"));
    }
    let of_networks = spec.value("networks").and_then(Value::as_object).into_iter().flatten();
    let mut addresses =
        spec.text("mac_address").into_iter().chain(of_networks.filter_map(|(_, own)| own["mac"].as_str()));
    let address = addresses.find(|address| !address.is_empty())?;
    Some(format!("both have the MAC address {address}"))
}

/// What both would write to or use at the same time.
fn shared(desired: &Desired<'_>, old: &Container, world: &World) -> Option<String> {
    let declared = desired.spec.value("volumes").and_then(Value::as_object);
    for (path, mount) in declared.into_iter().flatten() {
        let is_data = matches!(mount["type"].as_str(), Some("volume" | "bind" | "cluster" | "npipe"));
        if is_data && mount["read_only"] != true {
            let source = mount["source"].as_str().unwrap_or_default();
            return Some(format!("both would write to {source} at {path}"));
        }
    }
    let (carried, _) = mounts::carry(desired, old, world);
    if let Some((path, _)) = carried.first() {
        return Some(format!("both would write to the anonymous volume at {path}"));
    }
    if let Some((name, _)) =
        shares::volumes_from(desired.spec).find(|(_, options)| !options.starts_with("ro"))
    {
        return Some(format!("both would write to what container {name} has mounted"));
    }
    if let Some(reason) = memory_or_processes(desired, old, world) {
        return Some(reason);
    }
    let links = desired.spec.value("links").and_then(Value::as_array);
    if links.is_some_and(|links| !links.is_empty()) {
        return Some("a link of the old one ends when what it leads to is replaced".to_owned());
    }
    let devices = desired.spec.value("devices").and_then(Value::as_object);
    devices.is_some_and(|devices| !devices.is_empty()).then(|| "both would use its devices".to_owned())
}

/// What both would have in memory, or that the old one has ended by then.
fn memory_or_processes(desired: &Desired<'_>, old: &Container, world: &World) -> Option<String> {
    if desired.spec.text("ipc") == Some("host") {
        return Some("both would have the memory of the host (`ipc: host`)".to_owned());
    }
    let is_same = |name: &str| {
        let owner = world.container(name);
        owner.is_some_and(|owner| world.joined(old).any(|joined| joined.id == owner.id))
    };
    if let Some(name) = shares::container_of(desired.spec, "ipc").filter(|name| is_same(name)) {
        return Some(format!("both would have the memory of container {name}"));
    }
    let name = shares::container_of(desired.spec, "pid")?;
    let ended = world.owner_of_processes(old).filter(|owner| owner.name != name && !owner.state.is_up())?;
    Some(format!("the old one has ended with {}, whose processes it had", ended.name))
}
