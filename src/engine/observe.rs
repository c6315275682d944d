//! Reading an engine as a value. Nothing but GET and HEAD.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use thiserror::Error;

use crate::world::{Container, File, Owner, Remote, Role, SeenFile, World};

/// What has to be known in full; of everything else the lists are enough.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Containers with these names (or revisions of them), or with labels of this owner, are inspected.
    pub owner: Option<Owner>,
    pub containers: BTreeSet<String>,
    /// Names whose kept containers are inspected as well, although they are at rest.
    pub kept: BTreeSet<String>,
    /// Files that are looked at, by the name of their container.
    pub files: BTreeMap<String, Vec<File>>,
    /// Images that are inspected if the engine has them, besides those of inspected containers.
    pub images: BTreeSet<String>,
    /// Image references whose registry is asked what they point to.
    pub remotes: BTreeSet<String>,
}

impl Wanted {
    /// True if a container of this name, or one that carries it with a revision, is wanted.
    pub fn names(&self, container: &str) -> bool {
        self.containers.contains(container)
            || Role::of(container).serves().is_some_and(|(of, _)| self.containers.contains(&of))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ObserveError {
    /// The engine cannot be reached at all.
    #[error("cannot reach the engine at {address}: {reason}")]
    Unreachable { address: String, reason: String, hint: Option<String> },
    /// The engine answered with an error.
    #[error("{what}: the engine answered {status}: {message}")]
    Answered { what: String, status: u16, message: String },
    /// The engine's answer cannot be understood.
    #[error("{what}: cannot understand the engine's answer: {reason}")]
    Garbled { what: String, reason: String },
}

/// What can look at an engine.
#[async_trait]
pub trait Observe: Send + Sync {
    /// Reads the engine.
    ///
    /// # Errors
    /// If the engine cannot be reached or understood. An object that vanishes between the list and
    /// its inspection is simply not there.
    async fn world(&self, wanted: &Wanted) -> Result<World, ObserveError>;

    /// Asks the registries what references point to. What cannot be asked is an answer too.
    ///
    /// # Errors
    /// If the engine cannot be reached.
    async fn remotes(&self, references: &BTreeSet<String>) -> Result<BTreeMap<String, Remote>, ObserveError>;

    /// Inspects one container by id or name; nothing if it is not there.
    ///
    /// # Errors
    /// If the engine cannot be reached or understood.
    async fn container(&self, id: &str) -> Result<Option<Container>, ObserveError>;

    /// Reads files of one container by their paths.
    ///
    /// # Errors
    /// If the engine cannot be reached or understood.
    async fn files(&self, id: &str, paths: &[String]) -> Result<BTreeMap<String, SeenFile>, ObserveError>;

    /// The states of all containers, from one list call: engine id, and the state's word.
    ///
    /// # Errors
    /// If the engine cannot be reached or understood.
    async fn states(&self) -> Result<Vec<(String, String)>, ObserveError>;

    /// The last lines that a container wrote, both streams, at most `lines`.
    async fn last_log_lines(&self, id: &str, lines: u32) -> Vec<String>;

    /// Requests that were sent so far.
    fn requests(&self) -> u64;
}
