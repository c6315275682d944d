//! Starting and stopping containers, and what their programs do then. A program is the first word
//! of its command: `missing` cannot be started, `exit 3` ends at once, `unhealthy` never passes its
//! healthcheck; everything else serves.

use serde_json::json;

use super::docker::{Container, Docker, No, Status, no};
use super::networks::host_ports;

impl Docker {
    pub fn start(&mut self, id: &str) -> Result<(), No> {
        let container = self.container(id)?.clone();
        match container.status {
            Status::Running | Status::Restarting => return Err(no(304, "")),
            Status::Paused => return Err(no(409, "cannot start a paused container, try unpause instead")),
            Status::Created | Status::Exited => {}
        }
        if let Err(error) = self.may_start(&container) {
            self.could_not_start(&container.id, &error.message);
            return Err(error);
        }
        let words = words(&container);
        if words.first().is_some_and(|word| word == "missing") {
            let message = "exec: \"missing\": executable file not found in $PATH";
            self.could_not_start(&container.id, message);
            self.container(id)?.exit_code = 127;
            return Err(no(400, message));
        }
        self.attach_all(&container.id);
        let ports = self.bind_ports(&container);
        let now = self.clock;
        let written: Vec<String> =
            container.mounts.iter().filter_map(|m| m["Name"].as_str().map(str::to_owned)).collect();
        for name in written {
            if let Some(volume) = self.volumes.get_mut(&name) {
                volume.content.get_or_insert_with(|| format!("written by {}", container.short_id()));
            }
        }
        let container = self.container(id)?;
        container.status = Status::Running;
        container.started = now;
        container.error.clear();
        container.exit_code = 0;
        container.stopped_by_hand = false;
        container.ports = ports;
        if words.first().is_some_and(|word| word == "exit") {
            let code = words.get(1).and_then(|code| code.parse().ok()).unwrap_or(0);
            self.ends(id, code)?;
        }
        Ok(())
    }

    fn may_start(&self, container: &Container) -> Result<(), No> {
        if let Some(joined) = container.joins() {
            let owner =
                self.containers.get(joined).ok_or_else(|| no(404, format!("No such container: {joined}")))?;
            if owner.status != Status::Running {
                return Err(no(409, "cannot join network of a non running container"));
            }
        }
        for link in &container.links {
            if !self.containers.get(&link.to).is_some_and(Container::is_up) {
                let (to, alias) = (&link.name, &link.alias);
                return Err(no(
                    409,
                    format!("Cannot link to a non running container: /{to} AS /{}/{alias}", container.name),
                ));
            }
        }
        self.may_attach(container)?;
        for (address, port, protocol) in host_ports(&container.host["PortBindings"]) {
            if let Some(holder) = self.port_holder(&container.id, &address, &port, &protocol) {
                return Err(no(
                    500,
                    format!("Bind for {address}:{port} failed: port is already allocated (by {holder})"),
                ));
            }
        }
        Ok(())
    }

    /// The traces of a start that failed.
    pub fn could_not_start(&mut self, id: &str, message: &str) {
        if let Ok(container) = self.container(id) {
            if container.is_up() {
                return;
            }
            message.clone_into(&mut container.error);
            if container.exit_code == 0 {
                container.exit_code = 128;
            }
        }
    }

    /// A program ended by itself.
    fn ends(&mut self, id: &str, code: i64) -> Result<(), No> {
        let now = self.clock;
        let container = self.container(id)?;
        let policy = container.host["RestartPolicy"]["Name"].as_str().unwrap_or("");
        let comes_back = match policy {
            "always" | "unless-stopped" => true,
            "on-failure" => code != 0,
            _ => false,
        };
        container.status = if comes_back { Status::Restarting } else { Status::Exited };
        container.exit_code = code;
        container.finished = now;
        if !comes_back {
            container.ports = json!({});
            self.detach_all(id);
        }
        Ok(())
    }

    pub fn stop(&mut self, id: &str) -> Result<(), No> {
        let now = self.clock;
        let container = self.container(id)?;
        container.stopped_by_hand = true;
        if !container.is_up() {
            return Err(no(304, ""));
        }
        container.status = Status::Exited;
        container.exit_code = 0;
        container.finished = now;
        container.ports = json!({});
        self.detach_all(id);
        Ok(())
    }

    pub fn restart(&mut self, id: &str) -> Result<(), No> {
        let _ = self.stop(id);
        self.tick();
        self.start(id)
    }

    pub fn signal(&mut self, id: &str, signal: &str) -> Result<(), No> {
        let container = self.container(id)?;
        if !matches!(container.status, Status::Running | Status::Paused) {
            return Err(no(409, format!("Container {id} is not running")));
        }
        if matches!(signal, "KILL" | "SIGKILL" | "TERM" | "SIGTERM") {
            container.stopped_by_hand = true;
            let (now, code) = (self.clock, 137);
            let container = self.container(id)?;
            container.status = Status::Exited;
            container.exit_code = code;
            container.finished = now;
            container.ports = json!({});
            self.detach_all(id);
        }
        Ok(())
    }

    pub fn pause(&mut self, id: &str) -> Result<(), No> {
        let container = self.container(id)?;
        if container.status != Status::Running {
            return Err(no(409, "is not running"));
        }
        container.status = Status::Paused;
        Ok(())
    }

    pub fn unpause(&mut self, id: &str) -> Result<(), No> {
        let container = self.container(id)?;
        if container.status != Status::Paused {
            return Err(no(500, "Container is not paused"));
        }
        container.status = Status::Running;
        Ok(())
    }

    /// Looks as long as a gate would.
    pub fn settle(&mut self, id: &str) -> Result<(), String> {
        let container = self.container(id).map_err(|_| "it is gone".to_owned())?;
        match container.status {
            Status::Running => {}
            Status::Created => return Err("it was not started".to_owned()),
            Status::Paused => return Err("it is paused".to_owned()),
            Status::Restarting => return Err("it ends and restarts".to_owned()),
            Status::Exited => return Err(format!("it ended with exit code {}", container.exit_code)),
        }
        match health(container) {
            Some("unhealthy") => Err("it is unhealthy".to_owned()),
            Some(_) | None => Ok(()),
        }
    }

    /// The engine itself is restarted: everything stops, and what has a restart policy comes back,
    /// in any order.
    pub fn reboot(&mut self) {
        self.tick();
        let there: Vec<String> = self.containers.keys().cloned().collect();
        for container in self.containers.values_mut() {
            container.links.retain(|link| there.contains(&link.to));
        }
        let mut coming: Vec<String> = Vec::new();
        let ids: Vec<String> = self.containers.keys().cloned().collect();
        for id in ids {
            let Some(container) = self.containers.get_mut(&id) else { continue };
            let was_up = container.is_up();
            let policy = container.host["RestartPolicy"]["Name"].as_str().unwrap_or("");
            let comes_back = match policy {
                "always" => container.status != Status::Created || container.exit_code != 0,
                "unless-stopped" => was_up && !container.stopped_by_hand,
                "on-failure" => was_up,
                _ => false,
            };
            if was_up {
                container.status = Status::Exited;
                container.exit_code = 137;
                container.ports = json!({});
            }
            if comes_back {
                coming.push(id.clone());
            }
            if was_up {
                self.detach_all(&id);
            }
        }
        self.chance.shuffle(&mut coming);
        for _ in 0..2 {
            for id in &coming {
                self.tick();
                // Whoever comes second to a port stays down.
                let _ = self.start(id);
            }
        }
    }
}

/// Entrypoint and command in a row.
fn words(container: &Container) -> Vec<String> {
    let list = |key: &str| container.config[key].as_array().cloned().unwrap_or_default();
    let all = list("Entrypoint").into_iter().chain(list("Cmd"));
    all.filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

/// What the healthcheck says, if there is one.
pub(super) fn health(container: &Container) -> Option<&'static str> {
    let test = container.config["Healthcheck"]["Test"].as_array()?;
    if test.is_empty() || test[0] == "NONE" {
        return None;
    }
    if container.status != Status::Running {
        return Some("unhealthy");
    }
    let is_well = words(container).first().is_none_or(|word| word != "unhealthy");
    Some(if is_well { "healthy" } else { "unhealthy" })
}
