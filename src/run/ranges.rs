//! Which tag a range of versions stands for: one that the engine has, or the registry's newest.

use super::remotes::{is_elsewhere, told};
use super::{AskRegistries, RunError};
use crate::engine::Client;
use crate::registry::Registries;
use crate::resource::Pull;
use crate::state::{StateGraph, WantedRange};
use crate::world::{ImageReference, VersionRange};

/// Puts tags in the place of all ranges of a tree. Where nobody knows one, the tree says why.
///
/// # Errors
/// If the engine does not answer. What a registry does not say is no error of the whole run.
pub(super) async fn settle(
    graph: &mut StateGraph,
    client: &Client,
    ask: AskRegistries,
    registries: impl AsyncFnOnce(&StateGraph) -> Result<Registries, RunError>,
) -> Result<(), RunError> {
    let wanted = graph.ranges();
    if wanted.is_empty() {
        return Ok(());
    }
    let names = client.image_names().await.map_err(super::error::unreachable)?;
    let local: Vec<ImageReference> = names.iter().map(|name| ImageReference::parse(name)).collect();
    let registries = registries(graph).await?;
    for (reference, wanted) in wanted {
        let chosen = match graph.pinned_tag(&reference) {
            Some(tag) => Ok(tag.to_owned()),
            None if is_elsewhere(&reference, client) => {
                here(&reference, &wanted.range, &local).ok_or_else(|| {
                    "only its engine can reach the registry, and engines do not list tags".to_owned()
                })
            }
            None => choose(&reference, &wanted, &local, &registries, ask).await,
        };
        match chosen {
            Ok(tag) => graph.settle(&reference, &tag),
            Err(reason) => {
                let normal = reference.normal();
                let told = format!("which version {normal} stands for is unknown: {reason}");
                graph.open_ranges.insert(normal, told);
            }
        }
    }
    Ok(())
}

async fn choose(
    reference: &ImageReference,
    wanted: &WantedRange,
    local: &[ImageReference],
    registries: &Registries,
    ask: AskRegistries,
) -> Result<String, String> {
    let here = here(reference, &wanted.range, local);
    let is_silent = ask == AskRegistries::Never;
    match (here, wanted.pull) {
        (Some(here), Pull::Never | Pull::Missing) => Ok(here),
        (Some(here), Pull::Always | Pull::OlderThan(_)) if is_silent => Ok(here),
        (None, Pull::Never) => {
            Err("the engine has none that fits, and it is not to be pulled (`pull: never`)".to_owned())
        }
        (None, _) if is_silent => {
            Err("the engine has none that fits, and no registry is asked (`--offline`)".to_owned())
        }
        (here, Pull::Always | Pull::OlderThan(_) | Pull::Missing) => {
            match (newest(reference, &wanted.range, registries).await, here) {
                (Ok(tag), _) => Ok(tag),
                // The question about this tag will find its registry as silent, and say so.
                (Err(Nothing::Silent(_)), Some(here)) => Ok(here),
                (Err(Nothing::Silent(reason) | Nothing::Fits(reason)), _) => Err(reason),
            }
        }
    }
}

/// Why a registry has no tag for a range.
pub(super) enum Nothing {
    /// It does not say.
    Silent(String),
    /// None of its tags fits.
    Fits(String),
}

impl Nothing {
    pub(super) fn reason(self) -> String {
        match self {
            Self::Silent(reason) | Self::Fits(reason) => reason,
        }
    }
}

/// The newest tag of a registry that fits a range.
pub(super) async fn newest(
    reference: &ImageReference,
    range: &VersionRange,
    registries: &Registries,
) -> Result<String, Nothing> {
    let tags = registries.tags(reference).await.map_err(|error| Nothing::Silent(told(&error)))?;
    let tags = || tags.iter().map(String::as_str);
    range.newest(tags()).map(str::to_owned).ok_or_else(|| {
        Nothing::Fits(match range.newest_of_all(tags()) {
            Some(newest) => format!("no tag of the registry fits; the newest version there is {newest}"),
            None => format!("no tag of the registry is a version; there are {} tags", tags().count()),
        })
    })
}

/// The newest tag that the engine has.
fn here(reference: &ImageReference, range: &VersionRange, local: &[ImageReference]) -> Option<String> {
    let tags = local.iter().filter(|image| image.is_beside(reference)).filter_map(|image| match image {
        ImageReference::Named { tag, .. } => tag.as_deref(),
        ImageReference::Id(_) => None,
    });
    range.newest(tags).map(str::to_owned)
}
