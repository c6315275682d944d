//! Pulls an image, and names it as the state names it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bollard::models::CreateImageInfo;
use bollard::query_parameters::{CreateImageOptions, TagImageOptions};
use futures_util::StreamExt;

use super::docker::with_header;
use super::performer::{CHANGE, Performer};
use super::transport::encoded;
use super::{Answer, PerformError, Progress, registry_auth};
use crate::world::ImageReference;

/// How long a pull may be silent; unpacking a large layer is.
const SILENCE: Duration = Duration::from_secs(600);
/// How often progress is told at most.
const TELL_EVERY: Duration = Duration::from_millis(500);
const OUTPUT: usize = 20;

/// What is pulled.
pub(super) struct Pull<'a> {
    pub reference: &'a str,
    pub digest: Option<&'a str>,
    pub platform: Option<&'a str>,
}

impl Performer {
    /// Pulls, tags if it was pulled by digest, and reads the image's id back.
    pub(super) async fn pull(&self, pull: Pull<'_>, progress: Progress<'_>) -> Result<Answer, PerformError> {
        let reference = ImageReference::parse(pull.reference);
        let ImageReference::Named { registry, repository, tag, digest: own_digest } = &reference else {
            let message = format!("`{}` is an image's id, which no registry has", pull.reference);
            return Err(PerformError::Refused { status: None, message });
        };
        let name = format!("{registry}/{repository}");
        let digest = pull.digest.or(own_digest.as_deref());
        let version = digest.or(tag.as_deref()).unwrap_or("latest");
        self.pull_version(&name, version, &pull, progress).await?;
        let pulled = match digest {
            Some(digest) => format!("{name}@{digest}"),
            None => format!("{name}:{version}"),
        };
        if let (Some(_), Some(tag)) = (digest, tag) {
            self.tag(&pulled, &format!("{name}:{tag}")).await?;
        }
        self.image_id(&pulled).await.map(Answer::made)
    }

    async fn pull_version(
        &self,
        name: &str,
        version: &str,
        pull: &Pull<'_>,
        progress: Progress<'_>,
    ) -> Result<(), PerformError> {
        let auth = registry_auth::header(pull.reference, self.client().environment())
            .await
            .map_err(|message| PerformError::Refused { status: None, message })?;
        let docker = with_header(self.client().docker(), auth);
        let options = CreateImageOptions {
            from_image: Some(name.to_owned()),
            tag: Some(version.to_owned()),
            platform: pull.platform.unwrap_or_default().to_owned(),
            ..Default::default()
        };
        let mut messages = self.client().transport().messages(
            docker,
            |docker| docker.create_image(Some(options), None, None).boxed(),
            SILENCE,
        );
        let mut layers = Layers::default();
        let mut output: Vec<String> = Vec::new();
        let mut told: Option<Instant> = None;
        while let Some(message) = messages.next().await {
            let message = match message {
                Ok(message) => message,
                Err(failure) => return Err(self.failure(failure, output)),
            };
            if layers.take(&message) {
                if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                    told = Some(Instant::now());
                    progress(layers.summary());
                }
            } else if let Some(status) = message.status {
                output.push(status);
                if output.len() > OUTPUT {
                    output.remove(0);
                }
            }
        }
        Ok(())
    }

    /// Gives an image another name.
    pub(super) async fn tag(&self, image: &str, reference: &str) -> Result<(), PerformError> {
        let ImageReference::Named { registry, repository, tag, digest: _ } = ImageReference::parse(reference)
        else {
            let message = format!("`{reference}` is an image's id and cannot be a name");
            return Err(PerformError::Refused { status: None, message });
        };
        let options = TagImageOptions {
            repo: Some(format!("{registry}/{repository}")),
            tag: Some(tag.unwrap_or_else(|| "latest".to_owned())),
        };
        let (docker, image) = (self.client().docker().clone(), encoded(image));
        let call = async move { docker.tag_image(&image, Some(options)).await };
        let tagged = self.client().transport().change(call, CHANGE).await;
        tagged.map_err(|failure| self.failure(failure, Vec::new()))
    }

    /// Reads back what a name points to now.
    pub(super) async fn image_id(&self, reference: &str) -> Result<String, PerformError> {
        match self.client().clone().inspect_image(reference.to_owned()).await {
            Ok(Some(image)) => Ok(image.id.to_string()),
            Ok(None) => Err(PerformError::Failed {
                message: format!(
                    "the engine has no image `{reference}`, although it said that all went well"
                ),
                output: Vec::new(),
            }),
            Err(error) => Err(PerformError::Lost { reason: error.to_string() }),
        }
    }
}

/// How far the layers of a pull are.
#[derive(Default)]
struct Layers(BTreeMap<String, Layer>);

#[derive(Default)]
struct Layer {
    is_done: bool,
    bytes: u64,
    total: u64,
}

impl Layers {
    /// Takes a message into account; false if it is about no layer.
    fn take(&mut self, message: &CreateImageInfo) -> bool {
        let (Some(id), Some(status)) = (&message.id, &message.status) else {
            return false;
        };
        // The first message bears the tag as its id.
        if status.starts_with("Pulling from") {
            return false;
        }
        let layer = self.0.entry(id.clone()).or_default();
        let told = message.progress_detail.clone().unwrap_or_default();
        let number =
            |told: Option<i64>| told.and_then(|told| u64::try_from(told).ok()).filter(|told| *told > 0);
        match status.as_str() {
            "Downloading" => {
                layer.bytes = number(told.current).unwrap_or(layer.bytes);
                layer.total = number(told.total).unwrap_or(layer.total);
            }
            "Download complete" | "Extracting" | "Verifying Checksum" => layer.bytes = layer.total,
            "Pull complete" | "Already exists" => {
                layer.bytes = layer.total;
                layer.is_done = true;
            }
            _ => {}
        }
        true
    }

    fn summary(&self) -> String {
        let done = self.0.values().filter(|layer| layer.is_done).count();
        let bytes: u64 = self.0.values().map(|layer| layer.bytes).sum();
        let total: u64 = self.0.values().map(|layer| layer.total).sum();
        let layers = format!("{done} of {} layers", self.0.len());
        if total == 0 { layers } else { format!("{layers}, {} of {}", megabytes(bytes), megabytes(total)) }
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(json: serde_json::Value) -> CreateImageInfo {
        serde_json::from_value(json).expect("a message")
    }

    #[test]
    fn layers_are_summed_up() {
        let mut layers = Layers::default();
        assert!(!layers.take(&message(json!({"status": "Pulling from library/nginx", "id": "latest"}))));
        assert!(!layers.take(&message(json!({"status": "Digest: sha256:0"}))));
        assert!(
            layers.take(&message(json!({"status": "Pulling fs layer", "id": "a", "progressDetail": {}})))
        );
        assert!(layers.take(&message(json!({"status": "Already exists", "id": "b", "progressDetail": {}}))));
        assert_eq!(layers.summary(), "1 of 2 layers");
        let progress = json!({"current": 1_500_000, "total": 3_000_000});
        assert!(
            layers.take(&message(json!({"status": "Downloading", "id": "a", "progressDetail": progress})))
        );
        assert_eq!(layers.summary(), "1 of 2 layers, 1.5 MB of 3.0 MB");
        assert!(layers.take(&message(json!({"status": "Pull complete", "id": "a"}))));
        assert_eq!(layers.summary(), "2 of 2 layers, 3.0 MB of 3.0 MB");
    }
}
