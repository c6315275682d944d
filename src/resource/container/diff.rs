//! Where a container differs from what is declared.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::compare::{self, Background};
use super::super::hide_former;
use super::super::kind::Desired;
use super::ailment::is_unhealthy;
use super::fields::FIELDS;
use super::job::{is_job, is_job_state};
use super::{effective, files, mounted, mounts, names, networks, shares};
use crate::plan::{FieldDiff, Impact};
use crate::world::{Container, Image, Link, RunState, Seen, World};

pub fn diff(desired: &Desired<'_>, container: &Container, world: &World) -> Vec<FieldDiff> {
    let mut diff = Vec::new();
    if container.name != desired.name {
        diff.push(compare::renamed(&container.name, desired.name, Impact::Update));
    }
    diff.extend(image(desired, container, world));
    let labels = container.labels();
    // Without an image a state says nothing of what the container is made of.
    let is_ours = labels.are_of(desired.owner) && desired.spec.contains("image");
    let before: Option<BTreeSet<&str>> = is_ours.then(|| labels.declared().collect());
    let was_declared = |field: &str| before.as_ref().is_some_and(|before| before.contains(field));
    let background = background(desired, container, world);
    let spec = effective::spec(desired, container, before.as_ref(), world);
    let rows = compare::fields(FIELDS, &spec, &container.attributes, &background, before.clone());
    diff.extend(
        rows.into_iter()
            .filter(|row| matters(row, desired, container))
            .map(|row| engine_cannot(row, container)),
    );
    diff.extend(mounts::diff(desired, container, was_declared("volumes"), was_declared("tmpfs")));
    let networks_before = was_declared("networks") || was_declared("network_mode");
    diff.extend(networks::diff(desired, container, world, networks_before));
    diff.extend(links(desired, container, world, was_declared("links")));
    diff.extend(shares::diff(desired, container, world, was_declared));
    diff.extend(networks::mac_diff(desired, container, was_declared("mac_address")));
    diff.extend(mounted::diff(desired, container));
    let was_put = |key: &str| was_declared(key);
    let known = before.is_some().then_some(&was_put as &dyn Fn(&str) -> bool);
    diff.extend(files::diff(desired, container, known, world));
    if let Some(raw) = desired.spec.value("raw") {
        leaves(raw, String::new(), &mut |path, wanted| diff.extend(raw_leaf(container, path, wanted, world)));
    }
    diff.extend(status(desired, container));
    if is_job(container) && !is_job_state(desired.function.name) {
        diff.push(FieldDiff {
            field: "function".to_owned(),
            from: json!("a job"),
            to: json!("a container that serves"),
            impact: Impact::Replace,
        });
    }
    let mut diff: Vec<FieldDiff> = diff.into_iter().map(compare::mask).collect();
    hide_former(&mut diff, &labels);
    diff
}

/// What the engine's update call does not do: it takes an update to unlimited swap and leaves the limit of the
/// running container as it is, and refuses a share of processors said in one way where it was said in another.
fn engine_cannot(row: FieldDiff, container: &Container) -> FieldDiff {
    let is_set = |path| container.attributes.at(path).known().and_then(Value::as_i64).unwrap_or(0) > 0;
    let cannot = match row.field.as_str() {
        "memory_swap" => matches!(row.to.as_str(), Some("-1")),
        "cpus" => is_set("HostConfig.CpuQuota") || is_set("HostConfig.CpuPeriod"),
        "cpu_quota" | "cpu_period" => is_set("HostConfig.NanoCpus"),
        _ => false,
    };
    FieldDiff { impact: if cannot { Impact::Replace } else { row.impact }, ..row }
}

/// What the engine shows of the image behind the container once the plan is done.
fn background<'a>(desired: &Desired<'_>, container: &Container, world: &'a World) -> Background<'a> {
    let declared = desired.spec.text("image").and_then(|reference| world.image(reference));
    let image: Option<&Image> = declared.or_else(|| world.images.get(&container.image));
    match image {
        Some(image) if image.attributes.is_complete() => Background::Image(&image.attributes),
        _ => Background::Unknown,
    }
}

fn image(desired: &Desired<'_>, container: &Container, world: &World) -> Option<FieldDiff> {
    let reference = desired.spec.text("image")?;
    let wanted = world.image(reference)?;
    if wanted.id == container.image {
        return None;
    }
    let known = container.attributes.text("Config.Image").unwrap_or("");
    let from = if known.is_empty() { short(&container.image.to_string()) } else { known.to_owned() };
    let to = reference.to_owned();
    let (from, to) = if from == to {
        let new = match &wanted.id {
            crate::world::Id::Planned(_) => "new".to_owned(),
            crate::world::Id::Engine(id) => short(id),
        };
        (format!("{from} ({})", short(&container.image.to_string())), format!("{to} ({new})"))
    } else {
        (from, to)
    };
    Some(FieldDiff { field: "image".to_owned(), from: json!(from), to: json!(to), impact: Impact::Replace })
}

fn short(id: &str) -> String {
    id.strip_prefix("sha256:").unwrap_or(id).chars().take(12).collect()
}

/// Leaves out what only looks like a difference.
fn matters(row: &FieldDiff, desired: &Desired<'_>, container: &Container) -> bool {
    let shares = desired.spec.text("network_mode").is_some_and(networks::shares_network);
    match row.field.as_str() {
        // The engine shows its default as if it had been asked for.
        "hostname" if row.to.is_null() => {
            row.from.as_str().is_none_or(|shown| !container.id.to_string().starts_with(shown))
        }
        // It stands among the volumes.
        field
            if row.to.is_null()
                && field.strip_prefix("tmpfs.").is_some_and(|path| mounts::is_tmpfs(desired, path)) =>
        {
            false
        }
        // Without a network of its own a container publishes nothing.
        field if shares && (field == "ports" || field.starts_with("ports.")) => false,
        _ => true,
    }
}

/// Compares where links lead to: a link whose container is gone has to be made anew.
fn links(
    desired: &Desired<'_>,
    container: &Container,
    world: &World,
    was_declared: bool,
) -> Option<FieldDiff> {
    if networks::mode(desired, world).as_deref().and_then(networks::primary).is_some() {
        // There they are compared with the attachments.
        return None;
    }
    if !(was_declared || desired.spec.contains("links")) {
        return None;
    }
    let wanted = networks::links(desired);
    let Seen::Known(_) = container.attributes.at("HostConfig.Links") else { return None };
    let shown = |link: Link<'_>| match world.linked(container, &link) {
        Some(to) => format!("{}:{}", to.name, link.alias),
        None => format!("{}:{} (gone)", names::plain(link.to), link.alias),
    };
    let observed: BTreeSet<String> = container.links().map(shown).collect();
    (wanted != observed).then(|| FieldDiff {
        field: "links".to_owned(),
        from: json!(observed),
        to: json!(wanted),
        impact: Impact::Replace,
    })
}

/// Calls `visit` for every leaf of what was declared in the API's own words.
fn leaves(raw: &Value, path: String, visit: &mut impl FnMut(String, &Value)) {
    match raw.as_object() {
        Some(map) if !map.is_empty() => {
            for (key, value) in map {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(value, inner, visit);
            }
        }
        _ => visit(path, raw),
    }
}

fn raw_leaf(container: &Container, path: String, wanted: &Value, world: &World) -> Option<FieldDiff> {
    if path.starts_with("NetworkingConfig") || path.is_empty() {
        return None;
    }
    let at = if path.starts_with("HostConfig") { path.clone() } else { format!("Config.{path}") };
    let Seen::Known(shown) = container.attributes.at(&at) else { return None };
    (shown != wanted && !is_same_container(shown, wanted, world)).then(|| FieldDiff {
        field: format!("raw.{path}"),
        from: shown.clone(),
        to: wanted.clone(),
        impact: Impact::Replace,
    })
}

/// The engine shows the id of a container that was named, as in `container:web`.
fn is_same_container(shown: &Value, wanted: &Value, world: &World) -> bool {
    let named = |value: &Value| Some(value.as_str()?.strip_prefix("container:")?.to_owned());
    let (Some(shown), Some(wanted)) = (named(shown), named(wanted)) else { return false };
    world.container(&wanted).is_some_and(|container| container.id.to_string() == shown)
}

/// What the container does, against what it is to do.
fn status(desired: &Desired<'_>, container: &Container) -> Option<FieldDiff> {
    let row = |to: &str, impact: Impact| {
        Some(FieldDiff {
            field: "status".to_owned(),
            from: json!(container.state.word()),
            to: json!(to),
            impact,
        })
    };
    match (desired.function.name, container.state) {
        // Whoever did not even start the first time may come up without its ports.
        ("running", RunState::Created) if failed_to_start(container) => Some(FieldDiff {
            field: "status".to_owned(),
            from: json!("created, and its start failed"),
            to: json!("running"),
            impact: Impact::Replace,
        }),
        (_, RunState::Dead) => row(desired.function.name, Impact::Replace),
        ("running", RunState::Created | RunState::Exited { .. } | RunState::Paused) => {
            row("running", Impact::Update)
        }
        ("running", RunState::Restarting) => row("running", Impact::Note),
        ("running", RunState::Running) if is_unhealthy(container) => Some(FieldDiff {
            field: "status".to_owned(),
            from: json!("unhealthy"),
            to: json!("running"),
            impact: Impact::Note,
        }),
        ("stopped", RunState::Running | RunState::Paused | RunState::Restarting) => {
            row("exited", Impact::Update)
        }
        _ => None,
    }
}

/// True if the engine tried to start the container and could not.
pub fn failed_to_start(container: &Container) -> bool {
    let attributes = &container.attributes;
    let error = attributes.text("State.Error").is_some_and(|error| !error.is_empty());
    let code = attributes.at("State.ExitCode").known().and_then(Value::as_i64).unwrap_or(0);
    container.state == RunState::Created && (error || code != 0)
}
