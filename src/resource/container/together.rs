//! Fields of a container that say something about each other.

use serde_json::Value;

use super::super::field::At;
use super::super::form::{self, Form};
use super::super::spec::Spec;
use super::fields::FIELDS;
use crate::source::{Diagnostic, Diagnostics};
use crate::world::World;

/// What cannot be said together, and what has no effect.
pub fn together(function: &str, spec: &Spec) -> Diagnostics {
    let mut problems = Diagnostics::default();
    auto_remove(function, spec, &mut problems);
    let is_set = |field: &str| spec.value(field).is_some_and(|value| !value.is_null());
    for field in ["cpu_quota", "cpu_period"] {
        if let (true, true, Some(declared)) = (is_set("cpus"), is_set(field), spec.get(field)) {
            problems.push(
                Diagnostic::error(&declared.place, format!("`cpus` and `{field}` exclude each other"))
                    .note("both say how much time of processors the container gets, and the engine takes one")
                    .hint("`cpus: 0.5` is `cpu_quota: 50000` of the usual period; keep one of them"),
            );
        }
    }
    if let (Some(reserved), Some(memory)) = (spec.get("memory_reservation"), spec.value("memory"))
        && let (Some(reserved_bytes), Some(bytes)) = (reserved.value.as_i64(), memory.as_i64())
        && reserved_bytes > bytes
    {
        problems.push(
            Diagnostic::error(&reserved.place, "`memory_reservation` is more than `memory`")
                .hint("it is what the container keeps when memory is scarce: less than the limit"),
        );
    }
    if let Some(declared) = spec.get("kernel_memory").filter(|declared| !declared.value.is_null()) {
        problems.push(
            Diagnostic::warning(&declared.place, "`kernel_memory` has no effect")
                .note("kernels have no such limit any more, and engines from API 1.42 on ignore it")
                .hint("remove it; `memory` counts what the kernel uses for the container as well"),
        );
    }
    if let (Some("host"), Some(hostname)) = (spec.text("uts"), spec.get("hostname")) {
        problems.push(
            Diagnostic::error(&hostname.place, "`uts: host` leaves no room for a `hostname`")
                .hint("keep one of them"),
        );
    }
    if spec.value("network_disabled").is_some_and(|disabled| *disabled == true) {
        for field in ["networks", "network_mode", "ports", "publish_all", "links", "mac_address"] {
            if let Some(declared) = spec.get(field).filter(|declared| declared.value != "none") {
                problems.push(
                    Diagnostic::error(
                        &declared.place,
                        format!("`network_disabled` leaves no room for `{field}`"),
                    )
                    .hint("keep one of them"),
                );
            }
        }
    }
    if let Some(raw) = spec.get("raw") {
        problems.extend(said_twice(spec, &raw.value).map(|(path, name)| {
            Diagnostic::error(
                &raw.place,
                format!("`raw` says {path}, which is `{name}`, and that is declared too"),
            )
            .hint("keep one of them; the option is better, as it knows all spellings")
        }));
    }
    problems
}

/// evenkeel stops a container to replace it, and starts it again if its successor fails.
fn auto_remove(function: &str, spec: &Spec, problems: &mut Diagnostics) {
    let Some(declared) = spec.get("auto_remove").filter(|declared| declared.value == true) else { return };
    if function != "created" {
        problems.push(
            Diagnostic::error(&declared.place, format!("`auto_remove` cannot be with container.{function}"))
                .note("a container that removes itself is gone when it is stopped, so nothing could be gone back to, and each run would make it anew after it has ended")
                .hint("remove it; `keep_revisions: 0` keeps no replaced containers, and a command that runs once is a hook: `post_start: {once: …}`"),
        );
    } else if spec.text("restart").is_some_and(|policy| policy != "no") {
        problems.push(
            Diagnostic::error(&declared.place, "the engine takes no `auto_remove` with a `restart` policy")
                .hint("keep one of them"),
        );
    }
}

/// Where `raw` and a declared row mean the same field.
fn said_twice<'a>(spec: &'a Spec, raw: &'a Value) -> impl Iterator<Item = (&'static str, &'static str)> + 'a {
    FIELDS.iter().filter_map(move |field| {
        let At::Path(path) = field.at else { return None };
        let keys = path.strip_prefix("Config.").unwrap_or(path).split('.');
        let said = keys.fold(raw, |value, key| &value[key]);
        // Labels are joined with others.
        (path != "Config.Labels" && !said.is_null() && spec.contains(field.name))
            .then_some((path, field.name))
    })
}

/// An image that is there, and is for another platform than the state says.
pub fn other_platform(spec: &Spec, world: &World) -> Option<String> {
    let declared = spec.get("platform")?;
    let (wanted, reference) = (declared.value.as_str()?, spec.text("image")?);
    let attributes = &world.image(reference)?.attributes;
    let parts =
        [attributes.text("Os")?, attributes.text("Architecture")?, attributes.text("Variant").unwrap_or("")];
    let shown: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let shown = form::PLATFORM.observe(&Value::from(shown.join("/")));
    let shown = shown.as_str().unwrap_or_default();
    // What is not said may be anything.
    let mut pairs = wanted.split('/').zip(shown.split('/'));
    let is_it = pairs.all(|(wanted, shown)| wanted == shown)
        && wanted.split('/').count() <= shown.split('/').count().max(2);
    (!is_it).then(|| {
        format!(
            "the image {reference} is for {shown}, and `platform` (at {}) says {wanted}; declare the image with `platform: {wanted}`, or take another one",
            declared.place
        )
    })
}
