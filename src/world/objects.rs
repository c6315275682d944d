//! The objects of an engine, with typed access only to what has structure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use super::{Attributes, Id, ImageReference, Labels, Name, Remote, SeenFile};

/// The engine itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Engine {
    /// The engine's own id, which tells engines apart whatever their address.
    pub id: String,
    /// Version of the engine, such as `20.10.24`.
    pub version: String,
    /// Version of the API that is spoken, major and minor.
    pub api: (u32, u32),
    pub os: String,
    pub architecture: String,
    pub hostname: String,
    /// Facts for `grains`, as the engine's `/info` gives them.
    pub info: Value,
}

/// What a container is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Made, and never started with success.
    Created,
    Running,
    Paused,
    /// Between two starts of its restart policy.
    Restarting,
    Exited {
        code: i64,
    },
    /// Being removed, or beyond repair.
    Dead,
}

impl RunState {
    /// The engine's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Exited { .. } => "exited",
            Self::Dead => "dead",
        }
    }

    /// True if processes of the container exist or may exist at any moment.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Restarting)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    pub id: Id,
    pub name: Name,
    pub state: RunState,
    pub image: Id,
    /// Attachments by the name of the network, as far as they were observed or ordered.
    pub networks: BTreeMap<Name, Endpoint>,
    /// Inspect JSON; only a part of it for containers that concern nobody in the plan.
    pub attributes: Attributes,
}

/// A container's attachment to a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    pub network: Id,
    /// `EndpointSettings` of the API.
    pub settings: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    pub id: Id,
    pub name: Name,
    pub attributes: Attributes,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    pub name: Name,
    pub attributes: Attributes,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    pub id: Id,
    /// `repository@sha256:…` as the engine lists them.
    pub digests: Vec<String>,
    /// Inspect JSON; for images that no container of the plan uses only what the list says.
    pub attributes: Attributes,
}

/// An archive of images on this machine, as far as it concerns a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Archive {
    Absent,
    /// It is what `docker save` writes; the ids of the images in it.
    Holds(BTreeSet<String>),
    /// Something else is there, or it cannot be read: the reason.
    Unreadable(String),
}

/// One engine as a value.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct World {
    pub engine: Engine,
    pub containers: BTreeMap<Id, Container>,
    pub networks: BTreeMap<Id, Network>,
    pub volumes: BTreeMap<Name, Volume>,
    pub images: BTreeMap<Id, Image>,
    /// Normalised image references and what they point to.
    pub tags: BTreeMap<String, Id>,
    /// Answers of registries, by normalised reference.
    pub remotes: BTreeMap<String, Remote>,
    /// Archives of this machine that states are about, by path.
    pub archives: BTreeMap<PathBuf, Archive>,
    /// Names of the containers that are locks of runs. They are none of [`World::containers`]: no plan has to do with
    /// them.
    pub locks: BTreeSet<String>,
    /// Files of containers, as far as they were asked for or put there, by path.
    pub files: BTreeMap<Id, BTreeMap<String, SeenFile>>,
    /// How many objects were planned so far.
    pub planned: u32,
}

impl World {
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.values().find(|container| container.name == name)
    }

    /// What a registry said about a reference, in whatever spelling.
    pub fn remote(&self, reference: &str) -> Option<&Remote> {
        self.remotes.get(&ImageReference::parse(reference).normal())
    }

    pub fn network(&self, name: &str) -> Option<&Network> {
        self.networks.values().find(|network| network.name == name)
    }

    /// True if another network of the same owner was made to take the place of this one.
    pub fn is_replaced(&self, network: &Network) -> bool {
        let owner = network.labels().owner();
        self.networks.values().filter(|other| other.labels().owner() == owner).any(|other| {
            other.labels().get(super::label::REPLACES).map(Id::parse).as_ref() == Some(&network.id)
        })
    }

    /// Finds the image behind a tag, a digest or an id (also a shortened one).
    pub fn image(&self, reference: &str) -> Option<&Image> {
        let reference = super::ImageReference::parse(reference);
        if let Some(id) = self.tags.get(&reference.normal()) {
            return self.images.get(id);
        }
        self.images.values().find(|image| reference.is_image(image))
    }

    /// A number for the next object that a plan makes.
    pub fn next_planned(&mut self) -> Id {
        self.planned += 1;
        Id::Planned(self.planned)
    }
}

impl Container {
    pub fn labels(&self) -> Labels<'_> {
        Labels::new(self.attributes.at("Config.Labels").known())
    }
}

impl Network {
    pub fn labels(&self) -> Labels<'_> {
        Labels::new(self.attributes.at("Labels").known())
    }
}

impl Volume {
    pub fn labels(&self) -> Labels<'_> {
        Labels::new(self.attributes.at("Labels").known())
    }
}

impl Image {
    pub fn labels(&self) -> Labels<'_> {
        Labels::new(self.attributes.at("Config.Labels").known())
    }
}
