//! What has to hold between the fields of a container, and what it refers to.

use serde_json::Value;

use super::super::compare;
use super::super::kind::{Desired, Reference};
use super::super::since;
use super::super::spec::Spec;
use super::fields::FIELDS;
use super::networks::shares_network;
use super::shares;
use super::together::{other_platform, together};
use super::{files, gate, needs};
use crate::source::{Diagnostic, Diagnostics, Place};
use crate::world::{ImageReference, Refusal, Role, VersionRange, World};

pub fn check(function: &str, name: &str, spec: &Spec, place: &Place) -> Diagnostics {
    let mut problems = compare::check_name("container", name, place);
    if function == "absent" {
        return problems;
    }
    if !spec.contains("image") && function != "stopped" {
        problems.push(
            Diagnostic::error(place, format!("container.{function} needs an `image`"))
                .hint("add `image: name:tag`"),
        );
    }
    if let Some(image) = spec.get("image")
        && image.value.as_str().is_none_or(|name| name.trim().is_empty())
    {
        problems
            .push(Diagnostic::error(&image.place, "the `image` is empty").hint("write `image: name:tag`"));
    } else if let Some(image) = spec.get("image")
        && let Some(name) = image.value.as_str()
        && let Err(reason) = ImageReference::check(name)
    {
        problems.push(Diagnostic::error(&image.place, reason).maybe_hint(ImageReference::remedy(name)));
    }
    if let Some(image) = spec.get("image")
        && let Some(Err(reason)) =
            VersionRange::of(&ImageReference::parse(image.value.as_str().unwrap_or_default()))
    {
        problems.push(Diagnostic::error(&image.place, reason).hint(VersionRange::SPELLINGS));
    }
    if Role::of(name) != Role::Current {
        problems.push(
            Diagnostic::error(place, format!("`{name}` looks like a revision of another container"))
                .hint("names that end in `.r` and a number, also with `.next` or `.failed` behind it, belong to replaced containers; choose another"),
        );
    }
    if let Some(command) = spec.get("command")
        && command.value.is_null()
    {
        problems.push(
            Diagnostic::warning(
                &command.place,
                "an empty `command` has no effect: the engine takes the image's",
            )
            .hint("remove it, or set `entrypoint` to run something else"),
        );
    }
    let mode = spec.text("network_mode");
    if let (Some(mode), Some(networks)) = (mode, spec.get("networks"))
        && shares_network(mode)
    {
        problems.push(
            Diagnostic::error(
                &networks.place,
                format!("`network_mode: {mode}` leaves no room for `networks`"),
            )
            .hint("keep one of them"),
        );
    }
    if let (Some(mode), Some(ports)) = (mode, spec.get("ports"))
        && shares_network(mode)
    {
        problems.push(
            Diagnostic::warning(&ports.place, format!("`ports` have no effect with `network_mode: {mode}`"))
                .hint("remove them; they are ignored"),
        );
    }
    if let Some(mode) = mode {
        // Whoever shares a network namespace shares what belongs to it.
        let foreign: &[&str] = match mode {
            "host" => &["hostname"],
            _ if mode.starts_with("container:") => {
                &["hostname", "expose", "dns", "extra_hosts", "links", "mac_address", "publish_all"]
            }
            _ => &[],
        };
        for (field, declared) in foreign.iter().filter_map(|field| Some((field, spec.get(field)?))) {
            problems.push(Diagnostic::error(
                &declared.place,
                format!("the engine takes no `{field}` with `network_mode: {mode}`"),
            ));
        }
    }
    if let (Some(swap), None) = (spec.get("memory_swap"), spec.get("memory"))
        && swap.value.as_i64().is_some_and(|bytes| bytes > 0)
    {
        problems.push(
            Diagnostic::error(&swap.place, "`memory_swap` needs `memory` beside it")
                .hint("`memory_swap` is memory and swap together"),
        );
    }
    if let (Some(swap), Some(memory)) = (spec.get("memory_swap"), spec.get("memory"))
        && let (Some(swap_bytes), Some(bytes)) = (swap.value.as_i64(), memory.value.as_i64())
        && swap_bytes > 0
        && swap_bytes < bytes
    {
        problems.push(
            Diagnostic::error(&swap.place, "`memory_swap` is less than `memory`")
                .hint("`memory_swap` is memory and swap together"),
        );
    }
    problems.extend(files::check(spec));
    problems.extend(together(function, spec));
    problems.extend(gate::check(function, spec));
    problems
}

/// The objects that a container names.
pub fn references(spec: &Spec) -> Vec<Reference> {
    let mut references = Vec::new();
    let mut add = |kind: &'static str, name: &str, field: &str| {
        if let Some(declared) = spec.get(field) {
            references.push(Reference { kind, name: name.to_owned(), place: declared.place.clone() });
        }
    };
    if let Some(image) = spec.text("image") {
        add("image", image, "image");
    }
    for name in spec.value("networks").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name)
    {
        add("network", name, "networks");
    }
    for (_, mount) in spec.value("volumes").and_then(Value::as_object).into_iter().flatten() {
        if let ("image", Some(source)) =
            (mount["type"].as_str().unwrap_or_default(), mount["source"].as_str())
        {
            add("image", source, "volumes");
        }
    }
    for (_, mount) in spec.value("volumes").and_then(Value::as_object).into_iter().flatten() {
        if mount["type"] == "volume"
            && let Some(source) = mount["source"].as_str()
        {
            add("volume", source, "volumes");
        }
    }
    if let Some(mode) = spec.text("network_mode") {
        match mode.strip_prefix("container:") {
            Some(name) => add("container", name, "network_mode"),
            None if !shares_network(mode) && !matches!(mode, "default" | "bridge") => {
                add("network", mode, "network_mode");
            }
            None => {}
        }
    }
    for link in spec.value("links").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    {
        add("container", link.split(':').next().unwrap_or(link), "links");
    }
    for field in ["pid", "ipc"] {
        if let Some(name) = shares::container_of(spec, field) {
            add("container", name, field);
        }
    }
    for (name, _) in shares::volumes_from(spec) {
        add("container", name, "volumes_from");
    }
    references
}

/// What a container names and nobody has.
pub fn blockers(desired: &Desired<'_>, world: &World) -> Vec<String> {
    if desired.function.name == "absent" {
        return Vec::new();
    }
    let mut blockers = since::too_new(FIELDS, desired.spec, &world.engine);
    for reference in references(desired.spec) {
        let missing = match reference.kind {
            "network" => world.network(&reference.name).is_none(),
            "container" => world.container(&reference.name).is_none(),
            "image" => world.image(&reference.name).is_none(),
            _ => false,
        };
        if missing {
            let (kind, name, place) = (reference.kind, &reference.name, &reference.place);
            blockers.push(match kind {
                "image" => {
                    format!("the engine has no image {name} (named at {place}), and no state brings it")
                }
                _ => format!(
                    "there is no {kind} `{name}` (named at {place}); declare it with `{name}: {kind}.{}`",
                    if kind == "container" { "running" } else { "present" }
                ),
            });
        }
    }
    blockers.extend(needs::blockers(desired));
    blockers.extend(files::blockers(desired, world));
    blockers.extend(other_platform(desired.spec, world));
    if let Some(owner) = shares::container_of(desired.spec, "ipc").and_then(|name| world.container(name))
        && owner.keeps_memory()
    {
        blockers.push(Refusal::NotShared { name: owner.name.clone() }.to_string());
    }
    blockers
}
