//! A job that is on record and whose container is gone: nobody can look at what it was made of any more.

use jiff::Timestamp;
use serde_json::Value;

use super::super::names::revision_of;
use crate::resource::kind::{Desired, Ran};
use crate::world::{Container, World};

/// What becomes of a job without a container.
pub enum Lost {
    /// Nobody knows of a run that went well, or it cannot count any more; with what there is to say of it.
    Run(Option<String>),
    /// It counts, as the state says.
    Skip(String),
}

/// Decides about a job of which there is no container, or only an `earlier` one.
pub fn lost(desired: &Desired<'_>, earlier: Option<&Container>, world: &World) -> Lost {
    let Some(Ran { at: ran, revision }) = desired.facts.jobs.get(desired.name) else {
        return Lost::Run(None);
    };
    if earlier.and_then(revision_of).is_some_and(|earlier| earlier >= *revision) {
        return Lost::Run(None);
    }
    let known = format!("on record it ran at {ran}, but its container is gone, so nobody can say with what");
    if let Some(newer) = newer_volume(desired, *ran, world) {
        return Lost::Run(Some(format!("{known}; it is run, because {newer}")));
    }
    match desired.spec.text("on_unknown") {
        Some("skip") => Lost::Skip(format!("{known}; it is left alone (`on_unknown: skip`)")),
        _ => Lost::Run(Some(format!("{known}; it is run again (`on_unknown: skip` would leave it alone)"))),
    }
}

/// A volume of the job that was made after a time, or is yet to be made: it holds nothing of what was done until then.
fn newer_volume(desired: &Desired<'_>, ran: Timestamp, world: &World) -> Option<String> {
    let declared = desired.spec.value("volumes").and_then(Value::as_object).into_iter().flatten();
    let named = declared.filter(|(_, mount)| mount["type"] == "volume");
    let mut names = named.filter_map(|(_, mount)| mount["source"].as_str().filter(|name| !name.is_empty()));
    names.find_map(|name| {
        let shown = world.volumes.get(name).and_then(|volume| volume.attributes.text("CreatedAt"));
        match shown.and_then(|time| time.parse::<Timestamp>().ok()) {
            Some(made) if made <= ran => None,
            Some(made) => Some(format!("volume {name} was made after that, at {made}")),
            None => Some(format!("volume {name} is a new one")),
        }
    })
}
