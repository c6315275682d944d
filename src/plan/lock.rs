//! Who has locked what, as a value.

use std::time::Duration;

use jiff::Timestamp;

use crate::world::Owner;

/// The locks at an engine, and those of this machine on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockReport {
    pub locks: Vec<LockStatus>,
}

/// One lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockStatus {
    pub owner: Owner,
    pub standing: LockStanding,
    /// Nothing if it cannot be read.
    pub holder: Option<LockHolder>,
    /// The lock at the engine; nothing of a run that has only locked its file so far.
    pub container: Option<LockContainer>,
}

/// What a lock means to whoever comes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockStanding {
    /// Its run is alive on this machine.
    AtWork,
    /// Its run was on this machine, and is no more: the next run takes it over.
    LeftBehind,
    /// It was not renewed in time: the next run takes it over.
    Expired,
    /// Another machine's, or another user's.
    Elsewhere,
}

/// The run that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    pub pid: u32,
    pub host: String,
    pub user: String,
    pub since: Timestamp,
    /// Secrets masked.
    pub command: String,
}

/// The container that is the lock at the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockContainer {
    pub name: String,
    pub id: String,
    /// Tells the run from all others.
    pub run: Option<String>,
    /// When it ends unless it is renewed, and how long that is, by the engine's clock.
    pub ends: Option<Timestamp>,
    pub left: Option<Duration>,
}

impl LockStanding {
    /// What programs read.
    pub fn word(self) -> &'static str {
        match self {
            Self::AtWork => "at_work",
            Self::LeftBehind => "left_behind",
            Self::Expired => "expired",
            Self::Elsewhere => "elsewhere",
        }
    }
}
