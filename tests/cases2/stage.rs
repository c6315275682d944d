//! One scenario's engine, names, tree and proxy, and what every scenario does with them.

use crate::rig::ended;
use crate::rig::engines::{self, Engine};
use crate::rig::images;
use crate::rig::inspect::{self, Object};
use crate::rig::proxy::Proxy;
use crate::rig::scope::Scope;
use crate::rig::workspace::{Run, Victim, Workspace};
use serde_json::Value;

pub struct Stage<'a> {
    pub engine: &'a Engine,
    pub scope: Scope,
    pub proxy: Proxy,
    pub tree: Workspace,
}

/// Runs a scenario on one of the engines at hand, or on both (`EVENKEEL_ENGINES=all`).
pub fn each(scenario: impl Fn(&Stage<'_>)) {
    engines::in_turn(|engine| scenario(&Stage::on(engine)));
}

/// Runs a scenario on every engine at hand, one after the other.
pub fn everywhere(scenario: impl Fn(&Stage<'_>)) {
    engines::each(|engine| scenario(&Stage::on(engine)));
}

impl<'a> Stage<'a> {
    pub fn on(engine: &'a Engine) -> Self {
        images::bb(engine);
        let scope = Scope::new(engine);
        let proxy = Proxy::before(engine);
        let tree = Workspace::new(&scope).on(proxy.host());
        Self { engine, scope, proxy, tree }
    }

    /// Writes the state file. `@` stands for the prefix of the scope, `BB` for what every container needs:
    /// an image, an end as soon as it is asked for, and no time to settle; with `PROVEN` it has to stay up, for so
    /// long that what ends at once has ended by then on any machine.
    pub fn states(&self, text: &str) -> &Self {
        self.file("states/dev.yml", text)
    }

    pub fn file(&self, path: &str, text: &str) -> &Self {
        let common = format!("image: {}, init: true, stable_for:", images::BB);
        // With their bracket: the random name of a temp folder may contain `BB`.
        let text = text.replace("{BB", &format!("{{{common} 0s"));
        let text = text.replace("{PROVEN", &format!("{{{common} 20s"));
        self.tree.file(path, text.replace('@', &self.scope.prefix()));
        self
    }

    pub fn name(&self, short: &str) -> String {
        self.scope.name(short)
    }

    pub fn id(&self, short: &str) -> String {
        inspect::id(self.engine, &self.name(short))
    }

    pub fn container(&self, short: &str) -> Value {
        inspect::container(self.engine, &self.name(short))
    }

    pub fn is_running(&self, short: &str) -> bool {
        inspect::is_running(self.engine, &self.name(short))
    }

    /// The containers of the scope by their short names, sorted, without those that are only kept.
    pub fn containers(&self) -> Vec<String> {
        inspect::serving(self.engine, &self.scope).iter().map(|name| self.short(name)).collect()
    }

    pub fn names(&self, object: Object) -> Vec<String> {
        let names = inspect::names(self.engine, object, &self.scope);
        names.iter().map(|name| self.short(name)).collect()
    }

    /// The text with the prefix of the scope taken out.
    pub fn short(&self, text: &str) -> String {
        text.replace(&self.scope.prefix(), "")
    }

    pub fn apply(&self, args: &[&str]) -> Run {
        self.proxy.clear();
        self.tree.apply("states/dev.yml", args)
    }

    /// Standard output of a run with this exit code, with short names.
    pub fn said(&self, args: &[&str], code: i32) -> String {
        let run = self.apply(args).expect(code);
        self.short(&run.stdout)
    }

    /// As `apply`; what the run starts first has ended when it hears of its start.
    pub fn apply_and_let_end(&self, args: &[&str]) -> Run {
        self.proxy.clear();
        ended::at_its_start(self.engine, &self.proxy);
        let run = self.tree.apply("states/dev.yml", args);
        assert!(self.proxy.faults_are_spent(), "nothing was started: {run}");
        run
    }

    pub fn start(&self, args: &[&str]) -> crate::rig::workspace::Running {
        let args = ["apply", "states/dev.yml"].iter().chain(args);
        self.tree.start(args, Victim::default())
    }

    pub fn json(&self, args: &[&str]) -> (Run, Value) {
        self.proxy.clear();
        self.tree.apply_json("states/dev.yml", args)
    }

    /// What a run does, such as `replace container.web`, and nothing about states that stay as they are.
    pub fn actions(&self, args: &[&str], code: i32) -> Vec<String> {
        let (run, json) = self.json(args);
        run.expect(code);
        self.listed(&json)
    }

    pub fn listed(&self, json: &Value) -> Vec<String> {
        let states = json["states"].as_array().expect("a list of states");
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        let told = states.iter().filter(|state| state["action"] != "none" || state["result"] == false);
        told.map(|state| {
            let action = if state["skipped"] == true { "skip".to_owned() } else { text(&state["action"]) };
            let failed = if state["result"] == false && action != "skip" { " failed" } else { "" };
            format!("{action} {}.{}{failed}", text(&state["kind"]), self.short(&text(&state["name"])))
        })
        .collect()
    }

    /// What `--test` says; that it touches nothing is shown here.
    pub fn test(&self, code: i32) -> Vec<String> {
        let before = inspect::inventory(self.engine, &self.scope);
        let said = self.actions(&["--test"], code);
        assert_eq!(self.mutations(), [""; 0], "--test changes nothing");
        assert_eq!(inspect::inventory(self.engine, &self.scope), before);
        said
    }

    pub fn mutations(&self) -> Vec<String> {
        self.proxy.mutations().iter().map(|request| self.short(&request.route())).collect()
    }

    /// `--test`, apply as it said, and nothing left to do.
    #[track_caller]
    pub fn converges(&self, expected: &[&str]) {
        assert_eq!(self.test(0), expected, "--test on {}", self.engine.name);
        assert_eq!(self.actions(&[], 0), expected, "apply on {}", self.engine.name);
        self.is_quiet();
    }

    /// A run does nothing: no request that changes something, no object replaced or restarted.
    #[track_caller]
    pub fn is_quiet(&self) {
        let before = inspect::inventory(self.engine, &self.scope);
        assert_eq!(self.actions(&["--detailed-exitcode"], 0), [""; 0], "second run on {}", self.engine.name);
        assert_eq!(self.mutations(), [""; 0]);
        assert_eq!(inspect::inventory(self.engine, &self.scope), before);
    }
}
