//! A failure, a lost answer and a death at every mutating call of one highstate: what served before serves again,
//! the data is there, and a rerun converges. CI tries a sample; `EVENKEEL_MATRIX=full` tries all on both engines and
//! prints the tables of docs/faults.md.

use super::laws::{call, steps};
use super::scene::Scene;
use crate::rig::engines::{self, Engine};
use crate::rig::inspect::{self, Object};
use crate::rig::proxy::{Fault, Request};
use crate::rig::{images, workspace::Victim};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// How the k-th call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The engine answers 500 and does nothing.
    Refused,
    /// The engine does it, and nobody hears of it.
    AnswerLost,
    /// evenkeel dies before the call reaches the engine.
    KilledBefore,
    /// evenkeel dies when the engine has done it.
    KilledAfter,
}

const TROUBLES: [Trouble; 4] =
    [Trouble::Refused, Trouble::AnswerLost, Trouble::KilledBefore, Trouble::KilledAfter];

/// `web` is replaced and serves a page from its anonymous volume, `api` is replaced beside the old one and is found by
/// an alias, `limited` is updated, `new` and its network are made, `gone` goes.
const BEFORE: &str = "
$front: {network.present: {subnet: NET1.0/24}}
$back: {network.present: {subnet: NET2.0/24}}
$limited: {container.running: {image: IMAGE, memory: 64m, networks: [$back]}}
$gone: {container.running: {image: IMAGE}}
$api:
  container.running:
    image: IMAGE
    command: [sh, -c, 'mkdir /srv; echo an answer > /srv/ask; exec httpd -f -p 80 -h /srv']
    restart: always
    networks: {$back: {aliases: [api]}}
$web:
  container.running:
    image: $app:1
    command: [httpd, -f, -p, '80', -h, /data]
    ports: ['PORT1:80']
    restart: unless-stopped
    networks: {$front: {aliases: [www], ipv4_address: NET1.20}, $back: {}}
";

const AFTER: &str = "
$front: {network.present: {subnet: NET1.0/24}}
$back: {network.present: {subnet: NET2.0/24}}
$extra: {network.present: {subnet: NET3.0/24}}
$data: {volume.present: {}}
$limited: {container.running: {image: IMAGE, memory: 96m, networks: [$back]}}
$gone: {container.absent: {}}
$api:
  container.running:
    image: IMAGE
    command: [sh, -c, 'mkdir /srv; echo an answer > /srv/ask; exec httpd -f -p 80 -h /srv']
    env: {VERSION: '2'}
    restart: always
    networks: {$back: {aliases: [api]}}
$new: {container.running: {image: IMAGE, networks: [$extra, $back], volumes: ['$data:/data']}}
$web:
  container.running:
    image: $app:1
    command: [httpd, -f, -p, '80', -h, /data]
    env: {VERSION: '2'}
    ports: ['PORT1:80']
    restart: unless-stopped
    networks: {$front: {aliases: [www], ipv4_address: NET1.20}, $back: {}}
";

/// The system in its first version, with data in it.
struct System<'a> {
    scene: Scene<'a>,
    calls: usize,
}

/// What came of one point of the matrix.
struct Point {
    k: usize,
    trouble: Trouble,
    /// The call that went wrong. Calls that are made side by side come in any order.
    call: String,
    /// The page was served already after the run that went wrong.
    served_at_once: bool,
    reruns: usize,
    /// What the rerun said that was not enough.
    complaint: String,
    failure: Option<String>,
}

impl<'a> System<'a> {
    fn new(engine: &'a Engine) -> Self {
        let scene = Scene::new(engine);
        images::image_with(engine, &scene.scope, "app:1", "VOLUME /data");
        scene.begin(BEFORE);
        scene.exec("web", "echo the page > /data/page");
        scene.declare(AFTER);
        let calls = scene.run(&[]).expect(0).mutations().len();
        let system = Self { scene, calls };
        system.go_back();
        system
    }

    fn go_back(&self) {
        self.scene.declare(BEFORE);
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
        let mut webs = containers.iter().filter(|name| name.starts_with("web"));
        webs.any(|name| self.scene.is_running(name)) && self.serves() && self.answers()
    }

    fn try_point(&self, k: usize, trouble: Trouble) -> Point {
        let mut point = Point {
            k,
            trouble,
            call: String::new(),
            served_at_once: false,
            reruns: 0,
            complaint: String::new(),
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
        scene.declare(AFTER);
        scene.proxy.clear();
        let (old, old_api) = (scene.id("web"), scene.id("api"));
        let victim = Victim::default();
        let killer = victim.clone();
        scene.proxy.fault_at(
            point.k,
            match point.trouble {
                Trouble::Refused => Fault::Refuse(500),
                Trouble::AnswerLost => Fault::LoseAnswer,
                Trouble::KilledBefore => Fault::Instead(Box::new(move || killer.kill())),
                Trouble::KilledAfter => Fault::After(Box::new(move || killer.kill())),
            },
        );
        let run = scene.workspace.start(["apply", "prod.yml"], victim).wait();
        assert!(scene.proxy.faults_are_spent(), "there was no call {}: {run}", point.k);
        let was_killed = run.code().is_none();
        assert_eq!(
            was_killed,
            matches!(point.trouble, Trouble::KilledBefore | Trouble::KilledAfter),
            "{run}"
        );
        point.served_at_once = self.serves_now();
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
            assert!(
                point.reruns < 2,
                "it does not converge; it began with {run}\nand ended with {}",
                again.run
            );
        }
        assert!(self.serves() && self.answers(), "nobody serves; it began with {run}");
        assert_eq!(scene.containers(), ["api", "limited", "new", "web"], "it began with {run}");
        let networks = ["back", "extra", "front", "stranger-net"].map(|name| scene.name(name));
        assert_eq!(inspect::names(scene.engine, Object::Network, &scene.scope), networks, "{run}");
        assert_eq!(
            scene.exec("web", "cat /data/page; env | grep VERSION"),
            "the page\nVERSION=2\n",
            "it began with {run}"
        );
        let policy = |name: &str| scene.container(name)["HostConfig"]["RestartPolicy"]["Name"].clone();
        assert_eq!((policy("web"), policy("api")), ("unless-stopped".into(), "always".into()));
        let left = scene.run(&["--test"]).expect(0);
        assert_eq!(steps(&left.json()), Vec::<String>::new(), "it began with {run}");
        scene.kept();
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
            _ => "the new web".to_owned(),
        };
        if to.is_empty() { format!("{verb} {name}") } else { format!("{verb} {name} to{to}") }
    }
}

/// The points to try: all, or a sample that is another one on each engine.
fn points(calls: usize, offset: usize) -> Vec<(usize, Trouble)> {
    if std::env::var("EVENKEEL_MATRIX").is_ok_and(|wish| wish == "full") {
        let all = TROUBLES.iter().flat_map(|trouble| (1..=calls).map(|k| (k, *trouble)));
        return all.collect();
    }
    (1 + offset..=calls).step_by(6).enumerate().map(|(n, k)| (k, TROUBLES[(n + offset) % 4])).collect()
}

/// What the full matrix is for: for each call and trouble, whether the page was served at once or after the next run.
fn table(engine: &Engine, calls: usize, points: &[Point]) -> String {
    let mut text = format!(
        "{}, {calls} calls:\n\n| call | {} |\n|---|{}\n",
        engine.version,
        TROUBLES.map(|trouble| format!("{trouble:?}")).join(" | "),
        "---|".repeat(TROUBLES.len())
    );
    for k in 1..=calls {
        let of_call: Vec<_> = points.iter().filter(|point| point.k == k).collect();
        let cell = |trouble| of_call.iter().find(|point| point.trouble == trouble).map_or("-", |p| p.told());
        let mut named: Vec<_> = of_call.iter().map(|point| revisionless(&point.call)).collect();
        named.sort();
        named.dedup();
        _ = writeln!(text, "| {k}: {} | {} |", named.join(", or "), TROUBLES.map(cell).join(" | "));
    }
    for point in points.iter().filter(|point| !point.complaint.is_empty()) {
        _ = writeln!(text, "\n{:?} at call {}: {}", point.trouble, point.k, point.complaint);
    }
    text
}

impl Point {
    fn told(&self) -> &'static str {
        match (self.failure.is_some(), self.served_at_once, self.reruns) {
            (true, ..) => "LOST",
            (_, true, 1) => "up",
            (_, true, _) => "up, 2 runs",
            (_, false, 1) => "next run",
            (_, false, _) => "next run, 2 runs",
        }
    }
}

/// The same call at any number of replacements: `web.r7` is `web.rN`.
fn revisionless(call: &str) -> String {
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

#[test]
fn whatever_goes_wrong_at_any_call_it_serves_and_converges() {
    let offset = std::cell::Cell::new(0);
    engines::each(|engine| {
        let began = Instant::now();
        let mut system = System::new(engine);
        let mut tried = Vec::new();
        for (k, trouble) in points(system.calls, offset.get()) {
            let point = system.try_point(k, trouble);
            let survived = point.failure.is_none();
            tried.push(point);
            match survived {
                true => system.go_back(),
                false => system = System::new(engine),
            }
        }
        offset.set(offset.get() + 2);
        let text = format!("{}  in {:?}\n", table(engine, system.calls, &tried), began.elapsed());
        if std::env::var_os("EVENKEEL_MATRIX").is_some() {
            // Past libtest's capture: this table is what the run is for.
            drop(std::io::stderr().write_all(text.as_bytes()));
        }
        let failures: Vec<_> = tried
            .iter()
            .filter_map(|point| {
                Some(format!("{:?} at call {}: {}", point.trouble, point.k, point.failure.as_ref()?))
            })
            .collect();
        assert!(failures.is_empty(), "{text}{}", failures.join("\n"));
    });
}
