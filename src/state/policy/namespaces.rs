//! Whose namespaces a container would really share. A name that a tree declares may be somebody else's at the
//! engine, so what is there decides, not what is declared.

use std::collections::BTreeSet;

use super::super::graph::State;
use super::rules::created;
use super::{Policy, Rule, body};
use crate::resource::Presence;
use crate::world::{Container, Id, Owner, World};

/// The option by which each of these namespaces is shared.
pub const SHARED: [(&str, Rule); 3] =
    [("NetworkMode", Rule::NoHostNetwork), ("PidMode", Rule::NoHostPid), ("IpcMode", Rule::NoHostIpc)];

impl Policy {
    /// Says what stands against a state that shares namespaces of containers, if the policy is about them: they have
    /// to be of `owner`, and may not have the host's. `world` has what the states before it will have made.
    pub fn strangers(&self, state: &State, owner: &Owner, world: &World) -> Vec<String> {
        if state.function.presence == Presence::Absent || self.is_empty() {
            return Vec::new();
        }
        let shared = match (state.kind.name(), state.function.name) {
            ("container", _) => body::shared(&created(state, &state.spec, owner)),
            ("image", "built") => {
                let other = state.spec.text("network").and_then(body::of_container);
                other.map(|name| (Rule::NoHostNetwork, name.to_owned())).into_iter().collect()
            }
            _ => Vec::new(),
        };
        let shared = shared.into_iter().filter(|(rule, _)| self.allows_not(*rule));
        let told = shared.filter_map(|(rule, name)| {
            let reason = against(rule, &name, owner, world)?;
            Some(format!(
                "it would share {} of the container `{name}`: {reason}; the host's policy says `{}`",
                what(rule),
                rule.word()
            ))
        });
        told.collect()
    }
}

const fn what(rule: Rule) -> &'static str {
    match rule {
        Rule::NoHostNetwork => "the network",
        Rule::NoHostPid => "the processes",
        _ => "the memory",
    }
}

/// Why a namespace of the container of this name may not be shared.
fn against(rule: Rule, name: &str, owner: &Owner, world: &World) -> Option<String> {
    let Some(container) = world.container(name) else {
        return Some("it does not exist by then; let it come first with `require`".to_owned());
    };
    // If it could not be made after all, the engine would take its name for the beginning of an ID.
    let is_meant = |other: &&Container| matches!(&other.id, Id::Engine(id) if id.starts_with(name));
    if matches!(container.id, Id::Planned(_))
        && let Some(other) = world.containers.values().find(is_meant)
        && of_somebody(rule, other, owner, world).is_some()
    {
        return Some("an ID at the engine begins like its name; call it something else".to_owned());
    }
    of_somebody(rule, container, owner, world)
}

/// Why what this container has may not be shared: whose it is, or that it is the host's.
fn of_somebody(rule: Rule, container: &Container, owner: &Owner, world: &World) -> Option<String> {
    let key = SHARED.iter().find_map(|(key, shared)| (*shared == rule).then_some(*key))?;
    let mut seen = BTreeSet::new();
    let mut container = container;
    // What it shares itself is what is shared with it.
    while seen.insert(container.id.clone()) {
        let name = &container.name;
        match container.labels().owner() {
            Some(found) if found == *owner => {}
            Some(found) => {
                return Some(format!(
                    "`{name}` belongs to project `{}`, env `{}`; share that of one of your own",
                    found.project, found.env
                ));
            }
            None => {
                return Some(format!("`{name}` was not made by evenkeel; share that of one of your own"));
            }
        }
        let Some(mode) = container.attributes.text(&format!("HostConfig.{key}")) else {
            // Nothing was said of it, so that it is the engine's default, or it was not looked at.
            let is_known = matches!(container.id, Id::Planned(_)) || container.attributes.is_complete();
            return (!is_known).then(|| format!("nobody knows what `{name}` has"));
        };
        if body::fold(mode) == "host" {
            return Some(format!("`{name}` has that of the host; remove it first"));
        }
        let other = body::of_container(mode)?;
        let found = world.containers.get(&Id::parse(other)).or_else(|| world.container(other));
        let Some(found) = found else {
            return Some(format!("`{name}` has that of a container that is gone; make `{name}` anew first"));
        };
        container = found;
    }
    None
}
