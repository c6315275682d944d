//! The use cases: load … record. Shared by command line, git hook and server; asks nothing of its
//! surroundings beyond what [`Ambient`] brings.

mod ambient;
mod apply;
mod contents;
mod dependants;
mod differences;
mod error;
mod facts;
mod foretell;
mod former;
mod guards;
mod history;
mod locked;
mod locks;
mod login;
mod logs;
mod machine;
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
mod restored;
mod revision_name;
mod revisions;
mod rollback;
mod saved;
mod secret_files;
mod secrets;
mod stages;
mod status;
mod stopwatch;
mod subject;
mod tree;
mod verify;

pub use ambient::{Ambient, Signal, Stop};
pub use apply::apply;
pub use differences::{DifferenceOptions, differences};
pub use error::RunError;
pub use facts::{archive_paths, archives, due, facts, wanted};
pub use history::{HistoryOptions, history};
pub use locks::{LockOptions, locks, unlock};
pub use login::{LoggedIn, LoginOptions, login, logout};
pub use logs::{LogOptions, logs};
pub use methods::{MethodOptions, Which, update, validate};
pub use options::{
    ApplyOptions, AskRegistries, DataLoss, GraphFormat, GraphOptions, Mode, Scope, TreeOptions,
};
pub use origin::{OriginOptions, origin};
pub use pin::{PinOptions, Update, pin};
pub use promote::{PromoteOptions, promote};
pub use revision_name::RevisionName;
pub use rollback::{RollbackOptions, rollback};
pub use saved::{Deployment, Expected, SavedPlan};
pub use secret_files::{ListedSecret, SecretFiles, SecretList, SecretOptions};
pub use stages::pipeline;
pub use status::{StatusOptions, status};
pub use tree::{Checked, check, graph, render};
pub use verify::{Validated, Verified, VerifyOptions, verify};

use crate::plan::Event;

/// Takes the events of a run as they happen.
pub type Listener<'a> = &'a (dyn Fn(Event) + Send + Sync);
