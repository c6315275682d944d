//! Archives that `docker save` wrote.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum ArchiveError {
    #[error("read archive {}: {error}", .path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("{} is no archive of `docker save`: it has no readable manifest.json", .path.display())]
    NoManifest { path: PathBuf },
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
