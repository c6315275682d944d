//! The deploy that goes wrong, and what has to be so afterwards.

use super::trouble::Trouble;
use crate::real_laws::laws::{call, steps};
use crate::real_laws::scene::Scene;
use crate::rig::engines::Engine;
use crate::rig::images;
use crate::rig::inspect::{self, Object};
use crate::rig::proxy::Request;
use crate::rig::waiting::patiently;
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::sleep;
use std::time::Duration;

/// What is said once for all states: as the scene has it, and no time that a stop is given.
const DEFAULTS: &str = "defaults: {container: {stop_signal: KILL, stop_timeout: 0, stable_for: 0s}}\n";

/// `web` is replaced and serves a page from its anonymous volume, `api` is replaced beside the old one and is found by
/// an alias, `limited` is updated, `new` and its network are made, `gone` goes.
const BEFORE: &str = "
$front: {network.present: {subnet: NET1.0/24}}
$back: {network.present: {subnet: NET2.0/24}}
$limited: {container.running: {image: IMAGE, memory: 64m, restart: always, networks: [$back]}}
$gone: {container.running: {image: IMAGE}}
$api:
  container.running:
    image: IMAGE
    command: [sh, -c, 'mkdir /srv; echo an answer > /srv/ask; exec httpd -f -p 80 -h /srv']
    restart: API_POLICY
    networks: {$back: {aliases: [api]}}
$web:
  container.running:
    image: $app:1
    command: [httpd, -f, -p, '80', -h, /data]
    ports: ['PORT1:80']
    restart: WEB_POLICY
    networks: {$front: {aliases: [www], ipv4_address: NET1.20}, $back: {}}
";

const AFTER: &str = "
$front: {network.present: {subnet: NET1.0/24}}
$back: {network.present: {subnet: NET2.0/24}}
$extra: {network.present: {subnet: NET3.0/24}}
$data: {volume.present: {}}
$limited: {container.running: {image: IMAGE, memory: 96m, restart: always, networks: [$back]}}
$gone: {container.absent: {}}
$api:
  container.running:
    image: IMAGE
    command: [sh, -c, 'mkdir /srv; echo an answer > /srv/ask; exec httpd -f -p 80 -h /srv']
    env: {VERSION: '2'}
    restart: API_POLICY
    networks: {$back: {aliases: [api]}}
$new: {container.running: {image: IMAGE, networks: [$extra, $back], volumes: ['$data:/data']}}
$web:
  container.running:
    image: $app:1
    command: [httpd, -f, -p, '80', -h, /data]
    env: {VERSION: '2'}
    ports: ['PORT1:80']
    restart: WEB_POLICY
    networks: {$front: {aliases: [www], ipv4_address: NET1.20}, $back: {}}
";

/// The system in its first version, with data in it.
pub struct System<'a> {
    pub scene: Scene<'a>,
    pub calls: usize,
    /// Restart policies of `web` and `api`.
    policies: [&'static str; 2],
}

/// What came of one point of the matrix.
pub struct Point {
    pub k: usize,
    pub trouble: Trouble,
    /// The call that went wrong. Calls that are made side by side come in any order.
    pub call: String,
    /// The page was served already after the run that went wrong.
    pub served_at_once: bool,
    pub reruns: usize,
    /// What the rerun said that was not enough.
    pub complaint: String,
    /// What had to be done by hand, if anything: what the engine lost, nobody can mend from without.
    pub remedy: &'static str,
    pub failure: Option<String>,
}

impl<'a> System<'a> {
    pub fn new(engine: &'a Engine, policies: [&'static str; 2]) -> Self {
        let scene = Scene::new(engine);
        images::image_with(engine, &scene.scope, "app:1", "VOLUME /data");
        scene.workspace.file("evenkeel.yml", format!("project: {}\n{DEFAULTS}", scene.scope.project()));
        let mut system = Self { scene, calls: 0, policies };
        system.scene.begin(&system.states(BEFORE));
        system.scene.exec("web", "echo the page > /data/page");
        system.scene.declare(&system.states(AFTER));
        system.calls = system.scene.run(&[]).expect(0).mutations().len();
        system.go_back();
        system
    }

    fn states(&self, states: &str) -> String {
        let [web, api] = self.policies;
        states.replace("WEB_POLICY", web).replace("API_POLICY", api)
    }

    pub fn go_back(&self) {
        self.scene.declare(&self.states(BEFORE));
        self.scene.run(&["--prune"]).expect(0);
        assert_eq!(self.scene.containers(), ["api", "gone", "limited", "web"]);
        assert!(self.serves() && self.answers());
        // What is left of `new` is a volume, and the next run has to make it again.
        let data = self.scene.name("data");
        self.scene.gave_up(&data);
        self.scene.engine.http().delete(&format!("/volumes/{data}")).ok();
        self.scene.mark_volumes();
    }

    fn serves(&self) -> bool {
        let url = format!("http://127.0.0.1:{}/page", self.scene.word("PORT1"));
        self.scene.engine.fetch(&url) == "the page\n"
    }

    /// Whether somebody answers by the alias, to the second question at the latest: an end may have met the first.
    fn answers(&self) -> bool {
        let ask = || self.scene.exec("limited", "wget -q -O - http://api/ask 2>&1");
        (0..2).any(|_| ask() == "an answer\n")
    }

    /// Whether the page is served right now, by `web` or by a successor that has not got the name yet.
    fn serves_now(&self) -> bool {
        let containers = self.scene.containers();
        let runs =
            |stem: &str| containers.iter().any(|name| name.starts_with(stem) && self.scene.is_running(name));
        // Questions to nobody take their time.
        ["web", "api", "limited"].into_iter().all(runs) && self.serves() && self.answers()
    }

    pub fn try_point(&self, k: usize, trouble: Trouble) -> Point {
        let mut point = Point {
            k,
            trouble,
            call: String::new(),
            served_at_once: false,
            reruns: 0,
            complaint: String::new(),
            remedy: "",
            failure: None,
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| self.survive(&mut point)));
        if let Err(panic) = outcome {
            let text = panic.downcast_ref::<String>().cloned();
            point.failure = Some(text.unwrap_or_else(|| "a panic without words".to_owned()));
        }
        point
    }

    fn survive(&self, point: &mut Point) {
        let scene = &self.scene;
        scene.declare(&self.states(AFTER));
        scene.proxy.clear();
        let (old, old_api) = (scene.id("web"), scene.id("api"));
        let run = point.trouble.strike(scene, point.k);
        if point.trouble.restarts_engine() {
            scene.strangers_were_stopped();
        }
        assert_eq!(self.written_by_several(), Vec::<String>::new(), "{run}");
        point.served_at_once = match point.trouble.restarts_engine() {
            // The engine has begun to answer, and goes on to start what has a restart policy.
            true => (0..10).any(|look| {
                sleep(Duration::from_millis(if look == 0 { 0 } else { 300 }));
                self.serves_now()
            }),
            false => self.serves_now(),
        };
        let requests = scene.proxy.requests();
        let hit = requests.iter().filter(|request| request.is_mutating()).nth(point.k - 1);
        point.call = hit.map(|request| self.told(request, (&old, &old_api))).unwrap_or_default();
        loop {
            point.reruns += 1;
            let again = scene.run(&[]);
            if again.run.code() == Some(0) {
                break;
            }
            point.complaint = comments(&again.json());
            if point.trouble.restarts_engine() && point.remedy.is_empty() {
                point.remedy = self.mend_engine(&point.complaint);
            }
            assert!(
                point.reruns < if point.remedy.is_empty() { 2 } else { 3 },
                "it does not converge; it began with {run}\nand ended with {}\n{}\n{}",
                again.run.stderr,
                point.complaint,
                self.shown()
            );
        }
        let (mut serves, mut answers) = (self.serves(), self.answers());
        if !(serves && answers) && point.trouble.restarts_engine() && point.remedy.is_empty() {
            // All is as declared, and an engine that was killed may still give away addresses of the dead (20.10).
            point.remedy = self.restart_engine_again();
            (serves, answers) = (patiently(|| self.serves_now().then_some(())).is_some(), true);
        }
        assert!(
            serves && answers,
            "nobody serves: page {serves}, alias {answers}; it began with {run}\n{}",
            self.shown()
        );
        assert_eq!(scene.containers(), ["api", "limited", "new", "web"], "it began with {run}");
        let networks = ["back", "extra", "front", "stranger-net"].map(|name| scene.name(name));
        assert_eq!(inspect::names(scene.engine, Object::Network, &scene.scope), networks, "{run}");
        assert_eq!(
            scene.exec("web", "cat /data/page; env | grep VERSION"),
            "the page\nVERSION=2\n",
            "it began with {run}"
        );
        let policy = |name: &str| scene.container(name)["HostConfig"]["RestartPolicy"]["Name"].clone();
        assert_eq!([policy("web"), policy("api")], self.policies);
        let left = scene.run(&["--test"]).expect(0);
        assert_eq!(steps(&left.json()), Vec::<String>::new(), "it began with {run}");
        scene.kept();
    }

    /// Does what only people can do after an engine has come back with less than it had. Gives what that was.
    ///
    /// One that is killed while it starts a container may keep the port of that for nobody (measured: 20.10), until
    /// it is started once more. One that is killed while it makes a volume may have one without a folder (28.5), and
    /// while it makes a network, it may keep the subnet for a network that it does not show (both).
    fn mend_engine(&self, complaint: &str) -> &'static str {
        let (scene, http) = (&self.scene, self.scene.engine.http());
        let port = scene.word("PORT1");
        let listed = http.get("/containers/json").ok().json().to_string();
        let is_free = !listed.contains(&format!("\"PublicPort\":{port}"));
        if is_free && complaint.contains(&format!("{port} failed: port is already allocated")) {
            return self.restart_engine_again();
        }
        let web = scene.container("web");
        if web["State"]["Restarting"] == true && web["State"]["Error"] != "" {
            return self.restart_engine_again();
        }
        if complaint.contains("_data: no such file or directory") {
            http.delete(&format!("/containers/{}?force=1", scene.name("new"))).ok();
            http.delete(&format!("/volumes/{}", scene.name("data"))).ok();
            return "broken volume removed";
        }
        if complaint.contains("overlap") && complaint.contains("extra") {
            scene.another("NET3");
            scene.declare(&self.states(AFTER));
            return "other subnet declared";
        }
        ""
    }

    fn restart_engine_again(&self) -> &'static str {
        self.scene.engine.restart();
        self.scene.strangers_were_stopped();
        "engine restarted again"
    }

    /// How things stand, for messages.
    fn shown(&self) -> String {
        let mut text = String::new();
        for name in self.scene.containers() {
            let found = self.scene.container(&name);
            let (state, network) = (&found["State"], &found["NetworkSettings"]);
            text += &format!("{name} {state} {} {}\n", network["Ports"], network["Networks"]);
        }
        text
    }

    /// Volumes that two running containers may write to.
    fn written_by_several(&self) -> Vec<String> {
        let mut volumes = Vec::new();
        for name in self.scene.containers().iter().filter(|name| self.scene.is_running(name)) {
            let found = self.scene.container(name);
            let mounts = found["Mounts"].as_array().into_iter().flatten();
            volumes.extend(mounts.filter_map(|mount| mount["Name"].as_str().map(str::to_owned)));
        }
        volumes.sort();
        let twice = volumes.windows(2).filter(|pair| pair[0] == pair[1]);
        twice.map(|pair| pair[0].clone()).collect()
    }

    /// A call in words, with the names of those that it addresses by ID.
    fn told(&self, request: &Request, (old, old_api): (&str, &str)) -> String {
        let call = call(&request.method, &request.path).replace(&self.scene.scope.prefix(), "");
        let (verb, rest) = call.split_once(' ').unwrap_or((&call, ""));
        let Some(to) = rest.strip_prefix("container").filter(|_| verb != "create") else { return call };
        let is_it = |name: &String| request.path.contains(&self.scene.id(name));
        let name = match self.scene.containers().into_iter().find(is_it) {
            _ if request.path.contains(old) => "the old web".to_owned(),
            _ if request.path.contains(old_api) => "the old api".to_owned(),
            Some(name) if name.starts_with("api") => "the new api".to_owned(),
            Some(name) if !name.starts_with("web") => name,
            // Under either name, or taken back already.
            _ if to.contains(" api") => "the new api".to_owned(),
            _ => "the new web".to_owned(),
        };
        if to.is_empty() { format!("{verb} {name}") } else { format!("{verb} {name} to{to}") }
    }
}

impl Point {
    pub fn told(&self) -> &'static str {
        match (self.failure.is_some(), self.served_at_once, self.reruns) {
            (true, ..) => "LOST",
            _ if !self.remedy.is_empty() => self.remedy,
            (_, true, 1) => "up",
            (_, true, _) => "up, 2 runs",
            (_, false, 1) => "next run",
            (_, false, _) => "next run, 2 runs",
        }
    }
}

/// The same call at any number of replacements: `web.r7` is `web.rN`.
pub fn revisionless(call: &str) -> String {
    let (start, ending) = match call.strip_suffix(".next") {
        Some(start) => (start, ".next"),
        None => (call, ""),
    };
    match start.rsplit_once(".r") {
        Some((stem, number)) if number.parse::<u32>().is_ok() => format!("{stem}.rN{ending}"),
        _ => call.to_owned(),
    }
}

/// What a run says of the states that failed.
fn comments(json: &Value) -> String {
    let states = json["states"].as_array().into_iter().flatten();
    let failed = states.filter(|state| state["result"] == false);
    failed.filter_map(|state| state["comment"].as_str()).collect::<Vec<_>>().join("; ")
}
