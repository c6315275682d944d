//! Puts other names for the objects that a container names.

use serde_json::{Map, Value};

use crate::resource::kind::Reference;
use crate::resource::spec::Spec;

/// Gives another name to one object. Whatever `check::references` reads has to be written here.
pub fn rename(spec: &mut Spec, reference: &Reference, name: &str) {
    let old = reference.name.as_str();
    match reference.kind {
        "image" => {
            change(spec, "image", |image| (image == old).then(|| Value::from(name)));
            change(spec, "volumes", |mounts| mounts_of(mounts, "image", old, name));
        }
        "network" => {
            change(spec, "networks", |networks| {
                let networks = networks.as_object()?;
                let renamed = |key: &String| if key == old { name.to_owned() } else { key.clone() };
                Some(
                    networks
                        .iter()
                        .map(|(key, value)| (renamed(key), value.clone()))
                        .collect::<Map<_, _>>()
                        .into(),
                )
            });
            change(spec, "network_mode", |mode| (mode == old).then(|| Value::from(name)));
        }
        "volume" => change(spec, "volumes", |mounts| mounts_of(mounts, "volume", old, name)),
        "container" => {
            for field in ["network_mode", "pid", "ipc"] {
                change(spec, field, |mode| {
                    (mode.as_str()?.strip_prefix("container:")? == old)
                        .then(|| Value::from(format!("container:{name}")))
                });
            }
            change(spec, "volumes_from", |others| {
                let renamed = |other: &Value| match other.as_str().map(|other| other.split_once(':')) {
                    Some(Some((container, options))) if container == old => {
                        Value::from(format!("{name}:{options}"))
                    }
                    Some(None) if other == old => Value::from(name),
                    Some(_) | None => other.clone(),
                };
                Some(others.as_array()?.iter().map(renamed).collect())
            });
            change(spec, "links", |links| {
                let renamed = |link: &Value| match link
                    .as_str()
                    .map(|link| link.split_once(':').unwrap_or((link, link)))
                {
                    // The alias stays what it was.
                    Some((container, alias)) if container == old => Value::from(format!("{name}:{alias}")),
                    Some(_) | None => link.clone(),
                };
                Some(links.as_array()?.iter().map(renamed).collect())
            });
        }
        _ => {}
    }
}

/// The mounts, with another name for a source.
fn mounts_of(mounts: &Value, kind: &str, old: &str, name: &str) -> Option<Value> {
    let mut mounts = mounts.clone();
    for mount in mounts.as_object_mut()?.values_mut() {
        if mount["type"] == kind && mount["source"] == old {
            mount["source"] = Value::from(name);
        }
    }
    Some(mounts)
}

fn change(spec: &mut Spec, field: &'static str, changed: impl FnOnce(&Value) -> Option<Value>) {
    if let Some(declared) = spec.get(field).cloned()
        && let Some(value) = changed(&declared.value)
    {
        spec.insert(field, value, &declared.place);
    }
}
