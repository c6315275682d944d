//! What a container of a state has to show: read from its fields, and kept in a label of the container.

use std::time::Duration;

use serde_json::Value;

use super::super::spec::Spec;
use super::job::is_job_state;
use super::networks::shares_network;
use crate::source::{Diagnostic, Diagnostics, Place};
use crate::world::{Container, Gate, Probe, Whence, label};

/// When a container with these fields counts as proven.
pub fn gate(spec: &Spec) -> Gate {
    let seconds = |field: &str| spec.value(field).and_then(Value::as_u64).map(Duration::from_secs);
    let default = Gate::default();
    let wait: Vec<Probe> = spec.value("wait").map(probes).unwrap_or_default();
    // An answer says more than a time.
    let stable_for = if wait.is_empty() { default.stable_for } else { Duration::ZERO };
    Gate {
        stable_for: seconds("stable_for").unwrap_or(stable_for),
        timeout: seconds("timeout").unwrap_or(default.timeout),
        wait,
    }
}

/// The probes of a value in its normal form.
fn probes(normal: &Value) -> Vec<Probe> {
    serde_json::from_value(normal.clone()).unwrap_or_default()
}

/// A gate as its label keeps it: `stable_for=2,timeout=60`, and behind `,wait=` its probes as JSON.
pub fn gate_text(gate: &Gate) -> String {
    let times = format!("stable_for={},timeout={}", gate.stable_for.as_secs(), gate.timeout.as_secs());
    match serde_json::to_string(&gate.wait) {
        Ok(probes) if !gate.wait.is_empty() => format!("{times},wait={probes}"),
        Ok(_) | Err(_) => times,
    }
}

/// Reads a gate from its label; what cannot be read is the default.
pub fn gate_of(container: &Container) -> Option<Gate> {
    let text = container.labels().get(label::GATE)?;
    let (times, wait) = text.split_once(",wait=").unwrap_or((text, "[]"));
    let mut gate = Gate { wait: serde_json::from_str(wait).unwrap_or_default(), ..Gate::default() };
    for part in times.split(',') {
        match part.split_once('=').and_then(|(key, value)| Some((key, value.parse().ok()?))) {
            Some(("stable_for", seconds)) => gate.stable_for = Duration::from_secs(seconds),
            Some(("timeout", seconds)) => gate.timeout = Duration::from_secs(seconds),
            _ => {}
        }
    }
    Some(gate)
}

/// Finds probes that could never be answered.
pub fn check(function: &str, spec: &Spec) -> Diagnostics {
    let mut problems = Diagnostics::default();
    if let (Some(declared), false) = (spec.get("on_unknown"), is_job_state(function)) {
        let message = format!("`on_unknown` has no use here: container.{function} is no job");
        problems.push(Diagnostic::error(&declared.place, message).hint("it is for `job.ran`"));
    }
    for field in ["wait", "rehearse"] {
        if let Some(declared) = spec.get(field).filter(|_| function != "running") {
            let message = format!("`{field}` has no use here: container.{function} starts nothing");
            problems.push(Diagnostic::error(&declared.place, message).hint("remove it"));
        }
    }
    if let (Some(declared), Some(mode)) = (spec.get("rehearse"), spec.text("network_mode"))
        && (mode == "host" || mode.starts_with("container:"))
        && declared.value == true
    {
        let message = format!("`rehearse` cannot be with `network_mode: {mode}`: the old one has its ports");
        problems.push(Diagnostic::error(&declared.place, message).hint("leave one of them out"));
    }
    let seconds = |field: &str| Some((spec.get(field)?, spec.value(field)?.as_u64()?));
    if let Some((declared, 0)) = seconds("timeout") {
        let message = "`timeout: 0s` leaves a successor no time to show that it is good";
        problems
            .push(Diagnostic::error(&declared.place, message).hint("write `timeout: 60s`, or leave it out"));
    } else if let (Some((declared, timeout)), Some((_, stable_for))) =
        (seconds("timeout"), seconds("stable_for"))
        && timeout <= stable_for
    {
        let message = format!("`timeout: {timeout}s` is over before `stable_for: {stable_for}s` is");
        problems.push(Diagnostic::error(&declared.place, message).hint("give it more time"));
    }
    let Some(declared) = spec.get("wait") else { return problems };
    let (place, mode) = (&declared.place, spec.text("network_mode").unwrap_or("default"));
    for probe in probes(&declared.value) {
        if let Some((port, Whence::Published)) = probe.port() {
            problems.extend(unpublished(port, mode, spec, place, &probe));
        }
        if matches!(probe, Probe::Log { .. }) && spec.text("log_driver") == Some("none") {
            problems.push(
                Diagnostic::error(place, format!("{probe} cannot be read with `log_driver: none`"))
                    .hint("choose another log driver, or ask with `exec`, `tcp` or `http`"),
            );
        }
        let is_off = spec.value("healthcheck").is_some_and(|check| check["test"][0] == "NONE");
        if probe == Probe::Healthy && is_off {
            problems.push(
                Diagnostic::error(place, "`wait: healthy` needs a healthcheck, and it is switched off")
                    .hint("declare a `healthcheck`, or ask with `exec`, `tcp` or `http`"),
            );
        }
    }
    problems
}

/// Complains about a port that is to be asked where it is published, and is not.
fn unpublished(port: u16, mode: &str, spec: &Spec, place: &Place, probe: &Probe) -> Option<Diagnostic> {
    if mode == "host" {
        return None;
    }
    if shares_network(mode) {
        let message = format!("{probe}: with `network_mode: {mode}` the container publishes nothing itself");
        return Some(Diagnostic::error(place, message).hint("leave `from` out"));
    }
    let bindings =
        spec.value("ports").map(|ports| super::super::form::Form::send(&super::super::form::PORTS, ports));
    let is_published = bindings.is_some_and(|bindings| bindings.get(format!("{port}/tcp")).is_some());
    (!is_published).then(|| {
        Diagnostic::error(place, format!("{probe}: the container does not publish port {port}"))
            .hint(format!("add it to `ports` (`'8080:{port}'`), or leave `from` out"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Attributes, Id, RunState};
    use serde_json::json;

    #[test]
    fn a_gate_is_read_back_as_it_was_written() {
        let wait = vec![
            Probe::Http { port: 80, path: "/a,b=c".to_owned(), status: (200, 399), from: Whence::Helper },
            Probe::Exec { command: vec!["test".to_owned(), "-e".to_owned(), "/x,wait=[]".to_owned()] },
            Probe::Log { text: "ready, \"at last\"".to_owned() },
            Probe::Validate,
        ];
        for wait in [Vec::new(), wait] {
            let gate = Gate {
                stable_for: Duration::from_secs(3),
                timeout: Duration::from_secs(9),
                wait: wait.clone(),
            };
            let labels = json!({"Config": {"Labels": {"io.evenkeel.gate": gate_text(&gate)}}});
            let container = Container {
                id: Id::Engine("1".to_owned()),
                name: "web".to_owned(),
                image: Id::Engine("2".to_owned()),
                state: RunState::Running,
                attributes: Attributes::observed(labels),
                networks: std::collections::BTreeMap::default(),
            };
            assert_eq!(gate_of(&container), Some(gate));
        }
    }
}
