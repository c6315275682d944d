//! Where an image comes from: the records of builds, in labels and in files, through generations of images.

mod foreign;
mod generations;
mod sources;

use crate::rig::engines::Engine;
use crate::rig::http::query;
use crate::rig::images;
use crate::rig::inspect;
use crate::rig::scope::Scope;
use crate::rig::workspace::{Run, Workspace};
use serde_json::{Value, json};

const FILE: &str = "prod.yml";

/// A tree of state files on one engine, with names of its own.
struct Tree<'a> {
    engine: &'a Engine,
    scope: Scope,
    workspace: Workspace,
}

impl<'a> Tree<'a> {
    fn new(engine: &'a Engine) -> Self {
        images::bb(engine);
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        Self { engine, scope, workspace }
    }

    /// Writes the state file; `$` stands before names.
    fn declare(&self, states: &str) {
        let defaults = "defaults: {container: {stop_signal: KILL, stable_for: 0s}}\n";
        self.workspace.file("evenkeel.yml", format!("project: {}\n{defaults}", self.scope.project()));
        self.workspace.file(FILE, states.replace('$', &self.scope.prefix()));
    }

    /// A Dockerfile that builds on an image of the tree.
    fn dockerfile(&self, folder: &str, text: &str) {
        self.workspace.file(&format!("{folder}/Dockerfile"), text.replace('$', &self.scope.prefix()));
    }

    fn name(&self, short: &str) -> String {
        self.scope.name(short)
    }

    fn apply(&self, args: &[&str]) -> Value {
        let (run, json) = self.workspace.apply_json(FILE, args);
        run.expect(0);
        json
    }

    /// Nothing is left to do.
    fn rests(&self) {
        for args in [&["--test"][..], &[]] {
            let json = self.apply(args);
            assert_eq!(json["summary"]["unchanged"], json["summary"]["total"], "{json}");
        }
    }

    fn run(&self, words: &[&str]) -> Run {
        self.workspace.run(words)
    }

    /// What `evenkeel metadata NAME --json` prints.
    fn metadata(&self, short: &str) -> Vec<Value> {
        let run = self.run(&["metadata", &self.name(short), "--json"]).expect(0);
        run.json().as_array().cloned().unwrap_or_else(|| panic!("no list: {run}"))
    }

    fn labels(&self, image: &str) -> Value {
        inspect::image(self.engine, &self.name(image))["Config"]["Labels"].clone()
    }

    /// What a command prints in a container that is made from an image of the tree for it.
    fn in_image(&self, image: &str, command: &str) -> String {
        let name = self.name(&format!("look-{}", image.replace(':', "-")));
        let body = json!({"Image": self.name(image), "StopSignal": "KILL", "Cmd": ["sleep", "1000"]});
        inspect::run(self.engine, &name, &body);
        let told = inspect::exec(self.engine, &name, &["sh", "-c", command]).1;
        self.engine.http().delete(&format!("/containers/{}?force=1&v=1", query(&name))).ok();
        told
    }
}

/// The fields that a plan names as different.
fn rows(json: &Value) -> Vec<String> {
    let states = json["states"].as_array().into_iter().flatten();
    let rows = states.flat_map(|state| state["diff"].as_array().cloned().unwrap_or_default());
    rows.filter_map(|row| row["field"].as_str().map(str::to_owned)).collect()
}

/// The same value of each record.
fn each(records: &[Value], key: &str) -> Vec<Value> {
    records.iter().map(|record| record[key].clone()).collect()
}
