//! Finds every group of states that wait for each other, and shows the way round.

use std::collections::{HashMap, HashSet, VecDeque};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::graph::{Edge, Relation, State};
use crate::source::{Diagnostic, Diagnostics};

/// Reports every cycle with its whole path.
pub fn cycles(graph: &DiGraph<State, Edge>, problems: &mut Diagnostics) {
    let mut groups: Vec<Vec<NodeIndex>> = tarjan_scc(graph)
        .into_iter()
        .filter(|group| group.len() > 1 || graph.contains_edge(group[0], group[0]))
        .collect();
    for group in &mut groups {
        group.sort();
    }
    groups.sort();
    for group in groups {
        let members: HashSet<NodeIndex> = group.iter().copied().collect();
        // The shortest way round from the state that was declared first is the easiest to read.
        let Some(path) = way_round(graph, group[0], &members) else { continue };
        problems.push(describe(graph, &path, group.len()));
    }
}

/// Edges of a shortest path from `start` back to itself, against the edges' direction: who waits
/// comes first.
fn way_round(
    graph: &DiGraph<State, Edge>,
    start: NodeIndex,
    members: &HashSet<NodeIndex>,
) -> Option<Vec<petgraph::graph::EdgeIndex>> {
    let mut came_by = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        let mut edges: Vec<_> = graph.edges_directed(node, petgraph::Direction::Incoming).collect();
        edges.sort_by_key(|edge| (edge.source(), edge.id()));
        for edge in edges {
            let next = edge.source();
            if !members.contains(&next) || came_by.contains_key(&next) {
                continue;
            }
            came_by.insert(next, edge.id());
            if next == start {
                let mut path = Vec::new();
                let mut at = start;
                loop {
                    let edge = came_by[&at];
                    path.push(edge);
                    at = graph.edge_endpoints(edge)?.1;
                    if at == start {
                        path.reverse();
                        return Some(path);
                    }
                }
            }
            queue.push_back(next);
        }
    }
    None
}

fn describe(graph: &DiGraph<State, Edge>, path: &[petgraph::graph::EdgeIndex], size: usize) -> Diagnostic {
    let ends = |edge: petgraph::graph::EdgeIndex| graph.edge_endpoints(edge).unwrap_or_default();
    let mut titles: Vec<String> = path.iter().map(|edge| graph[ends(*edge).1].title()).collect();
    if let Some(first) = titles.first().cloned() {
        titles.push(first);
    }
    let written = path.iter().find_map(|edge| graph[*edge].place.clone());
    let place = written.unwrap_or_else(|| graph[ends(path[0]).1].place.clone());
    let mut problem =
        Diagnostic::error(&place, format!("these states wait for each other: {}", titles.join(" → ")));
    for edge in path {
        let (first, then) = ends(*edge);
        let (first, then) = (graph[first].title(), graph[then].title());
        let at = graph[*edge].place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        problem = problem.note(match graph[*edge].relation {
            Relation::Prereq => format!("{first} has {then} as prereq{at}"),
            Relation::Reference => format!("{then} uses {first}"),
            relation => format!("{then}: {} {first}{at}", relation.word()),
        });
    }
    if size > path.len() {
        problem = problem.note(format!("{} more states are part of this knot", size - path.len()));
    }
    problem.hint("remove one of these requisites")
}
