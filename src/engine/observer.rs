//! Reads a whole engine: the lists first, then everything wanted, several questions at once.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::client::Client;
use super::shapes::{self, NetworkNames};
use super::transport::{ANSWER, encoded};
use super::{Observe, ObserveError, Wanted, logs, registry_auth};
use crate::world::{
    Container, Engine, Id, Image, ImageReference, Labels, Owner, Remote, Role, SeenFile, World, label,
};

/// How long a registry may take, through the engine, to say what a tag points to.
const REGISTRY: Duration = Duration::from_secs(30);

#[async_trait]
impl Observe for Client {
    async fn world(&self, wanted: &Wanted) -> Result<World, ObserveError> {
        self.world_after(self.survey(), wanted).await
    }

    async fn remotes(&self, references: &BTreeSet<String>) -> Result<BTreeMap<String, Remote>, ObserveError> {
        let asked = at_once(references.iter().map(|reference| self.clone().remote(reference.clone())));
        let mut remotes = BTreeMap::new();
        for asked in asked {
            remotes.extend([answered(asked).await?]);
        }
        Ok(remotes)
    }

    async fn container(&self, id: &str) -> Result<Option<Container>, ObserveError> {
        let path = format!("/containers/{}/json", encoded(id));
        let Some(json) = self.ask_if_there(&path, &format!("inspect container `{id}`")).await? else {
            return Ok(None);
        };
        let networks =
            if lacks_network_ids(&json) { self.network_names().await? } else { NetworkNames::new() };
        Ok(Some(shapes::container(json, &networks)))
    }

    async fn files(&self, id: &str, paths: &[String]) -> Result<BTreeMap<String, SeenFile>, ObserveError> {
        let asked = at_once(paths.iter().map(|path| self.clone().whole_file(id.to_owned(), path.clone())));
        let mut files = BTreeMap::new();
        for asked in asked {
            files.extend([answered(asked).await?]);
        }
        Ok(files)
    }

    async fn states(&self) -> Result<Vec<(String, String)>, ObserveError> {
        let containers = self.ask("/containers/json?all=1", "list containers").await?;
        let mut states: Vec<(String, String)> = list(containers)
            .iter()
            .map(|json| (shapes::text(&json["Id"]), shapes::text(&json["State"])))
            .collect();
        states.sort();
        Ok(states)
    }

    async fn last_log_lines(&self, id: &str, lines: u32) -> Vec<String> {
        // A question may be given up.
        match tokio::time::timeout(self.transport().bound(ANSWER), logs::last_lines(self.docker(), id, lines))
            .await
        {
            Ok(Ok(lines)) => lines,
            // Log drivers that cannot be read say so; there is nothing to show then.
            Ok(Err(_)) | Err(_) => Vec::new(),
        }
    }

    fn requests(&self) -> u64 {
        self.transport().requests()
    }
}

/// The lists of everything that an engine has, and its facts: asked for, and not yet waited for.
pub struct Survey {
    facts: Asked<Engine>,
    containers: Asked<Value>,
    networks: Asked<Value>,
    volumes: Asked<Value>,
    images: Asked<Value>,
}

type Asked<T> = JoinHandle<Result<T, ObserveError>>;

impl Client {
    /// Begins to look at an engine, so that it answers while other things are done.
    pub fn survey(&self) -> Survey {
        let ask = |path: &'static str, what: &'static str| {
            let client = self.clone();
            tokio::spawn(async move { client.ask(path, what).await })
        };
        let client = self.clone();
        Survey {
            containers: ask("/containers/json?all=1", "list containers"),
            images: ask("/images/json?digests=1", "list images"),
            networks: ask("/networks", "list networks"),
            volumes: ask("/volumes", "list volumes"),
            // The slowest question: for its answer the engine runs other programs.
            facts: tokio::spawn(async move { client.engine().await }),
        }
    }

    /// The names of all images.
    ///
    /// # Errors
    /// If the engine cannot be reached or understood.
    pub async fn image_names(&self) -> Result<Vec<String>, ObserveError> {
        let images = list(self.ask("/images/json", "list images").await?);
        let names = images.iter().flat_map(|image| image["RepoTags"].as_array().into_iter().flatten());
        Ok(names.filter_map(|name| name.as_str().map(str::to_owned)).collect())
    }

    /// Reads the engine behind a survey in full, as far as it is wanted.
    ///
    /// # Errors
    /// If the engine cannot be reached or understood.
    pub async fn world_after(&self, survey: Survey, wanted: &Wanted) -> Result<World, ObserveError> {
        // The longest part begins before the lists say what there is: what is wanted has a name.
        let named = at_once(wanted.containers.iter().map(|name| self.clone().container_called(name.clone())));
        let tagged = at_once(wanted.images.iter().map(|tag| self.clone().image_called(tag.clone())));

        let Survey { facts, containers, networks, volumes, images } = survey;
        let mut world = World::default();
        for json in list(answered(networks).await?) {
            let network = shapes::network(json);
            world.networks.insert(network.id.clone(), network);
        }
        let networks = shapes::network_names(&world.networks);
        let mut volumes = answered(volumes).await?;
        for json in list(volumes.get_mut("Volumes").map(Value::take).unwrap_or_default()) {
            let volume = shapes::volume(json);
            world.volumes.insert(volume.name.clone(), volume);
        }

        let mut listed = list(answered(containers).await?);
        let locks = listed.extract_if(.., |json| !json["Labels"][label::LOCK].is_null());
        world.locks = locks.map(|json| shapes::listed_name(&json)).collect();
        for json in inspections(named).await? {
            world.containers.extend([keyed(shapes::container(json, &networks))]);
        }
        let busy = unfinished(&listed, wanted);
        let is_new = |json: &&Value| !world.containers.contains_key(&Id::Engine(shapes::text(&json["Id"])));
        let (more, others): (Vec<&Value>, Vec<&Value>) = listed
            .iter()
            .filter(is_new)
            .partition(|json| is_wanted(json, wanted) && !is_at_rest(json, &busy));
        let more =
            at_once(more.into_iter().map(|json| self.clone().inspect_container(shapes::text(&json["Id"]))));
        let others: Vec<_> =
            others.into_iter().map(|json| shapes::listed_container(json, &networks)).collect();
        for json in inspections(more).await? {
            world.containers.extend([keyed(shapes::container(json, &networks))]);
        }

        let files = self.files_of(&world, wanted);
        for json in list(answered(images).await?) {
            shapes::add_image(&mut world, shapes::listed_image(&json));
        }
        let mut image_ids: BTreeSet<Id> =
            world.containers.values().map(|container| container.image.clone()).collect();
        image_ids.extend(wanted.images.iter().filter_map(|reference| image_id(&world, reference)));
        for json in inspections(tagged).await? {
            let image = shapes::image(json);
            image_ids.remove(&image.id);
            shapes::add_image(&mut world, image);
        }
        image_ids.remove(&Id::Engine(String::new()));
        let more = at_once(image_ids.into_iter().map(|id| self.clone().inspect_image(id.to_string())));
        for image in more {
            if let Some(image) = answered(image).await? {
                shapes::add_image(&mut world, image);
            }
        }
        world.containers.extend(others.into_iter().map(keyed));
        for asked in files {
            let (container, path, seen) = answered(asked).await?;
            world.files.entry(container).or_default().insert(path, seen);
        }
        world.remotes = self.remotes(&wanted.remotes).await?;
        world.engine = answered(facts).await?;
        Ok(world)
    }

    /// Begins to look at the files that are wanted of the containers that are there.
    fn files_of(&self, world: &World, wanted: &Wanted) -> Vec<Asked<(Id, String, SeenFile)>> {
        let wanted = wanted.files.iter().filter_map(|(name, files)| Some((world.container(name)?, files)));
        let each = wanted
            .flat_map(|(container, files)| files.iter().map(|file| (container.id.clone(), file.clone())));
        at_once(each.map(|(container, file)| {
            let client = self.clone();
            async move {
                let seen = client.compared_file(&container.to_string(), &file).await?;
                Ok((container, file.path, seen))
            }
        }))
    }

    async fn inspect_container(self, id: String) -> Result<Option<Value>, ObserveError> {
        let path = format!("/containers/{}/json", encoded(&id));
        self.ask_if_there(&path, &format!("inspect container `{id}`")).await
    }

    /// Asks for a container by its name. The engine takes a name for the beginning of an id as well,
    /// and complains if several begin with it, so only a good answer counts; the list has the rest.
    async fn container_called(self, name: String) -> Result<Option<Value>, ObserveError> {
        self.ask_if_fine(&format!("/containers/{}/json", encoded(&name)), "inspect a container").await
    }

    /// The same for an image and a reference to it.
    async fn image_called(self, reference: String) -> Result<Option<Value>, ObserveError> {
        self.ask_if_fine(&format!("/images/{}/json", encoded(&reference)), "inspect an image").await
    }

    /// Looks at an image by its name or id.
    ///
    /// # Errors
    /// If the engine cannot be reached or understood.
    pub async fn image(&self, reference: &str) -> Result<Option<Image>, ObserveError> {
        self.clone().inspect_image(reference.to_owned()).await
    }

    pub(super) async fn inspect_image(self, reference: String) -> Result<Option<Image>, ObserveError> {
        let path = format!("/images/{}/json", encoded(&reference));
        Ok(self.ask_if_there(&path, &format!("inspect image `{reference}`")).await?.map(shapes::image))
    }

    async fn network_names(&self) -> Result<NetworkNames, ObserveError> {
        let networks = list(self.ask("/networks", "list networks").await?).into_iter().map(shapes::network);
        let networks = networks.map(|network| (network.id.clone(), network)).collect();
        Ok(shapes::network_names(&networks))
    }

    /// Lets the engine ask a registry what a tag points to. No answer is an answer too: unknown.
    async fn remote(self, reference: String) -> Result<(String, Remote), ObserveError> {
        let reference = ImageReference::parse(&reference).normal();
        let answer = match registry_auth::header(&reference, self.environment()).await {
            Ok(header) => {
                let path = format!("/distribution/{}/json", encoded(&reference));
                match self.transport().get_with(&path, header.into_iter().collect(), REGISTRY).await {
                    Ok(reply) if reply.status.is_success() => remote_digest(&reply.body),
                    Ok(reply)
                        if reply.status == StatusCode::NOT_FOUND && is_told_missing(&reply.message()) =>
                    {
                        Remote::Missing
                    }
                    Ok(reply) => Remote::Unknown(reply.message()),
                    Err(broken) => Remote::Unknown(broken.to_string()),
                }
            }
            Err(reason) => Remote::Unknown(reason),
        };
        Ok((reference, answer))
    }
}

/// Asks several questions side by side, as many as the transport lets through. What comes back is
/// read on all threads.
fn at_once<T, F>(questions: impl Iterator<Item = F>) -> Vec<Asked<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, ObserveError>> + Send + 'static,
{
    questions.map(tokio::spawn).collect()
}

/// Waits for inspections, and leaves out what is not there.
async fn inspections(asked: Vec<Asked<Option<Value>>>) -> Result<Vec<Value>, ObserveError> {
    let mut found = Vec::with_capacity(asked.len());
    for asked in asked {
        found.extend(answered(asked).await?);
    }
    Ok(found)
}

/// Waits for an answer.
async fn answered<T>(asked: Asked<T>) -> Result<T, ObserveError> {
    asked.await.unwrap_or_else(|error| {
        Err(ObserveError::Garbled { what: "observe".to_owned(), reason: error.to_string() })
    })
}

fn keyed(container: Container) -> (Id, Container) {
    (container.id.clone(), container)
}

/// The entries of a list that may be null.
fn list(json: Value) -> Vec<Value> {
    match json {
        Value::Array(entries) => entries,
        _ => Vec::new(),
    }
}

fn is_wanted(json: &Value, wanted: &Wanted) -> bool {
    let owner = Labels::new(Some(&json["Labels"])).owner();
    let is_ours = |ours: &Owner| owner.as_ref() == Some(ours);
    wanted.owner.as_ref().is_some_and(is_ours) || wanted.names(&shapes::listed_name(json))
}

/// The names around which something is not as a finished run leaves it, so that the containers that are kept
/// for them have to be known in full.
fn unfinished(listed: &[Value], wanted: &Wanted) -> BTreeSet<String> {
    let names: BTreeSet<String> = listed.iter().map(shapes::listed_name).collect();
    let mut busy = wanted.kept.clone();
    // What was made to run and never did may stand before what ran.
    let never_ran = listed.iter().filter(|json| json["State"] == "created").map(shapes::listed_name);
    busy.extend(never_ran);
    for name in &names {
        match Role::of(name) {
            Role::Newcomer { of, .. } | Role::Failed { of, .. } => drop(busy.insert(of)),
            Role::Retired { of, .. } if !names.contains(&of) => drop(busy.insert(of)),
            Role::Retired { .. } | Role::Current => {}
        }
    }
    busy
}

/// True for a container that was replaced, does not run, and concerns nobody: of it the list says enough.
fn is_at_rest(json: &Value, busy: &BTreeSet<String>) -> bool {
    let is_kept =
        matches!(Role::of(&shapes::listed_name(json)), Role::Retired { of, .. } if !busy.contains(&of));
    is_kept && json["State"] == "exited"
}

/// The image behind a reference. One that no list shows may still be asked for by its id.
fn image_id(world: &World, reference: &str) -> Option<Id> {
    match (world.image(reference), ImageReference::parse(reference)) {
        (Some(image), _) => Some(image.id.clone()),
        (None, ImageReference::Id(id)) => Some(Id::Engine(id)),
        (None, ImageReference::Named { .. }) => None,
    }
}

fn lacks_network_ids(json: &Value) -> bool {
    let attached: Option<&serde_json::Map<String, Value>> = json["NetworkSettings"]["Networks"].as_object();
    attached.is_some_and(|attached| {
        attached.values().any(|endpoint| endpoint["NetworkID"].as_str().unwrap_or_default().is_empty())
    })
}

fn remote_digest(body: &[u8]) -> Remote {
    let told: BTreeMap<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    match told.get("Descriptor").and_then(|descriptor| descriptor["digest"].as_str()) {
        Some(digest) => Remote::of_digest(digest),
        None => Remote::Unknown("the engine's answer has no digest".to_owned()),
    }
}

/// An engine without this question answers 404 as well, but not about a manifest.
fn is_told_missing(message: &str) -> bool {
    let message = message.to_lowercase();
    !message.contains("page not found") && (message.contains("manifest") || message.contains("not found"))
}
