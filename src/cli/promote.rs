//! `evenkeel promote`: an image reaches the next environment.

use std::path::PathBuf;

use clap::Args;

use super::exit_code::ExitCode;
use super::pipeline::PIPELINE;
use super::screen::Screen;
use crate::report;
use crate::run::{self, Ambient, Mode, PromoteOptions};

/// Moves an image to the next stage of its pipeline: same bytes, same digest, no pull.
///
/// The registry gets the moving tag of the stage (`prod`) and a tag that is never moved
/// (`1.4.2-prod`). The image must be what the stage before runs. Stages, their engines and what
/// they require stand in states/pipeline.yml.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct PromoteArgs {
    /// A pipeline's name or image; `web@1.4.2` or `web@sha256:…` for another version than the stage
    /// before has.
    #[arg(value_name = "IMAGE")]
    image: String,

    /// The stage that it comes from. [default: the one before]
    #[arg(long, value_name = "STAGE")]
    from: Option<String>,

    /// The stage that it goes to.
    #[arg(long, value_name = "STAGE")]
    to: String,

    /// Only shows what would be moved, and what stands against it.
    #[arg(long, visible_alias = "dry-run")]
    test: bool,

    /// The digest that the stage's tag must have now; refused if somebody else moved it.
    #[arg(long, value_name = "DIGEST")]
    expect: Option<String>,

    /// Promotes although the stage before does not run it, or has not validated it.
    #[arg(long)]
    force: bool,

    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,

    /// The file with the stages.
    #[arg(long, value_name = "FILE", default_value = PIPELINE)]
    pipeline: PathBuf,
}

const EXAMPLES: &str = "Examples:
  evenkeel promote web --to qa --test
  evenkeel promote web --from qa --to prod
  evenkeel promote web@1.4.2 --to prod --expect sha256:9af1…";

pub(super) async fn run(args: PromoteArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let options = PromoteOptions {
        file: args.pipeline,
        image: args.image,
        from: args.from,
        to: args.to,
        mode: if args.test { Mode::Test } else { Mode::Apply },
        expect: args.expect,
        force: args.force,
        why: args.why,
    };
    match run::promote(&options, ambient).await {
        Ok(promotion) => {
            let printed = screen.print(&report::promotion(&promotion, &screen.view));
            if let Some(reason) = &promotion.unrecorded {
                screen.remark(&report::warning(&format!("this promotion is not on record: {reason}")));
            }
            let ended = if promotion.blockers.is_empty() { ExitCode::Fine } else { ExitCode::StateFailed };
            ExitCode::combined([ended, printed])
        }
        Err(error) => screen.run_error(&error),
    }
}
