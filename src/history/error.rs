//! Why something is not on record, or cannot be read.

use std::path::{Path, PathBuf};

use rusqlite::{Error, ErrorCode};
use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HistoryError {
    #[error("nothing says where the history is to lie: neither HOME nor XDG_STATE_HOME is set")]
    Nowhere,
    #[error("cannot make the folder {folder}: {reason}")]
    Folder { folder: PathBuf, reason: String },
    /// The database has a format that this program does not know.
    #[error(
        "{file} was written by a newer evenkeel: its format is {found}, and this one knows up to {known}"
    )]
    Newer { file: PathBuf, found: i64, known: i64 },
    /// What is there is no database, or one with holes.
    #[error("{file} is damaged: {reason}")]
    Damaged { file: PathBuf, reason: String },
    /// Another program holds it, for longer than anything takes here.
    #[error("{file} is in use by another program")]
    Busy { file: PathBuf },
    /// Anything else: a full disk, a file that may not be written.
    #[error("{file}: {reason}")]
    Failed { file: PathBuf, reason: String },
}

impl HistoryError {
    /// What SQLite says, about a file.
    pub(super) fn of(file: &Path, error: &Error) -> Self {
        let file = file.to_owned();
        let reason = match error {
            Error::SqliteFailure(failure, told) => told.clone().unwrap_or_else(|| failure.to_string()),
            other => other.to_string(),
        };
        match (error.sqlite_error_code(), error) {
            (Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt), _)
            | (
                None,
                Error::InvalidColumnType(..)
                | Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..),
            ) => Self::Damaged { file, reason },
            (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), _) => Self::Busy { file },
            _ => Self::Failed { file, reason },
        }
    }

    /// What to type next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Nowhere => Some("name a folder: EVENKEEL_STATE_DIR=/path".to_owned()),
            Self::Folder { .. } | Self::Failed { .. } => {
                Some("make room, or name a folder that you may write to: EVENKEEL_STATE_DIR=/path".to_owned())
            }
            Self::Newer { .. } => {
                Some("use that evenkeel, or name another folder: EVENKEEL_STATE_DIR=/path".to_owned())
            }
            Self::Damaged { file, .. } => {
                let file = file.display();
                Some(format!("move it away, and a new one is begun: mv {file} {file}.damaged"))
            }
            Self::Busy { file } => Some(format!("who has it? fuser {}", file.display())),
        }
    }
}
