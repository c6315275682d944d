//! What a container has of others: processes, memory, mounts. The engine holds on to the very container that had
//! the name, so these are sent and compared by id.

use serde_json::{Value, json};

use super::super::form::{self, Form};
use super::super::kind::Desired;
use super::super::spec::Spec;
use super::recorded::recorded;
use crate::plan::{FieldDiff, Impact};
use crate::world::{Container, Id, Seen, World, whose_volumes};

/// The fields by which namespaces are shared, and where the engine takes and shows them.
const MODES: [(&str, &str); 2] = [("pid", "PidMode"), ("ipc", "IpcMode")];

/// A mode by id, so that it means the container of this plan whatever it is called at the moment.
pub fn by_id(mode: &str, world: &World) -> String {
    match mode.strip_prefix("container:").and_then(|name| world.container(name)) {
        Some(container) => format!("container:{}", container.id),
        None => mode.to_owned(),
    }
}

/// The diff row of a mode, both by id.
pub fn mode_row(field: &str, shown: &str, wanted: &str, world: &World) -> Option<FieldDiff> {
    if wanted == shown {
        return None;
    }
    let readable = |mode: &str| match mode.strip_prefix("container:") {
        Some(id) => json!(format!("container:{}", called(&Id::parse(id), world))),
        None if mode.is_empty() => Value::Null,
        None => json!(mode),
    };
    let (from, mut to) = (readable(shown), readable(wanted));
    if let (true, Some(same)) = (from == to, to.as_str()) {
        to = json!(format!("{same} (new)"));
    }
    Some(FieldDiff { field: field.to_owned(), from, to, impact: Impact::Replace })
}

fn called(id: &Id, world: &World) -> String {
    let short = || id.to_string().chars().take(12).collect();
    world.containers.get(id).map_or_else(short, |container| container.name.clone())
}

/// Puts what is shared into a create body.
pub fn send(desired: &Desired<'_>, world: &World, body: &mut Value) {
    for (field, key) in MODES {
        if let Some(mode) = desired.spec.text(field) {
            body["HostConfig"][key] = json!(by_id(mode, world));
        }
    }
    let from = volumes_from(desired.spec).map(|(name, options)| {
        let id = world.container(name).map_or_else(|| name.to_owned(), |container| container.id.to_string());
        with_options(&id, options)
    });
    let from: Vec<String> = from.collect();
    if !from.is_empty() {
        body["HostConfig"]["VolumesFrom"] = json!(from);
    }
}

/// The containers whose mounts a state takes, and how: `ro`, or nothing.
pub fn volumes_from(spec: &Spec) -> impl Iterator<Item = (&str, &str)> {
    let list = spec.value("volumes_from").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(|text| text.split_once(':').unwrap_or((text, "")))
}

fn with_options(of: &str, options: &str) -> String {
    if options.is_empty() { of.to_owned() } else { format!("{of}:{options}") }
}

/// The container whose namespace a field of a state means.
pub fn container_of<'a>(spec: &'a Spec, field: &str) -> Option<&'a str> {
    spec.text(field)?.strip_prefix("container:")
}

/// Compares what is shared. What nobody declared, now or before, is left as it is.
pub fn diff(
    desired: &Desired<'_>,
    container: &Container,
    world: &World,
    was_declared: impl Fn(&str) -> bool,
) -> Vec<FieldDiff> {
    let is_managed = |field: &str| was_declared(field) || desired.spec.contains(field);
    let mut rows = Vec::new();
    for (field, key) in MODES.into_iter().filter(|(field, _)| is_managed(field)) {
        let Seen::Known(shown) = container.attributes.at(&format!("HostConfig.{key}")) else { continue };
        let shown = shown.as_str().unwrap_or_default();
        match desired.spec.text(field) {
            Some(mode) => rows.extend(mode_row(field, shown, &by_id(mode, world), world)),
            None if is_default(field, shown, container) => {}
            None => rows.extend(mode_row(field, shown, "", world)),
        }
    }
    if is_managed("volumes_from") {
        rows.extend(mounts_row(desired, container, world));
    }
    rows
}

/// True of what the engine chooses. Both sorts of memory may be its default, so one that was asked for is none.
fn is_default(field: &str, shown: &str, container: &Container) -> bool {
    match (field, shown) {
        (_, "") | ("ipc", "private") => true,
        ("ipc", "shareable") => recorded(container)
            .is_none_or(|recorded| recorded.get("ipc").is_none_or(|ipc| ipc != "shareable")),
        _ => false,
    }
}

fn mounts_row(desired: &Desired<'_>, container: &Container, world: &World) -> Option<FieldDiff> {
    let Seen::Known(shown) = container.attributes.at("HostConfig.VolumesFrom") else { return None };
    let shown = form::VOLUMES_FROM.observe(shown);
    let shown = shown.as_array().into_iter().flatten().filter_map(Value::as_str).map(whose_volumes);
    let shown: Vec<_> = shown
        .map(|(reference, options)| (world.made_with(container, reference), reference, options))
        .collect();
    let wanted: Vec<_> = volumes_from(desired.spec).collect();
    let is_same = shown.len() == wanted.len()
        && shown.iter().zip(&wanted).all(|((whose, _, options), (name, wanted))| {
            options == wanted
                && whose.is_some()
                && whose.map(|c| &c.id) == world.container(name).map(|c| &c.id)
        });
    if is_same {
        return None;
    }
    let from: Vec<String> = shown
        .into_iter()
        .map(|(whose, reference, options)| {
            let gone = || format!("{} (gone)", called(&Id::parse(reference), world));
            with_options(&whose.map_or_else(gone, |container| container.name.clone()), options)
        })
        .collect();
    let to: Vec<String> = wanted.into_iter().map(|(name, options)| with_options(name, options)).collect();
    let field = "volumes_from".to_owned();
    Some(FieldDiff { field, from: json!(from), to: json!(to), impact: Impact::Replace })
}
