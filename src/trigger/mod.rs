//! Push to deploy: what git's hooks do with the branches and tags that environments follow. The host's own file
//! says which those are and who may push there; a pushed tree is read, and never trusted.

mod deploy;
mod error;
mod folders;
mod gate;
mod git;
mod push;
mod queue;
mod shims;
mod site;

pub use deploy::{DeployOptions, Deployed, deploy, deployed_ref, failed_ref};
pub use error::TriggerError;
pub use folders::Folders;
pub use gate::{Refusal, Told, Verdict, gate};
pub use git::{Commit, Repository};
pub use push::{PushOptions, Pushed, Pusher, pushed};
pub use queue::is_busy;
pub use shims::{HOOKS, Others, Shim, install, shim, uninstall};
pub use site::{Follower, Site, plain, short};
