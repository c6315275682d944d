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
