//! `evenkeel metadata` and `evenkeel examine`: where does it come from?

use clap::Args;

use super::exit_code::ExitCode;
use super::screen::Screen;
use crate::report;
use crate::run::{self, Ambient, OriginOptions};

/// Shows the records that an image carries: one of its own build and one of each ancestor's.
///
/// Of a container those of its image are shown; it need not run. An image without records, from wherever, is
/// shown as far as its labels and the engine know it.
#[derive(Debug, Args)]
#[command(after_long_help = METADATA_EXAMPLES)]
pub(super) struct MetadataArgs {
    #[command(flatten)]
    subject: Subject,

    /// Prints one JSON list for programs, oldest first.
    #[arg(long)]
    json: bool,
}

/// Tells the story of a container: when and why it was deployed, its methods, and each image behind it.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMINE_EXAMPLES)]
pub(super) struct ExamineArgs {
    #[command(flatten)]
    subject: Subject,
}

#[derive(Debug, Args)]
struct Subject {
    /// A container or an image, by name or id. A container goes before an image of the same name; with a tag
    /// (`web:latest`) it is an image.
    #[arg(value_name = "NAME")]
    name: String,

    /// The engine: unix:///…, tcp://…, ssh://user@host, or the name of a docker context.
    /// [default: DOCKER_HOST, else DOCKER_CONTEXT, else the current docker context]
    #[arg(long, value_name = "URL")]
    host: Option<String>,
}

const METADATA_EXAMPLES: &str = "Examples:
  evenkeel metadata shop/web:1.4
  evenkeel metadata shop-web --json";

const EXAMINE_EXAMPLES: &str = "Examples:
  evenkeel examine shop-web
  evenkeel examine shop-web --host ssh://deploy@ship.example";

pub(super) async fn metadata(args: MetadataArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    match run::origin(&args.subject.options(), ambient).await {
        Ok(report) if args.json => screen.print(&report::metadata_json(&report)),
        Ok(report) => screen.print(&report::metadata(&report)),
        Err(error) => screen.run_error(&error),
    }
}

pub(super) async fn examine(args: ExamineArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    match run::origin(&args.subject.options(), ambient).await {
        Ok(report) => screen.print(&report::examination(&report)),
        Err(error) => screen.run_error(&error),
    }
}

impl Subject {
    fn options(self) -> OriginOptions {
        OriginOptions { name: self.name, host: self.host }
    }
}
