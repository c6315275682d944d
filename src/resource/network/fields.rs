//! The options of a network, one row each.

use super::super::field::{At, Field, Impact, Unset, plain, salt};
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

/// What `network.present` takes.
pub static FIELDS: &[Field] = &[
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

/// Puts `subnet`, `gateway` and `ip_range` that stand beside the other options into `ipam`, where a
/// network with several ranges has them.
pub fn gather_pools(arguments: &[Entry]) -> Vec<Entry> {
    let part = |entry: &Entry| POOL.iter().find(|(word, _)| *word == entry.key).map(|(_, key)| *key);
    let is_part = |entry: &&Entry| part(entry).is_some() && !entry.value.is_null();
    let Some(first) = arguments.iter().find(is_part) else { return arguments.to_vec() };
    let place = first.key_place.clone();
    let pool: Vec<Entry> = arguments
        .iter()
        .filter(is_part)
        .map(|entry| Entry { key: part(entry).unwrap_or(&entry.key).to_owned(), ..entry.clone() })
        .collect();
    let pools = Node::list(place.clone(), vec![Node::map(place.clone(), pool)]);
    let config = Entry { key: "config".to_owned(), key_place: place.clone(), value: pools };
    let ipam =
        Entry { key: "ipam".to_owned(), key_place: place.clone(), value: Node::map(place, vec![config]) };
    arguments.iter().filter(|entry| !is_part(entry)).cloned().chain([ipam]).collect()
}
