//! Who has to give something up before somebody else can take it: ports, addresses, subnets, names,
//! and objects that are still in use.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use petgraph::algo::has_path_connecting;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::inputs::{PlanInputs, desired, find};
use crate::resource::{Desired, Presence, SourceFact};
use crate::state::{State, StateGraph};
use crate::world::{Claim, Container, Id, Step, Target, World};

/// Edges that the world implies, on top of those of the state files.
#[derive(Debug, Default)]
pub struct Handovers {
    edges: BTreeSet<(NodeIndex, NodeIndex)>,
    /// Hand-overs for which even the making of the new object has to wait.
    pub early: BTreeSet<(NodeIndex, NodeIndex)>,
    /// Containers that are stopped before anything else is switched, because what they hand over
    /// goes round in a circle.
    pub releases: BTreeMap<NodeIndex, Step>,
    /// Containers that no state declares and that have what a state takes.
    orphans: BTreeSet<(NodeIndex, Id)>,
}

impl Handovers {
    /// The states that have to give something up before `taker` can go on.
    pub fn givers(&self, taker: NodeIndex) -> impl Iterator<Item = NodeIndex> {
        self.edges.iter().filter(move |(_, to)| *to == taker).map(|(from, _)| *from)
    }

    /// The undeclared containers that have to go before `taker` can go on.
    pub fn pruned(&self, taker: NodeIndex) -> impl Iterator<Item = &Id> {
        self.orphans.iter().filter(move |(to, _)| *to == taker).map(|(_, id)| id)
    }
}

/// What each state means in the world, and takes for itself alone.
struct Party<'a> {
    node: NodeIndex,
    state: &'a State,
    desired: Desired<'a>,
    found: Option<Id>,
    claims: Vec<Claim>,
}

/// Finds all hand-overs.
pub fn handovers(inputs: &PlanInputs<'_>, world: &World) -> Handovers {
    let moves = moves(inputs, world);
    let parties: Vec<Party<'_>> = inputs
        .graph
        .graph
        .node_indices()
        .map(|node| {
            let state = &inputs.graph.graph[node];
            let desired = desired(state, inputs, &inputs.graph.owner);
            let found = match moves.get(&node) {
                // Somebody else is that one's new name; this state means its own former one.
                Some(_) => desired.was.and_then(|was| world.container(was)).map(|old| old.id.clone()),
                None => find(state, &desired, inputs, world).map(|found| found.target.id),
            };
            let claims = match state.function.presence {
                Presence::Present => state.kind.claims(&desired),
                Presence::Absent => Vec::new(),
            };
            Party { node, state, desired, found, claims }
        })
        .collect();
    let owners: BTreeMap<&Id, &Party<'_>> =
        parties.iter().filter_map(|party| Some((party.found.as_ref()?, party))).collect();
    let mut handovers = Handovers::default();
    let held = held(world);
    let mut graph: DiGraph<(), ()> = inputs.graph.graph.map(|_, _| (), |_, _| ());
    // A circle with a port in it can be broken by a stop, one of names cannot: so names come first.
    for (giver, taker) in names(&parties, &owners, world) {
        add(&mut handovers, &mut graph, giver, taker);
    }
    for (left, mover) in moves {
        add(&mut handovers, &mut graph, mover, left);
    }
    for taker in &parties {
        for claim in &taker.claims {
            for (id, _) in
                held.iter().filter(|(id, held)| Some(*id) != taker.found.as_ref() && held.excludes(claim))
            {
                match owners.get(id) {
                    Some(giver) if !giver.claims.iter().any(|kept| kept.excludes(claim)) => {
                        give(&mut handovers, &mut graph, giver, taker, claim, world);
                    }
                    Some(_) => {}
                    None => {
                        handovers.orphans.insert((taker.node, (*id).clone()));
                    }
                }
            }
        }
    }
    for (giver, taker) in in_use(&parties, &owners, world) {
        add(&mut handovers, &mut graph, giver, taker);
    }
    for (base, build) in bases(&parties) {
        add(&mut handovers, &mut graph, base, build);
    }
    handovers
}

/// Containers that move on to a new name (`was`) and leave theirs to another state: by the state
/// that is left, the state that they move to.
fn moves(inputs: &PlanInputs<'_>, world: &World) -> BTreeMap<NodeIndex, NodeIndex> {
    let graph = &inputs.graph.graph;
    let containers: BTreeMap<&str, NodeIndex> = graph
        .node_indices()
        .filter(|node| graph[*node].kind.name() == "container")
        .map(|node| (graph[node].name.as_str(), node))
        .collect();
    let mut moves = BTreeMap::new();
    for (name, mover) in &containers {
        let Some(was) = graph[*mover].options.was.as_deref() else { continue };
        if let (None, Some(_), Some(left)) =
            (world.container(name), world.container(was), containers.get(was))
        {
            moves.insert(*left, *mover);
        }
    }
    moves
}

/// What the objects of the world have for themselves alone.
fn held(world: &World) -> Vec<(&Id, Claim)> {
    let up = world.containers.values().filter(|container| container.state.is_up());
    let ports =
        up.flat_map(|container| container.claims().into_iter().map(move |claim| (&container.id, claim)));
    let subnets = world
        .networks
        .values()
        .flat_map(|network| network.claims().into_iter().map(move |claim| (&network.id, claim)));
    ports.chain(subnets).collect()
}

fn give(
    handovers: &mut Handovers,
    graph: &mut DiGraph<(), ()>,
    giver: &Party<'_>,
    taker: &Party<'_>,
    claim: &Claim,
    world: &World,
) {
    if has_path_connecting(&*graph, taker.node, giver.node, None) {
        if let Some(container) = giver.found.as_ref().and_then(|id| world.containers.get(id)) {
            let container = Target::new(&container.id, &container.name);
            handovers.releases.insert(giver.node, Step::StopContainer { container, timeout: None });
        }
        return;
    }
    add(handovers, graph, giver.node, taker.node);
    if matches!(claim, Claim::Subnet(_)) {
        handovers.early.insert((giver.node, taker.node));
    }
}

fn add(handovers: &mut Handovers, graph: &mut DiGraph<(), ()>, from: NodeIndex, to: NodeIndex) {
    if from != to && !has_path_connecting(&*graph, to, from, None) && handovers.edges.insert((from, to)) {
        graph.add_edge(from, to, ());
    }
}

/// Whoever uses an object that is to be absent goes first.
fn in_use(
    parties: &[Party<'_>],
    owners: &BTreeMap<&Id, &Party<'_>>,
    world: &World,
) -> Vec<(NodeIndex, NodeIndex)> {
    let mut edges = Vec::new();
    for gone in parties.iter().filter(|party| party.state.function.presence == Presence::Absent) {
        let Some(id) = &gone.found else { continue };
        let users: Vec<&Container> = match gone.state.kind.name() {
            "network" => world.attached(id).collect(),
            "volume" => world.volume_users(&gone.state.name).collect(),
            "image" => world.containers.values().filter(|container| container.image == *id).collect(),
            _ => Vec::new(),
        };
        edges.extend(users.iter().filter_map(|user| owners.get(&user.id)).map(|user| (user.node, gone.node)));
    }
    edges
}

/// Whoever is to have a name waits until the object that has it now is renamed.
fn names(
    parties: &[Party<'_>],
    owners: &BTreeMap<&Id, &Party<'_>>,
    world: &World,
) -> Vec<(NodeIndex, NodeIndex)> {
    let mut edges = Vec::new();
    for taker in parties.iter().filter(|party| party.state.kind.name() == "container") {
        let Some(holder) = world.container(taker.desired.name) else { continue };
        if let Some(giver) = owners.get(&holder.id)
            && giver.node != taker.node
        {
            edges.push((giver.node, taker.node));
        }
    }
    edges
}

/// A build waits for the declared images that it starts from.
fn bases(parties: &[Party<'_>]) -> Vec<(NodeIndex, NodeIndex)> {
    let images: BTreeMap<String, NodeIndex> = parties
        .iter()
        .filter(|party| party.state.kind.name() == "image")
        .map(|party| (crate::world::ImageReference::parse(party.desired.name).normal(), party.node))
        .collect();
    let mut edges = Vec::new();
    for build in parties {
        let Some(SourceFact::Context { bases, .. }) = build.desired.facts.sources.get(build.desired.name)
        else {
            continue;
        };
        let declared =
            bases.iter().filter_map(|base| images.get(&crate::world::ImageReference::parse(base).normal()));
        edges.extend(declared.map(|base| (*base, build.node)));
    }
    edges
}

/// The order in which states are planned and done: the graph's edges and the hand-overs; among free
/// states their own order decides.
pub fn order(graph: &StateGraph, handovers: &Handovers) -> Vec<NodeIndex> {
    let rank: BTreeMap<NodeIndex, usize> =
        graph.order().into_iter().enumerate().map(|(rank, node)| (node, rank)).collect();
    let mut next: BTreeMap<NodeIndex, Vec<NodeIndex>> = BTreeMap::new();
    let mut waiting: BTreeMap<NodeIndex, usize> = BTreeMap::new();
    let declared = graph.graph.edge_references().map(|edge| (edge.source(), edge.target()));
    for (from, to) in declared.chain(handovers.edges.iter().copied()) {
        next.entry(from).or_default().push(to);
        *waiting.entry(to).or_default() += 1;
    }
    let mut free: BinaryHeap<Reverse<(usize, NodeIndex)>> = graph
        .graph
        .node_indices()
        .filter(|node| !waiting.contains_key(node))
        .map(|node| Reverse((rank[&node], node)))
        .collect();
    let mut order = Vec::with_capacity(rank.len());
    while let Some(Reverse((_, node))) = free.pop() {
        order.push(node);
        for after in next.get(&node).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(after) {
                *count -= 1;
                if *count == 0 {
                    free.push(Reverse((rank[after], *after)));
                }
            }
        }
    }
    order
}
