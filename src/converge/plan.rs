//! The planner: walks the graph in order, compares each state with the world, and advances the
//! world by what it decides. Pure.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;

use super::claims::{self, Handovers};
use super::compare::{Verdict, compare};
use super::inputs::{Guard, PlanInputs, desired, find};
use super::{kept, orphans, phases, superseded};
use crate::plan::{Action, Change, ChangeId, Effect, Phase, Plan, Retry, StateRef, Steps, When};
use crate::resource::image_reference;
use crate::state::{Relation, State};
use crate::world::{Id, Refusal, Step, World};

/// Plans a run. The same inputs give the same plan, byte for byte.
pub fn plan(inputs: &PlanInputs<'_>) -> Plan {
    let mut planner = Planner {
        inputs,
        world: inputs.world.clone(),
        done: Vec::new(),
        // A large world has many, and they are large.
        changes: Vec::with_capacity(inputs.graph.graph.node_count()),
        by_node: BTreeMap::new(),
        handovers: Handovers::default(),
        recovered: BTreeMap::new(),
        matched: BTreeSet::new(),
    };
    planner.recover();
    planner.handovers = claims::handovers(inputs, &planner.world);
    if inputs.options.prune && inputs.options.only.is_none() {
        planner.prune_containers();
    }
    planner.release();
    for node in claims::order(inputs.graph, &planner.handovers) {
        if inputs.options.only.as_ref().is_none_or(|only| only.contains(&node)) {
            planner.visit(node);
        }
    }
    planner.finish()
}

pub struct Planner<'a> {
    pub inputs: &'a PlanInputs<'a>,
    /// The world as it will be when everything planned so far is done.
    pub world: World,
    /// What was predicted so far, to start over from when a change is refused half-way.
    done: Vec<Step>,
    pub changes: Vec<Change>,
    pub by_node: BTreeMap<NodeIndex, ChangeId>,
    pub handovers: Handovers,
    /// Changes that finish what an earlier run left, by name.
    pub recovered: BTreeMap<String, ChangeId>,
    /// Objects that a state means.
    pub matched: BTreeSet<Id>,
}

impl Planner<'_> {
    /// Stops what hands something over in a circle before anything else is switched.
    fn release(&mut self) {
        for step in self.handovers.releases.values().cloned().collect::<Vec<_>>() {
            if self.world.predict(&step).is_ok() {
                self.done.push(step);
            }
        }
    }

    fn visit(&mut self, node: NodeIndex) {
        let state = &self.inputs.graph.graph[node];
        let mut change = Change::empty(self.next_id(), StateRef::of(state));
        self.by_node.insert(node, change.id);
        self.wire(node, &mut change);
        change.retry = state.options.retry.as_ref().map(|retry| Retry {
            attempts: retry.attempts,
            interval: retry.interval,
            splay: retry.splay,
        });
        change.failhard = state.options.failhard;
        if let Some(why) = self.is_not_needed(node) {
            self.note_match(state);
            change.cause = why;
            self.changes.push(change);
            return;
        }
        let verdict = compare(self, node, state);
        self.decide(node, state, change, verdict);
    }

    fn decide(&mut self, node: NodeIndex, state: &State, mut change: Change, verdict: Verdict) {
        change.diff = verdict.diff;
        change.notes.extend(verdict.planned.notes);
        // What stands against it may be no more than that something it waits for cannot be done.
        let because = self.blocked_by(&change).filter(|_| verdict.planned.action != Action::None);
        if let Some(because) = because {
            change.skipped = Some(because);
            self.changes.push(change);
            return;
        }
        if !verdict.planned.blockers.is_empty() {
            change.action = Action::Refuse;
            change.blockers = verdict.planned.blockers;
            change.cause = verdict.cause;
            self.changes.push(change);
            return;
        }
        if verdict.planned.action == Action::None {
            self.changes.push(change);
            return;
        }
        change.action = verdict.planned.action;
        change.cause = verdict.cause;
        change.effect = verdict.planned.effect;
        let mut steps = verdict.planned.steps;
        if let Some(step) = self.handovers.releases.get(&node) {
            steps.release.push(step.clone());
            change.effect = change.effect.max(Effect::Brief);
            change.notes.push(
                "stopped before the others switch, because they hand something over in a circle".to_owned(),
            );
        }
        // A successor has to pass as long as the one that it replaces can come back.
        let settled = steps.switch.iter().rposition(|step| matches!(step, Step::Settle { .. }));
        let at = settled.map_or(steps.switch.len(), |settled| settled + 1);
        let checks =
            state.options.check_cmd.iter().map(|command| Step::CheckCommand { command: command.clone() });
        steps.switch.splice(at..at, checks);
        // Nothing of it is switched before those that it needs are well.
        let waits = self.waits(node);
        if !steps.switch.is_empty() {
            steps.switch.splice(0..0, waits);
        }
        self.commit(change, steps);
    }

    /// Predicts a change's steps; what the engine would refuse becomes a blocker.
    pub fn commit(&mut self, mut change: Change, mut steps: Steps) {
        let before = self.done.len();
        let only_if_failed = change.when != When::Always;
        for phase in Phase::ALL {
            // What is released was predicted before the walk began.
            if phase == Phase::Release || !change.blockers.is_empty() {
                continue;
            }
            let wanted = std::mem::take(steps.of_mut(phase));
            for step in wanted {
                if let Err(refusal) = self.predict(&step, steps.of_mut(phase), &mut change) {
                    change.blockers.push(format!("{step}: {refusal}"));
                    change.action = Action::Refuse;
                    break;
                }
                self.done.push(step.clone());
                steps.of_mut(phase).push(step);
            }
        }
        if !change.blockers.is_empty() || only_if_failed {
            self.done.truncate(before);
            self.start_over();
        }
        if change.blockers.is_empty() {
            change.steps = steps;
        }
        self.changes.push(change);
    }

    /// Predicts a step. What is only kept and stands in its way goes first, as one of the `earlier` steps.
    fn predict(&mut self, step: &Step, earlier: &mut Vec<Step>, change: &mut Change) -> Result<(), Refusal> {
        let Err(refusal) = self.world.predict(step) else { return Ok(()) };
        let in_the_way = kept::in_the_way(self, &self.world, &refusal);
        if in_the_way.is_empty() {
            return Err(refusal);
        }
        for container in in_the_way {
            change.notes.push(format!("{}, which was kept, goes with what it needs", container.name));
            let removal = Step::RemoveContainer { container };
            self.world.predict(&removal)?;
            self.done.push(removal.clone());
            earlier.push(removal);
        }
        self.world.predict(step)
    }

    /// Predicts everything from the beginning, without what was just given up.
    fn start_over(&mut self) {
        let planned = self.world.planned;
        self.world = self.inputs.world.clone();
        for step in &self.done {
            // They were predicted before, in this order, so none of them is refused now.
            let _ = self.world.predict(step);
        }
        self.world.planned = planned;
    }

    /// What the change waits for, from the edges of the graph.
    fn wire(&self, node: NodeIndex, change: &mut Change) {
        let graph = &self.inputs.graph.graph;
        let mut groups: BTreeMap<u32, Vec<ChangeId>> = BTreeMap::new();
        let mut failures = Vec::new();
        for edge in graph.edges_directed(node, Direction::Incoming) {
            let Some(target) = self.by_node.get(&edge.source()) else { continue };
            match (edge.weight().relation, edge.weight().any_group) {
                (Relation::OnFail, _) => failures.push(*target),
                (Relation::Reference, _) if self.is_lenient(edge.source(), *target) => {}
                (_, Some(group)) => groups.entry(group).or_default().push(*target),
                (_, None) => change.after.push(*target),
            }
        }
        change.after.extend(self.handovers.givers(node).filter_map(|giver| self.by_node.get(&giver)));
        change.after.extend(self.handovers.pruned(node).filter_map(|id| self.pruned_change(id)));
        if let Some(recovery) = self.recovered.get(&change.state.name)
            && change.state.kind == "container"
        {
            change.after.push(*recovery);
        }
        change.after.sort();
        change.after.dedup();
        change.after_any = groups.into_values().collect();
        if !failures.is_empty() {
            failures.sort();
            change.when = When::OnFailure(failures);
        }
    }

    /// A registry that cannot be asked stops nobody who can go on with the image at hand.
    fn is_lenient(&self, source: NodeIndex, target: ChangeId) -> bool {
        let state = &self.inputs.graph.graph[source];
        let refused = self.changes.get(target.0).is_some_and(|change| change.action == Action::Refuse);
        // One that is not what was asked for, such as for another platform, is of no use.
        let is_of_use = state.function.name != "present"
            || self.world.remote(&image_reference(&state.name, &state.spec)).is_some();
        state.kind.name() == "image" && refused && is_of_use && self.world.image(&state.name).is_some()
    }

    /// Why the state is left alone, if guards or requisites say so.
    fn is_not_needed(&self, node: NodeIndex) -> Option<String> {
        if let Some(Guard::Closed(reason)) = self.inputs.guards.get(&node) {
            return Some(reason.clone());
        }
        let graph = &self.inputs.graph.graph;
        let mut awaited = graph
            .edges_directed(node, Direction::Incoming)
            .filter(|edge| edge.weight().relation == Relation::OnChanges)
            .peekable();
        if awaited.peek().is_some() && !awaited.any(|edge| self.changes_something(edge.source())) {
            return Some("none of its onchanges targets changes".to_owned());
        }
        let mut preceded = graph
            .edges_directed(node, Direction::Outgoing)
            .filter(|edge| edge.weight().relation == Relation::Prereq)
            .peekable();
        if preceded.peek().is_some() && !preceded.any(|edge| self.would_change(edge.target())) {
            return Some("none of its prereq targets is going to change".to_owned());
        }
        None
    }

    /// True if the state's change is part of the plan.
    pub fn changes_something(&self, node: NodeIndex) -> bool {
        self.by_node.get(&node).and_then(|id| self.changes.get(id.0)).is_some_and(|change| {
            change.when == When::Always && !matches!(change.action, Action::None | Action::Refuse)
        })
    }

    /// Plans a state ahead of its turn, as if its owner were not there.
    fn would_change(&self, node: NodeIndex) -> bool {
        let mut ahead = Planner {
            inputs: self.inputs,
            world: self.world.clone(),
            done: Vec::new(),
            changes: Vec::new(),
            by_node: BTreeMap::new(),
            handovers: Handovers::default(),
            recovered: BTreeMap::new(),
            matched: BTreeSet::new(),
        };
        let state = &self.inputs.graph.graph[node];
        let verdict = compare(&mut ahead, node, state);
        verdict.planned.action != Action::None
    }

    fn blocked_by(&self, change: &Change) -> Option<String> {
        let failed = |id: &ChangeId| {
            let earlier = &self.changes[id.0];
            (earlier.action == Action::Refuse || earlier.skipped.is_some()).then(|| earlier.state.title())
        };
        if change.when != When::Always {
            return None;
        }
        if let Some(title) = change.after.iter().find_map(failed) {
            return Some(format!("{title} cannot be done"));
        }
        let hopeless = change.after_any.iter().find(|group| group.iter().all(|id| failed(id).is_some()));
        if hopeless.is_some() {
            return Some("none of the states that it needs one of can be done".to_owned());
        }
        let ended = self.changes.iter().find(|c| c.failhard && c.action == Action::Refuse)?;
        Some(format!("{} cannot be done, and it is `failhard`", ended.state.title()))
    }

    fn note_match(&mut self, state: &State) {
        let desired = desired(state, self.inputs, &self.inputs.graph.owner);
        if let Some(found) = find(state, &desired, self.inputs, &self.world) {
            self.matched.insert(found.target.id);
        }
    }

    pub fn next_id(&self) -> ChangeId {
        ChangeId(self.changes.len())
    }

    fn finish(mut self) -> Plan {
        kept::retire(&mut self);
        superseded::retire(&mut self);
        let orphans = if self.inputs.options.only.is_none() { orphans::rest(&mut self) } else { Vec::new() };
        // Whoever prints them says what they are.
        let text = |told: String| told.strip_prefix("warning: ").map(str::to_owned).unwrap_or(told);
        let told = self.inputs.graph.warnings.iter().map(ToString::to_string);
        let mut warnings: Vec<_> = told.map(text).collect();
        warnings.extend(orphans::protected(&self, &orphans));
        phases::leavers_first(&mut self.changes, self.inputs.world);
        phases::assign(&mut self.changes, &self.handovers, &self.by_node);
        Plan { owner: self.inputs.graph.owner.clone(), changes: self.changes, orphans, warnings }
    }
}

impl Change {
    fn empty(id: ChangeId, state: StateRef) -> Self {
        Self {
            id,
            state,
            action: Action::None,
            diff: Vec::new(),
            cause: String::new(),
            effect: Effect::None,
            notes: Vec::new(),
            blockers: Vec::new(),
            skipped: None,
            steps: Steps::default(),
            after: Vec::new(),
            after_any: Vec::new(),
            when: When::Always,
            retry: None,
            failhard: false,
        }
    }

    /// A change that serves no state: an orphan that goes.
    pub fn undeclared(id: ChangeId, kind: &'static str, name: &str) -> Self {
        Self::empty(id, StateRef::undeclared(kind, name))
    }
}

impl StateRef {
    fn of(state: &State) -> Self {
        let (file, line) = state.place.file_and_line();
        Self {
            id: state.id.clone(),
            kind: state.kind.name(),
            function: state.function.name.to_owned(),
            name: state.name.clone(),
            file: file.to_owned(),
            line,
        }
    }

    fn undeclared(kind: &'static str, name: &str) -> Self {
        Self {
            id: name.to_owned(),
            kind,
            function: String::new(),
            name: name.to_owned(),
            file: String::new(),
            line: 0,
        }
    }

    /// What messages call it: `container web`.
    pub fn title(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }
}
