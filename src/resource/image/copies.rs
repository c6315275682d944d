//! What is done with an image that is there: another tag, a push, an archive.

use std::path::Path;

use serde_json::{Value, json};

use super::super::kind::{Desired, Planned, Reference};
use super::super::spec::Spec;
use super::diff::has_digest;
use super::fields;
use crate::plan::{Action, FieldDiff, Impact, Steps};
use crate::world::{Archive, Id, Image, ImageReference, Remote, Step, Target, World};

const SOURCE: &str = "source";

/// The image that a state names besides its own.
pub fn reference(spec: &Spec) -> Option<Reference> {
    let source = spec.get(SOURCE)?;
    Some(Reference { kind: "image", name: source.value.as_str()?.to_owned(), place: source.place.clone() })
}

/// Gives the source another name. A state that names none means the image that it is called like.
pub fn rename(spec: &mut Spec, reference: &Reference, name: &str) {
    spec.insert(SOURCE, json!(name), &reference.place);
}

/// The image that is tagged, pushed or saved.
pub fn source_of<'a>(desired: &Desired<'_>, world: &'a World) -> Option<&'a Image> {
    world.image(&source_name(desired))
}

fn source_name(desired: &Desired<'_>) -> String {
    match desired.spec.text(SOURCE) {
        Some(source) => source.to_owned(),
        None => fields::reference(desired.name, desired.spec),
    }
}

/// Why nothing can be done: the image is not there, or what is to hold it cannot be looked at.
pub fn blockers(desired: &Desired<'_>, world: &World) -> Vec<String> {
    let source = source_name(desired);
    if source_of(desired, world).is_none() {
        let verb = match desired.function.name {
            "tagged" => "tag",
            "pushed" => "push",
            _ => "save",
        };
        return vec![format!(
            "the engine has no image {source} to {verb}; declare a state that pulls, builds or loads it"
        )];
    }
    let unknown = match desired.function.name {
        "pushed" => unknown_remote(&fields::reference(desired.name, desired.spec), world),
        "saved" => match world.archives.get(path(desired)) {
            Some(Archive::Unreadable(reason)) => Some(reason.clone()),
            Some(Archive::Absent | Archive::Holds(_)) | None => None,
        },
        _ => None,
    };
    unknown.into_iter().collect()
}

fn unknown_remote(name: &str, world: &World) -> Option<String> {
    match world.remote(name)? {
        Remote::Found(_) | Remote::Missing => None,
        Remote::NotAsked => {
            Some(format!("what the registry has as {name} is unknown, because none is asked (`--offline`)"))
        }
        Remote::Unknown(reason) => Some(format!(
            "what the registry has as {name} is unknown, because it could not be asked: {reason}"
        )),
    }
}

/// What is not as it is to be. `found` is what the name points to on the engine, or what will get it.
pub fn diff(desired: &Desired<'_>, found: &Image, world: &World) -> Vec<FieldDiff> {
    let Some(source) = source_of(desired, world) else { return Vec::new() };
    let row = |field: &str, from: Value, to: Value| FieldDiff {
        field: field.to_owned(),
        from,
        to,
        impact: Impact::Replace,
    };
    match desired.function.name {
        "tagged" if found.id != source.id => {
            vec![row(
                SOURCE,
                json!(shown(found)),
                json!(format!("{} ({})", source_name(desired), shown(source))),
            )]
        }
        "pushed" => {
            let name = fields::reference(desired.name, desired.spec);
            pushed_digest(&name, source, world)
                .map(|(from, to)| row("digest", from, to))
                .into_iter()
                .collect()
        }
        "saved" => match world.archives.get(path(desired)) {
            Some(Archive::Absent) => vec![row("path", Value::Null, json!(shown(source)))],
            Some(Archive::Holds(ids)) if !ids.contains(&source.id.to_string()) => {
                let held: Vec<_> = ids.iter().map(String::as_str).collect();
                vec![row("path", json!(held.join(", ")), json!(shown(source)))]
            }
            Some(Archive::Holds(_) | Archive::Unreadable(_)) | None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// What the registry has under the name and what it is to have, if that is not the same.
fn pushed_digest(name: &str, source: &Image, world: &World) -> Option<(Value, Value)> {
    let here = digest_for(name, source).map_or_else(|| json!(shown(source)), |digest| json!(digest));
    match world.remote(name) {
        Some(Remote::Found(found)) if has_digest(source, name, &found.digest) => None,
        Some(Remote::Found(found)) => Some((json!(found.digest), here)),
        Some(Remote::Missing) => Some((Value::Null, here)),
        // When a push is read back, the engine says of an image where it was pushed to.
        Some(Remote::Unknown(_) | Remote::NotAsked) | None => match (&source.id, digest_for(name, source)) {
            (Id::Engine(_), None) => Some((Value::Null, here)),
            (Id::Engine(_), Some(_)) | (Id::Planned(_), _) => None,
        },
    }
}

/// The digest that an image has in the repository of a name, if it is known there.
fn digest_for<'a>(name: &str, image: &'a Image) -> Option<&'a str> {
    let repository = |name: &str| match ImageReference::parse(name) {
        ImageReference::Named { registry, repository, .. } => Some((registry, repository)),
        ImageReference::Id(_) => None,
    };
    let known = image.digests.iter().find(|known| repository(known) == repository(name))?;
    known.split_once('@').map(|(_, digest)| digest)
}

/// An image's id, or that it has none yet.
fn shown(image: &Image) -> String {
    match &image.id {
        Id::Engine(id) => id.clone(),
        Id::Planned(_) => "made in this run".to_owned(),
    }
}

fn path<'a>(desired: &Desired<'a>) -> &'a Path {
    Path::new(desired.spec.text("path").unwrap_or(""))
}

/// What it takes to make the copy.
pub fn make(desired: &Desired<'_>, world: &World) -> Planned {
    let name = fields::reference(desired.name, desired.spec);
    let Some(source) = source_of(desired, world) else {
        return Planned::refused(blockers(desired, world));
    };
    let image = Target::new(&source.id, &source_name(desired));
    let (action, prepare) = match desired.function.name {
        "tagged" => (Action::Tag, vec![Step::TagImage { image, reference: name }]),
        "pushed" => {
            let has_name = world.image(&name).is_some_and(|named| named.id == source.id);
            let tag = (!has_name).then(|| Step::TagImage { image: image.clone(), reference: name.clone() });
            (Action::Push, tag.into_iter().chain([Step::PushImage { image, reference: name }]).collect())
        }
        _ => {
            let (reference, path) = (source_name(desired), path(desired).to_owned());
            (Action::Save, vec![Step::SaveImage { image, reference, path }])
        }
    };
    Planned::new(action, Steps { prepare, ..Steps::default() })
}
