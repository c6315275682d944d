//! Those who have something of a container that is replaced by itself, without the states that declare them: they are
//! declared again as they are, so that they follow it like in any other run.

use std::collections::BTreeSet;

use crate::resource::{plain_name, recorded, spec_of};
use crate::source::Place;
use crate::state::Dependant;
use crate::world::{Container, Id, Owner, Role, World, label};

/// Who has something of a container.
#[derive(Debug, Default)]
pub struct Dependants {
    /// Those who can follow it.
    pub follow: Vec<Dependant>,
    /// What is to be said of those who cannot.
    pub left: Vec<String>,
}

/// Finds those who have something of a container or of an earlier revision of it, or of one that has, in the order
/// of their names.
pub fn dependants(name: &str, owner: &Owner, world: &World) -> Dependants {
    let of_name = world.containers.values().filter(|container| plain_name(&container.name) == name);
    let mut known: BTreeSet<Id> = of_name.map(|container| container.id.clone()).collect();
    let mut containers: Vec<&Container> =
        world.containers.values().filter(|container| container.role() == Role::Current).collect();
    containers.sort_by(|a, b| a.name.cmp(&b.name));
    let mut found = Dependants::default();
    loop {
        let is_next = |container: &&&Container| {
            !known.contains(&container.id) && world.lenders(container).iter().any(|id| known.contains(id))
        };
        let Some(next) = containers.iter().find(is_next) else { return found };
        known.insert(next.id.clone());
        match again(next, owner, world) {
            Ok(dependant) => found.follow.push(dependant),
            Err(why) => found.left.push(left(next, &why, world)),
        }
    }
}

/// Declares a container as it is. What does not run is made, and not started.
fn again(container: &Container, owner: &Owner, world: &World) -> Result<Dependant, String> {
    let labels = container.labels();
    match labels.owner() {
        Some(found) if found == *owner => {}
        Some(found) => return Err(format!("it belongs to project `{}`, env `{}`", found.project, found.env)),
        None => return Err("it was not made by evenkeel".to_owned()),
    }
    let unknown = || "its labels do not say how it was declared".to_owned();
    let record = recorded(container).ok_or_else(unknown)?;
    let mut spec = spec_of(&record, Some(container))?;
    let place = Place::outside("a container that has something of another one");
    let tag = spec.text("image").map(str::to_owned).ok_or_else(unknown)?;
    let is_same = world.image(&tag).is_some_and(|image| image.id == container.image);
    // It stays what it is, whatever its tag means by now.
    if !is_same {
        spec.insert("image", container.image.to_string().into(), &place);
    }
    let uses = world.lenders(container).into_iter();
    let uses = uses.filter_map(|id| Some(world.containers.get(&id)?.name.clone())).collect();
    Ok(Dependant {
        label_id: labels.get(label::ID).ok_or_else(unknown)?.to_owned(),
        name: container.name.clone(),
        function: if container.state.is_up() { "running" } else { "created" },
        spec,
        uses,
    })
}

/// What one loses that cannot follow, and what to do about it.
fn left(container: &Container, why: &str, world: &World) -> String {
    let name = &container.name;
    let lenders = world.lenders(container);
    let of: Vec<&str> =
        lenders.iter().filter_map(|id| Some(world.containers.get(id)?.name.as_str())).collect();
    let remedy = match container.labels().owner() {
        Some(_) => "apply the states that declare it",
        None => "make it anew",
    };
    format!(
        "{name} has something of {} (network, processes, memory, mounts or a link), which it loses, and cannot follow: {why}; {remedy}",
        of.join(", ")
    )
}
