//! The kinds of objects that evenkeel keeps in their declared state, one folder each.

mod compare;
mod container;
mod disagreements;
pub mod field;
pub mod form;
mod image;
mod kind;
mod network;
mod secrecy;
mod since;
mod spec;
mod volume;

pub use container::{
    Outcome, Recorded, Recovery, ailment, create_body as container_body, declared_files, gate, is_job,
    is_job_state, is_kept, is_unhealthy, keep_revisions, kept_of, mounted_sources, needed_paths, plain_name,
    primary_network_name, record_of, recorded, recorded_differences, recover, restarts, revision_of,
    shown_of, spec_of, superfluous, unfinished,
};
pub use disagreements::disagreements;
pub use field::{At, Field, Impact, Reading, Spelling, Unset, Vocabulary};
pub use form::{Form, Sample, Samples, whole_seconds};
pub use image::{
    Pull, at_pin, end_of_trial, follows_base, image_reference, is_due, kept, pull_policy, revision,
    revisions, trials,
};
pub use kind::{
    BuildFacts, Desired, Facts, Found, Function, KINDS, Kind, Machine, Planned, Presence, Ran, Reference,
    SourceFact, Transition, functions_of, kind_called,
};
pub use secrecy::{Holds, OBSERVED, holds_secrets};
use secrecy::{SECRET, hide_former, secret_names};
pub use spec::{Declared, Spec, read_spec};
