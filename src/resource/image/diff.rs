//! Whether an image is what a state asks for.

use serde_json::json;

use super::super::kind::{Desired, SourceFact};
use super::fields::{Pull, pull, reference};
use super::{build, copies};
use crate::plan::{FieldDiff, Impact};
use crate::world::{Content, Id, Image, ImageReference, Remote, World};

pub fn diff(desired: &Desired<'_>, image: &Image, world: &World) -> Vec<FieldDiff> {
    match desired.function.name {
        "present" => {
            let moved = moved(desired, image, world);
            moved.into_iter().chain(other_platform(desired, image)).collect()
        }
        "built" => build::diff(desired, image, world),
        "loaded" => other_archive(desired, image).into_iter().collect(),
        "tagged" | "pushed" | "saved" => copies::diff(desired, image, world),
        _ => Vec::new(),
    }
}

/// Why the registry's answer does not let the state go on.
pub fn blockers(desired: &Desired<'_>, world: &World) -> Vec<String> {
    let reference = reference(desired.name, desired.spec);
    match desired.function.name {
        "present" => unavailable(desired, &reference, world).into_iter().collect(),
        "built" => build::blockers(desired, world),
        "loaded" => match desired.facts.sources.get(desired.name) {
            Some(SourceFact::Unreadable(reason)) => vec![reason.clone()],
            Some(SourceFact::Context { .. } | SourceFact::Archive { .. }) | None => Vec::new(),
        },
        "tagged" | "pushed" | "saved" => copies::blockers(desired, world),
        _ => Vec::new(),
    }
}

fn unavailable(desired: &Desired<'_>, reference: &str, world: &World) -> Option<String> {
    if let Some(reason) = desired.facts.open_range(reference) {
        return Some(reason.to_owned());
    }
    let here = world.image(reference);
    let policy = pull(desired.spec);
    if here.is_none() && matches!(ImageReference::parse(reference), ImageReference::Id(_)) {
        return Some(format!("the engine has no image {reference}, and an id cannot be pulled"));
    }
    if here.is_none() && policy == Pull::Never {
        return Some(format!(
            "the engine has no image {reference}, and it is not to be pulled (`pull: never`); build or load it first"
        ));
    }
    if let Some(row) = here.and_then(|image| other_platform(desired, image))
        && policy == Pull::Never
    {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("another platform").to_owned();
        return Some(format!(
            "the engine's {reference} is for {}, {} is wanted, and it is not to be pulled (`pull: never`)",
            text(&row.from),
            text(&row.to)
        ));
    }
    if let Some(pin) = desired.facts.pin(reference) {
        let has_it = here.is_some_and(|image| has_digest(image, reference, pin));
        let is_offline = world.remote(reference) == Some(&Remote::NotAsked);
        // Where the tag points does not matter, and whether the digest can be had shows when it is pulled.
        return match (has_it, policy) {
            (true, _) => None,
            (false, Pull::Never) => Some(format!(
                "{reference} is pinned to {pin}, which the engine does not have, and it is not to be pulled (`pull: never`)"
            )),
            (false, _) if is_offline => Some(format!(
                "{reference} is pinned to {pin}, which the engine does not have, and no registry is asked (`--offline`)"
            )),
            (false, _) => match world.remote(&at_pin(reference, pin)) {
                Some(Remote::Missing) => Some(format!(
                    "{reference} is pinned to {pin}, which its registry does not have; follow the tag with: evenkeel \
                     pin FILE --update={reference}"
                )),
                _ => None,
            },
        };
    }
    if here.is_some_and(|image| !is_due(policy, image, desired.facts.now)) {
        return None;
    }
    match (world.remote(reference)?, here) {
        (Remote::Found(found), _) => match &found.content {
            Content::OtherPlatforms { wanted, there } => Some(format!(
                "the registry has {reference} for {}, and {wanted} is wanted",
                if there.is_empty() { "no platform at all".to_owned() } else { there.join(", ") }
            )),
            Content::NotLookedAt | Content::Image(_) => None,
        },
        (Remote::NotAsked, Some(_)) => None,
        (Remote::NotAsked, None) => {
            Some(format!("the engine has no image {reference}, and no registry is asked (`--offline`)"))
        }
        (Remote::Missing, _) => Some(format!("the registry has no image {reference}; is the tag right?")),
        // Whether it can be had shows when it is pulled: nothing has stopped by then.
        (Remote::Unknown(_), None) => None,
        (Remote::Unknown(reason), Some(_)) => Some(format!(
            "whether there is a newer {reference} is unknown, because its registry could not be asked: {reason}; what \
             runs is left as it is"
        )),
    }
}

/// A pinned reference at its digest.
pub fn at_pin(reference: &str, pin: &str) -> String {
    ImageReference::parse(reference).at(pin).normal()
}

/// True if the registry has to be asked about an image that the engine has.
pub fn is_due(policy: Pull, image: &Image, now: i64) -> bool {
    match policy {
        Pull::Always => true,
        Pull::Missing | Pull::Never => false,
        Pull::OlderThan(seconds) => {
            let tagged = image.attributes.text("Metadata.LastTagTime").and_then(|time| time.parse().ok());
            tagged.is_none_or(|time: jiff::Timestamp| now - time.as_second() > seconds)
        }
    }
}

/// The tag points to something else than what the engine has.
fn moved(desired: &Desired<'_>, image: &Image, world: &World) -> Option<FieldDiff> {
    let reference = reference(desired.name, desired.spec);
    if image.id_is_planned() {
        return None;
    }
    if let Some(pin) = desired.facts.pin(&reference) {
        return (!has_digest(image, &reference, pin)).then(|| other_digest(image, &reference, pin));
    }
    if !is_due(pull(desired.spec), image, desired.facts.now) {
        return None;
    }
    let Some(Remote::Found(found)) = world.remote(&reference) else { return None };
    let digest = &found.digest;
    // A tag may move without its image: another platform was built anew, or an attestation added.
    let is_the_same = matches!(&found.content, Content::Image(content) if content.is(image));
    if has_digest(image, &reference, digest) || is_the_same {
        return None;
    }
    Some(other_digest(image, &reference, digest))
}

fn other_digest(image: &Image, reference: &str, digest: &str) -> FieldDiff {
    // An image gathers digests, and engines name them in no order.
    let known = image.digests_in(&ImageReference::parse(reference)).into_iter().min();
    FieldDiff {
        field: "digest".to_owned(),
        from: known.map_or(json!("(local image)"), |digest| json!(digest)),
        to: json!(digest),
        impact: Impact::Replace,
    }
}

/// The image is for another platform than the declared one, of which any part may be left out.
fn other_platform(desired: &Desired<'_>, image: &Image) -> Option<FieldDiff> {
    let wanted = desired.spec.text("platform").filter(|wanted| !wanted.is_empty())?;
    let os = image.attributes.text("Os")?;
    let shown = [Some(os), image.attributes.text("Architecture"), image.attributes.text("Variant")];
    let shown: Vec<&str> = shown.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    let normal = wanted.to_ascii_lowercase().replace("x86_64", "amd64").replace("aarch64", "arm64");
    let parts: Vec<&str> = normal.split('/').collect();
    // One word alone may be either.
    let is_it = match parts.as_slice() {
        [word] => shown.contains(word),
        parts => shown.iter().zip(parts).all(|(shown, wanted)| shown == wanted),
    };
    (!is_it).then(|| FieldDiff {
        field: "platform".to_owned(),
        from: json!(shown.join("/")),
        to: json!(wanted),
        impact: Impact::Replace,
    })
}

/// True if any of the image's digests for this repository is the one.
pub fn has_digest(image: &Image, reference: &str, digest: &str) -> bool {
    match ImageReference::parse(reference) {
        ImageReference::Id(_) => true,
        named @ ImageReference::Named { .. } => image.digests_in(&named).contains(&digest),
    }
}

fn other_archive(desired: &Desired<'_>, image: &Image) -> Option<FieldDiff> {
    let Some(SourceFact::Archive { hash }) = desired.facts.sources.get(desired.name) else { return None };
    (image.id != Id::Engine(hash.clone())).then(|| FieldDiff {
        field: "path".to_owned(),
        from: json!(image.id.to_string()),
        to: json!(hash),
        impact: Impact::Replace,
    })
}

impl Image {
    fn id_is_planned(&self) -> bool {
        matches!(self.id, Id::Planned(_))
    }
}
