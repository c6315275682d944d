//! Doing one step. Every step here has its ids resolved: no `Id::Planned` reaches an engine.

use async_trait::async_trait;
use thiserror::Error;

use crate::world::Step;

/// What an engine said to a step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The engine's id of the object that the step made.
    pub id: Option<String>,
    /// Warnings that came with it.
    pub warnings: Vec<String>,
    /// What a person should know besides.
    pub notes: Vec<String>,
}

impl Answer {
    /// The answer to a step that made an object.
    pub fn made(id: String) -> Self {
        Self { id: Some(id), ..Self::default() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PerformError {
    /// The engine (or a gate) said no: the step did not happen.
    #[error("{message}")]
    Refused { status: Option<u16>, message: String },
    /// The container did not prove itself.
    #[error("{reason}")]
    NotSettled { reason: String },
    /// No answer came: the step may or may not have happened.
    #[error("the answer was lost: {reason}")]
    Lost { reason: String },
    /// A pull, a build or a load failed on the way; the last lines say why.
    #[error("{message}")]
    Failed { message: String, output: Vec<String> },
}

/// Takes lines of progress of a long step.
pub type Progress<'a> = &'a (dyn Fn(String) + Send + Sync);

/// What can do steps. Not constructed under `--test`.
#[async_trait]
pub trait Perform: Send + Sync {
    /// Does one step. Callers never drop this future before it ends.
    ///
    /// # Errors
    /// Says whether the step was refused or whether its fate is unknown.
    async fn perform(&self, step: &Step, progress: Progress<'_>) -> Result<Answer, PerformError>;
}
