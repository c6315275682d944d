//! What is suspicious in a tree without being wrong.

use petgraph::graph::DiGraph;

use super::graph::{Edge, Relation, State};
use super::secrets::seen_by_others;
use crate::source::{Diagnostic, Diagnostics};

/// Tells of everything that is written and has no effect.
pub fn warnings(graph: &DiGraph<State, Edge>, problems: &mut Diagnostics) {
    for edge in graph.edge_indices() {
        let Some((_, watcher)) = graph.edge_endpoints(edge) else { continue };
        let watcher = &graph[watcher];
        if graph[edge].relation == Relation::Watch
            && !reacts(watcher)
            && let Some(place) = &graph[edge].place
        {
            problems.push(
                Diagnostic::warning(
                    place,
                    format!("{} cannot react to a change: here `watch` is only `require`", watcher.spelled()),
                )
                .hint("write `require`"),
            );
        }
    }
    for state in graph.node_weights() {
        if state.options.watch_action.is_some() && !reacts(state) {
            problems.push(
                Diagnostic::warning(
                    &state.place,
                    format!("{} cannot react: `watch_action` means nothing", state.spelled()),
                )
                .hint("remove it"),
            );
        }
    }
    graph.node_weights().for_each(|state| seen_by_others(state, problems));
    pulls(graph, problems);
}

fn reacts(state: &State) -> bool {
    matches!((state.kind.name(), state.function.name), ("container", "running") | ("image", "built"))
}

/// A container's `pull` is for an image that no state declares.
fn pulls(graph: &DiGraph<State, Edge>, problems: &mut Diagnostics) {
    for edge in graph.edge_indices() {
        let Some((image, container)) = graph.edge_endpoints(edge) else { continue };
        let (image, container) = (&graph[image], &graph[container]);
        if graph[edge].relation == Relation::Reference
            && image.kind.name() == "image"
            && !image.implied
            && let Some(pull) = container.spec.get("pull")
            && image.spec.value("pull") != Some(&pull.value)
        {
            problems.push(
                Diagnostic::warning(&pull.place, format!("`pull` of {} means nothing", container.title()))
                    .note(format!("its image has a state of its own at {}", image.place))
                    .hint("say `pull` there"),
            );
        }
    }
}
