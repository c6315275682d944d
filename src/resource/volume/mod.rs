//! Named volumes. Nothing of an existing volume can be changed, and none is ever removed or
//! replaced without somebody saying so.

mod fields;
mod steps;

use super::compare::{self, Background};
use super::field::{Field, Vocabulary};
use super::kind::{Desired, Found, Function, Kind, Planned, Presence, Reference, Transition};
use super::since;
use super::spec::Spec;
use crate::plan::{FieldDiff, Impact};
use crate::source::{Diagnostics, Place};
use crate::world::{Id, Target, World};

pub struct VolumeKind;

static FUNCTIONS: &[Function] = &[
    Function { name: "present", presence: Presence::Present, beside: false, doc: "The volume is there." },
    Function {
        name: "absent",
        presence: Presence::Absent,
        beside: false,
        doc: "The volume is gone, with its data. It takes `--allow-data-loss` as well.",
    },
];

impl Kind for VolumeKind {
    fn name(&self) -> &'static str {
        "volume"
    }

    fn spelling(&self, vocabulary: Vocabulary) -> &'static str {
        match vocabulary {
            Vocabulary::Plain => "volume",
            Vocabulary::Salt => "docker_volume",
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

    fn instead_of(&self, word: &str) -> Option<&'static str> {
        Some(match word {
            "cluster_volume_spec" | "ClusterVolumeSpec" => {
                "cluster volumes are for services of a swarm; take a driver that reaches all hosts"
            }
            "external" => {
                "name the volume in the `volumes` of a container; one that no state declares is used as it is"
            }
            _ => return None,
        })
    }

    fn check(&self, _function: &str, name: &str, _spec: &Spec, place: &Place) -> Diagnostics {
        compare::check_name("volume", name, place)
    }

    fn references(&self, _function: &str, _spec: &Spec) -> Vec<Reference> {
        Vec::new()
    }

    fn blockers(&self, desired: &Desired<'_>, world: &World) -> Vec<String> {
        since::too_new(self.fields(desired.function.name), desired.spec, &world.engine)
    }

    fn find(&self, desired: &Desired<'_>, world: &World) -> Option<Found> {
        let called = |name: &str| world.volumes.get(name);
        let volume = called(desired.name).or_else(|| called(desired.was?))?;
        let target = Target { id: Id::Engine(volume.name.clone()), name: volume.name.clone() };
        Some(Found { target, owner: volume.labels().owner() })
    }

    fn diff(&self, desired: &Desired<'_>, found: &Found, world: &World) -> Vec<FieldDiff> {
        let Some(volume) = world.volumes.get(&found.target.name) else { return Vec::new() };
        let labels = volume.labels();
        let declared_before = labels.are_of(desired.owner).then(|| labels.declared().collect());
        let mut diff = compare::fields(
            fields::FIELDS,
            desired.spec,
            &volume.attributes,
            &Background::None,
            declared_before,
        );
        if volume.name != desired.name {
            diff.insert(0, compare::renamed(&volume.name, desired.name, Impact::Refuse));
        }
        super::hide_former(&mut diff, &labels);
        diff
    }

    fn steps(&self, desired: &Desired<'_>, transition: &Transition<'_>, world: &mut World) -> Planned {
        steps::steps(desired, transition, world)
    }
}
