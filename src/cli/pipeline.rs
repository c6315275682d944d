//! `evenkeel pipeline`: where is each stage?

use std::path::PathBuf;

use clap::Args;

use super::exit_code::ExitCode;
use super::screen::Screen;
use crate::plan::{StageContainers, StageTag};
use crate::report;
use crate::run::{self, Ambient};

/// Where the stages are declared unless `--pipeline` says otherwise.
pub(super) const PIPELINE: &str = "states/pipeline.yml";

/// Shows for each stage which version its tag points to, what runs there, and what waits.
#[derive(Debug, Args)]
pub(super) struct PipelineArgs {
    /// The file with the stages.
    #[arg(long, value_name = "FILE", default_value = PIPELINE)]
    pipeline: PathBuf,
}

pub(super) async fn run(args: PipelineArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    match run::pipeline(&args.pipeline, ambient).await {
        Ok(report) => {
            let printed = screen.print(&report::pipelines(&report.pipelines, &screen.view));
            if let Some(reason) = &report.unread {
                screen.error(&format!("it is not known who promoted what: {reason}"), None);
            }
            let is_unknown = report.pipelines.iter().flat_map(|report| &report.stages).any(|stage| {
                matches!(stage.tag, StageTag::Unknown(_))
                    || matches!(stage.containers, StageContainers::Unknown(_))
            });
            let ended =
                if is_unknown || report.unread.is_some() { ExitCode::StateFailed } else { ExitCode::Fine };
            ExitCode::combined([ended, printed])
        }
        Err(error) => screen.run_error(&error),
    }
}
