//! What a state does because something else changes: watches, and containers that share what a
//! restarted container had.

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use serde_json::{Value, json};

use super::orphans::is_replaced;
use super::plan::Planner;
use crate::plan::{FieldDiff, Impact};
use crate::resource::{Found, Presence, Vocabulary, primary_network_name};
use crate::state::{Relation, State, WatchAction};
use crate::world::{Container, NAMESPACES, RunState, Step};

/// Diff rows that come from others, and the signal that a watch sends.
#[derive(Default)]
pub struct Reaction {
    pub rows: Vec<FieldDiff>,
    pub signal: Option<String>,
}

/// Lists what makes an object react, although it is itself as it should be.
pub fn reaction(planner: &Planner<'_>, node: NodeIndex, state: &State, found: &Found) -> Reaction {
    let mut reaction = Reaction::default();
    match state.kind.name() {
        "container" => {
            let Some(container) = planner.world.containers.get(&found.target.id) else { return reaction };
            if state.function.name == "running" && container.state.is_up() {
                watches(planner, node, state, Some(container), &mut reaction);
                reaction.rows.extend(shared(planner, state, container));
            }
            reaction.rows.extend(primary_network(planner, state, container));
        }
        "image" if state.function.name == "built" => watches(planner, node, state, None, &mut reaction),
        _ => {}
    }
    reaction
}

fn watches(
    planner: &Planner<'_>,
    node: NodeIndex,
    state: &State,
    watcher: Option<&Container>,
    reaction: &mut Reaction,
) {
    let default = match (watcher, state.vocabulary) {
        (Some(_), Vocabulary::Plain) => WatchAction::Restart,
        (Some(_), Vocabulary::Salt) | (None, _) => WatchAction::Replace,
    };
    let action = state.options.watch_action.clone().unwrap_or(default);
    let graph = &planner.inputs.graph.graph;
    for edge in graph.edges_directed(node, Direction::Incoming) {
        if edge.weight().relation != Relation::Watch {
            continue;
        }
        let target = &graph[edge.source()];
        let changes = planner.changes_something(edge.source());
        let newer = !matches!(action, WatchAction::Signal(_))
            && watcher.is_some_and(|w| is_newer(planner, target, w));
        if !changes && !newer {
            continue;
        }
        let why = if changes {
            changes_of(&target.title())
        } else {
            format!("{} is newer than the container's start", target.title())
        };
        let impact = match &action {
            WatchAction::Restart => Impact::Restart,
            WatchAction::Replace => Impact::Replace,
            WatchAction::Signal(signal) => {
                reaction.signal = Some(signal.clone());
                Impact::Signal
            }
        };
        reaction.rows.push(FieldDiff {
            field: "watch".to_owned(),
            from: Value::Null,
            to: json!(why),
            impact,
        });
    }
}

/// How a watch says that its target changes in this run.
pub fn changes_of(target: &str) -> String {
    format!("{target} changes")
}

/// True if the target was made after the watcher started: the reaction is still owed.
fn is_newer(planner: &Planner<'_>, target: &State, watcher: &Container) -> bool {
    // What an earlier run left is finished by now, as far as the plan is concerned.
    let world = &planner.world;
    let made = match target.kind.name() {
        "container" => world.container(&target.name).and_then(|c| c.attributes.text("Created")),
        "network" => world.network(&target.name).and_then(|n| n.attributes.text("Created")),
        "volume" => world.volumes.get(&target.name).and_then(|v| v.attributes.text("CreatedAt")),
        _ => None,
    };
    match (made.and_then(time), watcher.attributes.text("State.StartedAt").and_then(time)) {
        // Volumes are dated to the second, so only a later second counts.
        (Some(made), Some(started)) if target.kind.name() == "volume" => {
            made.as_second() > started.as_second()
        }
        (Some(made), Some(started)) => made > started,
        _ => false,
    }
}

fn time(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok()
}

/// A container that has a namespace of another one loses it when that one stops, and gets it back only by
/// a restart of its own.
fn shared<'a>(
    planner: &'a Planner<'_>,
    state: &'a State,
    container: &'a Container,
) -> impl Iterator<Item = FieldDiff> + 'a {
    NAMESPACES.iter().filter_map(|namespace| {
        let name = state.spec.text(namespace.field)?.strip_prefix("container:")?;
        // Who has that of another one gets a successor anyway.
        let owner = planner.world.made_with(container, namespace.of(container)?)?;
        if owner.name != name {
            return None;
        }
        lost(planner, name, container).map(|why| FieldDiff {
            field: namespace.field.to_owned(),
            from: Value::Null,
            to: json!(why),
            impact: Impact::Restart,
        })
    })
}

/// Why a container has no longer what it shares with the one of this name.
fn lost(planner: &Planner<'_>, name: &str, container: &Container) -> Option<String> {
    let restarts = planner.changes.iter().any(|change| {
        change.state.kind == "container"
            && change.state.name == name
            && change.steps.iter().any(|step| {
                matches!(
                    step,
                    Step::StartContainer { .. } | Step::RestartContainer { .. } | Step::StopContainer { .. }
                )
            })
    });
    let started = |container: &Container| container.attributes.text("State.StartedAt").and_then(time);
    let owner = planner.world.container(name).filter(|owner| owner.state == RunState::Running);
    let later = owner.is_some_and(
        |owner| matches!((started(owner), started(container)), (Some(owner), Some(joiner)) if owner > joiner),
    );
    match (restarts, later) {
        (true, _) => Some(format!("{name} is restarted")),
        (false, true) => Some(format!("{name} was restarted")),
        (false, false) => None,
    }
}

/// Newer engines do not start a container any more when the network that it was made with is gone,
/// so it takes a successor that is made with another one.
fn primary_network(planner: &Planner<'_>, state: &State, container: &Container) -> Option<FieldDiff> {
    let mode = container.attributes.text("HostConfig.NetworkMode").unwrap_or("");
    let network = planner.world.network(primary_network_name(mode)?)?;
    let declared = planner.inputs.graph.graph.node_weights().find(|other| {
        other.kind.name() == "network"
            && [Some(other.name.as_str()), other.options.was.as_deref()].contains(&Some(&network.name))
    });
    let options = planner.inputs.options;
    let goes = match declared {
        _ if is_replaced(planner, network) => true,
        Some(state) => state.function.presence == Presence::Absent,
        None => {
            options.prune && options.only.is_none() && network.labels().are_of(&planner.inputs.graph.owner)
        }
    };
    let leaves = match (state.spec.text("network_mode"), state.spec.value("networks")) {
        (None, None) => false,
        (wanted, networks) => {
            wanted != Some(&network.name)
                && networks.is_none_or(|networks| networks.get(&network.name).is_none())
        }
    };
    (goes && leaves).then(|| FieldDiff {
        field: "network_mode".to_owned(),
        from: json!(network.name),
        to: json!(format!("{} is removed", network.name)),
        impact: Impact::Replace,
    })
}
