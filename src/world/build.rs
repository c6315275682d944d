//! What a build, and the trial of what it gave, are told.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::Origin;

/// What a build needs.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildSpec {
    /// The name of the image.
    pub tag: String,
    /// Whether the build gives the image its name, or a later step does.
    pub naming: Naming,
    /// The folder that is sent to the engine.
    pub context: PathBuf,
    /// The Dockerfile, relative to the context.
    pub dockerfile: String,
    pub args: BTreeMap<String, String>,
    pub target: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// What the record of the build is made of; without it there is none.
    pub origin: Option<Origin>,
    pub options: BuildOptions,
    pub builder: Builder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    Named,
    /// It has no name until it has been tried.
    Unnamed,
}

/// What builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// The engine's own.
    Classic,
    /// `docker buildx`, on this machine and for the same engine.
    Buildx,
}

/// How a build goes about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BuildOptions {
    pub platform: Option<String>,
    pub network: Option<String>,
    pub cache_from: Vec<String>,
    /// Nothing of earlier builds is used again.
    pub no_cache: bool,
    /// The registry is asked for newer base images.
    pub pull: bool,
    /// `name:address`.
    pub extra_hosts: Vec<String>,
    /// What a step may use, as the API calls it: `memory`, `cpushares` and so on; bytes where it is a size.
    pub limits: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, SecretOrigin>,
}

/// Where the builder reads a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretOrigin {
    File(PathBuf),
    /// The name of a variable of this process.
    Env(String),
}

/// How long a throw-away container may take.
pub const LONGEST_TRIAL: Duration = Duration::from_secs(600);

/// A container that only shows whether an image is sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The program and its arguments; without one what the image's own label says.
    pub command: Option<Vec<String>>,
    pub labels: BTreeMap<String, String>,
}

impl Trial {
    /// What the API takes to create it, without the image.
    pub fn body(&self) -> Value {
        match &self.command {
            Some(command) => json!({"Entrypoint": command, "Labels": self.labels}),
            None => json!({"Labels": self.labels}),
        }
    }
}
