//! Why a lock cannot be had.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::folder;
use super::holder::Holder;
use super::key::LockKey;

#[derive(Debug, Error)]
pub enum LockError {
    /// Another run on this machine is at work on the same engine, project and environment.
    #[error("another run is at work on {key}: {}", said(holder.as_deref()))]
    Busy { key: LockKey, holder: Option<Box<Holder>> },
    /// There is a lock at the engine, and whose it is may be at work. It ends by itself after `left`, unless it is
    /// renewed; nothing if the engine does not tell the time.
    #[error("another run is at work on {key}: {}; its lock at the engine {}", said(holder.as_deref()), lasting(*left))]
    Held { key: LockKey, holder: Option<Box<Holder>>, left: Option<Duration> },
    /// What has the name of the lock at the engine is no lock.
    #[error("the container `{}` has the name of the lock for {key}, and is no lock", key.container_name())]
    Foreign { key: LockKey },
    /// The engine does not let it be taken.
    #[error("cannot lock {key} at the engine: {what} `{}`: {reason}", key.container_name())]
    Engine { key: LockKey, what: &'static str, reason: String },
    /// The folder for locks cannot be used.
    #[error("cannot use `{}` for locks: {reason}", folder.display())]
    Folder { folder: PathBuf, reason: String },
    /// The file of the lock cannot be opened or locked.
    #[error("cannot lock `{}`: {reason}", file.display())]
    File { file: PathBuf, reason: String },
}

fn said(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "its lock does not say whose it is".to_owned(), Holder::to_string)
}

fn lasting(left: Option<Duration>) -> String {
    match left.map(|left| left.as_secs()) {
        None => "does not end by itself, since the engine does not tell the time".to_owned(),
        Some(seconds @ ..60) => format!("ends in {seconds} s unless it is renewed"),
        Some(seconds) => format!("ends in {} min {} s unless it is renewed", seconds / 60, seconds % 60),
    }
}

impl LockError {
    /// True if somebody else has the lock: waiting helps.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Held { .. })
    }

    /// What to type next.
    pub fn hint(&self) -> String {
        match self {
            Self::Busy { holder: Some(holder), .. } => {
                format!(
                    "wait until it is done and try again (`--lock-wait 10m` does that); `ps -p {}` on {} shows it",
                    holder.pid, holder.host
                )
            }
            Self::Busy { holder: None, .. } => {
                "wait until it is done and try again (`--lock-wait 10m` does that)".to_owned()
            }
            Self::Held { key, .. } => format!(
                "wait until it is done and try again (`--lock-wait 10m` does that); if that run is no more: evenkeel unlock --project '{}' --env '{}' --force",
                key.owner.project, key.owner.env
            ),
            Self::Foreign { key } => {
                let name = key.container_name();
                format!("nobody but evenkeel makes such names; look at it (docker inspect {name}), then rename or remove it")
            }
            Self::Engine { .. } => {
                "a run makes and removes a container of its own name for that (POST /containers/create, once POST \
                 /images/load, DELETE /containers/ID); what is between you and the engine has to let it"
                    .to_owned()
            }
            Self::Folder { .. } | Self::File { .. } => {
                let variable = folder::VARIABLE;
                format!("make it a folder that only you can write to, or name another one in {variable}")
            }
        }
    }
}
