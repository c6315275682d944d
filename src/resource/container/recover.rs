//! Unfinished business: what an interrupted or failed replacement left, read from names and labels
//! alone, and the steps that finish or undo it.

use super::diff::failed_to_start;
use super::gate::gate_of;
use super::hooks;
use super::names::retired_number;
use super::replace::{restart_off, swap};
use super::scene::{
    Scene, discard, has_failed, is_ours, replaced, replaces, restore_policy, silence, starts, turn_back,
    verdict,
};
use crate::world::{Container, Id, Name, Owner, Role, RunState, Step, Target, World};

/// What is known of how the replacement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Killed, or an answer was lost: look again, prove again.
    Unknown,
    /// A step was refused: undo what has not been handed over.
    Refused,
    /// The newcomer did not prove itself, before or after the name was handed over: undo all of it.
    NotProven,
}

/// Steps that restore service or finish a swap, for one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovery {
    pub name: Name,
    pub why: String,
    pub steps: Vec<Step>,
}

/// What there is to say and to do.
type Finding = (Vec<String>, Vec<Step>);

/// Lists the names of ours with something about that is not as a finished run leaves it. Revisions that
/// are kept and at rest are not.
pub fn unfinished(owner: &Owner, world: &World) -> Vec<Name> {
    let mut names: Vec<Name> = world
        .containers
        .values()
        // Names are read first: nearly all containers are current, and need no second look.
        .filter_map(|container| match container.role() {
            Role::Newcomer { of, .. } | Role::Failed { of, .. } => Some((container, of)),
            Role::Retired { of, .. } => container.state.is_up().then_some((container, of)),
            Role::Current => None,
        })
        .filter(|(container, _)| is_ours(container, owner) || replaced(container, owner, world))
        .map(|(_, of)| of)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Gives the steps that restore service or finish a swap. Nothing if nothing is unfinished.
pub fn recover(name: &str, owner: &Owner, world: &World, outcome: Outcome) -> Option<Recovery> {
    let scene = Scene::read(name, owner, world);
    let (mut why, mut steps) = match (scene.current, scene.newcomer()) {
        (_, Some(newcomer)) => match scene.replaced_by(newcomer) {
            Some(old) if old.role() == Role::Current => interrupted(old, newcomer, &scene, outcome, world),
            Some(_) | None => between_renames(newcomer, &scene, outcome),
        },
        (Some(current), None) => taken_over(current, &scene, outcome),
        (None, None) => lost_name(&scene),
    };
    let is_new = |steps: &[Step], step: &Step| !steps.contains(step);
    let moved: Vec<Id> = steps.iter().filter_map(renamed).collect();
    for other in scene.newcomers.iter().filter(|other| !moved.contains(&other.id)) {
        if scene.newcomer().is_none_or(|newcomer| newcomer.id != other.id) {
            why.push(format!("{} was made and never took over, so it goes", other.name));
            steps.extend(discard(other, &other.name));
        }
    }
    for retired in scene.retired.iter().filter(|retired| !moved.contains(&retired.id)) {
        let rest = silence(retired, &retired.name);
        if !rest.is_empty() && rest.iter().any(|step| is_new(&steps, step)) {
            why.push(format!("{} has been replaced", retired.name));
            steps.extend(last_hooks(retired, &scene));
            steps.extend(rest);
        }
    }
    for failed in scene.failed.iter().filter(|failed| !moved.contains(&failed.id)) {
        let rest: Vec<Step> =
            silence(failed, &failed.name).into_iter().filter(|step| is_new(&steps, step)).collect();
        if !rest.is_empty() {
            why.push(format!("{} failed earlier", failed.name));
            steps.extend(rest);
        }
    }
    (!steps.is_empty()).then(|| Recovery { name: name.to_owned(), why: why.join("; "), steps })
}

/// `web` and its successor `web.r2.next` are both there. The old one may go by another name, if the
/// successor was to get a new one.
fn interrupted(
    old: &Container,
    new: &Container,
    scene: &Scene<'_>,
    outcome: Outcome,
    world: &World,
) -> Finding {
    let name = scene.name;
    let target = Target::new(&new.id, &new.name);
    let never = format!("{} was made and never took over, so it goes", new.name);
    if old.state.is_up() {
        // Nothing was handed over, or somebody took it back. A new one is made if it is needed.
        let mut steps: Vec<Step> = restore_policy(old, &old.name, new).into_iter().collect();
        let is_kept = outcome != Outcome::Unknown && new.state != RunState::Created;
        if is_kept {
            steps.extend(verdict(new, name));
            return (vec![turned_back(new, old, &old.name, &steps)], steps);
        }
        steps.extend(discard(new, &new.name));
        return (vec![never], steps);
    }
    let Some(gate) = gate_of(new) else {
        // Nobody has to run: finish only what a rename began, else make it anew.
        return (vec![never], discard(new, &new.name));
    };
    let is_untried = new.state == RunState::Created && !failed_to_start(new);
    if is_untried && outcome != Outcome::Unknown {
        let mut steps = Vec::new();
        scene.serve_again(&mut steps, old, &old.name, new);
        steps.extend(discard(new, &new.name));
        return (vec![never], steps);
    }
    if has_failed(new) || outcome != Outcome::Unknown {
        let mut steps = verdict(new, name);
        scene.serve_again(&mut steps, old, &old.name, new);
        steps.extend(forgotten(&steps, new));
        return (vec![turned_back(new, old, &old.name, &steps)], steps);
    }
    if scene.is_taken_from(old) || !new.state.is_up() && !scene.can_start(new) || hooks::begins(new) {
        // What it was to have is with somebody else, still or again. Or nobody knows which of its hooks were run: a
        // new one is made, with all of them.
        let mut steps = discard(new, &new.name);
        let removal = steps.pop();
        scene.serve_again(&mut steps, old, &old.name, new);
        steps.extend(removal);
        return (vec![never], steps);
    }
    // First of all: an engine that is restarted would bring both back.
    let mut steps: Vec<Step> = restart_off(old).into_iter().collect();
    if !new.state.is_up() {
        steps.push(Step::StartContainer { container: target.clone() });
    }
    steps.push(Step::Settle { container: target.clone(), gate });
    let retired = Role::retired(name, retired_number(name, old, new, world));
    steps.extend(swap(&Target::new(&old.id, &old.name), &retired, &target, name));
    steps.extend(hooks::after_takeover(new, name, None));
    (vec![format!("{} was about to take over from {}, and does so now", new.name, old.name)], steps)
}

/// `web` is already `web.r1`, and `web.r2.next` is not yet `web`. It was proven before.
fn between_renames(new: &Container, scene: &Scene<'_>, outcome: Outcome) -> Finding {
    let name = scene.name;
    let target = Target::new(&new.id, &new.name);
    let gate = gate_of(new);
    let old = scene.replaced_by(new);
    if let (Some(old), Some(_)) = (old, &gate)
        && (has_failed(new) || outcome != Outcome::Unknown)
    {
        let mut steps = verdict(new, name);
        steps.push(Step::RenameContainer { container: Target::new(&old.id, &old.name), to: name.to_owned() });
        scene.serve_again(&mut steps, old, name, new);
        steps.extend(forgotten(&steps, new));
        return (vec![turned_back(new, old, name, &steps)], steps);
    }
    let mut steps = Vec::new();
    // Without the one that it replaces there is nothing to go back to: the state decides what is next.
    if let (Some(gate), Some(_)) = (gate, old) {
        if !new.state.is_up() {
            steps.push(Step::StartContainer { container: target.clone() });
        }
        steps.push(Step::Settle { container: target.clone(), gate });
    }
    steps.push(Step::RenameContainer { container: target, to: name.to_owned() });
    steps.extend(hooks::after_takeover(new, name, None));
    (vec![format!("{} was about to be renamed to {name}, and is now", new.name)], steps)
}

/// `web` is there and nobody is about to take its place.
fn taken_over(current: &Container, scene: &Scene<'_>, outcome: Outcome) -> Finding {
    let name = scene.name;
    if let Some(failed) = scene.judged(current) {
        // The verdict on the successor is written, but `web` was not brought back.
        let mut steps = silence(failed, &failed.name);
        scene.serve_again(&mut steps, current, name, failed);
        steps.extend(forgotten(&steps, failed));
        return (vec![turned_back(failed, current, name, &steps)], steps);
    }
    let old = scene.replaced_by(current).filter(|old| scene.retired.iter().any(|known| known.id == old.id));
    match old.filter(|_| outcome == Outcome::NotProven) {
        // It had the name already when it failed.
        Some(old) => {
            let mut steps = turn_back(current, old, name);
            scene.serve_again(&mut steps, old, name, current);
            (vec![turned_back(current, old, name, &steps)], steps)
        }
        // Nobody was there before it, and it would look like one that works.
        None if outcome == Outcome::NotProven && replaces(current).is_none() && waits(current) => (
            vec![format!("{} did not work out, so it is stopped and kept", current.name)],
            verdict(current, name),
        ),
        None => Finding::default(),
    }
}

/// The hooks that were to be run before a retired container stops: those of the one that has taken over.
fn last_hooks(retired: &Container, scene: &Scene<'_>) -> Vec<Step> {
    let Some(current) = scene.current.filter(|current| current.state == RunState::Running) else {
        return Vec::new();
    };
    if retired.state != RunState::Running || replaces(current).as_ref() != Some(&retired.id) {
        return Vec::new();
    }
    hooks::after_takeover(current, scene.name, Some(Target::new(&retired.id, &retired.name)))
}

/// True if a container had to answer before it counted as good.
fn waits(container: &Container) -> bool {
    gate_of(container).is_some_and(|gate| !gate.wait.is_empty())
}

/// Nobody is called `web`, and nobody is about to be.
fn lost_name(scene: &Scene<'_>) -> Finding {
    let name = scene.name;
    let judged = scene.retired.iter().find_map(|old| Some((*old, scene.judged(old)?)));
    let mut steps = Vec::new();
    if let Some((old, failed)) = judged {
        steps.extend(silence(failed, &failed.name));
        steps.push(Step::RenameContainer { container: Target::new(&old.id, &old.name), to: name.to_owned() });
        scene.serve_again(&mut steps, old, name, failed);
        return (vec![turned_back(failed, old, name, &steps)], steps);
    }
    // One at rest is history, and somebody took away what came after it.
    let Some(left) = scene.retired.iter().find(|retired| retired.state.is_up()) else {
        return Finding::default();
    };
    steps.push(Step::RenameContainer { container: Target::new(&left.id, &left.name), to: name.to_owned() });
    (vec![format!("{} is all that is left of {name}", left.name)], steps)
}

/// What there is to say of a newcomer that failed: the old one serves again, if that is what it did.
fn turned_back(new: &Container, old: &Container, called: &str, steps: &[Step]) -> String {
    let serves = steps.iter().any(|step| starts(step, &old.id));
    let rest = if serves { "serves again" } else { "stays as it was" };
    format!("{} did not work out, so {called} {rest}", new.name)
}

/// Removes a container whose verdict was just written, if it never ran: there is nothing to look at.
fn forgotten(steps: &[Step], new: &Container) -> Option<Step> {
    let called = steps.iter().find_map(|step| match step {
        Step::RenameContainer { container, to } if container.id == new.id => Some(to.as_str()),
        _ => None,
    });
    let target = Target::new(&new.id, called.unwrap_or(&new.name));
    (new.state == RunState::Created).then_some(Step::RemoveContainer { container: target })
}

fn renamed(step: &Step) -> Option<Id> {
    match step {
        Step::RenameContainer { container, .. } | Step::RemoveContainer { container } => {
            Some(container.id.clone())
        }
        _ => None,
    }
}
