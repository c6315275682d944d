//! `evenkeel repair`: finishes or undoes what an earlier run has left, and nothing else.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use super::apply::{Output, Shown, carry_out, seconds};
use super::exit_code::{Changes, ExitCode};
use super::output::OutputArgs;
use super::screen::Screen;
use super::tree::TreeArgs;
use crate::run::{Ambient, ApplyOptions, AskRegistries, DataLoss, Mode, RunError, Scope};
use crate::world::Cause;

/// Finishes or undoes what a run that was killed has left, and does nothing else.
///
/// Every `apply` begins with that. This stops there: what the states declare is not looked at, no image is asked for,
/// no guard is run. The FILEs say only which project and environment is meant.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct RepairArgs {
    #[command(flatten)]
    tree: TreeArgs,

    /// Only shows what would be done, and why; touches nothing.
    #[arg(long, visible_alias = "dry-run")]
    test: bool,

    /// How long to wait for another run that is at work on the same project and environment, such as `10m`. Without
    /// it that is an error at once (exit code 5).
    #[arg(long, value_name = "TIME", default_value = "0s", env = "EVENKEEL_LOCK_WAIT", hide_env_values = true, value_parser = seconds)]
    lock_wait: Duration,

    #[command(flatten)]
    output: OutputArgs,
}

const EXAMPLES: &str = "Examples:
  evenkeel repair states/prod.yml --test
  evenkeel repair states/prod.yml";

pub(super) async fn run(args: RepairArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let output = if args.output.is_json() { Output::Json } else { Output::Changes };
    let shown = Shown { output, changes: Changes::AreFine, timings: false };
    match args.resolve(ambient) {
        Ok(options) => carry_out(&options, &shown, ambient, screen).await,
        Err(error) => screen.run_error(&error),
    }
}

impl RepairArgs {
    fn resolve(self, ambient: &Ambient) -> Result<ApplyOptions, RunError> {
        if self.tree.saved_plan().is_some() {
            return Err(RunError::Usage("repair takes state files, and no saved plan".to_owned()));
        }
        Ok(ApplyOptions {
            tree: self.tree.resolve(ambient)?,
            mode: if self.test { Mode::Test } else { Mode::Apply },
            scope: Scope::Unfinished,
            targets: Vec::new(),
            jobs: NonZeroUsize::MIN,
            prune: false,
            adopt: false,
            data_loss: DataLoss::Refuse,
            registries: AskRegistries::Never,
            lock_wait: self.lock_wait,
            save: None,
            expected: None,
            cause: Cause::default(),
            why: None,
            commit: None,
            deployment: None,
        })
    }
}
