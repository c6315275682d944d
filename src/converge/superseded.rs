//! Images that newer ones of the same name have taken the place of, and that nobody needs any more.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::plan::Planner;
use crate::plan::{Action, Change, ChangeId, Steps};
use crate::resource::{image_reference, kept, revision, revisions};
use crate::state::State;
use crate::world::{Id, Step, Target};

/// Plans to remove what is beyond the number that a state keeps. Comes last: a container that is
/// replaced in this run needs its image no longer.
pub fn retire(planner: &mut Planner<'_>) {
    let graph = &planner.inputs.graph.graph;
    for node in graph.node_indices() {
        let is_meant = planner.inputs.options.only.as_ref().is_none_or(|only| only.contains(&node));
        if let (Some(own), Some(keep)) = (planner.by_node.get(&node).copied(), kept(&graph[node].spec))
            && is_meant
        {
            for (image, tags) in beyond(planner, &graph[node], keep) {
                planner.remove_superseded(&graph[node], own, keep, &image, tags);
            }
        }
    }
}

/// The images to remove, oldest last, each with all of its names. Never one that a container needs,
/// whatever it is doing, and never one with a name that evenkeel has not given for this state.
fn beyond(planner: &Planner<'_>, state: &State, keep: usize) -> Vec<(Id, Vec<String>)> {
    let world = &planner.world;
    let reference = image_reference(&state.name, &state.spec);
    let current = world.image(&reference).map(|image| image.id.clone());
    let mut by_image: BTreeMap<&Id, Vec<u32>> = BTreeMap::new();
    for (number, id) in revisions(&reference, world) {
        by_image.entry(id).or_default().push(number);
    }
    let is_superseded = |id: &Id| Some(id) != current.as_ref() && matches!(id, Id::Engine(_));
    let mut superseded: Vec<(&Id, Vec<u32>)> =
        by_image.into_iter().filter(|(id, _)| is_superseded(id)).collect();
    superseded.sort_by_key(|(_, numbers)| Reverse(numbers.iter().max().copied()));
    let is_free = |id: &Id, numbers: &[u32]| {
        let names = world.tags.values().filter(|of| *of == id).count();
        names == numbers.len() && !world.containers.values().any(|container| container.image == *id)
    };
    let rest = superseded.into_iter().skip(keep).filter(|(id, numbers)| is_free(id, numbers));
    let named = |numbers: Vec<u32>| numbers.into_iter().map(|number| revision(&reference, number)).collect();
    rest.map(|(id, numbers)| (id.clone(), named(numbers))).collect()
}

impl Planner<'_> {
    fn remove_superseded(
        &mut self,
        state: &State,
        own: ChangeId,
        keep: usize,
        image: &Id,
        tags: Vec<String>,
    ) {
        let Some(name) = tags.first().cloned() else { return };
        let mut change = Change::undeclared(self.next_id(), "image", &name);
        change.action = Action::Remove;
        change.cause = format!("{} has superseded it (`keep: {keep}`)", state.name);
        change.after = self.changes.iter().filter(|c| c.state.kind == "container").map(|c| c.id).collect();
        change.after.push(own);
        change.after.sort();
        change.after.dedup();
        let remove = |tag: String| Step::RemoveImage { image: Target::new(image, &tag), reference: tag };
        let steps = Steps { retire: tags.into_iter().map(remove).collect(), ..Steps::default() };
        self.commit(change, steps);
    }
}
