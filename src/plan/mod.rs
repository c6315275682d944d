//! What will be done and why, as a value: changes with their differences and their steps, and what
//! became of them. A plan prints the same text for the same input, byte for byte.

mod change;
mod event;
mod lifecycle;
mod lock;
mod origin;
mod outcome;
mod promotion;
mod revision;
mod text;

pub use change::{
    Action, Change, ChangeId, Effect, FieldDiff, Impact, Phase, Plan, Retry, StateRef, Steps, When,
};
pub use event::Event;
pub use lifecycle::{
    ContainerStatus, Done, Method, MethodEnding, MethodReport, MethodRun, StatusReport, Subject, Validity,
};
pub use lock::{LockContainer, LockHolder, LockReport, LockStanding, LockStatus};
pub use origin::{ContainerOrigin, OriginReport, Stamped};
pub use outcome::{ChangeReport, Ending, RunReport, Timing};
pub use promotion::{
    PinChange, PinReport, PipelineReport, PipelinesReport, Promotion, StageContainers, StageReport, StageTag,
    TagMove,
};
pub use revision::{HistoryRead, HistoryReport, Revision, RevisionDifferences, RevisionResult, Whereabouts};
pub use text::shown;
