//! Pushes images to registries, through the engine and with the user's own credentials.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bollard::models::PushImageInfo;
use bollard::query_parameters::PushImageOptions;
use futures_util::StreamExt;

use super::docker::with_header;
use super::performer::Performer;
use super::{Answer, PerformError, Progress, registry_auth};
use crate::world::ImageReference;

/// How long a push may be silent; a registry that commits a large layer is.
const SILENCE: Duration = Duration::from_secs(600);
/// How often progress is told at most.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// What the engine says before the digest that the registry gave.
const DIGEST: &str = "digest: ";
const OUTPUT: usize = 20;

impl Performer {
    /// Pushes a name, and reads back that the engine knows the digest which the registry gave.
    pub(super) async fn push(&self, reference: &str, progress: Progress<'_>) -> Result<Answer, PerformError> {
        let ImageReference::Named { registry, repository, tag, .. } = ImageReference::parse(reference) else {
            let message = format!("`{reference}` is an image's id; a push needs a name");
            return Err(PerformError::Refused { status: None, message });
        };
        let (name, tag) = (format!("{registry}/{repository}"), tag.unwrap_or_else(|| "latest".to_owned()));
        let header = registry_auth::push_header(reference, self.client().environment())
            .await
            .map_err(|message| PerformError::Refused { status: None, message })?;
        let options = PushImageOptions { tag: Some(tag), platform: None };
        let pushed = name.clone();
        let mut messages = self.client().transport().messages(
            with_header(self.client().docker(), Some(header)),
            move |docker| docker.push_image(&pushed, Some(options), None).boxed(),
            SILENCE,
        );
        let mut told = Told::default();
        let mut last: Option<Instant> = None;
        while let Some(message) = messages.next().await {
            let message = match message {
                Ok(message) => message,
                Err(failure) => return Err(self.failure(failure, told.output)),
            };
            if let Some(text) = told.take(message)
                && last.is_none_or(|last| last.elapsed() >= TELL_EVERY)
            {
                last = Some(Instant::now());
                progress(text);
            }
        }
        self.has_digest(reference, &name, told).await
    }

    /// An engine that ends well without a digest has pushed nothing that can be told.
    async fn has_digest(&self, reference: &str, name: &str, told: Told) -> Result<Answer, PerformError> {
        let image = match self.client().clone().inspect_image(reference.to_owned()).await {
            Ok(image) => image,
            Err(error) => return Err(PerformError::Lost { reason: error.to_string() }),
        };
        let digest = told.digest.as_deref().unwrap_or_default();
        let wanted = ImageReference::parse(&format!("{name}@{digest}"));
        if !digest.is_empty() && image.is_some_and(|image| wanted.is_image(&image)) {
            return Ok(Answer::default());
        }
        Err(PerformError::Failed {
            message: format!("the engine ended the push of {reference} without a digest that it has"),
            output: told.output,
        })
    }
}

/// What the engine has said so far.
#[derive(Default)]
struct Told {
    digest: Option<String>,
    /// Bytes of the layers that are under way: sent, of how many.
    layers: BTreeMap<i64, i64>,
    output: Vec<String>,
}

impl Told {
    /// Takes a message into account; gives what there is to tell of it.
    fn take(&mut self, message: PushImageInfo) -> Option<String> {
        let status = message.status.unwrap_or_default();
        if let Some((_, rest)) = status.split_once(DIGEST) {
            self.digest = rest.split_whitespace().next().map(str::to_owned);
        }
        let detail = message.progress_detail.unwrap_or_default();
        if let (Some(current), Some(total)) = (detail.current, detail.total.filter(|total| *total > 0)) {
            // The messages do not say of which layer they are; its size is as good as a name.
            self.layers.insert(total, current.min(total));
            let (sent, all) = (self.layers.values().sum(), self.layers.keys().sum());
            return Some(format!("{} of {} sent", megabytes(sent), megabytes(all)));
        }
        if !status.is_empty() {
            self.output.push(status);
            self.output.drain(..self.output.len().saturating_sub(OUTPUT));
        }
        None
    }
}

fn megabytes(bytes: i64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(json: serde_json::Value) -> PushImageInfo {
        serde_json::from_value(json).expect("a message")
    }

    #[test]
    fn the_digest_and_the_bytes_are_read_from_what_the_engine_says() {
        let mut told = Told::default();
        let progress = json!({"current": 1_500_000, "total": 3_000_000});
        let text = told.take(message(json!({"status": "Pushing", "id": "a", "progressDetail": progress})));
        assert_eq!(text.as_deref(), Some("1.5 MB of 3.0 MB sent"));
        assert_eq!(told.take(message(json!({"status": "Pushed", "id": "a", "progressDetail": {}}))), None);
        told.take(message(json!({"status": "1: digest: sha256:ab size: 528"})));
        assert_eq!(told.digest.as_deref(), Some("sha256:ab"));
        assert_eq!(told.output, ["Pushed", "1: digest: sha256:ab size: 528"]);
    }
}
