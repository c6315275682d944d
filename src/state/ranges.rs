//! Ranges of versions in a compiled tree, and the tags that are put in their place.

use std::collections::BTreeMap;

use serde_json::json;

use super::graph::{State, StateGraph};
use super::pins::Pin;
use crate::resource::{Pull, image_reference, pull_policy};
use crate::world::{ImageReference, VersionRange};

const IMAGE: &str = "image";
const TAG: &str = "tag";

/// A range that images of a tree are to be of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedRange {
    pub range: VersionRange,
    pub pull: Pull,
}

impl StateGraph {
    /// The ranges that states ask for, by reference.
    pub fn ranges(&self) -> BTreeMap<ImageReference, WantedRange> {
        let images = self.graph.node_weights().filter(|state| state.kind.name() == IMAGE);
        let wanted = images.filter_map(|state| {
            let reference = ImageReference::parse(&image_reference(&state.name, &state.spec));
            // A wrong one was told when its state was read.
            let range = VersionRange::of(&reference)?.ok()?;
            Some((reference, WantedRange { range, pull: pull_policy(&state.spec) }))
        });
        wanted.collect()
    }

    /// The tag that a range is pinned to.
    pub fn pinned_tag(&self, range: &ImageReference) -> Option<&str> {
        self.pins.get(&range.normal())?.tag.as_deref()
    }

    /// Puts a tag in the place of a range, wherever it stands.
    pub fn settle(&mut self, range: &ImageReference, tag: &str) {
        let pinned = self.pins.get(&range.normal()).filter(|pin| pin.tag.as_deref() == Some(tag));
        if let Some(pin) = pinned.cloned() {
            self.pins.insert(range.tagged(tag).normal(), Pin { tag: None, ..pin });
        }
        for state in self.graph.node_weights_mut() {
            match state.kind.name() {
                IMAGE => {
                    let reference = image_reference(&state.name, &state.spec);
                    if ImageReference::parse(&reference) == *range {
                        state.name = with_tag(&reference, tag);
                        state.spec.remove(TAG);
                    }
                }
                "container" => settle_image(state, range, tag),
                _ => {}
            }
        }
    }
}

fn settle_image(state: &mut State, range: &ImageReference, tag: &str) {
    let Some(declared) = state.spec.get(IMAGE).cloned() else { return };
    let Some(reference) = declared.value.as_str() else { return };
    if ImageReference::parse(reference) == *range {
        state.spec.insert(IMAGE, json!(with_tag(reference, tag)), &declared.place);
    }
}

/// The reference as it was written, with a tag in the place of its range.
fn with_tag(reference: &str, tag: &str) -> String {
    reference.rsplit_once(':').map_or_else(|| reference.to_owned(), |(name, _)| format!("{name}:{tag}"))
}
