//! What a hook works with: the repository, the host's file, and what began it.

use std::path::{Path, PathBuf};

use super::folders::Folders;
use super::git::{Commit, LIMITS};
use super::{PushOptions, Pushed, Pusher, Repository, TriggerError};
use crate::plan::RunReport;
use crate::run::{
    self, Ambient, ApplyOptions, AskRegistries, DataLoss, Listener, Mode, RunError, TreeOptions,
};
use crate::state::{Environment, Hooks, Policy, Trust, hooks};
use crate::world::Cause;

/// Changes that are carried out side by side.
const JOBS: std::num::NonZeroUsize = match std::num::NonZeroUsize::new(4) {
    Some(jobs) => jobs,
    None => std::num::NonZeroUsize::MIN,
};

/// One repository and who pushes to it.
pub struct Site<'a> {
    pub repository: Repository,
    pub hooks: Hooks,
    pub pusher: Pusher,
    pub ambient: &'a Ambient,
}

/// A branch or tag that moved, and an environment that follows it.
pub struct Follower<'s> {
    pub environment: &'s Environment,
    pub pushed: &'s Pushed,
}

impl<'a> Site<'a> {
    /// Opens a repository, and reads the host's file.
    ///
    /// # Errors
    /// If there is no such repository, or the file is wrong.
    pub fn open(repository: &Path, config: &Path, ambient: &'a Ambient) -> Result<Self, TriggerError> {
        let repository = Repository::open(repository, &ambient.variables)?;
        let hooks = hooks(config, &Policy::WORDS).map_err(RunError::from)?;
        let pusher = Pusher::read(&ambient.variables, &ambient.user);
        Ok(Self { repository, hooks, pusher, ambient })
    }

    /// Which environments follow what was pushed.
    pub fn followers<'s>(&'s self, pushed: &'s [Pushed]) -> Vec<Follower<'s>> {
        let pairs = pushed.iter().flat_map(|pushed| {
            let following = self.hooks.environments.iter().filter(|it| it.follows(&pushed.reference));
            following.map(move |environment| Follower { environment, pushed })
        });
        pairs.collect()
    }

    /// Where things of an environment are kept.
    ///
    /// # Errors
    /// If there is no place for them.
    pub fn folders(&self, environment: &Environment) -> Result<Folders, TriggerError> {
        let state = self.ambient.state_places().folder();
        let state = state.map_err(|error| TriggerError::Run(RunError::Failed(error.to_string())))?;
        let folders = Folders::new(&state, &self.repository, &environment.name);
        folders.make()?;
        Ok(folders)
    }

    /// Runs the states of a commit for an environment, from a folder with its files.
    ///
    /// # Errors
    /// As `run::apply`.
    pub async fn run(
        &self,
        environment: &Environment,
        commit: &Commit,
        tree: &Path,
        wish: Wish<'_>,
        listener: Listener<'_>,
    ) -> Result<RunReport, RunError> {
        let ambient =
            Ambient { directory: tree.to_owned(), user: self.pusher.user.clone(), ..self.ambient.clone() };
        let options = ApplyOptions {
            tree: TreeOptions {
                files: vec![tree.join(&environment.state)],
                env: environment.name.clone(),
                pillar: Vec::new(),
                grains: None,
                host: environment.host.clone(),
                project: Some(self.repository.project()),
                trust: Trust::Pushed { root: tree.to_owned(), guards: environment.guards },
                policy: self.hooks.policy.iter().filter_map(|word| Policy::parse(word)).collect(),
            },
            mode: wish.mode,
            targets: Vec::new(),
            jobs: JOBS,
            prune: false,
            adopt: false,
            data_loss: if wish.options.data_loss.is_empty() {
                DataLoss::Refuse
            } else {
                DataLoss::Of(wish.options.data_loss.clone())
            },
            registries: AskRegistries::WhereDue { ttl: std::time::Duration::ZERO },
            save: wish.save,
            expected: None,
            cause: Cause::Push,
            why: Some(wish.options.why.clone().unwrap_or_else(|| commit.subject.clone())),
            commit: Some(commit.id.clone()),
        };
        run::apply(&options, &ambient, listener).await
    }

    /// Writes the files of a commit into an empty folder.
    ///
    /// # Errors
    /// If that cannot be, or something in the tree is not allowed.
    pub async fn export(&self, commit: &str, into: &Path) -> Result<(), TriggerError> {
        let (repository, commit, into) = (self.repository.clone(), commit.to_owned(), into.to_owned());
        let exported = tokio::task::spawn_blocking(move || repository.export(&commit, &into, LIMITS));
        match exported.await {
            Ok(done) => done,
            Err(error) => Err(TriggerError::Git(format!("a bug in evenkeel: {error}"))),
        }
    }
}

/// What is wanted of a run.
pub struct Wish<'a> {
    pub mode: Mode,
    pub save: Option<PathBuf>,
    pub options: &'a PushOptions,
}

/// A commit's id as people say it.
pub fn short(commit: &str) -> &str {
    commit.get(..8).unwrap_or(commit)
}

/// A branch's or tag's name as people say it.
pub fn plain(reference: &str) -> &str {
    let name = reference.strip_prefix("refs/heads/").or_else(|| reference.strip_prefix("refs/tags/"));
    name.unwrap_or(reference)
}
