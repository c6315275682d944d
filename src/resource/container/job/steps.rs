//! What it takes until a job has run.

use std::time::Duration;

use serde_json::Value;

use super::super::body::{Made, body};
use super::super::names::{next_numbers, next_revision};
use super::super::{files, kept, networks};
use super::is_job;
use super::lost::{Lost, lost};
use super::names::stands_in;
use crate::plan::{Action, Steps};
use crate::resource::kind::{Desired, Found, Planned, Transition};
use crate::world::{Container, Role, RunState, Step, Target, World};

/// How long a run waits for the end of a job unless its state says otherwise.
const TIMEOUT: Duration = Duration::from_secs(60 * 60);

pub fn steps(desired: &Desired<'_>, transition: &Transition<'_>, world: &mut World) -> Planned {
    match transition {
        Transition::Create => unless_it_counts(desired, None, world, |world| {
            let number = next_revision(desired.name, desired.facts, world);
            fresh(desired, number, Steps::default(), world)
        }),
        Transition::Replace { found, .. } => with_observed(found, world, |old, world| {
            match old.role() == Role::Current || world.container(desired.name).is_some() {
                true => again(desired, old, world),
                false => unless_it_counts(desired, Some(old), world, |world| again(desired, old, world)),
            }
        }),
        Transition::Update { found, .. }
        | Transition::Signal { found, .. }
        | Transition::Restart { found, .. } => {
            with_observed(found, world, |container, world| go_on(desired, container, world))
        }
        // No function of jobs is about their absence.
        Transition::Remove { found } => {
            Planned::refused(vec![format!("job `{}` cannot be removed", found.target.name)])
        }
    }
}

/// Plans a job whose last container is gone, unless what is on record of it counts.
fn unless_it_counts(
    desired: &Desired<'_>,
    earlier: Option<&Container>,
    world: &mut World,
    plan: impl FnOnce(&mut World) -> Planned,
) -> Planned {
    let (mut planned, note) = match lost(desired, earlier, world) {
        Lost::Skip(note) => (Planned::new(Action::None, Steps::default()), Some(note)),
        Lost::Run(note) => (plan(world), note),
    };
    planned.notes.extend(note);
    planned
}

fn with_observed(
    found: &Found,
    world: &mut World,
    plan: impl FnOnce(&Container, &mut World) -> Planned,
) -> Planned {
    match world.containers.get(&found.target.id).cloned() {
        Some(container) => plan(&container, world),
        None => Planned::refused(vec![format!("container `{}` is gone", found.target.name)]),
    }
}

/// Runs it anew, in a container of its own. The one before it has its log, and stays.
fn again(desired: &Desired<'_>, old: &Container, world: &mut World) -> Planned {
    let mut before = Steps::default();
    let target = Target::new(&old.id, &old.name);
    let (own, number) = next_numbers(desired.name, old, desired.facts, world);
    let retired = Role::retired(desired.name, own);
    let keep = kept::keep_revisions(desired.spec);
    if let Some(other) = stands_in(desired, old, world) {
        before.prepare.push(Step::RemoveContainer { container: Target::new(&other.id, &other.name) });
    }
    let rename = Step::RenameContainer { container: target.clone(), to: retired };
    match (old.state, old.role()) {
        (RunState::Created, _) => before.prepare.push(Step::RemoveContainer { container: target }),
        (state, _) if state.is_up() => {
            // What a job is about is not cut off.
            before.switch.extend(match is_job(old) {
                true => come_to_an_end(desired, &target, state),
                false => vec![Step::StopContainer { container: target.clone(), timeout: None }],
            });
            before.switch.push(rename);
        }
        (_, Role::Retired { .. }) => {}
        _ => before.prepare.push(rename),
    }
    // Of those that are kept already, whoever plans takes care.
    if old.state != RunState::Created && old.role() == Role::Current {
        let goes = kept::after_replacement((desired.name, desired.owner), (old, own), keep, world);
        before.retire.extend(goes);
    }
    fresh(desired, number, before, world)
}

/// Makes the container, starts it, and waits for its end.
fn fresh(desired: &Desired<'_>, revision: u32, before: Steps, world: &mut World) -> Planned {
    let Some(image) = desired.spec.text("image").and_then(|reference| world.image(reference)) else {
        return Planned::refused(vec![format!("job `{}` has no image to be made from", desired.name)]);
    };
    let image = image.id.clone();
    let container = Target { id: world.next_planned(), name: desired.name.to_owned() };
    let made = Made { revision, replaces: None, carried: &[] };
    let body = body(desired, &made, world);
    let mut steps = before;
    let others = networks::connect_others(desired, &container, world);
    let create = Step::CreateContainer { container: container.clone(), image, body };
    // As long as the one before it runs, it has the name.
    let has_to_wait = steps.switch.iter().any(|step| matches!(step, Step::RenameContainer { .. }));
    let making = if has_to_wait { &mut steps.switch } else { &mut steps.prepare };
    making.push(create);
    making.extend(others);
    making.extend(files::put(desired.spec, &container));
    steps.switch.push(Step::StartContainer { container: container.clone() });
    steps.switch.extend(end(desired, &container));
    Planned::new(Action::Run, steps)
}

/// Goes on with what an earlier run began, or takes back what it put into the way.
fn go_on(desired: &Desired<'_>, container: &Container, world: &World) -> Planned {
    let mut steps = Steps::default();
    let target = Target::new(&container.id, &container.name);
    if let Some(other) = stands_in(desired, container, world) {
        let other = Target::new(&other.id, &other.name);
        steps.switch.push(Step::RemoveContainer { container: other });
    }
    let mut action = Action::Run;
    if container.state == RunState::Created {
        steps.switch.push(Step::StartContainer { container: target.clone() });
        steps.switch.extend(end(desired, &target));
    } else if container.state.is_up() {
        steps.switch.extend(come_to_an_end(desired, &target, container.state));
    } else {
        action = Action::Rename;
    }
    if container.name != desired.name {
        steps.switch.push(Step::RenameContainer { container: target, to: desired.name.to_owned() });
    }
    Planned::new(action, steps)
}

/// Waits for the end of one that was begun.
fn come_to_an_end(desired: &Desired<'_>, container: &Target, state: RunState) -> Vec<Step> {
    let mut steps = Vec::new();
    if state == RunState::Paused {
        steps.push(Step::UnpauseContainer { container: container.clone() });
    }
    steps.push(Step::AwaitEnd { container: container.clone(), timeout: timeout(desired) });
    steps
}

fn end(desired: &Desired<'_>, container: &Target) -> Option<Step> {
    let is_in_background = desired.spec.value("bg") == Some(&Value::Bool(true));
    let step = Step::AwaitEnd { container: container.clone(), timeout: timeout(desired) };
    (!is_in_background).then_some(step)
}

fn timeout(desired: &Desired<'_>) -> Duration {
    desired.spec.value("timeout").and_then(Value::as_u64).map_or(TIMEOUT, Duration::from_secs)
}
