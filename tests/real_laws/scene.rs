//! One tree of state files on one engine, with strangers beside it that nobody may touch.

use crate::rig::engines::Engine;
use crate::rig::inspect::{self, Object};
use crate::rig::numbers::{free_port, free_subnet};
use crate::rig::proxy::{Proxy, Request};
use crate::rig::scope::Scope;
use crate::rig::workspace::{Run, Workspace};
use crate::rig::{http::query, images};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// What is said once for all states: containers that end at once when asked to, and prove themselves quickly.
const DEFAULTS: &str = "defaults: {container: {stop_signal: KILL, stable_for: 0s}}\n";
pub const FILE: &str = "prod.yml";

pub struct Scene<'a> {
    pub engine: &'a Engine,
    // Goes before the scope: nothing asks through it any more when the scope cleans up.
    pub proxy: Proxy,
    pub workspace: Workspace,
    pub scope: Scope,
    // Goes behind the scope: its subnets are free again only then.
    words: RefCell<Words>,
    strangers: RefCell<Vec<Value>>,
    /// Volumes with data by name: what their marker says.
    marked: RefCell<BTreeMap<String, String>>,
}

/// What stands for ports and subnets. Subnets are few, so they are used again.
#[derive(Default)]
struct Words(BTreeMap<String, String>);

static RETURNED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn lease() -> String {
    let returned = RETURNED.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop();
    returned.unwrap_or_else(free_subnet)
}

impl Drop for Words {
    fn drop(&mut self) {
        let subnets =
            self.0.iter().filter(|(word, _)| word.starts_with("NET")).map(|(_, subnet)| subnet.clone());
        RETURNED.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).extend(subnets);
    }
}

/// One run of the binary and the requests that it sent.
pub struct Applied {
    pub run: Run,
    pub requests: Vec<Request>,
}

impl<'a> Scene<'a> {
    pub fn new(engine: &'a Engine) -> Self {
        images::bb(engine);
        let scope = Scope::new(engine);
        let proxy = Proxy::before(engine);
        let workspace = Workspace::new(&scope).on(proxy.host());
        workspace.file("evenkeel.yml", format!("project: {}\n{DEFAULTS}", scope.project()));
        let scene = Self {
            engine,
            proxy,
            workspace,
            scope,
            words: RefCell::default(),
            strangers: RefCell::default(),
            marked: RefCell::default(),
        };
        scene.invite_strangers();
        scene
    }

    /// The full name of an object: `$web` in a state file.
    pub fn name(&self, short: &str) -> String {
        self.scope.name(short)
    }

    /// A port or subnet by the word that stands for it in state files: `PORT1`, `NET1`.
    pub fn word(&self, word: &str) -> String {
        let make = || if word.starts_with("PORT") { free_port().to_string() } else { lease() };
        self.words.borrow_mut().0.entry(word.to_owned()).or_insert_with(make).clone()
    }

    /// Lets a word stand for another port or subnet from now on.
    pub fn another(&self, word: &str) -> String {
        let other = if word.starts_with("PORT") { free_port().to_string() } else { lease() };
        self.words.borrow_mut().0.insert(word.to_owned(), other.clone());
        other
    }

    /// Puts names, ports, subnets (`NET1` is `10.201.7`) and the image in the place of their words.
    pub fn fill(&self, text: &str) -> String {
        let mut text = text.replace("IMAGE", images::BB).replace('$', &self.scope.prefix());
        for word in ["PORT", "NET"].iter().flat_map(|word| (1..=9).map(move |n| format!("{word}{n}"))) {
            if text.contains(&word) {
                text = text.replace(&word, &self.word(&word));
            }
        }
        text
    }

    /// Writes the state file.
    pub fn declare(&self, states: &str) {
        self.workspace.file(FILE, self.fill(states));
    }

    /// `evenkeel apply … ARGS --output json` behind the proxy.
    pub fn run(&self, args: &[&str]) -> Applied {
        self.proxy.clear();
        let run = self.workspace.apply(FILE, &[args, &["--output", "json"]].concat());
        Applied { run, requests: self.proxy.requests() }
    }

    /// What the engine shows of a container of the scene.
    pub fn container(&self, short: &str) -> Value {
        inspect::container(self.engine, &self.name(short))
    }

    pub fn id(&self, short: &str) -> String {
        inspect::id(self.engine, &self.name(short))
    }

    pub fn is_running(&self, short: &str) -> bool {
        inspect::is_running(self.engine, &self.name(short))
    }

    pub fn exists(&self, object: Object, short: &str) -> bool {
        inspect::find(self.engine, object, &self.name(short)).is_some()
    }

    /// What a command in a container of the scene prints.
    pub fn exec(&self, short: &str, command: &str) -> String {
        inspect::exec(self.engine, &self.name(short), &["sh", "-c", command]).1
    }

    fn exec_as_root(&self, name: &str, command: &str) {
        let body = json!({"Cmd": ["sh", "-c", command], "User": "0:0", "AttachStdout": true, "Tty": true});
        let http = self.engine.http();
        let id = http.post(&format!("/containers/{name}/exec"), &body).ok().json()["Id"].clone();
        let path = format!("/exec/{}/start", id.as_str().unwrap_or(""));
        let output = http.post(&path, &json!({"Detach": false, "Tty": true})).ok().text();
        assert_eq!(output, "", "{command}");
    }

    /// Short names of all containers of the scene but the strangers.
    pub fn containers(&self) -> Vec<String> {
        let prefix = self.scope.prefix();
        let names = inspect::serving(self.engine, &self.scope);
        let short = names.iter().filter_map(|name| name.strip_prefix(&prefix)).map(str::to_owned);
        // A link gives its target one more name, behind a slash.
        short.filter(|name| !name.starts_with("stranger") && !name.contains('/')).collect()
    }

    /// What must stay as it is: every object of the scene with its ID and start.
    pub fn inventory(&self) -> Vec<String> {
        inspect::inventory(self.engine, &self.scope)
    }

    fn invite_strangers(&self) {
        let [container, network, volume] =
            ["stranger", "stranger-net", "stranger-data"].map(|name| self.name(name));
        inspect::create_volume(self.engine, &volume);
        // The engine's own pools are small, and others draw on them as well.
        let subnet = json!([{"Subnet": format!("{}.0/24", self.word("NET0"))}]);
        inspect::create_network(
            self.engine,
            &network,
            &json!({"Internal": true, "IPAM": {"Config": subnet}}),
        );
        let body = json!({"Image": images::BB, "StopSignal": "KILL", "HostConfig":
            {"NetworkMode": network, "Binds": [format!("{volume}:/data")], "Memory": 67_108_864}});
        inspect::run(self.engine, &container, &body);
        inspect::exec(self.engine, &container, &["sh", "-c", "echo theirs > /data/file"]);
        self.strangers_changed();
    }

    /// Somebody else did something to the strangers.
    pub fn strangers_changed(&self) {
        self.strangers.replace(self.look_at_strangers());
    }

    /// The engine went away and came back: theirs are what they were, and somebody starts them.
    pub fn strangers_were_stopped(&self) {
        let lasting = |seen: &[Value]| {
            // Engines write other empty things after a restart; who is attached to a network is shown with it.
            let kept = ["Id", "Name", "Created", "Config", "Mounts"].map(|key| seen[0][key].clone());
            let limits = ["Memory", "RestartPolicy"].map(|key| seen[0]["HostConfig"][key].clone());
            (kept, limits, seen[1]["Id"].clone(), seen[2].clone(), seen[3].clone())
        };
        if !self.is_running("stranger") {
            inspect::start(self.engine, &self.name("stranger"));
        }
        let now = self.look_at_strangers();
        assert_eq!(lasting(&self.strangers.borrow()), lasting(&now), "a stranger was touched");
        self.strangers.replace(now);
    }

    fn look_at_strangers(&self) -> Vec<Value> {
        let data = inspect::exec(self.engine, &self.name("stranger"), &["cat", "/data/file"]).1;
        let mut container = self.container("stranger");
        // Every exec leaves its ID there for a while.
        container["ExecIDs"] = Value::Null;
        let network = inspect::network(self.engine, &self.name("stranger-net"));
        let volume = inspect::volume(self.engine, &self.name("stranger-data"));
        vec![container, network, volume, json!(data)]
    }

    /// Law 5: nothing that is not ours was touched.
    pub fn strangers_are_untouched(&self) {
        assert_eq!(*self.strangers.borrow(), self.look_at_strangers(), "a stranger was touched");
    }

    /// Puts a marker into every volume that a running container of the scene mounts.
    pub fn mark_volumes(&self) {
        for (container, path, volume) in self.mounts() {
            let name = self.name(&container);
            if !inspect::is_running(self.engine, &name) {
                continue;
            }
            let mut marked = self.marked.borrow_mut();
            marked.entry(volume.clone()).or_insert_with(|| {
                let write = format!("echo 'data of {volume}' > {path}/.marker");
                self.exec_as_root(&name, &write);
                format!("data of {volume}")
            });
        }
    }

    /// Law 5: every volume that had data still has it.
    pub fn volumes_are_kept(&self) {
        let mounts = self.mounts();
        for (volume, marker) in self.marked.borrow().iter() {
            assert!(
                inspect::find(self.engine, Object::Volume, volume).is_some(),
                "volume {volume} is gone with its data"
            );
            for (container, path, _) in mounts.iter().filter(|(_, _, name)| name == volume) {
                let path = format!(
                    "/containers/{}/archive?path={}",
                    self.name(container),
                    query(&format!("{path}/.marker"))
                );
                let file = self.engine.http().get(&path).ok();
                assert!(file.text().contains(marker), "{volume} in {container} lost its data");
            }
        }
    }

    /// Forgets a volume's data: it was removed on purpose.
    pub fn gave_up(&self, volume: &str) {
        self.marked.borrow_mut().remove(volume);
    }

    /// Container, path and volume of every volume that is mounted in the scene.
    fn mounts(&self) -> Vec<(String, String, String)> {
        let mut mounts = Vec::new();
        for container in self.containers() {
            let Some(found) = inspect::find(self.engine, Object::Container, &self.name(&container)) else {
                continue;
            };
            for mount in found["Mounts"].as_array().into_iter().flatten() {
                let text = |key: &str| mount[key].as_str().unwrap_or("").to_owned();
                if mount["Type"] == "volume" && mount["RW"] == true {
                    mounts.push((container.clone(), text("Destination"), text("Name")));
                }
            }
        }
        mounts
    }
}

impl Drop for Scene<'_> {
    /// Anonymous volumes of containers that are no more have no name that the scope would know.
    fn drop(&mut self) {
        for container in self.containers() {
            let path = format!("/containers/{}?force=1&v=1", self.name(&container));
            drop(self.engine.http().send("DELETE", &path, "", b""));
        }
        for volume in self.marked.borrow().keys() {
            drop(self.engine.http().send("DELETE", &format!("/volumes/{}", query(volume)), "", b""));
        }
    }
}

impl Applied {
    pub fn expect(mut self, code: i32) -> Self {
        self.run = self.run.expect(code);
        self
    }

    pub fn json(&self) -> Value {
        self.run.json()
    }

    pub fn mutations(&self) -> Vec<&Request> {
        self.requests.iter().filter(|request| request.is_mutating()).collect()
    }

    /// The state of that kind and short name in the answer.
    pub fn state(&self, scene: &Scene<'_>, kind: &str, short: &str) -> Value {
        let json = self.json();
        let name = scene.name(short);
        let mut states = json["states"].as_array().into_iter().flatten();
        let found = states.find(|state| state["kind"] == kind && state["name"] == name.as_str());
        found.unwrap_or_else(|| panic!("no {kind} {short} in {}", self.run)).clone()
    }

    /// What is done about a container, in one word.
    pub fn action(&self, scene: &Scene<'_>, short: &str) -> String {
        self.state(scene, "container", short)["action"].as_str().unwrap_or("").to_owned()
    }
}
