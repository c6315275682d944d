//! What came of the methods that containers declare, and how containers stand.

use std::time::Duration;

use jiff::Timestamp;

use crate::world::Owner;

/// What a container can declare to be run in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Validate,
    Update,
}

/// What came of running methods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MethodReport {
    pub runs: Vec<MethodRun>,
    /// Containers that were left out of all, and why.
    pub left_out: Vec<(String, String)>,
    /// What a person should know, such as what is not on record.
    pub warnings: Vec<String>,
}

/// One method in one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodRun {
    pub subject: Subject,
    pub method: Method,
    /// Of an update: which one of this container it is.
    pub number: Option<u32>,
    pub ending: MethodEnding,
    pub took: Duration,
    pub is_on_record: bool,
}

/// A container, as far as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    pub name: String,
    pub owner: Option<Owner>,
    pub revision: Option<u32>,
    /// The image as the container names it.
    pub image: String,
    /// The digest by which the registry knows it.
    pub digest: Option<String>,
    pub version: Option<String>,
}

/// How a method ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MethodEnding {
    Exited(i64),
    /// It was not even begun.
    NotRun {
        reason: String,
        hint: Option<String>,
    },
    /// The time for it is over; it may still run.
    TimedOut(Duration),
    /// A person asked to stop; it may still run.
    Stopped,
    /// The engine did not say how it ended.
    Lost(String),
}

/// How containers stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    pub containers: Vec<ContainerStatus>,
    /// Names that no container has.
    pub missing: Vec<String>,
    /// Why nothing is known of what was done, if that is so.
    pub unread: Option<String>,
    /// "Now", for ages.
    pub now: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerStatus {
    pub subject: Subject,
    /// The engine's word, with the exit code of what has ended.
    pub state: String,
    /// The engine's word, if there is a healthcheck.
    pub health: Option<String>,
    pub validation: Validity,
    pub update: Option<Done>,
}

/// What is known of a container's validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validity {
    /// It declares none, and none is on record.
    Undeclared,
    Never,
    /// It was this container.
    Own(Done),
    /// It was an earlier container of the same name and the same image.
    Earlier(Done),
    /// An earlier container of the same name was validated with another image, which says nothing of this one.
    OtherImage(Done),
    /// The history cannot be read.
    Unknown,
}

/// Something that is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// `passed`, `failed` or `unknown`.
    pub result: &'static str,
    pub when: Timestamp,
    pub exit_code: Option<i64>,
    pub revision: Option<u32>,
    /// Of an update: which one of its container.
    pub number: Option<u32>,
}

impl Method {
    pub fn word(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Update => "update",
        }
    }
}

impl MethodEnding {
    pub fn is_passed(&self) -> bool {
        *self == Self::Exited(0)
    }

    /// `passed`, `failed`, or `unknown` where nobody waited for the end.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Exited(0) => "passed",
            Self::Exited(_) | Self::NotRun { .. } => "failed",
            Self::TimedOut(_) | Self::Stopped | Self::Lost(_) => "unknown",
        }
    }

    pub fn exit_code(&self) -> Option<i64> {
        match self {
            Self::Exited(code) => Some(*code),
            Self::NotRun { .. } | Self::TimedOut(_) | Self::Stopped | Self::Lost(_) => None,
        }
    }
}

impl MethodReport {
    /// True if everything that was asked for has passed.
    pub fn is_passed(&self) -> bool {
        self.runs.iter().all(|run| run.ending.is_passed())
    }
}
