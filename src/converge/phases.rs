//! Moves steps to the phase in which they can be done: what needs something that another change
//! gives up or makes in Switch moves there, behind it.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graph::NodeIndex;
use serde_json::Value;

use super::claims::Handovers;
use crate::plan::{Change, ChangeId};
use crate::world::{Id, Role, Step, World, whose_volumes};

/// Assigns the exceptions. Most steps stay in the phase that their kind gave them.
pub fn assign(changes: &mut [Change], handovers: &Handovers, by_node: &BTreeMap<NodeIndex, ChangeId>) {
    for (giver, taker) in &handovers.early {
        let (Some(giver), Some(taker)) = (by_node.get(giver), by_node.get(taker)) else { continue };
        retire_early(changes, *giver);
        prepare_late(&mut changes[taker.0]);
    }
    // What is made in Switch can only be used behind it; that may concern others in turn.
    loop {
        let late: BTreeSet<String> =
            changes.iter().flat_map(|change| &change.steps.switch).flat_map(made).collect();
        let waiting: Vec<usize> = changes
            .iter()
            .enumerate()
            .filter(|(_, change)| {
                change.steps.prepare.iter().flat_map(used).any(|thing| late.contains(&thing))
            })
            .map(|(index, _)| index)
            .collect();
        if waiting.is_empty() {
            return;
        }
        for index in waiting {
            prepare_late(&mut changes[index]);
        }
    }
}

/// A network goes behind whatever makes containers leave it: a plan that removes it counts on that.
pub fn leavers_first(changes: &mut [Change], world: &World) {
    for index in 0..changes.len() {
        let removed = changes[index].steps.iter().filter_map(|step| match step {
            Step::RemoveNetwork { network } => Some(&network.id),
            _ => None,
        });
        let attached: BTreeSet<Id> =
            removed.flat_map(|network| world.attached(network)).map(|c| c.id.clone()).collect();
        let leaves = |change: &&Change| {
            change.steps.iter().filter_map(left_by).any(|container| attached.contains(container))
        };
        let leavers: Vec<ChangeId> = changes[..index].iter().filter(leaves).map(|change| change.id).collect();
        // One that is only stopped would stand there without its network until it is removed.
        if removes_network(&changes[index].steps.switch) {
            for leaver in &leavers {
                if changes[leaver.0].steps.retire.iter().filter_map(left_by).any(|c| attached.contains(c)) {
                    retire_early(changes, *leaver);
                }
            }
        }
        let after = &mut changes[index].after;
        after.extend(leavers);
        after.sort();
        after.dedup();
    }
}

fn removes_network(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step, Step::RemoveNetwork { .. }))
}

/// The container that a step stops, detaches or removes.
fn left_by(step: &Step) -> Option<&Id> {
    match step {
        Step::StopContainer { container, .. }
        | Step::Disconnect { container, .. }
        | Step::RemoveContainer { container } => Some(&container.id),
        _ => None,
    }
}

/// A removal whose name, port or subnet another change takes goes to Switch, with the removals that
/// it waits for.
fn retire_early(changes: &mut [Change], id: ChangeId) {
    let change = &mut changes[id.0];
    let removals = std::mem::take(&mut change.steps.retire);
    let had_any = !removals.is_empty();
    change.steps.switch.extend(removals);
    if had_any {
        for earlier in changes[id.0].after.clone() {
            retire_early(changes, earlier);
        }
    }
}

fn prepare_late(change: &mut Change) {
    let prepared = std::mem::take(&mut change.steps.prepare);
    change.steps.switch.splice(0..0, prepared);
}

/// What a step makes, by id and, for networks, by name; and the name that it sets free.
fn made(step: &Step) -> Vec<String> {
    match step {
        Step::CreateNetwork { network, .. } => {
            vec![network.id.to_string(), format!("network {}", network.name)]
        }
        Step::CreateContainer { container, .. } | Step::CreateTrial { container, .. } => {
            vec![container.id.to_string()]
        }
        Step::PullImage { image, .. } | Step::BuildImage { image, .. } | Step::LoadImage { image, .. } => {
            vec![image.to_string()]
        }
        Step::CreateVolume { name, .. } => vec![format!("volume {name}")],
        // A newcomer is made under a name that nobody had.
        Step::RenameContainer { container, .. } if Role::of(&container.name) == Role::Current => {
            vec![format!("container name {}", container.name)]
        }
        _ => Vec::new(),
    }
}

/// The ids of those whose mounts are taken, without how.
fn volumes_from(host: &Value) -> impl Iterator<Item = String> {
    let list = host["VolumesFrom"].as_array().into_iter().flatten().filter_map(Value::as_str);
    list.map(|text| whose_volumes(text).0.to_owned())
}

/// What a step needs.
fn used(step: &Step) -> Vec<String> {
    match step {
        Step::CreateContainer { container, image, body } => {
            let mut used = vec![image.to_string(), format!("container name {}", container.name)];
            let endpoints = body["NetworkingConfig"]["EndpointsConfig"].as_object();
            used.extend(endpoints.into_iter().flatten().map(|(name, _)| format!("network {name}")));
            let mode = body["HostConfig"]["NetworkMode"].as_str().unwrap_or("");
            used.push(
                mode.strip_prefix("container:").map_or_else(|| format!("network {mode}"), str::to_owned),
            );
            let host = &body["HostConfig"];
            let others = ["PidMode", "IpcMode"].map(|key| host[key].as_str().unwrap_or(""));
            used.extend(others.iter().filter_map(|mode| mode.strip_prefix("container:")).map(str::to_owned));
            used.extend(volumes_from(host));
            let binds = host["Binds"].as_array().into_iter().flatten();
            let sources = binds.filter_map(|bind| bind.as_str()?.split(':').next());
            used.extend(sources.map(|source| format!("volume {source}")));
            used
        }
        Step::CreateTrial { image, .. } => vec![image.to_string()],
        Step::TagImage { image, .. } | Step::PushImage { image, .. } | Step::SaveImage { image, .. } => {
            vec![image.id.to_string()]
        }
        Step::Connect { network, container, .. } => {
            let mut used = vec![network.id.to_string()];
            if matches!(container.id, Id::Planned(_)) {
                used.push(container.id.to_string());
            }
            used
        }
        _ => Vec::new(),
    }
}
