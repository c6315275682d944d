//! The graph as text and as a Graphviz file.

use std::fmt::Write as _;

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;

use super::graph::{Edge, Relation, StateGraph};

impl StateGraph {
    /// One line for each state in the order in which they are applied, below it what it waits
    /// for.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for node in self.order() {
            let state = &self.graph[node];
            let name = if state.name == state.id { String::new() } else { format!(" ({})", state.name) };
            let implied = if state.implied { ", implied" } else { "" };
            let (file, line) = state.place.file_and_line();
            let _ = writeln!(out, "{} {}{name}  {file}:{line}{implied}", state.spelled(), state.id);
            for (other, edge) in self.waits_for(node) {
                let _ = writeln!(out, "  {} {}", words(edge), self.graph[other].title());
            }
        }
        out
    }

    /// A file for `dot`.
    pub fn dot(&self) -> String {
        let mut out = String::from("digraph states {\n  rankdir=LR;\n  node [shape=box];\n");
        let order = self.order();
        for node in &order {
            let state = &self.graph[*node];
            let style = if state.implied { " style=dashed" } else { "" };
            let label = escaped(&format!("{}\n{}", state.id, state.spelled()));
            let _ = writeln!(out, "  n{} [label=\"{label}\"{style}];", node.index());
        }
        for node in &order {
            for (other, edge) in self.waits_for(*node) {
                let style = match edge.relation {
                    Relation::Require => "solid",
                    Relation::Watch | Relation::OnChanges => "bold",
                    Relation::OnFail | Relation::Prereq => "dashed",
                    Relation::Reference => "dotted",
                };
                let _ = writeln!(
                    out,
                    "  n{} -> n{} [label=\"{}\" style={style}];",
                    other.index(),
                    node.index(),
                    words(edge)
                );
            }
        }
        out.push_str("}\n");
        out
    }

    fn waits_for(&self, node: NodeIndex) -> Vec<(NodeIndex, &Edge)> {
        let mut edges: Vec<_> = self
            .graph
            .edges_directed(node, Direction::Incoming)
            .map(|edge| (edge.source(), edge.weight()))
            .collect();
        edges.sort_by_key(|(other, edge)| {
            (edge.relation, edge.any_group, self.graph[*other].position, *other)
        });
        edges
    }
}

fn words(edge: &Edge) -> String {
    let any = if edge.any_group.is_some() { "_any" } else { "" };
    match edge.relation {
        // Seen from the state that is changed afterwards.
        Relation::Prereq => "after prereq of".to_owned(),
        relation => format!("{}{any}", relation.word()),
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
