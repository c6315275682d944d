//! After a push was accepted: the run, in a process of its own that goes on when the pusher goes away.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::gate::Told;
use super::queue::{self, Waited};
use super::site::{Site, Wish, plain, short};
use super::{Folders, PushOptions, TriggerError};
use crate::history::{Entry, History, HistoryError, Kind, Outcome};
use crate::lock::LockError;
use crate::plan::{Ending, RunReport};
use crate::run::{Listener, Mode, RunError};
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

/// How long a run from elsewhere is waited for.
const PATIENCE: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_secs(1);

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
    let environment =
        site.hooks.environments.iter().find(|it| it.name == wanted.environment).ok_or_else(|| {
            TriggerError::Asked(format!("the host's hooks.yml has no environment {}", wanted.environment))
        })?;
    if wanted.options.skip {
        return Ok(Deployed::Left("the push said skip".to_owned()));
    }
    let folders = site.folders(environment)?;
    let line = |text: String| tell(Told::Line(text));
    let _turn = match queue::wait(&folders, &site.repository, &wanted.new, line).await? {
        Waited::Turn(turn) => turn,
        Waited::Superseded(by) => return Ok(Deployed::Left(format!("superseded by {}", short(&by)))),
    };
    if let Some(reason) = stale(site, wanted) {
        return Ok(Deployed::Left(reason));
    }
    let on_push = if wanted.options.test { OnPush::Test } else { environment.on_push };
    let began = std::time::Instant::now();
    let done = carry_out(site, environment, wanted, on_push, &folders, tell, listener).await;
    if on_push == OnPush::Apply {
        let is_done = matches!(done, Ok(Deployed::Done));
        if let Err(reason) = record(site, wanted, is_done, began.elapsed()) {
            tell(Told::Line(format!("warning: this is not on record: {reason}")));
        }
        let name = if is_done { deployed_ref(&environment.name) } else { failed_ref(&environment.name) };
        site.repository.point(&name, &wanted.new)?;
        if is_done {
            site.repository.forget(&failed_ref(&environment.name));
        }
    }
    folders.tidy();
    done
}

/// Puts a run on record. That it cannot be is no reason to undo it.
fn record(
    site: &Site<'_>,
    wanted: &DeployOptions,
    is_done: bool,
    took: Duration,
) -> Result<(), HistoryError> {
    let entry = Entry {
        time: jiff::Timestamp::now(),
        engine: None,
        owner: None,
        object: wanted.environment.clone(),
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
        actor: format!("{}@{}", site.pusher.user, site.ambient.machine),
        why: wanted.options.why.clone(),
        detail: json!({
            "repository": site.repository.path(), "ref": wanted.reference, "commit": wanted.new, "forced": wanted.is_forced,
        }),
    };
    History::open(&site.ambient.state_places().folder()?)?.record(&entry)
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
    let deployed = site.repository.tip(&deployed_ref(&wanted.environment))?;
    let is_older = deployed != wanted.new && site.repository.is_ancestor(&wanted.new, &deployed);
    (is_older && !wanted.is_forced).then(|| {
        format!(
            "{} has {} already, which comes after it; to go back, revert and push, or move a branch back by force",
            wanted.environment,
            short(&deployed)
        )
    })
}

async fn carry_out(
    site: &Site<'_>,
    environment: &Environment,
    wanted: &DeployOptions,
    on_push: OnPush,
    folders: &Folders,
    tell: &(dyn Fn(Told) + Send + Sync),
    listener: Listener<'_>,
) -> Result<Deployed, TriggerError> {
    let commit = site.repository.commit(&wanted.new)?;
    let tree = folders.tree(&commit.id);
    // What a killed run wrote may be half of it.
    _ = std::fs::remove_dir_all(&tree);
    std::fs::create_dir(&tree).map_err(|error| TriggerError::file(&tree, &error))?;
    site.export(&commit.id, &tree).await?;
    let save = (on_push == OnPush::Plan).then(|| folders.plan(&commit.id));
    let began = std::time::Instant::now();
    let report = loop {
        let mode = if on_push == OnPush::Apply { Mode::Apply } else { Mode::Test };
        let wish = Wish { mode, save: save.clone(), options: &wanted.options };
        match site.run(environment, &commit, &tree, wish, listener).await {
            Err(RunError::Lock(LockError::Busy { .. })) if began.elapsed() < PATIENCE => {
                tokio::time::sleep(PAUSE).await;
            }
            ended => break ended?,
        }
    };
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

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn ending(report: &RunReport) -> Deployed {
    let is_failed = |ending: &Ending| matches!(ending, Ending::Failed { .. } | Ending::Skipped { .. });
    if report.aborted.is_some() || report.count(is_failed) > 0 { Deployed::Failed } else { Deployed::Done }
}
