//! After a push was accepted: the run, in a process of its own that goes on when the pusher goes away.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::gate::Told;
use super::queue::{self, Waited};
use super::site::{Site, Wish, plain, short};
use super::worker::looking;
use super::{PushOptions, Repository, TriggerError};
use crate::history::{Entry, History, HistoryError, Kind, Outcome};
use crate::plan::{Ending, Event, RunReport};
use crate::run::{Ambient, Deployment, Listener, Mode, RunError};
use crate::state::{Environment, OnPush};

/// What is to be deployed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployOptions {
    pub environment: String,
    /// The commit.
    pub new: String,
    /// The branch or tag that was pushed.
    pub reference: String,
    /// True if the branch or tag was moved to a commit that does not come after the one before.
    pub is_forced: bool,
    /// Who pushed, as `Pusher::name` says: what showed that is gone when they are.
    pub pusher: String,
    pub options: PushOptions,
}

/// What came of it.
pub enum Deployed {
    /// Everything is as the commit says, or would be.
    Done,
    Failed,
    /// Nothing was done, for this reason.
    Left(String),
}

/// So much longer than the look before it may a run take to its plan: nobody waits for it but the next run.
const MORE_TIME: u32 = 10;

/// The ref that says what runs in an environment.
pub fn deployed_ref(environment: &str) -> String {
    format!("refs/evenkeel/deployed/{environment}")
}

/// The ref that says what could not be deployed.
pub fn failed_ref(environment: &str) -> String {
    format!("refs/evenkeel/failed/{environment}")
}

/// Does with a pushed commit what its environment says.
///
/// # Errors
/// If it cannot be begun.
pub async fn deploy(
    site: &Site<'_>,
    wanted: &DeployOptions,
    tell: &(dyn Fn(Told) + Send + Sync),
    listener: Listener<'_>,
) -> Result<Deployed, TriggerError> {
    let environment = site.environment(&wanted.environment)?;
    let commit = site.repository.commit(&wanted.new)?;
    let folders = site.folders(environment);
    folders.make()?;
    let line = |text: String| tell(Told::Line(text));
    let _turn = match queue::wait(&folders, &site.repository, &wanted.new, line).await? {
        Waited::Turn(turn) => turn,
        Waited::Superseded(by) => return Ok(Deployed::Left(format!("superseded by {}", short(&by)))),
    };
    if let Some(reason) = stale(site, wanted) {
        return Ok(Deployed::Left(reason));
    }
    // What runs that were killed have left.
    folders.tidy();
    let on_push = environment.on_push;
    let push = Deployment {
        repository: site.repository.path().to_owned(),
        environment: environment.name.clone(),
        reference: wanted.reference.clone(),
        why: wanted.options.why.clone().unwrap_or_else(|| commit.subject.clone()),
        commit: commit.id,
        pusher: wanted.pusher.clone(),
        is_forced: wanted.is_forced,
    };
    if on_push == OnPush::Apply {
        folders.begin(&push.commit)?;
    }
    let began = std::time::Instant::now();
    let done = carry_out(site, environment, &wanted.options, &push, on_push, tell, listener).await;
    if on_push == OnPush::Apply {
        let is_done = matches!(done, Ok(Deployed::Done));
        if let Err(reason) = record(site.ambient, &push, &push.pusher, is_done, began.elapsed()) {
            tell(Told::Line(format!("warning: this is not on record: {reason}")));
        }
        mark(&site.repository, &push, is_done)?;
        folders.end();
    }
    folders.tidy();
    done
}

/// Says by our refs what became of a push.
pub(super) fn mark(repository: &Repository, push: &Deployment, is_done: bool) -> Result<(), TriggerError> {
    let (deployed, failed) = (deployed_ref(&push.environment), failed_ref(&push.environment));
    repository.point(if is_done { &deployed } else { &failed }, &push.commit)?;
    if is_done {
        repository.forget(&failed);
    }
    Ok(())
}

/// Puts a run on record. That it cannot be is no reason to undo it.
pub(super) fn record(
    ambient: &Ambient,
    push: &Deployment,
    actor: &str,
    is_done: bool,
    took: Duration,
) -> Result<(), HistoryError> {
    let entry = Entry {
        time: jiff::Timestamp::now(),
        engine: None,
        owner: None,
        object: push.environment.clone(),
        container: None,
        revision: None,
        kind: Kind::Deployed,
        image: None,
        image_id: None,
        digests: Vec::new(),
        version: None,
        outcome: if is_done { Outcome::Passed } else { Outcome::Failed },
        exit_code: None,
        took,
        actor: format!("{actor}@{}", ambient.machine),
        why: Some(push.why.clone()),
        detail: json!({
            "repository": push.repository, "ref": push.reference, "commit": push.commit, "forced": push.is_forced,
            "pusher": push.pusher,
        }),
    };
    History::open(&ambient.state_places().folder()?)?.record(&entry)
}

/// Why this commit is not the one to deploy any more.
fn stale(site: &Site<'_>, wanted: &DeployOptions) -> Option<String> {
    let name = plain(&wanted.reference);
    let Some(tip) = site.repository.tip(&wanted.reference) else {
        return Some(format!("{name} is gone"));
    };
    if tip != wanted.new {
        return Some(format!("{name} is at {} by now", short(&tip)));
    }
    outrun(&site.repository, &wanted.environment, &wanted.new).filter(|_| !wanted.is_forced)
}

/// Says that an environment has a commit that comes after this one, if it has.
pub(super) fn outrun(repository: &Repository, environment: &str, commit: &str) -> Option<String> {
    let deployed = repository.tip(&deployed_ref(environment))?;
    let is_older = deployed != commit && repository.is_ancestor(commit, &deployed);
    is_older.then(|| {
        format!(
            "{environment} has {} already, which comes after it; to go back, revert and push, or move a branch back by force",
            short(&deployed)
        )
    })
}

async fn carry_out(
    site: &Site<'_>,
    environment: &Environment,
    options: &PushOptions,
    push: &Deployment,
    on_push: OnPush,
    tell: &(dyn Fn(Told) + Send + Sync),
    listener: Listener<'_>,
) -> Result<Deployed, TriggerError> {
    let folders = site.folders(environment);
    let tree = folders.tree(&push.commit);
    let failed = |error: std::io::Error| TriggerError::file(&tree, &error);
    // What a killed run wrote may be half of it.
    _ = std::fs::remove_dir_all(&tree);
    folders.make_one(&tree).map_err(failed)?;
    site.export(&push.commit, &tree).await?;
    folders.share_all(&tree).map_err(failed)?;
    let save = (on_push == OnPush::Plan).then(|| folders.plan(&push.commit));
    let limit = environment.timeout * MORE_TIME;
    if site.is_unclaimed(environment) {
        // The look before may not have come to its end, and the push been accepted all the same.
        let wish = Wish { mode: Mode::Test, save: None, options, push };
        let looked = bounded(limit, &|_| {}, async |heard| site.run(environment, &tree, wish, heard).await);
        let project = looked.await?.plan.owner.project;
        if let Some(stranger) = site.stranger_in(&project, environment).await? {
            return Err(stranger);
        }
    }
    // Before anything is made, so that a killed run has said whose it is.
    let listener: Listener<'_> = &|event: Event| {
        if let Event::Planned { plan } = &event
            && on_push != OnPush::Test
            && let Err(error) = site.repository.take_project(&plan.owner.project)
        {
            tell(Told::Line(format!("warning: the project is not remembered: {error}")));
        }
        listener(event);
    };
    let mode = if on_push == OnPush::Apply { Mode::Apply } else { Mode::Test };
    let wish = Wish { mode, save: save.clone(), options, push };
    let report =
        bounded(limit, listener, async |listener| site.run(environment, &tree, wish, listener).await).await?;
    let ending = ending(&report);
    tell(Told::Plan(Box::new(report)));
    if on_push != OnPush::Plan {
        _ = std::fs::remove_dir_all(&tree);
    }
    if let (Some(plan), Deployed::Done) = (&save, &ending) {
        tell(Told::Line(format!("planned; apply it here with: evenkeel apply {}", shown(plan))));
    }
    Ok(ending)
}

/// Runs something that looks first and tells when it has a plan. Until then it changes nothing, and has a bound of
/// time and memory; after that it is let go on.
async fn bounded<T>(
    limit: Duration,
    listener: Listener<'_>,
    run: impl AsyncFnOnce(Listener<'_>) -> Result<T, RunError>,
) -> Result<T, RunError> {
    let memory = Mutex::new(looking());
    let is_planned = AtomicBool::new(false);
    let heard = |event: Event| {
        if matches!(event, Event::Planned { .. }) {
            is_planned.store(true, Ordering::SeqCst);
            drop(memory.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
        listener(event);
    };
    let too_long = async {
        tokio::time::sleep(limit).await;
        if is_planned.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    };
    // Both are asked by this task in turn, so the plan cannot come in between.
    tokio::select! {
        biased;
        done = run(&heard) => done,
        () = too_long => {
            Err(RunError::Failed(format!("the states take longer than {} s to compile and plan", limit.as_secs())))
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn ending(report: &RunReport) -> Deployed {
    let is_failed = |ending: &Ending| matches!(ending, Ending::Failed { .. } | Ending::Skipped { .. });
    if report.aborted.is_some() || report.count(is_failed) > 0 { Deployed::Failed } else { Deployed::Done }
}
