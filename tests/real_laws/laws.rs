//! The laws of the design on a real engine. Every scenario goes through them.

use super::foresight::Foresight;
use super::scene::{Applied, Scene};
use super::values;
use crate::rig::engines::Engine;
use serde_json::{Value, json};

/// Applies `before`, lets somebody interfere, and applies `after`: all laws have to hold on the way.
pub fn laws(engine: &Engine, before: &str, drift: impl FnOnce(&Scene<'_>), after: &str) {
    let scene = Scene::new(engine);
    scene.begin(before);
    drift(&scene);
    scene.go(after, &[]);
}

impl Scene<'_> {
    /// Applies the first version, and once more to see that nothing is left to do.
    pub fn begin(&self, states: &str) -> Applied {
        self.declare(states);
        let foresight = Foresight::of(self, &[]);
        let applied = self.run(&[]).expect(0);
        foresight.came_true(&applied.json());
        self.nothing_is_left(&[]);
        self.mark_volumes();
        applied
    }

    /// Applies a version with every law; gives what was done.
    pub fn go(&self, states: &str, args: &[&str]) -> Applied {
        let applied = self.predicted(states, args, 0);
        values::are_as_promised(self, &applied.json());
        self.nothing_is_left(args);
        self.mark_volumes();
        applied
    }

    /// Applies a version that does nothing.
    pub fn goes_nowhere(&self, states: &str, args: &[&str]) {
        self.declare(states);
        self.nothing_is_left(args);
        self.kept();
    }

    /// A version that is refused: the dry run says the same as the run, and nothing else happens.
    pub fn is_refused(&self, states: &str, args: &[&str]) -> String {
        self.declare(states);
        let before = self.inventory();
        let foretold = self.foretell(args, 1);
        let applied = self.run(args).expect(1);
        assert_eq!(steps(&applied.json()), Vec::<String>::new(), "{}", applied.run);
        assert!(applied.mutations().is_empty(), "{:#?}", applied.mutations());
        assert_eq!(before, self.inventory());
        self.kept();
        let comments = foretold["states"].as_array().into_iter().flatten();
        comments.filter_map(|state| state["comment"].as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Laws 1, 2, 4, 5 and 6: what `--test` says is what is done.
    fn predicted(&self, states: &str, args: &[&str], code: i32) -> Applied {
        self.declare(states);
        let foretold = self.foretell(args, code);
        let foresight = Foresight::of(self, args);
        let applied = self.run(args).expect(code);
        let json = applied.json();
        foresight.came_true(&json);
        assert_eq!(essence(&foretold), essence(&json), "--test said something else: {}", applied.run);
        let mut expected: Vec<String> = steps(&json).iter().flat_map(|step| calls_of_step(step)).collect();
        let mut sent: Vec<String> =
            applied.mutations().into_iter().map(|r| call(&r.method, &r.path)).collect();
        expected.sort();
        sent.sort();
        assert_eq!(expected, sent, "steps on the left, requests on the right: {}", applied.run);
        self.kept();
        applied
    }

    /// Two dry runs: GET and HEAD only, the same answer byte for byte.
    fn foretell(&self, args: &[&str], code: i32) -> Value {
        let args = [args, &["--test"]].concat();
        let [first, second] = [(); 2].map(|()| {
            let foretold = self.run(&args).expect(code);
            assert!(foretold.mutations().is_empty(), "--test sent {:#?}", foretold.mutations());
            foretold.json()
        });
        assert_eq!(timeless(&first).to_string(), timeless(&second).to_string(), "two dry runs differ");
        first
    }

    /// Law 3: nothing is left to do, and doing it changes nothing.
    pub fn nothing_is_left(&self, args: &[&str]) {
        let before = self.inventory();
        for more in [&["--test"][..], &[]] {
            let again = self.run(&[args, more].concat()).expect(0);
            assert_eq!(steps(&again.json()), Vec::<String>::new(), "there is more to do: {}", again.run);
            let summary = &again.json()["summary"];
            assert_eq!(summary["unchanged"], summary["total"], "{}", again.run);
            assert!(again.mutations().is_empty(), "{more:?} sent {:#?}", again.mutations());
        }
        assert_eq!(before, self.inventory(), "a run without changes changed something");
    }

    /// Law 5.
    pub fn kept(&self) {
        self.strangers_are_untouched();
        self.volumes_are_kept();
    }
}

/// All steps of a run.
pub fn steps(json: &Value) -> Vec<String> {
    let states = json["states"].as_array().into_iter().flatten();
    states
        .flat_map(|state| state["steps"].as_array().into_iter().flatten())
        .filter_map(|step| step.as_str().map(str::to_owned))
        .collect()
}

/// What a dry run and the run after it have in common.
fn essence(json: &Value) -> Vec<Value> {
    let keys = ["id", "kind", "function", "name", "file", "line", "action", "cause", "diff", "steps"];
    let states = json["states"].as_array().into_iter().flatten();
    states.map(|state| keys.iter().map(|key| ((*key).to_owned(), state[*key].clone())).collect()).collect()
}

fn timeless(json: &Value) -> Value {
    let mut json = json.clone();
    for state in json["states"].as_array_mut().into_iter().flatten() {
        state["duration_ms"] = json!(0);
    }
    json
}

/// The requests that a step comes to. What is pulled by digest has to be given its tag, and on what is built
/// the record of the build is put.
fn calls_of_step(step: &str) -> Vec<String> {
    let is_by_digest = step.starts_with("pull image") && step.ends_with(')');
    let tag = is_by_digest.then(|| "tag image".to_owned());
    let record = step.starts_with("build image").then(|| "build image".to_owned());
    call_of_step(step).into_iter().chain(tag).chain(record).collect()
}

/// The request that a step comes to: a verb, and the new name where there is one. `None`: it only looks.
fn call_of_step(step: &str) -> Option<String> {
    let words: Vec<&str> = step.split(' ').collect();
    Some(match words.as_slice() {
        ["settle" | "watch" | "await" | "check" | "save", ..] => return None,
        ["send", _, "to", "container", ..] => "kill container".to_owned(),
        ["rename", "container", _, "->", to] => format!("rename container {to}"),
        ["create", "container", name] => format!("create container {name}"),
        ["remove", "volume", name] => format!("remove volume {name}"),
        ["update", "container", ..] => "update container".to_owned(),
        ["connect" | "disconnect", ..] => format!("{} network", words[0]),
        ["tag" | "pull" | "push" | "build" | "load" | "remove", "image", ..] => format!("{} image", words[0]),
        [verb, kind, _] => format!("{verb} {kind}"),
        _ => panic!("a step that the laws do not know: {step}"),
    })
}

/// The same for a request.
pub fn call(method: &str, path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let name = query.split('&').find_map(|pair| pair.strip_prefix("name=")).unwrap_or("");
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).skip(1).collect();
    match (method, parts.as_slice()) {
        ("POST", ["containers", "create"]) => format!("create container {name}"),
        ("POST", ["containers", _, "rename"]) => format!("rename container {name}"),
        ("POST", ["containers", _, verb]) => format!("{verb} container"),
        ("DELETE", ["volumes", name]) => format!("remove volume {name}"),
        ("POST", ["networks", "create"]) => "create network".to_owned(),
        ("POST", ["volumes", "create"]) => "create volume".to_owned(),
        ("POST", ["networks", _, verb]) => format!("{verb} network"),
        ("POST", ["build"]) => "build image".to_owned(),
        ("POST", ["images", "create"]) => "pull image".to_owned(),
        ("POST", ["images", "load"]) => "load image".to_owned(),
        ("POST", ["images", .., "tag"]) => "tag image".to_owned(),
        ("POST", ["images", .., "push"]) => "push image".to_owned(),
        ("DELETE", [kind, ..]) => format!("remove {}", kind.trim_end_matches('s')),
        _ => panic!("a request that the laws do not know: {method} {path}"),
    }
}
