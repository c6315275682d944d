//! Looking at the fake engine, through the same shapes as at a real one.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::docker::{Docker, Fake};
use crate::engine::shapes;
use crate::engine::{Observe, ObserveError, Wanted};
use crate::world::{Container, Engine, File, FileTime, Id, ImageReference, Labels, Remote, SeenFile, World};

#[async_trait]
impl Observe for Fake {
    async fn world(&self, wanted: &Wanted) -> Result<World, ObserveError> {
        self.dawdle().await;
        let world = self.look(wanted);
        self.dawdle().await;
        Ok(world)
    }

    async fn remotes(&self, references: &BTreeSet<String>) -> Result<BTreeMap<String, Remote>, ObserveError> {
        self.dawdle().await;
        let docker = self.lock();
        let answer = |reference: &String| {
            let normal = ImageReference::parse(reference).normal();
            let answer = match (docker.registry_answers, docker.registry.get(&normal)) {
                (false, _) => Remote::Unknown("no registry can be reached".to_owned()),
                (true, Some(releases)) => {
                    releases.last().map_or(Remote::Missing, |release| Remote::of_digest(&release.digest))
                }
                (true, None) => Remote::Missing,
            };
            (normal, answer)
        };
        Ok(references.iter().map(answer).collect())
    }

    async fn container(&self, id: &str) -> Result<Option<Container>, ObserveError> {
        self.dawdle().await;
        let mut docker = self.lock();
        let Some(id) = docker.container_id(id) else { return Ok(None) };
        let names = docker.network_names();
        Ok(docker.inspect(&id).map(|json| shapes::container(json, &names)))
    }

    async fn files(&self, id: &str, paths: &[String]) -> Result<BTreeMap<String, SeenFile>, ObserveError> {
        self.dawdle().await;
        let docker = self.lock();
        let files = docker.containers.get(id).map(|container| container.files.clone()).unwrap_or_default();
        let seen = |path: &String| (path.clone(), files.get(path).map_or(SeenFile::Missing, found));
        Ok(paths.iter().map(seen).collect())
    }

    async fn states(&self) -> Result<Vec<(String, String)>, ObserveError> {
        self.dawdle().await;
        let docker = self.lock();
        let states = docker.containers.values();
        Ok(states.map(|c| (c.id.clone(), super::shown::word(c.status).to_owned())).collect())
    }

    async fn last_log_lines(&self, id: &str, _lines: u32) -> Vec<String> {
        self.dawdle().await;
        vec![format!("last words of {id}")]
    }

    fn requests(&self) -> u64 {
        self.lock().requests
    }
}

fn seen(put: &(File, i64), wanted: &File) -> SeenFile {
    let is_wanted = put.0 == *wanted && put.1 == wanted.time(FileTime::Settled);
    if is_wanted { SeenFile::AsWanted } else { found(put) }
}

fn found((file, time): &(File, i64)) -> SeenFile {
    let File { content, mode, uid, gid, .. } = file.clone();
    SeenFile::Found { content, mode, uid, gid, is_pending: File::is_pending(*time) }
}

impl Fake {
    /// The engine as it is at this moment.
    pub fn look(&self, wanted: &Wanted) -> World {
        let mut docker = self.lock();
        let engine = Engine {
            id: "FAKE".to_owned(),
            version: "20.10.24".to_owned(),
            api: (1, 41),
            os: "linux".to_owned(),
            architecture: "amd64".to_owned(),
            hostname: "fake".to_owned(),
            info: json!({}),
        };
        let mut world = World { engine, ..World::default() };
        for json in docker.networks.values() {
            let network = shapes::network(json.clone());
            world.networks.insert(network.id.clone(), network);
        }
        for volume in docker.volumes.values() {
            let volume = shapes::volume(volume.json.clone());
            world.volumes.insert(volume.name.clone(), volume);
        }
        for (id, image) in &docker.images {
            shapes::add_image(&mut world, shapes::listed_image(&docker.listed_image(id, image)));
        }
        let names = docker.network_names();
        let mut images: BTreeSet<String> =
            wanted.images.iter().filter_map(|r| docker.find_image(r)).collect();
        let ids: Vec<String> = docker.containers.keys().cloned().collect();
        for id in ids {
            let listed = docker.listed(&docker.containers[&id]);
            let is_wanted = is_wanted(&listed, wanted);
            let container = match docker.inspect(&id) {
                Some(json) if is_wanted => {
                    images.insert(json["Image"].as_str().unwrap_or("").to_owned());
                    shapes::container(json, &names)
                }
                _ => shapes::listed_container(&listed, &names),
            };
            world.containers.insert(container.id.clone(), container);
        }
        for container in docker.containers.values() {
            for file in wanted.files.get(&container.name).into_iter().flatten() {
                let seen = container.files.get(&file.path).map_or(SeenFile::Missing, |put| seen(put, file));
                let files = world.files.entry(Id::Engine(container.id.clone())).or_default();
                files.insert(file.path.clone(), seen);
            }
        }
        for id in images {
            if let Some(json) = docker.inspect_image(&id) {
                shapes::add_image(&mut world, shapes::image(json));
            }
        }
        world
    }

    /// The names of all containers.
    pub fn names(&self) -> BTreeSet<String> {
        self.lock().containers.values().map(|container| container.name.clone()).collect()
    }

    /// What the programs wrote into each volume.
    pub fn contents(&self) -> BTreeMap<String, String> {
        let docker = self.lock();
        let written = docker.volumes.iter().filter_map(|(name, v)| Some((name.clone(), v.content.clone()?)));
        written.collect()
    }
}

impl Docker {
    fn network_names(&self) -> shapes::NetworkNames {
        let networks =
            self.networks.iter().map(|(id, json)| (Id::Engine(id.clone()), shapes::network(json.clone())));
        shapes::network_names(&networks.collect())
    }
}

fn is_wanted(listed: &Value, wanted: &Wanted) -> bool {
    let owner = Labels::new(Some(&listed["Labels"])).owner();
    owner.is_some() && owner == wanted.owner || wanted.names(&shapes::listed_name(listed))
}
