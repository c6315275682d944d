//! The options of a network, one row each.

use super::super::field::{At, Field, Impact, Unset, Vocabulary, joined, plain, rows, salt};
use super::super::form;
use crate::source::{Entry, Node};

macro_rules! replaced {
    ($name:literal, [$($spelling:expr),+ $(,)?], $at:literal, $form:expr, $unset:expr, $doc:literal) => {
        Field {
            name: $name,
            spellings: &[$($spelling),+],
            at: At::Path($at),
            form: &$form,
            unset: $unset,
            impact: Impact::Replace,
            removal: Impact::Replace,
            since: (1, 41),
            doc: $doc,
        }
    };
}

const OWN: &[Field] = &[
    replaced!(
        "driver",
        [plain("driver"), salt("driver")],
        "Driver",
        form::NETWORK_DRIVER,
        Unset::Engine,
        "What carries the network; the engine's default is `bridge`."
    ),
    replaced!(
        "driver_opts",
        [plain("driver_opts"), salt("driver_opts"), salt("driver_opt"), salt("options")],
        "Options",
        form::BRIDGE_OPTIONS,
        Unset::Engine,
        "Options of the driver, such as `com.docker.network.driver.mtu: 1400`."
    ),
    replaced!(
        "internal",
        [plain("internal"), salt("internal")],
        "Internal",
        form::BOOL,
        Unset::Engine,
        "Cut the network off from the outside."
    ),
    replaced!(
        "attachable",
        [plain("attachable"), salt("attachable")],
        "Attachable",
        form::BOOL,
        Unset::Engine,
        "Let containers join a network of a swarm."
    ),
    replaced!(
        "ipv6",
        [plain("ipv6"), plain("enable_ipv6"), salt("enable_ipv6"), salt("ipv6")],
        "EnableIPv6",
        form::BOOL,
        Unset::Engine,
        "Give containers IPv6 addresses; it takes a v6 subnet as well."
    ),
    Field {
        since: (1, 48),
        ..replaced!(
            "ipv4",
            [plain("ipv4"), plain("enable_ipv4"), salt("enable_ipv4"), salt("ipv4")],
            "EnableIPv4",
            form::BOOL_ON,
            Unset::Engine,
            "`false` gives containers no IPv4 addresses; it takes `ipv6: true`."
        )
    },
    replaced!(
        "scope",
        [plain("scope"), salt("scope")],
        "Scope",
        form::NETWORK_SCOPE,
        Unset::Chosen("the driver decides"),
        "How far the network reaches: `local` (this engine) or `swarm`."
    ),
    replaced!(
        "ingress",
        [plain("ingress"), salt("ingress")],
        "Ingress",
        form::BOOL,
        Unset::Engine,
        "The network by which a swarm publishes ports. Only an engine in a swarm takes it."
    ),
    replaced!(
        "config_only",
        [plain("config_only"), salt("config_only")],
        "ConfigOnly",
        form::BOOL,
        Unset::Engine,
        "No network, but settings that other ones take with `config_from`."
    ),
    replaced!(
        "config_from",
        [plain("config_from"), salt("config_from")],
        "ConfigFrom.Network",
        form::TEXT,
        Unset::Engine,
        "The network (`config_only: true`) whose settings and labels this one has."
    ),
    replaced!(
        "ipam",
        [plain("ipam"), salt("ipam")],
        "IPAM",
        form::IPAM,
        Unset::Unmanaged("the engine chooses a free range"),
        "The address ranges: `{config: [{subnet, gateway, ip_range, aux_addresses}]}`. For a single range write `subnet`, `gateway`, `ip_range` beside the other options."
    ),
    replaced!(
        "labels",
        [plain("labels"), salt("labels")],
        "Labels",
        form::LABELS,
        Unset::Engine,
        "Labels, as a mapping or a list of `key=value`."
    ),
];

/// Words of Salt's that say nothing that could be compared.
macro_rules! accepted {
    ($name:literal, $doc:literal) => {
        Field {
            name: $name,
            spellings: &[salt($name)],
            at: At::Policy,
            form: &form::RAW,
            unset: Unset::Unmanaged("it is no property of the network"),
            impact: Impact::Note,
            removal: Impact::Note,
            since: (1, 41),
            doc: $doc,
        }
    };
}

/// What `network.present` takes.
pub static FIELDS: &[Field] = &joined::<{ rows(TABLES) }>(TABLES);

const TABLES: &[&[Field]] = &[OWN, ACCEPTED];

const ACCEPTED: &[Field] = &[
    accepted!(
        "check_duplicate",
        "Accepted for Salt's sake; evenkeel never makes a second network of one name."
    ),
    accepted!(
        "reconnect",
        "Accepted for Salt's sake; containers are always reconnected when a network is replaced."
    ),
    accepted!(
        "skip_translate",
        "Accepted for Salt's sake; options in the words of the API are understood as they are."
    ),
    accepted!("ignore_collisions", "Accepted for Salt's sake; two words for one option are an error."),
    accepted!("validate_ip_addrs", "Accepted for Salt's sake; addresses are always looked at."),
];

/// What `network.absent` takes.
pub static ABSENT_FIELDS: &[Field] = &[];

/// The words for parts of the only address range, and what `ipam` calls them.
const POOL: &[(&str, &str)] = &[
    ("subnet", "subnet"),
    ("gateway", "gateway"),
    ("ip_range", "ip_range"),
    ("iprange", "ip_range"),
    ("aux_addresses", "aux_addresses"),
    ("aux_address", "aux_addresses"),
];

/// Salt's words for parts of `ipam`, and what `ipam` calls them.
const PARTS: &[(&str, &str)] =
    &[("ipam_driver", "driver"), ("ipam_opts", "options"), ("ipam_pools", "config")];

/// Puts `subnet`, `gateway` and `ip_range` that stand beside the other options into `ipam`, where a
/// network with several ranges has them.
pub fn gather_pools(arguments: &[Entry], vocabulary: Vocabulary) -> Vec<Entry> {
    let named = |names: &'static [(&'static str, &'static str)], entry: &Entry| {
        let known = names.iter().find(|(word, _)| *word == entry.key && !entry.value.is_null());
        known.map(|(_, key)| Entry { key: (*key).to_owned(), ..entry.clone() })
    };
    let parts: &'static [(&str, &str)] = if vocabulary == Vocabulary::Salt { PARTS } else { &[] };
    let is_gathered = |entry: &&Entry| named(POOL, entry).is_some() || named(parts, entry).is_some();
    let Some(first) = arguments.iter().find(is_gathered) else { return arguments.to_vec() };
    let place = first.key_place.clone();
    let mut inside: Vec<Entry> = arguments.iter().filter_map(|entry| named(parts, entry)).collect();
    let pool: Vec<Entry> = arguments.iter().filter_map(|entry| named(POOL, entry)).collect();
    if !pool.is_empty() {
        let pool = Node::map(place.clone(), pool);
        match inside.iter_mut().find(|entry| entry.key == "config") {
            Some(config) => {
                let more = config.value.as_list().unwrap_or_default().iter().cloned().chain([pool]);
                config.value = Node::list(place.clone(), more.collect());
            }
            None => {
                let pools = Node::list(place.clone(), vec![pool]);
                inside.push(Entry { key: "config".to_owned(), key_place: place.clone(), value: pools });
            }
        }
    }
    let ipam = Entry { key: "ipam".to_owned(), key_place: place.clone(), value: Node::map(place, inside) };
    arguments.iter().filter(|entry| !is_gathered(entry)).cloned().chain([ipam]).collect()
}
