//! Back to an earlier revision of a container: it is declared again as it was, and that is carried out like any
//! other change, so it can be shown before, fails without loss, and gets a number of its own.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::Duration;

use super::apply::carry_out;
use super::contents::with_contents;
use super::dependants::{Dependants, dependants};
use super::error::unreachable;
use super::former::Former;
use super::prepared::Prepared;
use super::record::recall;
use super::secrets;
use super::stopwatch::Stopwatch;
use super::subject::Site;
use super::tree::environment;
use super::{Ambient, ApplyOptions, AskRegistries, DataLoss, Listener, Mode, RunError, Scope, TreeOptions};
use crate::engine::{self, Observe, Wanted};
use crate::history::{Entry, Kind, Outcome};
use crate::plan::{Action, Change, RunReport};
use crate::resource::{
    Outcome as Unfinished, Recorded, is_job, plain_name, recorded, recover, revision_of, spec_of,
};
use crate::secret;
use crate::source::Place;
use crate::state::{Again, Policy, Trust};
use crate::world::{Cause, Container, Id, ImageReference, Owner, Role, World, label};

/// What is to go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackOptions {
    /// The name of the container.
    pub name: String,
    /// The revision; without it the newest that was replaced.
    pub to: Option<u32>,
    pub mode: Mode,
    pub why: Option<String>,
    /// `--host` as it was typed.
    pub host: Option<String>,
    /// How long a run of somebody else is waited for; without, it is an error at once.
    pub lock_wait: Duration,
}

/// So many entries about one name are looked through.
const MOST: u32 = 1000;

/// A revision to go back to.
struct Goal {
    number: u32,
    state: Recorded,
    /// It is still there, stopped.
    kept: Option<Container>,
    /// The id of its image, and how registries know it.
    image: Option<Id>,
    digests: Vec<String>,
    label_id: String,
    owner: Owner,
    /// It did not work out when it was tried.
    has_failed: bool,
}

/// Brings back a container as it was at an earlier revision, or says what that would take.
///
/// # Errors
/// If there is no such revision, if what it was made of is not known, or as [`super::apply`].
pub async fn rollback(
    options: &RollbackOptions,
    ambient: &Ambient,
    listener: Listener<'_>,
) -> Result<RunReport, RunError> {
    let mut clock = Stopwatch::default();
    let client =
        engine::connect(options.host.as_deref(), &environment(ambient)).await.map_err(unreachable)?;
    let wanted = Wanted {
        containers: [options.name.clone()].into(),
        kept: [options.name.clone()].into(),
        ..Wanted::default()
    };
    let mut world = client.world(&wanted).await.map_err(unreachable)?;
    let others = Wanted { containers: serving(&world), ..wanted.clone() };
    if others != wanted {
        world = client.world(&others).await.map_err(unreachable)?;
    }
    let site = Site { client, world };
    let mut of_name = site.world.containers.values().filter(|it| plain_name(&it.name) == options.name);
    if of_name.any(is_job) {
        return Err(RunError::Failed(format!(
            "{} is a job: what it did is not undone by going back to an earlier one; declare a job that does that",
            options.name
        )));
    }
    let ahead = recovered(&site.world, &options.name);
    let goal = goal(&site, &ahead, options, ambient).await?;
    let Dependants { mut follow, mut left } = dependants(&options.name, &goal.owner, &ahead);
    let cannot = |reason: String| {
        RunError::Failed(format!("{} cannot go back to revision {}: {reason}", options.name, goal.number))
    };
    let mut spec = spec_of(&goal.state, goal.kept.as_ref()).map_err(cannot)?;
    let mut former = Former::default();
    former.take(&mut spec, goal.kept.as_ref()).map_err(cannot)?;
    for dependant in &mut follow {
        former
            .take(&mut dependant.spec, ahead.container(&dependant.name))
            .map_err(|reason| RunError::Failed(format!("{} cannot follow: {reason}", dependant.name)))?;
    }
    let kept = goal.kept.as_ref().map(|kept| kept.id.to_string());
    with_contents(&mut spec, kept.as_deref(), &site.client, &mut former).await.map_err(cannot)?;
    for mut dependant in std::mem::take(&mut follow) {
        let own = site.world.container(&dependant.name).map(|container| container.id.to_string());
        match with_contents(&mut dependant.spec, own.as_deref(), &site.client, &mut former).await {
            Ok(()) => follow.push(dependant),
            Err(why) => left.push(format!("container {} is left as it is: {why}", dependant.name)),
        }
    }
    let vault = former.vault();
    let (image, is_image_missing) = image(&site, &goal, spec.text("image"), &options.name)?;
    spec.insert("image", image.into(), &Place::outside("an earlier revision"));
    let (number, has_failed, owner) = (goal.number, goal.has_failed, goal.owner.clone());
    let again = Again {
        owner: goal.owner,
        label_id: goal.label_id,
        name: options.name.clone(),
        spec,
        is_image_missing,
        dependants: follow,
    };
    clock.lap("look");
    let apply = apply_options(options, &owner, number);
    secret::watch_for(&vault);
    let mut graph = again.graph();
    secrets::canonical(&mut graph, &vault);
    let run = Prepared::new(&apply, ambient, site.client, (graph, vault)).await?;
    let (world, first) = run.plan(run.client.survey(), &mut clock, ambient).await?;
    let mut report = carry_out(&apply, (run, world, first), ambient, listener, clock).await?;
    let own = |change: &&mut Change| change.state.kind == "container" && change.state.name == options.name;
    if let Some(change) = report.plan.changes.iter_mut().find(own) {
        let is_it = if change.action == Action::None { "it is what it was at" } else { "back to" };
        change.notes.push(format!(
            "{is_it} revision {number}{}",
            if has_failed { ", which failed then" } else { "" }
        ));
        if change.action != Action::None {
            report.plan.warnings.extend(left);
        }
    }
    report.plan.warnings.push(format!(
        "the state files still say what they say: their next `apply` brings {} to that, unless they go back too",
        options.name
    ));
    Ok(report)
}

/// The names of all containers that are not at rest as revisions: any of them may have something of another one.
fn serving(world: &World) -> BTreeSet<String> {
    let current = world.containers.values().filter(|container| container.role() == Role::Current);
    current.map(|container| container.name.clone()).collect()
}

fn apply_options(options: &RollbackOptions, owner: &Owner, number: u32) -> ApplyOptions {
    ApplyOptions {
        tree: TreeOptions {
            files: Vec::new(),
            env: owner.env.clone(),
            pillar: Vec::new(),
            grains: None,
            host: options.host.clone(),
            project: Some(owner.project.clone()),
            trust: Trust::Own,
            policy: Policy::default(),
        },
        mode: options.mode,
        scope: Scope::States,
        // Whatever else this project has is none of its business.
        targets: vec!["*".to_owned()],
        jobs: NonZeroUsize::MIN,
        prune: false,
        adopt: false,
        data_loss: DataLoss::Refuse,
        registries: AskRegistries::WhereDue { ttl: Duration::ZERO },
        lock_wait: options.lock_wait,
        save: None,
        expected: None,
        cause: Cause::Rollback,
        why: options.why.clone().or_else(|| Some(format!("back to revision {number} of {}", options.name))),
        commit: None,
        deployment: None,
    }
}

/// What an earlier run left is finished or undone first, and what is newest then is gone back from.
fn recovered(world: &World, name: &str) -> World {
    let mut ahead = world.clone();
    let of_name = |container: &&Container| plain_name(&container.name) == name;
    let owner = world.containers.values().filter(of_name).find_map(|container| container.labels().owner());
    let recovery = owner.and_then(|owner| recover(name, &owner, world, Unfinished::Unknown));
    for step in recovery.iter().flat_map(|recovery| &recovery.steps) {
        // What cannot be foretold is seen when it is done.
        let _ = ahead.predict(step);
    }
    ahead
}

/// Finds the revision to go back to: among what is kept in a world, else on record.
async fn goal(
    site: &Site,
    world: &World,
    options: &RollbackOptions,
    ambient: &Ambient,
) -> Result<Goal, RunError> {
    let name = options.name.as_str();
    let current = world.container(name);
    let own = current.and_then(revision_of);
    let mut kept: Vec<(u32, &Container)> = world
        .containers
        .values()
        .filter_map(|container| match container.role() {
            Role::Retired { of, number } if of == name => Some((number, container)),
            _ => None,
        })
        .collect();
    kept.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    let entries = entries(site, name, ambient).await;
    let number = match options.to {
        Some(number) => number,
        None => {
            let kept = kept.first().map(|(number, _)| *number);
            let passed = entries.iter().filter(|entry| entry.outcome == Outcome::Passed);
            let earlier = passed.filter_map(|entry| entry.revision.filter(|number| Some(*number) < own));
            kept.or(earlier.max()).ok_or_else(|| nothing_earlier(name, current.is_some()))?
        }
    };
    if Some(number) == own {
        return Err(RunError::Usage(format!("{name} is at revision {number} already")));
    }
    let container = kept.iter().find(|(kept, _)| *kept == number).map(|(_, container)| *container);
    let entry = entries.iter().find(|entry| entry.revision == Some(number));
    let known = || {
        let mut known: Vec<u32> = kept.iter().map(|(number, _)| *number).collect();
        known.extend(entries.iter().filter_map(|entry| entry.revision).filter(|number| Some(*number) != own));
        known.sort_unstable();
        known.dedup();
        known
    };
    goal_of(number, container, entry, current).ok_or_else(|| {
        let failed = |number: &u32| {
            entries.iter().any(|entry| entry.revision == Some(*number) && entry.outcome == Outcome::Failed)
        };
        let told =
            |number: &u32| if failed(number) { format!("{number} (failed)") } else { number.to_string() };
        let known: Vec<String> = known().iter().map(told).collect();
        let rest = match known.as_slice() {
            [] => "none is known".to_owned(),
            known => format!("there are: {}", known.join(", ")),
        };
        RunError::Usage(format!("nobody knows revision {number} of {name}; {rest}"))
    })
}

fn nothing_earlier(name: &str, is_there: bool) -> RunError {
    RunError::Usage(match is_there {
        true => format!("there is nothing to go back to: no earlier revision of {name} is kept or on record"),
        false => format!("no revision of a container {name} is known"),
    })
}

fn goal_of(
    number: u32,
    kept: Option<&Container>,
    entry: Option<&Entry>,
    current: Option<&Container>,
) -> Option<Goal> {
    let on_record = || serde_json::from_value::<Recorded>(entry?.detail["state"].clone()).ok();
    let state = kept.and_then(recorded).or_else(on_record)?;
    let labelled = |container: Option<&Container>| container?.labels().get(label::ID).map(str::to_owned);
    Some(Goal {
        number,
        state,
        image: match kept {
            Some(kept) => Some(kept.image.clone()),
            None => entry?.image_id.clone().map(Id::Engine),
        },
        digests: entry.map(|entry| entry.digests.clone()).unwrap_or_default(),
        label_id: labelled(kept).or_else(|| labelled(current)).or_else(|| Some(entry?.object.clone()))?,
        owner: kept
            .and_then(|kept| kept.labels().owner())
            .or_else(|| entry?.owner.clone())
            .or_else(|| current?.labels().owner())?,
        kept: kept.cloned(),
        has_failed: entry.is_some_and(|entry| entry.outcome == Outcome::Failed),
    })
}

/// What is on record about the revisions of a name, the newest first; nothing if that cannot be read: what is
/// kept has to do then.
async fn entries(site: &Site, name: &str, ambient: &Ambient) -> Vec<Entry> {
    let (engine, name) = (site.engine(), name.to_owned());
    let read = recall(ambient, move |history| history.of_object(Kind::Revised, &engine, &name, MOST));
    read.await.ok().flatten().unwrap_or_default()
}

/// The image by which the container is declared: its tag if that still means the same, else its id, else its
/// digest. True if it has to be pulled.
fn image(site: &Site, goal: &Goal, tag: Option<&str>, name: &str) -> Result<(String, bool), RunError> {
    let tag = tag.unwrap_or_default();
    let (world, number) = (&site.world, goal.number);
    if let Some(id) = &goal.image {
        if world.image(tag).is_some_and(|image| image.id == *id) {
            return Ok((tag.to_owned(), false));
        }
        if world.images.contains_key(id) {
            return Ok((id.to_string(), false));
        }
    }
    let ImageReference::Named { registry, repository, .. } = ImageReference::parse(tag) else {
        return Err(RunError::Failed(format!("the image {tag} of revision {number} of {name} is gone")));
    };
    match goal.digests.first() {
        Some(digest) => Ok((format!("{registry}/{repository}@{digest}"), true)),
        None => Err(RunError::Failed(format!(
            "the image of revision {number} of {name} is gone, and no registry is known to have it (it was {tag})"
        ))),
    }
}
