//! Throw-away copies of a newcomer: to rehearse its start, and to run a command of a hook with what it has.

use serde_json::{Value, json};

use super::super::kind::Desired;
use super::hooks::Fresh;
use super::{files, networks};
use crate::world::{Gate, LONGEST_TRIAL, Probe, Step, Target, World, label};

/// What a newcomer is called while its start is rehearsed.
fn rehearsal_name(name: &str) -> String {
    format!("{name}.try")
}

/// Starts a copy without ports, aliases and volumes that it would write to, lets it pass the gate, and removes it.
pub fn rehearse(desired: &Desired<'_>, fresh: &Fresh<'_>, world: &mut World) -> Vec<Step> {
    let container = Target { id: world.next_planned(), name: rehearsal_name(desired.name) };
    let mut body = copy(desired, fresh.body);
    without_data(&mut body);
    let wait = desired.gate.wait.iter().cloned().map(Probe::unpublished).collect();
    let gate = Gate { wait, ..desired.gate.clone() };
    let mut steps = made(desired, &container, fresh, body, world);
    steps.extend([
        Step::Settle { container: container.clone(), gate },
        Step::StopContainer { container: container.clone(), timeout: None },
        Step::RemoveTrial { container },
    ]);
    steps
}

/// Runs a command in a copy that has everything but ports, aliases and fixed addresses, and removes it.
pub fn once(desired: &Desired<'_>, fresh: &Fresh<'_>, command: &[String], world: &mut World) -> Vec<Step> {
    let container = Target { id: world.next_planned(), name: format!("{}.once", desired.name) };
    let mut body = copy(desired, fresh.body);
    body["Entrypoint"] = json!(command);
    body["Healthcheck"] = json!({"Test": ["NONE"]});
    if let Some(body) = body.as_object_mut() {
        body.remove("Cmd");
    }
    let mut steps = made(desired, &container, fresh, body, world);
    steps.extend([
        Step::AwaitEnd { container: container.clone(), timeout: LONGEST_TRIAL },
        Step::RemoveTrial { container },
    ]);
    steps
}

/// Creates and starts it.
fn made(
    desired: &Desired<'_>,
    container: &Target,
    fresh: &Fresh<'_>,
    body: Value,
    world: &World,
) -> Vec<Step> {
    let image = fresh.image.clone();
    let mut steps = vec![Step::CreateContainer { container: container.clone(), image, body }];
    for mut step in networks::connect_others(desired, container, world) {
        if let Step::Connect { endpoint, .. } = &mut step {
            anonymous(endpoint);
        }
        steps.push(step);
    }
    steps.extend(files::put(desired.spec, container));
    steps.push(Step::StartContainer { container: container.clone() });
    steps
}

/// Takes away what only one container can have, what it would be found by, and what says that it is a revision.
fn copy(desired: &Desired<'_>, body: &Value) -> Value {
    let mut body = body.clone();
    for key in ["ExposedPorts", "MacAddress", "Hostname"] {
        if let Some(body) = body.as_object_mut() {
            body.remove(key);
        }
    }
    if let Some(host) = body["HostConfig"].as_object_mut() {
        for key in ["PortBindings", "PublishAllPorts", "RestartPolicy", "AutoRemove"] {
            host.remove(key);
        }
    }
    for endpoint in body
        .pointer_mut("/NetworkingConfig/EndpointsConfig")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flatten()
    {
        anonymous(endpoint.1);
    }
    let mut labels = serde_json::Map::from_iter([(label::TRIAL.to_owned(), json!(desired.name))]);
    labels.extend(desired.owner.labels(&desired.id).into_iter().map(|(key, value)| (key, json!(value))));
    for (key, value) in body["Labels"].as_object().into_iter().flatten() {
        if !key.starts_with(label::PREFIX) || key.starts_with("io.evenkeel.lifecycle.") {
            labels.insert(key.clone(), value.clone());
        }
    }
    body["Labels"] = Value::Object(labels);
    body
}

/// An attachment without aliases and fixed addresses.
fn anonymous(endpoint: &mut Value) {
    if let Some(settings) = endpoint.as_object_mut() {
        for key in ["Aliases", "IPAMConfig", "MacAddress"] {
            settings.remove(key);
        }
    }
}

/// Takes away every mount that could be written to.
fn without_data(body: &mut Value) {
    let Some(host) = body["HostConfig"].as_object_mut() else { return };
    if let Some(mounts) = host.get_mut("Mounts").and_then(Value::as_array_mut) {
        mounts.retain(|mount| mount["ReadOnly"] == true || mount["Type"] == "tmpfs");
    }
    if let Some(binds) = host.get_mut("Binds").and_then(Value::as_array_mut) {
        let is_read_only = |bind: &Value| {
            let options =
                bind.as_str().and_then(|bind| bind.rsplit_once(':')).map_or("", |(_, options)| options);
            options.split(',').any(|option| option == "ro")
        };
        binds.retain(is_read_only);
    }
    host.remove("VolumesFrom");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_written_to_is_mounted() {
        let mut body = json!({"HostConfig": {
            "Mounts": [
                {"Type": "volume", "Source": "data", "Target": "/data"},
                {"Type": "bind", "Source": "/etc/x", "Target": "/x", "ReadOnly": true},
                {"Type": "tmpfs", "Target": "/tmp"},
            ],
            "Binds": ["a:/a", "b:/b:ro", "c:/c:z,ro", "d:/d:rw"],
        }});
        without_data(&mut body);
        assert_eq!(body["HostConfig"]["Mounts"][0]["Target"], "/x");
        assert_eq!(body["HostConfig"]["Mounts"].as_array().map(Vec::len), Some(2));
        assert_eq!(body["HostConfig"]["Binds"], json!(["b:/b:ro", "c:/c:z,ro"]));
    }
}
