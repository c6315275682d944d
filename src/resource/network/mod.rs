//! Networks. The engine changes nothing of an existing network, so a difference takes a new one:
//! what is attached is disconnected and comes back with its addresses and aliases.

mod fields;
mod steps;

use super::compare::{self, Background};
use super::field::{Field, Vocabulary};
use super::kind::{Desired, Found, Function, Kind, Planned, Presence, Reference, Transition};
use super::spec::Spec;
use crate::plan::FieldDiff;
use crate::source::{Diagnostic, Diagnostics, Entry, Place};
use crate::world::{Claim, Subnet, Target, World};

pub struct NetworkKind;

static FUNCTIONS: &[Function] = &[
    Function {
        name: "present",
        presence: Presence::Present,
        beside: false,
        doc: "The network is there, with these options.",
    },
    Function {
        name: "absent",
        presence: Presence::Absent,
        beside: false,
        doc: "The network is gone. Refused while containers that stay are attached to it.",
    },
];

impl Kind for NetworkKind {
    fn name(&self) -> &'static str {
        "network"
    }

    fn spelling(&self, vocabulary: Vocabulary) -> &'static str {
        match vocabulary {
            Vocabulary::Plain => "network",
            Vocabulary::Salt => "docker_network",
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

    fn expand(&self, arguments: &[Entry], _: &super::Reading, _: &mut Diagnostics) -> Vec<Entry> {
        fields::gather_pools(arguments)
    }

    fn check(&self, function: &str, name: &str, _spec: &Spec, place: &Place) -> Diagnostics {
        let mut problems = compare::check_name("network", name, place);
        if matches!(name, "bridge" | "host" | "none" | "default") {
            problems.push(
                Diagnostic::error(place, format!("network `{name}` belongs to the engine"))
                    .hint(format!("choose another name than `{name}` for a network.{function}")),
            );
        }
        problems
    }

    fn references(&self, _function: &str, _spec: &Spec) -> Vec<Reference> {
        Vec::new()
    }

    fn find(&self, desired: &Desired<'_>, world: &World) -> Option<Found> {
        let network = world.network(desired.name).or_else(|| world.network(desired.was?))?;
        Some(Found { target: Target::new(&network.id, &network.name), owner: network.labels().owner() })
    }

    fn diff(&self, desired: &Desired<'_>, found: &Found, world: &World) -> Vec<FieldDiff> {
        let Some(network) = world.networks.get(&found.target.id) else { return Vec::new() };
        let labels = network.labels();
        let declared_before = labels.are_of(desired.owner).then(|| labels.declared().collect());
        let mut diff = compare::fields(
            fields::FIELDS,
            desired.spec,
            &network.attributes,
            &Background::None,
            declared_before,
        );
        if network.name != desired.name {
            diff.insert(0, compare::renamed(&network.name, desired.name, crate::plan::Impact::Replace));
        }
        super::hide_former(&mut diff, &labels);
        diff
    }

    fn steps(&self, desired: &Desired<'_>, transition: &Transition<'_>, world: &mut World) -> Planned {
        steps::steps(desired, transition, world)
    }

    fn claims(&self, desired: &Desired<'_>) -> Vec<Claim> {
        let pools = desired.spec.value("ipam").and_then(|ipam| ipam["pools"].as_array());
        pools
            .into_iter()
            .flatten()
            .filter_map(|pool| Subnet::parse(pool["subnet"].as_str()?))
            .map(Claim::Subnet)
            .collect()
    }
}
