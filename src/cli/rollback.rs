//! `evenkeel rollback`: a container as it was before.

use std::time::Duration;

use clap::Args;

use super::apply::{Output, print, seconds, watched};
use super::exit_code::{Changes, ExitCode};
use super::output::OutputArgs;
use super::screen::Screen;
use crate::run::{self, Ambient, Mode, RevisionName, RollbackOptions, RunError};

/// Brings a container back to an earlier revision.
///
/// It is declared again as it was, with the image that it had: from the container that is kept (`web.r11`), else from
/// the record. It is replaced like by any other change, so it can be shown before, it is proven before it takes over,
/// and it becomes a revision with a number of its own. No state file is read: their next `apply` brings back what
/// they say.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct RollbackArgs {
    /// The container; `web@11` and `web.r11` say the revision as well.
    #[arg(value_name = "NAME")]
    name: RevisionName,

    /// The revision to go back to. [default: the newest that was replaced]
    #[arg(long, value_name = "REVISION")]
    to: Option<u32>,

    /// Only shows what would be done; touches nothing.
    #[arg(long, visible_alias = "dry-run")]
    test: bool,

    /// Why, for the record and the labels. [default: back to revision N of NAME]
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,

    /// How long to wait for another run that is at work on the same project and environment, such as `10m`. Without
    /// it that is an error at once (exit code 5).
    #[arg(long, value_name = "TIME", default_value = "0s", env = "EVENKEEL_LOCK_WAIT", hide_env_values = true, value_parser = seconds)]
    lock_wait: Duration,

    #[command(flatten)]
    output: OutputArgs,

    /// The engine: unix:///…, tcp://…, ssh://user@host, or the name of a docker context.
    /// [default: DOCKER_HOST, else DOCKER_CONTEXT, else the current docker context]
    #[arg(long, value_name = "URL")]
    host: Option<String>,
}

const EXAMPLES: &str = "Examples:
  evenkeel rollback web --test
  evenkeel rollback web@11 --why 'the new one loses orders'";

pub(super) async fn run(args: RollbackArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let output = if args.output.is_json() { Output::Json } else { Output::Changes };
    if let (Some(number), Some(to)) = (args.name.number, args.to)
        && number != to
    {
        let contradiction =
            format!("`{}` and `--to {to}` name two revisions; keep one of them", args.name.typed);
        return screen.run_error(&RunError::Usage(contradiction));
    }
    let options = RollbackOptions {
        to: args.to.or(args.name.number),
        name: args.name.name,
        mode: if args.test { Mode::Test } else { Mode::Apply },
        why: args.why,
        host: args.host,
        lock_wait: args.lock_wait,
    };
    go_back(&options, &output, ambient, screen).await
}

/// Goes back to an earlier revision, shows that, and says how the program ends.
async fn go_back(options: &RollbackOptions, output: &Output, ambient: &Ambient, screen: &Screen) -> ExitCode {
    match watched(ambient, screen, async |listener| run::rollback(options, ambient, listener).await).await {
        Ok(report) => {
            let printed = print(&report, output, screen);
            let code = match (&report.aborted, ambient.stop.requested()) {
                (Some(_), Some(signal)) => ExitCode::of_signal(signal),
                _ => ExitCode::of_report(&report, Changes::AreFine),
            };
            ExitCode::combined([code, printed])
        }
        Err(error) => {
            let code = screen.run_error(&error);
            ambient.stop.requested().map_or(code, ExitCode::of_signal)
        }
    }
}
