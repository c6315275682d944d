//! A lock at the engine: what it says of its holder, and what another run may do about it. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::holder::Holder;
use crate::world::{Owner, label};

/// Version of the labels.
const VERSION: &str = "1";

/// A lock at an engine, as its labels say. It holds only for a time, which the engine measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub owner: Owner,
    pub holder: Holder,
    /// Tells this run from all others.
    pub run: String,
    /// Nothing where the machine does not say what it is.
    pub home: Option<Home>,
}

/// Where a run holds the lock on a file. Who has locked the same file of the same boot of the same machine knows
/// that whoever had it before is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// What Linux calls this boot (`/proc/sys/kernel/random/boot_id`).
    pub boot: String,
    /// The machine's name.
    pub host: String,
    /// Device and inode of the file.
    pub file: String,
}

/// What a lock that is there means to another run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its holder has ended without letting go: it had the lock on the file that is now ours.
    LeftBehind,
    /// It was not renewed in time.
    Expired,
    /// Somebody may be at work.
    Held,
}

impl Lease {
    /// Its labels at the engine; none of them makes the container one that evenkeel keeps.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let Self { owner, holder, run, home } = self;
        let mut labels = BTreeMap::from([(label::LOCK.to_owned(), VERSION.to_owned())]);
        let mut say = |key: &str, value: &str| labels.insert(key_of(key), value.to_owned());
        say("project", &owner.project);
        say("env", &owner.env);
        say("pid", &holder.pid.to_string());
        say("host", &holder.host);
        say("user", &holder.user);
        say("since", &holder.since.to_string());
        say("command", &holder.command);
        say("run", run);
        if let Some(home) = home {
            say("boot", &home.boot);
            say("file", &home.file);
        }
        labels
    }

    /// Reads labels; nothing if they do not say whose lock it is.
    pub fn read(labels: &BTreeMap<String, String>) -> Option<Self> {
        let said = |key: &str| labels.get(&key_of(key)).cloned();
        let host = said("host")?;
        let home = said("boot").zip(said("file"));
        Some(Self {
            owner: owner_of(labels)?,
            holder: Holder {
                pid: said("pid")?.parse().ok()?,
                host: host.clone(),
                user: said("user")?,
                since: said("since")?.parse().ok()?,
                command: said("command")?,
            },
            run: said("run")?,
            home: home.map(|(boot, file)| Home { boot, host, file }),
        })
    }
}

/// What a lock is for, whatever else its labels say.
pub fn owner_of(labels: &BTreeMap<String, String>) -> Option<Owner> {
    let said = |key: &str| labels.get(&key_of(key)).cloned();
    Some(Owner { project: said("project")?, env: said("env")? })
}

/// What a lock means to a run that holds the lock on the file `here`.
///
/// `left` is how long it holds still, by the engine's clock; nothing if the engine does not tell the time. Such a
/// lock never runs out by itself.
pub fn standing(lease: Option<&Lease>, here: Option<&Home>, left: Option<Duration>) -> Standing {
    let home = lease.and_then(|lease| lease.home.as_ref());
    if home.is_some() && home == here {
        Standing::LeftBehind
    } else if left.is_some_and(|left| left.is_zero()) {
        Standing::Expired
    } else {
        Standing::Held
    }
}

fn key_of(key: &str) -> String {
    format!("{}.{key}", label::LOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        Lease {
            owner: Owner { project: "shop".into(), env: "prod".into() },
            holder: Holder {
                pid: 7,
                host: "ship".into(),
                user: "ann".into(),
                since: "2026-11-20T18:00:00Z".parse().expect("a time"),
                command: "evenkeel apply".into(),
            },
            run: "1f".into(),
            home: Some(home()),
        }
    }

    fn home() -> Home {
        Home { boot: "b".into(), host: "ship".into(), file: "8:1:42".into() }
    }

    #[test]
    fn labels_are_read_as_they_were_written() {
        assert_eq!(Lease::read(&lease().labels()), Some(lease()));
        let homeless = Lease { home: None, ..lease() };
        assert_eq!(Lease::read(&homeless.labels()), Some(homeless));
        assert_eq!(Lease::read(&BTreeMap::new()), None);
        let json: serde_json::Value = lease().labels().into_iter().collect();
        assert_eq!(crate::world::Labels::new(Some(&json)).owner(), None, "it is nobody's container");
    }

    #[test]
    fn only_who_has_the_same_file_of_the_same_boot_knows_that_the_holder_is_gone() {
        let long = Some(Duration::from_secs(100));
        let at = |here: &Home| standing(Some(&lease()), Some(here), long);
        assert_eq!(at(&home()), Standing::LeftBehind);
        assert_eq!(at(&Home { boot: "c".into(), ..home() }), Standing::Held);
        assert_eq!(at(&Home { host: "boat".into(), ..home() }), Standing::Held);
        assert_eq!(at(&Home { file: "8:1:43".into(), ..home() }), Standing::Held);
        assert_eq!(standing(Some(&Lease { home: None, ..lease() }), None, long), Standing::Held);
    }

    #[test]
    fn a_lock_runs_out_by_the_engines_clock_alone() {
        let elsewhere = Home { boot: "c".into(), ..home() };
        let after = |left: Option<Duration>| standing(Some(&lease()), Some(&elsewhere), left);
        assert_eq!(after(Some(Duration::ZERO)), Standing::Expired);
        assert_eq!(after(Some(Duration::from_secs(1))), Standing::Held);
        assert_eq!(after(None), Standing::Held);
        assert_eq!(standing(None, None, Some(Duration::ZERO)), Standing::Expired);
    }
}
