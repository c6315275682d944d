//! From a reference to what is behind it, with no more questions than needed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::client::Registries;
use super::error::RegistryError;
use super::manifest::{Descriptor, Manifest, Platform, RawManifest};
use crate::world::{Content, ImageReference, Remote, RemoteContent, RemoteImage, RemoteLayer, label};

/// What has to be known of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub reference: String,
    /// Digests under which the engine has the image already; behind them nobody has to look.
    pub known: BTreeSet<String>,
    /// What the image is to run on.
    pub platform: Platform,
    /// True if the platform was asked for; engines take an image without an index for any other.
    pub is_declared: bool,
}

impl Registries {
    /// Asks all questions side by side. The answers are by normalised reference; why there is none
    /// is an answer too.
    pub async fn resolve_all(
        &self,
        questions: Vec<Question>,
    ) -> BTreeMap<String, Result<Remote, RegistryError>> {
        let ask = |question: Question| {
            let registries = self.clone();
            let reference = ImageReference::parse(&question.reference);
            let normal = reference.normal();
            (normal, tokio::spawn(async move { registries.resolve(&reference, &question).await }))
        };
        let asked: Vec<_> = questions.into_iter().map(ask).collect();
        let mut answers = BTreeMap::new();
        for (reference, asked) in asked {
            let answer = asked.await.unwrap_or_else(|error| Err(RegistryError::Here(error.to_string())));
            answers.insert(reference, answer);
        }
        answers
    }

    /// Asks what a reference points to; looks behind it only where the engine does not have it.
    ///
    /// # Errors
    /// If the registry does not say. That there is no such tag is no error.
    pub async fn resolve(
        &self,
        reference: &ImageReference,
        question: &Question,
    ) -> Result<Remote, RegistryError> {
        let head = match self.head(reference).await {
            Ok(head) => head,
            Err(RegistryError::Missing { .. }) => return Ok(Remote::Missing),
            Err(error) => return Err(error),
        };
        let content = if question.known.contains(&head.digest) {
            Content::NotLookedAt
        } else {
            self.content(&reference.at(&head.digest), question).await?
        };
        Ok(Remote::Found(RemoteImage { digest: head.digest, content }))
    }

    /// Reads the image of a platform behind a digest.
    async fn content(
        &self,
        reference: &ImageReference,
        question: &Question,
    ) -> Result<Content, RegistryError> {
        let mut raw = self.manifest(reference).await?;
        let mut manifest = self.read(reference, &raw)?;
        // What an index says of its entries counts, as it does for engines.
        let mut listed = None;
        if let Manifest::Index(entries) = &manifest {
            let Some(entry) = Manifest::entry(entries, &question.platform) else {
                let there = entries.iter().map(|entry| entry.platform.to_string()).collect();
                return Ok(Content::OtherPlatforms { wanted: question.platform.to_string(), there });
            };
            let child = reference.at(&entry.manifest.digest);
            raw = self.manifest(&child).await?;
            listed = Some(entry.platform);
            manifest = self.read(&child, &raw)?;
        }
        let Manifest::Image { config, layers } = manifest else {
            return Err(garbled(reference, "an index of it names an index".to_owned()));
        };
        let is = self.config(reference, &config).await?;
        let own =
            Platform { os: is.os, architecture: is.architecture, variant: is.variant.unwrap_or_default() };
        let platform = listed.unwrap_or(own);
        if question.is_declared && !platform.fits(&question.platform) {
            let there = vec![platform.to_string()];
            return Ok(Content::OtherPlatforms { wanted: question.platform.to_string(), there });
        }
        let contents = is.rootfs.diff_ids.into_iter();
        let layers = contents.zip(layers).map(|(content, layer)| RemoteLayer { content, size: layer.size });
        Ok(Content::Image(Box::new(RemoteContent {
            platform: platform.to_string(),
            manifest: raw.digest,
            config: config.digest,
            layers: layers.collect(),
            version: is.config.labels.unwrap_or_default().remove(label::OCI_VERSION),
        })))
    }

    /// Reads a label of an image; of an index, the label of its first image.
    ///
    /// # Errors
    /// If what is behind the manifest cannot be read.
    pub async fn label(
        &self,
        reference: &ImageReference,
        manifest: &RawManifest,
        key: &str,
    ) -> Result<Option<String>, RegistryError> {
        let config = match self.read(reference, manifest)? {
            Manifest::Image { config, .. } => config,
            Manifest::Index(entries) => {
                let Some(entry) = entries.first() else { return Ok(None) };
                let child = self.manifest(&reference.at(&entry.manifest.digest)).await?;
                match self.read(reference, &child)? {
                    Manifest::Image { config, .. } => config,
                    Manifest::Index(_) => return Ok(None),
                }
            }
        };
        Ok(self.config(reference, &config).await?.config.labels.unwrap_or_default().remove(key))
    }

    fn read(&self, reference: &ImageReference, raw: &RawManifest) -> Result<Manifest, RegistryError> {
        raw.read().map_err(|message| garbled(reference, message))
    }

    async fn config(&self, reference: &ImageReference, config: &Descriptor) -> Result<Config, RegistryError> {
        let bytes = self.blob(reference, &config.digest).await?;
        serde_json::from_slice(&bytes).map_err(|error| garbled(reference, error.to_string()))
    }
}

/// What is read of an image's configuration.
/// Source: <https://github.com/opencontainers/image-spec/blob/main/config.md>.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    variant: Option<String>,
    #[serde(default)]
    config: Labelled,
    rootfs: RootFs,
}

#[derive(Deserialize, Default)]
struct Labelled {
    #[serde(rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<String>,
}

fn garbled(reference: &ImageReference, message: String) -> RegistryError {
    let registry = match reference {
        ImageReference::Named { registry, .. } => registry.clone(),
        ImageReference::Id(_) => String::new(),
    };
    RegistryError::Garbled { registry, what: reference.normal(), message }
}
