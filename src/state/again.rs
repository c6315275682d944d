//! A graph of one container that no file declares: an earlier revision, to be declared again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use petgraph::graph::{DiGraph, NodeIndex};

use super::graph::{Edge, Relation, State, StateGraph};
use super::options::Options;
use super::pins::Pins;
use super::target::Condition;
use crate::resource::{Spec, Vocabulary, kind_called};
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
}

impl Again {
    /// The graph of that container, and of its image if that has to be pulled.
    pub fn graph(self) -> StateGraph {
        let Self { owner, label_id, name, spec, is_image_missing } = self;
        let id = label_id.strip_suffix(&name).and_then(|id| id.strip_suffix('/')).unwrap_or(&label_id);
        let mut graph = DiGraph::new();
        let image = spec.text("image").map(str::to_owned).filter(|_| is_image_missing);
        let image =
            image.and_then(|image| add(&mut graph, ("image", "present"), &image, &image, Spec::default()));
        let container = add(&mut graph, ("container", "running"), id, &name, spec);
        if let (Some(image), Some(container)) = (image, container) {
            let edge = Edge {
                relation: Relation::Reference,
                any_group: None,
                condition: Condition::Started,
                place: None,
            };
            graph.add_edge(image, container, edge);
        }
        StateGraph {
            owner,
            root: PathBuf::new(),
            states: PathBuf::new(),
            inputs: BTreeMap::new(),
            pins: Pins::default(),
            open_ranges: BTreeMap::new(),
            registries: BTreeMap::new(),
            graph,
            warnings: Vec::new(),
        }
    }
}

fn add(
    graph: &mut DiGraph<State, Edge>,
    (kind, function): (&str, &str),
    id: &str,
    name: &str,
    spec: Spec,
) -> Option<NodeIndex> {
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
