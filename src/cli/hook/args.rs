//! The subcommands of `evenkeel hook`.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;

use clap::{Args, Subcommand};

use super::after::{after, deploy};
use super::gate::{gate, look};
use super::manage::{install, status, uninstall};
use super::place::{Place, PlaceArgs};
use crate::cli::exit_code::ExitCode;
use crate::cli::screen::Screen;
use crate::run::{Ambient, RunError};
use crate::trigger::{self, Asking, DeployOptions, PushOptions, Pushed, Repository, TriggerError};

/// Deploys what is pushed to a git repository.
///
/// Which environment follows which branch or tag, and who may push there, stands in a file of this host
/// (/etc/evenkeel/hooks.yml, or what --config names), never in what is pushed. A push is refused, and nothing has happened, if its
/// state files are wrong or could not be applied.
#[derive(Debug, Args)]
pub(in crate::cli) struct HookArgs {
    #[command(subcommand)]
    command: HookCommand,
}

#[derive(Debug, Subcommand)]
enum HookCommand {
    /// Writes the two hooks into a bare repository.
    Install {
        #[command(flatten)]
        place: PlaceArgs,
        /// Calls hooks that are there already first, instead of refusing.
        #[arg(long)]
        chain: bool,
    },
    /// Removes the hooks again, and puts back those that were there before.
    Uninstall {
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Tells whether the hooks are there, and what is deployed where.
    Status {
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Does what a push would do, which is to deploy: for trying again, and with --test for trying out.
    ///
    /// To be called by the account that the hooks run as. Who owns the host's file may do it for every environment.
    Run {
        #[command(flatten)]
        place: PlaceArgs,
        /// The branch or tag, such as refs/heads/main.
        #[arg(long = "ref", value_name = "REF")]
        reference: String,
        /// The commit that it was at; none if it is new.
        #[arg(long, value_name = "COMMIT")]
        old: Option<String>,
        /// The commit that it is at.
        #[arg(long, value_name = "COMMIT")]
        new: String,
        /// Only looks, as before a push is accepted.
        #[arg(long)]
        test: bool,
    },
    /// Called by git before a push is accepted.
    #[command(hide = true)]
    PreReceive {
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Called by the hook, in a process of its own: what it takes too much of ends nothing but itself.
    #[command(hide = true)]
    Look {
        #[command(flatten)]
        place: PlaceArgs,
        #[arg(long)]
        environment: String,
        #[arg(long)]
        new: String,
        /// An empty folder for the files.
        #[arg(long)]
        tree: std::path::PathBuf,
    },
    /// Called by git after a push was accepted.
    #[command(hide = true)]
    PostReceive {
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Called by the hook, in a process of its own.
    #[command(hide = true)]
    Deploy {
        #[command(flatten)]
        place: PlaceArgs,
        #[arg(long)]
        environment: String,
        #[arg(long = "ref")]
        reference: String,
        #[arg(long)]
        new: String,
        #[arg(long)]
        forced: bool,
        #[arg(long)]
        pusher: String,
        #[arg(long)]
        why: Option<String>,
        #[arg(long)]
        data_loss: Vec<String>,
    },
}

pub(in crate::cli) async fn run(args: HookArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let done = match args.command {
        HookCommand::Install { place, chain } => install(&place.resolve(ambient), chain, ambient, screen),
        HookCommand::Uninstall { place } => uninstall(&place.resolve(ambient), ambient, screen),
        HookCommand::Status { place } => status(&place.resolve(ambient), ambient, screen),
        HookCommand::Run { place, reference, old, new, test } => {
            let pushed = Pushed { old, new: Some(new), reference };
            try_out(&place.resolve(ambient), pushed, test, ambient, screen).await
        }
        HookCommand::PreReceive { place } => match stdin() {
            Ok(pushed) => gate(&place.resolve(ambient), &pushed, Asking::Pusher, ambient, screen).await,
            Err(error) => Err(error),
        },
        HookCommand::Look { place, environment, new, tree } => {
            look(&place.resolve(ambient), &environment, &new, &tree, ambient, screen).await
        }
        HookCommand::PostReceive { place } => match stdin() {
            Ok(pushed) => after(&place.resolve(ambient), &pushed, ambient, screen).await,
            Err(error) => Err(error),
        },
        HookCommand::Deploy { place, environment, reference, new, forced, pusher, why, data_loss } => {
            let data_loss = data_loss.into_iter().collect();
            let options = PushOptions { why, data_loss, ..PushOptions::default() };
            let wanted = DeployOptions { environment, new, reference, is_forced: forced, pusher, options };
            deploy(&place.resolve(ambient), &wanted, ambient, screen).await
        }
    };
    match done {
        Ok(code) => code,
        Err(error) => screen.trigger_error(&error),
    }
}

async fn try_out(
    place: &Place,
    mut pushed: Pushed,
    test: bool,
    ambient: &Ambient,
    screen: &Screen,
) -> Result<ExitCode, TriggerError> {
    let repository = Repository::open(&place.repo, &ambient.variables)?;
    let whole = |revision: &str| repository.commit(revision).map(|commit| commit.id);
    if !pushed.reference.starts_with("refs/") {
        pushed.reference = format!("refs/heads/{}", pushed.reference);
    }
    pushed.new = pushed.new.as_deref().map(whole).transpose()?;
    pushed.old = pushed.old.as_deref().map(whole).transpose()?;
    // Whose file it is says who may what.
    let is_theirs = std::fs::metadata(&place.config).is_ok_and(|file| file.uid() == ambient.uid);
    let asking = if is_theirs { Asking::Host } else { Asking::Pusher };
    let code = gate(place, std::slice::from_ref(&pushed), asking, ambient, screen).await?;
    if test || code != ExitCode::Fine {
        return Ok(code);
    }
    after(place, &[pushed], ambient, screen).await
}

/// The lines that git gives a hook.
fn stdin() -> Result<Vec<Pushed>, TriggerError> {
    let mut text = String::new();
    let read = std::io::stdin().take(16 << 20).read_to_string(&mut text);
    read.map_err(|error| {
        TriggerError::Run(RunError::Usage(format!("cannot read what was pushed: {error}")))
    })?;
    trigger::pushed(&text)
}
