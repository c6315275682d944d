//! How containers stand, for people and for programs.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::table::{NOTHING, laid_out, start_of};
use super::text::{BOLD, GREEN, RED, YELLOW, harmless, paint};
use super::view::View;
use crate::plan::{ContainerStatus, Done, StatusReport, Validity};

/// Digits of a digest that are shown.
const DIGITS: usize = 7;
/// What a name may take of a line.
pub(super) const NAME: usize = 24;
const HEADS: [&str; 8] = ["NAME", "STATE", "REV", "VERSION", "VALIDATED", "UPDATED", "DIGEST", "IMAGE"];

/// Renders one line per container. Columns that say nothing are left out, and an image's name is cut where its
/// line would be too long.
pub fn status(report: &StatusReport, view: &View) -> String {
    let mut rows = vec![HEADS.map(str::to_owned)];
    rows.extend(report.containers.iter().map(|container| cells(container, report.now, view)));
    let mut text = String::new();
    let is_kept = |column: usize| (column == 0).then_some(true);
    for (number, line) in laid_out(&rows, is_kept, view).into_iter().enumerate() {
        let line = start_of(&line, view.width, view.glyphs);
        let line = match number.checked_sub(1).map(|index| &report.containers[index]) {
            None => paint(BOLD, line),
            Some(container) => painted(container, line),
        };
        _ = writeln!(text, "{line}");
    }
    for name in &report.missing {
        let failed = paint(RED, view.glyphs.failed());
        _ = writeln!(text, "{failed} {}: there is no such container", harmless(name));
    }
    if report.containers.is_empty() && report.missing.is_empty() {
        text += "no container here is evenkeel's, and none declares a validation or an update\n";
    }
    text
}

/// Renders the same as one JSON object.
pub fn status_json(report: &StatusReport) -> String {
    let containers: Vec<_> = report.containers.iter().map(container_json).collect();
    let json = json!({
        "containers": containers,
        "missing": report.missing,
        "history": report.unread,
    });
    format!("{json:#}\n")
}

fn cells(container: &ContainerStatus, now: Timestamp, view: &View) -> [String; 8] {
    let subject = &container.subject;
    let or_nothing = |text: Option<String>| text.map_or(NOTHING.to_owned(), |text| harmless(&text));
    let digest = subject.digest.as_deref().map(short_digest);
    [
        start_of(&harmless(&subject.name), NAME, view.glyphs),
        // Only what runs has a health.
        harmless(
            container.health.as_ref().filter(|_| container.state == "running").unwrap_or(&container.state),
        ),
        or_nothing(subject.revision.map(|revision| format!("r{revision}"))),
        or_nothing(subject.version.clone()),
        validated(&container.validation, now),
        or_nothing(container.update.as_ref().map(|update| updated(update, now))),
        or_nothing(digest),
        or_nothing(Some(subject.image.clone()).filter(|image| !image.is_empty())),
    ]
}

fn validated(validity: &Validity, now: Timestamp) -> String {
    let told = |done: &Done| format!("{} {}", done.result, ago(done.when, now));
    match validity {
        Validity::Undeclared => NOTHING.to_owned(),
        Validity::Never => "never".to_owned(),
        Validity::Own(done) => told(done),
        Validity::Earlier(done) => {
            let which = done.revision.map_or("earlier".to_owned(), |revision| format!("r{revision}"));
            format!("{} ({which})", told(done))
        }
        Validity::OtherImage(_) => "not this image".to_owned(),
        Validity::Unknown => "?".to_owned(),
    }
}

fn updated(update: &Done, now: Timestamp) -> String {
    let number = update.number.map(|number| format!("#{number} ")).unwrap_or_default();
    format!("{number}{} {}", update.result, ago(update.when, now))
}

/// The first digits of a digest or an id.
pub(super) fn short_digest(digest: &str) -> String {
    let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
    hex.chars().take(DIGITS).collect()
}

/// `3m ago`; another machine's clock may be ahead of this one.
pub(super) fn ago(when: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(when).as_secs();
    match seconds {
        ..1 => "just now".to_owned(),
        1..60 => format!("{seconds}s ago"),
        60..3600 => format!("{}m ago", seconds / 60),
        3600..172_800 => format!("{}h ago", seconds / 3600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

/// A line in the colour of what a person should look at.
fn painted(container: &ContainerStatus, line: String) -> String {
    let is_failed = |done: &Done| done.result == "failed";
    let has_failed = match &container.validation {
        Validity::Own(done) | Validity::Earlier(done) => is_failed(done),
        Validity::Undeclared | Validity::Never | Validity::OtherImage(_) | Validity::Unknown => false,
    };
    let is_passed = matches!(&container.validation, Validity::Own(done) if done.result == "passed");
    if has_failed
        || container.health.as_deref() == Some("unhealthy")
        || container.update.as_ref().is_some_and(is_failed)
    {
        paint(RED, line)
    } else if container.state != "running" {
        paint(YELLOW, line)
    } else if is_passed {
        paint(GREEN, line)
    } else {
        line
    }
}

fn container_json(container: &ContainerStatus) -> Value {
    let subject = &container.subject;
    let validation = match &container.validation {
        Validity::Undeclared => json!({"of": "undeclared"}),
        Validity::Never => json!({"of": "never"}),
        Validity::Own(done) => done_json("this", done),
        Validity::Earlier(done) => done_json("earlier", done),
        Validity::OtherImage(done) => done_json("other_image", done),
        Validity::Unknown => json!({"of": "unknown"}),
    };
    json!({
        "name": subject.name,
        "project": subject.owner.as_ref().map(|owner| &owner.project),
        "env": subject.owner.as_ref().map(|owner| &owner.env),
        "state": container.state,
        "health": container.health,
        "image": subject.image,
        "digest": subject.digest,
        "version": subject.version,
        "revision": subject.revision,
        "validation": validation,
        "update": container.update.as_ref().map(|update| done_json("this", update)),
    })
}

/// `of` says which container it was: this one, an earlier one with the same image, or one with another image.
fn done_json(of: &str, done: &Done) -> Value {
    json!({
        "of": of,
        "result": done.result,
        "when": done.when.to_string(),
        "exit_code": done.exit_code,
        "revision": done.revision,
        "number": done.number,
    })
}
