//! `evenkeel update`: containers fetch what is new, without a new image.

use clap::Args;

use super::exit_code::ExitCode;
use super::screen::Screen;
use super::signals;
use super::validate::{MethodArgs, finish};
use crate::run::{self, Ambient, Which};

/// Runs the update that containers declare, and then their validation.
///
/// What the container's label `io.evenkeel.lifecycle.update` says (its image's, unless the container has its own) is
/// run in it with `/bin/sh -c`. If it passes, and the container declares a validation, that is run as well. Both
/// are put on record. An update is no new revision: it is an event in the one that runs, and the next replacement
/// of the container begins without it. Exit code 0: all passed; 1: one did not, and what runs was left as it is.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct UpdateArgs {
    /// Names of containers, or ids.
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,

    #[command(flatten)]
    common: MethodArgs,
}

const EXAMPLES: &str = "Examples:
  evenkeel update web
  evenkeel update web docs --why 'new texts'";

pub(super) async fn run(args: UpdateArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let is_json = args.common.is_json();
    let options = args.common.resolve(Which::Named(args.names));
    let progress = screen.progress();
    signals::listen(&ambient.stop, &progress);
    let outcome = run::update(&options, ambient, &|event| progress.show(&event)).await;
    progress.finish();
    finish(outcome, is_json, ambient, screen)
}
