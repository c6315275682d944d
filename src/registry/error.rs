//! What can go wrong with a registry, and what to do about it.

use std::time::Duration;

use thiserror::Error;

/// How the message of a registry begins that does not answer in time.
pub(super) const SILENCE: &str = "no answer within";

/// Why a registry did not do what it was asked to. Holds no credentials.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RegistryError {
    /// The registry has no such repository or tag, or does not show it.
    #[error("{registry} has no {what}{}", reason(.message))]
    Missing { registry: String, what: String, message: String },
    /// It wants to know who asks, or does not let them.
    #[error("{registry} refuses access to {what}{}", reason(.message))]
    Denied { registry: String, what: String, message: String, logged_in: bool },
    /// Too many requests.
    #[error("{registry} has had too many requests{}", after(.wait))]
    Limited { registry: String, wait: Option<Duration> },
    /// It answered with another error.
    #[error("{registry} answered {status} to {what}{}", reason(.message))]
    Answered { registry: String, what: String, status: u16, message: String },
    /// No answer came.
    #[error("{registry} cannot be reached: {message}")]
    Unreachable { registry: String, message: String },
    /// The answer is not what it should be.
    #[error("the answer of {registry} for {what} cannot be used: {message}")]
    Garbled { registry: String, what: String, message: String },
    /// Credentials, certificates or addresses on this machine are wrong.
    #[error("{0}")]
    Here(String),
}

impl RegistryError {
    /// True if the registry let the time pass, and did not refuse.
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Unreachable { message, .. } if message.starts_with(SILENCE))
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Denied { registry, logged_in: false, .. } => {
                Some(format!("log in with: evenkeel login {registry}"))
            }
            Self::Denied { registry, logged_in: true, .. } => Some(format!(
                "the credentials for {registry} in Docker's config.json do not give access; log in anew with: \
                 evenkeel login {registry}"
            )),
            Self::Limited { .. } => {
                Some("try again later, or log in: most registries let users ask more".to_owned())
            }
            Self::Unreachable { message, registry } if message.contains("certificate") => Some(format!(
                "trust its certificate in /etc/docker/certs.d/{registry}/ca.crt, or with `registries: {{{registry}: {{ca: \
                 FILE}}}}` in evenkeel.yml"
            )),
            Self::Missing { .. }
            | Self::Answered { .. }
            | Self::Unreachable { .. }
            | Self::Garbled { .. }
            | Self::Here(_) => None,
        }
    }
}

fn reason(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

fn after(wait: &Option<Duration>) -> String {
    wait.map(|wait| format!("; it wants to be left alone for {} s", wait.as_secs())).unwrap_or_default()
}
