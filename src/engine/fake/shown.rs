//! How the fake engine shows what it keeps: inspect JSON and list JSON, as the real ones do.

use serde_json::{Map, Value, json};

use super::docker::{Container, Docker, Image, Status};
use super::lifecycle::health;

/// A time as the engine writes it; 0 is never.
pub(super) fn time(seconds: i64) -> String {
    if seconds == 0 {
        return "0001-01-01T00:00:00Z".to_owned();
    }
    let shown = jiff::Timestamp::from_second(seconds).map(|time| time.to_string());
    shown.unwrap_or_default()
}

impl Docker {
    pub fn inspect(&mut self, id: &str) -> Option<Value> {
        let container = self.containers.get(id)?.clone();
        let mut host = container.host.clone();
        let links: Vec<String> = container
            .links
            .iter()
            .map(|link| format!("/{}:/{}/{}", link.name, container.name, link.alias))
            .collect();
        host["Links"] = if links.is_empty() { Value::Null } else { json!(links) };
        let mut mounts = container.mounts.clone();
        self.chance.shuffle(&mut mounts);
        let mut state = json!({
            "Status": word(container.status),
            "Running": container.is_up(), "Paused": container.status == Status::Paused,
            "Restarting": container.status == Status::Restarting, "OOMKilled": false, "Dead": false,
            "Pid": if container.is_up() { 4242 } else { 0 }, "ExitCode": container.exit_code,
            "Error": container.error, "StartedAt": time(container.started),
            "FinishedAt": time(container.finished),
        });
        if let Some(status) = health(&container) {
            state["Health"] = json!({"Status": status, "FailingStreak": 0, "Log": []});
        }
        Some(json!({
            "Id": container.id, "Created": time(container.created), "Path": "", "Args": [], "State": state,
            "Image": container.image, "Name": format!("/{}", container.name), "RestartCount": 0,
            "Driver": "overlay2", "Platform": "linux", "HostConfig": host, "Mounts": mounts,
            "Config": container.config,
            "NetworkSettings": {"Ports": container.ports, "Networks": self.shuffled(&container.networks)},
        }))
    }

    fn shuffled(&mut self, map: &Map<String, Value>) -> Value {
        let mut entries: Vec<_> = map.iter().collect();
        self.chance.shuffle(&mut entries);
        Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    pub fn listed(&self, container: &Container) -> Value {
        let status = match container.status {
            Status::Exited => format!("Exited ({}) 5 minutes ago", container.exit_code),
            other => word(other).to_owned(),
        };
        let mut ports = Vec::new();
        for (port, hosts) in container.ports.as_object().into_iter().flatten() {
            let (private, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
            for host in hosts.as_array().into_iter().flatten() {
                let public: u64 = host["HostPort"].as_str().and_then(|port| port.parse().ok()).unwrap_or(0);
                let private: u64 = private.parse().unwrap_or(0);
                ports.push(json!({"IP": host["HostIp"], "PrivatePort": private, "PublicPort": public, "Type": protocol}));
            }
        }
        let mut names = vec![format!("/{}", container.name)];
        for parent in self.containers.values() {
            let linked = parent.links.iter().filter(|link| link.to == container.id);
            names.extend(linked.map(|link| format!("/{}/{}", parent.name, link.alias)));
        }
        names.reverse();
        json!({
            "Id": container.id, "Names": names, "Image": container.config["Image"], "ImageID": container.image,
            "Command": "", "Created": container.created, "Ports": ports, "Labels": container.config["Labels"],
            "State": word(container.status), "Status": status,
            "HostConfig": {"NetworkMode": container.host["NetworkMode"]},
            "NetworkSettings": {"Networks": container.networks}, "Mounts": container.mounts,
        })
    }

    pub fn inspect_image(&mut self, id: &str) -> Option<Value> {
        let image = self.images.get(id)?.clone();
        let mut tags = image.tags.clone();
        self.chance.shuffle(&mut tags);
        Some(json!({
            "Id": id, "RepoTags": tags, "RepoDigests": image.digests, "Created": time(image.created),
            "Config": config_of(&image), "Architecture": "amd64", "Os": "linux", "Size": 1000,
            "Metadata": {"LastTagTime": time(image.tagged)},
        }))
    }

    pub fn listed_image(&self, id: &str, image: &Image) -> Value {
        json!({
            "Id": id, "RepoTags": image.tags, "RepoDigests": image.digests, "Created": image.created,
            "Labels": image.config["Labels"], "Size": 1000,
        })
    }
}

/// An image's config, with everything that the engine shows.
fn config_of(image: &Image) -> Value {
    let mut config = json!({
        "Hostname": "", "User": "", "Env": null, "Cmd": null, "Volumes": null, "WorkingDir": "",
        "Entrypoint": null, "Labels": null,
    });
    for (key, value) in image.config.as_object().into_iter().flatten() {
        config[key.as_str()] = value.clone();
    }
    config
}

pub(super) fn word(status: Status) -> &'static str {
    match status {
        Status::Created => "created",
        Status::Running => "running",
        Status::Paused => "paused",
        Status::Restarting => "restarting",
        Status::Exited => "exited",
    }
}
