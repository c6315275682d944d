//! What can go wrong around a push.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::run::RunError;

/// Why a hook could not do its part.
#[derive(Debug, Error)]
pub enum TriggerError {
    #[error("{} is no repository to push to: {reason}", path.display())]
    Repository { path: PathBuf, reason: String },
    #[error("the git program cannot be run: {0}")]
    NoGit(io::Error),
    #[error("git: {0}")]
    Git(String),
    /// Something in the pushed tree is not allowed.
    #[error("the pushed tree has {}: {reason}", path.display())]
    Tree { path: PathBuf, reason: String },
    #[error("the pushed tree is larger than {0}")]
    TooLarge(String),
    /// A hook of somebody else is in the way.
    #[error("{} is somebody else's", .0.display())]
    Foreign(PathBuf),
    /// Hooks that are not this repository's alone.
    #[error("the hooks of {} lie outside of it: {}", repository.display(), hooks.display())]
    Shared { hooks: PathBuf, repository: PathBuf },
    #[error("{}: {reason}", path.display())]
    File { path: PathBuf, reason: String },
    /// The first push of a repository would concern somebody else's containers.
    #[error(
        "the project `{project}` has containers here already ({container}), and none of them is from this repository"
    )]
    Stranger { project: String, container: String },
    /// What the pusher asked for makes no sense.
    #[error("{0}")]
    Asked(String),
    #[error(transparent)]
    Run(#[from] RunError),
}

impl TriggerError {
    pub(super) fn file(path: &Path, error: &io::Error) -> Self {
        Self::File { path: path.to_owned(), reason: error.to_string() }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Foreign(_) => Some("--chain calls it first; else move it away".to_owned()),
            Self::Stranger { project, .. } => Some(format!(
                "give it another name in evenkeel.yml; or who keeps the host allows it: `projects: [{project}]` in hooks.yml"
            )),
            Self::Shared { repository, .. } => {
                let path = repository.display();
                Some(format!(
                    "other repositories may use them too; git -C {path} config core.hooksPath {path}/hooks"
                ))
            }
            Self::NoGit(_) => Some("install git".to_owned()),
            Self::Tree { .. } => Some("take it out of the tree and push again".to_owned()),
            Self::TooLarge(_) => Some("push state files and small build contexts only".to_owned()),
            Self::Run(error) => error.hint(),
            Self::Repository { .. } => Some("name a bare repository, made with: git init --bare".to_owned()),
            Self::Git(_) | Self::File { .. } | Self::Asked(_) => None,
        }
    }
}
