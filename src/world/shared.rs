//! What a container has of another one: namespaces, which end with the one that they are of, and mounts, which are
//! copied when it is made. The engine holds on to the very container that had the name then.

use serde_json::Value;

use super::id::PLANNED;
use super::{Container, Id, Refusal, RunState, World};

/// A namespace that one container may have of another.
pub struct Namespace {
    /// What states call it.
    pub field: &'static str,
    /// Where the engine shows whose it is.
    pub path: &'static str,
    /// What messages call it.
    pub what: &'static str,
}

pub static NAMESPACES: [Namespace; 3] = [
    Namespace { field: "network_mode", path: "HostConfig.NetworkMode", what: "network" },
    Namespace { field: "pid", path: "HostConfig.PidMode", what: "processes" },
    Namespace { field: "ipc", path: "HostConfig.IpcMode", what: "memory" },
];

impl Namespace {
    /// The container whose namespace this one has, by id, or by name if it was never at an engine.
    pub fn of<'a>(&self, container: &'a Container) -> Option<&'a str> {
        container.attributes.text(self.path)?.strip_prefix("container:")
    }
}

impl World {
    /// The container that another one was made with: by its id, or by a name that it had then. Who came later
    /// and has that name is another one.
    pub fn made_with(&self, from: &Container, reference: &str) -> Option<&Container> {
        let by_name = || self.container(reference).filter(|to| !to.is_younger(from));
        self.containers.get(&Id::parse(reference)).or_else(by_name).or_else(|| self.begins_with(reference))
    }

    /// The container whose id begins like this, as an engine takes it.
    fn begins_with(&self, reference: &str) -> Option<&Container> {
        let is_part = !reference.is_empty() && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_meant = |id: &Id| matches!(id, Id::Engine(id) if id.starts_with(reference));
        self.containers.values().find(|container| is_part && is_meant(&container.id))
    }

    /// The containers whose namespaces this one has, as far as they are there.
    pub fn joined(&self, container: &Container) -> impl Iterator<Item = &Container> {
        let references = NAMESPACES.iter().filter_map(|namespace| namespace.of(container));
        references.filter_map(|reference| self.made_with(container, reference))
    }

    /// The containers that this one has something of: namespaces, mounts, a link.
    pub fn lenders(&self, container: &Container) -> Vec<Id> {
        let from = container.volumes_from().filter_map(|(reference, _)| self.made_with(container, reference));
        self.builds_on(container).into_iter().chain(from.map(|other| other.id.clone())).collect()
    }

    /// The container whose processes this one sees, and with which it ends.
    pub fn owner_of_processes(&self, container: &Container) -> Option<&Container> {
        let pid = NAMESPACES.iter().find(|namespace| namespace.field == "pid")?;
        self.made_with(container, pid.of(container)?)
    }

    /// Refuses a container that names one which is not there.
    pub(super) fn check_lenders(&self, container: &Container) -> Result<(), Refusal> {
        let joined = NAMESPACES.iter().filter_map(|namespace| namespace.of(container));
        let from = container.volumes_from().map(|(reference, _)| reference);
        match joined.chain(from).find(|reference| self.made_with(container, reference).is_none()) {
            Some(reference) => Err(Refusal::Missing { kind: "container", name: reference.to_owned() }),
            None => Ok(()),
        }
    }

    /// Refuses the start of a container while one whose namespace it is to have does not run, or keeps it to itself.
    pub(super) fn check_joined(&self, container: &Container) -> Result<(), Refusal> {
        for namespace in &NAMESPACES {
            let Some(reference) = namespace.of(container) else { continue };
            let missing = || Refusal::Missing { kind: "container", name: reference.to_owned() };
            let owner = self.made_with(container, reference).ok_or_else(missing)?;
            if owner.state != RunState::Running {
                return Err(Refusal::WrongState { name: owner.name.clone(), state: owner.state.word() });
            }
            if namespace.field == "ipc" && owner.keeps_memory() {
                return Err(Refusal::NotShared { name: owner.name.clone() });
            }
        }
        Ok(())
    }
}

impl Container {
    /// The containers whose mounts it was made with, as the engine shows them, and how: `ro`, or nothing.
    pub fn volumes_from(&self) -> impl Iterator<Item = (&str, &str)> {
        let list = self.attributes.at("HostConfig.VolumesFrom").known().and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|text| Some(whose_volumes(text.as_str()?)))
    }

    /// True if nobody can share the memory of this one. What the engine chose is not known before.
    pub fn keeps_memory(&self) -> bool {
        self.attributes.text("HostConfig.IpcMode").is_some_and(|mode| !matches!(mode, "" | "shareable"))
    }
}

/// Reads whose mounts `ID:mode` means, and how they are taken; the id of a container that is planned has a colon too.
pub fn whose_volumes(text: &str) -> (&str, &str) {
    let from = if text.starts_with(PLANNED) { PLANNED.len() } else { 0 };
    match text[from..].find(':') {
        Some(at) => (&text[..from + at], &text[from + at + 1..]),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Attributes, Step, Target};
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn world(host: &serde_json::Value, owner: &serde_json::Value, state: RunState) -> World {
        let mut world = World::default();
        for (id, name, host, state) in
            [("1", "owner", owner, state), ("2", "user", host, RunState::Exited { code: 0 })]
        {
            let container = Container {
                id: Id::Engine(id.to_owned()),
                name: name.to_owned(),
                state,
                image: Id::Engine("image".to_owned()),
                networks: BTreeMap::new(),
                attributes: Attributes::observed(json!({ "HostConfig": host })),
            };
            world.containers.insert(container.id.clone(), container);
        }
        world
    }

    fn start(mut world: World) -> Result<(), Refusal> {
        let container = Target { id: Id::Engine("2".to_owned()), name: "user".to_owned() };
        world.predict(&Step::StartContainer { container })
    }

    #[test]
    fn nobody_starts_while_the_owner_of_its_namespace_does_not_run() {
        let down = RunState::Exited { code: 0 };
        for key in ["NetworkMode", "PidMode", "IpcMode"] {
            let host = json!({ key: "container:1" });
            assert_eq!(start(world(&host, &json!({}), RunState::Running)), Ok(()), "{key}");
            let refusal = Refusal::WrongState { name: "owner".to_owned(), state: "exited" };
            assert_eq!(start(world(&host, &json!({}), down)), Err(refusal), "{key}");
            let gone = json!({ key: "container:3" });
            let refusal = Refusal::Missing { kind: "container", name: "3".to_owned() };
            assert_eq!(start(world(&gone, &json!({}), RunState::Running)), Err(refusal), "{key}");
        }
        // Mounts were copied: whose they were may be gone.
        assert_eq!(start(world(&json!({"VolumesFrom": ["3:ro"]}), &json!({}), down)), Ok(()));
    }

    #[test]
    fn whose_mounts_are_meant_is_read_from_ids_of_both_sorts() {
        assert_eq!(whose_volumes("0a1b"), ("0a1b", ""));
        assert_eq!(whose_volumes("data:ro"), ("data", "ro"));
        assert_eq!(whose_volumes("planned:12"), ("planned:12", ""));
        assert_eq!(whose_volumes("planned:12:ro,z"), ("planned:12", "ro,z"));
    }

    #[test]
    fn memory_is_shared_only_by_who_says_so() {
        let host = json!({"IpcMode": "container:1"});
        let with = |mode: &str| start(world(&host, &json!({ "IpcMode": mode }), RunState::Running));
        assert_eq!(with("shareable"), Ok(()));
        for mode in ["private", "none", "host", "container:4"] {
            assert_eq!(with(mode), Err(Refusal::NotShared { name: "owner".to_owned() }), "{mode}");
        }
    }
}
