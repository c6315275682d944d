//! From the engine's JSON to the objects of a world. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::world::{
    Attributes, Container, Endpoint, Id, Image, ImageReference, Network, RunState, Volume, World,
};

/// Ids and names of networks, for endpoints that do not yet say what they belong to.
pub(super) type NetworkNames = BTreeMap<String, (Id, String)>;

/// What the list of networks says, by id and by name.
pub(super) fn network_names(networks: &BTreeMap<Id, Network>) -> NetworkNames {
    let mut names = NetworkNames::new();
    for network in networks.values() {
        let entry = (network.id.clone(), network.name.clone());
        names.insert(network.id.to_string(), entry.clone());
        names.insert(network.name.clone(), entry);
    }
    names
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A container from its inspection.
pub(super) fn container(json: Value, networks: &NetworkNames) -> Container {
    Container {
        id: Id::Engine(text(&json["Id"])),
        name: without_slash(json["Name"].as_str().unwrap_or_default()).to_owned(),
        state: run_state(&json["State"]),
        image: Id::Engine(text(&json["Image"])),
        networks: endpoints(&json["NetworkSettings"]["Networks"], networks),
        attributes: Attributes::observed(json),
    }
}

/// A container from the list: what the list says, where inspection would show it.
pub(super) fn listed_container(json: &Value, networks: &NetworkNames) -> Container {
    let name = listed_name(json);
    let state = listed_state(json);
    let attached = &json["NetworkSettings"]["Networks"];
    let shown = json!({
        "Id": json["Id"],
        "Name": format!("/{name}"),
        "Image": json["ImageID"],
        "Config": {"Image": json["Image"], "Labels": json["Labels"]},
        "HostConfig": {"NetworkMode": json["HostConfig"]["NetworkMode"]},
        "State": {"Status": json["State"]},
        "NetworkSettings": {"Networks": attached, "Ports": published(&json["Ports"])},
        "Mounts": json["Mounts"],
    });
    Container {
        id: Id::Engine(text(&json["Id"])),
        name,
        state,
        image: Id::Engine(text(&json["ImageID"])),
        networks: endpoints(attached, networks),
        attributes: Attributes::partial(shown),
    }
}

/// The name in a list entry: the one without a second slash, which would be a link's alias.
pub(super) fn listed_name(json: &Value) -> String {
    let names = json["Names"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut names = names.iter().filter_map(Value::as_str).map(without_slash);
    names.find(|name| !name.contains('/')).unwrap_or_default().to_owned()
}

fn without_slash(name: &str) -> &str {
    name.strip_prefix('/').unwrap_or(name)
}

/// What `State` of an inspection means. A container between two starts says Running as well.
pub(super) fn run_state(state: &Value) -> RunState {
    let is = |flag: &str| state[flag].as_bool() == Some(true);
    let status = state["Status"].as_str().unwrap_or_default();
    if is("Dead") || matches!(status, "dead" | "removing") {
        RunState::Dead
    } else if is("Restarting") {
        RunState::Restarting
    } else if is("Paused") {
        RunState::Paused
    } else if is("Running") {
        RunState::Running
    } else if matches!(status, "created" | "configured" | "initialized") {
        RunState::Created
    } else {
        RunState::Exited { code: state["ExitCode"].as_i64().unwrap_or_default() }
    }
}

/// What a list entry says; the exit code stands in `Exited (3) 5 minutes ago` only.
fn listed_state(json: &Value) -> RunState {
    match json["State"].as_str().unwrap_or_default() {
        "running" | "stopping" => RunState::Running,
        "paused" => RunState::Paused,
        "restarting" => RunState::Restarting,
        "created" | "configured" | "initialized" => RunState::Created,
        "dead" | "removing" => RunState::Dead,
        _ => {
            let status = json["Status"].as_str().unwrap_or_default();
            let code = status.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
            RunState::Exited { code: code.and_then(|(code, _)| code.parse().ok()).unwrap_or_default() }
        }
    }
}

fn endpoints(attached: &Value, networks: &NetworkNames) -> BTreeMap<String, Endpoint> {
    let Some(attached) = attached.as_object() else { return BTreeMap::new() };
    attached
        .iter()
        .map(|(key, settings)| {
            let told = settings["NetworkID"].as_str().unwrap_or_default();
            // A container that never ran has no network ids, and its key is what its creator typed.
            let known = networks.get(if told.is_empty() { key.as_str() } else { told });
            let (network, name) = match known {
                Some((id, name)) => (id.clone(), name.clone()),
                None => (Id::Engine(told.to_owned()), key.clone()),
            };
            (name, Endpoint { network, settings: settings.clone() })
        })
        .collect()
}

/// Ports as a list shows them, in the shape of an inspection's `NetworkSettings.Ports`.
fn published(ports: &Value) -> Value {
    let mut shown: Map<String, Value> = Map::new();
    for port in ports.as_array().map(Vec::as_slice).unwrap_or_default() {
        let key = format!("{}/{}", port["PrivatePort"], port["Type"].as_str().unwrap_or("tcp"));
        let slot = shown.entry(key).or_insert(Value::Null);
        if let Some(public) = port["PublicPort"].as_u64() {
            let binding = json!({"HostIp": port["IP"], "HostPort": public.to_string()});
            match slot {
                Value::Array(bindings) => bindings.push(binding),
                _ => *slot = Value::Array(vec![binding]),
            }
        }
    }
    Value::Object(shown)
}

/// A network from the list, which says all that an inspection says but who is attached.
pub(super) fn network(json: Value) -> Network {
    Network {
        id: Id::Engine(text(&json["Id"])),
        name: text(&json["Name"]),
        attributes: Attributes::observed(json),
    }
}

pub(super) fn volume(json: Value) -> Volume {
    Volume { name: text(&json["Name"]), attributes: Attributes::observed(json) }
}

/// An image from its inspection.
pub(super) fn image(json: Value) -> Image {
    Image {
        id: Id::Engine(text(&json["Id"])),
        digests: strings(&json["RepoDigests"]),
        attributes: Attributes::observed(json),
    }
}

/// An image from the list.
pub(super) fn listed_image(json: &Value) -> Image {
    let digests = strings(&json["RepoDigests"]);
    let shown = json!({
        "Id": json["Id"],
        "RepoTags": json["RepoTags"],
        "RepoDigests": digests,
        "Config": {"Labels": json["Labels"]},
        "Size": json["Size"],
    });
    Image { id: Id::Engine(text(&json["Id"])), digests, attributes: Attributes::partial(shown) }
}

/// Puts an image and its tags into a world.
pub(super) fn add_image(world: &mut World, image: Image) {
    if let Some(tags) = image.attributes.at("RepoTags").known() {
        for tag in strings(tags) {
            world.tags.insert(ImageReference::parse(&tag).normal(), image.id.clone());
        }
    }
    world.images.insert(image.id.clone(), image);
}

/// The texts of a list that may be null, without what the engine writes for "none".
pub(super) fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).filter(|text| !text.contains("<none>")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_before_words_and_restarting_before_running() {
        let state = |json: Value| run_state(&json);
        let restarting = json!({"Status": "restarting", "Running": true, "Restarting": true});
        assert_eq!(state(restarting), RunState::Restarting);
        assert_eq!(state(json!({"Status": "paused", "Running": true, "Paused": true})), RunState::Paused);
        assert_eq!(state(json!({"Status": "running", "Running": true})), RunState::Running);
        assert_eq!(state(json!({"Status": "created", "ExitCode": 127})), RunState::Created);
        assert_eq!(state(json!({"Status": "exited", "ExitCode": 3})), RunState::Exited { code: 3 });
        assert_eq!(state(json!({"Status": "removing"})), RunState::Dead);
        assert_eq!(state(json!({"Status": "dead", "Dead": true})), RunState::Dead);
    }

    #[test]
    fn a_list_entry_is_shown_where_an_inspection_would_show_it() {
        let json = json!({
            "Id": "c1", "Names": ["/other/alias", "/web"], "Image": "nginx", "ImageID": "sha256:1",
            "State": "exited", "Status": "Exited (137) 2 hours ago", "Labels": {"a": "b"},
            "Ports": [
                {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
                {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
                {"PrivatePort": 443, "Type": "tcp"},
            ],
            "HostConfig": {"NetworkMode": "front"},
            "NetworkSettings": {"Networks": {"front": {"NetworkID": ""}}},
            "Mounts": [{"Type": "volume", "Name": "data", "Destination": "/d"}],
        });
        let networks =
            BTreeMap::from([(Id::Engine("n1".to_owned()), network(json!({"Id": "n1", "Name": "front"})))]);
        let container = listed_container(&json, &network_names(&networks));
        assert_eq!(container.name, "web");
        assert_eq!(container.state, RunState::Exited { code: 137 });
        assert_eq!(container.networks["front"].network, Id::Engine("n1".to_owned()));
        assert_eq!(container.labels().get("a"), Some("b"));
        let ports = container.attributes.at("NetworkSettings.Ports").known().expect("ports");
        assert_eq!(ports["80/tcp"][1], json!({"HostIp": "::", "HostPort": "8080"}));
        assert_eq!(ports["443/tcp"], Value::Null);
        assert!(!container.attributes.is_complete());
    }

    #[test]
    fn an_endpoint_keyed_by_id_gets_the_networks_name() {
        let networks =
            BTreeMap::from([(Id::Engine("n1".to_owned()), network(json!({"Id": "n1", "Name": "front"})))]);
        let found = endpoints(
            &json!({"n1": {"NetworkID": ""}, "gone": {"NetworkID": "n0"}}),
            &network_names(&networks),
        );
        assert_eq!(found["front"].network, Id::Engine("n1".to_owned()));
        assert_eq!(found["gone"].network, Id::Engine("n0".to_owned()));
    }

    #[test]
    fn images_without_a_name_have_no_tag() {
        let mut world = World::default();
        add_image(&mut world, listed_image(&json!({"Id": "sha256:1", "RepoTags": ["<none>:<none>"]})));
        add_image(
            &mut world,
            listed_image(&json!({"Id": "sha256:2", "RepoTags": ["nginx:1"], "RepoDigests": null})),
        );
        assert_eq!(world.tags.keys().collect::<Vec<_>>(), ["docker.io/library/nginx:1"]);
        assert_eq!(world.images.len(), 2);
    }
}
