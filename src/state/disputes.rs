//! What two states want that only one can have: ports of the host, and archives.

use std::collections::HashMap;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use super::graph::{Edge, Relation, State};
use crate::resource::{Desired, Facts};
use crate::source::{Diagnostic, Diagnostics};
use crate::world::{Claim, Gate, Owner};

/// Tells of every port that two states publish which both always apply.
pub fn disputes(graph: &DiGraph<State, Edge>, owner: &Owner, problems: &mut Diagnostics) {
    let mut taken: Vec<(NodeIndex, Claim)> = Vec::new();
    for node in graph.node_indices().filter(|node| !is_conditional(graph, *node)) {
        let Some(ports) = graph[node].spec.get("ports") else { continue };
        let claims = port_claims(&graph[node], owner);
        for claim in &claims {
            let Some((first, _)) = taken.iter().find(|(_, held)| held.excludes(claim)) else { continue };
            let first = &graph[*first];
            let at = first.spec.get("ports").map_or(&first.place, |ports| &ports.place);
            problems.push(
                Diagnostic::error(
                    &ports.place,
                    format!("{} and {} both publish {claim}", first.title(), graph[node].title()),
                )
                .note(format!("the first does at {at}"))
                .hint("only one running container can have it: give one of them another port"),
            );
            break;
        }
        taken.extend(claims.into_iter().map(|claim| (node, claim)));
    }
}

/// Tells of every archive that two states write: each would undo the other, run after run.
pub fn archives(graph: &DiGraph<State, Edge>, problems: &mut Diagnostics) {
    let mut written: HashMap<&str, NodeIndex> = HashMap::new();
    for node in graph.node_indices().filter(|node| graph[*node].function.name == "saved") {
        let Some(path) = graph[node].spec.get("path") else { continue };
        let Some(text) = path.value.as_str() else { continue };
        match written.get(text) {
            Some(first) => problems.push(
                Diagnostic::error(
                    &path.place,
                    format!("{} and {} both write {text}", graph[*first].title(), graph[node].title()),
                )
                .hint("give one of them another `path`"),
            ),
            None => {
                written.insert(text, node);
            }
        }
    }
}

/// True if it depends on a guard or on another state whether the state is applied.
fn is_conditional(graph: &DiGraph<State, Edge>, node: NodeIndex) -> bool {
    let options = &graph[node].options;
    let mut incoming = graph.edges_directed(node, Direction::Incoming).map(|edge| edge.weight().relation);
    let mut outgoing = graph.edges(node).map(|edge| edge.weight().relation);
    !(options.onlyif.is_empty() && options.unless.is_empty() && options.creates.is_empty())
        || incoming.any(|relation| matches!(relation, Relation::OnFail | Relation::OnChanges))
        || outgoing.any(|relation| relation == Relation::Prereq)
}

fn port_claims(state: &State, owner: &Owner) -> Vec<Claim> {
    let desired = Desired {
        id: state.label_id(),
        name: &state.name,
        function: &state.function,
        spec: &state.spec,
        owner,
        was: None,
        protect: false,
        facts: &Facts::default(),
        gate: Gate::default(),
        yields: false,
    };
    let claims = state.kind.claims(&desired).into_iter();
    claims.filter(|claim| matches!(claim, Claim::Port { .. })).collect()
}
