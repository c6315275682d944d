//! One line of the history.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::world::Owner;

/// Something that was done. What a command printed is not part of it: it may hold secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub time: Timestamp,
    /// The engine's own id; nothing where no engine took part.
    pub engine: Option<String>,
    /// Whose the object is, if evenkeel made it.
    pub owner: Option<Owner>,
    /// A container's plain name, or a pipeline's.
    pub object: String,
    /// The engine's id of the container.
    pub container: Option<String>,
    pub revision: Option<u32>,
    pub kind: Kind,
    /// The image as it was named: of a promotion the tag that was moved.
    pub image: Option<String>,
    /// The engine's id of the image.
    pub image_id: Option<String>,
    /// Every registry digest by which the image was known at that time.
    pub digests: Vec<String>,
    pub version: Option<String>,
    pub outcome: Outcome,
    pub exit_code: Option<i64>,
    pub took: Duration,
    /// `user@machine`.
    pub actor: String,
    pub why: Option<String>,
    /// What only entries of this kind have: a JSON object.
    pub detail: Value,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The validation that a container declares was run.
    Validated,
    /// The update that a container declares was run.
    Updated,
    /// An image was brought to a stage.
    Promoted,
    /// What was pushed to a repository was applied to an environment.
    Deployed,
    /// A container was made: a first one, or one that was to replace another.
    Revised,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
    /// Nobody waited for its end.
    Unknown,
}

impl Kind {
    pub const ALL: [Self; 5] =
        [Self::Validated, Self::Updated, Self::Promoted, Self::Deployed, Self::Revised];

    /// How it stands in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Validated => "validated",
            Self::Updated => "updated",
            Self::Promoted => "promoted",
            Self::Deployed => "deployed",
            Self::Revised => "revised",
        }
    }
}

impl Outcome {
    pub const ALL: [Self; 3] = [Self::Passed, Self::Failed, Self::Unknown];

    /// How it stands in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}
