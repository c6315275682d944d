//! Applying a plan that a push has saved: a deployment like any other, begun by somebody at the host.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::deploy::{mark, outrun, record};
use super::queue::{self, Turn};
use super::site::short;
use super::{Folders, Repository, TriggerError};
use crate::plan::{Ending, RunReport};
use crate::run::{Ambient, Deployment, RunError};

/// A deployment under way; the environment's turn is held until it ends.
pub struct Deploying {
    push: Deployment,
    repository: Repository,
    folders: Folders,
    began: Instant,
    _turn: Turn,
}

/// How long another run is waited for.
const PATIENCE: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_millis(200);

impl Deploying {
    /// Takes the turn of the environment.
    ///
    /// # Errors
    /// If the repository is gone, something newer runs, or another run does not end.
    pub async fn begin(push: &Deployment, ambient: &Ambient) -> Result<Self, TriggerError> {
        let repository = Repository::open(&push.repository, &BTreeMap::new())?;
        let folders = Folders::new(&repository, &push.environment);
        folders.make()?;
        let began = Instant::now();
        let turn = loop {
            match queue::take(&folders)? {
                Some(turn) => break turn,
                None if began.elapsed() > PATIENCE || ambient.stop.requested().is_some() => {
                    let reason = format!("another run of {} is at work", push.environment);
                    return Err(RunError::OutOfDate(reason).into());
                }
                None => tokio::time::sleep(PAUSE).await,
            }
        };
        if let Some(reason) = outrun(&repository, &push.environment, &push.commit).filter(|_| !push.is_forced)
        {
            return Err(RunError::OutOfDate(reason).into());
        }
        folders.begin(&push.commit)?;
        Ok(Self { push: push.clone(), repository, folders, began, _turn: turn })
    }

    /// Says what became of it: in our refs and on record. What was applied is applied; its files go.
    ///
    /// # Errors
    /// If the refs cannot be written.
    pub fn end(
        self,
        outcome: &Result<RunReport, RunError>,
        ambient: &Ambient,
    ) -> Result<String, TriggerError> {
        let Self { push, repository, folders, began, _turn } = self;
        folders.end();
        let environment = &push.environment;
        let Ok(report) = outcome else {
            return Ok(format!("{environment} stays as it is"));
        };
        let is_failed = |ending: &Ending| matches!(ending, Ending::Failed { .. } | Ending::Skipped { .. });
        let is_done = report.aborted.is_none() && report.count(is_failed) == 0;
        mark(&repository, &push, is_done)?;
        let noted = record(ambient, &push, &ambient.account, is_done, began.elapsed());
        let warning =
            noted.err().map(|reason| format!("; this is not on record: {reason}")).unwrap_or_default();
        let commit = short(&push.commit);
        if !is_done {
            return Ok(format!("{environment}: {commit} could not be deployed{warning}"));
        }
        // What cannot be removed now is removed by a later run.
        _ = std::fs::remove_dir_all(folders.tree(&push.commit));
        folders.tidy();
        Ok(format!("{environment} is at {commit}{warning}"))
    }
}
