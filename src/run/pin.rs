//! Pinning: which digest each image of an environment is used at, in a file to be committed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use super::ranges;
use super::remotes::registries_of;
use super::tree::compile;
use super::{Ambient, Mode, RunError, TreeOptions};
use crate::plan::{PinChange, PinReport};
use crate::registry::{Manifest, Registries};
use crate::resource::image_reference;
use crate::state::{Pin, Pins, StateGraph, pins_path, written_pins};
use crate::world::{ImageReference, VersionRange};

/// What is to be pinned.
#[derive(Clone, PartialEq, Eq)]
pub struct PinOptions {
    pub tree: TreeOptions,
    pub update: Update,
    pub mode: Mode,
}

/// Which pins follow their tags; images without a pin always get one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    None,
    Of(BTreeSet<String>),
    All,
}

/// Asks the registries what the tags of an environment point to, and writes it down.
///
/// # Errors
/// If the state files are wrong, a registry does not say, or the file cannot be written; then it is
/// as it was.
pub async fn pin(options: &PinOptions, ambient: &Ambient) -> Result<PinReport, RunError> {
    let graph = compile(&options.tree, ambient, None).await?;
    let registries = registries_of(&graph.registries, ambient);
    let declared = declared(&graph);
    if let Update::Of(names) = &options.update
        && let Some(unknown) =
            names.iter().find(|name| !declared.contains(&ImageReference::parse(name).normal()))
    {
        let known: Vec<&str> = declared.iter().map(String::as_str).collect();
        return Err(RunError::Usage(format!(
            "no state uses the image `{unknown}` by a tag; they use: {}",
            known.join(", ")
        )));
    }
    let mut pins = Pins::new();
    for reference in &declared {
        let pin = match graph.pins.get(reference).filter(|_| !options.update.is_for(reference)) {
            Some(pin) => pin.clone(),
            None => resolve(&registries, reference).await?,
        };
        pins.insert(reference.clone(), pin);
    }
    let path = pins_path(&graph.states, &options.tree.env);
    let changes = changes(&graph.pins, &pins);
    if options.mode == Mode::Apply && !changes.is_empty() {
        write(&path, &written_pins(&pins))
            .map_err(|error| RunError::Failed(format!("cannot write {}: {error}", path.display())))?;
    }
    Ok(PinReport {
        file: path.strip_prefix(&graph.root).unwrap_or(&path).display().to_string(),
        unchanged: pins.len() - changes.iter().filter(|change| change.to.is_some()).count(),
        changes,
        dry_run: options.mode == Mode::Test,
    })
}

impl Update {
    fn is_for(&self, reference: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Of(names) => names.iter().any(|name| ImageReference::parse(name).normal() == reference),
        }
    }
}

/// The tags that the states use.
fn declared(graph: &StateGraph) -> BTreeSet<String> {
    let images = graph.graph.node_weights().filter(|state| state.kind.name() == "image");
    let present = images.filter(|state| state.function.name == "present");
    let references = present.map(|state| ImageReference::parse(&image_reference(&state.name, &state.spec)));
    let tags = references.filter(|it| matches!(it, ImageReference::Named { digest: None, .. }));
    tags.map(|reference| reference.normal()).collect()
}

async fn resolve(registries: &Registries, reference: &str) -> Result<Pin, RunError> {
    let mut parsed = ImageReference::parse(reference);
    let mut tag = None;
    if let Some(Ok(range)) = VersionRange::of(&parsed) {
        let newest = ranges::newest(&parsed, &range, registries).await;
        let newest =
            newest.map_err(|nothing| RunError::Failed(format!("{reference}: {}", nothing.reason())))?;
        parsed = parsed.tagged(&newest);
        tag = Some(newest);
    }
    let manifest = registries.manifest(&parsed).await?;
    let platforms = match manifest.read() {
        Ok(Manifest::Index(entries)) => {
            entries.into_iter().map(|entry| (entry.platform.to_string(), entry.manifest.digest)).collect()
        }
        Ok(Manifest::Image { .. }) => BTreeMap::new(),
        Err(reason) => return Err(RunError::Failed(format!("{reference}: {reason}"))),
    };
    Ok(Pin { digest: manifest.digest, tag, platforms })
}

fn changes(old: &Pins, new: &Pins) -> Vec<PinChange> {
    let references: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let digest = |pins: &Pins, reference: &String| pins.get(reference).map(|pin| pin.digest.clone());
    references
        .into_iter()
        .filter(|reference| old.get(*reference) != new.get(*reference))
        .map(|reference| PinChange {
            reference: reference.clone(),
            from: digest(old, reference),
            to: digest(new, reference),
        })
        .collect()
}

/// Writes the whole file or nothing of it.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_extension("pins.new");
    let written = std::fs::File::create(&new).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    match written.and_then(|()| std::fs::rename(&new, path)) {
        Ok(()) => Ok(()),
        Err(error) => {
            // What is half written is of no use to anybody.
            _ = std::fs::remove_file(&new);
            Err(error)
        }
    }
}
