//! Where an image comes from: what is planned of it, what is only known when it is built, and the record
//! that both come to.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Owner, record::FORMAT};

/// What began a run, and with it a build or a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Cause {
    #[default]
    Manual,
    Push,
    Timer,
    Webhook,
    BaseUpdate,
    Promote,
    Rollback,
}

impl Cause {
    pub const ALL: [Self; 7] = [
        Self::Manual,
        Self::Push,
        Self::Timer,
        Self::Webhook,
        Self::BaseUpdate,
        Self::Promote,
        Self::Rollback,
    ];

    /// The word for it in records, labels and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Push => "push",
            Self::Timer => "timer",
            Self::Webhook => "webhook",
            Self::BaseUpdate => "base-update",
            Self::Promote => "promote",
            Self::Rollback => "rollback",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Cause {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|cause| cause.word() == text).ok_or_else(|| {
            let words = Self::ALL.map(Self::word).join(", ");
            format!("`{text}` is no cause; there are: {words}")
        })
    }
}

/// Who does something, when, from where and why: added when steps are done, never compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stamps {
    /// What all that the run makes has in common, and nothing else.
    pub run: String,
    /// The machine that evenkeel runs on.
    pub host: String,
    pub actor: String,
    pub cause: Cause,
    pub why: Option<String>,
    /// The commit whose states are applied, where git began the run.
    pub commit: Option<String>,
    /// True if a build server runs evenkeel.
    pub is_ci: bool,
    /// What the build server calls its run.
    pub build_tag: Option<String>,
}

/// What is known of an image's origin when its build is planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    pub owner: Owner,
    /// Every name that the image gets, its own first.
    pub names: Vec<String>,
    /// What the state says of the image; nothing is null.
    pub metadata: Value,
    /// Whether the image has to pass a trial before it gets its names.
    pub is_validated: bool,
    pub files: RecordFiles,
}

/// Whether the records also lie in the image as files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordFiles {
    Written,
    LeftOut,
}

/// What is known of an image's origin once it is built.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Made {
    pub time: Timestamp,
    /// Where the sources of the build come from, and at which commit.
    pub remote: Option<String>,
    pub commit: Option<String>,
    /// The image that it was built from: its name, digest and id.
    pub base: Option<String>,
    pub base_digest: Option<String>,
    pub base_id: Option<String>,
    /// The methods that are in force in the image, as [`super::METHODS`] lists them.
    pub methods: [Option<String>; 3],
}

impl Origin {
    /// The version, if the metadata name one.
    pub fn version(&self) -> Option<String> {
        match self.metadata.get("version")? {
            Value::String(version) => Some(version.clone()),
            Value::Number(version) => Some(version.to_string()),
            _ => None,
        }
    }

    /// The record of a build. What is not known has no key.
    pub fn record(&self, stamps: &Stamps, made: &Made) -> Map<String, Value> {
        let [start, update, validate] = &made.methods;
        let has_metadata = !matches!(&self.metadata, Value::Null);
        let entries = [
            ("format", json!(FORMAT)),
            ("project", json!(self.owner.project)),
            ("image_name", json!(self.names.first())),
            ("image_tag_names", json!(self.names)),
            ("build_time", json!(whole_seconds(made.time))),
            ("build_time_stamp", json!(made.time.as_second())),
            ("build_cause", json!(stamps.cause.word())),
            ("build_tag", json!(stamps.build_tag)),
            ("ci", json!(stamps.is_ci)),
            ("gitref", json!(made.commit)),
            ("validate", json!(self.is_validated)),
            ("start_method", json!(start)),
            ("update_method", json!(update)),
            ("validate_method", json!(validate)),
            ("env", json!(self.owner.env)),
            ("build_why", json!(stamps.why)),
            ("build_host", json!(stamps.host)),
            ("build_actor", json!(stamps.actor)),
            ("git_remote", json!(made.remote)),
            ("base_image", json!(made.base)),
            ("base_digest", json!(made.base_digest)),
            ("base_id", json!(made.base_id)),
            ("metadata", if has_metadata { self.metadata.clone() } else { Value::Null }),
            ("builder", json!(concat!("evenkeel ", env!("CARGO_PKG_VERSION")))),
        ];
        let known = entries.into_iter().filter(|(_, value)| !value.is_null() && value != "");
        known.map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// A time as records and labels have it: RFC 3339, in UTC.
pub fn whole_seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_read_as_they_are_written() {
        for cause in Cause::ALL {
            assert_eq!(cause.word().parse(), Ok(cause));
        }
        assert!("cron".parse::<Cause>().is_err_and(|said| said.contains("timer, webhook, base-update")));
    }

    #[test]
    fn a_record_has_what_is_known_and_nothing_else() {
        let origin = Origin {
            owner: Owner { project: "shop".to_owned(), env: "prod".to_owned() },
            names: vec!["shop/web:1".to_owned(), "shop/web:dev".to_owned()],
            metadata: json!({"owner": "db-team"}),
            is_validated: true,
            files: RecordFiles::Written,
        };
        let stamps = Stamps { host: "ship".to_owned(), actor: "ann".to_owned(), ..Stamps::default() };
        let made = Made {
            time: "2026-01-02T03:04:05.6Z".parse().expect("a time"),
            commit: Some("abc-dirty".to_owned()),
            methods: [None, None, Some("test -x /app".to_owned())],
            ..Made::default()
        };
        let record = origin.record(&stamps, &made);
        let keys: Vec<&str> = record.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "format",
                "project",
                "image_name",
                "image_tag_names",
                "build_time",
                "build_time_stamp",
                "build_cause",
                "ci",
                "gitref",
                "validate",
                "validate_method",
                "env",
                "build_host",
                "build_actor",
                "metadata",
                "builder"
            ]
        );
        assert_eq!(record["build_time"], "2026-01-02T03:04:05Z");
        assert_eq!(record["build_time_stamp"], 1_767_323_045);
        assert_eq!(record["image_tag_names"], json!(["shop/web:1", "shop/web:dev"]));
    }
}
