//! The arguments that every command takes which loads state files.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::run::{Ambient, RunError, TreeOptions};
use crate::state::{Policy, Trust};

/// Which state files, and with which data.
#[derive(Debug, Args)]
#[command(next_help_heading = "State files and engine")]
pub(super) struct TreeArgs {
    /// State files, such as states/prod.yml. `apply` also takes a plan that was saved: one file that ends with
    /// `.json`.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The environment. With the project it says which objects are ours. [default: the name of the
    /// first FILE without its ending]
    #[arg(long, value_name = "E")]
    env: Option<String>,

    /// Sets a pillar value over those of the pillar files; K may be a path such as `web.port`.
    /// May be given several times.
    #[arg(long, value_name = "K=V", value_parser = pillar)]
    pillar: Vec<(String, String)>,

    /// Takes the grains from this YAML or JSON file instead of asking the engine.
    #[arg(long, value_name = "FILE")]
    grains: Option<PathBuf>,

    /// The engine: unix:///…, tcp://…, ssh://user@host, or the name of a docker context.
    /// [default: DOCKER_HOST, else DOCKER_CONTEXT, else the current docker context]
    #[arg(long, value_name = "URL")]
    host: Option<String>,
}

impl TreeArgs {
    /// The file of a saved plan, if that is what is named.
    pub(super) fn saved_plan(&self) -> Option<&Path> {
        match self.files.as_slice() {
            [file] if file.extension().is_some_and(|ending| ending == "json") => Some(file),
            _ => None,
        }
    }

    /// What goes with a saved plan, which has the rest.
    ///
    /// # Errors
    /// If something is said that the plan says already.
    pub(super) fn for_plan(self) -> Result<TreeOptions, RunError> {
        let said = [
            (self.env.is_some(), "--env"),
            (self.grains.is_some(), "--grains"),
            (self.host.is_some(), "--host"),
        ];
        fixed_by_plan(&said)?;
        Ok(TreeOptions {
            files: Vec::new(),
            env: String::new(),
            pillar: self.pillar,
            grains: None,
            host: None,
            project: None,
            trust: Trust::Own,
            policy: Policy::default(),
        })
    }

    /// Fills in what was not typed.
    pub(super) fn resolve(self, ambient: &Ambient) -> Result<TreeOptions, RunError> {
        let env = match (self.env, self.files.first().and_then(|file| file.file_stem())) {
            (Some(env), _) => env,
            (None, Some(stem)) => stem.to_string_lossy().into_owned(),
            (None, None) => return Err(RunError::Usage("the first FILE has no name; say --env".to_owned())),
        };
        if env.is_empty() {
            return Err(RunError::Usage("--env is empty".to_owned()));
        }
        let absolute = |path: PathBuf| ambient.directory.join(path);
        Ok(TreeOptions {
            files: self.files.into_iter().map(absolute).collect(),
            env,
            pillar: self.pillar,
            grains: self.grains.map(absolute),
            host: self.host,
            project: None,
            trust: Trust::Own,
            policy: Policy::default(),
        })
    }
}

/// Refuses what a saved plan has decided.
pub(super) fn fixed_by_plan(said: &[(bool, &str)]) -> Result<(), RunError> {
    match said.iter().find(|(is_said, _)| *is_said) {
        Some((_, option)) => Err(RunError::Usage(format!(
            "{option} is part of a saved plan and cannot be said again; plan anew"
        ))),
        None => Ok(()),
    }
}

fn pillar(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, _)) if key.trim().is_empty() => Err("there is no key before `=`".to_owned()),
        Some((key, value)) => Ok((key.trim().to_owned(), value.to_owned())),
        None => Err(format!("there is no `=`; try `{text}=value`")),
    }
}
