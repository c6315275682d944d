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
use super::target::Condition;
use crate::resource::{Function, Kind, Presence, Reading, Reference, Vocabulary, kind_called, read_spec};
use crate::source::{Diagnostic, Diagnostics, Place};
use crate::world::ImageReference;

const CONTAINER: &str = "container";
const IMAGE: &str = "image";
const PULL: &str = "pull";
const PLATFORM: &str = "platform";

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
    let called = further_names(graph, index, problems);
    for user in (0..declared).map(NodeIndex::new) {
        let (kind, function) = (graph[user].kind, graph[user].function);
        let presence = function.presence;
        let mut references = kind.references(function.name, &graph[user].spec);
        if function.beside && references.is_empty() {
            // A copy is made of the object that it is called like.
            let (name, place) = (graph[user].name.clone(), graph[user].place.clone());
            references.push(Reference { kind: kind.name(), name, place });
        }
        for mut reference in references {
            let inside = index.inside(reference.kind, &reference.name, &chunks[user.index()].origin);
            if let Some(inside) = inside.filter(|inside| chunks[*inside].object() != reference.name) {
                let name = chunks[inside].object();
                kind.rename(&mut graph[user].spec, &reference, &name);
                reference.name = name;
            }
            let called =
                |name: &str| (reference.kind == IMAGE).then(|| called.get(&normal(name)).copied())?;
            let used = inside.or_else(|| index.object(reference.kind, &reference.name));
            let Some(used) = used.or_else(|| called(&reference.name)) else {
                // A copy of what nobody makes is not fetched from where the copy is to go.
                let is_itself =
                    graph[user].kind.name() == IMAGE && normal(&reference.name) == normal(&graph[user].name);
                if reference.kind == IMAGE && presence == Presence::Present && !is_itself {
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
            let edge = Edge {
                relation: Relation::Reference,
                any_group: None,
                condition: Condition::Started,
                place: None,
            };
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

/// The states that give their object further names, by name. A name belongs to one state.
fn further_names(
    graph: &DiGraph<State, Edge>,
    index: &Index,
    problems: &mut Diagnostics,
) -> HashMap<String, usize> {
    let mut called: HashMap<String, usize> = HashMap::new();
    for node in graph.node_indices() {
        let state = &graph[node];
        for name in state.kind.also_called(state.function.name, &state.spec) {
            let other =
                index.object(state.kind.name(), &name).or_else(|| called.get(&normal(&name)).copied());
            match other.filter(|other| *other != node.index()) {
                Some(other) => problems.push(
                    Diagnostic::error(
                        &state.place,
                        format!("{} `{name}` is declared by two states", state.kind.name()),
                    )
                    .note(format!("the other one is at {}", graph[NodeIndex::new(other)].place))
                    .hint("take the name out of one of them"),
                ),
                None => {
                    called.insert(normal(&name), node.index());
                }
            }
        }
    }
    called
}

fn normal(name: &str) -> String {
    ImageReference::parse(name).normal()
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
    platform: Option<(Value, Place)>,
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
            self.wanted.push(Implied {
                reference: reference.clone(),
                pull: None,
                platform: None,
                users: Vec::new(),
            });
            self.wanted.len() - 1
        });
        let implied = &mut self.wanted[number];
        if implied.users.last() != Some(&user) {
            implied.users.push(user);
        }
        let platform = state.spec.get(PLATFORM).filter(|platform| {
            platform.value.is_string() && state.spec.text(IMAGE) == Some(reference.name.as_str())
        });
        if let (Some(platform), None) = (platform, &implied.platform) {
            implied.platform = Some((platform.value.clone(), platform.place.clone()));
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
                    Edge {
                        relation: Relation::Reference,
                        any_group: None,
                        condition: Condition::Started,
                        place: None,
                    },
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
        if let Some((platform, place)) = &self.platform {
            spec.insert(PLATFORM, platform.clone(), place);
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
