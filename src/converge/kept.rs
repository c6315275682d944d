//! Revisions of containers that are kept: the superfluous go, and none of them stands in anybody's way.

use super::plan::Planner;
use crate::plan::{Action, Change, Steps};
use crate::resource::{Presence, is_kept, keep_revisions, kept_of, superfluous};
use crate::world::{Refusal, Step, Target, World};

/// Plans to remove what states do not keep any more, and with `--prune` what no state declares.
pub fn retire(planner: &mut Planner<'_>) {
    let graph = &planner.inputs.graph.graph;
    for node in graph.node_indices() {
        let state = &graph[node];
        let is_meant = planner.inputs.options.only.as_ref().is_none_or(|only| only.contains(&node));
        if state.kind.name() != "container" || !is_meant {
            continue;
        }
        let (owner, world) = (&planner.inputs.graph.owner, &planner.world);
        let goes = match state.function.presence {
            Presence::Present => {
                let keep = keep_revisions(&state.spec);
                superfluous((&state.name, owner), keep, planner.inputs.facts.now, world)
            }
            Presence::Absent => {
                let kept = kept_of(owner, world, |name| name == state.name).into_iter();
                kept.map(|kept| (kept, "it is to be absent".to_owned())).collect()
            }
        };
        for (kept, why) in goes {
            planner.remove_kept(kept, why);
        }
    }
    if planner.inputs.options.prune && planner.inputs.options.only.is_none() {
        for kept in undeclared(planner) {
            planner.remove_kept(kept, "no state declares it".to_owned());
        }
    }
}

/// Kept containers of ours whose name no state declares.
pub fn undeclared(planner: &Planner<'_>) -> Vec<Target> {
    let states =
        || planner.inputs.graph.graph.node_weights().filter(|state| state.kind.name() == "container");
    let is_declared =
        |name: &str| states().any(|state| state.name == name || state.options.was.as_deref() == Some(name));
    kept_of(&planner.inputs.graph.owner, &planner.world, |name| !is_declared(name))
}

impl Planner<'_> {
    fn remove_kept(&mut self, kept: Target, why: String) {
        let mut change = Change::undeclared(self.next_id(), "container", &kept.name);
        change.action = Action::Remove;
        change.cause = why;
        change.after = self.changes.iter().filter(|c| c.state.kind == "container").map(|c| c.id).collect();
        let steps = Steps { retire: vec![Step::RemoveContainer { container: kept }], ..Steps::default() };
        self.commit(change, steps);
    }
}

/// The containers that keep an object from being removed, if all of them are only kept.
pub fn in_the_way(planner: &Planner<'_>, world: &World, refusal: &Refusal) -> Vec<Target> {
    let (Refusal::NetworkInUse { by, .. } | Refusal::VolumeInUse { by, .. } | Refusal::ImageInUse { by, .. }) =
        refusal
    else {
        return Vec::new();
    };
    let owner = &planner.inputs.graph.owner;
    let kept = |name: &String| {
        let container = world.container(name)?;
        let is_ours = container.labels().are_of(owner);
        (is_kept(container) && is_ours).then(|| Target::new(&container.id, &container.name))
    };
    by.iter().map(kept).collect::<Option<Vec<Target>>>().unwrap_or_default()
}
