//! For people or for programs: the same options for every command that has both.

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(super) struct OutputArgs {
    /// What to print: text, or one JSON object. [default: text]
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Output")]
    output: Option<Format>,

    /// The same as `--output json`.
    #[arg(long, conflicts_with = "output", help_heading = "Output")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl OutputArgs {
    pub(super) fn is_json(&self) -> bool {
        self.json || self.output == Some(Format::Json)
    }
}
