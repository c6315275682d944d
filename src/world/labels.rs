//! The labels by which evenkeel knows its own.

use std::collections::BTreeMap;

use serde_json::Value;

/// Label keys. They carry only facts that are known when an object is made.
pub mod label {
    pub const PREFIX: &str = "io.evenkeel.";
    /// The state's id.
    pub const ID: &str = "io.evenkeel.id";
    pub const PROJECT: &str = "io.evenkeel.project";
    pub const ENV: &str = "io.evenkeel.env";
    /// Number of the deployment, counted per container.
    pub const REVISION: &str = "io.evenkeel.revision";
    /// Engine id of the container or network that this one takes the place of.
    pub const REPLACES: &str = "io.evenkeel.replaces";
    /// The restart policy that the replaced container had, for whoever has to bring it back.
    pub const RESTORES: &str = "io.evenkeel.restores";
    /// Names of the fields that the state declared, separated by commas; never their values.
    pub const DECLARED: &str = "io.evenkeel.declared";
    /// Names of the fields, and of their keys, that held secrets when the object was made: JSON. Never their values.
    pub const SECRET: &str = "io.evenkeel.secret";
    /// What was declared, in normal form and without secrets, to compare revisions and to go back to one.
    pub const STATE: &str = "io.evenkeel.state";
    /// How the container was to be proven, for whoever finishes an interrupted replacement.
    pub const GATE: &str = "io.evenkeel.gate";
    /// Registry digest of the image, where one was resolved.
    pub const IMAGE_DIGEST: &str = "io.evenkeel.image.digest";
    /// Hash of a build's context and arguments.
    pub const BUILD_HASH: &str = "io.evenkeel.build.hash";
    /// Image id of the base that a build started from.
    pub const BUILD_BASE: &str = "io.evenkeel.build.base";
    /// Short digests of what decides a build, by what it is: JSON.
    pub const BUILD_INPUTS: &str = "io.evenkeel.build.inputs";
    /// What the bases that no state declares pointed to: `reference@digest`, separated by commas.
    pub const BUILD_BASE_DIGEST: &str = "io.evenkeel.build.base.digest";
    /// Short digests of the mounted files that lay in the tree when the container was made, by their path in it: JSON.
    pub const MOUNTED: &str = "io.evenkeel.mounted";
    /// `true` on a container that was made to run to its end.
    pub const JOB: &str = "io.evenkeel.job";
    /// The image that a throw-away container tries.
    pub const TRIAL: &str = "io.evenkeel.trial";
    /// Where the process is that tries it, for whoever finds what a killed one left.
    pub const TRIAL_HOME: &str = "io.evenkeel.trial.home";
    /// The command by which an image says how it is validated, for its shell.
    pub const LIFECYCLE_VALIDATE: &str = "io.evenkeel.lifecycle.validate";
    /// The command by which what runs fetches what is new, without a new image.
    pub const LIFECYCLE_UPDATE: &str = "io.evenkeel.lifecycle.update";
    /// The command by which an image is to be started; for people.
    pub const LIFECYCLE_START: &str = "io.evenkeel.lifecycle.start";
    /// Before the number of a generation (`00`, `01` …): the record of the build of that ancestor. JSON.
    pub const IMAGE_RECORD: &str = "io.evenkeel.image.";
    /// `true` if the state had `protect: true` when the object was made. Never compared.
    pub const PROTECT: &str = "io.evenkeel.protect";
    /// On a container that is a lock, and never runs: the version of the other labels that begin with it.
    pub const LOCK: &str = "io.evenkeel.lock";
    /// What the maker of an image calls its version.
    /// Source: <https://github.com/opencontainers/image-spec/blob/main/annotations.md>.
    pub const OCI_VERSION: &str = "org.opencontainers.image.version";
    /// What the standard has for the origin of an image, by the same source.
    pub const OCI_TITLE: &str = "org.opencontainers.image.title";
    pub const OCI_CREATED: &str = "org.opencontainers.image.created";
    pub const OCI_REVISION: &str = "org.opencontainers.image.revision";
    pub const OCI_SOURCE: &str = "org.opencontainers.image.source";
    pub const OCI_BASE_NAME: &str = "org.opencontainers.image.base.name";
    pub const OCI_BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
    /// Stamps of a container: when it was made, by whom, from which machine, what began that, and why.
    /// Never compared.
    pub const DEPLOY_TIME: &str = "io.evenkeel.deploy.time";
    /// Of all that one run makes the same, and of no other run: its beginning, in nanoseconds since 1970.
    pub const DEPLOY_RUN: &str = "io.evenkeel.deploy.run";
    pub const DEPLOY_BY: &str = "io.evenkeel.deploy.by";
    pub const DEPLOY_HOST: &str = "io.evenkeel.deploy.host";
    pub const DEPLOY_CAUSE: &str = "io.evenkeel.deploy.cause";
    pub const DEPLOY_WHY: &str = "io.evenkeel.deploy.why";
    pub const DEPLOY_COMMIT: &str = "io.evenkeel.deploy.commit";
}

/// Whose an object is. What carries another pair, or none, is not ours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    pub project: String,
    pub env: String,
}

/// Labels of an observed object.
pub struct Labels<'a>(Option<&'a serde_json::Map<String, Value>>);

impl<'a> Labels<'a> {
    /// Labels as they stand in inspect JSON: an object or null.
    pub fn new(json: Option<&'a Value>) -> Self {
        Self(json.and_then(Value::as_object))
    }

    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.0?.get(key)?.as_str()
    }

    /// All labels that are texts.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.0.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }

    /// Whose the object is, if evenkeel made it.
    pub fn owner(&self) -> Option<Owner> {
        let project = self.get(label::PROJECT)?.to_owned();
        Some(Owner { project, env: self.get(label::ENV)?.to_owned() })
    }

    /// True if the object carries an owner's project and environment.
    pub fn are_of(&self, owner: &Owner) -> bool {
        self.get(label::PROJECT) == Some(&owner.project) && self.get(label::ENV) == Some(&owner.env)
    }

    /// True if the object was made with `protect: true`.
    pub fn are_protected(&self) -> bool {
        self.get(label::PROTECT) == Some("true")
    }

    /// The fields that were declared when the object was made.
    pub fn declared(&self) -> impl Iterator<Item = &'a str> {
        self.get(label::DECLARED).unwrap_or("").split(',').filter(|name| !name.is_empty())
    }

    /// What held secrets when the object was made: fields such as `command`, and keys such as `env.DB_URL`.
    pub fn secret(&self) -> Vec<String> {
        self.get(label::SECRET).and_then(|names| serde_json::from_str(names).ok()).unwrap_or_default()
    }

    /// The revision number, if there is a readable one.
    pub fn revision(&self) -> Option<u32> {
        self.get(label::REVISION)?.parse().ok()
    }
}

impl Owner {
    /// The labels that make an object ours.
    pub fn labels(&self, id: &str) -> BTreeMap<String, String> {
        BTreeMap::from([
            (label::ID.to_owned(), id.to_owned()),
            (label::PROJECT.to_owned(), self.project.clone()),
            (label::ENV.to_owned(), self.env.clone()),
        ])
    }
}
