//! Which repository, and which file of the host's.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::run::Ambient;
use crate::trigger::{self, Repository, Site, TriggerError};

#[derive(Debug, Args)]
pub(super) struct PlaceArgs {
    /// The bare repository.
    #[arg(long, value_name = "PATH")]
    repo: PathBuf,

    /// The host's file. [default: the one that the repository's hooks name, else /etc/evenkeel/hooks.yml]
    #[arg(long, value_name = "FILE", env = "EVENKEEL_HOOKS", hide_env_values = true)]
    config: Option<PathBuf>,
}

/// A repository and the host's file for it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) repo: PathBuf,
    pub(super) config: PathBuf,
}

const DEFAULT: &str = "/etc/evenkeel/hooks.yml";

impl PlaceArgs {
    pub(super) fn resolve(self, ambient: &Ambient) -> Place {
        let repo = ambient.directory.join(&self.repo);
        let named = || {
            // What is wrong with the repository is told when it is used.
            let repository = Repository::open(&repo, &ambient.variables).ok()?;
            trigger::config(&repository)
        };
        let config = self.config.or_else(named).unwrap_or_else(|| PathBuf::from(DEFAULT));
        Place { config: ambient.directory.join(config), repo }
    }
}

impl Place {
    pub(super) fn open<'a>(&self, ambient: &'a Ambient) -> Result<Site<'a>, TriggerError> {
        Site::open(&self.repo, &self.config, ambient)
    }

    /// This program with a subcommand of `hook`, for the same repository and file.
    pub(super) fn call(&self, subcommand: &str) -> Result<Command, TriggerError> {
        let program = std::env::current_exe().map_err(|error| TriggerError::Asked(error.to_string()))?;
        let mut command = Command::new(program);
        command.args(["hook", subcommand]).arg("--repo").arg(&self.repo).arg("--config").arg(&self.config);
        Ok(command)
    }

    pub(super) fn config(&self) -> &Path {
        &self.config
    }
}
