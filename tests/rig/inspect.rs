//! What is on an engine, and the hand that changes it behind evenkeel's back.

use super::engines::Engine;
use super::http::query;
use super::scope::Scope;
use evenkeel::world::Role;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug)]
pub enum Object {
    Container,
    Network,
    Volume,
    Image,
}

/// The inspect JSON of an object; `None` when there is none of that name.
pub fn find(engine: &Engine, object: Object, name: &str) -> Option<Value> {
    let name = query(name);
    let path = match object {
        Object::Container => format!("/containers/{name}/json"),
        Object::Network => format!("/networks/{name}"),
        Object::Volume => format!("/volumes/{name}"),
        // A reference may contain slashes that the router wants to see.
        Object::Image => format!("/images/{}/json", name.replace("%2F", "/")),
    };
    let answer = engine.http().get(&path);
    (answer.status != 404).then(|| answer.ok().json())
}

pub fn container(engine: &Engine, name: &str) -> Value {
    find(engine, Object::Container, name).unwrap_or_else(|| panic!("no container {name} on {}", engine.name))
}

pub fn network(engine: &Engine, name: &str) -> Value {
    find(engine, Object::Network, name).unwrap_or_else(|| panic!("no network {name} on {}", engine.name))
}

pub fn volume(engine: &Engine, name: &str) -> Value {
    find(engine, Object::Volume, name).unwrap_or_else(|| panic!("no volume {name} on {}", engine.name))
}

pub fn image(engine: &Engine, name: &str) -> Value {
    find(engine, Object::Image, name).unwrap_or_else(|| panic!("no image {name} on {}", engine.name))
}

/// The container's ID: it changes when the container is replaced.
pub fn id(engine: &Engine, name: &str) -> String {
    text(&container(engine, name)["Id"])
}

pub fn is_running(engine: &Engine, name: &str) -> bool {
    find(engine, Object::Container, name).is_some_and(|found| found["State"]["Running"] == true)
}

/// The names with the scope's prefix, sorted: containers of any state, networks, volumes or image tags.
pub fn names(engine: &Engine, object: Object, scope: &Scope) -> Vec<String> {
    let (path, list, key) = match object {
        Object::Container => ("/containers/json?all=1", "", "Names"),
        Object::Network => ("/networks", "", "Name"),
        Object::Volume => ("/volumes", "/Volumes", "Name"),
        Object::Image => ("/images/json", "", "RepoTags"),
    };
    let answer = engine.http().get(path).ok().json();
    let found = answer.pointer(list).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut names: Vec<String> = found
        .iter()
        .flat_map(|object| match &object[key] {
            Value::Array(names) => names.iter().map(text).collect(),
            name => vec![text(name)],
        })
        .map(|name| name.trim_start_matches('/').to_owned())
        .filter(|name| name.starts_with(&scope.prefix()))
        .collect();
    names.sort();
    names
}

/// The names of containers, without those that are only kept: replaced or failed, and at rest.
pub fn serving(engine: &Engine, scope: &Scope) -> Vec<String> {
    let listed = engine.http().get("/containers/json?all=1").ok().json();
    let up = |name: &str| {
        let bears = |json: &&Value| {
            json["Names"].as_array().is_some_and(|names| names.contains(&json!(format!("/{name}"))))
        };
        listed.as_array().into_iter().flatten().find(bears).is_some_and(|json| {
            json["State"] == "running" || json["State"] == "restarting" || json["State"] == "paused"
        })
    };
    let is_kept =
        |name: &str| matches!(Role::of(name), Role::Retired { .. } | Role::Failed { .. }) && !up(name);
    names(engine, Object::Container, scope).into_iter().filter(|name| !is_kept(name)).collect()
}

/// Every object of the scope with its ID, sorted: equal before and after a run that did nothing.
pub fn inventory(engine: &Engine, scope: &Scope) -> Vec<String> {
    let mut lines = Vec::new();
    for name in names(engine, Object::Container, scope) {
        let found = container(engine, &name);
        lines.push(format!("container {name} {} {}", text(&found["Id"]), text(&found["State"]["StartedAt"])));
    }
    for name in names(engine, Object::Network, scope) {
        lines.push(format!("network {name} {}", text(&network(engine, &name)["Id"])));
    }
    for name in names(engine, Object::Volume, scope) {
        lines.push(format!("volume {name} {}", text(&volume(engine, &name)["CreatedAt"])));
    }
    for name in names(engine, Object::Image, scope) {
        lines.push(format!("image {name} {}", text(&image(engine, &name)["Id"])));
    }
    lines
}

/// Creates a container by hand and gives its ID. `body` is the engine's create body.
pub fn create(engine: &Engine, name: &str, body: &Value) -> String {
    let created = engine.http().post(&format!("/containers/create?name={}", query(name)), body).ok().json();
    text(&created["Id"])
}

/// Creates and starts a container by hand and gives its ID.
pub fn run(engine: &Engine, name: &str, body: &Value) -> String {
    let id = create(engine, name, body);
    start(engine, name);
    id
}

pub fn start(engine: &Engine, name: &str) {
    engine.http().act(&format!("/containers/{name}/start")).ok();
}

/// Stops at once: what runs in the scenarios has nothing to lose.
pub fn stop(engine: &Engine, name: &str) {
    engine.http().act(&format!("/containers/{name}/stop?t=0")).ok();
}

pub fn pause(engine: &Engine, name: &str) {
    engine.http().act(&format!("/containers/{name}/pause")).ok();
}

pub fn rename(engine: &Engine, name: &str, to: &str) {
    engine.http().act(&format!("/containers/{name}/rename?name={}", query(to))).ok();
}

/// `docker update`: `{"Memory": …}`, `{"RestartPolicy": …}`.
pub fn update(engine: &Engine, name: &str, body: &Value) {
    engine.http().post(&format!("/containers/{name}/update"), body).ok();
}

/// Removes a container as `docker rm -f` does: its anonymous volumes stay.
pub fn remove(engine: &Engine, name: &str) {
    engine.http().delete(&format!("/containers/{name}?force=1")).ok();
}

pub fn create_network(engine: &Engine, name: &str, body: &Value) -> String {
    let mut body = body.clone();
    body["Name"] = json!(name);
    body["CheckDuplicate"] = json!(true);
    text(&engine.http().post("/networks/create", &body).ok().json()["Id"])
}

pub fn connect(engine: &Engine, network: &str, container: &str) {
    engine.http().post(&format!("/networks/{network}/connect"), &json!({"Container": container})).ok();
}

pub fn disconnect(engine: &Engine, network: &str, container: &str) {
    let body = json!({"Container": container, "Force": true});
    engine.http().post(&format!("/networks/{network}/disconnect"), &body).ok();
}

pub fn remove_network(engine: &Engine, name: &str) {
    engine.http().delete(&format!("/networks/{name}")).ok();
}

pub fn create_volume(engine: &Engine, name: &str) {
    engine.http().post("/volumes/create", &json!({"Name": name})).ok();
}

pub fn remove_volume(engine: &Engine, name: &str) {
    engine.http().delete(&format!("/volumes/{name}")).ok();
}

/// Runs a command in a running container; gives its exit code and what it printed.
pub fn exec(engine: &Engine, name: &str, command: &[&str]) -> (i64, String) {
    // With a terminal the output comes as it is; without one the engine wraps it in frames.
    let body = json!({"Cmd": command, "AttachStdout": true, "AttachStderr": true, "Tty": true});
    let created = engine.http().post(&format!("/containers/{name}/exec"), &body).ok().json();
    let id = text(&created["Id"]);
    let output =
        engine.http().post(&format!("/exec/{id}/start"), &json!({"Detach": false, "Tty": true})).ok();
    let code = engine.http().get(&format!("/exec/{id}/json")).ok().json()["ExitCode"].as_i64();
    (code.unwrap_or(-1), output.text().replace("\r\n", "\n"))
}

/// What a container printed, standard output and error together.
pub fn logs(engine: &Engine, name: &str) -> String {
    let answer = engine.http().get(&format!("/containers/{name}/logs?stdout=1&stderr=1")).ok();
    let mut frames = answer.body.as_slice();
    let mut text = Vec::new();
    while let [_, _, _, _, a, b, c, d, rest @ ..] = frames {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (frame, next) = rest.split_at(length.min(rest.len()));
        text.extend_from_slice(frame);
        frames = next;
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("").to_owned()
}
