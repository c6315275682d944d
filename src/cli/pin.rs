//! `evenkeel pin`: writes down which digests an environment uses.

use std::collections::BTreeSet;

use clap::Args;

use super::exit_code::ExitCode;
use super::screen::Screen;
use super::tree::TreeArgs;
use crate::report;
use crate::run::{self, Ambient, Mode, PinOptions, RunError, Update};

/// Writes the digests behind the tags of an environment to states/ENV.pins, to be committed.
///
/// Where that file is, `apply` uses each image at its digest, wherever the tag points by now, and
/// tells when they differ. Images that have no pin yet get one; pins of images that no state uses
/// any more are dropped; all others stay unless --update names them.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct PinArgs {
    #[command(flatten)]
    tree: TreeArgs,

    /// Lets pins follow their tags: all of them, or only those of these images.
    #[arg(long, value_name = "IMAGE,…", num_args = 0..=1, require_equals = true, default_missing_value = EVERY_IMAGE, value_delimiter = ',')]
    update: Option<Vec<String>>,

    /// Only shows what would be written.
    #[arg(long, visible_alias = "dry-run")]
    test: bool,
}

const EXAMPLES: &str = "Examples:
  evenkeel pin states/prod.yml
  evenkeel pin states/prod.yml --update --test
  evenkeel pin states/prod.yml --update=registry.example/shop/web:prod";

/// No image can have this name.
const EVERY_IMAGE: &str = "*";

pub(super) async fn run(args: PinArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let outcome = match args.resolve(ambient) {
        Ok(options) => run::pin(&options, ambient).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(report) => screen.print(&report::pins(&report, &screen.view)),
        Err(error) => screen.run_error(&error),
    }
}

impl PinArgs {
    fn resolve(self, ambient: &Ambient) -> Result<PinOptions, RunError> {
        let update = match self.update {
            None => Update::None,
            Some(names) if names == [EVERY_IMAGE] => Update::All,
            Some(names) => {
                let names: BTreeSet<_> = names.into_iter().map(|name| name.trim().to_owned()).collect();
                if names.contains("") {
                    return Err(RunError::Usage(
                        "--update takes names of images; without `=` it stands for all of them".to_owned(),
                    ));
                }
                Update::Of(names)
            }
        };
        let mode = if self.test { Mode::Test } else { Mode::Apply };
        Ok(PinOptions { tree: self.tree.resolve(ambient)?, update, mode })
    }
}
