//! What has to be known besides the engine: files behind images, and the registries' answers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::engine::Wanted;
use crate::host::{
    ArchiveError, archive_ids, archive_image, build_inputs, buildkit_needs, from_images, has_buildx,
};
use crate::resource::{
    BuildFacts, Facts, Machine, Pull, SourceFact, at_pin, declared_files, follows_base, image_reference,
    is_due, is_job_state, pull_policy,
};
use crate::state::{State, StateGraph};
use crate::world::{Archive, FileContent, Image, ImageReference, LARGEST_FILE, World, label};

/// Reads the files behind images that are built or loaded.
pub fn facts(graph: &StateGraph, now: i64) -> Facts {
    let declared: BTreeSet<String> = images(graph)
        .map(|state| ImageReference::parse(&image_reference(&state.name, &state.spec)).normal())
        .collect();
    let mut sources = BTreeMap::new();
    for state in images(graph) {
        let fact = match state.function.name {
            "built" => context(state, &declared),
            "loaded" => archive(state),
            _ => continue,
        };
        sources.insert(state.name.clone(), fact);
    }
    let pins = graph.pins.iter().map(|(reference, pin)| (reference.clone(), pin.digest.clone()));
    Facts {
        now,
        sources,
        pins: pins.collect(),
        open_ranges: graph.open_ranges.clone(),
        revisions: BTreeMap::new(),
        jobs: BTreeMap::new(),
        mounted: mounted(graph),
        machine: Machine::NotAsked,
    }
}

/// Digests of the files of the tree that containers mount. What cannot be read is left to whoever mounts it.
fn mounted(graph: &StateGraph) -> BTreeMap<String, String> {
    let containers = graph.graph.node_weights().filter(|state| state.kind.name() == "container");
    let mounts = containers.filter_map(|state| state.spec.value("volumes")?.as_object()).flatten();
    let sources =
        mounts.filter(|(_, mount)| mount["type"] == "bind").filter_map(|(_, mount)| mount["source"].as_str());
    let is_inside =
        |source: &&str| !graph.root.as_os_str().is_empty() && Path::new(source).starts_with(&graph.root);
    let digest = |source: &str| {
        let found =
            std::fs::metadata(source).ok().filter(|found| found.is_file() && found.len() <= LARGEST_FILE)?;
        let bytes = std::fs::read(source).ok()?;
        (bytes.len() as u64 == found.len()).then(|| FileContent::of(bytes).digest()[..12].to_owned())
    };
    sources.filter(is_inside).filter_map(|source| Some((source.to_owned(), digest(source)?))).collect()
}

fn images(graph: &StateGraph) -> impl Iterator<Item = &State> {
    graph.graph.node_weights().filter(|state| state.kind.name() == "image")
}

fn context(state: &State, declared: &BTreeSet<String>) -> SourceFact {
    let folder = Path::new(state.spec.text("context").unwrap_or(""));
    let dockerfile = state.spec.text("dockerfile").unwrap_or("Dockerfile");
    let target = state.spec.text("target");
    let args = texts(state, "args");
    let labels = texts(state, "labels");
    let inputs = match build_inputs(folder, dockerfile, &args, target, &labels, &build_options(state)) {
        Ok(inputs) => inputs,
        Err(error) => return SourceFact::Unreadable(error.to_string()),
    };
    // It was there a moment ago; without it there is nothing to follow.
    let text = std::fs::read_to_string(folder.join(dockerfile)).unwrap_or_default();
    let bases = from_images(&text, &args, target);
    let (bases, outside) =
        bases.into_iter().partition(|base| declared.contains(&ImageReference::parse(base).normal()));
    if let Some(reason) = missing_secret(state) {
        return SourceFact::Unreadable(reason);
    }
    let needs = needs(state, dockerfile, &text);
    let has_buildx = !needs.is_empty() && has_buildx();
    let build = BuildFacts { inputs: inputs.parts, outside, needs, has_buildx };
    SourceFact::Context { hash: inputs.hash, bases, build }
}

/// The options that decide what a build makes, besides arguments, target and labels.
fn build_options(state: &State) -> BTreeMap<String, String> {
    let option = |field: &str| Some((field.to_owned(), state.spec.value(field)?.to_string()));
    let plain = ["platform", "network", "extra_hosts", "secrets", "metadata_files"];
    let mut options: BTreeMap<String, String> = plain.into_iter().filter_map(option).collect();
    for field in ["metadata", "lifecycle"] {
        let keys = state.spec.value(field).and_then(Value::as_object).into_iter().flatten();
        options.extend(keys.map(|(key, value)| (format!("{field}.{key}"), value.to_string())));
    }
    options
}

/// A secret of a build that is not there. Nothing is read of one that is.
fn missing_secret(state: &State) -> Option<String> {
    let secrets = state.spec.value("secrets")?.as_object()?;
    secrets.iter().find_map(|(id, origin)| {
        let path = Path::new(origin["file"].as_str()?);
        (!path.is_file()).then(|| format!("there is no file {} for the secret `{id}`", path.display()))
    })
}

/// What of a build only BuildKit can do.
fn needs(state: &State, dockerfile: &str, text: &str) -> Vec<String> {
    let asks = state.spec.value("secrets").and_then(Value::as_object).is_some_and(|map| !map.is_empty());
    let in_file = buildkit_needs(text).into_iter();
    let in_file = in_file.map(|(line, what)| format!("{dockerfile}:{line}: `{what}`"));
    in_file.chain(asks.then(|| "`secrets`".to_owned())).collect()
}

fn archive(state: &State) -> SourceFact {
    let path = Path::new(state.spec.text("path").unwrap_or(""));
    match archive_image(path, &state.name) {
        Ok(hash) => SourceFact::Archive { hash },
        Err(error) => SourceFact::Unreadable(error.to_string()),
    }
}

/// What the archives hold that states save images to.
pub fn archives(graph: &StateGraph) -> BTreeMap<PathBuf, Archive> {
    archive_paths(graph).into_iter().map(|path| (path.clone(), archive_at(&path))).collect()
}

/// The archives that states save images to.
pub fn archive_paths(graph: &StateGraph) -> BTreeSet<PathBuf> {
    let saved = images(graph).filter(|state| state.function.name == "saved");
    saved.filter_map(|state| state.spec.text("path").map(PathBuf::from)).collect()
}

fn archive_at(path: &Path) -> Archive {
    let folder = path.parent().unwrap_or(path);
    if !folder.is_dir() {
        return Archive::Unreadable(format!(
            "there is no folder {} to save to; make it first",
            folder.display()
        ));
    }
    match archive_ids(path) {
        Ok(ids) => Archive::Holds(ids),
        Err(ArchiveError::Read { error, .. }) if error.kind() == ErrorKind::NotFound => Archive::Absent,
        // What is there may be somebody's.
        Err(error) => Archive::Unreadable(format!("{error}; it is not written over: move it away")),
    }
}

fn texts(state: &State, field: &str) -> BTreeMap<String, String> {
    let map = state.spec.value(field).and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// What has to be looked at in full.
pub fn wanted(graph: &StateGraph) -> Wanted {
    let mut wanted = Wanted { owner: Some(graph.owner.clone()), ..Wanted::default() };
    for state in graph.graph.node_weights() {
        match state.kind.name() {
            "container" => {
                wanted.containers.insert(state.name.clone());
                let files = declared_files(&state.spec);
                // What a job has made of its own is not looked at.
                if !files.is_empty() && !is_job_state(state.function.name) {
                    wanted.files.insert(state.name.clone(), files);
                }
                wanted.containers.extend(state.options.was.clone());
                let references = state.kind.references(state.function.name, &state.spec);
                let named = references.into_iter().filter(|reference| reference.kind == "container");
                wanted.containers.extend(named.map(|reference| reference.name));
            }
            "image" => {
                wanted.images.insert(image_reference(&state.name, &state.spec));
            }
            _ => {}
        }
    }
    wanted
}

/// True if an image is pinned to another digest than the engine has it by.
fn lacks_pin(graph: &StateGraph, image: &Image, reference: &str) -> bool {
    let reference = ImageReference::parse(reference);
    let pin = graph.pins.get(&reference.normal());
    pin.is_some_and(|pin| !image.digests_in(&reference).contains(&pin.digest.as_str()))
}

/// The references whose registries have to be asked, given what the engine has.
pub fn due(graph: &StateGraph, world: &World, facts: &Facts) -> BTreeSet<String> {
    let now = facts.now;
    let bases = images(graph).filter(|state| follows_base(&state.spec)).filter_map(|state| {
        match facts.sources.get(&state.name)? {
            // One that is fixed to a digest never changes.
            SourceFact::Context { build, .. } => Some(
                build.outside.iter().filter(|base| ImageReference::parse(base).digest().is_none()).cloned(),
            ),
            SourceFact::Archive { .. } | SourceFact::Unreadable(_) => None,
        }
    });
    // A build fetches by itself what the engine has not.
    let missing = images(graph).filter_map(|state| match facts.sources.get(&state.name)? {
        SourceFact::Context { hash, build, .. } => {
            let built = world.image(&image_reference(&state.name, &state.spec));
            let is_built = built.is_some_and(|image| image.labels().get(label::BUILD_HASH) == Some(hash));
            let lacks = |base: &&String| {
                world.image(base).is_none() && !matches!(ImageReference::parse(base), ImageReference::Id(_))
            };
            (!is_built).then(|| build.outside.iter().filter(lacks).cloned().collect::<Vec<_>>())
        }
        SourceFact::Archive { .. } | SourceFact::Unreadable(_) => None,
    });
    let pushed = images(graph).filter(|state| state.function.name == "pushed");
    let pushed = pushed.map(|state| image_reference(&state.name, &state.spec));
    images(graph)
        .filter(|state| state.function.name == "present")
        .filter_map(|state| {
            let reference = image_reference(&state.name, &state.spec);
            let policy = pull_policy(&state.spec);
            if facts.open_range(&reference).is_some() {
                return None;
            }
            let asks = match world.image(&reference) {
                Some(image) => is_due(policy, image, now) || lacks_pin(graph, image, &reference),
                None => {
                    policy != Pull::Never
                        && !matches!(ImageReference::parse(&reference), ImageReference::Id(_))
                }
            };
            let pinned = facts.pin(&reference).map(|pin| at_pin(&reference, pin));
            asks.then(|| [reference].into_iter().chain(pinned))
        })
        .flatten()
        .chain(pushed)
        .chain(bases.flatten())
        .chain(missing.flatten())
        .collect()
}
