//! The containers around one name after an interrupted replacement, and how one of them serves again.

use super::body::gate_of;
use super::diff::failed_to_start;
use super::names::{Role, revision_name, revision_of, role};
use super::replace::restart_body;
use crate::world::{Container, Id, Owner, Refusal, RunState, Step, Target, World, label};

/// The containers that carry a name, or carried it, or were to carry it.
pub struct Scene<'a> {
    pub name: &'a str,
    owner: &'a Owner,
    world: &'a World,
    pub current: Option<&'a Container>,
    /// Revisions of ours that are not current, newest first.
    pub revisions: Vec<&'a Container>,
    pub failed: Vec<&'a Container>,
}

impl<'a> Scene<'a> {
    pub fn read(name: &'a str, owner: &'a Owner, world: &'a World) -> Self {
        let mut revisions = Vec::new();
        let mut failed = Vec::new();
        for container in world.containers.values() {
            match role(&container.name) {
                // A container that we adopted carries no labels, but its successor names it.
                Role::Revision { of, .. }
                    if of == name && (is_ours(container, owner) || replaced(container, owner, world)) =>
                {
                    revisions.push(container);
                }
                Role::Failed { of, .. } if of == name && is_ours(container, owner) => failed.push(container),
                Role::Current | Role::Revision { .. } | Role::Failed { .. } => {}
            }
        }
        revisions.sort_by_key(|container| std::cmp::Reverse((revision_of(container), container.id.clone())));
        Self { name, owner, world, current: world.container(name), revisions, failed }
    }

    /// The revision that was to become current: it names the container whose place it takes, and
    /// that one is still there. It may go by another name still, while somebody else has this one.
    pub fn newcomer(&self) -> Option<&'a Container> {
        self.revisions.iter().copied().find(|revision| {
            let Some(old) = self.replaced_by(revision) else { return false };
            self.current.is_none_or(|current| current.id == old.id) || role(&old.name) == Role::Current
        })
    }

    /// True if somebody else than `old` is called by the name.
    pub fn is_taken_from(&self, old: &Container) -> bool {
        self.current.is_some_and(|current| current.id != old.id)
    }

    /// The container whose place a newcomer takes, whatever it is called.
    pub fn replaced_by(&self, newcomer: &Container) -> Option<&'a Container> {
        self.world.containers.get(&replaces(newcomer)?)
    }

    pub fn retired(&self) -> impl Iterator<Item = &'a Container> {
        let newcomer = self.newcomer().map(|newcomer| newcomer.id.clone());
        let has_current = self.current.is_some();
        self.revisions.iter().copied().filter(move |revision| {
            Some(&revision.id) != newcomer.as_ref() && (has_current || newcomer.is_some())
        })
    }

    /// The successor that did not work out and whose verdict is written, if `old` still lies down
    /// because of it and can come back.
    pub fn judged(&self, old: &Container) -> Option<&'a Container> {
        let mut failed = self.failed.iter().copied();
        let failed = failed.find(|failed| replaces(failed).as_ref() == Some(&old.id))?;
        let is_down = matches!(old.state, RunState::Exited { .. }) && gate_of(failed).is_some();
        let starts = |steps: Vec<Step>| steps.iter().any(|step| starts(step, &old.id));
        let mut steps = silence(failed, &failed.name);
        let comes_back = is_down && {
            self.serve_again(&mut steps, old, &old.name, failed);
            starts(steps)
        };
        comes_back.then_some(failed)
    }

    /// Brings the old one back, as it was, and with it whoever lost its network by its stop. Who has
    /// meanwhile taken what it needs gives it back, if that was part of the same hand-over; else it
    /// is not started. Nor is it if it never ran: it did not serve, and may come up without its
    /// ports. `steps` are those that are done before.
    pub fn serve_again(&self, steps: &mut Vec<Step>, old: &Container, called: &str, new: &Container) {
        steps.extend(restore_policy(old, called, new));
        if old.state == RunState::Created {
            return;
        }
        let mut ahead = self.world.clone();
        for step in steps.iter() {
            // What cannot be foretold here is refused when it is done.
            let _ = ahead.predict(step);
        }
        if let Some(needed) = bring_back(&mut ahead, self.owner, &Target::new(&old.id, called), MOST) {
            steps.extend(needed);
        }
    }

    /// True if nobody has what the container takes when it starts.
    pub fn can_start(&self, container: &Container) -> bool {
        let start = Step::StartContainer { container: Target::new(&container.id, &container.name) };
        self.world.clone().predict(&start).is_ok()
    }
}

/// How many others may have to give something back for one.
const MOST: usize = 8;

/// The steps that start a container which served before.
fn bring_back(ahead: &mut World, owner: &Owner, old: &Target, left: usize) -> Option<Vec<Step>> {
    let start = Step::StartContainer { container: old.clone() };
    let mut steps = Vec::new();
    loop {
        let taker = match ahead.predict(&start) {
            Ok(()) => break,
            Err(Refusal::ClaimTaken { by, .. }) => by,
            // Somebody took the place of one whose network it shares or whom it is linked to.
            Err(Refusal::WrongState { name, .. }) => match role(&name) {
                Role::Revision { of, .. } => of,
                Role::Current | Role::Failed { .. } => return None,
            },
            Err(_) => return None,
        };
        if left == 0 || steps.len() >= 8 * MOST {
            return None;
        }
        steps.extend(give_back(ahead, owner, &taker, left - 1)?);
    }
    steps.push(start);
    let joined: Vec<Target> = ahead
        .containers
        .values()
        .filter(|other| other.joined().as_ref() == Some(&old.id))
        .filter(|other| other.state.is_up() && is_ours(other, owner))
        .map(|other| Target::new(&other.id, &other.name))
        .collect();
    steps.extend(joined.into_iter().map(|container| Step::RestartContainer { container, timeout: None }));
    Some(steps)
}

/// Turns a replacement back that has just been done, as long as the one that was replaced is there.
fn give_back(ahead: &mut World, owner: &Owner, taker: &str, left: usize) -> Option<Vec<Step>> {
    let taker = ahead.container(taker).filter(|taker| is_ours(taker, owner))?.clone();
    let old = ahead.containers.get(&replaces(&taker)?)?.clone();
    let is_retired = matches!(role(&old.name), Role::Revision { of, .. } if of == taker.name);
    if !is_retired || !matches!(old.state, RunState::Exited { .. }) {
        return None;
    }
    // It serves until it is silenced, so the verdict comes first: a killed process finds it there.
    let failed = failed_name(&taker, &taker.name);
    let mut steps =
        vec![Step::RenameContainer { container: Target::new(&taker.id, &taker.name), to: failed.clone() }];
    steps.extend(silence(&taker, &failed));
    steps.push(Step::RenameContainer { container: Target::new(&old.id, &old.name), to: taker.name.clone() });
    steps.extend(restore_policy(&old, &taker.name, &taker));
    for step in &steps {
        ahead.predict(step).ok()?;
    }
    // Another one may go on from here: the old one comes back when its own things are free.
    let back = bring_back(ahead, owner, &Target::new(&old.id, &taker.name), left);
    steps.extend(back.unwrap_or_default());
    Some(steps)
}

/// Stops a newcomer that did not work out, then writes the verdict where the next run finds it. In
/// between, a newcomer that was stopped reads as one that failed. The other way round an engine may
/// refuse: 20.10 renames no container that waits for its next restart ("sandbox … not found").
pub fn verdict(new: &Container, name: &str) -> Vec<Step> {
    let mut steps = silence(new, &new.name);
    steps.push(Step::RenameContainer {
        container: Target::new(&new.id, &new.name),
        to: failed_name(new, name),
    });
    steps
}

fn failed_name(new: &Container, name: &str) -> String {
    format!("{}.failed", revision_name(name, revision_of(new).unwrap_or(0)))
}

/// Stops a container for good. First of all it ends: 20.10 may refuse to update one between two
/// restarts.
pub fn silence(container: &Container, called: &str) -> Vec<Step> {
    let target = Target::new(&container.id, called);
    let mut steps = Vec::new();
    if container.state.is_up() {
        steps.push(Step::StopContainer { container: target.clone(), timeout: None });
    }
    if !matches!(container.attributes.text("HostConfig.RestartPolicy.Name"), None | Some("" | "no")) {
        steps.push(Step::UpdateContainer { container: target, body: restart_body("no") });
    }
    steps
}

/// The old one's restart policy may have been switched off already.
fn restore_policy(old: &Container, called: &str, new: &Container) -> Option<Step> {
    let before = new.labels().get(label::RESTORES)?;
    let now = old.attributes.text("HostConfig.RestartPolicy.Name").unwrap_or("");
    (before != "no" && matches!(now, "" | "no")).then(|| Step::UpdateContainer {
        container: Target::new(&old.id, called),
        body: restart_body(before),
    })
}

pub fn discard(container: &Container, called: &str) -> Vec<Step> {
    let target = Target::new(&container.id, called);
    let stop =
        container.state.is_up().then(|| Step::StopContainer { container: target.clone(), timeout: None });
    stop.into_iter().chain([Step::RemoveContainer { container: target }]).collect()
}

pub fn has_failed(container: &Container) -> bool {
    failed_to_start(container)
        || matches!(container.state, RunState::Exited { .. } | RunState::Dead | RunState::Restarting)
}

pub fn replaces(container: &Container) -> Option<Id> {
    container.labels().get(label::REPLACES).map(Id::parse)
}

pub fn is_ours(container: &Container, owner: &Owner) -> bool {
    container.labels().are_of(owner)
}

/// True if a container of ours names this one as the one whose place it takes.
pub fn replaced(container: &Container, owner: &Owner, world: &World) -> bool {
    let mut successors = world.containers.values().filter(|other| is_ours(other, owner));
    successors.any(|other| replaces(other).as_ref() == Some(&container.id))
}

pub fn starts(step: &Step, id: &Id) -> bool {
    matches!(step, Step::StartContainer { container } if container.id == *id)
}
