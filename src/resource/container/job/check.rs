//! What makes no sense for a container that is to end.

use serde_json::Value;

use super::super::check::check as of_container;
use crate::resource::spec::Spec;
use crate::source::{Diagnostic, Diagnostics, Place};

/// Options of a container that serves.
const SERVING: &[&str] = &[
    "wait",
    "stable_for",
    "strategy",
    "rehearse",
    "pre_replace",
    "post_start",
    "pre_stop",
    "post_replace",
    "soak",
    "drain",
    "auto_remove",
    "on_change",
];

pub fn check(name: &str, spec: &Spec, place: &Place) -> Diagnostics {
    let mut problems = Diagnostics::default();
    let is_meant = |field: &&&str| {
        spec.get(field)
            .is_some_and(|declared| declared.value != Value::Bool(false) && !declared.value.is_null())
    };
    for field in SERVING.iter().filter(is_meant) {
        let Some(declared) = spec.get(field) else { continue };
        problems.push(
            Diagnostic::error(
                &declared.place,
                format!("`{field}` is for containers that serve, and a job ends"),
            )
            .hint("remove it, or declare the container as `container.running`"),
        );
    }
    if let Some(declared) = spec.get("restart")
        && let Some(policy @ ("always" | "unless-stopped")) = declared.value.as_str()
    {
        problems.push(
            Diagnostic::error(&declared.place, format!("with `restart: {policy}` a job would never end"))
                .hint("leave it out, or write `restart: on-failure:3`"),
        );
    }
    if problems.has_errors() {
        return problems;
    }
    problems.extend(of_container("ran", name, spec, place));
    problems
}
