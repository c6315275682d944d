//! What containers declare to be run in them, and what is on record of it.

mod history;
mod promotion;
mod running;
mod standing;

use crate::rig::engines::Engine;
use crate::rig::images;
use crate::rig::inspect;
use crate::rig::scope::Scope;
use crate::rig::workspace::{Run, STATE, Workspace};
use serde_json::{Value, json};

pub const VALIDATE: &str = "io.evenkeel.lifecycle.validate";
pub const UPDATE: &str = "io.evenkeel.lifecycle.update";

/// A container by hand, with labels that declare methods.
pub fn by_hand(engine: &Engine, scope: &Scope, name: &str, labels: &Value) -> String {
    let name = scope.name(name);
    let image = images::bb(engine);
    inspect::run(engine, &name, &json!({"Image": image, "Labels": labels, "StopSignal": "KILL"}));
    name
}

/// `evenkeel WORDS… --json`, and its answer.
pub fn answered(workspace: &Workspace, words: &[&str]) -> (Run, Value) {
    let run = workspace.run(words.iter().chain(&["--json"]));
    let json = run.json();
    (run, json)
}

/// The only line of the status about a container, as JSON.
pub fn standing(workspace: &Workspace, name: &str) -> Value {
    let (run, json) = answered(workspace, &["status", name]);
    assert_eq!(run.code(), Some(0), "{run}");
    json["containers"][0].clone()
}

/// The bytes of the history.
pub fn database(workspace: &Workspace) -> Vec<u8> {
    std::fs::read(workspace.path(STATE).join("history.db")).expect("a history")
}

pub fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
