//! Containers: compared field by field, changed in place where the engine can, else replaced by a
//! successor that is made before the old one stops and proven before the old one goes.

mod ailment;
mod body;
mod check;
mod copies;
mod diff;
mod effective;
mod expand;
mod fields;
mod files;
mod gate;
mod hooks;
mod job;
mod kept;
mod mounted;
mod mounts;
mod names;
mod needs;
mod networks;
mod recorded;
mod recover;
mod rename;
mod replace;
mod scene;
mod shares;
mod steps;
mod strategy;
mod together;

use super::field::{Field, Reading, Vocabulary};
use super::kind::{Desired, Found, Function, Kind, Planned, Presence, Reference, Transition};
use super::spec::Spec;
use crate::plan::FieldDiff;
use crate::source::{Diagnostics, Entry, Place};
use crate::world::{Claim, World};

pub use ailment::{ailment, is_unhealthy, restarts};
pub use body::create_body;
pub use files::declared as declared_files;
pub use gate::gate;
pub use job::{JobKind, is_job, is_job_state};
pub use kept::{is_kept, keep_revisions, kept_of, superfluous};
pub use mounts::named as named_mounts;
pub use names::{plain as plain_name, revision_of};
pub use needs::{paths as needed_paths, sources as mounted_sources};
pub use networks::asked_for as asked_for_attachments;
pub use networks::primary as primary_network_name;
pub use recorded::{Recorded, record_of, recorded, recorded_differences, shown_of, spec_of};
pub use recover::{Outcome, Recovery, recover, unfinished};

pub struct ContainerKind;

static FUNCTIONS: &[Function] = &[
    Function {
        name: "running",
        presence: Presence::Present,
        beside: false,
        doc: "The container is there, as described, and runs. One that ends again and again, or is unhealthy, has failed: that is told on every run, and nothing is done until something differs.",
    },
    Function {
        name: "stopped",
        presence: Presence::Present,
        beside: false,
        doc: "The container is there, as described, and does not run.",
    },
    Function {
        name: "created",
        presence: Presence::Present,
        beside: false,
        doc: "The container is there, as described, whether it runs or not.",
    },
    Function {
        name: "absent",
        presence: Presence::Absent,
        beside: false,
        doc: "The container is gone; its volumes stay.",
    },
];

impl Kind for ContainerKind {
    fn name(&self) -> &'static str {
        "container"
    }

    fn spelling(&self, vocabulary: Vocabulary) -> &'static str {
        match vocabulary {
            Vocabulary::Plain => "container",
            Vocabulary::Salt => "docker_container",
        }
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }

    fn fields(&self, function: &str) -> &'static [Field] {
        match function {
            "absent" => fields::ABSENT_FIELDS,
            _ => fields::FIELDS,
        }
    }

    fn expand(&self, arguments: &[Entry], reading: &Reading, problems: &mut Diagnostics) -> Vec<Entry> {
        expand::expand(arguments, reading, problems)
    }

    fn combine(&self, spec: &mut Spec, problems: &mut Diagnostics) {
        expand::combine(spec, problems);
    }

    fn instead_of(&self, word: &str) -> Option<&'static str> {
        expand::instead_of(word)
    }

    fn check(&self, function: &str, name: &str, spec: &Spec, place: &Place) -> Diagnostics {
        check::check(function, name, spec, place)
    }

    fn references(&self, _function: &str, spec: &Spec) -> Vec<Reference> {
        check::references(spec)
    }

    fn rename(&self, spec: &mut Spec, reference: &Reference, name: &str) {
        rename::rename(spec, reference, name);
    }

    fn find(&self, desired: &Desired<'_>, world: &World) -> Option<Found> {
        names::find(desired, world)
    }

    fn diff(&self, desired: &Desired<'_>, found: &Found, world: &World) -> Vec<FieldDiff> {
        world.containers.get(&found.target.id).map(|c| diff::diff(desired, c, world)).unwrap_or_default()
    }

    fn steps(&self, desired: &Desired<'_>, transition: &Transition<'_>, world: &mut World) -> Planned {
        steps::steps(desired, transition, world)
    }

    fn claims(&self, desired: &Desired<'_>) -> Vec<Claim> {
        match desired.function.name {
            "running" => body::claims(desired.spec),
            _ => Vec::new(),
        }
    }

    fn blockers(&self, desired: &Desired<'_>, world: &World) -> Vec<String> {
        check::blockers(desired, world)
    }

    fn ailment(&self, desired: &Desired<'_>, found: &Found, world: &World) -> Option<String> {
        let container = world.containers.get(&found.target.id)?;
        (desired.function.name == "running")
            .then(|| ailment(container).or_else(|| ailment::relapse(container, desired.facts.now)))
            .flatten()
    }

    fn reacts(&self) -> bool {
        true
    }
}
