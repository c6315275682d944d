//! `evenkeel lock` and `evenkeel unlock`: who is at work, and what to do about it.

use clap::{Args, Subcommand};

use super::exit_code::ExitCode;
use super::output::OutputArgs;
use super::screen::Screen;
use crate::report;
use crate::run::{self, Ambient, LockOptions};

/// Tells who is at work on an engine.
///
/// A run that changes something locks its project and environment: on its machine by a file that the system unlocks
/// when the process ends, and at the engine by a container that never runs, so that all machines see it.
#[derive(Debug, Args)]
pub(super) struct LockArgs {
    #[command(subcommand)]
    command: LockCommand,
}

#[derive(Debug, Subcommand)]
enum LockCommand {
    /// Lists the locks at an engine: whose they are, since when, for which command, and when they end.
    Status {
        #[command(flatten)]
        which: Which,

        #[command(flatten)]
        output: OutputArgs,
    },
}

/// Removes the lock that a run has left at an engine.
///
/// That is rarely needed: the next run of the same machine takes over what a dead one has left, and another
/// machine's lock ends by itself a few minutes after its run has died. Where the run is alive on this machine, its
/// lock stays (exit code 5). With several locks at the engine, say which one.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct UnlockArgs {
    #[command(flatten)]
    which: Which,

    /// Removes a lock of another machine that has not ended yet. If its run is alive, it begins nothing more as soon
    /// as it finds out; until then, both may be at work.
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Args)]
struct Which {
    /// Only of this project.
    #[arg(long, value_name = "P")]
    project: Option<String>,

    /// Only of this environment.
    #[arg(long, value_name = "E")]
    env: Option<String>,

    /// The engine: unix:///…, tcp://…, ssh://user@host, or the name of a docker context.
    /// [default: DOCKER_HOST, else DOCKER_CONTEXT, else the current docker context]
    #[arg(long, value_name = "URL")]
    host: Option<String>,
}

const EXAMPLES: &str = "Examples:
  evenkeel lock status
  evenkeel unlock --project shop --env prod
  evenkeel unlock --project shop --env prod --force";

pub(super) async fn lock(args: LockArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let LockCommand::Status { which, output } = args.command;
    match run::locks(&which.resolve(), ambient).await {
        Ok(report) if output.is_json() => screen.print(&report::locks_json(&report)),
        Ok(report) => screen.print(&report::locks(&report)),
        Err(error) => screen.run_error(&error),
    }
}

pub(super) async fn unlock(args: UnlockArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    match run::unlock(&args.which.resolve(), args.force, ambient).await {
        Ok(removed) if args.output.is_json() => screen.print(&report::unlocked_json(removed.as_ref())),
        Ok(removed) => screen.print(&report::unlocked(removed.as_ref())),
        Err(error) => screen.run_error(&error),
    }
}

impl Which {
    fn resolve(self) -> LockOptions {
        LockOptions { host: self.host, project: self.project, env: self.env }
    }
}
