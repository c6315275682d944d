//! Revisions that are kept after they were replaced, and those that failed: how many, and for how long. They do
//! not run, are no drift and no orphans, and go when something needs what they have.

use serde_json::Value;

use super::scene::Scene;
use crate::resource::spec::Spec;
use crate::world::{Container, Id, Owner, Role, Step, Target, World};

/// How many replaced containers are kept unless a state says otherwise.
const KEPT: usize = 3;
/// How many newcomers that failed are kept at the most.
const FAILED: usize = 2;
/// How long a newcomer that failed is kept, in seconds, for people to look at it.
const FAILED_KEPT: i64 = 24 * 60 * 60;

/// How many replaced containers a state keeps.
pub fn keep_revisions(spec: &Spec) -> usize {
    let declared = spec.value("keep_revisions").and_then(Value::as_u64);
    declared.map_or(KEPT, |number| usize::try_from(number).unwrap_or(usize::MAX))
}

/// True if a container of ours is only kept: it was replaced or did not work out, and does not run.
pub fn is_kept(container: &Container) -> bool {
    !container.state.is_up() && matches!(container.role(), Role::Retired { .. } | Role::Failed { .. })
}

/// What goes when a successor has taken over from `old`, which is then called revision `own`: whatever is
/// beyond the number to keep, and the newcomers that failed before.
pub fn after_replacement(
    (name, owner): (&str, &Owner),
    (old, own): (&Container, u32),
    keep: usize,
    world: &World,
) -> Vec<Step> {
    let scene = Scene::read(name, owner, world);
    let mut retired: Vec<(u32, Target)> = scene
        .retired
        .iter()
        .filter_map(|kept| Some((kept.role().serves()?.1, Target::new(&kept.id, &kept.name))))
        .collect();
    retired.push((own, Target::new(&old.id, &Role::retired(name, own))));
    retired.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    let beyond = retired.into_iter().skip(keep).map(|(_, target)| target);
    let beyond = beyond.map(|container| Step::RemoveContainer { container });
    beyond.chain(after_success(&scene)).collect()
}

/// What goes when a first container works: the newcomer that failed before it.
pub fn after_creation(name: &str, owner: &Owner, world: &World) -> Vec<Step> {
    after_success(&Scene::read(name, owner, world))
}

fn after_success(scene: &Scene<'_>) -> Vec<Step> {
    let failed = scene.failed.iter().take(FAILED - 1).filter(|failed| is_kept(failed));
    let targets = failed.map(|failed| Target::new(&failed.id, &failed.name));
    targets.map(|container| Step::RemoveContainer { container }).collect()
}

/// What goes before another newcomer is tried: those that failed before it, but for the last.
pub fn before_attempt(name: &str, owner: &Owner, world: &World) -> Vec<Step> {
    let failed = Scene::read(name, owner, world).failed.into_iter().skip(FAILED - 1);
    let targets = failed.filter(|failed| is_kept(failed)).map(|failed| Target::new(&failed.id, &failed.name));
    targets.map(|container| Step::RemoveContainer { container }).collect()
}

/// Kept containers of a name that go although nothing is replaced, each with the reason: `keep` of those that
/// were replaced stay, and the newest that failed, for a day, unless a later one did better. `now` is in seconds
/// since 1970.
pub fn superfluous(
    (name, owner): (&str, &Owner),
    keep: usize,
    now: i64,
    world: &World,
) -> Vec<(Target, String)> {
    let scene = Scene::read(name, owner, world);
    let at_rest = |kept: &&&Container| is_kept(kept) && matches!(kept.id, Id::Engine(_));
    let target = |kept: &Container| Target::new(&kept.id, &kept.name);
    let beyond = scene.retired.iter().skip(keep).filter(at_rest);
    let mut goes: Vec<(Target, String)> =
        beyond.map(|kept| (target(kept), format!("it was replaced (`keep_revisions: {keep}`)"))).collect();
    let current = scene.current.and_then(|current| current.labels().revision());
    for (age, failed) in scene.failed.iter().enumerate().filter(|(_, failed)| at_rest(failed)) {
        let number = failed.role().serves().map(|(_, number)| number);
        if age >= FAILED {
            goes.push((target(failed), "it failed, and later ones did too".to_owned()));
        } else if current > number {
            goes.push((target(failed), "it failed, and a later one did better".to_owned()));
        } else if ended(failed).is_some_and(|ended| now - ended > FAILED_KEPT) {
            goes.push((target(failed), "it failed more than a day ago".to_owned()));
        }
    }
    goes
}

/// When a container ended, or was made if it never ran; seconds since 1970.
fn ended(container: &Container) -> Option<i64> {
    ["State.FinishedAt", "Created"].into_iter().find_map(|path| {
        let time: jiff::Timestamp = container.attributes.text(path)?.parse().ok()?;
        Some(time.as_second()).filter(|second| *second > 0)
    })
}

/// The kept containers of ours that served a name which is meant.
pub fn kept_of(owner: &Owner, world: &World, is_meant: impl Fn(&str) -> bool) -> Vec<Target> {
    let of_ours = world.containers.values().filter(|kept| is_kept(kept) && kept.labels().are_of(owner));
    of_ours
        .filter(|kept| kept.role().serves().is_some_and(|(name, _)| is_meant(&name)))
        .map(|kept| Target::new(&kept.id, &kept.name))
        .collect()
}
