//! The beginning of every plan: what an earlier run left unfinished.

use std::collections::BTreeSet;

use super::plan::Planner;
use super::work::container_of;
use crate::plan::{Action, Change, Effect, Steps};
use crate::resource::{Outcome, end_of_trial, recover, trials, unfinished};
use crate::world::{Claim, Id, Owner, Step};

impl Planner<'_> {
    /// Plans to finish or to undo it, name by name.
    pub fn recover(&mut self) {
        let owner = self.inputs.graph.owner.clone();
        self.end_trials(&owner);
        let mut earlier: Vec<Touched> = Vec::new();
        for name in unfinished(&owner, &self.world) {
            let Some(mut recovery) = recover(&name, &owner, &self.world, Outcome::Unknown) else { continue };
            recovery.steps.retain(|step| self.is_still_declared(&name, step));
            let mut change = Change::undeclared(self.next_id(), "container", &name);
            change.action = Action::Recover;
            let hooks = recovery.steps.iter().filter(|step| matches!(step, Step::RunHook { .. }));
            change.notes.extend(hooks.map(ToString::to_string));
            change.cause = recovery.why;
            change.effect = if recovery.steps.iter().any(|step| matches!(step, Step::Settle { .. })) {
                Effect::Brief
            } else {
                Effect::None
            };
            let steps = Steps { recover: recovery.steps, ..Steps::default() };
            let touched = Touched::by(self, &steps);
            change.after = earlier
                .iter()
                .zip(&self.changes)
                .filter(|(other, _)| other.meets(&touched))
                .map(|(_, change)| change.id)
                .collect();
            earlier.push(touched);
            self.recovered.insert(name, change.id);
            self.commit(change, steps);
        }
    }
}

impl Planner<'_> {
    /// False for a hook that its state does not declare any more: what was wrong with it may have been mended.
    fn is_still_declared(&self, name: &str, step: &Step) -> bool {
        let Step::RunHook { hook } = step else { return true };
        let mut states = self.inputs.graph.graph.node_weights();
        let Some(state) = states.find(|state| state.kind.name() == "container" && state.name == name) else {
            return true;
        };
        let declared = state.spec.value(hook.moment.field()).and_then(serde_json::Value::as_array);
        let wanted = serde_json::to_value(&hook.command).unwrap_or_default();
        declared.into_iter().flatten().any(|command| *command == wanted)
    }

    /// Removes the containers that tried images when an earlier run was ended.
    fn end_trials(&mut self, owner: &Owner) {
        for container in trials(owner, &self.world).into_iter().cloned().collect::<Vec<_>>() {
            let mut change = Change::undeclared(self.next_id(), "container", &container.name);
            change.action = Action::Recover;
            change.cause = "it was to try something for a run that was ended".to_owned();
            let steps = Steps { recover: end_of_trial(&container), ..Steps::default() };
            self.commit(change, steps);
        }
    }
}

/// What a recovery has to do with: recoveries that share something go one after the other.
struct Touched {
    containers: BTreeSet<Id>,
    claims: Vec<Claim>,
}

impl Touched {
    fn by(planner: &Planner<'_>, steps: &Steps) -> Self {
        let mut containers: BTreeSet<Id> =
            steps.iter().filter_map(container_of).map(|target| target.id.clone()).collect();
        let known: Vec<_> = containers.iter().filter_map(|id| planner.world.containers.get(id)).collect();
        let claims = known.iter().flat_map(|container| container.claims()).collect();
        containers.extend(known.iter().flat_map(|container| planner.world.builds_on(container)));
        Self { containers, claims }
    }

    fn meets(&self, other: &Self) -> bool {
        !self.containers.is_disjoint(&other.containers)
            || self.claims.iter().any(|claim| other.claims.iter().any(|taken| taken.excludes(claim)))
    }
}
