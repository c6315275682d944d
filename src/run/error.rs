//! Why a run could not begin.

use thiserror::Error;

use crate::engine::ObserveError;
use crate::lock::LockError;
use crate::registry::RegistryError;
use crate::source::Diagnostics;

/// Each variant has an exit code of its own (`cli/exit_code.rs`).
#[derive(Debug, Error)]
pub enum RunError {
    /// Something on the command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The state files are wrong; nothing was touched.
    #[error("the state files are wrong")]
    Diagnostics(Diagnostics),
    /// The engine does not answer.
    #[error("{message}")]
    Unreachable { message: String, hint: Option<String> },
    /// Another run is at work, or the lock cannot be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A saved plan is not what would be done now.
    #[error("the plan is out of date: {0}")]
    OutOfDate(String),
    /// A person asked to stop before anything was begun.
    #[error("stopped; nothing was touched")]
    Stopped,
    /// A registry does not do its part.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Anything else; counts as a failed state.
    #[error("{0}")]
    Failed(String),
}

impl RunError {
    /// What to type next, if something useful can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { hint, .. } => hint.clone(),
            Self::Lock(error) => Some(error.hint()),
            Self::Registry(error) => error.hint(),
            Self::OutOfDate(_) => Some("plan again, look at it, and apply that".to_owned()),
            Self::Usage(_) | Self::Diagnostics(_) | Self::Stopped | Self::Failed(_) => None,
        }
    }
}

impl From<Diagnostics> for RunError {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Diagnostics(diagnostics)
    }
}

/// Why an engine could not be looked at.
pub(super) fn unreachable(error: ObserveError) -> RunError {
    match error {
        ObserveError::Unreachable { ref hint, .. } => {
            RunError::Unreachable { hint: hint.clone(), message: error.to_string() }
        }
        ObserveError::Answered { .. } | ObserveError::Garbled { .. } => {
            RunError::Unreachable { hint: None, message: error.to_string() }
        }
    }
}
