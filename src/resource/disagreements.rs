//! Whether what was foretold is what is observed: every value that the prediction knows, in normal
//! form, so that only what means something else counts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::container::{asked_for_attachments, named_mounts};
use super::field::{At, Field, Unset};
use super::form::{self, Form};
use super::kind::{KINDS, Kind};
use crate::plan::{FieldDiff, Impact};
use crate::world::{Attributes, Container, Id, Name, World};

/// Lists where the objects of a plan are not as they were foretold. They are found by name, because
/// the prediction does not know the ids of what the plan made.
pub fn disagreements(
    predicted: &World,
    observed: &World,
    about: &BTreeSet<(&'static str, Name)>,
) -> Vec<FieldDiff> {
    let mut diffs = Vec::new();
    for (kind, name) in about {
        let found = match *kind {
            "container" => container(predicted, observed, name),
            "network" => presence(
                predicted.network(name).map(|network| (&network.id, &network.attributes)),
                observed.network(name).map(|network| (&network.id, &network.attributes)),
                kind,
            ),
            "volume" => presence(
                predicted.volumes.get(name).map(|volume| (&NO_ID, &volume.attributes)),
                observed.volumes.get(name).map(|volume| (&NO_ID, &volume.attributes)),
                kind,
            ),
            "image" => presence(
                predicted.image(name).map(|image| (&image.id, &image.attributes)),
                observed.image(name).map(|image| (&image.id, &image.attributes)),
                kind,
            ),
            _ => Vec::new(),
        };
        diffs.extend(found.into_iter().map(|mut diff| {
            diff.field = format!("{kind} {name}: {}", diff.field);
            diff
        }));
    }
    diffs
}

static NO_ID: Id = Id::Planned(0);

type Object<'a> = Option<(&'a Id, &'a Attributes)>;

/// Objects whose rows say everything.
fn presence(predicted: Object<'_>, observed: Object<'_>, kind: &str) -> Vec<FieldDiff> {
    let (Some((id, foretold)), Some((real, shown))) = (predicted, observed) else {
        return row("exists", json!(predicted.is_some()), json!(observed.is_some())).into_iter().collect();
    };
    let mut diffs: Vec<FieldDiff> = identity(id, real).into_iter().collect();
    let kind = KINDS.iter().find(|candidate| candidate.name() == kind);
    diffs.extend(kind.into_iter().flat_map(|kind| rows(table(*kind), foretold, shown, &Value::Null)));
    diffs
}

fn table(kind: &dyn Kind) -> &'static [Field] {
    kind.functions().first().map_or(&[], |function| kind.fields(function.name))
}

fn container(predicted: &World, observed: &World, name: &str) -> Vec<FieldDiff> {
    let (Some(foretold), Some(shown)) = (predicted.container(name), observed.container(name)) else {
        let here = |world: &World| json!(world.container(name).is_some());
        return row("exists", here(predicted), here(observed)).into_iter().collect();
    };
    let mut diffs: Vec<FieldDiff> = identity(&foretold.id, &shown.id).into_iter().collect();
    diffs.extend(row("state", json!(foretold.state.word()), json!(shown.state.word())));
    if let Id::Engine(id) = &foretold.image {
        diffs.extend(row("image", json!(id), json!(shown.image.to_string())));
    }
    diffs.extend(networks(foretold, shown, observed));
    diffs.extend(row("mounts", json!(named_mounts(foretold)), known_mounts(foretold, shown)));
    let background = observed.images.get(&shown.image).map_or(&Value::Null, |image| image.attributes.json());
    let container = KINDS.iter().find(|kind| kind.name() == "container");
    let rows = container
        .into_iter()
        .flat_map(|kind| rows(table(*kind), &foretold.attributes, &shown.attributes, background));
    diffs.extend(rows);
    for (key, value) in foretold.attributes.json()["Config"]["Labels"].as_object().into_iter().flatten() {
        diffs.extend(row(key, value.clone(), json!(shown.labels().get(key))));
    }
    diffs
}

/// The mounts that were foretold, as they are observed.
fn known_mounts(foretold: &Container, shown: &Container) -> Value {
    let foretold = named_mounts(foretold);
    let mut mounts = named_mounts(shown);
    mounts.retain(|(path, _)| foretold.iter().any(|(known, _)| known == path));
    json!(mounts)
}

fn networks(foretold: &Container, shown: &Container, observed: &World) -> Vec<FieldDiff> {
    let names = |container: &Container| json!(container.networks.keys().collect::<Vec<_>>());
    let mut diffs: Vec<FieldDiff> = row("networks", names(foretold), names(shown)).into_iter().collect();
    for (name, endpoint) in &foretold.networks {
        let Some(real) = shown.networks.get(name) else { continue };
        let current = observed.network(name).map(|network| network.id.to_string());
        if shown.state.is_up() {
            diffs.extend(row(&format!("networks.{name}"), json!(current), json!(real.network.to_string())));
        }
        let short: String = shown.id.to_string().chars().take(12).collect();
        let of = |settings: &Value| {
            let normal = form::observed_endpoint(settings, &short, &shown.name);
            form::NETWORKS.show(&asked_for_attachments(&json!({ name: normal }), shown))
        };
        diffs.extend(row(&format!("networks.{name}"), of(&endpoint.settings), of(&real.settings)));
    }
    diffs
}

/// What the plan did not make keeps its id.
fn identity(foretold: &Id, real: &Id) -> Option<FieldDiff> {
    match foretold {
        Id::Engine(id) => row("id", json!(id), json!(real.to_string())),
        Id::Planned(_) => None,
    }
}

fn rows(table: &[Field], foretold: &Attributes, shown: &Attributes, image: &Value) -> Vec<FieldDiff> {
    let mut diffs = Vec::new();
    for field in table {
        let At::Path(path) = field.at else { continue };
        let (Some(known), Some(real)) = (foretold.at(path).known(), shown.at(path).known()) else { continue };
        let mut known = field.form.observe(known);
        let real = field.form.observe(real);
        if !foretold.is_complete() {
            known = match field.unset {
                Unset::Image(path) => {
                    let pointer = format!("/{}", path.replace('.', "/"));
                    let behind =
                        image.pointer(&pointer).map_or(Value::Null, |value| field.form.observe(value));
                    field.form.over(&behind, &known)
                }
                // What the engine adds of its own was not foretold.
                Unset::Unmanaged(_) | Unset::Chosen(_) => field.form.over(&real, &known),
                Unset::Engine => known,
            };
        }
        if !field.form.differences(&real, &known).is_empty() {
            diffs.extend(row(field.name, known, real));
        }
    }
    diffs
}

fn row(field: &str, from: Value, to: Value) -> Option<FieldDiff> {
    (from != to).then(|| FieldDiff { field: field.to_owned(), from, to, impact: Impact::Note })
}
