//! Does steps on an engine: one call per step, no decisions.

use std::time::Duration;

use async_trait::async_trait;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::Client;
use super::docker::Failure;
use super::pull::Pull;
use super::settle::{await_end, await_healthy, settle, watch};
use super::transport::{ANSWER, Broken, Order, Reply, encoded};
use super::{Answer, Perform, PerformError, Progress};
use crate::host::{Finished, run_command};
use crate::world::{Id, Stamps, Step, Target, Trial, label};

/// How long a change that moves no data may take.
pub(super) const CHANGE: Duration = Duration::from_secs(120);
/// A start may wait for mounts, volume drivers and a slow runtime.
pub(super) const START: Duration = Duration::from_secs(300);
/// What a stop may take beyond the container's own time.
const STOP: Duration = Duration::from_secs(60);
/// How long the engine waits before it kills, where nobody says.
const STOP_DEFAULT: u64 = 10;
/// How often and how far apart a call is made again that came while a container ended by itself.
const UNSTEADY_TRIES: u32 = 10;
const UNSTEADY_PAUSE: Duration = Duration::from_millis(150);
/// How long a command of this machine may take.
const CHECK: Duration = Duration::from_secs(300);

/// Changes an engine. A dry run makes no such value.
pub struct Performer {
    client: Client,
    stamps: Option<Stamps>,
}

impl Performer {
    pub fn new(client: Client) -> Self {
        Self { client, stamps: None }
    }

    /// Says in what it makes who made it, when and why.
    #[must_use]
    pub fn stamped(self, stamps: Stamps) -> Self {
        Self { stamps: Some(stamps), ..self }
    }

    pub(super) fn stamps(&self) -> Option<&Stamps> {
        self.stamps.as_ref()
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }
}

#[async_trait]
impl Perform for Performer {
    async fn perform(&self, step: &Step, progress: Progress<'_>) -> Result<Answer, PerformError> {
        match step {
            Step::PullImage { image: _, reference, digest, platform } => {
                let pull = Pull { reference, digest: digest.as_deref(), platform: platform.as_deref() };
                self.pull(pull, progress).await
            }
            Step::BuildImage { image: _, build } => self.build(build, progress).await,
            Step::LoadImage { image: _, reference, path, hash: _ } => {
                self.load(reference, path, progress).await
            }
            Step::TagImage { image, reference } => {
                self.tag(&id(&image.id)?, reference).await.map(|()| Answer::default())
            }
            Step::PushImage { image: _, reference } => self.push(reference, progress).await,
            Step::SaveImage { image, reference, path } => {
                self.save(&id(&image.id)?, reference, path, progress).await
            }
            Step::RemoveImage { image: _, reference } => self.remove_image(reference).await,

            Step::CreateNetwork { network, body } => {
                let body = with(body, [("Name", json!(network.name)), ("CheckDuplicate", json!(true))]);
                created(&self.post("/networks/create".to_owned(), Some(&body), CHANGE).await?)
            }
            Step::RemoveNetwork { network } => self.delete(path("networks", network, "")?).await,
            Step::Connect { network, container, endpoint } => {
                let body = json!({"Container": id(&container.id)?, "EndpointConfig": endpoint});
                self.post(path("networks", network, "/connect")?, Some(&body), CHANGE)
                    .await
                    .map(|_| Answer::default())
            }
            Step::Disconnect { network, container } => {
                let body = json!({"Container": id(&container.id)?, "Force": false});
                let path = self.attached_network(network).await?;
                self.post(format!("{path}/disconnect"), Some(&body), CHANGE).await.map(|_| Answer::default())
            }

            Step::CreateVolume { name, body } => {
                let body = with(body, [("Name", json!(name))]);
                self.post("/volumes/create".to_owned(), Some(&body), CHANGE).await?;
                Ok(Answer::made(name.clone()))
            }
            Step::RemoveVolume { name } => self.delete(format!("/volumes/{}", encoded(name))).await,

            Step::CreateContainer { container, image: _, body } => {
                let path = format!("/containers/create?name={}", encoded(&container.name));
                created(&self.post(path, Some(&self.with_stamps(body)), CHANGE).await?)
            }
            Step::CreateTrial { container, image, trial } => self.create_trial(container, image, trial).await,
            Step::AwaitEnd { container, timeout } => {
                await_end(&self.client, container, *timeout, progress).await.map(|()| Answer::default())
            }
            Step::PutFiles { container, files, time } => self.put_files(container, files, *time).await,
            Step::StartContainer { container } => self.container(container, "/start", START).await,
            Step::StopContainer { container, timeout } => {
                let grace = self.grace(container, *timeout).await;
                match self.container_after(container, &with_timeout("/stop", *timeout), (STOP, grace)).await {
                    // Somebody removed it meanwhile: it serves no longer, as was meant.
                    Err(PerformError::Refused { status: Some(404), .. }) => Ok(Answer::default()),
                    answer => answer,
                }
            }
            Step::RestartContainer { container, timeout } => {
                let grace = self.grace(container, *timeout).await;
                let verb = with_timeout("/restart", *timeout);
                self.container_after(container, &verb, (STOP + START, grace)).await
            }
            Step::SignalContainer { container, signal } => {
                self.container(container, &format!("/kill?signal={}", encoded(signal)), CHANGE).await
            }
            Step::UnpauseContainer { container } => self.container(container, "/unpause", CHANGE).await,
            Step::RenameContainer { container, to } => {
                let path = path("containers", container, &format!("/rename?name={}", encoded(to)))?;
                self.post_when_steady(container, path, None).await.map(|_| Answer::default())
            }
            Step::UpdateContainer { container, body } => {
                let path = path("containers", container, "/update")?;
                let reply = self.post_when_steady(container, path, Some(body)).await?;
                Ok(Answer { warnings: warnings(&answer(&reply)?), ..Answer::default() })
            }
            Step::AwaitHealthy { container, timeout } => {
                await_healthy(&self.client, container, *timeout, progress).await.map(|()| Answer::default())
            }
            Step::Watch { container, lasts } => {
                watch(&self.client, container, *lasts).await.map(|()| Answer::default())
            }
            Step::Settle { container, gate } => {
                settle(&self.client, container, gate, progress).await.map(|()| Answer::default())
            }
            Step::RemoveContainer { container } => self.delete(path("containers", container, "")?).await,
            Step::RemoveTrial { container } => self.delete(path("containers", container, "?v=1")?).await,

            Step::RunHook { hook } => self.run_hook(hook, progress).await,
            Step::CheckCommand { command } => check(command).await,
        }
    }
}

impl Performer {
    /// Removes a name of an image. The engine refuses what is gone while it looks for it, as when an image
    /// loses its last two names at once.
    async fn remove_image(&self, reference: &str) -> Result<Answer, PerformError> {
        let removed = self.delete(format!("/images/{}", encoded(reference))).await;
        let is_refused = matches!(removed, Err(PerformError::Refused { .. }));
        if is_refused && matches!(self.client.image(reference).await, Ok(None)) {
            return Ok(Answer::default());
        }
        removed
    }

    /// Creates a throw-away container. What an image says of itself is only known once it is there.
    async fn create_trial(
        &self,
        container: &Target,
        image: &Id,
        trial: &Trial,
    ) -> Result<Answer, PerformError> {
        let image = id(image)?;
        let mut body = with(&trial.body(), [("Image", json!(image))]);
        if trial.command.is_none() {
            let found = self.client.clone().inspect_image(image).await;
            let found =
                found.map_err(|error| PerformError::Refused { status: None, message: error.to_string() })?;
            let said = found.as_ref().and_then(|image| image.labels().get(label::LIFECYCLE_VALIDATE));
            let Some(command) = said else {
                let key = label::LIFECYCLE_VALIDATE;
                let message = format!("`validate: true` wants the image's own label {key}, and it has none");
                return Err(PerformError::Refused { status: None, message });
            };
            body["Entrypoint"] = json!(["/bin/sh", "-c", command]);
        }
        let path = format!("/containers/create?name={}", encoded(&container.name));
        created(&self.post(path, Some(&body), CHANGE).await?)
    }

    /// A POST to a container that answers nothing of interest. 304 says that it was so already.
    async fn container(
        &self,
        container: &Target,
        verb: &str,
        bound: Duration,
    ) -> Result<Answer, PerformError> {
        self.container_after(container, verb, (bound, Duration::ZERO)).await
    }

    /// The same for what the engine has to wait for: the bound, and how long that takes besides.
    async fn container_after(
        &self,
        container: &Target,
        verb: &str,
        (bound, waits): (Duration, Duration),
    ) -> Result<Answer, PerformError> {
        let order = Order { waits, ..Order::plain(Method::POST, path("containers", container, verb)?) };
        self.give(order, bound).await.map(|_| Answer::default())
    }

    async fn post(&self, path: String, body: Option<&Value>, bound: Duration) -> Result<Reply, PerformError> {
        let order = match body {
            Some(body) => Order::json(path, body),
            None => Order::plain(Method::POST, path),
        };
        self.give(order, bound).await
    }

    pub(super) async fn give(&self, order: Order, bound: Duration) -> Result<Reply, PerformError> {
        let reply =
            self.client.transport().order(order, bound).await.map_err(|broken| self.broken(&broken))?;
        if reply.status.is_success() || reply.status == StatusCode::NOT_MODIFIED {
            Ok(reply)
        } else {
            Err(refused(&reply))
        }
    }

    /// A POST to a container that may be ending or coming up again by itself at the moment: the engine refuses
    /// it then (20.10 with "sandbox not found", or that the container is restarting), and does it a moment later.
    async fn post_when_steady(
        &self,
        container: &Target,
        path: String,
        body: Option<&Value>,
    ) -> Result<Reply, PerformError> {
        let mut left = UNSTEADY_TRIES;
        loop {
            match self.post(path.clone(), body, CHANGE).await {
                Err(PerformError::Refused { status: Some(409 | 500), message })
                    if left > 0 && self.is_unsteady(container, &message).await =>
                {
                    left -= 1;
                    tokio::time::sleep(UNSTEADY_PAUSE).await;
                }
                answer => return answer,
            }
        }
    }

    async fn is_unsteady(&self, container: &Target, message: &str) -> bool {
        if message.starts_with("sandbox ") {
            return true;
        }
        let Ok(path) = path("containers", container, "/json") else { return false };
        let Ok(reply) = self.client.transport().get(&path, ANSWER).await else { return false };
        let shown: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        shown["State"]["Restarting"] == true
    }

    /// A DELETE. What is not there is removed already.
    async fn delete(&self, path: String) -> Result<Answer, PerformError> {
        let order = Order::plain(Method::DELETE, path);
        let reply =
            self.client.transport().order(order, CHANGE).await.map_err(|broken| self.broken(&broken))?;
        if reply.status.is_success() || reply.status == StatusCode::NOT_FOUND {
            Ok(Answer::default())
        } else {
            Err(refused(&reply))
        }
    }

    pub(super) fn broken(&self, broken: &Broken) -> PerformError {
        match broken {
            Broken::NotSent { reason, .. } => PerformError::Refused {
                status: None,
                message: format!("cannot reach the engine at {}: {reason}", self.client.address()),
            },
            Broken::Lost { reason } => PerformError::Lost { reason: reason.clone() },
        }
    }

    pub(super) fn failure(&self, failure: Failure, output: Vec<String>) -> PerformError {
        match failure {
            Failure::Refused { status, message } => PerformError::Refused { status: Some(status), message },
            Failure::Failed { message } => PerformError::Failed { message, output },
            Failure::Broken(broken) => self.broken(&broken),
        }
    }

    /// The path of a network that a container is attached to. A network may be removed while stopped
    /// containers are attached; the engine then finds the attachment by the network's name only.
    async fn attached_network(&self, network: &Target) -> Result<String, PerformError> {
        let by_id = path("networks", network, "")?;
        match self.client.transport().get(&by_id, ANSWER).await {
            Ok(reply) if reply.status == StatusCode::NOT_FOUND => {
                Ok(format!("/networks/{}", encoded(&network.name)))
            }
            Ok(_) | Err(_) => Ok(by_id),
        }
    }

    /// How long the engine waits for a container to end by itself.
    async fn grace(&self, container: &Target, timeout: Option<u32>) -> Duration {
        let seconds = match timeout {
            Some(seconds) => u64::from(seconds),
            None => self.own_stop_timeout(container).await.unwrap_or(STOP_DEFAULT),
        };
        Duration::from_secs(seconds)
    }

    async fn own_stop_timeout(&self, container: &Target) -> Option<u64> {
        let path = path("containers", container, "/json").ok()?;
        let reply = self.client.transport().get(&path, ANSWER).await.ok()?;
        serde_json::from_slice::<Value>(&reply.body).ok()?["Config"]["StopTimeout"].as_u64()
    }
}

/// Runs a command of this machine that says whether a state is as it should be.
async fn check(command: &str) -> Result<Answer, PerformError> {
    let failed = |message: String, output| Err(PerformError::Failed { message, output });
    match run_command(command, CHECK).await {
        Ok(finished) if finished.is_success() => Ok(Answer::default()),
        Ok(Finished { code: Some(code), output }) => {
            failed(format!("`{command}` exited with {code}"), output)
        }
        Ok(Finished { code: None, output }) => failed(format!("`{command}` was ended by a signal"), output),
        Err(error) => failed(error.to_string(), Vec::new()),
    }
}

/// The engine's id; a planned one has none, and must never get here.
fn id(id: &Id) -> Result<String, PerformError> {
    match id {
        Id::Engine(id) if !id.is_empty() => Ok(id.clone()),
        Id::Engine(_) | Id::Planned(_) => Err(PerformError::Refused {
            status: None,
            message: format!("internal error: the object `{id}` has no id yet"),
        }),
    }
}

/// `/containers/ID/verb`.
pub(super) fn path(kind: &str, target: &Target, verb: &str) -> Result<String, PerformError> {
    Ok(format!("/{kind}/{}{verb}", encoded(&id(&target.id)?)))
}

fn with_timeout(verb: &str, timeout: Option<u32>) -> String {
    match timeout {
        Some(seconds) => format!("{verb}?t={seconds}"),
        None => verb.to_owned(),
    }
}

/// A JSON object with further keys.
fn with<const N: usize>(body: &Value, keys: [(&str, Value); N]) -> Value {
    let mut object = body.as_object().cloned().unwrap_or_default();
    for (key, value) in keys {
        object.insert(key.to_owned(), value);
    }
    Value::Object(object)
}

fn refused(reply: &Reply) -> PerformError {
    PerformError::Refused { status: Some(reply.status.as_u16()), message: reply.message() }
}

/// Reads an answer that must be JSON. It was done, but what was done is not known.
fn answer(reply: &Reply) -> Result<Value, PerformError> {
    serde_json::from_slice(&reply.body).map_err(|error| PerformError::Lost {
        reason: format!("cannot understand the engine's answer: {error}"),
    })
}

/// Id and warnings of what was created.
fn created(reply: &Reply) -> Result<Answer, PerformError> {
    let json = answer(reply)?;
    match json["Id"].as_str() {
        Some(id) if !id.is_empty() => Ok(Answer { warnings: warnings(&json), ..Answer::made(id.to_owned()) }),
        Some(_) | None => Err(PerformError::Lost { reason: "the engine's answer has no id".to_owned() }),
    }
}

fn warnings(json: &Value) -> Vec<String> {
    let mut warnings = super::shapes::strings(&json["Warnings"]);
    // Networks have a single one.
    warnings.extend(json["Warning"].as_str().filter(|warning| !warning.is_empty()).map(str::to_owned));
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_without_an_engine_id_is_refused() {
        assert!(id(&Id::Planned(3)).is_err());
        assert_eq!(id(&Id::Engine("x".to_owned())), Ok("x".to_owned()));
    }

    #[test]
    fn warnings_of_containers_and_networks_are_read() {
        assert_eq!(warnings(&json!({"Warnings": ["a"]})), ["a"]);
        assert_eq!(warnings(&json!({"Warnings": null, "Warning": ""})), Vec::<String>::new());
        assert_eq!(warnings(&json!({"Warning": "b"})), ["b"]);
    }
}
