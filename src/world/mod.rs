//! One engine as a value, and every effect on it. Pure: reads no clock, no file and no socket.
//! What an engine would answer is foretold by `predict`; what it chooses itself is `Seen::Chosen`.

mod attributes;
mod build;
mod claims;
mod file;
mod gate;
mod hook;
mod id;
mod labels;
mod links;
mod objects;
mod origin;
mod predict;
mod range;
mod record;
mod reference;
mod refusal;
mod remote;
mod role;
mod shared;
mod step;

pub use attributes::{Attributes, Seen};
pub use build::{BuildOptions, BuildSpec, Builder, LONGEST_TRIAL, Naming, SecretOrigin, Trial};
pub use claims::{Claim, Subnet, port_claims, subnets};
pub use file::{File, FileContent, FileTime, LARGEST_FILE, SeenFile};
pub use gate::{Gate, Probe, Whence};
pub use hook::{Hook, HookCommand, Moment};
pub use id::{Id, Name, Target};
pub use labels::{Labels, Owner, label};
pub use links::Link;
pub use objects::{Archive, Container, Endpoint, Engine, Image, Network, RunState, Volume, World};
pub use origin::{Cause, Made, Origin, RecordFiles, Stamps, whole_seconds};
pub use range::VersionRange;
pub use record::{METHODS, RECORD_KEYS, Record, next_number, record_label, records};
pub use reference::ImageReference;
pub use refusal::Refusal;
pub use remote::{Content, Remote, RemoteContent, RemoteImage, RemoteLayer};
pub use role::Role;
pub use shared::{NAMESPACES, Namespace, whose_volumes};
pub use step::Step;
