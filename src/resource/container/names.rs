//! Revisions of a container: their numbers, and the container that a state means.

use super::super::kind::{Desired, Facts, Found};
use crate::world::{Container, Role, Target, World, label};

/// The name that a container serves, or served.
pub fn plain(name: &str) -> String {
    Role::of(name).serves().map_or_else(|| name.to_owned(), |(of, _)| of)
}

/// The revision of a container, as its label says.
pub fn revision_of(container: &Container) -> Option<u32> {
    container.labels().revision()
}

/// One more than the highest revision of `name` that the engine knows of, or that is on record.
pub fn next_revision(name: &str, facts: &Facts, world: &World) -> u32 {
    let known = world.containers.values().filter_map(|container| {
        let labelled = || revision_of(container);
        match container.role().serves() {
            Some((of, number)) if of == name => Some(number.max(labelled().unwrap_or(0))),
            None if container.name == name => labelled(),
            Some(_) | None => None,
        }
    });
    known.chain(facts.revisions.get(name).copied()).max().unwrap_or(0).saturating_add(1)
}

/// The numbers that a container gets when it is replaced, and that its successor gets. The old one keeps its
/// own, unless it has none, or somebody else is called by it.
pub fn next_numbers(name: &str, old: &Container, facts: &Facts, world: &World) -> (u32, u32) {
    let next = next_revision(name, facts, world);
    let is_free = |number: &u32| *number < next && world.container(&Role::retired(name, *number)).is_none();
    match revision_of(old).filter(is_free) {
        Some(own) => (own, next),
        None if is_free(&(next - 1)) => (next - 1, next),
        None => (next, next.saturating_add(1)),
    }
}

/// The number by which the old one is called once its successor, which has a number already, has its name.
pub fn retired_number(name: &str, old: &Container, new: &Container, world: &World) -> u32 {
    let next = revision_of(new).unwrap_or(1);
    let is_free = |number: &u32| *number < next && world.container(&Role::retired(name, *number)).is_none();
    revision_of(old).filter(is_free).unwrap_or(next.saturating_sub(1))
}

/// Finds the container that a state means: by name, by its former name, or, if somebody renamed it,
/// by our label.
pub fn find(desired: &Desired<'_>, world: &World) -> Option<Found> {
    let by_name = |name: &str| world.container(name);
    let container = by_name(desired.name)
        .or_else(|| by_name(desired.was?))
        .or_else(|| renamed_by_hand(desired, world))?;
    Some(Found { target: Target::new(&container.id, &container.name), owner: container.labels().owner() })
}

fn renamed_by_hand<'a>(desired: &Desired<'_>, world: &'a World) -> Option<&'a Container> {
    world
        .containers
        .values()
        .filter(|container| {
            container.labels().are_of(desired.owner)
                && container.labels().get(label::ID) == Some(&desired.id)
                && container.role() == Role::Current
        })
        .max_by_key(|container| revision_of(container))
}
