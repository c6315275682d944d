//! Files and processes of this machine. Knows nothing of Docker's objects.

mod archive;
mod bounds;
mod buildkit;
mod command;
mod context;
mod dockerfile;
mod dockerignore;
mod git;
mod listening;
mod memory;
mod trust;

pub use archive::{ArchiveError, archive_ids, archive_image, archive_names};
pub use bounds::within;
pub use buildkit::{buildkit_needs, has_buildx};
pub use command::{Captured, CommandError, Finished, capture_command, run_command, run_program};
pub use context::{BuildInputs, Context, ContextError, build_inputs, packed};
pub use dockerfile::{base_image, from_images};
pub use git::{GitOrigin, git_origin};
pub use listening::{Listener, listening};
pub use memory::{MemoryBound, bound_memory};
pub use trust::{Shown, Trust, client_config, trust_nobody};
