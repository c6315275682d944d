//! `evenkeel check`: are the state files right?

use clap::Args;

use super::exit_code::ExitCode;
use super::screen::Screen;
use super::tree::TreeArgs;
use crate::report;
use crate::run::{self, Ambient};

/// Says whether state files are right, without looking at what they would change.
///
/// Renders, parses and compiles them and tells every mistake at once, each with its place and what
/// to do about it. Asks an engine only if a template reads grains and there is no `--grains`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    tree: TreeArgs,
}

const EXAMPLES: &str = "Examples:
  evenkeel check states/prod.yml
  evenkeel check states/prod.yml --pillar web.tag=1.4 --grains tests/grains.yml";

pub(super) async fn run(args: CheckArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let outcome = match args.tree.resolve(ambient) {
        Ok(options) => run::check(&options, ambient).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(checked) => {
            screen.remark(&report::diagnostics(&checked.diagnostics));
            let plural = |count: usize| if count == 1 { "" } else { "s" };
            let (states, files) = (checked.states, checked.files);
            screen.print(&format!(
                "{states} state{} in {files} file{}: fine\n",
                plural(states),
                plural(files)
            ))
        }
        Err(error) => screen.run_error(&error),
    }
}
