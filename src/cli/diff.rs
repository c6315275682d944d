//! `evenkeel diff`: what differs between two revisions?

use clap::Args;

use super::exit_code::ExitCode;
use super::output::OutputArgs;
use super::screen::Screen;
use crate::report;
use crate::run::{self, Ambient, DifferenceOptions, RevisionName};

/// Shows what differs between what was declared of two revisions.
///
/// Values that look secret are kept of none, so that a change of one cannot be seen. The exit code is 0 whether
/// something differs or not; `--json` says which. Exit code 1: a revision is not known.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct DiffArgs {
    /// The one, such as `web@11`; `web` alone is the container that has the name now.
    #[arg(value_name = "FROM")]
    from: RevisionName,

    /// The other.
    #[arg(value_name = "TO")]
    to: RevisionName,

    #[command(flatten)]
    output: OutputArgs,

    /// The engine: unix:///…, tcp://…, ssh://user@host, or the name of a docker context.
    /// [default: DOCKER_HOST, else DOCKER_CONTEXT, else the current docker context]
    #[arg(long, value_name = "URL")]
    host: Option<String>,
}

const EXAMPLES: &str = "Examples:
  evenkeel diff web@11 web@12
  evenkeel diff web.r11 web --json";

pub(super) async fn run(args: DiffArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let options = DifferenceOptions { from: args.from, to: args.to, host: args.host };
    match run::differences(&options, ambient).await {
        Ok(found) if args.output.is_json() => screen.print(&report::differences_json(&found)),
        Ok(found) => screen.print(&report::differences(&found, &screen.view)),
        Err(error) => screen.run_error(&error),
    }
}
