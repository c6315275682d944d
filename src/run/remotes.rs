//! What registries say about the images of a tree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::unreachable;
use super::tree::environment;
use super::{Ambient, AskRegistries, RunError};
use crate::engine::{Address, Client, Observe};
use crate::registry::{
    Cache, Platform, Question, Registries, RegistryError, RegistrySettings, Settings, is_loopback,
};
use crate::resource::image_reference;
use crate::state::{RegistryOptions, StateGraph};
use crate::world::{Engine, ImageReference, Remote, World};

/// The registries as this tree, the engine and Docker's configuration have them.
pub(super) fn registries(
    graph: &StateGraph,
    engine: &Engine,
    client: &Client,
    cache: Option<Cache>,
) -> Registries {
    let docker_config = client.environment().docker_config();
    let settings = settings(&graph.registries, docker_config).with_engine(&engine.info);
    Registries::knowing(settings, cache.map(|cache| cache.heads()).unwrap_or_default())
}

/// The answers of earlier runs, if they are wanted and there is a place for them.
pub(super) fn cache(ask: AskRegistries, folder: Option<&Path>, now: u64) -> Option<Cache> {
    match ask {
        AskRegistries::WhereDue { ttl } if !ttl.is_zero() => Some(Cache::read(folder?, ttl, now)),
        AskRegistries::WhereDue { .. } | AskRegistries::Never => None,
    }
}

/// The same where no engine is asked.
pub(super) fn registries_of(options: &BTreeMap<String, RegistryOptions>, ambient: &Ambient) -> Registries {
    Registries::new(settings_of(options, ambient))
}

/// How registries are spoken to where no engine is asked.
pub(super) fn settings_of(options: &BTreeMap<String, RegistryOptions>, ambient: &Ambient) -> Settings {
    settings(options, environment(ambient).docker_config())
}

fn settings(options: &BTreeMap<String, RegistryOptions>, docker_config: Option<PathBuf>) -> Settings {
    let own = options.iter().map(|(name, options)| {
        let settings = RegistrySettings {
            insecure: options.insecure,
            ca: options.ca.iter().cloned().collect(),
            mirrors: options.mirrors.clone(),
            timeout: options.timeout.map(Duration::from_secs),
        };
        (name.clone(), settings)
    });
    Settings { registries: own.collect(), docker_config }
}

/// Asks the registries about references. One that cannot be reached from here may be reached by
/// the engine, so that is asked next; what nobody says is unknown.
pub(super) async fn ask(
    references: &BTreeSet<String>,
    graph: &StateGraph,
    world: &World,
    registries: &Registries,
    client: &Client,
) -> Result<BTreeMap<String, Remote>, RunError> {
    let (by_engine, mut asked): (BTreeSet<_>, Vec<_>) = references.iter().fold(
        Default::default(),
        |(mut engine, mut own): (BTreeSet<String>, Vec<Question>), reference| {
            // Another machine's loopback is not ours.
            if is_elsewhere(&ImageReference::parse(reference), client) {
                engine.insert(reference.clone());
            } else {
                own.push(question(reference, graph, world));
            }
            (engine, own)
        },
    );
    asked.dedup();
    let is_here = matches!(client.address(), Address::Unix(_));
    let mut remotes = BTreeMap::new();
    let mut unreachable_here: BTreeMap<String, RegistryError> = BTreeMap::new();
    for (reference, answer) in registries.resolve_all(asked).await {
        match answer {
            Ok(remote) => {
                remotes.insert(reference, remote);
            }
            Err(error) if error.is_silence() && is_here => {
                // This machine's engine would wait as long, and for nothing.
                remotes.insert(reference, Remote::Unknown(told(&error)));
            }
            Err(error @ (RegistryError::Unreachable { .. } | RegistryError::Here(_))) => {
                unreachable_here.insert(reference, error);
            }
            Err(error) => {
                remotes.insert(reference, Remote::Unknown(told(&error)));
            }
        }
    }
    let rest: BTreeSet<String> = by_engine.into_iter().chain(unreachable_here.keys().cloned()).collect();
    if !rest.is_empty() {
        for (reference, remote) in client.remotes(&rest).await.map_err(unreachable)? {
            let remote = match (&remote, unreachable_here.get(&reference)) {
                // What is wrong here says more than what the engine makes of it.
                (Remote::Unknown(_), Some(error)) => Remote::Unknown(told(error)),
                _ => remote,
            };
            remotes.insert(reference, remote);
        }
    }
    Ok(remotes)
}

pub(super) fn told(error: &RegistryError) -> String {
    match error.hint() {
        Some(hint) => format!("{error} ({hint})"),
        None => error.to_string(),
    }
}

/// True if a registry is on the loopback of an engine that is on another machine.
pub(super) fn is_elsewhere(reference: &ImageReference, client: &Client) -> bool {
    let is_here = matches!(client.address(), Address::Unix(_));
    !is_here && matches!(reference, ImageReference::Named { registry, .. } if is_loopback(registry))
}

fn question(reference: &str, graph: &StateGraph, world: &World) -> Question {
    let normal = ImageReference::parse(reference).normal();
    let states = graph.graph.node_weights().filter(|state| state.kind.name() == "image");
    let declared = states
        .filter(|state| ImageReference::parse(&image_reference(&state.name, &state.spec)).normal() == normal)
        .find_map(|state| state.spec.text("platform").filter(|text| !text.is_empty()));
    let here = Platform {
        os: world.engine.os.clone(),
        architecture: world.engine.architecture.clone(),
        variant: String::new(),
    };
    let parsed = ImageReference::parse(reference);
    let known = world.image(reference).map(|image| image.digests_in(&parsed)).unwrap_or_default();
    Question {
        reference: reference.to_owned(),
        known: known.into_iter().map(str::to_owned).collect(),
        platform: Platform::parse(declared.unwrap_or_default(), &here),
        is_declared: declared.is_some(),
    }
}

/// Pinned images whose tags point elsewhere by now.
pub(super) fn moved_away(graph: &StateGraph, world: &World) -> Vec<String> {
    let moved = |(reference, remote): (&String, &Remote)| {
        let pin = &graph.pins.get(reference)?.digest;
        let digest = remote.digest().filter(|digest| digest != pin)?;
        Some(format!(
            "{reference} is pinned to {pin} and its tag points to {digest} by now; follow it with: evenkeel pin \
             FILE --update={reference}"
        ))
    };
    world.remotes.iter().filter_map(moved).collect()
}
