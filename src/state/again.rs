//! A graph of containers that no file declares: an earlier revision, to be declared again, and those who follow it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use petgraph::graph::{DiGraph, NodeIndex};

use super::graph::{Edge, Relation, State, StateGraph};
use super::options::Options;
use super::pins::Pins;
use super::target::Condition;
use crate::resource::{Spec, Vocabulary, kind_called};
use crate::secret::Declarations;
use crate::source::Place;
use crate::world::{Name, Owner};

/// A container as it was declared once.
pub struct Again {
    pub owner: Owner,
    /// The state's id, as the label of the object has it.
    pub label_id: String,
    pub name: Name,
    pub spec: Spec,
    /// True if its image has to be pulled.
    pub is_image_missing: bool,
    /// Those who have something of it.
    pub dependants: Vec<Dependant>,
}

/// A container that has something of others, as it is.
#[derive(Debug)]
pub struct Dependant {
    pub label_id: String,
    pub name: Name,
    /// `running` or `created`.
    pub function: &'static str,
    pub spec: Spec,
    /// The names of those it has something of.
    pub uses: Vec<Name>,
}

impl Again {
    /// The graph of that container, of its image if that has to be pulled, and of its dependants.
    pub fn graph(self) -> StateGraph {
        let Self { owner, label_id, name, spec, is_image_missing, dependants } = self;
        let mut graph = DiGraph::new();
        let image = spec.text("image").map(str::to_owned).filter(|_| is_image_missing);
        let image =
            image.and_then(|image| add(&mut graph, ("image", "present"), &image, &image, Spec::default()));
        let container = add(&mut graph, ("container", "running"), &label_id, &name, spec);
        if let (Some(image), Some(container)) = (image, container) {
            graph.add_edge(image, container, reference());
        }
        let mut nodes: BTreeMap<Name, NodeIndex> = container.map(|node| (name, node)).into_iter().collect();
        let mut uses = Vec::new();
        for Dependant { label_id, name, function, spec, uses: used } in dependants {
            if let Some(node) = add(&mut graph, ("container", function), &label_id, &name, spec) {
                nodes.insert(name, node);
                uses.extend(used.into_iter().map(|used| (used, node)));
            }
        }
        for (used, user) in uses {
            if let Some(used) = nodes.get(&used).filter(|used| **used != user) {
                graph.add_edge(*used, user, reference());
            }
        }
        StateGraph {
            owner,
            root: PathBuf::new(),
            states: PathBuf::new(),
            inputs: BTreeMap::new(),
            pins: Pins::default(),
            open_ranges: BTreeMap::new(),
            registries: BTreeMap::new(),
            secrets: Declarations::default(),
            secret_places: BTreeMap::new(),
            graph,
            warnings: Vec::new(),
        }
    }
}

fn reference() -> Edge {
    Edge { relation: Relation::Reference, any_group: None, condition: Condition::Started, place: None }
}

fn add(
    graph: &mut DiGraph<State, Edge>,
    (kind, function): (&str, &str),
    label_id: &str,
    name: &str,
    spec: Spec,
) -> Option<NodeIndex> {
    let id = label_id.strip_suffix(name).and_then(|id| id.strip_suffix('/')).unwrap_or(label_id);
    let (kind, _) = kind_called(kind)?;
    let function = *kind.functions().iter().find(|known| known.name == function)?;
    let position = graph.node_count();
    Some(graph.add_node(State {
        id: id.to_owned(),
        kind,
        vocabulary: Vocabulary::Plain,
        function,
        name: name.to_owned(),
        place: Place::outside("an earlier revision"),
        sls: String::new(),
        module: None,
        spec,
        options: Options::default(),
        position,
        // An image may be asked for with its container, and never alone.
        implied: kind.name() == "image",
    }))
}
