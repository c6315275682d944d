//! What a container has to show before it counts as good.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// When a container counts as proven: it is healthy if it has a healthcheck, runs without a restart, and every
/// probe was answered well once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// How long it has to run without a restart, if it has no healthcheck.
    pub stable_for: Duration,
    /// How long it may take altogether.
    pub timeout: Duration,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wait: Vec<Probe>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { stable_for: Duration::from_secs(2), timeout: Duration::from_secs(60), wait: Vec::new() }
    }
}

/// One thing that is asked until the answer is good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// A GET of `path` is answered with a status from the first to the last of `status`.
    Http { port: u16, path: String, status: (u16, u16), from: Whence },
    /// Somebody listens.
    Tcp { port: u16, from: Whence },
    /// A command in the container ends with 0.
    Exec { command: Vec<String> },
    /// The container has written a text since it was started.
    Log { text: String },
    /// The validation that the container declares in a label ends with 0.
    Validate,
    /// It has a healthcheck at all; that it is healthy is asked of each that has one.
    Healthy,
}

/// Where a port is asked from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whence {
    /// A container of our own that shares the network of the one in question.
    Helper,
    /// This machine, at the port of the engine's machine that it is published to.
    Published,
    /// A program in the container.
    Inside,
}

impl Whence {
    pub const WORDS: [&'static str; 3] = ["helper", "published", "inside"];

    /// Reads the word of a state file.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "helper" => Some(Self::Helper),
            "published" => Some(Self::Published),
            "inside" => Some(Self::Inside),
            _ => None,
        }
    }
}

impl Probe {
    /// The port that it asks, and from where.
    pub fn port(&self) -> Option<(u16, Whence)> {
        match self {
            Self::Http { port, from, .. } | Self::Tcp { port, from } => Some((*port, *from)),
            Self::Exec { .. } | Self::Log { .. } | Self::Validate | Self::Healthy => None,
        }
    }

    /// The same without a published port, for a container that publishes none.
    #[must_use]
    pub fn unpublished(mut self) -> Self {
        if let Self::Http { from, .. } | Self::Tcp { from, .. } = &mut self
            && *from == Whence::Published
        {
            *from = Whence::Helper;
        }
        self
    }
}

impl fmt::Display for Whence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Helper => "",
            Self::Published => " as published",
            Self::Inside => " from inside",
        })
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { port, path, from, .. } => write!(f, "http :{port}{path}{from}"),
            Self::Tcp { port, from } => write!(f, "tcp :{port}{from}"),
            Self::Exec { command } => match command.as_slice() {
                [shell, option, script] if shell == "/bin/sh" && option == "-c" => {
                    write!(f, "exec `{script}`")
                }
                words => write!(f, "exec `{}`", words.join(" ")),
            },
            Self::Log { text } => write!(f, "log `{text}`"),
            Self::Validate => write!(f, "validate"),
            Self::Healthy => write!(f, "healthy"),
        }
    }
}
