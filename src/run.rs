//! The use cases: load … record. Shared by command line, git hook and server; asks nothing of its
//! surroundings beyond what [`Ambient`] brings.

mod ambient;
mod apply;
mod error;
mod facts;
mod foretell;
mod guards;
mod login;
mod methods;
mod options;
mod origin;
mod pin;
mod prepared;
mod promote;
mod ranges;
mod record;
mod remotes;
mod requirements;
mod saved;
mod secrets;
mod stages;
mod status;
mod stopwatch;
mod subject;
mod tree;
mod verify;

pub use ambient::{Ambient, Signal, Stop};
pub use apply::apply;
pub use error::RunError;
pub use facts::{archive_paths, archives, due, facts, wanted};
pub use login::{LoggedIn, LoginOptions, login, logout};
pub use methods::{MethodOptions, Which, update, validate};
pub use options::{ApplyOptions, AskRegistries, DataLoss, GraphFormat, GraphOptions, Mode, TreeOptions};
pub use origin::{OriginOptions, origin};
pub use pin::{PinOptions, Update, pin};
pub use promote::{PromoteOptions, promote};
pub use saved::{Expected, SavedPlan};
pub use stages::pipeline;
pub use status::{StatusOptions, status};
pub use tree::{Checked, check, graph, render};
pub use verify::{Validated, Verified, VerifyOptions, verify};

use crate::plan::Event;

/// Takes the events of a run as they happen.
pub type Listener<'a> = &'a (dyn Fn(Event) + Send + Sync);
