//! Networks. The engine changes nothing of an existing network, so a difference takes a new one:
//! what is attached is disconnected and comes back with its addresses and aliases.

mod fields;
mod steps;

use super::compare::{self, Background};
use super::field::{Field, Vocabulary};
use super::kind::{Desired, Found, Function, Kind, Planned, Presence, Reference, Transition};
use super::since;
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

    fn expand(&self, arguments: &[Entry], reading: &super::Reading, _: &mut Diagnostics) -> Vec<Entry> {
        fields::gather_pools(arguments, reading.vocabulary)
    }

    fn instead_of(&self, word: &str) -> Option<&'static str> {
        Some(match word {
            "containers" => "say it the other way round: `networks: [this]` in the state of each container",
            "external" => {
                "name the network in the `networks` of a container; one that no state declares is used as it is"
            }
            "name" => "write `name:` beside the options, for a network that is not called like the ID",
            _ => return None,
        })
    }

    fn check(&self, function: &str, name: &str, spec: &Spec, place: &Place) -> Diagnostics {
        let mut problems = compare::check_name("network", name, place);
        if matches!(name, "bridge" | "host" | "none" | "default") {
            problems.push(
                Diagnostic::error(place, format!("network `{name}` belongs to the engine"))
                    .hint(format!("choose another name than `{name}` for a network.{function}")),
            );
        }
        problems.extend(settings_apart(spec));
        problems
    }

    fn references(&self, _function: &str, spec: &Spec) -> Vec<Reference> {
        let from = spec.get("config_from").and_then(|from| Some((from.value.as_str()?, &from.place)));
        let reference = |(name, place): (&str, &Place)| Reference {
            kind: "network",
            name: name.to_owned(),
            place: place.clone(),
        };
        from.map(reference).into_iter().collect()
    }

    fn rename(&self, spec: &mut Spec, reference: &Reference, name: &str) {
        if let Some(from) = spec.get("config_from").cloned()
            && from.value == reference.name.as_str()
        {
            spec.insert("config_from", name.into(), &from.place);
        }
    }

    fn blockers(&self, desired: &Desired<'_>, world: &World) -> Vec<String> {
        let mut blockers = since::too_new(self.fields(desired.function.name), desired.spec, &world.engine);
        let named = self.references(desired.function.name, desired.spec);
        blockers.extend(named.iter().filter(|named| world.network(&named.name).is_none()).map(|named| {
            let Reference { name, place, .. } = named;
            format!(
                "there is no network `{name}` (named at {place}); declare it with `{name}: {{network.present: {{config_only: true}}}}`"
            )
        }));
        blockers
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

/// Settings for other networks are no network, and who takes them has none of its own.
fn settings_apart(spec: &Spec) -> Diagnostics {
    let is_settings = spec.value("config_only").is_some_and(|only| *only == true);
    let of_networks: &[&str] =
        if is_settings { &["internal", "attachable", "ingress", "scope"] } else { &[] };
    let takes = spec.value("config_from").is_some_and(|from| from.is_string());
    let of_settings: &[&str] = if takes { &["ipam", "driver_opts", "ipv6", "labels"] } else { &[] };
    let mut problems = Diagnostics::default();
    for (fields, with) in [(of_networks, "config_only"), (of_settings, "config_from")] {
        for (field, declared) in fields.iter().filter_map(|field| Some((field, spec.get(field)?))) {
            problems.push(
                Diagnostic::error(&declared.place, format!("`{with}` leaves no room for `{field}`"))
                    .hint("what is shared stands in the network with `config_only`, all else in the one with `config_from`"),
            );
        }
    }
    problems
}
