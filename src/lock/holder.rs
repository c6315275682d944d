//! Who holds a lock, as the lock's file says.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::key::LockKey;
use crate::world::Owner;

/// The run that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    /// The machine it runs on; home folders may be shared by several.
    pub host: String,
    pub user: String,
    #[serde(with = "time")]
    pub since: Timestamp,
    /// The command, secrets masked.
    pub command: String,
}

/// Version of the file's format.
const VERSION: u32 = 1;

/// What a lock's file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Document {
    version: u32,
    #[serde(flatten)]
    pub holder: Holder,
    /// What is locked; the name of the file says it in a hash only.
    #[serde(default)]
    pub engine: String,
    #[serde(default)]
    pub project: String,
    #[serde(default)]
    pub env: String,
}

impl Document {
    pub(super) fn new(key: &LockKey, holder: &Holder) -> Self {
        let Owner { project, env } = key.owner.clone();
        Self { version: VERSION, holder: holder.clone(), engine: key.engine.clone(), project, env }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("all keys are strings") + "\n"
    }

    /// Reads what any version wrote, as far as it has these fields: it is for a message only.
    pub(super) fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, host, user, since, command } = self;
        write!(f, "process {pid} of {user} on {host} since {since} (`{command}`)")
    }
}

mod time {
    use jiff::Timestamp;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(time)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
