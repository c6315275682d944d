//! What a lock is for.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::world::Owner;

/// One engine, and whose objects on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockKey {
    /// The engine's own id, the same by whatever address it is reached.
    pub engine: String,
    pub owner: Owner,
}

impl LockKey {
    /// A file name for people to recognise, made unique by a hash of all that it stands for.
    pub fn file_name(&self) -> String {
        let Owner { project, env } = &self.owner;
        format!("{}.lock", told(&self.owner, &[&self.engine, project, env]))
    }

    /// The name of the container that is the lock at the engine: the same for all who know the engine by
    /// whatever address.
    pub fn container_name(&self) -> String {
        let Owner { project, env } = &self.owner;
        format!("evenkeel.lock.{}", told(&self.owner, &[project, env]))
    }
}

impl fmt::Display for LockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "project `{}`, env `{}`", self.owner.project, self.owner.env)
    }
}

/// An owner in words, made unique by a hash.
fn told(owner: &Owner, parts: &[&String]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let hash: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{hash}", plain(&owner.project), plain(&owner.env))
}

fn plain(text: &str) -> String {
    text.chars().take(40).map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
