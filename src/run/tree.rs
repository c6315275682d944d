//! Use cases that need no more than the state files: check, render, graph.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::{Ambient, GraphFormat, GraphOptions, RunError, TreeOptions};
use crate::engine::{self, Client, Environment};
use crate::source::{Diagnostic, Diagnostics};
use crate::state::{self, Bounds, Grains, Inputs, StateGraph};

/// What `check` found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// How many states there are, implied ones not counted.
    pub states: usize,
    /// How many files they stand in, modules included.
    pub files: usize,
    /// Warnings; errors come as [`RunError::Diagnostics`].
    pub diagnostics: Diagnostics,
}

/// Loads and compiles the state files without looking at what they would change.
///
/// # Errors
/// If they are wrong or cannot be read.
pub async fn check(options: &TreeOptions, ambient: &Ambient) -> Result<Checked, RunError> {
    let graph = compile(options, ambient, None).await?;
    let states = graph.graph.node_weights().filter(|state| !state.implied);
    let files: BTreeSet<&str> =
        graph.graph.node_weights().map(|state| state.place.file_and_line().0).collect();
    let mut diagnostics = Diagnostics::default();
    diagnostics.extend(graph.warnings.iter().cloned());
    Ok(Checked { states: states.count(), files: files.len(), diagnostics })
}

/// Gives the text that the state files render to.
///
/// # Errors
/// If a template is wrong or cannot be read.
pub async fn render(options: &TreeOptions, ambient: &Ambient) -> Result<String, RunError> {
    let inputs = inputs(options, ambient, None)?;
    let rendered = blocking(move || state::render(&inputs)).await??;
    let several = rendered.len() > 1;
    let mut text = String::new();
    for file in rendered {
        if several {
            text.push_str(&format!("# {}\n", file.file.name));
        }
        text.push_str(&file.text.text);
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(text)
}

/// Gives the graph of the states as text or for Graphviz.
///
/// # Errors
/// If the state files are wrong or cannot be read.
pub async fn graph(options: &GraphOptions, ambient: &Ambient) -> Result<String, RunError> {
    let graph = compile(&options.tree, ambient, None).await?;
    Ok(match options.format {
        GraphFormat::Text => graph.text(),
        GraphFormat::Dot => graph.dot(),
    })
}

/// Compiles the tree. Grains come from a file, else from the engine, asked when a template first
/// wants one.
pub(super) async fn compile(
    options: &TreeOptions,
    ambient: &Ambient,
    client: Option<&Client>,
) -> Result<StateGraph, RunError> {
    let inputs = inputs(options, ambient, client)?;
    let graph = blocking(move || state::compile(&inputs)).await??;
    let broken = options.policy.check(&graph);
    if broken.has_errors() { Err(broken.into()) } else { Ok(graph) }
}

/// Tells mistakes in the state files that show without an engine.
pub(super) async fn check_without_engine(options: &TreeOptions, ambient: &Ambient) -> Result<(), RunError> {
    let mut inputs = inputs(options, ambient, None)?;
    let asked = Arc::new(AtomicBool::new(false));
    if options.grains.is_none() {
        let asked = Arc::clone(&asked);
        inputs.grains = Grains::Lazy(Arc::new(move || {
            asked.store(true, Ordering::SeqCst);
            Err("there is no engine".to_owned())
        }));
    }
    match blocking(move || state::compile(&inputs)).await? {
        // What came of missing grains is no mistake of the files.
        Err(problems) if !asked.load(Ordering::SeqCst) => Err(problems.into()),
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, RunError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| RunError::Failed(format!("a bug in evenkeel: {error}")))
}

fn inputs(options: &TreeOptions, ambient: &Ambient, client: Option<&Client>) -> Result<Inputs, RunError> {
    let bounds = Bounds::of(&options.trust).map_err(Diagnostics::from)?;
    let grains = match &options.grains {
        Some(path) if bounds.real_of_named(path).is_err_and(|_| !bounds.is_open()) => {
            let problem = Diagnostic::error_without_place(format!(
                "--grains {}: it is not in the tree",
                path.display()
            ))
            .note("a tree that was pushed to a host reads nothing but itself");
            return Err(Diagnostics::from(problem).into());
        }
        Some(path) => {
            let failed = |error: String| RunError::Usage(format!("--grains {}: {error}", path.display()));
            let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
            Grains::Given(serde_yaml::from_str(&text).map_err(|error| failed(error.to_string()))?)
        }
        None => lazy_grains(options.host.clone(), environment(ambient), client.cloned()),
    };
    Ok(Inputs {
        files: options.files.clone(),
        folder: ambient.directory.clone(),
        env: Some(options.env.clone()),
        pillar: options.pillar.clone(),
        grains,
        project: options.project.clone(),
        trust: options.trust.clone(),
    })
}

/// Asks the engine only when a template wants to know. Called off the async threads.
fn lazy_grains(host: Option<String>, environment: Environment, client: Option<Client>) -> Grains {
    let handle = Handle::current();
    Grains::Lazy(Arc::new(move || {
        handle.block_on(async {
            let client = match &client {
                Some(client) => client.clone(),
                None => {
                    engine::connect(host.as_deref(), &environment).await.map_err(|error| error.to_string())?
                }
            };
            client.engine().await.map(|engine| grains(&engine)).map_err(|error| error.to_string())
        })
    }))
}

/// The facts of an engine by the names that Salt's users know.
fn grains(engine: &crate::world::Engine) -> Value {
    let info = &engine.info;
    json!({
        "id": engine.hostname,
        "host": engine.hostname,
        "nodename": engine.hostname,
        "os": info["OperatingSystem"],
        "kernel": engine.os,
        "kernelrelease": info["KernelVersion"],
        "osarch": engine.architecture,
        "cpuarch": info["Architecture"],
        "num_cpus": info["NCPU"],
        "mem_total": info["MemTotal"].as_i64().map(|bytes| bytes / 1_048_576),
        "docker": {
            "version": engine.version,
            "api": format!("{}.{}", engine.api.0, engine.api.1),
            "storage_driver": info["Driver"],
            "cgroup_version": info["CgroupVersion"],
            "labels": info["Labels"],
        },
    })
}

/// The part of the surroundings that the engine's client looks at.
pub(super) fn environment(ambient: &Ambient) -> Environment {
    Environment { home: ambient.home.clone(), vars: ambient.variables.clone() }
}
