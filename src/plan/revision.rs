//! Revisions of containers: what is known of them, and what differs between two of them.

use std::time::Duration;

use jiff::Timestamp;

use super::FieldDiff;
use crate::world::Owner;

/// Revisions of one container, or the last ones of all, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryReport {
    /// The plain name that was asked for; nothing for all.
    pub name: Option<String>,
    pub revisions: Vec<Revision>,
    pub record: HistoryRead,
    /// "Now", for ages.
    pub now: Timestamp,
}

/// Whether the history could be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryRead {
    Read,
    /// There is none on this machine, of this user.
    Missing,
    Unreadable(String),
}

/// A container that was made, as far as the history and its labels tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revision {
    /// The plain name that it serves, served or was to serve.
    pub name: String,
    /// Nothing if neither label nor name says it.
    pub number: Option<u32>,
    pub owner: Option<Owner>,
    /// The engine's id of the container.
    pub container: Option<String>,
    pub when: Option<Timestamp>,
    /// The image as the container names it.
    pub image: String,
    pub image_id: Option<String>,
    /// The digest by which the registry knows the image.
    pub digest: Option<String>,
    pub version: Option<String>,
    /// `user@machine`.
    pub by: Option<String>,
    pub cause: Option<String>,
    pub why: Option<String>,
    pub commit: Option<String>,
    pub took: Option<Duration>,
    /// How long nothing served while it took over.
    pub gap: Option<Duration>,
    pub result: RevisionResult,
    /// Of one that failed: why.
    pub reason: Option<String>,
    pub whereabouts: Whereabouts,
    /// False: only the container's labels tell of it.
    pub is_on_record: bool,
    /// What differed from the revision before it.
    pub differences: Vec<String>,
    /// The plan of the change that made it, as a dry run shows it: what and why, what differs, its steps. Nothing where
    /// the record was made anew from labels, or is older than that.
    pub plan: Option<String>,
}

/// What became of the replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RevisionResult {
    Deployed,
    Failed,
    /// It has not taken over, and nobody has said that it failed: a run is at work, or was killed.
    Unfinished,
    #[default]
    Unknown,
}

/// Where a revision's container is now. States are the engine's words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Whereabouts {
    /// It has the plain name.
    Current { state: String, health: Option<String> },
    /// It has a name of its own, and does not run.
    Kept { name: String, state: String },
    /// It has a name of its own, and runs or is to run.
    Beside { name: String, state: String },
    #[default]
    Gone,
}

/// What differs between what was declared of two revisions.
#[derive(Debug, Clone, PartialEq)]
pub struct RevisionDifferences {
    pub from: Revision,
    pub to: Revision,
    pub differences: Vec<FieldDiff>,
    /// Fields with values that are kept of neither, so that nobody can tell whether they differ.
    pub hidden: Vec<String>,
}

impl Revision {
    /// `web@3`.
    pub fn label(&self) -> String {
        match self.number {
            Some(number) => format!("{}@{number}", self.name),
            None => self.name.clone(),
        }
    }
}

impl RevisionResult {
    pub fn word(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Failed => "failed",
            Self::Unfinished => "unfinished",
            Self::Unknown => "unknown",
        }
    }
}

impl Whereabouts {
    /// The name that the container has now.
    pub fn name<'a>(&'a self, plain: &'a str) -> Option<&'a str> {
        match self {
            Self::Current { .. } => Some(plain),
            Self::Kept { name, .. } | Self::Beside { name, .. } => Some(name),
            Self::Gone => None,
        }
    }
}
