//! What a compilation starts from. Everything ambient comes in here: no clock, no environment.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

/// The files and data that a tree of state files is compiled from.
#[derive(Clone, Default)]
pub struct Inputs {
    /// The state files named on the command line.
    pub files: Vec<PathBuf>,
    /// The folder that relative paths of `files` start from.
    pub folder: PathBuf,
    /// `--env`; without it the stem of the first file.
    pub env: Option<String>,
    /// `--pillar a.b=c`, in order; the last one wins.
    pub pillar: Vec<(String, String)>,
    pub grains: Grains,
    /// The project of a tree that names none; without it the root folder's name.
    pub project: Option<String>,
    pub trust: Trust,
}

/// Whose tree it is, and so what it may look at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// Whoever runs evenkeel has written it, and may name any file and command of this machine.
    #[default]
    Own,
    /// Others have written it: it reads nothing outside of `root`, the folder that holds all that
    /// they gave, and runs nothing, but guards if they are allowed.
    Pushed { root: PathBuf, guards: bool },
}

/// Where the facts of the target engine come from.
#[derive(Clone, Default)]
pub enum Grains {
    /// There is no engine to ask, and no file was given.
    #[default]
    Missing,
    Given(Value),
    /// Asked once, when the first template reads a grain; an error is a lower-case fragment.
    Lazy(Arc<dyn Fn() -> Result<Value, String> + Send + Sync>),
}
