//! Images on their way through environments: what a promotion moves, and where each stage is.

use jiff::Timestamp;

/// A promotion, planned or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// The pipeline's name.
    pub image: String,
    /// The stage that the image comes from; nothing if only a version was named.
    pub from: Option<String>,
    pub to: String,
    /// What it is called in the registry: a tag or a version with its repository.
    pub source: String,
    pub digest: String,
    pub version: Option<String>,
    /// The version that the stage had.
    pub old_version: Option<String>,
    /// The moving tag is the last, so that it never points to what has no record.
    pub moves: Vec<TagMove>,
    /// Why it cannot be done.
    pub blockers: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// Why it is not on record, if that is so.
    pub unrecorded: Option<String>,
    pub dry_run: bool,
}

/// One tag and what it is to point to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagMove {
    /// Repository and tag.
    pub reference: String,
    /// Nothing if there is no such tag yet.
    pub from: Option<String>,
    pub to: String,
}

/// Where the stages of pipelines are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelinesReport {
    pub pipelines: Vec<PipelineReport>,
    /// Why it is not known who promoted what, if that is so.
    pub unread: Option<String>,
}

/// Where each stage of a pipeline is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineReport {
    pub name: String,
    pub image: String,
    pub stages: Vec<StageReport>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageReport {
    pub name: String,
    /// Repository and tag.
    pub reference: String,
    pub tag: StageTag,
    pub containers: StageContainers,
    /// When it was promoted and by whom, where that is on record.
    pub promoted: Option<(Timestamp, String)>,
    /// What the stage before has and this one does not: its version or digest.
    pub waits: Option<String>,
}

/// What a stage's tag points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageTag {
    Points { digest: String, version: Option<String> },
    Missing,
    Unknown(String),
}

/// What runs in a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageContainers {
    /// Names of containers that run what the tag points to, and of those that run something else.
    Known {
        same: Vec<String>,
        other: Vec<String>,
    },
    Unknown(String),
}

/// What pinning changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinReport {
    /// The file with the pins.
    pub file: String,
    pub changes: Vec<PinChange>,
    /// Images that keep their pins.
    pub unchanged: usize,
    pub dry_run: bool,
}

/// One image and its digests before and after; nothing for an image that has no pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinChange {
    pub reference: String,
    pub from: Option<String>,
    pub to: Option<String>,
}

impl Promotion {
    /// The tags that have to be moved.
    pub fn changes(&self) -> impl Iterator<Item = &TagMove> {
        self.moves.iter().filter(|step| step.from.as_ref() != Some(&step.to))
    }
}
