//! Edges that nobody writes: a state goes after the states of the objects that it names. An image
//! that no state declares gets one.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use petgraph::graph::{DiGraph, NodeIndex};
use serde_json::Value;

use super::chunk::Chunk;
use super::graph::{Edge, Relation, State};
use super::index::Index;
use super::options::Options;
use crate::resource::{Function, Kind, Presence, Reading, Reference, Vocabulary, kind_called, read_spec};
use crate::source::{Diagnostic, Diagnostics, Place};
use crate::world::ImageReference;

const CONTAINER: &str = "container";
const IMAGE: &str = "image";
const PULL: &str = "pull";

/// Adds an edge for every reference to a declared object, and the implied images.
pub fn add_references(
    graph: &mut DiGraph<State, Edge>,
    chunks: &[Chunk],
    index: &Index,
    problems: &mut Diagnostics,
) {
    let declared = graph.node_count().min(chunks.len());
    let mut seen: HashSet<(usize, usize)> = HashSet::new();
    let mut images: Images = Images::default();
    for user in (0..declared).map(NodeIndex::new) {
        let (kind, function) = (graph[user].kind, graph[user].function);
        let presence = function.presence;
        for mut reference in kind.references(function.name, &graph[user].spec) {
            let inside = index.inside(reference.kind, &reference.name, &chunks[user.index()].origin);
            if let Some(inside) = inside.filter(|inside| chunks[*inside].object() != reference.name) {
                let name = chunks[inside].object();
                kind.rename(&mut graph[user].spec, &reference, &name);
                reference.name = name;
            }
            let Some(used) = inside.or_else(|| index.object(reference.kind, &reference.name)) else {
                if reference.kind == IMAGE && presence == Presence::Present {
                    images.want(user, &reference, &graph[user]);
                }
                continue;
            };
            if used == user.index() && reference.kind == CONTAINER {
                problems.push(
                    Diagnostic::error(&reference.place, format!("{} names itself", graph[user].title()))
                        .hint("name another container"),
                );
            }
            if used == user.index() || !seen.insert((user.index(), used)) {
                continue;
            }
            let used = NodeIndex::new(used);
            let edge = Edge { relation: Relation::Reference, any_group: None, place: None };
            match (presence, graph[used].function.presence) {
                (Presence::Present, Presence::Present) => {
                    graph.add_edge(used, user, edge);
                }
                // The user of a network is removed before the network.
                (Presence::Absent, Presence::Absent) => {
                    graph.add_edge(user, used, edge);
                }
                (Presence::Absent, Presence::Present) => {}
                (Presence::Present, Presence::Absent) => problems.push(
                    Diagnostic::error(
                        &reference.place,
                        format!("{} needs {} `{}`", graph[user].title(), reference.kind, reference.name),
                    )
                    .note(format!("it is declared absent at {}", graph[used].place))
                    .hint("remove one of the two"),
                ),
            }
        }
    }
    images.add(graph, problems);
}

/// Images that no state declares, by the one text for all spellings.
#[derive(Default)]
struct Images {
    wanted: Vec<Implied>,
    numbers: HashMap<String, usize>,
}

struct Implied {
    reference: Reference,
    pull: Option<(Value, Place)>,
    users: Vec<NodeIndex>,
}

impl Images {
    fn want(&mut self, user: NodeIndex, reference: &Reference, state: &State) {
        let parsed = ImageReference::parse(&reference.name);
        if matches!(parsed, ImageReference::Id(_)) {
            return;
        }
        let pull = state.spec.get(PULL).map(|declared| (declared.value.clone(), declared.place.clone()));
        let number = *self.numbers.entry(parsed.normal()).or_insert_with(|| {
            self.wanted.push(Implied { reference: reference.clone(), pull: None, users: Vec::new() });
            self.wanted.len() - 1
        });
        let implied = &mut self.wanted[number];
        if implied.users.last() != Some(&user) {
            implied.users.push(user);
        }
        if let Some(pull) = pull
            && implied.pull.as_ref().is_none_or(|known| strength(&pull.0) > strength(&known.0))
        {
            implied.pull = Some(pull);
        }
    }

    fn add(self, graph: &mut DiGraph<State, Edge>, problems: &mut Diagnostics) {
        let Some((kind, _)) = kind_called(IMAGE) else { return };
        let Some(function) = kind.functions().iter().find(|function| function.name == "present") else {
            return;
        };
        for implied in self.wanted {
            let Some(first) = implied.users.first().copied() else { continue };
            let Some(state) = implied.state(kind, *function, &graph[first], problems) else { continue };
            let image = graph.add_node(state);
            for user in implied.users {
                graph.add_edge(
                    image,
                    user,
                    Edge { relation: Relation::Reference, any_group: None, place: None },
                );
            }
        }
    }
}

impl Implied {
    fn state(
        &self,
        kind: &'static dyn Kind,
        function: Function,
        user: &State,
        problems: &mut Diagnostics,
    ) -> Option<State> {
        let reading = Reading { vocabulary: Vocabulary::Plain, folder: PathBuf::new() };
        let mut spec = match read_spec(kind, function.name, &[], &reading) {
            Ok(spec) => spec,
            Err(found) => {
                problems.extend(found);
                return None;
            }
        };
        if let Some((pull, place)) = &self.pull {
            spec.insert(PULL, pull.clone(), place);
        }
        Some(State {
            id: self.reference.name.clone(),
            kind,
            vocabulary: Vocabulary::Plain,
            function,
            name: self.reference.name.clone(),
            place: user.place.clone(),
            sls: user.sls.clone(),
            module: user.module.clone(),
            spec,
            options: Options {
                order: user.options.order,
                failhard: user.options.failhard,
                ..Options::default()
            },
            position: user.position,
            implied: true,
        })
    }
}

/// Of two containers with one image, the one that asks the registry more often decides.
fn strength(pull: &Value) -> (u8, Reverse<u64>) {
    match (pull.as_str(), pull.as_u64()) {
        (Some("always"), _) => (3, Reverse(0)),
        (None, Some(seconds)) => (2, Reverse(seconds)),
        (Some("never"), _) => (0, Reverse(0)),
        _ => (1, Reverse(0)),
    }
}
