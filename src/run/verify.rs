//! Shows whether an image is sound: starts it as it is, waits until it has proven itself, runs what it
//! says it is validated with, and removes it again.

use std::time::{Duration, Instant};

use serde_json::json;

use super::tree::environment;
use super::{Ambient, Listener, RunError, Stop};
use crate::engine::{self, Client, Observe, Perform, PerformError, Performer, Wanted};
use crate::plan::Event;
use crate::world::{Container, Gate, Id, Image, Step, Target, World, label};

/// What is to be verified. `gate` is what the container has to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyOptions {
    pub image: String,
    /// `--host` as it was typed.
    pub host: Option<String>,
    pub gate: Gate,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub image: String,
    /// The engine's id of the image.
    pub id: String,
    /// How long it took to prove itself, or why it did not.
    pub gate: Result<Duration, String>,
    /// The last lines that the container wrote, if it did not.
    pub output: Vec<String>,
    /// What it was validated with; nothing if it declares nothing, or did not get so far.
    pub validation: Option<Validated>,
    /// What is left behind, if the container could not be removed.
    pub left: Option<String>,
}

/// How a validation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validated {
    pub command: String,
    /// The exit code, or why there is none.
    pub code: Result<i64, String>,
    pub output: Vec<String>,
    pub took: Duration,
}

impl Verified {
    pub fn is_sound(&self) -> bool {
        self.gate.is_ok() && self.validation.as_ref().is_none_or(|validation| validation.code == Ok(0))
    }
}

const LAST_WORDS: u32 = 30;
/// What the names of throw-away containers begin with; the run's process and its time follow.
const PREFIX: &str = "evenkeel-verify-";

/// Verifies an image. One that the engine does not have is pulled.
///
/// # Errors
/// If the engine cannot be reached, or there is no such image. What the image does is in the answer.
pub async fn verify(
    options: &VerifyOptions,
    ambient: &Ambient,
    listener: Listener<'_>,
) -> Result<Verified, RunError> {
    let client =
        engine::connect(options.host.as_deref(), &environment(ambient)).await.map_err(unreachable)?;
    let performer = Performer::new(client.clone());
    let tell = |text: String| listener(Event::Message { text });
    let name = format!("{PREFIX}{}-{}", ambient.pid, seconds(ambient));
    let home = home(&ambient.machine);
    let trial = Trial { performer: &performer, client: &client, name, home: &home, tell: &tell };
    trial.sweep().await?;
    let image = image(&client, &performer, &options.image, &tell).await?;
    let container = trial.create(&options.image, &image).await?;
    let (gate, validation) = trial.shows(&container, &image, &options.gate, &ambient.stop).await;
    let output = match (&gate, &container.id) {
        (Err(_), Id::Engine(id)) => client.last_log_lines(id, LAST_WORDS).await,
        _ => Vec::new(),
    };
    let left = trial.remove(&container).await.err().map(|error| format!("{}: {error}", container.name));
    let id = image.id.to_string();
    Ok(Verified { image: options.image.clone(), id, gate, output, validation, left })
}

/// Where the number of a process means this process: the machine, and the namespace of its processes. Two
/// build servers' containers may be called alike.
fn home(machine: &str) -> String {
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{machine} {}", namespace.display())
}

/// The throw-away containers of this machine whose run is no more.
fn left_over(world: &World, home: &str, is_alive: impl Fn(u32) -> bool) -> Vec<Target> {
    let is_left = |container: &&Container| {
        let labels = container.labels();
        labels.get(label::TRIAL).is_some()
            && labels.get(label::TRIAL_HOME) == Some(home)
            && process_of(&container.name).is_some_and(|pid| !is_alive(pid))
    };
    let left = world.containers.values().filter(is_left);
    left.map(|container| Target::new(&container.id, &container.name)).collect()
}

/// The process in the name of a throw-away container.
fn process_of(name: &str) -> Option<u32> {
    let (pid, time) = name.strip_prefix(PREFIX)?.split_once('-')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if is_number(pid) && is_number(time) { pid.parse().ok() } else { None }
}

/// True unless it is certain that there is no such process. The kernel is asked, because `/proc` may
/// hide the processes of others.
fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_none_or(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Seconds since 1970, to tell the names of containers apart.
fn seconds(ambient: &Ambient) -> u64 {
    ambient.now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

async fn image(
    client: &Client,
    performer: &Performer,
    reference: &str,
    tell: &(dyn Fn(String) + Send + Sync),
) -> Result<Image, RunError> {
    if let Some(image) = look(client, reference).await?.image(reference) {
        return Ok(image.clone());
    }
    tell(format!("pull image {reference}"));
    let pull = Step::PullImage {
        image: Id::Planned(1),
        reference: reference.to_owned(),
        digest: None,
        platform: None,
    };
    let pulled = performer.perform(&pull, tell).await;
    pulled.map_err(|error| RunError::Failed(format!("pull image {reference}: {error}")))?;
    let world = look(client, reference).await?;
    let image = world.image(reference).cloned();
    image.ok_or_else(|| RunError::Failed(format!("the engine has no image {reference}")))
}

async fn look(client: &Client, reference: &str) -> Result<World, RunError> {
    let wanted = Wanted { images: [reference.to_owned()].into(), ..Wanted::default() };
    client.world(&wanted).await.map_err(unreachable)
}

fn unreachable(error: engine::ObserveError) -> RunError {
    RunError::Unreachable { message: error.to_string(), hint: None }
}

/// The throw-away container.
struct Trial<'a> {
    performer: &'a Performer,
    client: &'a Client,
    name: String,
    /// Where its process is.
    home: &'a str,
    tell: &'a (dyn Fn(String) + Send + Sync),
}

impl Trial<'_> {
    async fn perform(&self, step: &Step) -> Result<Option<String>, PerformError> {
        (self.tell)(step.to_string());
        Ok(self.performer.perform(step, self.tell).await?.id)
    }

    /// Removes what killed verifications of this machine have left. What cannot be removed is told.
    async fn sweep(&self) -> Result<(), RunError> {
        let world = self.client.world(&Wanted::default()).await.map_err(unreachable)?;
        for container in left_over(&world, self.home, is_alive) {
            (self.tell)(format!("a killed verification left {}", container.name));
            if let Err(error) = self.remove(&container).await {
                (self.tell)(format!("{} stays: {error}", container.name));
            }
        }
        Ok(())
    }

    async fn create(&self, reference: &str, image: &Image) -> Result<Target, RunError> {
        let labels = json!({label::TRIAL: reference, label::TRIAL_HOME: self.home});
        let body = json!({"Image": image.id.to_string(), "Labels": labels});
        let planned = Target { id: Id::Planned(1), name: self.name.clone() };
        let create = Step::CreateContainer { container: planned.clone(), image: image.id.clone(), body };
        match self.perform(&create).await {
            Ok(Some(id)) => Ok(Target { id: Id::Engine(id), ..planned }),
            Ok(None) => Err(RunError::Failed(format!("{create}: the engine gave it no id"))),
            Err(error) => Err(RunError::Failed(format!("{create}: {error}"))),
        }
    }

    /// What it shows when it runs; that it does not run at all is something as well.
    async fn shows(
        &self,
        container: &Target,
        image: &Image,
        gate: &Gate,
        stop: &Stop,
    ) -> (Result<Duration, String>, Option<Validated>) {
        let began = Instant::now();
        if let Err(error) = self.perform(&Step::StartContainer { container: container.clone() }).await {
            return (Err(error.to_string()), None);
        }
        let settle = Step::Settle { container: container.clone(), gate: gate.clone() };
        // This only asks, so it may be given up.
        let settled = tokio::select! {
            biased;
            _ = stop.wait() => return (Err("stopped".to_owned()), None),
            settled = self.perform(&settle) => settled,
        };
        if let Err(error) = settled {
            return (Err(error.to_string()), None);
        }
        let settled = began.elapsed();
        let Some(command) = image.labels().get(label::LIFECYCLE_VALIDATE) else { return (Ok(settled), None) };
        let began = Instant::now();
        let words = ["/bin/sh", "-c", command].map(str::to_owned);
        let ended = self.performer.exec(&container.id.to_string(), &words, self.tell).await;
        let (code, output) = match ended {
            Ok(ended) => (Ok(ended.code), ended.output),
            Err(error) => (Err(error.to_string()), Vec::new()),
        };
        (Ok(settled), Some(Validated { command: command.to_owned(), code, output, took: began.elapsed() }))
    }

    async fn remove(&self, container: &Target) -> Result<(), PerformError> {
        let up = match self.client.container(&container.id.to_string()).await {
            Ok(found) => found.is_none_or(|found| found.state.is_up()),
            Err(_) => true,
        };
        if up {
            self.perform(&Step::StopContainer { container: container.clone(), timeout: Some(1) }).await?;
        }
        self.perform(&Step::RemoveTrial { container: container.clone() }).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_from_a_name_of_ours_only() {
        assert_eq!(process_of("evenkeel-verify-12-1700000000"), Some(12));
        for name in [
            "evenkeel-verify-12",
            "evenkeel-verify-12-",
            "evenkeel-verify-x-1",
            "evenkeel-verify-1-2-3",
            "web",
        ] {
            assert_eq!(process_of(name), None, "{name}");
        }
    }

    #[test]
    fn a_process_that_is_there_is_alive() {
        assert!(is_alive(std::process::id()) && is_alive(1) && is_alive(0));
        assert!(!is_alive(i32::MAX.unsigned_abs()));
    }
}
