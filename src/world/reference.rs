//! Image references: every spelling of one image is the same reference.

use std::fmt;

use super::{Id, Image};

/// A reference to an image, in parts. `nginx`, `docker.io/library/nginx:latest` and
/// `index.docker.io/nginx` are one reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageReference {
    /// An image by its (possibly shortened) id.
    Id(String),
    Named {
        /// Host and port of the registry.
        registry: String,
        repository: String,
        tag: Option<String>,
        digest: Option<String>,
    },
}

const HUB: &str = "docker.io";

impl ImageReference {
    /// Reads a reference; a missing tag is `latest` unless there is a digest.
    pub fn parse(text: &str) -> Self {
        if let Some(id) = text.strip_prefix("sha256:") {
            return Self::Id(format!("sha256:{id}"));
        }
        if text.len() >= 12
            && text.len() <= 64
            && text.bytes().all(|b| b.is_ascii_hexdigit())
            && text.len() != 40
        {
            return Self::Id(format!("sha256:{text}"));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (text, None),
        };
        let (registry, path) = match rest.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
            _ => (HUB, rest),
        };
        let registry = if registry == "index.docker.io" { HUB } else { registry };
        let (repository, tag) = match path.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag.to_owned())),
            _ => (path, None),
        };
        let repository = if registry == HUB && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository.to_owned()
        };
        let tag = if tag.is_none() && digest.is_none() { Some("latest".to_owned()) } else { tag };
        Self::Named { registry: registry.to_owned(), repository, tag, digest }
    }

    /// One text for all spellings, to look references up by.
    pub fn normal(&self) -> String {
        match self {
            Self::Id(id) => id.clone(),
            Self::Named { registry, repository, tag, digest } => {
                let tag = tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
                let digest = digest.as_ref().map(|digest| format!("@{digest}")).unwrap_or_default();
                format!("{registry}/{repository}{tag}{digest}")
            }
        }
    }

    /// True if the reference names this image by id or digest.
    pub fn is_image(&self, image: &Image) -> bool {
        match self {
            Self::Id(id) => matches!(&image.id, Id::Engine(full) if full.starts_with(id.as_str())),
            Self::Named { registry, repository, digest: Some(digest), .. } => {
                image.digests.iter().any(|known| match Self::parse(known) {
                    Self::Named { registry: r, repository: p, digest: Some(d), .. } => {
                        r == *registry && p == *repository && d == *digest
                    }
                    Self::Named { .. } | Self::Id(_) => false,
                })
            }
            Self::Named { digest: None, .. } => false,
        }
    }

    /// The same repository, at a digest and nothing else. An id stays what it is.
    #[must_use]
    pub fn at(&self, digest: &str) -> Self {
        match self {
            Self::Named { registry, repository, .. } => Self::Named {
                registry: registry.clone(),
                repository: repository.clone(),
                tag: None,
                digest: Some(digest.to_owned()),
            },
            Self::Id(id) => Self::Id(id.clone()),
        }
    }

    /// The same repository, at a tag and nothing else. An id stays what it is.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> Self {
        match self {
            Self::Named { registry, repository, .. } => Self::Named {
                registry: registry.clone(),
                repository: repository.clone(),
                tag: Some(tag.to_owned()),
                digest: None,
            },
            Self::Id(id) => Self::Id(id.clone()),
        }
    }

    /// True if both name the same repository of the same registry.
    pub fn is_beside(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Named { registry, repository, .. },
                Self::Named { registry: other_registry, repository: other_repository, .. },
            ) => registry == other_registry && repository == other_repository,
            (Self::Id(_), _) | (_, Self::Id(_)) => false,
        }
    }

    /// The digest that the reference is fixed to, if it is.
    pub fn digest(&self) -> Option<&str> {
        match self {
            Self::Id(_) => None,
            Self::Named { digest, .. } => digest.as_deref(),
        }
    }
}

impl Image {
    /// The digests by which the image is known in the repository of a reference, in no order.
    pub fn digests_in(&self, reference: &ImageReference) -> Vec<&str> {
        let same = self.digests.iter().filter(|known| ImageReference::parse(known).is_beside(reference));
        same.filter_map(|known| known.split_once('@')).map(|(_, digest)| digest).collect()
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.normal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_image_is_one_reference() {
        let normal = |text: &str| ImageReference::parse(text).normal();
        for spelling in ["nginx", "nginx:latest", "docker.io/nginx", "index.docker.io/library/nginx:latest"] {
            assert_eq!(normal(spelling), "docker.io/library/nginx:latest");
        }
        assert_eq!(normal("localhost:5000/a/b:1"), "localhost:5000/a/b:1");
        assert_eq!(normal("localhost/b"), "localhost/b:latest");
        assert_eq!(normal("me/web@sha256:ab"), "docker.io/me/web@sha256:ab");
        assert_eq!(normal("reg.example:80/web"), "reg.example:80/web:latest");
    }

    #[test]
    fn ids_are_not_names() {
        let id = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        assert_eq!(ImageReference::parse(id), ImageReference::Id(id.to_owned()));
        assert!(matches!(ImageReference::parse("0123456789ab"), ImageReference::Id(_)));
        assert!(matches!(ImageReference::parse("web"), ImageReference::Named { .. }));
    }
}
