//! What is told of a container, and what has to be known of it to recognize its image elsewhere.

use std::collections::BTreeSet;

use super::error::unreachable;
use super::tree::environment;
use super::{Ambient, RunError};
use crate::engine::{self, Client, Observe, Wanted};
use crate::plan::Subject;
use crate::resource::plain_name;
use crate::world::{Container, Id, Image, ImageReference, World, label};

/// An engine, and what is on it.
pub(super) struct Site {
    pub client: Client,
    pub world: World,
}

impl Site {
    /// Looks at an engine; at containers with these names in full.
    pub(super) async fn look(
        host: Option<&str>,
        names: &[String],
        ambient: &Ambient,
    ) -> Result<Self, RunError> {
        let client = engine::connect(host, &environment(ambient)).await.map_err(unreachable)?;
        let mut site = Self { client, world: World::default() };
        site.look_at(names).await?;
        Ok(site)
    }

    /// Looks again.
    pub(super) async fn look_at(&mut self, names: &[String]) -> Result<(), RunError> {
        let wanted = Wanted { containers: names.iter().cloned().collect(), ..Wanted::default() };
        self.world = self.client.world(&wanted).await.map_err(unreachable)?;
        Ok(())
    }

    /// The engine's own id. An engine that has none is known by its address.
    pub(super) fn engine(&self) -> String {
        match self.world.engine.id.as_str() {
            "" => self.client.address().to_string(),
            id => id.to_owned(),
        }
    }

    /// The container that a person means: by its name, or by its id.
    pub(super) fn container(&self, name: &str) -> Option<&Container> {
        let is_id = name.len() >= 12 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let by_id = |id: &Id| matches!(id, Id::Engine(id) if is_id && id.starts_with(name));
        let containers = &self.world.containers;
        self.world.container(name).or_else(|| containers.values().find(|container| by_id(&container.id)))
    }

    /// The name under which a container is on record: the one that it serves, or served.
    pub(super) fn object(container: &Container) -> String {
        match container.labels().owner() {
            Some(_) => plain_name(&container.name),
            None => container.name.clone(),
        }
    }

    /// What is told of a container.
    pub(super) fn subject(&self, container: &Container) -> Subject {
        let image = container.attributes.text("Config.Image").unwrap_or_default();
        let reference = ImageReference::parse(image);
        let own = self.image(container).and_then(|found| found.digests_in(&reference).first().copied());
        let labels = container.labels();
        Subject {
            name: container.name.clone(),
            owner: labels.owner(),
            revision: labels.revision(),
            image: image.to_owned(),
            digest: own.map(str::to_owned).or_else(|| self.digests(container).into_iter().next()),
            version: labels.get(label::OCI_VERSION).map(str::to_owned),
        }
    }

    /// Every digest by which registries know a container's image.
    pub(super) fn digests(&self, container: &Container) -> BTreeSet<String> {
        let image = self.image(container);
        let known = image.into_iter().flat_map(|image| &image.digests);
        let known = known.filter_map(|known| Some(known.split_once('@')?.1.to_owned()));
        // An image that was made from a container carries that one's labels, and is another image.
        let inherited = image.and_then(|image| image.labels().get(label::IMAGE_DIGEST));
        let deployed = container.labels().get(label::IMAGE_DIGEST).filter(|own| Some(*own) != inherited);
        known.chain(deployed.map(str::to_owned)).collect()
    }

    fn image(&self, container: &Container) -> Option<&Image> {
        self.world.images.get(&container.image)
    }
}
