//! Unfinished business: what an interrupted or failed replacement left, read from names and labels
//! alone, and the steps that finish or undo it.

use super::body::gate_of;
use super::diff::failed_to_start;
use super::names::{Role, revision_name, revision_of, role};
use super::replace::{restart_off, swap};
use super::scene::{Scene, discard, has_failed, is_ours, replaced, silence, starts, verdict};
use crate::world::{Container, Id, Name, Owner, RunState, Step, Target, World};

/// What is known of how the replacement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Killed, or an answer was lost: look again, prove again.
    Unknown,
    /// A step was refused, or the newcomer did not prove itself: undo.
    Refused,
}

/// Steps that restore service or finish a swap, for one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovery {
    pub name: Name,
    pub why: String,
    pub steps: Vec<Step>,
    /// Removals of containers that have been replaced. They come last of all in a run: as long as
    /// such a container is there, a replacement can be turned back.
    pub retire: Vec<Step>,
}

/// What there is to say and to do: why, steps, removals of the replaced.
type Finding = (Vec<String>, Vec<Step>, Vec<Step>);

/// Lists the names of ours that have revisions lying about.
pub fn unfinished(owner: &Owner, world: &World) -> Vec<Name> {
    let mut names: Vec<Name> = world
        .containers
        .values()
        // Names are read first: nearly all containers are current, and need no second look.
        .filter_map(|container| match role(&container.name) {
            Role::Revision { of, .. } | Role::Failed { of, .. } => Some((container, of)),
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
    let (mut why, mut steps, mut retire) = match (scene.current, scene.newcomer()) {
        (_, Some(newcomer)) => match scene.replaced_by(newcomer) {
            Some(old) if role(&old.name) == Role::Current => interrupted(old, newcomer, &scene, outcome),
            Some(_) | None => between_renames(newcomer, &scene, outcome),
        },
        (Some(current), None) => judged(current, &scene),
        (None, None) => lost_name(&scene),
    };
    let moved: Vec<Id> = steps.iter().chain(&retire).filter_map(renamed).collect();
    for other in scene.retired().filter(|retired| !moved.contains(&retired.id)) {
        if replaced(other, owner, world) {
            why.push(format!("{} has been replaced", other.name));
            steps.extend(silence(other, &other.name));
            retire.push(Step::RemoveContainer { container: Target::new(&other.id, &other.name) });
        } else {
            why.push(format!("{} was made and never took over", other.name));
            steps.extend(discard(other, &other.name));
        }
    }
    if outcome == Outcome::Unknown {
        for failed in &scene.failed {
            why.push(format!("{} failed earlier", failed.name));
            let is_stopped = steps.iter().any(|step| stops(step, &failed.id));
            let discarded = discard(failed, &failed.name);
            steps.extend(discarded.into_iter().filter(|step| !is_stopped || !stops(step, &failed.id)));
        }
    }
    let is_something = !(steps.is_empty() && retire.is_empty());
    is_something.then(|| Recovery { name: name.to_owned(), why: why.join("; "), steps, retire })
}

/// `web` and its successor `web.r2` are both there. The old one may go by another name, if the
/// successor was to get a new one.
fn interrupted(old: &Container, new: &Container, scene: &Scene<'_>, outcome: Outcome) -> Finding {
    let name = scene.name;
    let nothing = Vec::new;
    let target = Target::new(&new.id, &new.name);
    let never = format!("{} was made and never took over", new.name);
    if old.state.is_up() {
        // Nothing was handed over, or somebody took it back. A new one is made if it is needed.
        let steps = match (new.state, outcome) {
            (RunState::Created, _) | (_, Outcome::Unknown) => discard(new, &new.name),
            (_, Outcome::Refused) => verdict(new, name),
        };
        return (vec![never], steps, nothing());
    }
    let Some(gate) = gate_of(new) else {
        // Nobody has to run: finish only what a rename began, else make it anew.
        return (vec![never], discard(new, &new.name), nothing());
    };
    if new.state == RunState::Created && !failed_to_start(new) && outcome == Outcome::Refused {
        let mut steps = Vec::new();
        scene.serve_again(&mut steps, old, &old.name, new);
        steps.extend(discard(new, &new.name));
        return (vec![never], steps, nothing());
    }
    if has_failed(new) || outcome == Outcome::Refused {
        let mut steps = verdict(new, name);
        scene.serve_again(&mut steps, old, &old.name, new);
        if outcome == Outcome::Unknown {
            // Whoever wanted to look at it has had the time between two runs.
            steps.push(forgotten(&steps, new));
        }
        return (vec![turned_back(new, old, &old.name, &steps)], steps, nothing());
    }
    if scene.is_taken_from(old) || !new.state.is_up() && !scene.can_start(new) {
        // What it was to have is with somebody else, still or again.
        let mut steps = discard(new, &new.name);
        let removal = steps.pop();
        scene.serve_again(&mut steps, old, &old.name, new);
        steps.extend(removal);
        return (vec![never], steps, nothing());
    }
    let mut steps = Vec::new();
    if !new.state.is_up() {
        steps.push(Step::StartContainer { container: target.clone() });
    }
    steps.push(Step::Settle { container: target.clone(), gate });
    steps.extend(restart_off(old));
    let retired = retired_name(old, new, name);
    let old_target = Target::new(&old.id, &old.name);
    steps.extend(swap(&old_target, &retired, &target, name));
    let retire = vec![Step::RemoveContainer { container: Target::new(&old.id, &retired) }];
    (vec![format!("{} was about to take over from {}", new.name, old.name)], steps, retire)
}

/// `web` is already `web.r1`, and `web.r2` is not yet `web`. It was proven before.
fn between_renames(new: &Container, scene: &Scene<'_>, outcome: Outcome) -> Finding {
    let name = scene.name;
    let target = Target::new(&new.id, &new.name);
    let gate = gate_of(new);
    let old = scene.replaced_by(new);
    if let (Some(old), Some(_)) = (old, &gate)
        && (has_failed(new) || outcome == Outcome::Refused)
    {
        let mut steps = verdict(new, name);
        steps.push(Step::RenameContainer { container: Target::new(&old.id, &old.name), to: name.to_owned() });
        scene.serve_again(&mut steps, old, name, new);
        if outcome == Outcome::Unknown {
            steps.push(forgotten(&steps, new));
        }
        return (vec![turned_back(new, old, name, &steps)], steps, Vec::new());
    }
    let mut steps = Vec::new();
    if let Some(gate) = gate {
        if !new.state.is_up() {
            steps.push(Step::StartContainer { container: target.clone() });
        }
        steps.push(Step::Settle { container: target.clone(), gate });
    }
    steps.push(Step::RenameContainer { container: target, to: name.to_owned() });
    (vec![format!("{} was about to be renamed to {name}", new.name)], steps, Vec::new())
}

/// The verdict on the successor of `web` is written, but `web` was not brought back.
fn judged(current: &Container, scene: &Scene<'_>) -> Finding {
    let Some(failed) = scene.judged(current) else { return Finding::default() };
    let mut steps = silence(failed, &failed.name);
    scene.serve_again(&mut steps, current, &current.name, failed);
    (vec![turned_back(failed, current, &current.name, &steps)], steps, Vec::new())
}

/// Nobody is called `web`; the newest revision of it gets the name back.
fn lost_name(scene: &Scene<'_>) -> Finding {
    let Some(newest) = scene.revisions.first() else { return Finding::default() };
    let name = scene.name;
    let mut steps = Vec::new();
    let failed = scene.judged(newest);
    if let Some(failed) = failed {
        steps.extend(silence(failed, &failed.name));
    }
    steps.push(Step::RenameContainer {
        container: Target::new(&newest.id, &newest.name),
        to: name.to_owned(),
    });
    if let Some(failed) = failed {
        scene.serve_again(&mut steps, newest, name, failed);
    }
    for other in &scene.revisions[1..] {
        steps.extend(discard(other, &other.name));
    }
    (vec![format!("{} is all that is left of {name}", newest.name)], steps, Vec::new())
}

fn retired_name(old: &Container, new: &Container, name: &str) -> String {
    let number = revision_of(new).unwrap_or(1);
    revision_name(name, revision_of(old).unwrap_or(number - 1).min(number.saturating_sub(1)))
}

/// What there is to say of a newcomer that failed: the old one serves again, if that is what it did.
fn turned_back(new: &Container, old: &Container, called: &str, steps: &[Step]) -> String {
    let serves = steps.iter().any(|step| starts(step, &old.id));
    let rest = if serves { "serves again" } else { "stays as it was" };
    format!("{} did not work out, so {called} {rest}", new.name)
}

/// Removes a container whose verdict was just written.
fn forgotten(steps: &[Step], new: &Container) -> Step {
    let called = steps.iter().find_map(|step| match step {
        Step::RenameContainer { container, to } if container.id == new.id => Some(to.as_str()),
        _ => None,
    });
    Step::RemoveContainer { container: Target::new(&new.id, called.unwrap_or(&new.name)) }
}

fn stops(step: &Step, id: &Id) -> bool {
    matches!(step, Step::StopContainer { container, .. } if container.id == *id)
}

fn renamed(step: &Step) -> Option<Id> {
    match step {
        Step::RenameContainer { container, .. } | Step::RemoveContainer { container } => {
            Some(container.id.clone())
        }
        _ => None,
    }
}
