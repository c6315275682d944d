//! Who has locked what, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::text::{BOLD, DIM, duration, harmless, paint};
use crate::plan::{LockHolder, LockReport, LockStanding, LockStatus};

/// Renders two lines for each lock.
pub fn locks(report: &LockReport) -> String {
    if report.locks.is_empty() {
        return "nothing is locked\n".to_owned();
    }
    report.locks.iter().fold(String::new(), |mut text, lock| {
        _ = writeln!(text, "{}: {}", paint(BOLD, named(lock)), standing(lock));
        _ = writeln!(text, "  {}", paint(DIM, held_by(lock.holder.as_ref())));
        text
    })
}

/// Tells what was removed.
pub fn unlocked(removed: Option<&LockStatus>) -> String {
    match removed {
        None => "there is no lock at the engine\n".to_owned(),
        Some(lock) => {
            let why = match lock.standing {
                LockStanding::AtWork | LockStanding::Elsewhere => {
                    "by force; a run that is at work begins nothing more"
                }
                LockStanding::LeftBehind => "its run is no more",
                LockStanding::Expired => "it had run out",
            };
            format!("{}: unlocked: {why}\n  {}\n", named(lock), held_by(lock.holder.as_ref()))
        }
    }
}

/// Renders the locks as one JSON object.
pub fn locks_json(report: &LockReport) -> String {
    let locks: Vec<_> = report.locks.iter().map(lock_json).collect();
    format!("{:#}\n", json!({"locks": locks}))
}

/// Renders what was removed as one JSON object.
pub fn unlocked_json(removed: Option<&LockStatus>) -> String {
    format!("{:#}\n", json!({"removed": removed.map(lock_json)}))
}

fn named(lock: &LockStatus) -> String {
    format!("project `{}`, env `{}`", harmless(&lock.owner.project), harmless(&lock.owner.env))
}

fn standing(lock: &LockStatus) -> String {
    let left = lock.container.as_ref().and_then(|container| container.left);
    match lock.standing {
        LockStanding::AtWork if lock.container.is_none() => "a run of this machine begins".to_owned(),
        LockStanding::AtWork => "a run of this machine is at work".to_owned(),
        LockStanding::LeftBehind => "left behind; the next run takes it over".to_owned(),
        LockStanding::Expired => "run out; the next run takes it over".to_owned(),
        LockStanding::Elsewhere => match left {
            Some(left) => {
                let left = duration(Duration::from_secs(left.as_secs()));
                format!("another machine's or user's; ends in {left} unless it is renewed")
            }
            None => "another machine's or user's; the engine does not say when it ends".to_owned(),
        },
    }
}

fn held_by(holder: Option<&LockHolder>) -> String {
    match holder {
        Some(LockHolder { pid, host, user, since, command }) => {
            let [host, user, command] = [host, user, command].map(|text| harmless(text));
            format!("process {pid} of {user} on {host} since {since}: {command}")
        }
        None => "it does not say whose it is".to_owned(),
    }
}

fn lock_json(lock: &LockStatus) -> Value {
    let holder = lock.holder.as_ref();
    let container = lock.container.as_ref();
    json!({
        "project": lock.owner.project,
        "env": lock.owner.env,
        "standing": lock.standing.word(),
        "pid": holder.map(|holder| holder.pid),
        "host": holder.map(|holder| &holder.host),
        "user": holder.map(|holder| &holder.user),
        "since": holder.map(|holder| holder.since.to_string()),
        "command": holder.map(|holder| &holder.command),
        "run": container.and_then(|container| container.run.as_ref()),
        "container": container.map(|container| &container.name),
        "ends": container.and_then(|container| container.ends).map(|time| time.to_string()),
        "seconds_left": container.and_then(|container| container.left).map(|left| left.as_secs()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::LockContainer;
    use crate::world::Owner;

    fn lock(standing: LockStanding, left: Option<u64>) -> LockStatus {
        let time = "2026-11-20T18:00:00Z";
        LockStatus {
            owner: Owner { project: "shop".into(), env: "prod".into() },
            standing,
            holder: Some(LockHolder {
                pid: 7,
                host: "boat".into(),
                user: "ann".into(),
                since: time.parse().expect("a time"),
                command: "evenkeel apply \u{1b}[2J".into(),
            }),
            container: Some(LockContainer {
                name: "evenkeel.lock.shop-prod-1f".into(),
                id: "1f".into(),
                run: None,
                ends: None,
                left: left.map(Duration::from_secs),
            }),
        }
    }

    #[test]
    fn a_lock_says_whose_it_is_and_what_comes_of_it() {
        let text = |locks| anstream::adapter::strip_str(&super::locks(&LockReport { locks })).to_string();
        assert_eq!(text(Vec::new()), "nothing is locked\n");
        let by = "  process 7 of ann on boat since 2026-11-20T18:00:00Z: evenkeel apply \\u{1b}[2J\n";
        assert_eq!(
            text(vec![lock(LockStanding::Elsewhere, Some(252))]),
            format!(
                "project `shop`, env `prod`: another machine's or user's; ends in 4 min 12 s unless it is renewed\n{by}"
            )
        );
        let begun = LockStatus { container: None, ..lock(LockStanding::AtWork, None) };
        assert!(text(vec![begun]).contains("a run of this machine begins"));
        let unreadable = LockStatus { holder: None, ..lock(LockStanding::Expired, Some(0)) };
        assert!(text(vec![unreadable]).contains("run out; the next run takes it over\n  it does not say"));
        assert!(
            unlocked(Some(&lock(LockStanding::LeftBehind, None))).contains("unlocked: its run is no more")
        );
    }
}
