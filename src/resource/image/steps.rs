//! What it takes to get an image.

use std::path::PathBuf;

use super::super::kind::{Desired, Planned, SourceFact, Transition};
use super::fields::reference;
use super::transfer::what_comes;
use super::{build, copies, keep};
use crate::plan::{Action, FieldDiff, Steps};
use crate::world::{Id, ImageReference, Step, Target, World};

pub fn steps(desired: &Desired<'_>, transition: &Transition<'_>, world: &mut World) -> Planned {
    match transition {
        Transition::Create => get(desired, &[], world),
        Transition::Replace { diff, .. }
        | Transition::Restart { diff, .. }
        | Transition::Signal { diff, .. } => get(desired, diff, world),
        Transition::Remove { found } => {
            let reference = found.target.name.clone();
            let revisions = keep::unneeded(&reference, world).into_iter().map(|(number, id)| {
                let name = keep::revision(&reference, number);
                Step::RemoveImage { image: Target::new(id, &name), reference: name }
            });
            let revisions: Vec<Step> = revisions.collect();
            let step = Step::RemoveImage { image: found.target.clone(), reference };
            let retire = std::iter::once(step).chain(revisions).collect();
            Planned::new(Action::Remove, Steps { retire, ..Steps::default() })
        }
        Transition::Update { found, diff } => build::name_again(&found.target, diff),
    }
}

fn get(desired: &Desired<'_>, diff: &[FieldDiff], world: &mut World) -> Planned {
    if matches!(desired.function.name, "tagged" | "pushed" | "saved") {
        return copies::make(desired, world);
    }
    if desired.function.name == "built" {
        return build::make(desired, diff, world);
    }
    let reference = reference(desired.name, desired.spec);
    let image = world.next_planned();
    let mut notes = Vec::new();
    let (made, name) = (image.clone(), reference.clone());
    let (action, step) = match desired.function.name {
        "loaded" => (Action::Load, load(desired, image, reference)),
        _ => {
            notes.extend(what_comes(&reference, desired.facts.pin(&reference), world));
            (Action::Pull, pull(desired, image, reference, world))
        }
    };
    let revision = keep::next_tag(desired, world).filter(|_| action == Action::Pull);
    let tag = revision.map(|tag| Step::TagImage { image: Target::new(&made, &name), reference: tag });
    let prepare = [step].into_iter().chain(tag).collect();
    Planned { notes, ..Planned::new(action, Steps { prepare, ..Steps::default() }) }
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
