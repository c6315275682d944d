//! `evenkeel history`: which revisions were there, who made them, and why?

use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::exit_code::ExitCode;
use super::output::OutputArgs;
use super::screen::Screen;
use crate::plan::HistoryRead;
use crate::report;
use crate::run::{self, Ambient, HistoryOptions, RevisionName};

/// Shows the revisions of a container, or the last ones of all: when, by whom, why, and what became of them.
///
/// What is on record on this machine and what the labels of the containers say are put together; each of them is
/// enough. `--verbose` shows what differed from the revision before. Exit code 1: nobody knows the container, or the
/// history cannot be read.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct HistoryArgs {
    /// A container by its plain name, or one revision of it, such as `web@2`. [default: all that evenkeel made]
    #[arg(value_name = "NAME")]
    name: Option<RevisionName>,

    /// How many revisions are shown, the newest first.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = RangedU64ValueParser::<u32>::new().range(1..))]
    limit: u32,

    #[command(flatten)]
    output: OutputArgs,

    /// The engine: unix:///…, tcp://…, ssh://user@host, or the name of a docker context.
    /// [default: DOCKER_HOST, else DOCKER_CONTEXT, else the current docker context]
    #[arg(long, value_name = "URL")]
    host: Option<String>,
}

const EXAMPLES: &str = "Examples:
  evenkeel history web
  evenkeel history web --verbose --limit 3
  evenkeel history --json";

pub(super) async fn run(args: HistoryArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let options = HistoryOptions { name: args.name, host: args.host, limit: args.limit };
    let history = match run::history(&options, ambient).await {
        Ok(history) => history,
        Err(error) => return screen.run_error(&error),
    };
    let is_json = args.output.is_json();
    let text = if is_json { report::history_json(&history) } else { report::history(&history, &screen.view) };
    let printed = screen.print(&text);
    let ended = match &history.record {
        HistoryRead::Read => ExitCode::Fine,
        HistoryRead::Missing => {
            screen.remark(&report::message(
                "there is no history here yet: this is what labels of containers say",
            ));
            ExitCode::Fine
        }
        HistoryRead::Unreadable(reason) => {
            screen.error(&format!("only labels of containers tell of revisions: {reason}"), None);
            ExitCode::StateFailed
        }
    };
    ExitCode::combined([ended, printed])
}
