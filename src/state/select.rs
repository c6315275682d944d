//! `--target`: the states that are meant, with everything that they need to be what a full run
//! would make of them.

use std::collections::BTreeSet;

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;

use super::graph::{Relation, State, StateGraph};
use super::target::{is_glob, matches};
use crate::source::{Diagnostic, Diagnostics, did_you_mean};

impl StateGraph {
    /// Selects states by id, name, `kind.ID`, `kind:ID` or `sls:file`, all with globs; with them what they
    /// require, and whoever reacts to them or shares their namespaces.
    ///
    /// # Errors
    /// Every pattern that no state matches.
    pub fn target(&self, patterns: &[String]) -> Result<BTreeSet<NodeIndex>, Diagnostics> {
        let mut problems = Diagnostics::default();
        let mut open = Vec::new();
        for pattern in patterns {
            let found: Vec<_> =
                self.graph.node_indices().filter(|node| is_meant(&self.graph[*node], pattern)).collect();
            if found.is_empty() {
                problems.push(self.no_match(pattern));
            }
            open.extend(found);
        }
        let mut selected: BTreeSet<NodeIndex> = open.iter().copied().collect();
        while let Some(node) = open.pop() {
            for next in self.taken_along(node) {
                if selected.insert(next) {
                    open.push(next);
                }
            }
        }
        if problems.has_errors() { Err(problems) } else { Ok(selected) }
    }

    fn taken_along(&self, node: NodeIndex) -> Vec<NodeIndex> {
        let needed = self.graph.edges_directed(node, Direction::Incoming).map(|edge| edge.source());
        let reacting = self.graph.edges(node).filter(|edge| {
            let holds_an_id = |node: NodeIndex| self.graph[node].kind.name() == "container";
            match edge.weight().relation {
                // What a change of this state sets off would else be lost to the next full run.
                Relation::Watch | Relation::OnChanges => true,
                // Whether the owner is applied depends on the target.
                Relation::Prereq => true,
                Relation::Reference => holds_an_id(node) && holds_an_id(edge.target()),
                Relation::Require | Relation::OnFail => false,
            }
        });
        needed.chain(reacting.map(|edge| edge.target())).collect()
    }

    fn no_match(&self, pattern: &str) -> Diagnostic {
        let words = || self.graph.node_weights().flat_map(|state| [state.id.as_str(), state.name.as_str()]);
        let meant = did_you_mean(pattern, words()).filter(|_| !is_glob(pattern));
        let known: Vec<_> =
            self.graph.node_weights().filter(|state| !state.implied).take(8).map(|s| s.id.as_str()).collect();
        Diagnostic::error_without_place(format!("--target {pattern}: no state matches"))
            .maybe_hint((!known.is_empty()).then(|| format!("there are {}", known.join(", "))))
            .maybe_hint(meant.map(|meant| format!("did you mean `{meant}`?")))
    }
}

fn is_meant(state: &State, pattern: &str) -> bool {
    let named = |pattern: &str| matches(pattern, &state.id) || matches(pattern, &state.name);
    if named(pattern) {
        return !state.implied || pattern != "*";
    }
    match pattern.split_once([':', '.']).map(|(word, rest)| (word, rest.trim_start())) {
        Some(("sls", sls)) => matches(sls, &state.sls),
        Some(("module", call)) => state.module.as_deref().is_some_and(|module| matches(call, module)),
        Some((word, rest)) => {
            (word == state.kind.name() || word == state.kind.spelling(state.vocabulary)) && named(rest)
        }
        None => false,
    }
}
