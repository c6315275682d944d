//! The container that says whether a job has run.

use super::super::names;
use super::super::scene::Scene;
use super::is_job;
use crate::resource::kind::{Desired, Found};
use crate::world::{Container, RunState, Target, World};

/// Finds the last container of a job that ran: the one that has the name, or, if that one never came to run, the
/// newest before it. A job that never ran at all is what has the name.
pub fn find(desired: &Desired<'_>, world: &World) -> Option<Found> {
    let current = names::find(desired, world);
    let is_ours = |container: &Container| container.labels().are_of(desired.owner);
    let never_ran = match &current {
        None => true,
        Some(found) => world
            .containers
            .get(&found.target.id)
            .is_some_and(|container| container.state == RunState::Created && is_ours(container)),
    };
    let earlier = Scene::read(desired.name, desired.owner, world).retired.into_iter();
    let mut ran = earlier.filter(|earlier| is_job(earlier) && earlier.state != RunState::Created);
    match ran.next().filter(|_| never_ran) {
        Some(ran) => Some(Found { target: Target::new(&ran.id, &ran.name), owner: ran.labels().owner() }),
        None => current,
    }
}

/// What has the job's name without having run, although somebody else did.
pub fn stands_in<'a>(desired: &Desired<'_>, ran: &Container, world: &'a World) -> Option<&'a Container> {
    world.container(desired.name).filter(|other| other.id != ran.id)
}
