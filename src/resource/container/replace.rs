//! Replacing a container: its successor is made while it runs, and takes its name when proven.

use serde_json::{Value, json};

use super::super::kind::{Desired, Planned};
use super::body::{Made, body};
use super::names::{next_revision, revision_name, revision_of};
use super::{mounts, networks};
use crate::plan::{Action, Effect, Steps};
use crate::world::{Container, Step, Target, World};

/// The whole swap. What it leaves when it is cut off anywhere is finished by `recover`.
pub fn replace(desired: &Desired<'_>, old: &Container, world: &mut World) -> Planned {
    let Some(image) = desired.spec.text("image").and_then(|reference| world.image(reference)) else {
        return Planned::refused(vec![format!(
            "container `{}` has to be replaced, and there is no image to make it from",
            desired.name
        )]);
    };
    let image = image.id.clone();
    let number = next_revision(desired.name, world);
    let (carried, left) = mounts::carry(desired, old);
    let made = Made { revision: number, replaces: Some(old), carried: &carried };
    let body = body(desired, &made, world);
    let new = Target { id: world.next_planned(), name: revision_name(desired.name, number) };
    let target = Target::new(&old.id, &old.name);

    let mut steps = Steps::default();
    steps.prepare.push(Step::CreateContainer { container: new.clone(), image, body });
    steps.prepare.extend(networks::connect_others(desired, &new, world));
    if old.state.is_up() {
        steps.switch.push(Step::StopContainer { container: target.clone(), timeout: None });
    }
    if desired.function.name == "running" {
        steps.switch.push(Step::StartContainer { container: new.clone() });
        steps.switch.push(Step::Settle { container: new.clone(), gate: desired.gate.clone() });
    }
    steps.switch.extend(restart_off(old));
    let retired = revision_name(desired.name, revision_of(old).unwrap_or(number - 1).min(number - 1));
    steps.switch.extend(swap(&target, &retired, &new, desired.name));
    steps.retire.push(Step::RemoveContainer { container: Target::new(&old.id, &retired) });

    let effect = if old.state.is_up() { Effect::Brief } else { Effect::None };
    let mut planned = Planned::new(Action::Replace, steps).effect(effect);
    for (path, name) in left {
        planned.notes.push(format!(
            "what the anonymous volume {name} held at {path} stays in it; it is not mounted any more"
        ));
    }
    planned
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
