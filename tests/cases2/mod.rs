//! How the peers fail, second half: drift, dry runs, lifecycle, data, dependencies, requisites, and how a run is run.

mod ailing;
mod answers;
mod data;
mod dependencies;
mod drift;
mod dry_run;
mod fake;
mod files;
mod guards;
mod interrupted;
mod jobs;
mod lifecycle;
mod locks;
mod prerequisites;
mod requisites;
mod running;
mod sharing;
mod silent;
pub mod stage;
mod targets;
