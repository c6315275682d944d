//! Replacing a container: its successor is made while it runs, and takes its name when proven.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::kind::{Desired, Planned};
use super::body::{Made, body};
use super::copies::rehearse;
use super::hooks::{self, About, Fresh};
use super::names::next_numbers;
use super::strategy::{Strategy, choose};
use super::{files, kept, mounts, needs, networks};
use crate::plan::{Action, Effect, Steps};
use crate::world::{Container, Moment, Role, RunState, Step, Target, World};

/// The whole swap. What it leaves when it is cut off anywhere is finished by `recover`.
pub fn replace(desired: &Desired<'_>, old: &Container, world: &mut World) -> Planned {
    let Some(image) = desired.spec.text("image").and_then(|reference| world.image(reference)) else {
        return Planned::refused(vec![format!(
            "container `{}` has to be replaced, and there is no image to make it from",
            desired.name
        )]);
    };
    let image = image.id.clone();
    let (own, number) = next_numbers(desired.name, old, desired.facts, world);
    let (carried, left) = mounts::carry(desired, old, world);
    let made = Made { revision: number, replaces: Some(old), carried: &carried };
    let choice = match choose(desired, old, world) {
        Ok(choice) => choice,
        Err(reason) => return Planned::refused(vec![reason]),
    };
    let is_running = desired.function.name == "running";
    let overlaps = choice.strategy == Strategy::Overlap && is_running && old.state == RunState::Running;
    let mut body = body(desired, &made, world);
    let new = Target { id: world.next_planned(), name: Role::newcomer(desired.name, number) };
    let target = Target::new(&old.id, &old.name);

    let mut steps = Steps::default();
    let mut others = networks::connect_others(desired, &new, world);
    let handed_over = if overlaps {
        networks::without_aliases(&mut body, &mut others);
        networks::hand_over_aliases(desired, &new, world)
    } else {
        Vec::new()
    };
    steps.prepare.extend(kept::before_attempt(desired.name, desired.owner, world));
    let is_serving = old.state == RunState::Running;
    let about = About {
        name: desired.name.to_owned(),
        old: Some((target.clone(), is_serving)),
        new: is_running.then(|| new.clone()),
    };
    let fresh = Fresh { image: &image, body: &body };
    let is_rehearsed = is_running && desired.spec.value("rehearse") == Some(&Value::Bool(true));
    if is_rehearsed {
        steps.switch.extend(rehearse(desired, &fresh, world));
    }
    steps.switch.extend(hooks::declared(desired, Moment::PreReplace, &about, Some(&fresh), world));
    let started = match is_running {
        true => hooks::declared(desired, Moment::PostStart, &about, Some(&fresh), world),
        false => Vec::new(),
    };
    steps.prepare.push(Step::CreateContainer { container: new.clone(), image, body });
    steps.prepare.extend(others);
    steps.prepare.extend(files::put(desired.spec, &new));
    let stop = old.state.is_up().then(|| Step::StopContainer { container: target.clone(), timeout: None });
    if !overlaps {
        steps.switch.extend(hooks::declared(desired, Moment::PreStop, &about, None, world));
        steps.switch.extend(stop.clone());
        // Before the new one starts: an engine that is restarted would bring both back.
        steps.switch.extend(restart_off(old));
    }
    if is_running {
        steps.switch.push(Step::StartContainer { container: new.clone() });
        steps.switch.extend(started);
        steps.switch.push(Step::Settle { container: new.clone(), gate: desired.gate.clone() });
    }
    steps.switch.extend(handed_over);
    if overlaps {
        steps.switch.extend(restart_off(old));
    }
    let retired = Role::retired(desired.name, own);
    steps.switch.extend(swap(&target, &retired, &new, desired.name));
    let lasts = match overlaps {
        true => span(desired, "soak", Duration::ZERO) + span(desired, "drain", DRAIN),
        false => span(desired, "soak", Duration::ZERO),
    };
    if is_running && !lasts.is_zero() {
        let container = Target::new(&new.id, desired.name);
        steps.switch.push(Step::Watch { container, lasts });
    }
    let container = Target::new(&old.id, &retired);
    let about = About {
        old: Some((container.clone(), overlaps)),
        new: is_running.then(|| Target::new(&new.id, desired.name)),
        ..about
    };
    steps.switch.extend(hooks::declared(desired, Moment::PostReplace, &about, None, world));
    if overlaps {
        // It may have to tell somebody, and needs its networks for that.
        steps.switch.extend(hooks::declared(desired, Moment::PreStop, &about, None, world));
        // It would be found by them until after its end.
        steps.switch.extend(networks::take_aliases(old, &container));
        steps.switch.extend(stop.map(|_| Step::StopContainer { container, timeout: None }));
    }
    let keep = kept::keep_revisions(desired.spec);
    steps.retire.extend(kept::after_replacement((desired.name, desired.owner), (old, own), keep, world));

    let effect = if old.state.is_up() && !overlaps { Effect::Brief } else { Effect::None };
    let mut planned = Planned::new(Action::Replace, steps).effect(effect);
    if old.state.is_up() && is_running {
        planned.notes.push(match overlaps {
            true => {
                format!("strategy overlap: the old one serves until the new one does ({})", choice.because)
            }
            false => format!("strategy replace: the old one stops first ({})", choice.because),
        });
    }
    planned.notes.extend(needs::not_checked(desired));
    if is_rehearsed {
        let how = "rehearsed first, without ports, aliases and volumes that it would write to";
        planned.notes.push(how.to_owned());
    }
    for (path, name) in left {
        planned.notes.push(format!(
            "what the anonymous volume {name} held at {path} stays in it; it is not mounted any more"
        ));
    }
    planned
}

/// How long the old one goes on beside the new one once that has the name.
const DRAIN: Duration = Duration::from_secs(1);

/// A time that the state declares, in whole seconds.
fn span(desired: &Desired<'_>, field: &str, default: Duration) -> Duration {
    desired.spec.value(field).and_then(Value::as_u64).map_or(default, Duration::from_secs)
}

/// Switches the restart policy of a replaced container off, so that it never comes back by itself.
pub fn restart_off(old: &Container) -> Option<Step> {
    let name = old.attributes.text("HostConfig.RestartPolicy.Name").unwrap_or("");
    (!matches!(name, "" | "no")).then(|| Step::UpdateContainer {
        container: Target::new(&old.id, &old.name),
        body: restart_body("no"),
    })
}

/// The update call that sets a restart policy, given as people write it: `on-failure:3`.
pub fn restart_body(policy: &str) -> Value {
    let (name, times) = policy.split_once(':').unwrap_or((policy, "0"));
    json!({"RestartPolicy": {"Name": name, "MaximumRetryCount": times.parse::<u32>().unwrap_or(0)}})
}

/// The two renames by which the name changes hands.
pub fn swap(old: &Target, retired: &str, new: &Target, name: &str) -> [Step; 2] {
    [
        Step::RenameContainer { container: old.clone(), to: retired.to_owned() },
        Step::RenameContainer { container: new.clone(), to: name.to_owned() },
    ]
}
