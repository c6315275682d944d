//! `evenkeel graph`: which state waits for which.

use clap::{Args, ValueEnum};

use super::exit_code::ExitCode;
use super::screen::Screen;
use super::tree::TreeArgs;
use crate::run::{self, Ambient, GraphFormat, GraphOptions};

/// Prints which state waits for which, and why.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct GraphArgs {
    #[command(flatten)]
    tree: TreeArgs,

    /// How to write it.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    format: Format,
}

const EXAMPLES: &str = "Examples:
  evenkeel graph states/prod.yml
  evenkeel graph states/prod.yml --format dot | dot -Tsvg > prod.svg";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// In the order of a run, each state with what it waits for.
    Text,
    /// For Graphviz.
    Dot,
}

pub(super) async fn run(args: GraphArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let format = match args.format {
        Format::Text => GraphFormat::Text,
        Format::Dot => GraphFormat::Dot,
    };
    let outcome = match args.tree.resolve(ambient) {
        Ok(tree) => run::graph(&GraphOptions { tree, format }, ambient).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(text) => screen.print(&text),
        Err(error) => screen.run_error(&error),
    }
}
