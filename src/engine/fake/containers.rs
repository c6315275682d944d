//! Making, renaming, updating and removing containers.

use serde_json::{Map, Value, json};

use super::config;
use super::docker::{Container, Docker, Link, No, Status, no};
use crate::world::ImageReference;

impl Docker {
    pub fn create_container(&mut self, name: &str, body: &Value) -> Result<String, No> {
        if self.containers.values().any(|container| container.name == name) {
            return Err(no(409, format!("Conflict. The container name \"/{name}\" is already in use")));
        }
        let asked = body["Image"].as_str().unwrap_or("");
        let image = self.find_image(asked).ok_or_else(|| no(404, format!("No such image: {asked}")))?;
        let endpoints = body["NetworkingConfig"]["EndpointsConfig"].as_object().cloned().unwrap_or_default();
        if endpoints.len() > 1 {
            return Err(no(400, "Container cannot be connected to network endpoints"));
        }
        let id = self.chance.hex();
        let short: String = id.chars().take(12).collect();
        let image_config = self.images[&image].config.clone();
        let config = config::merged(body, &image_config, &short);
        if no_words(&config["Entrypoint"]) && no_words(&config["Cmd"]) {
            return Err(no(400, "No command specified"));
        }
        let mut host = config::host(&body["HostConfig"]);
        check_restart(&host["RestartPolicy"])?;
        if let Some(joined) = host["NetworkMode"].as_str().and_then(|mode| mode.strip_prefix("container:")) {
            let joined =
                self.container_id(joined).ok_or_else(|| no(404, format!("No such container: {joined}")))?;
            host["NetworkMode"] = json!(format!("container:{joined}"));
        }
        let mut links = Vec::new();
        for link in host["Links"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let (other, alias) = link.split_once(':').unwrap_or((link, link));
            let to = self
                .container_id(other)
                .ok_or_else(|| no(404, format!("could not get container for {other}")))?;
            links.push(Link { name: self.containers[&to].name.clone(), to, alias: alias.to_owned() });
        }
        let mounts = self.mounts(&config, &host)?;
        let networks = self.first_networks(&host, endpoints);
        let created = self.clock;
        let container = Container {
            id: id.clone(),
            name: name.to_owned(),
            image,
            status: Status::Created,
            files: std::collections::BTreeMap::new(),
            exit_code: 0,
            error: String::new(),
            created,
            started: 0,
            finished: 0,
            stopped_by_hand: false,
            config,
            host,
            networks,
            mounts,
            links,
            ports: json!({}),
        };
        self.containers.insert(id.clone(), container);
        Ok(id)
    }

    /// Everything that is mounted; volumes that are not there are made.
    fn mounts(&mut self, config: &Value, host: &Value) -> Result<Vec<Value>, No> {
        let mut mounts: Vec<Value> = Vec::new();
        for bind in host["Binds"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut parts = bind.split(':');
            let (source, target) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
            let mode = parts.next().unwrap_or("");
            let writes = !mode.split(',').any(|option| option == "ro");
            if source.starts_with('/') {
                mounts.push(
                    json!({"Type": "bind", "Source": source, "Destination": clean(target), "Mode": mode,
                    "RW": writes, "Propagation": "rprivate"}),
                );
            } else {
                let mode = if mode.is_empty() { "z" } else { mode };
                mounts.push(self.volume_mount(source, target, mode, writes));
            }
        }
        for mount in host["Mounts"].as_array().into_iter().flatten() {
            let target = mount["Target"].as_str().unwrap_or("");
            let source = mount["Source"].as_str().unwrap_or("").to_owned();
            let writes = mount["ReadOnly"] != true;
            match mount["Type"].as_str() {
                Some("bind") => mounts
                    .push(json!({"Type": "bind", "Source": source, "Destination": clean(target),
                    "Mode": "", "RW": writes, "Propagation": "rprivate"})),
                Some("volume") => {
                    let name = if source.is_empty() { self.chance.hex() } else { source };
                    mounts.push(self.volume_mount(&name, target, "z", writes));
                }
                other => return Err(no(400, format!("mount type unknown: {other:?}"))),
            }
        }
        let in_memory: Vec<String> =
            host["Tmpfs"].as_object().into_iter().flatten().map(|(path, _)| clean(path)).collect();
        let paths: Vec<String> =
            config["Volumes"].as_object().into_iter().flatten().map(|(path, _)| clean(path)).collect();
        for path in paths {
            if !in_memory.contains(&path) && !mounts.iter().any(|mount| mount["Destination"] == path) {
                let name = self.chance.hex();
                mounts.push(self.volume_mount(&name, &path, "", true));
            }
        }
        Ok(mounts)
    }

    fn volume_mount(&mut self, name: &str, target: &str, mode: &str, writes: bool) -> Value {
        if !self.volumes.contains_key(name) {
            self.create_volume(name, &json!({}));
        }
        json!({"Type": "volume", "Name": name, "Source": format!("/var/lib/docker/volumes/{name}/_data"),
            "Destination": clean(target), "Driver": "local", "Mode": mode, "RW": writes, "Propagation": ""})
    }

    /// What a container is attached to before it ever ran: keys as they were typed, no ids.
    fn first_networks(&self, host: &Value, endpoints: Map<String, Value>) -> Map<String, Value> {
        let mode = host["NetworkMode"].as_str().unwrap_or("default");
        if mode.starts_with("container:") {
            return Map::new();
        }
        let name = if mode == "default" { "bridge" } else { mode };
        let mut networks = Map::new();
        if endpoints.is_empty() {
            let name = self.network_id(name).map_or(json!(name), |id| self.networks[&id]["Name"].clone());
            networks.insert(name.as_str().unwrap_or("").to_owned(), super::networks::endpoint(&json!({})));
        }
        for (name, settings) in endpoints {
            networks.insert(name, super::networks::endpoint(&settings));
        }
        networks
    }

    pub fn rename(&mut self, id: &str, to: &str) -> Result<(), No> {
        let now = self.container(id)?.name.clone();
        if now == to {
            return Err(no(400, "Renaming a container with the same name as its current name"));
        }
        if self.containers.values().any(|container| container.name == to) {
            return Err(no(409, format!("Conflict. The container name \"/{to}\" is already in use")));
        }
        let renamed = self.container(id)?;
        to.clone_into(&mut renamed.name);
        let id = renamed.id.clone();
        let links = self.containers.values_mut().flat_map(|container| &mut container.links);
        links.filter(|link| link.to == id).for_each(|link| to.clone_into(&mut link.name));
        Ok(())
    }

    /// Zero and the empty text mean "leave alone".
    pub fn update(&mut self, id: &str, body: &Value) -> Result<(), No> {
        let container = self.container(id)?;
        let old = container.host.clone();
        let mut host = container.host.clone();
        for (key, value) in body.as_object().into_iter().flatten() {
            match key.as_str() {
                "PidsLimit" => {
                    let limited = value.as_i64().is_some_and(|limit| limit > 0);
                    host[key.as_str()] = if limited { value.clone() } else { Value::Null };
                }
                "RestartPolicy" => {
                    check_restart(value)?;
                    if value["Name"].as_str().is_some_and(|name| !name.is_empty()) {
                        host[key.as_str()] = value.clone();
                    }
                }
                "Memory" | "NanoCpus" if value.as_i64().is_some_and(|number| number < 0) => {
                    return Err(no(400, format!("invalid {key}")));
                }
                _ if value.as_i64() == Some(0) || value.as_str() == Some("") || value.is_null() => {}
                _ => host[key.as_str()] = value.clone(),
            }
        }
        let number = |json: &Value, key: &str| json[key].as_i64().unwrap_or(0);
        let swap = number(&host, "MemorySwap");
        if number(&host, "Memory") != number(&old, "Memory") && swap > 0 && number(&host, "Memory") > swap {
            return Err(no(409, "Memory limit should be smaller than already set memoryswap limit"));
        }
        container.host = host;
        Ok(())
    }

    /// Never its volumes.
    pub fn remove_container(&mut self, id: &str) -> Result<(), No> {
        let Some(id) = self.container_id(id) else { return Ok(()) };
        if self.containers[&id].is_up() {
            return Err(no(409, "You cannot remove a running container. Stop the container before removing"));
        }
        self.containers.remove(&id);
        Ok(())
    }

    pub fn create_volume(&mut self, name: &str, body: &Value) {
        let created = super::shown::time(self.clock);
        let driver = body["Driver"].as_str().filter(|driver| !driver.is_empty()).unwrap_or("local");
        let json = json!({
            "CreatedAt": created, "Driver": driver, "Labels": body["Labels"], "Name": name,
            "Mountpoint": format!("/var/lib/docker/volumes/{name}/_data"),
            "Options": body["DriverOpts"], "Scope": "local",
        });
        // Another one of the same name is left as it is, and that is no error.
        self.volumes.entry(name.to_owned()).or_insert(super::docker::Volume { json, content: None });
    }

    pub fn remove_volume(&mut self, name: &str) -> Result<(), No> {
        let uses = |container: &Container| container.mounts.iter().any(|mount| mount["Name"] == name);
        if let Some(user) = self.containers.values().find(|container| uses(container)) {
            return Err(no(409, format!("remove {name}: volume is in use - [{}]", user.id)));
        }
        self.volumes.remove(name);
        Ok(())
    }

    /// The id of the image behind a reference.
    pub fn find_image(&self, reference: &str) -> Option<String> {
        let wanted = ImageReference::parse(reference);
        let normal = wanted.normal();
        let is_tagged = |tag: &String| ImageReference::parse(tag).normal() == normal;
        let found = self.images.iter().find(|(id, image)| {
            image.tags.iter().any(is_tagged)
                || image.digests.iter().any(is_tagged)
                || matches!(&wanted, ImageReference::Id(short) if id.starts_with(short.as_str()))
        });
        found.map(|(id, _)| id.clone()).or_else(|| {
            // A digest counts whatever tag stands before it.
            let digest = wanted.digest()?;
            let has = |image: &super::docker::Image| image.digests.iter().any(|d| d.ends_with(digest));
            self.images.iter().find(|(_, image)| has(image)).map(|(id, _)| id.clone())
        })
    }
}

fn no_words(list: &Value) -> bool {
    list.as_array().is_none_or(|words| words.iter().all(|word| word == ""))
}

fn check_restart(policy: &Value) -> Result<(), No> {
    let times = policy["MaximumRetryCount"].as_i64().unwrap_or(0);
    match policy["Name"].as_str().unwrap_or("") {
        "on-failure" => Ok(()),
        "" | "no" | "always" | "unless-stopped" if times == 0 => Ok(()),
        name => Err(no(400, format!("invalid restart policy: {name}"))),
    }
}

fn clean(path: &str) -> String {
    if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path.to_owned() }
}
