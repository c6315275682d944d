//! What a pull brings, in words: versions, layers and megabytes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::world::{Content, Image, Remote, RemoteContent, RemoteLayer, World, label};

/// What pulling `reference` would bring, if its registry was asked and is taken at its word.
pub fn what_comes(reference: &str, pin: Option<&str>, world: &World) -> Option<String> {
    if let Some(pin) = pin.filter(|pin| world.remote(reference).and_then(Remote::digest) != Some(*pin)) {
        return Some(format!("pinned to {pin}"));
    }
    let Some(Remote::Found(found)) = world.remote(reference) else { return None };
    let Content::Image(content) = &found.content else { return None };
    let versions = versions(world.image(reference), content);
    let missing = missing(content, world);
    let bytes = missing.iter().map(|layer| layer.size).sum();
    let layers = format!("{} of {} layers", missing.len(), content.layers.len());
    let size =
        if missing.is_empty() { "nothing to pull".to_owned() } else { format!("{} to pull", size(bytes)) };
    Some(versions.into_iter().chain([layers, size]).collect::<Vec<_>>().join(", "))
}

/// `1.4.1 → 1.4.2`, as far as the images say.
fn versions(here: Option<&Image>, content: &RemoteContent) -> Option<String> {
    let new = content.version.as_deref()?;
    let old = here.and_then(|image| image.labels().get(label::OCI_VERSION).map(str::to_owned));
    Some(match old {
        Some(old) if old != new => format!("version {old} → {new}"),
        _ => format!("version {new}"),
    })
}

/// The layers that no image of the engine is built on. What is shared is shared from below.
fn missing<'a>(content: &'a RemoteContent, world: &World) -> Vec<&'a RemoteLayer> {
    // It may be there by another name, and then its layers need not be known: lists do not show them.
    if world.images.values().any(|image| content.is(image)) {
        return Vec::new();
    }
    let mut known: BTreeSet<Vec<&str>> = BTreeSet::new();
    for image in world.images.values() {
        let Some(layers) = image.attributes.at("RootFS.Layers").known().and_then(Value::as_array) else {
            continue;
        };
        let layers: Vec<&str> = layers.iter().filter_map(Value::as_str).collect();
        known.extend((1..=layers.len()).map(|count| layers[..count].to_vec()));
    }
    let chain: Vec<&str> = content.layers.iter().map(|layer| layer.content.as_str()).collect();
    let shared = (1..=chain.len()).rev().find(|count| known.contains(&chain[..*count])).unwrap_or(0);
    content.layers.iter().skip(shared).collect()
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Attributes, Id, RemoteImage};
    use serde_json::json;

    fn image(id: &str, version: &str, layers: &[&str]) -> Image {
        let json = json!({"RepoTags": ["web:dev"], "RootFS": {"Layers": layers},
            "Config": {"Labels": {label::OCI_VERSION: version}}});
        Image { id: Id::Engine(id.to_owned()), digests: Vec::new(), attributes: Attributes::observed(json) }
    }

    fn world(layers: &[(&str, u64)]) -> World {
        let mut world = World::default();
        let here = image("sha256:old", "1.4.1", &["base", "tools", "old"]);
        world.tags.insert("docker.io/library/web:dev".to_owned(), here.id.clone());
        world.images.insert(here.id.clone(), here);
        let layers =
            layers.iter().map(|(content, size)| RemoteLayer { content: (*content).to_owned(), size: *size });
        let content = RemoteContent {
            platform: "linux/amd64".to_owned(),
            manifest: "sha256:m".to_owned(),
            config: "sha256:new".to_owned(),
            layers: layers.collect(),
            version: Some("1.4.2".to_owned()),
        };
        let found = RemoteImage { digest: "sha256:d".to_owned(), content: Content::Image(Box::new(content)) };
        world.remotes.insert("docker.io/library/web:dev".to_owned(), Remote::Found(found));
        world
    }

    #[test]
    fn only_what_no_image_is_built_on_is_pulled() {
        let shared = world(&[("base", 50_000_000), ("tools", 9_000_000), ("new", 1_500_000)]);
        assert_eq!(
            what_comes("web:dev", None, &shared).as_deref(),
            Some("version 1.4.1 → 1.4.2, 1 of 3 layers, 1.5 MB to pull")
        );
        // A layer that is there on top of another one is no help.
        let other = world(&[("tools", 1_000), ("new", 500)]);
        assert_eq!(
            what_comes("web:dev", None, &other).as_deref(),
            Some("version 1.4.1 → 1.4.2, 2 of 2 layers, 2 kB to pull")
        );
        let all = world(&[("base", 1), ("tools", 1), ("old", 1)]);
        assert_eq!(
            what_comes("web:dev", None, &all).as_deref(),
            Some("version 1.4.1 → 1.4.2, 0 of 3 layers, nothing to pull")
        );
        assert_eq!(what_comes("other", None, &all), None);
    }

    #[test]
    fn what_is_there_by_another_name_is_not_pulled() {
        // Only a container's or a wanted image is inspected; of the others no layers are known.
        let mut world = world(&[("base", 50_000_000), ("own", 1_500_000)]);
        let listed = |id: &str, digests: &[&str]| Image {
            id: Id::Engine(id.to_owned()),
            digests: digests.iter().map(|it| (*it).to_owned()).collect(),
            attributes: Attributes::observed(json!({"RepoTags": ["other:1"]})),
        };
        let nothing = Some("version 1.4.1 → 1.4.2, 0 of 2 layers, nothing to pull");
        for there in [listed("sha256:new", &[]), listed("sha256:x", &["mirror.example/web@sha256:m"])] {
            let id = there.id.clone();
            world.images.insert(id.clone(), there);
            assert_eq!(what_comes("web:dev", None, &world).as_deref(), nothing);
            world.images.remove(&id);
        }
        let other = image("sha256:built", "0", &["base", "own", "more"]);
        world.images.insert(other.id.clone(), other);
        assert_eq!(what_comes("web:dev", None, &world).as_deref(), nothing);
    }
}
