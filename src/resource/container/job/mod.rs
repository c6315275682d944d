//! Jobs: containers that are to run to their end, once for what they are made of. The container that has run stays
//! as the evidence and keeps the log; who it was before is kept as a revision.

mod check;
mod diff;
mod lost;
mod names;
mod steps;

use super::check::references;
use super::fields::FIELDS;
use super::rename::rename;
use super::{body, expand};
use crate::plan::FieldDiff;
use crate::resource::field::{Field, Reading, Vocabulary};
use crate::resource::kind::{Desired, Found, Function, Kind, Planned, Presence, Reference, Transition};
use crate::resource::spec::Spec;
use crate::source::{Diagnostics, Entry, Place};
use crate::world::{Claim, Container, World, label};

/// The other sort of container, under a word of its own. Both are one kind of object: whatever asks for the
/// containers of a graph means jobs as well.
pub struct JobKind;

static FUNCTIONS: &[Function] = &[
    Function {
        name: "ran",
        presence: Presence::Present,
        beside: false,
        doc: "The container has run to its end, and ended with 0, with just this image, command, environment, files and volumes, such as a migration. If it did, nothing is done. It is run again when one of these differs, or when it failed; other options count from its next run on. It stays, with its log, under its name; the last ones before it as `NAME.r1` and so on (`keep_revisions`). A failure fails the run, and whoever requires the job is not touched. `timeout` is how long a run waits for its end (default 1h); it is not stopped then, and the next run waits on.",
    },
    Function {
        name: "run",
        presence: Presence::Present,
        beside: false,
        doc: "Salt's word for `ran`. Where Salt runs it every time, it is run when something differs.",
    },
];

impl Kind for JobKind {
    fn name(&self) -> &'static str {
        "container"
    }

    fn spelling(&self, vocabulary: Vocabulary) -> &'static str {
        match vocabulary {
            Vocabulary::Plain => "job",
            Vocabulary::Salt => "docker_container",
        }
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }

    fn fields(&self, _function: &str) -> &'static [Field] {
        FIELDS
    }

    fn expand(&self, arguments: &[Entry], reading: &Reading, problems: &mut Diagnostics) -> Vec<Entry> {
        expand::expand(arguments, reading, problems)
    }

    fn instead_of(&self, word: &str) -> Option<&'static str> {
        expand::instead_of(word)
    }

    fn check(&self, _function: &str, name: &str, spec: &Spec, place: &Place) -> Diagnostics {
        check::check(name, spec, place)
    }

    fn references(&self, _function: &str, spec: &Spec) -> Vec<Reference> {
        references(spec)
    }

    fn rename(&self, spec: &mut Spec, reference: &Reference, name: &str) {
        rename(spec, reference, name);
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
        body::claims(desired.spec)
    }

    fn blockers(&self, desired: &Desired<'_>, world: &World) -> Vec<String> {
        super::check::blockers(desired, world)
    }
}

/// True for a container that was made to run to its end.
pub fn is_job(container: &Container) -> bool {
    container.labels().get(label::JOB).is_some()
}

/// True for a state whose container is one.
pub fn is_job_state(function: &str) -> bool {
    FUNCTIONS.iter().any(|known| known.name == function)
}
