//! Revisions of containers: what is told of them, and what is kept.

mod history;
mod logs;

use crate::rig::engines::Engine;
use crate::rig::images;
use crate::rig::scope::Scope;
use crate::rig::workspace::{Run, Workspace};
use serde_json::Value;

/// One container, `web`, and what its states declare.
pub struct Web<'a> {
    pub engine: &'a Engine,
    pub scope: Scope,
    pub workspace: Workspace,
    pub name: String,
}

impl<'a> Web<'a> {
    pub fn new(engine: &'a Engine) -> Self {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host()).env("USER", "ann");
        let name = scope.name("web");
        Self { engine, scope, workspace, name }
    }

    /// Declares it with these further options, and applies that.
    pub fn deploy(&self, options: &str, args: &[&str]) -> Run {
        let image = images::bb(self.engine);
        let text = format!(
            "{}:\n  container.running: {{image: '{image}', stop_signal: KILL, stable_for: 1s, {options}}}\n",
            self.name
        );
        self.workspace.file("states/qa.yml", text);
        self.workspace.apply("states/qa.yml", args)
    }

    /// What it runs: it says a word on each stream, and sleeps or ends.
    pub fn says(word: &str, end: &str) -> String {
        format!("command: [sh, -c, 'echo out-{word}; echo err-{word} >&2; {end}']")
    }

    pub fn revisions(&self) -> Vec<Value> {
        let run = self.workspace.run(["history", &self.name, "--json"]).expect(0);
        run.json()["revisions"].as_array().expect("a list").clone()
    }
}
