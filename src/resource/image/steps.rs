//! What it takes to get an image.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::super::kind::{Desired, Planned, SourceFact, Transition};
use super::copies;
use super::diff::base_ids;
use super::fields::reference;
use super::transfer::what_comes;
use crate::plan::{Action, Steps};
use crate::world::{BuildSpec, Id, ImageReference, Step, World, label};

pub fn steps(desired: &Desired<'_>, transition: &Transition<'_>, world: &mut World) -> Planned {
    match transition {
        Transition::Create
        | Transition::Replace { .. }
        | Transition::Restart { .. }
        | Transition::Signal { .. } => get(desired, world),
        Transition::Remove { found } => {
            let reference = found.target.name.clone();
            let step = Step::RemoveImage { image: found.target.clone(), reference };
            Planned::new(Action::Remove, Steps { retire: vec![step], ..Steps::default() })
        }
        Transition::Update { .. } => Planned::new(Action::None, Steps::default()),
    }
}

fn get(desired: &Desired<'_>, world: &mut World) -> Planned {
    if matches!(desired.function.name, "tagged" | "pushed" | "saved") {
        return copies::make(desired, world);
    }
    let reference = reference(desired.name, desired.spec);
    let image = world.next_planned();
    let mut notes = Vec::new();
    let (action, step) = match desired.function.name {
        "built" => (Action::Build, build(desired, image, &reference, world)),
        "loaded" => (Action::Load, load(desired, image, reference)),
        _ => {
            notes.extend(what_comes(&reference, desired.facts.pin(&reference), world));
            (Action::Pull, pull(desired, image, reference, world))
        }
    };
    Planned { notes, ..Planned::new(action, Steps { prepare: vec![step], ..Steps::default() }) }
}

/// What was planned is pulled by its digest, so that nothing slips in between.
fn pull(desired: &Desired<'_>, image: Id, reference: String, world: &World) -> Step {
    let fixed = ImageReference::parse(&reference).digest().map(str::to_owned);
    let pin = desired.facts.pin(&reference).map(str::to_owned);
    let digest = fixed.or(pin).or_else(|| world.remote(&reference)?.digest().map(str::to_owned));
    let platform = desired.spec.text("platform").map(str::to_owned);
    Step::PullImage { image, reference, digest, platform }
}

fn load(desired: &Desired<'_>, image: Id, reference: String) -> Step {
    let hash = match desired.facts.sources.get(desired.name) {
        Some(SourceFact::Archive { hash }) => hash.clone(),
        _ => String::new(),
    };
    Step::LoadImage { image, reference, path: PathBuf::from(desired.spec.text("path").unwrap_or("")), hash }
}

fn build(desired: &Desired<'_>, image: Id, reference: &str, world: &World) -> Step {
    let texts = |field: &str| -> BTreeMap<String, String> {
        let map = desired.spec.value(field).and_then(Value::as_object);
        let texts = map.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())));
        texts.collect()
    };
    // Every label is a step of its own to the builder, so there are no more than it takes.
    let mut labels = texts("labels");
    if let Some(SourceFact::Context { hash, bases }) = desired.facts.sources.get(desired.name) {
        labels.insert(label::BUILD_HASH.to_owned(), hash.clone());
        let base = base_ids(bases, world);
        if !base.is_empty() {
            labels.insert(label::BUILD_BASE.to_owned(), base);
        }
    }
    let build = BuildSpec {
        tag: reference.to_owned(),
        context: PathBuf::from(desired.spec.text("context").unwrap_or("")),
        dockerfile: desired.spec.text("dockerfile").unwrap_or("Dockerfile").to_owned(),
        args: texts("args"),
        target: desired.spec.text("target").map(str::to_owned),
        labels,
    };
    Step::BuildImage { image, build: Box::new(build) }
}
