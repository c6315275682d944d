//! The containers around one name after an interrupted replacement, and how one of them serves again.

use std::cmp::Reverse;

use super::diff::failed_to_start;
use super::gate::gate_of;
use super::names::revision_of;
use super::replace::restart_body;
use crate::world::{Container, Id, Owner, Refusal, Role, RunState, Step, Target, World, label};

/// The containers that carry a name, or carried it, or were to carry it.
pub struct Scene<'a> {
    pub name: &'a str,
    owner: &'a Owner,
    world: &'a World,
    pub current: Option<&'a Container>,
    /// Those that have not taken over yet, newest first, as all that follow.
    pub newcomers: Vec<&'a Container>,
    pub retired: Vec<&'a Container>,
    pub failed: Vec<&'a Container>,
}

impl<'a> Scene<'a> {
    pub fn read(name: &'a str, owner: &'a Owner, world: &'a World) -> Self {
        let (mut newcomers, mut retired, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for container in world.containers.values() {
            match container.role() {
                Role::Newcomer { of, number } if of == name && is_ours(container, owner) => {
                    newcomers.push((number, container));
                }
                // A container that we adopted carries no labels, but its successor names it.
                Role::Retired { of, number }
                    if of == name && (is_ours(container, owner) || replaced(container, owner, world)) =>
                {
                    retired.push((number, container));
                }
                Role::Failed { of, number } if of == name && is_ours(container, owner) => {
                    failed.push((number, container));
                }
                Role::Current | Role::Newcomer { .. } | Role::Retired { .. } | Role::Failed { .. } => {}
            }
        }
        let newest_first = |mut found: Vec<(u32, &'a Container)>| {
            found.sort_by_key(|(number, container)| Reverse((*number, container.id.clone())));
            found.into_iter().map(|(_, container)| container).collect()
        };
        Self {
            name,
            owner,
            world,
            current: world.container(name),
            newcomers: newest_first(newcomers),
            retired: newest_first(retired),
            failed: newest_first(failed),
        }
    }

    /// The one that was to become current: it names the container whose place it takes, and that one is
    /// still there. It may go by another name still, while somebody else has this one. If nobody has the name,
    /// it is also one whose predecessor is gone.
    pub fn newcomer(&self) -> Option<&'a Container> {
        let replaces = |newcomer: &&&'a Container| {
            let Some(old) = self.replaced_by(newcomer) else { return false };
            self.current.is_none_or(|current| current.id == old.id) || old.role() == Role::Current
        };
        let heir = || self.newcomers.first().filter(|_| self.current.is_none());
        self.newcomers.iter().find(replaces).or_else(heir).copied()
    }

    /// True if somebody else than `old` is called by the name.
    pub fn is_taken_from(&self, old: &Container) -> bool {
        self.current.is_some_and(|current| current.id != old.id)
    }

    /// The container whose place a newcomer takes, whatever it is called.
    pub fn replaced_by(&self, newcomer: &Container) -> Option<&'a Container> {
        self.world.containers.get(&replaces(newcomer)?)
    }

    /// The successor that did not work out and whose verdict is written, if `old` still lies down
    /// because of it and can come back.
    pub fn judged(&self, old: &Container) -> Option<&'a Container> {
        let mut failed = self.failed.iter().copied();
        let failed = failed.find(|failed| replaces(failed).as_ref() == Some(&old.id))?;
        if old.role() != Role::Current && old.state.is_up() {
            return Some(failed);
        }
        let is_down = matches!(old.state, RunState::Exited { .. }) && gate_of(failed).is_some();
        let starts = |steps: Vec<Step>| steps.iter().any(|step| starts(step, &old.id));
        let mut steps = silence(failed, &failed.name);
        let comes_back = is_down && is_down_for(old, failed) && {
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
        if old.state == RunState::Created || old.state.is_up() {
            return;
        }
        let mut ahead = self.world.clone();
        for step in steps.iter() {
            // What cannot be foretold here is refused when it is done.
            let _ = ahead.predict(step);
        }
        let handover = Handover { owner: self.owner, run: run_of(new) };
        if let Some(needed) = bring_back(&mut ahead, &handover, &Target::new(&old.id, called), MOST) {
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

/// Replacements that belong together: those of one run. What an earlier one did is not turned back.
struct Handover<'a> {
    owner: &'a Owner,
    run: Option<String>,
}

/// What tells the run that made a container from others. Labels of older containers have nothing but a time.
fn run_of(container: &Container) -> Option<String> {
    let labels = container.labels();
    labels.get(label::DEPLOY_RUN).or_else(|| labels.get(label::DEPLOY_TIME)).map(str::to_owned)
}

/// The steps that start a container which served before.
fn bring_back(ahead: &mut World, handover: &Handover<'_>, old: &Target, left: usize) -> Option<Vec<Step>> {
    let start = Step::StartContainer { container: old.clone() };
    let mut steps = Vec::new();
    loop {
        let taker = match ahead.predict(&start) {
            Ok(()) => break,
            Err(Refusal::ClaimTaken { by, .. }) => by,
            // Somebody took the place of one whose network it shares or whom it is linked to.
            Err(Refusal::WrongState { name, .. }) => match Role::of(&name) {
                Role::Retired { of, .. } => of,
                Role::Current | Role::Newcomer { .. } | Role::Failed { .. } => return None,
            },
            Err(_) => return None,
        };
        if left == 0 || steps.len() >= 8 * MOST {
            return None;
        }
        steps.extend(give_back(ahead, handover, &taker, left - 1)?);
    }
    steps.push(start);
    let lost = |other: &&Container| has_lost(other, &old.id, ahead) && is_ours(other, handover.owner);
    let lost = ahead.containers.values().filter(lost).map(|other| Target::new(&other.id, &other.name));
    steps.extend(lost.map(|container| Step::RestartContainer { container, timeout: None }));
    Some(steps)
}

/// True if a container has a namespace of another one, which was stopped, and served until then.
fn has_lost(container: &Container, other: &Id, world: &World) -> bool {
    if !world.joined(container).any(|owner| owner.id == *other) {
        return false;
    }
    container.state.is_up() || {
        let ends_with = world.owner_of_processes(container).is_some_and(|owner| owner.id == *other);
        ends_with && ended_with(container, other, world)
    }
}

/// True if a container that is to run ended when the one did whose processes it shares, as far as times can tell:
/// the engine notes them one after the other.
fn ended_with(container: &Container, other: &Id, world: &World) -> bool {
    let ended = |container: &Container| -> Option<jiff::Timestamp> {
        container.attributes.text("State.FinishedAt")?.parse().ok()
    };
    let (Some(own), Some(other)) = (ended(container), world.containers.get(other).and_then(ended)) else {
        return false;
    };
    let is_to_run = container.role() == Role::Current && gate_of(container).is_some();
    is_to_run && own.duration_since(other).abs() < NOTED_WITHIN
}

/// Within this time the engine notes the ends of all that end at once.
const NOTED_WITHIN: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// Turns a replacement back that has just been done, as long as the one that was replaced is there.
fn give_back(ahead: &mut World, handover: &Handover<'_>, taker: &str, left: usize) -> Option<Vec<Step>> {
    let taker = ahead.container(taker).filter(|taker| is_ours(taker, handover.owner))?.clone();
    let old = ahead.containers.get(&replaces(&taker)?)?.clone();
    let is_retired = matches!(old.role(), Role::Retired { of, .. } if of == taker.name);
    if !is_retired || !matches!(old.state, RunState::Exited { .. }) || run_of(&taker) != handover.run {
        return None;
    }
    let mut steps = turn_back(&taker, &old, &taker.name);
    steps.extend(restore_policy(&old, &taker.name, &taker));
    for step in &steps {
        ahead.predict(step).ok()?;
    }
    // Another one may go on from here: the old one comes back when its own things are free.
    let back = bring_back(ahead, handover, &Target::new(&old.id, &taker.name), left);
    steps.extend(back.unwrap_or_default());
    Some(steps)
}

/// Takes the name from a container that had taken over, and gives it back to the one that it replaced. It
/// serves until it is silenced, so the verdict comes first: a killed process finds it there. Only one that
/// waits for its next restart has to be stopped before, since 20.10 does not rename it.
pub fn turn_back(taker: &Container, old: &Container, name: &str) -> Vec<Step> {
    let failed = failed_name(taker, name);
    let rename = Step::RenameContainer { container: Target::new(&taker.id, &taker.name), to: failed.clone() };
    let mut steps = match taker.state {
        RunState::Restarting => silence(taker, &taker.name).into_iter().chain([rename]).collect(),
        _ => vec![rename],
    };
    let back = Step::RenameContainer { container: Target::new(&old.id, &old.name), to: name.to_owned() };
    let rest = if taker.state == RunState::Restarting { Vec::new() } else { silence(taker, &failed) };
    if old.state.is_up() {
        steps.push(back);
        steps.extend(rest);
    } else {
        steps.extend(rest);
        steps.push(back);
    }
    steps
}

/// True if a container was stopped so that a newcomer could take over that failed, and did not run since. One
/// that somebody stopped later is not meant.
fn is_down_for(old: &Container, failed: &Container) -> bool {
    let time = |container: &Container, path: &str| {
        let time: jiff::Timestamp = container.attributes.text(path)?.parse().ok()?;
        (time.as_second() > 0).then_some(time)
    };
    let ended = time(old, "State.FinishedAt");
    match (ended, time(failed, "State.StartedAt"), time(failed, "Created")) {
        (Some(ended), Some(started), _) => ended <= started,
        (Some(ended), None, Some(created)) => ended >= created,
        _ => true,
    }
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
    Role::failed(name, revision_of(new).unwrap_or(0))
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
pub fn restore_policy(old: &Container, called: &str, new: &Container) -> Option<Step> {
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
