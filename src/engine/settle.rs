//! Waits until a container has proven itself. Changes nothing at it.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use tokio::time::Instant;

use super::asking::{Asking, Said};
use super::client::Client;
use super::shapes::run_state;
use super::transport::{ANSWER, encoded};
use super::{PerformError, Progress};
use crate::world::{Gate, RunState, Target};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How often a wait tells that it still goes on.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Waits for `container`: healthy if it has a healthcheck, else up without a restart for `gate.stable_for`, and every
/// probe of the gate answered well.
pub(super) async fn settle(
    client: &Client,
    container: &Target,
    gate: &Gate,
    progress: Progress<'_>,
) -> Result<(), PerformError> {
    let mut asking = Asking::begin(client, container, gate);
    let settled = until_proven(client, container, gate, &mut asking, progress).await;
    let said = asking.end().await;
    match settled {
        // Only now it is known what was wrong at last.
        Err(Unsettled::Late { was }) => {
            let was = if let Said::Waiting(reason) = said { reason } else { was };
            let reason = format!("{was} after {} s", gate.timeout.as_secs_f64());
            Err(PerformError::NotSettled { reason })
        }
        Err(Unsettled::Failed(reason)) => Err(PerformError::NotSettled { reason }),
        Ok(()) => Ok(()),
    }
}

enum Unsettled {
    Failed(String),
    /// The time was over; what was waited for.
    Late {
        was: String,
    },
}

async fn until_proven(
    client: &Client,
    container: &Target,
    gate: &Gate,
    asking: &mut Asking,
    progress: Progress<'_>,
) -> Result<(), Unsettled> {
    let began = Instant::now();
    let path = format!("/containers/{}/json", encoded(&container.id.to_string()));
    let mut pause = FIRST_PAUSE;
    let mut told = began;
    let mut watch = Watch::default();
    loop {
        // What was said before the look: both have to hold at once.
        let said = asking.said();
        let waited = began.elapsed();
        let verdict = match client.transport().get(&path, ANSWER).await {
            Ok(reply) if reply.status == StatusCode::NOT_FOUND => Verdict::Failed("it is gone".to_owned()),
            Ok(reply) if reply.status.is_success() => match serde_json::from_slice::<Value>(&reply.body) {
                Ok(json) => watch.look(&json, waited, gate),
                Err(error) => Verdict::Waiting(format!("cannot understand the engine: {error}")),
            },
            Ok(reply) => Verdict::Waiting(reply.message()),
            // The engine may only be busy; the gate's own bound ends this.
            Err(broken) => Verdict::Waiting(broken.to_string()),
        };
        let waiting_for = match (verdict, said) {
            (Verdict::Failed(reason), _) | (_, Said::Never(reason)) => {
                return Err(Unsettled::Failed(reason));
            }
            (Verdict::Proven, Said::Well) => return Ok(()),
            (_, Said::Waiting(reason)) | (Verdict::Waiting(reason), Said::Well) => reason,
        };
        if waited >= gate.timeout {
            return Err(Unsettled::Late { was: waiting_for });
        }
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            progress(format!("{waiting_for}, {} s of {} s", waited.as_secs(), gate.timeout.as_secs()));
        }
        let left = gate.timeout.saturating_sub(began.elapsed());
        asking.pause(pause.min(left.max(FIRST_PAUSE))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Waits until a container has ended. Every exit code but 0 is a failure.
pub(super) async fn await_end(
    client: &Client,
    container: &Target,
    timeout: Duration,
    progress: Progress<'_>,
) -> Result<(), PerformError> {
    let began = Instant::now();
    let path = format!("/containers/{}/json", encoded(&container.id.to_string()));
    let (mut pause, mut told) = (FIRST_PAUSE, began);
    while began.elapsed() < timeout {
        let state = match client.transport().get(&path, ANSWER).await {
            Ok(reply) if reply.status == StatusCode::NOT_FOUND => {
                return Err(PerformError::NotSettled { reason: "it is gone".to_owned() });
            }
            Ok(reply) => serde_json::from_slice::<Value>(&reply.body).unwrap_or_default()["State"].take(),
            // The engine may only be busy; the bound ends this.
            Err(_) => Value::Null,
        };
        match run_state(&state) {
            RunState::Exited { code: 0 } if !state.is_null() => return Ok(()),
            RunState::Exited { .. } | RunState::Dead if !state.is_null() => {
                return Err(PerformError::NotSettled { reason: ended(&state, "it ended") });
            }
            _ => {}
        }
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            progress(format!("it runs, {} s of {} s", began.elapsed().as_secs(), timeout.as_secs()));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Err(PerformError::NotSettled { reason: format!("it did not end within {} s", timeout.as_secs()) })
}

/// Waits until a container is healthy. One without a healthcheck never is.
///
/// # Errors
/// If it has no healthcheck, becomes unhealthy, does not run, or takes longer than `timeout`.
pub(super) async fn await_healthy(
    client: &Client,
    container: &Target,
    timeout: Duration,
    progress: Progress<'_>,
) -> Result<(), PerformError> {
    let path = format!("/containers/{}/json", encoded(&container.id.to_string()));
    if let Ok(reply) = client.transport().get(&path, ANSWER).await
        && let Ok(json) = serde_json::from_slice::<Value>(&reply.body)
        && reply.status.is_success()
        && matches!(json["State"]["Health"]["Status"].as_str(), None | Some("none" | ""))
        && run_state(&json["State"]) == RunState::Running
    {
        let reason = "it has no healthcheck, so nobody knows whether it is healthy".to_owned();
        return Err(PerformError::NotSettled { reason });
    }
    settle(client, container, &Gate { stable_for: Duration::MAX, timeout, ..Gate::default() }, progress).await
}

/// Looks at a container that serves until `lasts` is over.
///
/// # Errors
/// If it ends, is restarted or becomes unhealthy meanwhile, or is gone.
pub(super) async fn watch(client: &Client, container: &Target, lasts: Duration) -> Result<(), PerformError> {
    let began = Instant::now();
    let path = format!("/containers/{}/json", encoded(&container.id.to_string()));
    // It is proven already; what counts is that nothing becomes worse.
    let gate = Gate { stable_for: Duration::MAX, timeout: Duration::MAX, ..Gate::default() };
    let mut watch = Watch::default();
    loop {
        match client.transport().get(&path, ANSWER).await {
            Ok(reply) if reply.status == StatusCode::NOT_FOUND => {
                return Err(PerformError::NotSettled { reason: "it is gone".to_owned() });
            }
            Ok(reply) if reply.status.is_success() => {
                let json = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
                if let Verdict::Failed(reason) = watch.look(&json, began.elapsed(), &gate)
                    && json.is_object()
                {
                    return Err(PerformError::NotSettled { reason });
                }
            }
            // The engine may only be busy; the bound ends this.
            Ok(_) | Err(_) => {}
        }
        let left = lasts.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        tokio::time::sleep(left.min(LONGEST_PAUSE)).await;
    }
}

/// What one look says.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Proven,
    Failed(String),
    Waiting(String),
}

/// What earlier looks saw.
#[derive(Default)]
struct Watch {
    /// Start time and restart count, and when they were first seen.
    since: Option<(String, u64, Duration)>,
}

impl Watch {
    /// Judges one inspection, `waited` after the wait began. The engine's clock is not compared
    /// with ours: it may be another machine's.
    fn look(&mut self, json: &Value, waited: Duration, gate: &Gate) -> Verdict {
        let state = &json["State"];
        match run_state(state) {
            RunState::Running => {}
            RunState::Paused => return Verdict::Failed("it is paused".to_owned()),
            RunState::Restarting => return Verdict::Failed(ended(state, "it ends and restarts")),
            RunState::Created => return Verdict::Failed(ended(state, "it was not started")),
            RunState::Exited { .. } => return Verdict::Failed(ended(state, "it ended")),
            RunState::Dead => return Verdict::Failed(ended(state, "it is dead")),
        }
        let started = state["StartedAt"].as_str().unwrap_or_default().to_owned();
        let restarts = json["RestartCount"].as_u64().unwrap_or_default();
        let since = match &self.since {
            Some((before, count, since)) if *before == started && *count == restarts => *since,
            Some(_) => return Verdict::Failed("it ended and was restarted".to_owned()),
            None => {
                self.since = Some((started, restarts, waited));
                waited
            }
        };
        match state["Health"]["Status"].as_str() {
            Some("healthy") => Verdict::Proven,
            Some("unhealthy") => Verdict::Failed(with_probe("it is unhealthy", &state["Health"])),
            Some("starting") => Verdict::Waiting(with_probe("not healthy yet", &state["Health"])),
            // No healthcheck, which some engines call `none`.
            Some(_) | None if waited.saturating_sub(since) >= gate.stable_for => Verdict::Proven,
            Some(_) | None => Verdict::Waiting("not up long enough".to_owned()),
        }
    }
}

/// How a container ended, in the engine's words.
fn ended(state: &Value, what: &str) -> String {
    let mut reason = format!("{what} with exit code {}", state["ExitCode"].as_i64().unwrap_or_default());
    if state["OOMKilled"].as_bool() == Some(true) {
        reason.push_str(" (out of memory)");
    }
    match state["Error"].as_str() {
        Some(error) if !error.is_empty() => format!("{reason}: {error}"),
        Some(_) | None => reason,
    }
}

/// Adds what the last probe of a healthcheck wrote.
fn with_probe(what: &str, health: &Value) -> String {
    let last = health["Log"].as_array().and_then(|log| log.last());
    let output = last.and_then(|probe| probe["Output"].as_str()).unwrap_or_default().trim();
    match output.lines().last() {
        Some(line) => format!("{what}: {}", line.chars().take(200).collect::<String>()),
        None => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn running(started: &str, restarts: u64) -> Value {
        json!({"RestartCount": restarts, "State": {"Status": "running", "Running": true, "StartedAt": started}})
    }

    #[test]
    fn a_container_is_proven_when_it_ran_long_enough() {
        let (mut watch, gate) = (Watch::default(), Gate::default());
        assert!(matches!(watch.look(&running("a", 0), seconds(1), &gate), Verdict::Waiting(_)));
        assert!(matches!(watch.look(&running("a", 0), seconds(2), &gate), Verdict::Waiting(_)));
        assert_eq!(watch.look(&running("a", 0), seconds(3), &gate), Verdict::Proven);
    }

    #[test]
    fn a_restart_or_an_end_fails_at_once() {
        let (mut watch, gate) = (Watch::default(), Gate::default());
        assert!(matches!(watch.look(&running("a", 0), seconds(0), &gate), Verdict::Waiting(_)));
        assert!(matches!(watch.look(&running("b", 1), seconds(1), &gate), Verdict::Failed(_)));
        let exited = json!({"State": {"Status": "exited", "ExitCode": 137, "OOMKilled": true, "Error": ""}});
        assert_eq!(
            Watch::default().look(&exited, seconds(0), &gate),
            Verdict::Failed("it ended with exit code 137 (out of memory)".to_owned())
        );
    }

    #[test]
    fn a_healthcheck_decides_alone() {
        let gate = Gate::default();
        let health = |status: &str| {
            let mut json = running("a", 0);
            json["State"]["Health"] =
                json!({"Status": status, "Log": [{"Output": "first"}, {"Output": "no\nluck\n"}]});
            json
        };
        let look = |status: &str, at: u64| Watch::default().look(&health(status), seconds(at), &gate);
        assert_eq!(look("healthy", 0), Verdict::Proven);
        assert_eq!(look("unhealthy", 0), Verdict::Failed("it is unhealthy: luck".to_owned()));
        assert_eq!(look("starting", 50), Verdict::Waiting("not healthy yet: luck".to_owned()));
    }
}
