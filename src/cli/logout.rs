//! `evenkeel logout`: forgets a login.

use clap::Args;

use super::exit_code::ExitCode;
use super::login::registry_named;
use super::screen::Screen;
use crate::registry::{HUB, Keeper};
use crate::run::{self, Ambient};

/// Forgets the login of a registry, for evenkeel and for Docker.
#[derive(Debug, Args)]
pub(super) struct LogoutArgs {
    /// The registry: `host[:port]`.
    #[arg(value_name = "REGISTRY", default_value = HUB)]
    registry: String,
}

pub(super) fn run(args: &LogoutArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let outcome = registry_named(&args.registry).and_then(|registry| run::logout(&registry, ambient));
    match outcome {
        Ok(Some(Keeper::File(path))) => {
            screen.print(&format!("logged out of {}; removed from {}\n", args.registry, path.display()))
        }
        Ok(Some(Keeper::Helper(name))) => {
            screen.print(&format!("logged out of {}; removed from {name}\n", args.registry))
        }
        Ok(None) => screen.print(&format!("nobody was logged in to {}\n", args.registry)),
        Err(error) => screen.run_error(&error),
    }
}
