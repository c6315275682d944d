//! Files and processes of this machine. Knows nothing of Docker's objects.

mod archive;
mod command;
mod context;
mod dockerfile;
mod dockerignore;
mod trust;

pub use archive::{ArchiveError, archive_ids, archive_image};
pub use command::{CommandError, Finished, run_command};
pub use context::{Context, ContextError, context_hash};
pub use dockerfile::from_images;
pub use trust::{Shown, Trust, client_config, trust_nobody};
