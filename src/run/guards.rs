//! Guards: asked once, on this machine, before planning, also under `--test`. They may only read.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use petgraph::graph::NodeIndex;

use crate::converge::Guard;
use crate::host::run_command;
use crate::state::{Options, StateGraph};

/// How long one guard may take.
const BOUND: Duration = Duration::from_secs(60);

/// Asks the guards of every state that has some.
pub async fn ask(graph: &StateGraph) -> BTreeMap<NodeIndex, Guard> {
    let mut answers = BTreeMap::new();
    for node in graph.graph.node_indices() {
        let options = &graph.graph[node].options;
        if !(options.onlyif.is_empty() && options.unless.is_empty() && options.creates.is_empty()) {
            answers.insert(node, ask_one(options, &graph.root).await);
        }
    }
    answers
}

async fn ask_one(options: &Options, root: &Path) -> Guard {
    if !options.creates.is_empty() && options.creates.iter().all(|path| root.join(path).exists()) {
        return Guard::Closed(format!("{} exists", options.creates.join(", ")));
    }
    for command in &options.onlyif {
        match answer("onlyif", command).await {
            Ok(true) => {}
            Ok(false) => return Guard::Closed(format!("`onlyif` says no: {command}")),
            Err(broken) => return broken,
        }
    }
    let mut all_succeed = !options.unless.is_empty();
    for command in &options.unless {
        match answer("unless", command).await {
            Ok(succeeds) => all_succeed &= succeeds,
            Err(broken) => return broken,
        }
    }
    if all_succeed {
        return Guard::Closed(format!("`unless` says it is not needed: {}", options.unless.join("; ")));
    }
    Guard::Open
}

/// Words of the shell that end with 127 to say that there is no such program.
const QUESTIONS: [&str; 3] = ["command -v", "type ", "hash "];

/// Asks one command whether it succeeds. One that cannot be run says neither yes nor no.
async fn answer(guard: &str, command: &str) -> Result<bool, Guard> {
    let finished = run_command(command, BOUND)
        .await
        .map_err(|error| Guard::Broken(format!("the guard `{guard}` cannot be asked: {error}")))?;
    let is_question = QUESTIONS.iter().any(|question| command.contains(question));
    match finished.code {
        Some(code @ (126 | 127)) if !is_question => {
            let said = finished.output.last().map(|line| format!(": {line}")).unwrap_or_default();
            Err(Guard::Broken(format!("`{guard}` cannot be run: {command}: exit code {code}{said}")))
        }
        _ => Ok(finished.is_success()),
    }
}
