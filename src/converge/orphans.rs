//! Objects of ours that no state declares any more.

use super::plan::Planner;
use crate::plan::{Action, Change, ChangeId, Effect, Steps};
use crate::resource::{is_kept, kept_of};
use crate::world::{Container, Id, Network, Role, Step, Target};

impl Planner<'_> {
    /// Plans to remove the containers that no state declares, before anything else: they may have
    /// what a state is to take.
    pub fn prune_containers(&mut self) {
        for container in orphaned(self).into_iter().filter(|container| !container.labels().are_protected()) {
            let target = Target::new(&container.id, &container.name);
            let mut steps = Steps::default();
            let mut change = Change::undeclared(self.next_id(), "container", &container.name);
            change.action = Action::Remove;
            change.cause = "no state declares it".to_owned();
            if container.state.is_up() {
                steps.switch.push(Step::StopContainer { container: target.clone(), timeout: None });
                change.effect = Effect::Ends;
            }
            let owner = &self.inputs.graph.owner;
            let kept = kept_of(owner, &self.world, |name| name == container.name).into_iter();
            steps.retire.extend(kept.map(|container| Step::RemoveContainer { container }));
            steps.retire.push(Step::RemoveContainer { container: target });
            self.matched.insert(container.id);
            self.commit(change, steps);
        }
    }

    /// The change that removes an undeclared container.
    pub fn pruned_change(&self, id: &Id) -> Option<ChangeId> {
        let removes =
            |step: &Step| matches!(step, Step::RemoveContainer { container } if container.id == *id);
        let mut pruned = self.changes.iter().filter(|change| change.state.file.is_empty());
        pruned.find(|change| change.steps.retire.iter().any(removes)).map(|change| change.id)
    }
}

/// Lists what is left over, and plans to remove the networks among it if that was asked for.
/// Volumes are never pruned.
pub fn rest(planner: &mut Planner<'_>) -> Vec<(&'static str, Target)> {
    let mut orphans = Vec::new();
    for container in orphaned(planner) {
        orphans.push(("container", Target::new(&container.id, &container.name)));
    }
    let kept = super::kept::undeclared(planner).into_iter();
    let is_left = |kept: &Target| {
        Role::of(&kept.name).serves().is_some_and(|(of, _)| planner.world.container(&of).is_none())
    };
    orphans.extend(kept.filter(is_left).map(|kept| ("container", kept)));
    let owner = planner.inputs.graph.owner.clone();
    let networks: Vec<Target> = planner
        .inputs
        .world
        .networks
        .values()
        .filter(|network| {
            network.labels().are_of(&owner)
                && (!planner.matched.contains(&network.id) || is_replaced(planner, network))
        })
        .filter(|network| planner.world.networks.contains_key(&network.id))
        .map(|network| Target::new(&network.id, &network.name))
        .collect();
    for network in networks {
        let is_replaced = planner.world.networks.get(&network.id).is_some_and(|replaced| {
            is_replaced(planner, replaced) && planner.world.attached(&network.id).all(is_kept)
        });
        let is_spared = !planner.inputs.options.prune || is_protected(planner, "network", &network.id);
        if is_spared && !is_replaced {
            orphans.push(("network", network));
            continue;
        }
        let mut change = Change::undeclared(planner.next_id(), "network", &network.name);
        change.action = Action::Remove;
        change.cause = if is_replaced { "it has been replaced" } else { "no state declares it" }.to_owned();
        change.after = planner.changes.iter().filter(|c| c.state.kind == "container").map(|c| c.id).collect();
        let steps = Steps { retire: vec![Step::RemoveNetwork { network }], ..Steps::default() };
        planner.commit(change, steps);
    }
    let volumes = planner.inputs.world.volumes.values().filter(|volume| {
        volume.labels().are_of(&owner) && !planner.matched.contains(&Id::Engine(volume.name.clone()))
    });
    for volume in volumes {
        orphans.push(("volume", Target { id: Id::Engine(volume.name.clone()), name: volume.name.clone() }));
    }
    orphans.sort();
    orphans
}

/// What to know of leftovers that were protected by the state that made them.
pub fn protected(planner: &Planner<'_>, orphans: &[(&'static str, Target)]) -> Vec<String> {
    let protected = orphans.iter().filter(|(kind, target)| is_protected(planner, kind, &target.id));
    protected
        .map(|(kind, target)| {
            let name = &target.name;
            format!(
                "{kind}.{name} was made with `protect: true`, so --prune leaves it; to remove it, declare \
                 `{name}: {{{kind}.absent: {{}}}}`"
            )
        })
        .collect()
}

fn is_protected(planner: &Planner<'_>, kind: &str, id: &Id) -> bool {
    let world = &planner.inputs.world;
    match kind {
        "container" => world.containers.get(id).is_some_and(|it| it.labels().are_protected()),
        "network" => world.networks.get(id).is_some_and(|it| it.labels().are_protected()),
        _ => false,
    }
}

/// True for a network whose place another one has taken, and that no state declares.
pub fn is_replaced(planner: &Planner<'_>, network: &Network) -> bool {
    let mut states = planner.inputs.graph.graph.node_weights();
    planner.world.is_replaced(network)
        && !states.any(|state| state.kind.name() == "network" && state.name == network.name)
}

/// Containers of ours that no state means.
fn orphaned(planner: &Planner<'_>) -> Vec<Container> {
    let owner = &planner.inputs.graph.owner;
    let declared = |name: &str| {
        planner.inputs.graph.graph.node_weights().any(|state| {
            state.kind.name() == "container"
                && (state.name == name || state.options.was.as_deref() == Some(name))
        })
    };
    let mut orphans: Vec<Container> = planner
        .world
        .containers
        .values()
        .filter(|container| container.labels().are_of(owner))
        .filter(|container| container.role() == Role::Current && !declared(&container.name))
        .filter(|container| !planner.matched.contains(&container.id) && !is_renamed(planner, container))
        .filter(|container| matches!(container.id, Id::Engine(_)))
        .cloned()
        .collect();
    orphans.sort_by(|a, b| a.name.cmp(&b.name));
    orphans
}

/// True if a state will recognise the container by its label, because somebody renamed it.
fn is_renamed(planner: &Planner<'_>, container: &Container) -> bool {
    planner.inputs.graph.graph.node_weights().any(|state| {
        state.kind.name() == "container"
            && container.labels().get(crate::world::label::ID) == Some(&state.label_id())
            && planner.world.container(&state.name).is_none()
    })
}
