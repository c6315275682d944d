//! Push to deploy: what git's hooks do with the branches and tags that environments follow. The host's own file
//! says which those are and who may push there; a pushed tree is read, and never trusted.

mod deploy;
mod error;
mod folders;
mod gate;
mod git;
mod push;
mod pusher;
mod queue;
mod resume;
pub mod settings;
mod shims;
mod site;
mod worker;

pub use deploy::{DeployOptions, Deployed, deploy, deployed_ref, failed_ref};
pub use error::TriggerError;
pub use folders::Folders;
pub use gate::{Asking, Look, Refusal, Told, Verdict, Worker, gate, look};
pub use git::{Commit, Repository};
pub use push::{PushOptions, Pushed, pushed};
pub use pusher::{KeptOut, Pusher, Signature};
pub use queue::is_busy;
pub use resume::Deploying;
pub use shims::{HOOKS, Others, Shim, Touched, config, install, shim, uninstall};
pub use site::{Follower, Site, plain, short};
pub use worker::become_worker;
