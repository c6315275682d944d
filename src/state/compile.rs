//! From files to a graph, in stages; a stage tells all its mistakes, and none runs after one that
//! has told any.

use std::collections::BTreeMap;

use petgraph::graph::{DiGraph, NodeIndex};

use super::adjust::{apply_excludes, apply_extends, apply_uses};
use super::chunk::{chunks, read};
use super::confine;
use super::contents;
use super::cycles::cycles;
use super::disputes::{self, disputes};
use super::gather::{Gathered, Gatherer};
use super::graph::{State, StateGraph};
use super::index::Index;
use super::inputs::{Inputs, Trust};
use super::line_files;
use super::pillar;
use super::pins::{self, Pinned};
use super::references::add_references;
use super::render::{Rendered, Renderer, Surroundings};
use super::requisites::requisite_edges;
use super::secrets;
use super::settings::{self, RegistryOptions, Settings};
use super::tree::Tree;
use super::warnings::warnings;
use crate::secret::Declarations;
use crate::source::{Diagnostic, Diagnostics, Severity};
use crate::world::Owner;

/// Compiles a tree of state files.
///
/// # Errors
/// Every mistake of the first stage that finds any.
pub fn compile(inputs: &Inputs) -> Result<StateGraph, Diagnostics> {
    let mut problems = Diagnostics::default();
    let Loaded { tree, owner, renderer, mut gathered, registries, secrets, pinned } =
        load(inputs, &mut problems)?;

    apply_extends(&mut gathered, &mut problems);
    apply_excludes(&mut gathered, &mut problems);
    let mut chunks = chunks(std::mem::take(&mut gathered.declarations), &mut problems);
    let index = Index::new(&chunks, &gathered, &mut problems);
    apply_uses(&mut chunks, &index, &mut problems);
    let edges = requisite_edges(&chunks, &index, &mut problems);
    let mut states: Vec<_> =
        chunks.iter().enumerate().filter_map(|(n, chunk)| read(chunk, n, &mut problems)).collect();
    chunks.iter().for_each(|chunk| confine::guards(chunk, &inputs.trust, &mut problems));
    for state in &mut states {
        line_files::read(state, &tree, &mut problems);
    }
    let mut secret_places = BTreeMap::new();
    for chunk in &chunks {
        secrets::places(chunk, &mut problems);
        secrets::note_uses(chunk, &mut secret_places);
    }
    for state in &states {
        confine::secrets(state, &secrets, &inputs.trust, &tree.bounds, &mut problems);
        confine::files(state, &tree.bounds, &mut problems);
        confine::binds(state, &owner, &tree.bounds, &mut problems);
    }
    if problems.has_errors() {
        return Err(problems);
    }
    states.iter_mut().for_each(|state| contents::fill(state, &tree, &renderer, &mut problems));
    if problems.has_errors() {
        return Err(problems);
    }

    let mut graph: DiGraph<State, _> = DiGraph::with_capacity(states.len() * 2, edges.len() + states.len());
    for state in states {
        graph.add_node(state);
    }
    for (from, to, edge) in edges {
        graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), edge);
    }
    add_references(&mut graph, &chunks, &index, &mut problems);
    cycles(&graph, &mut problems);
    disputes(&graph, &owner, &mut problems);
    disputes::archives(&graph, &mut problems);
    if problems.has_errors() {
        return Err(problems);
    }
    warnings(&graph, &mut problems);
    let Pinned { pins, places } = pinned;
    pins::unused(&places, &graph, &mut problems);
    let inputs = tree.inputs();
    let (root, states) = (tree.root, tree.states);
    let warnings = problems.into_iter().collect();
    let open_ranges = BTreeMap::new();
    Ok(StateGraph {
        owner,
        root,
        states,
        inputs,
        registries,
        pins,
        open_ranges,
        secrets,
        secret_places,
        graph,
        warnings,
    })
}

/// Renders every file of a tree, without giving the text a meaning beyond its includes.
///
/// # Errors
/// Every mistake in templates and in the shape of files.
pub fn render(inputs: &Inputs) -> Result<Vec<Rendered>, Diagnostics> {
    Ok(load(inputs, &mut Diagnostics::default())?.gathered.rendered)
}

struct Loaded {
    tree: Tree,
    owner: Owner,
    renderer: Renderer,
    gathered: Gathered,
    registries: BTreeMap<String, RegistryOptions>,
    secrets: Declarations,
    pinned: Pinned,
}

/// Reads and parses all files. Warnings go to `problems`.
fn load(inputs: &Inputs, problems: &mut Diagnostics) -> Result<Loaded, Diagnostics> {
    let tree = Tree::of(&inputs.files, &inputs.folder, &inputs.trust)?;
    let settings = settings::read(&tree, problems);
    let env = match &inputs.env {
        Some(env) => env.clone(),
        None => {
            inputs.files[0].file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
        }
    };
    let project = settings::project(inputs, &tree, &settings, problems);
    let pinned = pins::read(&tree, &env, problems);
    let mut owner = Owner { project, env };
    let surroundings = Surroundings { owner: owner.clone(), grains: inputs.grains.clone() };
    let pillar = pillar::read(inputs, &tree, &surroundings, problems);
    if problems.has_errors() {
        return Err(std::mem::take(problems));
    }
    let renderer = Renderer::new(&tree, &surroundings, Some(pillar));
    let Settings { defaults, registries, mut secrets, project: _ } = settings;
    secrets.env.clone_from(&owner.env);
    if inputs.trust != Trust::Own {
        // With which keys this host reads is not for others to say.
        secrets.identities.clear();
    }
    let mut gatherer = Gatherer::new(&tree, &renderer, defaults, problems);
    for file in &tree.files {
        gatherer.file(file);
    }
    let gathered = gatherer.gathered;
    for (name, place) in &gathered.projects {
        if let Some((first, at)) = gathered.projects.first()
            && first != name
        {
            problems.push(
                Diagnostic::error(place, format!("`project` is `{name}` here"))
                    .note(format!("it is `{first}` at {at}"))
                    .hint("objects belong to one project: say it once"),
            );
        }
        owner.project.clone_from(name);
    }
    check_name("project", &owner.project, problems);
    check_name("env", &owner.env, problems);
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(std::mem::take(problems));
    }
    Ok(Loaded { tree, owner, renderer, gathered, registries, secrets, pinned })
}

/// Both names end up in labels and in the names of locks.
fn check_name(what: &str, name: &str, problems: &mut Diagnostics) {
    let sound = !name.is_empty()
        && name.len() <= 128
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !sound {
        problems.push(
            Diagnostic::error_without_place(format!("`{name}` cannot be the {what}"))
                .hint("use letters, digits, `-`, `_` and `.`"),
        );
    }
}
