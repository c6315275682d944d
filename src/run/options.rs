//! What is meant, after `cli` has resolved what was typed.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::saved::{Deployment, Expected};

use crate::state::{Policy, Trust};
use crate::world::Cause;

/// What every command needs to load state files. Not `Debug`: pillar values may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct TreeOptions {
    /// Absolute paths of the state files, in the order in which they were given.
    pub files: Vec<PathBuf>,
    /// `--env`, else the stem of the first file.
    pub env: String,
    /// `--pillar a.b=c`, in the order in which they were given: path and value as typed.
    pub pillar: Vec<(String, String)>,
    /// Absolute path of a file with grains, so that no engine has to be asked.
    pub grains: Option<PathBuf>,
    /// `--host` as it was typed; without it the engine follows the environment and the contexts.
    pub host: Option<String>,
    /// The project of a tree that names none; without it the root folder's name.
    pub project: Option<String>,
    pub trust: Trust,
    /// What the states may not declare.
    pub policy: Policy,
}

/// One run.
#[derive(Clone, PartialEq, Eq)]
pub struct ApplyOptions {
    pub tree: TreeOptions,
    pub mode: Mode,
    pub scope: Scope,
    /// Globs of states to which the run is limited; empty for all.
    pub targets: Vec<String>,
    /// Changes that are carried out side by side.
    pub jobs: NonZeroUsize,
    /// Whether orphans are removed.
    pub prune: bool,
    /// Whether an object that is not ours may be taken over.
    pub adopt: bool,
    pub data_loss: DataLoss,
    pub registries: AskRegistries,
    /// How long a run of somebody else is waited for; without, it is an error at once.
    pub lock_wait: Duration,
    /// Where the plan of a dry run is saved.
    pub save: Option<PathBuf>,
    /// What has to be as it was when the plan was saved.
    pub expected: Option<Expected>,
    /// What began the run, and what a person says of it: written into what it makes.
    pub cause: Cause,
    pub why: Option<String>,
    /// The commit whose states these are, where git began the run.
    pub commit: Option<String>,
    /// The push that is deployed, if one is.
    pub deployment: Option<Deployment>,
}

/// Whether registries are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskRegistries {
    /// An answer that is not older than this counts as new.
    WhereDue { ttl: Duration },
    /// `--offline`: images are taken as the engine has them.
    Never,
}

/// What a run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What the states declare, and before that what an earlier run has left unfinished.
    States,
    /// Only the latter; the states say no more than whose objects are meant.
    Unfinished,
}

/// Whether a run may do anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Apply,
    /// `--test`: plan, tell, touch nothing.
    Test,
}

/// Which volumes may go, if a state says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataLoss {
    Refuse,
    /// Only of these volumes.
    Of(BTreeSet<String>),
    Allow,
}

impl DataLoss {
    /// True if the volume called `name` may be removed.
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Self::Refuse => false,
            Self::Of(names) => names.contains(name),
            Self::Allow => true,
        }
    }
}

/// A graph to print.
#[derive(Clone, PartialEq, Eq)]
pub struct GraphOptions {
    pub tree: TreeOptions,
    pub format: GraphFormat,
}

/// How a graph is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphFormat {
    Text,
    /// For Graphviz.
    Dot,
}
