//! Which of the images that were made or pulled under a name are kept. Each of them gets a revision of
//! the name as a further tag, `web:1.r4`, by which evenkeel knows later that it is its own.

use super::super::spec::Spec;
use super::fields::reference;
use crate::resource::kind::Desired;
use crate::world::{Id, Image, ImageReference, World};

/// How many superseded images a state keeps; nothing if all are left alone.
pub fn kept(spec: &Spec) -> Option<usize> {
    spec.value("keep").and_then(serde_json::Value::as_u64).and_then(|number| usize::try_from(number).ok())
}

/// The images that have a revision of a name as a tag, by its number.
pub fn revisions<'a>(name: &str, world: &'a World) -> Vec<(u32, &'a Id)> {
    let prefix = ImageReference::parse(&revision(name, "")).normal();
    let numbered = world.tags.iter().filter_map(|(tag, id)| {
        let number = tag.strip_prefix(&prefix)?;
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
        Some((number.parse().ok().filter(|_| is_plain)?, id))
    });
    numbered.collect()
}

/// The revision of a name: `web:1.r4`.
pub fn revision(name: &str, number: impl std::fmt::Display) -> String {
    let has_tag = name.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if has_tag { format!("{name}.r{number}") } else { format!("{name}:latest.r{number}") }
}

/// The revision tag that a new image gets, if the state keeps some.
pub fn next_tag(desired: &Desired<'_>, world: &World) -> Option<String> {
    kept(desired.spec)?;
    let name = reference(desired.name, desired.spec);
    let ImageReference::Named { digest: None, .. } = ImageReference::parse(&name) else { return None };
    let last = revisions(&name, world).into_iter().map(|(number, _)| number).max().unwrap_or(0);
    Some(revision(&name, last + 1))
}

/// The revision tag that an image of ours has not got yet.
pub fn missing_tag(desired: &Desired<'_>, image: &Image, world: &World) -> Option<String> {
    let name = reference(desired.name, desired.spec);
    let has_one = revisions(&name, world).iter().any(|(_, id)| **id == image.id);
    next_tag(desired, world).filter(|_| !has_one)
}

/// The revisions of a name that nobody needs once the name is gone.
pub fn unneeded<'a>(name: &str, world: &'a World) -> Vec<(u32, &'a Id)> {
    let normal = ImageReference::parse(name).normal();
    let all = revisions(name, world);
    let is_free = |id: &Id| {
        let named = world.tags.iter().filter(|(tag, of)| *of == id && **tag != normal).count();
        let ours = all.iter().filter(|(_, of)| *of == id).count();
        named == ours && !world.containers.values().any(|container| container.image == *id)
    };
    all.iter().copied().filter(|(_, id)| is_free(id)).collect()
}
