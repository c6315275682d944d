//! What it takes to bring a container to its declared state.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::form::Form;
use super::super::kind::{Desired, Found, Planned, Transition};
use super::body::{Made, body};
use super::fields::FIELDS;
use super::files::OnChange;
use super::hooks::{self, About, Fresh};
use super::kept::{self, kept_of};
use super::{effective, files, names, needs, networks, replace};
use crate::plan::{Action, Effect, FieldDiff, Impact, Steps};
use crate::resource::field::At;
use crate::world::{Container, Moment, RunState, Step, Target, World};

pub fn steps(desired: &Desired<'_>, transition: &Transition<'_>, world: &mut World) -> Planned {
    match transition {
        Transition::Create if desired.spec.text("image").is_none() => Planned::refused(vec![format!(
            "there is no container `{}`, and no `image` to make it from",
            desired.name
        )]),
        Transition::Create => create(desired, world),
        Transition::Replace { found, .. } => match observed(found, world) {
            Some(old) => replace::replace(desired, &old, world),
            None => create(desired, world),
        },
        Transition::Update { found, diff } => {
            with_observed(found, world, |container, world| update(desired, container, diff, world))
        }
        Transition::Signal { found, diff, signal } => with_observed(found, world, |container, world| {
            let target = Target::new(&container.id, desired.name);
            let signals = signals(desired, diff, signal);
            let tell =
                signals.into_iter().map(|signal| Step::SignalContainer { container: target.clone(), signal });
            let planned = mend(desired, container, diff, tell.collect(), world);
            Planned { action: Action::Signal, ..planned }
        }),
        Transition::Restart { found, diff } => {
            with_observed(found, world, |container, world| restart(desired, container, diff, world))
        }
        Transition::Remove { found } => {
            with_observed(found, world, |container, world| remove(desired, container, world))
        }
    }
}

fn observed(found: &Found, world: &World) -> Option<Container> {
    world.containers.get(&found.target.id).cloned()
}

fn with_observed(
    found: &Found,
    world: &mut World,
    plan: impl FnOnce(&Container, &mut World) -> Planned,
) -> Planned {
    match observed(found, world) {
        Some(container) => plan(&container, world),
        None => Planned::refused(vec![format!("container `{}` is gone", found.target.name)]),
    }
}

fn create(desired: &Desired<'_>, world: &mut World) -> Planned {
    let Some(image) = desired.spec.text("image").and_then(|reference| world.image(reference)) else {
        return Planned::refused(vec![format!("container `{}` has no image to be made from", desired.name)]);
    };
    let image = image.id.clone();
    let container = Target { id: world.next_planned(), name: desired.name.to_owned() };
    let made = Made {
        revision: names::next_revision(desired.name, desired.facts, world),
        replaces: None,
        carried: &[],
    };
    let body = body(desired, &made, world);
    let mut steps = Steps::default();
    steps.prepare.extend(kept::before_attempt(desired.name, desired.owner, world));
    steps.retire.extend(kept::after_creation(desired.name, desired.owner, world));
    let about = About { name: desired.name.to_owned(), old: None, new: Some(container.clone()) };
    let fresh = Fresh { image: &image, body: &body };
    let others = networks::connect_others(desired, &container, world);
    if desired.function.name == "running" {
        steps.switch.push(Step::StartContainer { container: container.clone() });
        steps.switch.extend(hooks::declared(desired, Moment::PostStart, &about, Some(&fresh), world));
        if !desired.gate.wait.is_empty() {
            let gate = desired.gate.clone();
            steps.switch.push(Step::Settle { container: container.clone(), gate });
        }
    }
    let put = files::put(desired.spec, &container);
    steps.prepare.push(Step::CreateContainer { container, image, body });
    steps.prepare.extend(others);
    steps.prepare.extend(put);
    let mut planned = Planned::new(Action::Create, steps);
    planned.notes.extend(needs::not_checked(desired));
    planned
}

/// One container that is both what was there and what will be.
fn about(desired: &Desired<'_>, container: &Container) -> About {
    let target = Target::new(&container.id, desired.name);
    let is_serving = container.state == RunState::Running;
    About { name: desired.name.to_owned(), old: Some((target.clone(), is_serving)), new: Some(target) }
}

/// The signals for whom it watches, and for its own files.
fn signals(desired: &Desired<'_>, diff: &[FieldDiff], watched: &str) -> BTreeSet<String> {
    let is_of_files = |row: &&FieldDiff| row.field.starts_with("files.");
    let (own, others): (Vec<_>, Vec<_>) =
        diff.iter().filter(|row| row.impact == Impact::Signal).partition(is_of_files);
    let own = match files::on_change(desired.spec) {
        OnChange::Signal(signal) if !own.is_empty() => Some(signal),
        _ => None,
    };
    own.into_iter().chain((!others.is_empty()).then(|| watched.to_owned())).collect()
}

/// Everything that can be mended on the container that is there.
fn update(desired: &Desired<'_>, container: &Container, diff: &[FieldDiff], world: &mut World) -> Planned {
    mend(desired, container, diff, Vec::new(), world)
}

/// The same, with what tells the program of its files, when they are there.
fn mend(
    desired: &Desired<'_>,
    container: &Container,
    diff: &[FieldDiff],
    tell: Vec<Step>,
    world: &mut World,
) -> Planned {
    let mut switch = Vec::new();
    let mut actions = Vec::new();
    let target = Target::new(&container.id, &container.name);
    if container.name != desired.name {
        switch.push(Step::RenameContainer { container: target, to: desired.name.to_owned() });
        actions.push(Action::Rename);
    }
    let target = Target::new(&container.id, desired.name);
    if let Some(body) = update_body(desired, container, diff) {
        switch.push(Step::UpdateContainer { container: target.clone(), body });
        actions.push(Action::Update);
    }
    let named = Container { name: desired.name.to_owned(), ..container.clone() };
    let attachments = networks::mend(desired, diff, &named, world);
    let reattached = attachments.iter().any(|step| matches!(step, Step::Disconnect { .. }));
    if !attachments.is_empty() {
        switch.extend(attachments);
        actions.push(Action::Update);
    }
    let told = {
        let about = about(desired, container);
        files::tell(desired, &target, container.state.is_up(), files::to_put(desired, diff), &about)
    };
    if !told.before.is_empty() {
        actions.push(Action::Update);
    }
    switch.extend(told.before);
    switch.extend(tell);
    switch.extend(told.after);
    if diff.iter().any(|row| row.field == "status" && row.impact == Impact::Update) {
        let about = about(desired, container);
        let mut hooks = |moment| hooks::declared(desired, moment, &about, None, world);
        let action = match (desired.function.name, container.state) {
            ("stopped", _) => {
                switch.extend(hooks(Moment::PreStop));
                switch.push(Step::StopContainer { container: target, timeout: None });
                Action::Stop
            }
            (_, RunState::Paused) => {
                switch.push(Step::UnpauseContainer { container: target });
                Action::Start
            }
            _ => {
                switch.push(Step::StartContainer { container: target });
                switch.extend(hooks(Moment::PostStart));
                Action::Start
            }
        };
        actions.push(action);
    }
    let action = match actions.as_slice() {
        [] => Action::None,
        [only] => *only,
        [first, rest @ ..] if rest.iter().all(|action| action == first) => *first,
        _ => Action::Update,
    };
    let effect = match (actions.contains(&Action::Stop), reattached && container.state.is_up()) {
        (true, _) => Effect::Ends,
        (false, true) => Effect::Brief,
        (false, false) => Effect::None,
    };
    Planned::new(action, Steps { switch, ..Steps::default() }).effect(effect)
}

/// The fields that the engine updates in place, as its update call takes them.
fn update_body(desired: &Desired<'_>, container: &Container, diff: &[FieldDiff]) -> Option<Value> {
    let mut body = Map::new();
    for field in FIELDS {
        let At::Path(path) = field.at else { continue };
        let changed = diff.iter().any(|row| row.field == field.name && row.impact == Impact::Update);
        let Some(key) = path.strip_prefix("HostConfig.").filter(|_| changed) else { continue };
        let value = match desired.spec.value(field.name) {
            Some(declared) if !declared.is_null() => field.form.send(declared),
            Some(_) | None => going_back(field.name, field.form, desired),
        };
        body.insert(key.to_owned(), value);
    }
    // The engine refuses memory above the swap limit that it derived from the old memory.
    if let (Some(memory), None) =
        (body.get("Memory").and_then(Value::as_i64), desired.spec.value("memory_swap"))
        && container.attributes.at("HostConfig.MemorySwap").known().and_then(Value::as_i64).unwrap_or(0) >= 0
    {
        body.insert("MemorySwap".to_owned(), json!(effective::derived_swap(memory)));
    }
    (!body.is_empty()).then_some(Value::Object(body))
}

/// The engine takes a missing value as "leave alone", so its default has to be said.
fn going_back(field: &str, form: &dyn Form, desired: &Desired<'_>) -> Value {
    match field {
        "memory_swap" => {
            let memory = desired.spec.value("memory").and_then(Value::as_i64).unwrap_or(0);
            json!(effective::derived_swap(memory))
        }
        "restart" => json!({"Name": "no", "MaximumRetryCount": 0}),
        "pids_limit" => json!(0),
        "cpu_quota" => json!(-1),
        "cpu_period" => json!(100_000),
        _ => form.send(&form.observe(&Value::Null)),
    }
}

fn restart(desired: &Desired<'_>, container: &Container, diff: &[FieldDiff], world: &mut World) -> Planned {
    let about = about(desired, container);
    let mut hooks = |moment| hooks::declared(desired, moment, &about, None, world);
    let target = Target::new(&container.id, desired.name);
    let was_up = container.state.is_up();
    let mut again = Vec::new();
    if was_up {
        again.extend(hooks(Moment::PreStop));
        again.push(Step::RestartContainer { container: target.clone(), timeout: None });
        again.extend(hooks(Moment::PostStart));
    }
    let mut planned = mend(desired, container, diff, again, world);
    let mut hooks = |moment| hooks::declared(desired, moment, &about, None, world);
    let starts = planned.steps.switch.iter().any(|step| matches!(step, Step::StartContainer { .. }));
    if was_up {
        planned.steps.switch.retain(|step| !matches!(step, Step::UnpauseContainer { .. }));
        planned.action = Action::Restart;
        planned.effect = Effect::Restart;
    } else if !starts && desired.function.name == "running" {
        planned.steps.switch.push(Step::StartContainer { container: target });
        planned.steps.switch.extend(hooks(Moment::PostStart));
        planned.action = Action::Start;
    }
    planned
}

fn remove(desired: &Desired<'_>, container: &Container, world: &World) -> Planned {
    let target = Target::new(&container.id, &container.name);
    let mut steps = Steps::default();
    let timeout =
        desired.spec.value("stop_timeout").and_then(Value::as_u64).and_then(|t| u32::try_from(t).ok());
    let effect = if container.state.is_up() {
        let is_serving = container.state == RunState::Running;
        let about =
            About { name: desired.name.to_owned(), old: Some((target.clone(), is_serving)), new: None };
        steps.switch.extend(hooks::of_container(container, Moment::PreStop, &about));
        steps.switch.push(Step::StopContainer { container: target.clone(), timeout });
        Effect::Ends
    } else {
        Effect::None
    };
    let kept = kept_of(desired.owner, world, |name| name == container.name).into_iter();
    steps.retire.extend(kept.map(|container| Step::RemoveContainer { container }));
    steps.retire.push(Step::RemoveContainer { container: target });
    let mut planned = Planned::new(Action::Remove, steps).effect(effect);
    for (path, name) in super::mounts::anonymous(container) {
        planned
            .notes
            .push(format!("the anonymous volume {name} of {path} stays; docker volume rm {name} removes it"));
    }
    planned
}
