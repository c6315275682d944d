//! Why an engine would refuse a step.

use thiserror::Error;

/// What stands against a step. A blocker in a dry run, before anything is touched.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error("{kind} `{name}` does not exist")]
    Missing { kind: &'static str, name: String },
    #[error("the name `{name}` is taken by another {kind}")]
    NameTaken { kind: &'static str, name: String },
    #[error("{claim} is taken by container `{by}`")]
    ClaimTaken { claim: String, by: String },
    #[error("subnet {subnet} overlaps {other} of network `{by}`")]
    SubnetOverlap { subnet: String, other: String, by: String },
    #[error("network `{name}` still has containers attached: {}", .by.join(", "))]
    NetworkInUse { name: String, by: Vec<String> },
    #[error("volume `{name}` is used by {}", .by.join(", "))]
    VolumeInUse { name: String, by: Vec<String> },
    #[error("image `{name}` is used by {}", .by.join(", "))]
    ImageInUse { name: String, by: Vec<String> },
    #[error("container `{name}` is {state}")]
    WrongState { name: String, state: &'static str },
    #[error("the container that `{name}` was linked to as `{alias}` is gone")]
    LinkedIsGone { name: String, alias: String },
    #[error("container `{name}` keeps its memory to itself; give it `ipc: shareable`")]
    NotShared { name: String },
    #[error("container `{container}` is attached to network `{network}` already")]
    Attached { container: String, network: String },
    #[error("container `{container}` is not attached to network `{network}`")]
    NotAttached { container: String, network: String },
}
