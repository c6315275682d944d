//! A name prefix per test, and the guard that removes everything under it, also when the test panics.

use super::engines::Engine;
use super::http::{Http, query};
use super::waiting::patiently;
use serde_json::{Value, json};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

pub struct Scope {
    http: Http,
    project: String,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Scope {
    pub fn new(engine: &Engine) -> Self {
        let project = format!("ekt-{}-{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Self { http: engine.http(), project }
    }

    /// What the label `io.evenkeel.project` has in this scope.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The name of an object of this scope; image tags as well.
    pub fn name(&self, short: &str) -> String {
        format!("{}-{short}", self.project)
    }

    /// What every name of this scope starts with.
    pub fn prefix(&self) -> String {
        self.name("")
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let prefix = self.prefix();
        remove(&self.http, |name, project| name.starts_with(&prefix) || project == self.project);
    }
}

/// Removes what killed test processes left on an engine that lives on.
pub fn sweep(http: &Http) {
    remove(http, |name, project| is_stale(name) || is_stale(project));
}

/// A temp folder that is found as stale when this process is killed.
pub fn temp_folder() -> TempDir {
    let prefix = format!("ekt-{}-", process::id());
    tempfile::Builder::new().prefix(&prefix).tempdir().expect("a temp folder can be made")
}

/// Whether a name belongs to a test process that is no more.
pub fn is_stale(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("ekt-") else { return false };
    let pid = rest.split('-').next().unwrap_or("");
    pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists()
}

/// Removes in the order that the engine allows. Never panics: it runs while a test may be panicking.
fn remove(http: &Http, is_ours: impl Fn(&str, &str) -> bool) {
    let send = |method: &str, path: &str| http.send(method, path, "", b"");
    let list = |path: &str, key: Option<&str>| -> Vec<Value> {
        let Ok(answer) = send("GET", path) else { return Vec::new() };
        let found: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let found = key.map_or(found.clone(), |key| found[key].clone());
        found.as_array().cloned().unwrap_or_default()
    };
    let project = |object: &Value| object["Labels"]["io.evenkeel.project"].as_str().unwrap_or("").to_owned();
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();

    for container in list("/containers/json?all=1", None) {
        let mut names = container["Names"].as_array().into_iter().flatten().map(text);
        let locked = text(&container["Labels"]["io.evenkeel.lock.project"]);
        let project = if locked.is_empty() { project(&container) } else { locked };
        if is_ours("", &project) || names.any(|name| is_ours(name.trim_start_matches('/'), &project)) {
            let path = format!("/containers/{}?force=1&v=1", text(&container["Id"]));
            // 409 while a removal is under way: the networks below need it gone.
            let is_under_way = || send("DELETE", &path).is_ok_and(|answer| answer.status == 409);
            patiently(|| (!is_under_way()).then_some(()));
        }
    }
    for network in list("/networks", None) {
        if is_ours(&text(&network["Name"]), &project(&network)) {
            let id = text(&network["Id"]);
            let inspected = send("GET", &format!("/networks/{id}")).ok();
            let attached = inspected.and_then(|answer| serde_json::from_slice::<Value>(&answer.body).ok());
            let attached = attached.and_then(|network| network["Containers"].as_object().cloned());
            for container in attached.unwrap_or_default().keys() {
                let body = json!({"Container": container, "Force": true}).to_string();
                let path = format!("/networks/{id}/disconnect");
                drop(http.send("POST", &path, "application/json", body.as_bytes()));
            }
            drop(send("DELETE", &format!("/networks/{id}")));
        }
    }
    for volume in list("/volumes", Some("Volumes")) {
        let name = text(&volume["Name"]);
        if is_ours(&name, &project(&volume)) {
            drop(send("DELETE", &format!("/volumes/{}?force=1", query(&name))));
        }
    }
    for image in list("/images/json", None) {
        let tags = image["RepoTags"].as_array().into_iter().flatten().map(text).collect::<Vec<_>>();
        for tag in tags.iter().filter(|tag| is_ours(tag, "")) {
            drop(send("DELETE", &format!("/images/{tag}?force=1")));
        }
        if is_ours("", &project(&image)) {
            drop(send("DELETE", &format!("/images/{}?force=1", text(&image["Id"]))));
        }
    }
}
