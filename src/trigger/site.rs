//! What a hook works with: the repository, the host's file, and what began it.

use std::path::{Path, PathBuf};

use super::folders::Folders;
use super::git::LIMITS;
use super::{PushOptions, Pushed, Pusher, Repository, TriggerError};
use crate::plan::RunReport;
use crate::run::{
    self, Ambient, ApplyOptions, AskRegistries, DataLoss, Deployment, Listener, Mode, RunError, Scope,
    StatusOptions, TreeOptions,
};
use crate::state::{Environment, Hooks, OnPush, Policy, Trust, hooks};
use crate::world::Cause;

/// Changes that are carried out side by side.
const JOBS: std::num::NonZeroUsize = match std::num::NonZeroUsize::new(4) {
    Some(jobs) => jobs,
    None => std::num::NonZeroUsize::MIN,
};

/// How long a run from elsewhere is waited for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

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
        let pusher = Pusher::read(&ambient.variables, &ambient.account);
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

    /// The environment of this name.
    ///
    /// # Errors
    /// If the host's file has none.
    pub fn environment(&self, name: &str) -> Result<&Environment, TriggerError> {
        let found = self.hooks.environments.iter().find(|it| it.name == name);
        found.ok_or_else(|| TriggerError::Asked(format!("the host's hooks.yml has no environment {name}")))
    }

    /// Where things of an environment are kept.
    pub fn folders(&self, environment: &Environment) -> Folders {
        Folders::new(&self.repository, &environment.name)
    }

    /// Runs the states of a commit for an environment, from a folder with its files.
    ///
    /// # Errors
    /// As `run::apply`.
    pub async fn run(
        &self,
        environment: &Environment,
        tree: &Path,
        wish: Wish<'_>,
        listener: Listener<'_>,
    ) -> Result<RunReport, RunError> {
        let mut ambient =
            Ambient { directory: tree.to_owned(), user: wish.push.pusher.clone(), ..self.ambient.clone() };
        // Whoever pushes may set it.
        ambient.variables.remove("SUDO_USER");
        let options = ApplyOptions {
            tree: TreeOptions {
                files: vec![tree.join(&environment.state)],
                env: environment.name.clone(),
                pillar: Vec::new(),
                grains: None,
                host: environment.host.clone(),
                project: Some(self.repository.project()),
                trust: Trust::Pushed { root: tree.to_owned(), guards: environment.guards },
                policy: self.policy(environment),
            },
            mode: wish.mode,
            scope: Scope::States,
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
            lock_wait: PATIENCE,
            save: wish.save,
            expected: None,
            cause: Cause::Push,
            why: Some(wish.push.why.clone()),
            commit: Some(wish.push.commit.clone()),
            deployment: Some(wish.push.clone()),
        };
        run::apply(&options, &ambient, listener).await
    }

    /// What the states may not declare, and whose things they may concern: the project that the host allows, else
    /// the one that this repository has deployed.
    fn policy(&self, environment: &Environment) -> Policy {
        let policy: Policy = self.hooks.policy.iter().filter_map(|word| Policy::parse(word)).collect();
        let mut scope = environment.scope.clone();
        scope.projects = scope.projects.or_else(|| Some(vec![self.repository.deployed_project()?]));
        policy.within(scope)
    }

    /// True if nobody has said yet which project is this repository's.
    pub fn is_unclaimed(&self, environment: &Environment) -> bool {
        environment.scope.projects.is_none()
            && environment.on_push != OnPush::Test
            && self.repository.deployed_project().is_none()
    }

    /// Says what stands against a project's becoming this repository's, if anything does.
    ///
    /// # Errors
    /// If the engine cannot be asked.
    pub async fn stranger_in(
        &self,
        project: &str,
        environment: &Environment,
    ) -> Result<Option<TriggerError>, RunError> {
        if !self.is_unclaimed(environment) {
            return Ok(None);
        }
        let options = StatusOptions { names: Vec::new(), host: environment.host.clone() };
        let found = run::status(&options, self.ambient).await?.containers.into_iter();
        let theirs = found.map(|container| container.subject);
        let mut theirs = theirs.filter(|it| it.owner.as_ref().is_some_and(|owner| owner.project == project));
        let stranger = theirs.next();
        Ok(stranger.map(|it| TriggerError::Stranger { project: project.to_owned(), container: it.name }))
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
#[derive(Clone)]
pub struct Wish<'a> {
    pub mode: Mode,
    pub save: Option<PathBuf>,
    pub options: &'a PushOptions,
    pub push: &'a Deployment,
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
