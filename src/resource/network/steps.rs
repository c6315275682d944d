//! What it takes to make, replace or remove a network.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::compare;
use super::super::kind::{Desired, Found, Planned, Transition};
use super::fields::FIELDS;
use crate::plan::{Action, Effect, Steps};
use crate::world::{Container, Step, Subnet, Target, World, label, subnets};

pub fn steps(desired: &Desired<'_>, transition: &Transition<'_>, world: &mut World) -> Planned {
    match transition {
        Transition::Create => {
            let network = Target { id: world.next_planned(), name: desired.name.to_owned() };
            let step = Step::CreateNetwork { network, body: body(desired) };
            Planned::new(Action::Create, Steps { prepare: vec![step], ..Steps::default() })
        }
        Transition::Replace { found, .. } => replace(desired, found, world),
        Transition::Remove { found } => Planned::new(
            Action::Remove,
            Steps { retire: vec![Step::RemoveNetwork { network: found.target.clone() }], ..Steps::default() },
        ),
        Transition::Update { .. } | Transition::Signal { .. } | Transition::Restart { .. } => {
            Planned::new(Action::None, Steps::default())
        }
    }
}

/// Whatever is attached leaves the old network and joins the new one, with its addresses where they
/// fit, its aliases and its links.
fn replace(desired: &Desired<'_>, found: &Found, world: &mut World) -> Planned {
    let old = &found.target;
    let attached: Vec<Container> = world.attached(&old.id).cloned().collect();
    let strangers: Vec<_> = attached
        .iter()
        .filter(|container| !container.labels().are_of(desired.owner))
        .map(|container| {
            format!(
                "network `{}` has to be replaced, and container `{}` in it is not ours; disconnect it first: docker \
                 network disconnect {} {}",
                old.name, container.name, old.name, container.name
            )
        })
        .collect();
    if !strangers.is_empty() {
        return Planned::refused(strangers);
    }
    let mut body = body(desired);
    let ranges = subnets(&body);
    let new = Target { id: world.next_planned(), name: desired.name.to_owned() };
    // Who was made with a network of the old name needs a successor, and newer engines do not even
    // let it join another one.
    let stays = |container: &&Container| {
        old.name == new.name || container.attributes.text("HostConfig.NetworkMode") != Some(&old.name)
    };
    let connect = |container: &Container| Step::Connect {
        network: new.clone(),
        container: Target::new(&container.id, &container.name),
        endpoint: endpoint(container, old, &ranges),
    };
    let disconnect = |container: &Container| Step::Disconnect {
        network: old.clone(),
        container: Target::new(&container.id, &container.name),
    };
    let has_labels = body["Labels"].is_object();
    if old.name != new.name && has_labels && !desired.yields && !shares_range(&ranges, old, world) {
        // Nor does it start any more without that network, so the old one stays until the
        // successors are proven: whoever is called replaced goes at the end of a run.
        compare::add_labels(
            &mut body["Labels"],
            &BTreeMap::from([(label::REPLACES.to_owned(), old.id.to_string())]),
        );
        let moving: Vec<&Container> = attached.iter().filter(stays).collect();
        let effect = if moving.is_empty() { Effect::None } else { Effect::Brief };
        let switch =
            moving.iter().flat_map(|container| [disconnect(container), connect(container)]).collect();
        let prepare = vec![Step::CreateNetwork { network: new.clone(), body }];
        return Planned::new(Action::Replace, Steps { prepare, switch, ..Steps::default() }).effect(effect);
    }
    let mut switch: Vec<Step> = attached.iter().map(disconnect).collect();
    switch.push(Step::RemoveNetwork { network: old.clone() });
    switch.push(Step::CreateNetwork { network: new.clone(), body });
    switch.extend(attached.iter().filter(stays).map(connect));
    let effect = if attached.is_empty() { Effect::None } else { Effect::Brief };
    let mut planned = Planned::new(Action::Replace, Steps { switch, ..Steps::default() }).effect(effect);
    planned.notes.extend(attached.iter().filter(|container| !stays(container)).map(|container| {
        format!(
            "network {} goes before the successor of container {} is proven, because its range is needed; \
             newer engines do not start the old one again without it",
            old.name, container.name
        )
    }));
    planned
}

/// True if the old network has a range that the new one is to have.
fn shares_range(ranges: &[Subnet], old: &Target, world: &World) -> bool {
    let held = world.networks.get(&old.id).map(|network| subnets(network.attributes.json()));
    held.into_iter().flatten().any(|held| ranges.iter().any(|range| range.overlaps(&held)))
}

/// How a container comes back: what somebody chose, and nothing that the engine chose.
fn endpoint(container: &Container, network: &Target, ranges: &[Subnet]) -> Value {
    let mut settings = Map::new();
    let Some(old) = container.networks.get(&network.name).map(|endpoint| &endpoint.settings) else {
        return Value::Object(settings);
    };
    let fits = |address: &str| {
        let range = Subnet::parse(&format!("{address}/{}", if address.contains(':') { 128 } else { 32 }));
        range.is_some_and(|address| ranges.iter().any(|range| range.overlaps(&address)))
    };
    let mut fixed = Map::new();
    for key in ["IPv4Address", "IPv6Address"] {
        if let Some(address) = old["IPAMConfig"][key].as_str()
            && fits(address)
        {
            fixed.insert(key.to_owned(), json!(address));
        }
    }
    if !fixed.is_empty() {
        settings.insert("IPAMConfig".to_owned(), Value::Object(fixed));
    }
    let short = container.id.to_string().chars().take(12).collect::<String>();
    if let Some(aliases) = old["Aliases"].as_array() {
        let kept: Vec<_> = aliases.iter().filter(|alias| alias.as_str() != Some(&short)).cloned().collect();
        settings.insert("Aliases".to_owned(), Value::Array(kept));
    }
    for key in ["Links", "DriverOpts", "GwPriority"] {
        let is_said = old[key].as_i64().is_some_and(|priority| priority != 0);
        if is_said || old[key].is_array() || old[key].is_object() {
            settings.insert(key.to_owned(), old[key].clone());
        }
    }
    Value::Object(settings)
}

fn body(desired: &Desired<'_>) -> Value {
    let mut body = json!({});
    compare::send(FIELDS, desired.spec, |path, value| match path.split_once('.') {
        Some((outer, inner)) => body[outer][inner] = value,
        None => body[path] = value,
    });
    body["Name"] = desired.name.into();
    // Who takes the settings of another network takes its labels, and the engine none of its own.
    if desired.spec.text("config_from").is_none() {
        compare::add_labels(&mut body["Labels"], &desired.labels());
    }
    body
}
