//! `evenkeel render`: what templates turn into.

use clap::Args;

use super::exit_code::ExitCode;
use super::screen::Screen;
use super::tree::TreeArgs;
use crate::run::{self, Ambient};

/// Prints what the state files render to, before it is read as YAML.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct RenderArgs {
    #[command(flatten)]
    tree: TreeArgs,
}

const EXAMPLES: &str = "Example:
  evenkeel render states/prod.yml --pillar web.tag=1.4";

pub(super) async fn run(args: RenderArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let outcome = match args.tree.resolve(ambient) {
        Ok(options) => run::render(&options, ambient).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(text) => screen.print(&text),
        Err(error) => screen.run_error(&error),
    }
}
