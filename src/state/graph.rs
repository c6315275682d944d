//! The compiled tree: states and the edges between them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::path::PathBuf;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use super::options::{Options, Order};
use super::pins::Pins;
use super::settings::RegistryOptions;
use super::target::Condition;
use crate::resource::{Function, Kind, Spec, Vocabulary};
use crate::secret::Declarations;
use crate::source::{Diagnostic, Place};
use crate::world::Owner;

/// Everything that a tree of state files declares. Free of cycles.
pub struct StateGraph {
    /// Whose the objects of this tree are.
    pub owner: Owner,
    /// The folder of the tree.
    pub root: PathBuf,
    /// The folder where dotted names and pins start.
    pub states: PathBuf,
    /// SHA-256 of each file that was read, by its path from the root.
    pub inputs: BTreeMap<String, String>,
    /// The digests that images are used at.
    pub pins: Pins,
    /// Ranges of versions for which nobody knows a tag, and why, by normalised reference.
    pub open_ranges: BTreeMap<String, String>,
    /// How registries are spoken to, by host and port.
    pub registries: BTreeMap<String, RegistryOptions>,
    /// Where secrets come from.
    pub secrets: Declarations,
    /// Where each secret is used first.
    pub secret_places: BTreeMap<String, Place>,
    /// Edges lead from what goes first to what waits for it.
    pub graph: DiGraph<State, Edge>,
    /// What is suspicious without being wrong.
    pub warnings: Vec<Diagnostic>,
}

/// One object as a state declares it.
#[derive(Clone)]
pub struct State {
    /// The id as declared; inside a module call with the call's id in front.
    pub id: String,
    pub kind: &'static dyn Kind,
    pub vocabulary: Vocabulary,
    pub function: Function,
    /// The object's name: the id unless `name` says otherwise.
    pub name: String,
    pub place: Place,
    /// The state file, dotted: `web.frontend`.
    pub sls: String,
    /// The id of the module call that the state comes from.
    pub module: Option<String>,
    pub spec: Spec,
    pub options: Options,
    /// Number in the order of declaration.
    pub position: usize,
    /// True if no file declares it: an image that a container needs.
    pub implied: bool,
}

/// Why one state goes after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    pub relation: Relation,
    /// Edges into one state with the same number are alternatives: one of them has to hold
    /// (`require_any`, `onchanges_any`, and `onfail`, which is an "or" unless written
    /// `onfail_all`). Edges without a number have to hold each.
    pub any_group: Option<u32>,
    /// What a container that is required has to be.
    pub condition: Condition,
    /// Where it was written; nothing if it is implied.
    pub place: Option<Place>,
}

/// What a state wants of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// It must have succeeded.
    Require,
    /// As `Require`, and its change makes the watcher react.
    Watch,
    /// As `Require`, and the state is only applied if one of those targets changes.
    OnChanges,
    /// The state is only applied if the target failed.
    OnFail,
    /// The edge leads from the state that has written `prereq` to its target: if the target is
    /// going to change, the owner is applied before it; else not at all.
    Prereq,
    /// The state names the other one's object.
    Reference,
}

impl Relation {
    /// The word that state files use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::Watch => "watch",
            Self::OnChanges => "onchanges",
            Self::OnFail => "onfail",
            Self::Prereq => "prereq",
            Self::Reference => "uses",
        }
    }
}

impl State {
    /// What messages call the state: `container web`, with the name behind it if that differs.
    pub fn title(&self) -> String {
        let name = if self.name == self.id { String::new() } else { format!(" ({})", self.name) };
        format!("{} {}{name}", self.kind.name(), self.id)
    }

    /// What the label `io.evenkeel.id` of the object says. States under one id differ by name.
    pub fn label_id(&self) -> String {
        if self.id == self.name { self.id.clone() } else { format!("{}/{}", self.id, self.name) }
    }

    /// The function as the file spells it: `docker_container.running`.
    pub fn spelled(&self) -> String {
        format!("{}.{}", self.kind.spelling(self.vocabulary), self.function.name)
    }

    fn rank(&self) -> (Order, usize, Reverse<bool>) {
        (self.options.order, self.position, Reverse(self.implied))
    }
}

impl StateGraph {
    /// Gives the states so that each comes after what it waits for; among free ones the option
    /// `order` decides, then the declaration.
    pub fn order(&self) -> Vec<NodeIndex> {
        let graph = &self.graph;
        let mut waiting_for: Vec<usize> = graph
            .node_indices()
            .map(|node| graph.edges_directed(node, Direction::Incoming).count())
            .collect();
        let rank = |node: NodeIndex| Reverse((graph[node].rank(), node));
        let mut free: BinaryHeap<_> =
            graph.node_indices().filter(|node| waiting_for[node.index()] == 0).map(rank).collect();
        let mut order = Vec::with_capacity(graph.node_count());
        while let Some(Reverse((_, node))) = free.pop() {
            order.push(node);
            for next in graph.neighbors(node) {
                waiting_for[next.index()] -= 1;
                if waiting_for[next.index()] == 0 {
                    free.push(rank(next));
                }
            }
        }
        order
    }
}
