//! Keeps declared secrets out of what others say: log lines, build output, answers of the engine.
//! Everything foreign that a report or an event has goes through here.

use serde_json::Value;

use super::Ambient;
use crate::plan::{ChangeReport, Ending, Event, Plan};
use crate::resource::{Holds, holds_secrets};
use crate::secret::{self, Lookup, Vault};
use crate::source::{Diagnostics, Secrets, holds_token, looks_secret};
use crate::state::StateGraph;

/// Reads the values of all secrets that the states use, and makes what they declare canonical by them.
///
/// # Errors
/// Every secret that cannot be had.
pub(super) async fn open(graph: &mut StateGraph, ambient: &Ambient) -> Result<Vault, Diagnostics> {
    let used = graph.used_secrets();
    if used.is_empty() {
        return Ok(Vault::default());
    }
    let (vault, files) = secret::open(&used, &graph.secrets, &lookup(ambient)).await?;
    secret::watch_for(&vault);
    graph.inputs.extend(files);
    canonical(graph, &vault);
    Ok(vault)
}

/// Where keys are looked for.
pub(super) fn lookup(ambient: &Ambient) -> Lookup {
    Lookup {
        directory: ambient.directory.clone(),
        home: ambient.home.clone(),
        variables: ambient.variables.clone(),
    }
}

/// Writes what states declare as the engine's boundary writes what it shows.
pub(super) fn canonical(graph: &mut StateGraph, vault: &Vault) {
    for state in graph.graph.node_weights_mut() {
        let kind = state.kind.name();
        state.spec.change(|field, value| match holds_secrets(kind, field) {
            Holds::Anywhere | Holds::Commands => vault.canonical_value(value),
            Holds::Nowhere => {}
        });
    }
}

/// The values of the vault, and those that states declare for keys that look secret.
pub(super) fn declared(graph: &StateGraph, vault: &Vault) -> Secrets {
    let mut secrets = Secrets::default();
    secrets.add_all(vault.hidden());
    for (field, declared) in graph.graph.node_weights().flat_map(|state| state.spec.iter()) {
        collect(field, &declared.value, &mut secrets);
    }
    secrets
}

fn collect(key: &str, value: &Value, secrets: &mut Secrets) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| collect(key, value, secrets)),
        Value::Array(items) => items.iter().for_each(|item| collect(key, item, secrets)),
        Value::String(text) if holds_token(text) => {}
        Value::String(text) if looks_secret(key) => secrets.add(text),
        Value::String(text) => match text.split_once('=') {
            Some((key, value)) if looks_secret(key) => secrets.add(value),
            _ => {}
        },
        Value::Number(number) if looks_secret(key) => secrets.add(&number.to_string()),
        Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}

/// Hides them in what stands against a change, which may be the answer of a registry.
pub(super) fn hide_in_plan(secrets: &Secrets, plan: &mut Plan) {
    let texts =
        plan.changes.iter_mut().flat_map(|change| change.blockers.iter_mut().chain(&mut change.notes));
    texts.for_each(|text| *text = secrets.hidden(text));
}

pub(super) fn hide_in_report(secrets: &Secrets, report: &mut ChangeReport) {
    if let Ending::Failed { reason, .. } | Ending::Skipped { because: reason } = &mut report.ending {
        *reason = secrets.hidden(reason);
    }
    report.output.iter_mut().chain(&mut report.notes).for_each(|text| *text = secrets.hidden(text));
}

pub(super) fn hide_in_event(secrets: &Secrets, mut event: Event) -> Event {
    match &mut event {
        Event::StepProgress { text, .. }
        | Event::StepFailed { reason: text, .. }
        | Event::Recovering { why: text, .. }
        | Event::Message { text } => *text = secrets.hidden(text),
        Event::Planned { .. }
        | Event::PhaseStarted { .. }
        | Event::StepStarted { .. }
        | Event::StepDone { .. }
        | Event::ChangeDone { .. } => {}
    }
    event
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::plan::ChangeId;

    fn secrets() -> Secrets {
        let mut secrets = Secrets::default();
        let spec = json!({"env": {"DB_PASSWORD": "hunter2", "PIN_TOKEN": 123_456, "A": "plain"}, "args": ["API_TOKEN=t0ken"]});
        collect("", &spec, &mut secrets);
        secrets
    }

    #[test]
    fn a_report_shows_no_declared_secret() {
        let mut report = ChangeReport {
            ending: Ending::Failed { reason: "unhealthy: hunter2".to_owned(), hint: None },
            steps: Vec::new(),
            started: None,
            duration: Duration::ZERO,
            output: vec!["db is hunter2, 123456, plain".to_owned(), "with t0ken at pg://me:x@db".to_owned()],
            notes: vec!["the engine says: hunter2".to_owned()],
            made: None,
            gap: None,
        };
        hide_in_report(&secrets(), &mut report);
        assert_eq!(report.ending, Ending::Failed { reason: "unhealthy: ***".to_owned(), hint: None });
        assert_eq!(report.output, ["db is ***, ***, plain", "with *** at pg://me:***@db"]);
        assert_eq!(report.notes, ["the engine says: ***"]);
    }

    #[test]
    fn nor_does_an_event() {
        let event = |text: &str| Event::StepProgress { change: ChangeId(0), text: text.to_owned() };
        assert_eq!(hide_in_event(&secrets(), event("RUN echo t0ken")), event("RUN echo ***"));
    }
}
