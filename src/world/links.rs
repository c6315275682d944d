//! Legacy links: a container holds on to the very container that it was made with, whatever that
//! one is called later. When that one is gone the link stays, leads nowhere, and forbids every start.

use super::{Container, Id, Refusal, World};

/// One link, as the engine shows it or as it was sent.
pub struct Link<'a> {
    /// The name of the container that it leads to, or its id.
    pub to: &'a str,
    pub alias: &'a str,
}

impl Container {
    /// The links in effect. In networks that people make the engine takes none.
    pub fn links(&self) -> impl Iterator<Item = Link<'_>> {
        let mode = self.attributes.text("HostConfig.NetworkMode").unwrap_or("");
        let links = self.attributes.at("HostConfig.Links").known().filter(|_| is_default_network(mode));
        let links = links.and_then(|links| links.as_array()).into_iter().flatten();
        links.filter_map(|link| Some(read(link.as_str()?)))
    }

    /// True if this one was made after the other one, as far as that is known.
    pub(super) fn is_younger(&self, other: &Self) -> bool {
        let made = |container: &Self| -> Option<jiff::Timestamp> {
            container.attributes.text("Created")?.parse().ok()
        };
        match (&self.id, &other.id) {
            (Id::Planned(own), Id::Planned(other)) => own > other,
            (Id::Planned(_), Id::Engine(_)) => true,
            (Id::Engine(_), Id::Planned(_)) => false,
            (Id::Engine(_), Id::Engine(_)) => {
                matches!((made(self), made(other)), (Some(own), Some(other)) if own > other)
            }
        }
    }
}

impl World {
    /// The container that a link leads to; nothing if that one is gone. Another one may have its
    /// name meanwhile, but nobody was linked to somebody who was not there yet.
    pub fn linked(&self, from: &Container, link: &Link<'_>) -> Option<&Container> {
        self.made_with(from, link.to)
    }

    /// The containers without which this one does not start: whose namespaces it has, and whom it is linked to.
    pub fn builds_on(&self, container: &Container) -> Vec<Id> {
        let links = container.links();
        let linked = links.filter_map(|link| Some(self.linked(container, &link)?.id.clone()));
        linked.chain(self.joined(container).map(|owner| owner.id.clone())).collect()
    }

    /// Refuses the start of a container while somebody whom it is linked to does not run.
    pub(super) fn check_links(&self, container: &Container) -> Result<(), Refusal> {
        for link in container.links() {
            let to = self.linked(container, &link).ok_or_else(|| Refusal::LinkedIsGone {
                name: container.name.clone(),
                alias: link.alias.to_owned(),
            })?;
            if !to.state.is_up() {
                return Err(Refusal::WrongState { name: to.name.clone(), state: to.state.word() });
            }
        }
        Ok(())
    }

    /// Puts the new name of a container into the links that lead to it, before it gets that name.
    pub(super) fn rename_in_links(&mut self, renamed: &Id, name: &str) {
        let mut shown = Vec::new();
        for from in self.containers.values() {
            let leads = |link: &Link<'_>| self.linked(from, link).is_some_and(|to| to.id == *renamed);
            if from.links().any(|link| leads(&link)) {
                let write = |link: Link<'_>| {
                    let to = if leads(&link) { name } else { link.to };
                    format!("/{to}:/{}/{}", from.name, link.alias)
                };
                shown.push((from.id.clone(), from.links().map(write).collect::<Vec<_>>()));
            }
        }
        for (id, links) in shown {
            if let Some(from) = self.containers.get_mut(&id) {
                from.attributes.set("HostConfig.Links", links.into());
            }
        }
    }
}

fn is_default_network(mode: &str) -> bool {
    matches!(mode, "" | "default" | "bridge")
}

/// Reads `/db:/web/alias`, as the engine shows a link, or `ID:alias`, as it is sent; an id may have
/// a colon too.
fn read(text: &str) -> Link<'_> {
    let (to, alias) = text.rsplit_once(':').unwrap_or((text, text));
    Link { to: to.trim_start_matches('/'), alias: alias.rsplit('/').next().unwrap_or(alias) }
}

#[cfg(test)]
mod tests {
    use super::super::{Attributes, RunState, Step, Target};
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn container(id: &str, name: &str, created: &str, links: &[&str]) -> Container {
        let shown = json!({"Created": created, "HostConfig": {"NetworkMode": "default", "Links": links}});
        Container {
            id: Id::Engine(id.to_owned()),
            name: name.to_owned(),
            state: RunState::Running,
            image: Id::Engine("image".to_owned()),
            networks: BTreeMap::new(),
            attributes: Attributes::observed(shown),
        }
    }

    fn linked(db_created: &str) -> (World, Step) {
        let mut world = World::default();
        let db = container("1", "db", db_created, &[]);
        let mut web = container("2", "web", "2026-01-01T00:00:05Z", &["/db:/web/database"]);
        web.state = RunState::Exited { code: 0 };
        let start = Step::StartContainer { container: Target::new(&web.id, &web.name) };
        world.containers.extend([(db.id.clone(), db), (web.id.clone(), web)]);
        (world, start)
    }

    #[test]
    fn a_link_leads_to_nobody_who_is_younger() {
        let (mut world, start) = linked("2026-01-01T00:00:04Z");
        assert_eq!(world.predict(&start), Ok(()));
        let (mut world, start) = linked("2026-01-01T00:00:06Z");
        let refusal = Refusal::LinkedIsGone { name: "web".to_owned(), alias: "database".to_owned() };
        assert_eq!(world.predict(&start), Err(refusal));
    }

    #[test]
    fn a_link_follows_a_rename_and_does_not_move_to_the_next_of_that_name() {
        let (mut world, start) = linked("2026-01-01T00:00:04Z");
        let db = Target { id: Id::Engine("1".to_owned()), name: "db".to_owned() };
        let rename = Step::RenameContainer { container: db.clone(), to: "db.r1".to_owned() };
        assert_eq!(world.predict(&rename), Ok(()));
        assert_eq!(world.predict(&start), Ok(()));
        let web = &world.containers[&Id::Engine("2".to_owned())];
        assert_eq!(web.links().map(|link| link.to).collect::<Vec<_>>(), ["db.r1"]);
        assert_eq!(world.predict(&Step::StopContainer { container: db, timeout: None }), Ok(()));
        let stopped = Refusal::WrongState { name: "db.r1".to_owned(), state: "exited" };
        assert_eq!(world.predict(&start), Err(stopped));
    }
}
