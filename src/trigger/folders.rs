//! Where a hook keeps what outlives it: logs, saved plans and their trees, who waits.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Repository, TriggerError};

/// The folders of one environment of one repository.
#[derive(Debug, Clone)]
pub struct Folders {
    root: PathBuf,
}

impl Folders {
    /// Below the folder where evenkeel keeps its state.
    pub fn new(state: &Path, repository: &Repository, environment: &str) -> Self {
        let hash = Sha256::digest(repository.path().as_os_str().as_encoded_bytes());
        let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{}-{hash}", repository.project());
        Self { root: state.join("hooks").join(name).join(environment) }
    }

    pub fn waiting(&self) -> PathBuf {
        self.root.join("waiting")
    }

    pub fn turn(&self) -> PathBuf {
        self.root.join("turn")
    }

    pub fn queue(&self) -> PathBuf {
        self.root.join("queue")
    }

    /// The log of the run of a commit.
    pub fn log(&self, commit: &str) -> PathBuf {
        self.root.join("logs").join(format!("{commit}.log"))
    }

    /// The newest log, if there is one.
    pub fn newest_log(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(self.root.join("logs")).ok()?.filter_map(Result::ok);
        entries
            .max_by_key(|entry| entry.metadata().and_then(|file| file.modified()).ok())
            .map(|entry| entry.path())
    }

    pub fn plan(&self, commit: &str) -> PathBuf {
        self.root.join("plans").join(format!("{commit}.json"))
    }

    /// The files that a saved plan was made from.
    pub fn tree(&self, commit: &str) -> PathBuf {
        self.root.join("trees").join(commit)
    }

    /// Makes the folders, for nobody else to look into.
    ///
    /// # Errors
    /// If they cannot be made.
    pub fn make(&self) -> Result<(), TriggerError> {
        for name in ["logs", "plans", "trees"] {
            let folder = self.root.join(name);
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
            made.map_err(|error| TriggerError::file(&folder, &error))?;
        }
        Ok(())
    }

    /// Keeps a few of the newest logs, plans and trees.
    pub fn tidy(&self) {
        for name in ["logs", "plans", "trees"] {
            let Ok(entries) = fs::read_dir(self.root.join(name)) else { continue };
            let mut found: Vec<_> = entries
                .filter_map(Result::ok)
                .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
                .collect();
            found.sort();
            let old = found.len().saturating_sub(KEPT);
            for (_, path) in found.into_iter().take(old) {
                // What cannot be removed now is removed the next time.
                _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            }
        }
    }
}

/// So many runs are remembered.
const KEPT: usize = 20;
