//! Attachments: which networks a container is on, and how.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::form::{self, Form};
use super::super::kind::Desired;
use super::shares;
use crate::plan::{FieldDiff, Impact};
use crate::world::{Container, Step, Target, World};

/// True for network modes with which a container has no networks of its own.
pub fn shares_network(mode: &str) -> bool {
    matches!(mode, "host" | "none") || mode.starts_with("container:")
}

/// The networks that a state declares, the primary one first. `None`: it declares none.
pub fn declared<'a>(desired: &Desired<'a>) -> Option<Vec<(&'a str, Cow<'a, Value>)>> {
    let links = links(desired);
    let Some(networks) = desired.spec.value("networks").and_then(Value::as_object) else {
        let network = desired.spec.text("network_mode").and_then(primary)?;
        return (!links.is_empty()).then(|| vec![(network, with_links(&json!({}), &links))]);
    };
    let mut networks: Vec<_> = networks.iter().collect();
    networks.sort_by_key(|(name, settings)| (-settings["_priority"].as_i64().unwrap_or(0), *name));
    let settings = |name: &str, settings: &'a Value| match primary(name) {
        Some(_) if !links.is_empty() => with_links(settings, &links),
        Some(_) | None => Cow::Borrowed(settings),
    };
    Some(networks.into_iter().map(|(name, own)| (name.as_str(), settings(name, own))).collect())
}

/// In networks that people make, links belong to the attachments; the engine ignores all others.
fn with_links(settings: &Value, links: &BTreeSet<String>) -> Cow<'static, Value> {
    let own = settings["links"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let all: BTreeSet<String> = own.map(full_link).chain(links.iter().cloned()).collect();
    let mut settings = settings.clone();
    settings["links"] = json!(all);
    Cow::Owned(settings)
}

/// The links that a state declares, each with its alias.
pub fn links(desired: &Desired<'_>) -> BTreeSet<String> {
    let declared = desired.spec.value("links").and_then(Value::as_array);
    declared.into_iter().flatten().filter_map(Value::as_str).map(full_link).collect()
}

fn full_link(link: &str) -> String {
    if link.contains(':') { link.to_owned() } else { format!("{link}:{link}") }
}

/// The `HostConfig.NetworkMode` of a new container; `None` leaves it to the engine.
pub fn mode(desired: &Desired<'_>, world: &World) -> Option<String> {
    if let Some(mode) = desired.spec.text("network_mode") {
        return Some(shares::by_id(mode, world));
    }
    let networks = declared(desired)?;
    Some(networks.first().map_or("none", |(name, _)| name).to_owned())
}

/// Compares the attachments.
pub fn diff(
    desired: &Desired<'_>,
    container: &Container,
    world: &World,
    was_declared: bool,
) -> Vec<FieldDiff> {
    let shown = container.attributes.text("HostConfig.NetworkMode").unwrap_or("default");
    if let Some(row) = primary_is_gone(desired, shown, world) {
        return vec![row];
    }
    match (desired.spec.text("network_mode"), declared(desired)) {
        (Some(wanted), _) if shares_network(wanted) || shares_network(shown) => {
            mode_diff(desired, shown, world).into_iter().collect()
        }
        (None, Some(networks))
            if networks.is_empty() != (shown == "none") || shares_network(shown) && shown != "none" =>
        {
            mode_diff(desired, shown, world).into_iter().collect()
        }
        (None, Some(networks)) if networks.is_empty() => Vec::new(),
        (None, Some(networks)) => attachments(&networks, container, world),
        (Some(wanted), None) => single(wanted, container),
        (Some(wanted), Some(networks)) => {
            let mut diff = if networks.iter().any(|(name, _)| *name == wanted) {
                Vec::new()
            } else {
                single(wanted, container)
            };
            diff.extend(attachments(&networks, container, world));
            diff
        }
        (None, None) if was_declared => single("bridge", container),
        (None, None) => Vec::new(),
    }
}

/// The network that a container was made with, if it is one that people make.
pub fn primary(mode: &str) -> Option<&str> {
    (!shares_network(mode) && !matches!(mode, "" | "default" | "bridge")).then_some(mode)
}

/// Newer engines do not start a container any more when the network that it was made with is gone,
/// even if it is attached to another one.
fn primary_is_gone(desired: &Desired<'_>, shown: &str, world: &World) -> Option<FieldDiff> {
    let gone = primary(shown)?;
    let is_there =
        world.network(gone).is_some() || world.networks.contains_key(&crate::world::Id::parse(gone));
    let wanted = mode(desired, world).filter(|wanted| wanted != gone && !is_there)?;
    Some(FieldDiff {
        field: "network_mode".to_owned(),
        from: json!(gone),
        to: json!(wanted),
        impact: Impact::Replace,
    })
}

fn mode_diff(desired: &Desired<'_>, shown: &str, world: &World) -> Option<FieldDiff> {
    shares::mode_row("network_mode", shown, &mode(desired, world)?, world)
}

/// A single network, by `network_mode` or by default.
fn single(wanted: &str, container: &Container) -> Vec<FieldDiff> {
    let wanted = if matches!(wanted, "" | "default") { "bridge" } else { wanted };
    let here: Vec<_> = container.networks.keys().map(String::as_str).collect();
    if here == [wanted] {
        return Vec::new();
    }
    vec![FieldDiff {
        field: "networks".to_owned(),
        from: json!(here),
        to: json!([wanted]),
        impact: Impact::Replace,
    }]
}

fn attachments(wanted: &[(&str, Cow<'_, Value>)], container: &Container, world: &World) -> Vec<FieldDiff> {
    let row = |name: &str, from: Value, to: Value| FieldDiff {
        field: format!("networks.{name}"),
        from,
        // An attachment that is made later has no address of its own.
        impact: if has_mac(&to) { Impact::Replace } else { Impact::Update },
        to,
    };
    let mut diff = Vec::new();
    for (name, settings) in wanted {
        let Some(endpoint) = container.networks.get(*name) else {
            diff.push(row(name, Value::Null, shown(settings)));
            continue;
        };
        let observed = form::observed_endpoint(&endpoint.settings, &short_id(container), &container.name);
        let of = |settings: &Value| asked_for(&json!({ *name: settings }), container);
        let differences = form::NETWORKS.differences(&of(&observed), &of(settings));
        if let Some((_, from, to)) = differences.into_iter().next() {
            diff.push(row(name, shown(&from), shown(&to)));
        } else if world.network(name).is_some_and(|network| network.id != endpoint.network) {
            diff.push(row(name, json!("(a network that is gone)"), shown(settings)));
        }
    }
    // The network `none` is how the engine shows that there is none.
    let is_none = |name: &str| wanted.is_empty() && name == "none";
    let is_extra = |name: &&String| !is_none(name) && !wanted.iter().any(|(wanted, _)| wanted == name);
    let extra = container.networks.keys().filter(is_extra);
    diff.extend(extra.map(|name| row(name, json!("attached"), Value::Null)));
    diff
}

/// Attachments without the aliases that the engine makes of a container's name and host name.
pub fn asked_for(networks: &Value, container: &Container) -> Value {
    let host = container.attributes.text("Config.Hostname").unwrap_or(&container.name);
    form::without_own_name(&form::without_own_name(networks, &container.name), host)
}

fn shown(settings: &Value) -> Value {
    match settings.as_object() {
        Some(map) if map.is_empty() => json!("attached"),
        _ => settings.clone(),
    }
}

fn short_id(container: &Container) -> String {
    container.id.to_string().chars().take(12).collect()
}

/// The endpoint that is sent with the create call: that of the primary network.
pub fn first_endpoint(desired: &Desired<'_>) -> Value {
    match declared(desired).as_deref() {
        Some([(name, settings), ..]) => {
            let mut endpoints = Map::new();
            endpoints.insert((*name).to_owned(), form::sent_endpoint(settings));
            json!({"EndpointsConfig": endpoints})
        }
        _ => json!({}),
    }
}

/// Puts addresses of network cards into a create body, and the attachments that have some: engines forget the
/// address of a card when a container is attached later. Older engines know one card alone.
pub fn send_macs(desired: &Desired<'_>, mode: Option<&str>, world: &World, body: &mut Value) {
    let by_card = world.engine.api >= BY_CARD;
    if by_card {
        for (name, settings) in declared(desired).unwrap_or_default().iter().skip(1) {
            if has_mac(settings) {
                body["NetworkingConfig"]["EndpointsConfig"][*name] = form::sent_endpoint(settings);
            }
        }
    }
    let Some(mac) = desired.spec.text("mac_address") else { return };
    let mode = mode.unwrap_or_default();
    if !by_card || shares_network(mode) {
        body["MacAddress"] = json!(mac);
        return;
    }
    let network = primary(mode).unwrap_or("bridge");
    body["NetworkingConfig"]["EndpointsConfig"][network]["MacAddress"] = json!(mac);
}

/// From here on each attachment has an address of its own.
const BY_CARD: (u32, u32) = (1, 44);

fn has_mac(settings: &Value) -> bool {
    settings["mac"].is_string()
}

/// Compares the address of the card in the network that the container was made with.
pub fn mac_diff(desired: &Desired<'_>, container: &Container, was_declared: bool) -> Option<FieldDiff> {
    let wanted = desired.spec.text("mac_address");
    if wanted.is_none() && !was_declared {
        return None;
    }
    let mode = container.attributes.text("HostConfig.NetworkMode").unwrap_or_default();
    let card = container.networks.get(primary(mode).unwrap_or("bridge"));
    let card = card.and_then(|card| card.settings["MacAddress"].as_str()).filter(|mac| !mac.is_empty());
    let shown = card.or_else(|| container.attributes.text("Config.MacAddress")).unwrap_or_default();
    let shown = shown.to_ascii_lowercase();
    (wanted.unwrap_or_default() != shown).then(|| FieldDiff {
        field: "mac_address".to_owned(),
        from: json!(Some(shown).filter(|mac| !mac.is_empty())),
        to: json!(wanted),
        impact: Impact::Replace,
    })
}

/// The steps that attach a new container to its other networks, before it is started.
pub fn connect_others(desired: &Desired<'_>, container: &Target, world: &World) -> Vec<Step> {
    let networks = declared(desired).unwrap_or_default();
    let by_card = world.engine.api >= BY_CARD;
    let others = networks.iter().skip(1).filter(|(_, settings)| !by_card || !has_mac(settings));
    others.filter_map(|(name, settings)| connect(name, settings, container, world)).collect()
}

/// Takes the declared aliases out of what makes a newcomer: it is not to be found by them before it is proven.
pub fn without_aliases(body: &mut Value, connections: &mut [Step]) {
    let endpoints = body.pointer_mut("/NetworkingConfig/EndpointsConfig").and_then(Value::as_object_mut);
    for endpoint in endpoints.into_iter().flat_map(Map::values_mut) {
        remove_aliases(endpoint);
    }
    for step in connections {
        if let Step::Connect { endpoint, .. } = step {
            remove_aliases(endpoint);
        }
    }
}

fn remove_aliases(endpoint: &mut Value) {
    if let Some(endpoint) = endpoint.as_object_mut() {
        endpoint.shift_remove("Aliases");
    }
}

/// The steps that give a proven newcomer its declared aliases. An attachment cannot be changed, so it is made
/// anew, as long as nobody uses it.
pub fn hand_over_aliases(desired: &Desired<'_>, container: &Target, world: &World) -> Vec<Step> {
    let mut steps = Vec::new();
    for (name, settings) in declared(desired).unwrap_or_default() {
        let has_aliases = settings["aliases"].as_array().is_some_and(|aliases| !aliases.is_empty());
        if let (true, Some(network)) = (has_aliases, world.network(name)) {
            let network = Target::new(&network.id, name);
            steps.push(Step::Disconnect { network, container: container.clone() });
            steps.extend(connect(name, &settings, container, world));
        }
    }
    steps
}

/// The steps that take its aliases from a container that has been replaced, with the attachments that have them.
pub fn take_aliases(old: &Container, called: &Target) -> Vec<Step> {
    let asked = |name: &str, settings: &Value| {
        let observed = form::observed_endpoint(settings, &short_id(old), &old.name);
        let own = asked_for(&json!({ name: observed }), old);
        own[name]["aliases"].as_array().is_some_and(|aliases| !aliases.is_empty())
    };
    let aliased = old.networks.iter().filter(|(name, endpoint)| asked(name, &endpoint.settings));
    let leave = |(name, endpoint): (&String, &crate::world::Endpoint)| Step::Disconnect {
        network: Target::new(&endpoint.network, name),
        container: called.clone(),
    };
    aliased.map(leave).collect()
}

/// The steps that mend the attachments of a container that stays.
pub fn mend(desired: &Desired<'_>, diff: &[FieldDiff], container: &Container, world: &World) -> Vec<Step> {
    let target = Target::new(&container.id, &container.name);
    let networks = declared(desired).unwrap_or_default();
    let mut steps = Vec::new();
    for name in diff.iter().filter_map(|row| row.field.strip_prefix("networks.")) {
        if let Some(endpoint) = container.networks.get(name) {
            let network = Target::new(&endpoint.network, name);
            steps.push(Step::Disconnect { network, container: target.clone() });
        }
        if let Some((name, settings)) = networks.iter().find(|(wanted, _)| *wanted == name) {
            steps.extend(connect(name, settings, &target, world));
        }
    }
    steps
}

fn connect(name: &str, settings: &Value, container: &Target, world: &World) -> Option<Step> {
    let network = world.network(name)?;
    Some(Step::Connect {
        network: Target::new(&network.id, name),
        container: container.clone(),
        endpoint: form::sent_endpoint(settings),
    })
}
