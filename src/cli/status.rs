//! `evenkeel status`: how do the containers stand?

use clap::Args;

use super::exit_code::ExitCode;
use super::output::OutputArgs;
use super::screen::Screen;
use crate::report;
use crate::run::{self, Ambient, StatusOptions};

/// Shows how containers stand: state, health, revision, version, image, last validation and update.
///
/// One line for each container that evenkeel made, and for each other one that declares a validation or an update.
/// A validation that an earlier container of the same image passed is marked with its revision; one of another
/// image does not count. Exit code 1: a container that was named is not there, or the history cannot be read.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct StatusArgs {
    /// Names of containers, or ids. [default: all that evenkeel made or that declare a method]
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    #[command(flatten)]
    output: OutputArgs,

    /// The engine: unix:///…, tcp://…, ssh://user@host, or the name of a docker context.
    /// [default: DOCKER_HOST, else DOCKER_CONTEXT, else the current docker context]
    #[arg(long, value_name = "URL")]
    host: Option<String>,
}

const EXAMPLES: &str = "Examples:
  evenkeel status
  evenkeel status web --json";

pub(super) async fn run(args: StatusArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let options = StatusOptions { names: args.names, host: args.host };
    match run::status(&options, ambient).await {
        Ok(status) => {
            let is_json = args.output.is_json();
            let text =
                if is_json { report::status_json(&status) } else { report::status(&status, &screen.view) };
            let printed = screen.print(&text);
            if let Some(reason) = &status.unread {
                screen.error(&format!("it is not known what was validated and updated: {reason}"), None);
            }
            let is_whole = status.unread.is_none() && status.missing.is_empty();
            let ended = if is_whole { ExitCode::Fine } else { ExitCode::StateFailed };
            ExitCode::combined([ended, printed])
        }
        Err(error) => screen.run_error(&error),
    }
}
