//! What registries say about references.

use super::{Id, Image};

/// What a registry says about a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remote {
    /// It has it.
    Found(RemoteImage),
    /// The registry has no such tag.
    Missing,
    /// It could not be asked; the reason.
    Unknown(String),
    /// It was not to be asked (`--offline`).
    NotAsked,
}

/// What a reference points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteImage {
    /// The digest that the tag points to, of an image or of an index of several platforms.
    pub digest: String,
    pub content: Content,
}

/// What is behind a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nobody had to look.
    NotLookedAt,
    Image(Box<RemoteContent>),
    /// There is nothing for the platform that was asked for; what there is.
    OtherPlatforms {
        wanted: String,
        there: Vec<String>,
    },
}

/// One image of one platform, as its manifest and its configuration say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteContent {
    pub platform: String,
    /// The digest of this platform's manifest.
    pub manifest: String,
    /// The digest of its configuration, which is the image's id in the classic store.
    pub config: String,
    /// Its layers, the lowest first.
    pub layers: Vec<RemoteLayer>,
    /// `org.opencontainers.image.version`.
    pub version: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteLayer {
    /// The digest of its unpacked content, as `RootFS.Layers` of a local image shows it.
    pub content: String,
    /// What has to be transferred, in bytes.
    pub size: u64,
}

impl Remote {
    /// The digest that the reference points to.
    pub fn digest(&self) -> Option<&str> {
        match self {
            Self::Found(found) => Some(&found.digest),
            Self::Missing | Self::Unknown(_) | Self::NotAsked => None,
        }
    }

    /// An answer that says no more than a digest.
    pub fn of_digest(digest: impl Into<String>) -> Self {
        Self::Found(RemoteImage { digest: digest.into(), content: Content::NotLookedAt })
    }
}

impl RemoteContent {
    /// True if a local image is this one, although a tag may name it by another digest: another
    /// platform was built anew, or an attestation added.
    pub fn is(&self, image: &Image) -> bool {
        let known = |digest: &String| digest.ends_with(&format!("@{}", self.manifest));
        let is_id = |id: &str| id == self.config || id == self.manifest;
        image.digests.iter().any(known) || matches!(&image.id, Id::Engine(id) if is_id(id))
    }
}
