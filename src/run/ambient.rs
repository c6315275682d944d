//! What a run would otherwise take from its surroundings, collected once by whoever starts it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::sync::watch;

use super::RunError;
use crate::history::StatePlaces;
use crate::lock::{Holder, Places};
use crate::resource::whole_seconds;
use crate::source::without_url_passwords;

/// How long a lock at an engine holds unless it is renewed: what another machine waits for after this one has died.
const LEASE: Duration = Duration::from_secs(300);
const LOCK_LEASE: &str = "EVENKEEL_LOCK_LEASE";
/// Seconds; a lock is told in whole ones, and renewed five times as often.
const SHORTEST_LEASE: u64 = 3;
const LONGEST_LEASE: u64 = 86_400;

/// The surroundings of one run. Not `Debug`: variables hold secrets.
#[derive(Clone)]
pub struct Ambient {
    /// The working directory.
    pub directory: PathBuf,
    pub home: Option<PathBuf>,
    /// Environment variables that are text.
    pub variables: BTreeMap<String, String>,
    /// When the run began. "Now" for everything that depends on it.
    pub now: SystemTime,
    /// Who runs it, by login name.
    pub user: String,
    /// The account of this process, by its number and not by what its environment says.
    pub account: String,
    /// The numeric id of the user.
    pub uid: u32,
    /// The machine that evenkeel runs on.
    pub machine: String,
    /// What the system calls this boot of it; nothing where it has no name for that.
    pub boot: Option<String>,
    pub pid: u32,
    /// The command as it was typed, values of `--pillar` masked.
    pub command: String,
    pub stop: Stop,
}

impl Ambient {
    /// The value of an environment variable; an empty one counts as not set.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Where what can be had again is kept between runs.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        let chosen = self.variable("XDG_CACHE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
        let folder = chosen.or_else(|| Some(self.home.as_ref()?.join(".cache")))?;
        Some(folder.join("evenkeel"))
    }

    /// Where the lock of this run may lie.
    pub fn lock_places(&self) -> Places {
        Places {
            chosen: self.variable("EVENKEEL_LOCK_DIR").map(|folder| self.directory.join(folder)),
            home: self.home.clone(),
            runtime: self.variable("XDG_RUNTIME_DIR").map(PathBuf::from),
            // Not $TMPDIR: runs that differ in it have to meet the same lock.
            temp: PathBuf::from("/tmp"),
            uid: self.uid,
        }
    }

    /// How long a lock at an engine holds unless it is renewed.
    ///
    /// # Errors
    /// If the environment has no time that makes sense.
    pub fn lock_lease(&self) -> Result<Duration, RunError> {
        let Some(text) = self.variable(LOCK_LEASE) else { return Ok(LEASE) };
        let seconds =
            whole_seconds(text).filter(|seconds| (SHORTEST_LEASE..=LONGEST_LEASE).contains(seconds));
        seconds.map(Duration::from_secs).ok_or_else(|| {
            RunError::Usage(format!(
                "{LOCK_LEASE}={text}: it takes a time from {SHORTEST_LEASE}s to {LONGEST_LEASE}s, such as `5m`"
            ))
        })
    }

    /// Where the history of this user may lie.
    pub fn state_places(&self) -> StatePlaces {
        StatePlaces {
            chosen: self.variable("EVENKEEL_STATE_DIR").map(|folder| self.directory.join(folder)),
            state_home: self.variable("XDG_STATE_HOME").map(PathBuf::from),
            home: self.home.clone(),
            uid: self.uid,
        }
    }

    /// Who runs it, for the history: under `sudo` the one who typed it.
    pub fn actor(&self) -> String {
        let person = self.variable("SUDO_USER").filter(|_| self.uid == 0).unwrap_or(&self.user);
        format!("{person}@{}", self.machine)
    }

    /// When the run began.
    pub fn started(&self) -> Timestamp {
        Timestamp::try_from(self.now).unwrap_or_default().round(jiff::Unit::Second).unwrap_or_default()
    }

    /// This run, for others that find the lock taken.
    pub fn lock_holder(&self) -> Holder {
        Holder {
            pid: self.pid,
            host: self.machine.clone(),
            user: self.user.clone(),
            since: self.started(),
            // Others can read it.
            command: without_url_passwords(&self.command),
        }
    }
}

/// What asked a run to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
}

/// The wish that a run may end early. Whoever performs steps looks at it between two steps; the
/// step in hand is finished or undone.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<Option<Signal>>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Stop {
    /// Asks for it. The first wish counts.
    pub fn request(&self, signal: Signal) {
        self.0.send_modify(|wish| *wish = wish.or(Some(signal)));
    }

    /// What asked for it, if anything did.
    pub fn requested(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// Waits until somebody asks for it. Safe to drop: meant for waits between steps.
    pub async fn wait(&self) -> Signal {
        let mut wishes = self.0.subscribe();
        loop {
            if let Some(signal) = *wishes.borrow_and_update() {
                return signal;
            }
            // The sender lives in `self`, so this cannot fail; if it did, nobody could ask any more.
            if wishes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_wish_to_stop_counts() {
        let stop = Stop::default();
        assert_eq!(stop.requested(), None);
        stop.clone().request(Signal::Terminate);
        stop.request(Signal::Interrupt);
        assert_eq!(stop.requested(), Some(Signal::Terminate));
        assert_eq!(stop.wait().await, Signal::Terminate);
    }
}
