//! Archives that `docker save` wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum ArchiveError {
    #[error("read archive {}: {error}", .path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("{} is no archive of `docker save`: it has no readable manifest.json", .path.display())]
    NoManifest { path: PathBuf },
    #[error("nobody can say which images {} holds: {reason}", .path.display())]
    Obscure { path: PathBuf, reason: String },
    #[error("{} contains no image `{wanted}`; it contains: {}", .path.display(), .contains.join(", "))]
    NotInside { path: PathBuf, wanted: String, contains: Vec<String> },
}

/// No manifest of an archive is larger.
const LARGEST_MANIFEST: u64 = 16 * 1024 * 1024;

/// Gives the id that the image called `reference` has once it is loaded: the digest of its config.
///
/// # Errors
/// If the archive cannot be read or has no such image.
pub fn archive_image(path: &Path, reference: &str) -> Result<String, ArchiveError> {
    let manifest = manifest(path)?;
    let images = manifest.as_array().map(Vec::as_slice).unwrap_or_default();
    let tags = |image: &Value| -> Vec<String> {
        let tags = image["RepoTags"].as_array().into_iter().flatten();
        tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
    };
    let wanted = if reference.rsplit('/').next().is_some_and(|last| last.contains(':')) {
        reference.to_owned()
    } else {
        format!("{reference}:latest")
    };
    let found = images.iter().find(|image| tags(image).contains(&wanted));
    let config = found.and_then(|image| image["Config"].as_str()).ok_or_else(|| ArchiveError::NotInside {
        path: path.to_owned(),
        wanted,
        contains: images.iter().flat_map(tags).collect(),
    })?;
    Ok(id_of(config))
}

/// Gives the ids of all images of an archive, whichever an engine may give them: the digests of
/// their configs, and with the containerd store those of their manifests.
///
/// # Errors
/// If it cannot be read or is no archive of `docker save`.
pub fn archive_ids(path: &Path) -> Result<BTreeSet<String>, ArchiveError> {
    let manifest = manifest(path)?;
    let configs = manifest.as_array().into_iter().flatten().filter_map(|image| image["Config"].as_str());
    let mut ids: BTreeSet<String> = configs.map(id_of).collect();
    // Older engines write no index.
    let index = member(path, "index.json")?.unwrap_or_default();
    let manifests = index["manifests"].as_array().into_iter().flatten();
    ids.extend(manifests.filter_map(|manifest| manifest["digest"].as_str().map(str::to_owned)));
    Ok(ids)
}

/// What says how the images of an archive are called, for engines of every age and store.
const TELLING: [&str; 3] = ["manifest.json", "index.json", "repositories"];

/// Gives every name that loading the archive may give to an image, on whatever engine. Takes a file for one that
/// tells names wherever it lies, as an archive may have links to it; and keys in any case, as the engine does.
///
/// # Errors
/// If it cannot be read, or something in it is not plain enough to be sure.
pub fn archive_names(path: &Path) -> Result<BTreeSet<String>, ArchiveError> {
    let read = |error| ArchiveError::Read { path: path.to_owned(), error };
    let obscure = |reason: String| ArchiveError::Obscure { path: path.to_owned(), reason };
    let mut names = BTreeSet::new();
    let mut archive = tar::Archive::new(File::open(path).map_err(read)?);
    for entry in archive.entries_with_seek().map_err(read)? {
        let entry = entry.map_err(read)?;
        let inside = entry.path().map_err(read)?.into_owned();
        let Some(name) =
            inside.file_name().and_then(|name| TELLING.into_iter().find(|telling| name == *telling))
        else {
            continue;
        };
        if !entry.header().entry_type().is_file() {
            return Err(obscure(format!("{} in it is no plain file", inside.display())));
        }
        let mut text = String::new();
        entry.take(LARGEST_MANIFEST).read_to_string(&mut text).map_err(read)?;
        let told = match name {
            "repositories" => names_in_repositories(&text),
            _ => names_in(&text),
        };
        names.extend(told.map_err(|error| obscure(format!("{} in it: {error}", inside.display())))?);
    }
    Ok(names)
}

/// Names by which the oldest engines saved images: their tags below their repositories.
fn names_in_repositories(text: &str) -> Result<BTreeSet<String>, serde_json::Error> {
    let repositories: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(text)?;
    let names =
        repositories.iter().flat_map(|(name, tags)| tags.keys().map(move |tag| format!("{name}:{tag}")));
    Ok(names.collect())
}

fn names_in(text: &str) -> Result<BTreeSet<String>, serde_json::Error> {
    let mut names = BTreeSet::new();
    let mut json = serde_json::Deserializer::from_str(text);
    Walk { key: "", names: &mut names }.deserialize(&mut json)?;
    json.end()?;
    Ok(names)
}

/// Goes through everything of a JSON text, keys that stand twice included, and keeps what is told as a name.
struct Walk<'a> {
    key: &'a str,
    names: &'a mut BTreeSet<String>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            map.next_value_seed(Walk { key: &key, names: self.names })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Walk { key: self.key, names: self.names })?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        let is_name = match self.key {
            "io.containerd.image.name" => true,
            // Beside a whole name it is often just the tag, and no engine's image is called so.
            "org.opencontainers.image.ref.name" => text.contains(['/', ':']),
            key => key.replace('ſ', "s").eq_ignore_ascii_case("RepoTags"),
        };
        if is_name {
            self.names.insert(text.to_owned());
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}

fn id_of(config: &str) -> String {
    let name = config.rsplit('/').next().unwrap_or(config);
    format!("sha256:{}", name.strip_suffix(".json").unwrap_or(name))
}

fn manifest(path: &Path) -> Result<Value, ArchiveError> {
    member(path, "manifest.json")?.ok_or_else(|| ArchiveError::NoManifest { path: path.to_owned() })
}

/// A JSON file of the archive; nothing if there is none that can be understood.
fn member(path: &Path, name: &str) -> Result<Option<Value>, ArchiveError> {
    let read = |error| ArchiveError::Read { path: path.to_owned(), error };
    let mut archive = tar::Archive::new(File::open(path).map_err(read)?);
    for entry in archive.entries_with_seek().map_err(read)? {
        let entry = entry.map_err(read)?;
        if entry.path().map_err(read)?.as_ref() == Path::new(name) {
            let mut text = String::new();
            entry.take(LARGEST_MANIFEST).read_to_string(&mut text).map_err(read)?;
            return Ok(serde_json::from_str(&text).ok());
        }
    }
    Ok(None)
}
