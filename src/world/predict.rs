//! What the world will look like after a step, or why the engine would refuse it. Not a copy of
//! dockerd: a refusal or a derived value is here only because a scenario on a real engine needed it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::claims::subnets;
use super::{
    Archive, Attributes, Container, Endpoint, Id, Image, ImageReference, Naming, Network, Refusal, RunState,
    SeenFile, Step, Target, Volume, World,
};

impl World {
    /// Advances the world by one step.
    ///
    /// # Errors
    /// Refuses what the engine would refuse, as far as a scenario on a real engine needed it.
    pub fn predict(&mut self, step: &Step) -> Result<(), Refusal> {
        match step {
            Step::PullImage { image, reference, digest, .. } => {
                let digests =
                    digest.iter().map(|digest| format!("{}@{digest}", repository(reference))).collect();
                self.add_image(image, reference, digests, json!({}));
            }
            Step::BuildImage { image, build } => {
                let known = json!({"Config": {"Labels": build.labels}});
                match build.naming {
                    Naming::Named => self.add_image(image, &build.tag, Vec::new(), known),
                    Naming::Unnamed => {
                        let attributes = Attributes::partial(known);
                        let unnamed = Image { id: image.clone(), digests: Vec::new(), attributes };
                        self.images.insert(image.clone(), unnamed);
                    }
                }
            }
            Step::LoadImage { image, reference, .. } => {
                self.add_image(image, reference, Vec::new(), json!({}));
            }
            Step::TagImage { image, reference } => {
                self.image_mut(image)?;
                self.tags.insert(ImageReference::parse(reference).normal(), image.id.clone());
            }
            Step::PushImage { image, reference } => {
                self.image_mut(image)?;
                // Which digest it gets is for the engine to say.
                self.remotes.remove(&ImageReference::parse(reference).normal());
            }
            Step::SaveImage { image, path, .. } => {
                self.image_mut(image)?;
                self.archives.insert(path.clone(), Archive::Holds([image.id.to_string()].into()));
            }
            Step::RemoveImage { image, reference } => self.remove_image(image, reference)?,

            Step::CreateNetwork { network, body } => self.create_network(network, body)?,
            Step::RemoveNetwork { network } => self.remove_network(network)?,
            Step::Connect { network, container, endpoint } => self.connect(network, container, endpoint)?,
            Step::Disconnect { network, container } => {
                let removed = self.container_mut(container)?.networks.remove(&network.name);
                if removed.is_none() {
                    return Err(Refusal::NotAttached {
                        container: container.name.clone(),
                        network: network.name.clone(),
                    });
                }
            }

            Step::CreateVolume { name, body } => {
                let mut attributes = Attributes::partial(body.clone());
                // The API calls the options by another name when it shows them.
                attributes.set("Options", body["DriverOpts"].clone());
                let volume = Volume { name: name.clone(), attributes };
                self.volumes.insert(name.clone(), volume);
            }
            Step::RemoveVolume { name } => self.remove_volume(name)?,

            Step::CreateContainer { container, image, body } => {
                self.create_container(container, image, body)?
            }
            Step::CreateTrial { container, image, trial } => {
                self.create_container(container, image, &trial.body())?;
            }
            Step::AwaitEnd { container, .. } => {
                let container = self.container_mut(container)?;
                if !matches!(container.state, RunState::Running | RunState::Restarting) {
                    return Err(wrong_state(container));
                }
                container.state = RunState::Exited { code: 0 };
            }
            Step::PutFiles { container, files, .. } => {
                self.container_mut(container)?;
                let seen = self.files.entry(container.id.clone()).or_default();
                seen.extend(files.iter().map(|file| (file.path.clone(), SeenFile::AsWanted)));
            }
            Step::StartContainer { container } => self.start(container)?,
            Step::StopContainer { container, .. } => {
                self.container_mut(container)?.state = RunState::Exited { code: 0 };
            }
            Step::RestartContainer { container, .. } => {
                self.container_mut(container)?.state = RunState::Exited { code: 0 };
                self.start(container)?;
            }
            Step::UnpauseContainer { container } => {
                let container = self.container_mut(container)?;
                if container.state != RunState::Paused {
                    return Err(wrong_state(container));
                }
                container.state = RunState::Running;
            }
            Step::RenameContainer { container, to } => {
                self.name_is_free(to)?;
                self.rename_in_links(&container.id, to);
                self.container_mut(container)?.name.clone_from(to);
            }
            Step::UpdateContainer { container, body } => {
                let container = self.container_mut(container)?;
                for (key, value) in body.as_object().into_iter().flatten() {
                    container.attributes.set(&format!("HostConfig.{key}"), value.clone());
                }
            }
            Step::RemoveContainer { container } | Step::RemoveTrial { container } => {
                let found = self.container_mut(container)?;
                if found.state.is_up() {
                    return Err(wrong_state(found));
                }
                self.containers.remove(&container.id);
            }
            Step::SignalContainer { container, .. }
            | Step::Settle { container, .. }
            | Step::AwaitHealthy { container, .. }
            | Step::Watch { container, .. } => {
                let container = self.container_mut(container)?;
                if container.state != RunState::Running {
                    return Err(wrong_state(container));
                }
            }
            Step::RunHook { hook } => {
                if let Some(container) = hook.container() {
                    let container = self.container_mut(container)?;
                    if container.state != RunState::Running {
                        return Err(wrong_state(container));
                    }
                }
            }
            Step::CheckCommand { .. } => {}
        }
        Ok(())
    }

    fn container_mut(&mut self, target: &Target) -> Result<&mut Container, Refusal> {
        self.containers.get_mut(&target.id).ok_or_else(|| missing("container", &target.name))
    }

    fn name_is_free(&self, name: &str) -> Result<(), Refusal> {
        match self.container(name) {
            Some(_) => Err(Refusal::NameTaken { kind: "container", name: name.to_owned() }),
            None => Ok(()),
        }
    }

    fn image_mut(&mut self, target: &Target) -> Result<&mut Image, Refusal> {
        self.images.get_mut(&target.id).ok_or_else(|| missing("image", &target.name))
    }

    fn add_image(&mut self, id: &Id, reference: &str, digests: Vec<String>, known: Value) {
        let image = Image { id: id.clone(), digests, attributes: Attributes::partial(known) };
        self.images.insert(id.clone(), image);
        self.tags.insert(ImageReference::parse(reference).normal(), id.clone());
    }

    fn remove_image(&mut self, image: &Target, reference: &str) -> Result<(), Refusal> {
        let normal = ImageReference::parse(reference).normal();
        let other_tags = self.tags.iter().any(|(tag, id)| *id == image.id && *tag != normal);
        let by: Vec<_> =
            self.containers.values().filter(|c| c.image == image.id).map(|c| c.name.clone()).collect();
        if !other_tags && !by.is_empty() {
            return Err(Refusal::ImageInUse { name: image.name.clone(), by });
        }
        self.tags.remove(&normal);
        if !other_tags {
            self.images.remove(&image.id);
        }
        Ok(())
    }

    fn create_network(&mut self, target: &Target, body: &Value) -> Result<(), Refusal> {
        if self.network(&target.name).is_some() {
            return Err(Refusal::NameTaken { kind: "network", name: target.name.clone() });
        }
        for subnet in subnets(body) {
            for other in self.networks.values() {
                if let Some(taken) =
                    subnets(other.attributes.json()).into_iter().find(|o| o.overlaps(&subnet))
                {
                    return Err(Refusal::SubnetOverlap {
                        subnet: subnet.to_string(),
                        other: taken.to_string(),
                        by: other.name.clone(),
                    });
                }
            }
        }
        let network = Network {
            id: target.id.clone(),
            name: target.name.clone(),
            attributes: Attributes::partial(body.clone()),
        };
        self.networks.insert(target.id.clone(), network);
        Ok(())
    }

    /// The engine refuses while a running container is attached; a stopped one would not start
    /// again afterwards, so that is a refusal too.
    fn remove_network(&mut self, target: &Target) -> Result<(), Refusal> {
        let by: Vec<_> = self.attached(&target.id).map(|container| container.name.clone()).collect();
        if !by.is_empty() {
            return Err(Refusal::NetworkInUse { name: target.name.clone(), by });
        }
        self.networks.remove(&target.id).map(|_| ()).ok_or_else(|| missing("network", &target.name))
    }

    /// The containers that are attached to a network, running or not.
    pub fn attached<'a>(&'a self, network: &'a Id) -> impl Iterator<Item = &'a Container> {
        self.containers.values().filter(move |c| c.networks.values().any(|e| e.network == *network))
    }

    fn connect(&mut self, network: &Target, container: &Target, endpoint: &Value) -> Result<(), Refusal> {
        if !self.networks.contains_key(&network.id) {
            return Err(missing("network", &network.name));
        }
        let found = self.container_mut(container)?;
        if found.networks.contains_key(&network.name) {
            return Err(Refusal::Attached { container: found.name.clone(), network: network.name.clone() });
        }
        let endpoint = Endpoint { network: network.id.clone(), settings: endpoint.clone() };
        found.networks.insert(network.name.clone(), endpoint);
        Ok(())
    }

    fn remove_volume(&mut self, name: &str) -> Result<(), Refusal> {
        let by: Vec<_> = self.volume_users(name).map(|container| container.name.clone()).collect();
        if !by.is_empty() {
            return Err(Refusal::VolumeInUse { name: name.to_owned(), by });
        }
        self.volumes.remove(name).map(|_| ()).ok_or_else(|| missing("volume", name))
    }

    /// The containers that mount a volume, running or not.
    pub fn volume_users<'a>(&'a self, volume: &'a str) -> impl Iterator<Item = &'a Container> {
        self.containers.values().filter(move |container| container.volumes().any(|name| name == volume))
    }

    fn create_container(&mut self, target: &Target, image: &Id, body: &Value) -> Result<(), Refusal> {
        self.name_is_free(&target.name)?;
        if !self.images.contains_key(image) {
            return Err(missing("image", body["Image"].as_str().unwrap_or("")));
        }
        let attributes = Attributes::partial(inspect_shape(body));
        let mut container = Container {
            id: target.id.clone(),
            name: target.name.clone(),
            state: RunState::Created,
            image: image.clone(),
            networks: BTreeMap::new(),
            attributes,
        };
        self.check_lenders(&container)?;
        container.networks = self.first_endpoints(body)?;
        for name in container.volumes().map(str::to_owned).collect::<Vec<_>>() {
            self.volumes.entry(name.clone()).or_insert_with(|| Volume {
                name,
                attributes: Attributes::partial(json!({"Driver": "local"})),
            });
        }
        self.containers.insert(target.id.clone(), container);
        Ok(())
    }

    fn first_endpoints(&self, body: &Value) -> Result<BTreeMap<String, Endpoint>, Refusal> {
        let mut endpoints = BTreeMap::new();
        if let Some(configured) = body["NetworkingConfig"]["EndpointsConfig"].as_object() {
            for (name, settings) in configured {
                let network = self.network(name).ok_or_else(|| missing("network", name))?;
                endpoints.insert(
                    network.name.clone(),
                    Endpoint { network: network.id.clone(), settings: settings.clone() },
                );
            }
        }
        if body["NetworkDisabled"] == true {
            return Ok(BTreeMap::new());
        }
        let mode = body["HostConfig"]["NetworkMode"].as_str().unwrap_or("");
        let name = if matches!(mode, "" | "default") { "bridge" } else { mode };
        if endpoints.is_empty()
            && !name.starts_with("container:")
            && let Some(network) = self.network(name)
        {
            endpoints.insert(
                name.to_owned(),
                Endpoint { network: network.id.clone(), settings: Value::Object(Map::new()) },
            );
        }
        Ok(endpoints)
    }

    fn start(&mut self, target: &Target) -> Result<(), Refusal> {
        let container = self.containers.get(&target.id).ok_or_else(|| missing("container", &target.name))?;
        for claim in container.claims() {
            if let Some(holder) = self.holder(&claim, &target.id) {
                return Err(Refusal::ClaimTaken { claim: claim.to_string(), by: holder.name.clone() });
            }
        }
        if let Some(endpoint) =
            container.networks.iter().find(|(_, e)| !self.networks.contains_key(&e.network))
        {
            return Err(missing("network", endpoint.0));
        }
        self.check_joined(container)?;
        self.check_links(container)?;
        let container = self.container_mut(target)?;
        container.state = RunState::Running;
        // What it went through before has no meaning any more.
        container.attributes.forget("State.Health");
        container.attributes.forget("RestartCount");
        Ok(())
    }
}

impl Container {
    /// Names of the volumes that it mounts.
    pub fn volumes(&self) -> impl Iterator<Item = &str> {
        let array = |path| self.attributes.at(path).known().and_then(Value::as_array).into_iter().flatten();
        let observed =
            array("Mounts").filter(|mount| mount["Type"] == "volume").filter_map(|m| m["Name"].as_str());
        let bound = array("HostConfig.Binds")
            .filter_map(|bind| bind.as_str()?.split(':').next())
            .filter(|source| !source.starts_with('/'));
        let mounted = array("HostConfig.Mounts")
            .filter(|mount| mount["Type"] == "volume")
            .filter_map(|mount| mount["Source"].as_str())
            .filter(|source| !source.is_empty());
        observed.chain(bound).chain(mounted)
    }
}

/// Turns what a create call takes into the shape in which inspect shows it.
fn inspect_shape(body: &Value) -> Value {
    let mut config = body.as_object().cloned().unwrap_or_default();
    let host = config.shift_remove("HostConfig").unwrap_or_else(|| json!({}));
    config.shift_remove("NetworkingConfig");
    json!({"Config": config, "HostConfig": host})
}

fn repository(reference: &str) -> String {
    match ImageReference::parse(reference) {
        ImageReference::Named { registry, repository, .. } => format!("{registry}/{repository}"),
        ImageReference::Id(id) => id,
    }
}

fn missing(kind: &'static str, name: &str) -> Refusal {
    Refusal::Missing { kind, name: name.to_owned() }
}

fn wrong_state(container: &Container) -> Refusal {
    Refusal::WrongState { name: container.name.clone(), state: container.state.word() }
}
