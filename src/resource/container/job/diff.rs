//! Whether a job has run, and with what is declared.

use serde_json::{Value, json};

use super::super::diff::{diff as of_container, failed_to_start};
use super::super::recorded::{record_of, recorded};
use super::is_job;
use crate::plan::{FieldDiff, Impact};
use crate::resource::form::{self, Form};
use crate::resource::kind::Desired;
use crate::world::{Container, Role, RunState, World};

/// What a job is made of. Everything else may differ until it runs again.
const INPUTS: &[&str] = &[
    "image",
    "command",
    "entrypoint",
    "env",
    "env_file",
    "files",
    "user",
    "working_dir",
    "volumes",
    "tmpfs",
    "volumes_from",
    "raw",
];

pub fn diff(desired: &Desired<'_>, container: &Container, world: &World) -> Vec<FieldDiff> {
    let mut diff = of_container(desired, container, world);
    // What it has made of its own files is nobody's business.
    diff.retain(|row| !row.field.starts_with("files."));
    diff.extend(files(desired, container));
    let never_ran = container.state == RunState::Created;
    for row in &mut diff {
        let field = row.field.split('.').next().unwrap_or(&row.field);
        row.impact = match field {
            "name" | "status" => row.impact,
            // It is made anew as long as it has not begun.
            _ if INPUTS.contains(&field) || never_ran => row.impact.max(Impact::Replace),
            _ => Impact::Note,
        };
    }
    diff.extend(status(desired, container));
    if !is_job(container) {
        diff.push(FieldDiff {
            field: "function".to_owned(),
            from: json!("a container that serves"),
            to: json!("a job"),
            impact: Impact::Replace,
        });
    }
    if diff.iter().any(|row| row.impact >= Impact::Replace) {
        // An earlier one that is not what is wanted keeps the name of an earlier one.
        diff.retain(|row| row.field != "name" || container.role() == Role::Current);
    }
    diff
}

/// The files that it was made with, against those that are declared.
fn files(desired: &Desired<'_>, container: &Container) -> Option<FieldDiff> {
    let then = recorded(container)?.remove("files").unwrap_or(json!({}));
    let now = record_of(desired.spec).remove("files").unwrap_or(json!({}));
    let shown = |files: &Value| form::FILES.show(files);
    (then != now).then(|| FieldDiff {
        field: "files".to_owned(),
        from: shown(&then),
        to: shown(&now),
        impact: Impact::Replace,
    })
}

fn status(desired: &Desired<'_>, container: &Container) -> Option<FieldDiff> {
    let row = |from: String, impact| {
        Some(FieldDiff { field: "status".to_owned(), from: json!(from), to: json!("ran"), impact })
    };
    let is_in_background = desired.spec.value("bg") == Some(&Value::Bool(true));
    match container.state {
        RunState::Created if failed_to_start(container) => {
            row("created, and its start failed".to_owned(), Impact::Replace)
        }
        RunState::Created => row("created".to_owned(), Impact::Update),
        RunState::Running if is_in_background => None,
        RunState::Running | RunState::Paused | RunState::Restarting => {
            row(container.state.word().to_owned(), Impact::Update)
        }
        // Told with the container's own rows.
        RunState::Exited { code: 0 } | RunState::Dead => None,
        RunState::Exited { code } => row(format!("ended with exit code {code}"), Impact::Replace),
    }
}
