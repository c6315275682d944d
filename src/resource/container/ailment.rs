//! What is wrong with a container that is as declared and fails all the same. Nothing that could be
//! done would help: it would only be the same again.

use serde_json::Value;

use crate::world::{Container, RunState};

/// How long a container has to run until the engine itself takes it for one that works.
const WORKS_AFTER: i64 = 10;

/// Says that a container is between two ends: it ended by itself, and was started again a moment
/// before `now`, in seconds since 1970.
pub fn relapse(container: &Container, now: i64) -> Option<String> {
    let started: jiff::Timestamp = container.attributes.text("State.StartedAt")?.parse().ok()?;
    let is_fresh = (now - started.as_second()).abs() < WORKS_AFTER;
    let is_restarted = container.state == RunState::Running && restarts(container) > 0;
    (is_restarted && is_fresh)
        .then(|| format!("ended by itself a moment ago and was restarted, {}", times(container)))
}

/// Says in what way a container that is to run does not serve.
pub fn ailment(container: &Container) -> Option<String> {
    let at = |path| container.attributes.at(path).known();
    match container.state {
        RunState::Restarting => {
            let code = at("State.ExitCode").and_then(Value::as_i64).unwrap_or_default();
            let memory = at("State.OOMKilled").and_then(Value::as_bool).unwrap_or_default();
            let memory = if memory { " (out of memory)" } else { "" };
            let told = format!("ends with exit code {code}{memory} and is restarted, {}", times(container));
            // The engine's own words, if it could not even start it.
            Some(match container.attributes.text("State.Error").map(str::trim) {
                None | Some("") => told,
                Some(error) => format!("{told}: {error}"),
            })
        }
        RunState::Running if is_unhealthy(container) => {
            let log = at("State.Health.Log").and_then(Value::as_array);
            let output = log.and_then(|log| log.last()?.get("Output")?.as_str());
            Some(match output.and_then(|output| output.trim().lines().last()) {
                Some(line) => format!("is unhealthy: {}", line.chars().take(200).collect::<String>()),
                None => "is unhealthy".to_owned(),
            })
        }
        _ => None,
    }
}

/// True if the container's healthcheck has failed as often as it may.
pub fn is_unhealthy(container: &Container) -> bool {
    container.attributes.text("State.Health.Status") == Some("unhealthy")
}

/// How often the engine restarted the container since somebody started it.
pub fn restarts(container: &Container) -> u64 {
    container.attributes.at("RestartCount").known().and_then(Value::as_u64).unwrap_or_default()
}

fn times(container: &Container) -> String {
    match restarts(container) {
        1 => "once so far".to_owned(),
        times => format!("{times} times so far"),
    }
}
