//! What a container's name and labels say about its part: current, newcomer, retired or failed.

use super::super::kind::{Desired, Found};
use crate::world::{Container, Target, World, label};

/// The part that a container plays for the name it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It carries a plain name.
    Current,
    /// `web.r13`: revision 13 of `web`, not yet or no longer current.
    Revision { of: String, number: u32 },
    /// `web.r13.failed`: the verdict on revision 13 of `web`.
    Failed { of: String, number: u32 },
}

/// Reads a container's part from its name.
pub fn role(name: &str) -> Role {
    let (stem, failed) = match name.strip_suffix(".failed") {
        Some(stem) => (stem, true),
        None => (name, false),
    };
    let Some((of, number)) = stem.rsplit_once(".r").and_then(|(of, n)| Some((of, n.parse().ok()?))) else {
        return Role::Current;
    };
    let of = of.to_owned();
    if failed { Role::Failed { of, number } } else { Role::Revision { of, number } }
}

/// The name that a container serves, or served.
pub fn plain(name: &str) -> String {
    match role(name) {
        Role::Current => name.to_owned(),
        Role::Revision { of, .. } | Role::Failed { of, .. } => of,
    }
}

/// The name of a revision that is not current.
pub fn revision_name(name: &str, number: u32) -> String {
    format!("{name}.r{number}")
}

/// The revision of a container, as its label says.
pub fn revision_of(container: &Container) -> Option<u32> {
    container.labels().revision()
}

/// One more than the highest revision of `name` that the engine knows of.
pub fn next_revision(name: &str, world: &World) -> u32 {
    let known = world.containers.values().filter_map(|container| {
        let number = match role(&container.name) {
            Role::Revision { of, number } | Role::Failed { of, number } if of == name => Some(number),
            Role::Current | Role::Revision { .. } | Role::Failed { .. } => None,
        };
        let labelled = (container.name == name).then(|| revision_of(container)).flatten();
        number.max(labelled)
    });
    known.max().unwrap_or(0) + 1
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
                && role(&container.name) == Role::Current
        })
        .max_by_key(|container| revision_of(container))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_which_part_a_container_plays() {
        assert_eq!(role("web"), Role::Current);
        assert_eq!(role("web.rx"), Role::Current);
        assert_eq!(role("a.b.r7"), Role::Revision { of: "a.b".to_owned(), number: 7 });
        assert_eq!(role("web.r7.failed"), Role::Failed { of: "web".to_owned(), number: 7 });
    }
}
