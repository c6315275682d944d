//! Mounts: what is mounted where, whoever asked for it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::form::{self, Form};
use super::super::kind::Desired;
use super::shares;
use crate::plan::{FieldDiff, Impact};
use crate::world::{Container, World};

/// Compares what is mounted with what is declared. What the image asks for on top (its volumes) is
/// neither declared nor a difference, and neither is an anonymous volume that was carried over.
pub fn diff(
    desired: &Desired<'_>,
    container: &Container,
    was_declared: bool,
    tmpfs_was_declared: bool,
) -> Vec<FieldDiff> {
    let declared = match desired.spec.value("volumes") {
        Some(declared) => declared.clone(),
        None if was_declared => json!({}),
        None => return Vec::new(),
    };
    let mut observed = observed(container);
    // Folders in memory may stand in either field.
    let is_of_tmpfs = tmpfs_was_declared || desired.spec.contains("tmpfs") || !was_declared;
    observed.retain(|path, mount| match mount["type"].as_str() {
        _ if declared.get(path).is_some() => true,
        Some("anonymous") => false,
        Some("tmpfs") => !is_of_tmpfs,
        _ => true,
    });
    let rows = form::MOUNTS.differences(&Value::Object(observed), &declared).into_iter();
    rows.map(|(path, from, to)| FieldDiff {
        field: format!("volumes.{path}"),
        from,
        to,
        impact: Impact::Replace,
    })
    .collect()
}

fn observed(container: &Container) -> Map<String, Value> {
    match form::observed_mounts(container.attributes.json()) {
        Value::Object(mounts) => mounts,
        _ => Map::new(),
    }
}

/// True if a state mounts a folder in memory there, as one of its volumes.
pub fn is_tmpfs(desired: &Desired<'_>, path: &str) -> bool {
    let mount = desired.spec.value("volumes").and_then(|mounts| mounts.get(path));
    mount.is_some_and(|mount| mount["type"] == "tmpfs")
}

/// The anonymous volumes of a container: where they are mounted, and their names.
pub fn anonymous(container: &Container) -> Vec<(String, String)> {
    let mounts = observed(container);
    let volumes = mounts.iter().filter(|(_, mount)| mount["type"] == "anonymous");
    volumes.filter_map(|(path, mount)| Some((path.clone(), mount["_name"].as_str()?.to_owned()))).collect()
}

/// Where named and carried volumes are mounted, and which. Volumes whose names the engine has yet to
/// choose are left out.
pub fn named(container: &Container) -> Vec<(String, String)> {
    let mounts = observed(container);
    let name = |mount: &Value| {
        let name = if mount["type"] == "volume" { &mount["source"] } else { &mount["_name"] };
        name.as_str().map(str::to_owned)
    };
    mounts.iter().filter_map(|(path, mount)| Some((path.clone(), name(mount)?))).collect()
}

/// Anonymous volumes: where they are mounted, and their names.
pub type Volumes = Vec<(String, String)>;

/// What of the anonymous volumes a successor takes over, and what stays behind because something
/// else is mounted there now. What is another container's stays with that one.
pub fn carry(desired: &Desired<'_>, old: &Container, world: &World) -> (Volumes, Volumes) {
    let before = old.volumes_from().filter_map(|(reference, _)| world.made_with(old, reference));
    let lent: Volumes = before.flat_map(named).collect();
    let now = shares::volumes_from(desired.spec).filter_map(|(name, _)| world.container(name));
    let now: BTreeSet<String> =
        now.flat_map(|other| observed(other).into_iter().map(|(path, _)| path)).collect();
    let taken = |path: &str| {
        let mounted = desired.spec.value("volumes").and_then(|mounts| mounts.get(path));
        let in_memory = desired.spec.value("tmpfs").and_then(|tmpfs| tmpfs.get(path));
        let is_lent = mounted.is_none() && now.contains(path);
        mounted.is_some_and(|mount| mount["type"] != "anonymous") || in_memory.is_some() || is_lent
    };
    let own = anonymous(old).into_iter().filter(|volume| !lent.contains(volume));
    own.partition(|(path, _)| !taken(path))
}

/// Puts the mounts of a new container into its create body.
pub fn send(desired: &Desired<'_>, carried: &[(String, String)], body: &mut Value) {
    let mut mounts = desired.spec.value("volumes").and_then(Value::as_object).cloned().unwrap_or_default();
    for (path, name) in carried {
        mounts.insert(path.clone(), json!({"type": "anonymous", "_name": name}));
    }
    let sent = form::send_mounts(&Value::Object(mounts));
    let host = &mut body["HostConfig"];
    for (key, list) in [("Binds", sent.binds), ("Mounts", sent.mounts)] {
        if list.as_array().is_some_and(|list| !list.is_empty()) {
            host[key] = list;
        }
    }
    for (path, options) in sent.tmpfs.as_object().into_iter().flatten() {
        host["Tmpfs"][path.as_str()] = options.clone();
    }
}
