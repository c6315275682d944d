//! What the fake engine keeps, and the handle by which tests hold it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use super::chance::Chance;
use super::faults::{Fault, Faults, Record};
use crate::world::File;

/// A fake engine. Clones are handles to the same one.
#[derive(Clone)]
pub struct Fake {
    pub(super) docker: Arc<Mutex<Docker>>,
    pub(super) died: Arc<Notify>,
}

/// Something that a registry offers under a tag.
#[derive(Debug, Clone)]
pub struct Release {
    pub id: String,
    pub digest: String,
    pub config: Value,
}

/// Why the engine says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct No {
    pub status: u16,
    pub message: String,
}

pub(super) fn no(status: u16, message: impl Into<String>) -> No {
    No { status, message: message.into() }
}

#[derive(Clone)]
pub(super) struct Docker {
    pub chance: Chance,
    /// Seconds; every effect takes one.
    pub clock: i64,
    pub containers: BTreeMap<String, Container>,
    pub networks: BTreeMap<String, Value>,
    pub volumes: BTreeMap<String, Volume>,
    pub images: BTreeMap<String, Image>,
    /// What registries offer, by normalised reference; the last one is what the tag points to.
    pub registry: BTreeMap<String, Vec<Release>>,
    /// The ids of the images that archives of this machine hold, by path.
    pub archives: BTreeMap<PathBuf, String>,
    /// False while no registry can be asked.
    pub registry_answers: bool,
    /// True for an engine as 20.10 is: it starts a container although the network that it was made
    /// with is gone, in the other networks that it is attached to. 28 does not.
    pub is_old: bool,
    pub faults: Faults,
    pub requests: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Created,
    Running,
    Paused,
    Restarting,
    Exited,
}

#[derive(Debug, Clone)]
pub(super) struct Container {
    pub id: String,
    pub name: String,
    pub image: String,
    pub status: Status,
    /// Files that were put there, with their times.
    pub files: BTreeMap<String, (File, i64)>,
    pub exit_code: i64,
    pub error: String,
    pub created: i64,
    pub started: i64,
    pub finished: i64,
    /// Somebody stopped it, so `unless-stopped` leaves it alone.
    pub stopped_by_hand: bool,
    pub config: Value,
    pub host: Value,
    /// `EndpointSettings` by the name of the network.
    pub networks: Map<String, Value>,
    pub mounts: Vec<Value>,
    pub links: Vec<Link>,
    /// Ports in effect.
    pub ports: Value,
}

/// Who a container is linked to. The link outlives that one.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub to: String,
    /// The last name of that one.
    pub name: String,
    /// What it is called inside.
    pub alias: String,
}

#[derive(Debug, Clone)]
pub(super) struct Volume {
    pub json: Value,
    /// What programs wrote into it.
    pub content: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Image {
    pub tags: Vec<String>,
    pub digests: Vec<String>,
    pub config: Value,
    pub created: i64,
    pub tagged: i64,
}

/// 2026-01-01.
const EPOCH: i64 = 1_767_225_600;

impl Fake {
    pub fn new(seed: u64) -> Self {
        let mut docker = Docker {
            chance: Chance::new(seed),
            clock: EPOCH,
            containers: BTreeMap::new(),
            networks: BTreeMap::new(),
            volumes: BTreeMap::new(),
            images: BTreeMap::new(),
            registry: BTreeMap::new(),
            archives: BTreeMap::new(),
            registry_answers: true,
            is_old: false,
            faults: Faults::default(),
            requests: 0,
        };
        for (name, driver, subnet) in
            [("bridge", "bridge", Some("172.17.0.0/16")), ("host", "host", None), ("none", "null", None)]
        {
            let pools = subnet.map_or(json!([]), |subnet| json!([{"Subnet": subnet}]));
            docker.add_network(name, &json!({"Driver": driver, "IPAM": {"Config": pools}}));
        }
        Self { docker: Arc::new(Mutex::new(docker)), died: Arc::new(Notify::new()) }
    }

    /// Another engine in the very same state.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self { docker: Arc::new(Mutex::new(self.lock().clone())), died: Arc::new(Notify::new()) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Docker> {
        self.docker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seconds since 1970 by the engine's clock.
    pub fn now(&self) -> i64 {
        self.lock().clock
    }

    /// From now on it does what only old engines do.
    pub fn grow_old(&self) {
        self.lock().is_old = true;
    }

    /// Forgets earlier faults, deaths and records, and plans new faults: the number of the call
    /// (from 0) and what becomes of it.
    pub fn arm(&self, faults: &[(usize, Fault)]) {
        self.lock().faults = Faults::new(faults);
    }

    /// From now on all choices follow another seed.
    pub fn reseed(&self, seed: u64) {
        let mut docker = self.lock();
        let next = docker.chance.next();
        docker.chance = Chance::new(next ^ seed);
    }

    /// Ends when a fault kills the process that talks to this engine.
    pub async fn death(&self) {
        loop {
            let notified = self.died.notified();
            if self.lock().faults.is_dead {
                return;
            }
            notified.await;
        }
    }

    /// The calls that were made since the engine was armed, in the order in which they began.
    pub fn records(&self) -> Vec<Record> {
        self.lock().faults.records.clone()
    }
}

impl Docker {
    /// Lets a second pass.
    pub fn tick(&mut self) -> i64 {
        self.clock += 1;
        self.clock
    }

    pub fn container(&mut self, reference: &str) -> Result<&mut Container, No> {
        let id =
            self.container_id(reference).ok_or_else(|| no(404, format!("No such container: {reference}")))?;
        self.containers.get_mut(&id).ok_or_else(|| no(404, "No such container"))
    }

    /// Finds a container by id or name.
    pub fn container_id(&self, reference: &str) -> Option<String> {
        let mut found = self.containers.values().filter(|c| c.id == reference || c.name == reference);
        found.next().map(|container| container.id.clone())
    }

    pub fn network_id(&self, reference: &str) -> Option<String> {
        if self.networks.contains_key(reference) {
            return Some(reference.to_owned());
        }
        self.networks.iter().find(|(_, network)| network["Name"] == reference).map(|(id, _)| id.clone())
    }
}

impl Container {
    pub fn is_up(&self) -> bool {
        matches!(self.status, Status::Running | Status::Paused | Status::Restarting)
    }

    pub fn short_id(&self) -> String {
        self.id.chars().take(12).collect()
    }

    /// The id of the container whose network this one shares.
    pub fn joins(&self) -> Option<&str> {
        self.host["NetworkMode"].as_str()?.strip_prefix("container:")
    }

    /// True if it has networks of its own.
    pub fn has_networks(&self) -> bool {
        self.joins().is_none() && !matches!(self.host["NetworkMode"].as_str(), Some("host" | "none"))
    }
}
