//! Devices of the host in a container.

use serde_json::{Value, json};

use super::map::{differences_by_key, object, sorted};
use super::parts::{Read, clean_path, each, entries, items, text, unexpected, unknown_key, wrong};
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostic, Diagnostics, Node};

/// Devices by their path in the container. Normal form: a map of paths to `{from, may}`, where
/// `may` is some of `rwm`.
pub struct Devices;

pub const DEVICES: Devices = Devices;

const DEVICE: &str = "a device, such as `/dev/sda` or `/dev/sda:/dev/disk:r`";

impl Form for Devices {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let items = items(node, reading, self.expects())?;
        let devices = each(&items, |item| Ok((device(item)?, item)))?;
        let mut problems = Diagnostics::default();
        let mut all = serde_json::Map::new();
        for ((path, device), item) in devices {
            let before = all.insert(path.clone(), device.clone());
            if before.is_some_and(|before| before != device) {
                let message = format!("`{path}` is there twice, and not as the same device");
                problems.push(Diagnostic::error(&item.place, message).hint("keep one of them"));
            }
        }
        if problems.has_errors() { Err(problems) } else { Ok(object(all)) }
    }

    fn observe(&self, shown: &Value) -> Value {
        object(shown.as_array().into_iter().flatten().filter_map(|device| {
            let text = |key: &str| device[key].as_str().filter(|text| !text.is_empty());
            let from = text("PathOnHost")?;
            let path = clean_path(text("PathInContainer").unwrap_or(from));
            Some((path, normal(from, text("CgroupPermissions").unwrap_or(ALL))))
        }))
    }

    fn send(&self, normal: &Value) -> Value {
        let devices = sorted(normal).into_iter();
        devices
            .map(|(path, device)| {
                json!({"PathOnHost": device["from"], "PathInContainer": path, "CgroupPermissions": device["may"]})
            })
            .collect()
    }

    fn differences(&self, from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
        let rows = differences_by_key(from, to).into_iter();
        rows.map(|(path, from, to)| (path, shown(&from), shown(&to))).collect()
    }

    fn show(&self, normal: &Value) -> Value {
        if !normal.is_object() {
            return normal.clone();
        }
        object(sorted(normal).into_iter().map(|(path, device)| (path.clone(), shown(device))))
    }

    fn expects(&self) -> &'static str {
        "a list of devices, such as `[/dev/sda, '/dev/ttyUSB0:/dev/modem:rw']`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &[
                    "['/dev/null:/dev/x:wr', /dev/zero]",
                    "['/dev/zero:/dev/zero:mwr', '/dev/null:/dev/x:rw']",
                    "[{source: /dev/null, target: /dev/x, permissions: rw}, {source: /dev/zero}]",
                ],
                salt: &[
                    "['/dev/null:/dev/x:rw', /dev/zero]",
                    "'/dev/zero,/dev/null:/dev/x:rw'",
                    "[{PathOnHost: /dev/null, PathInContainer: /dev/x, CgroupPermissions: rw}, '/dev/zero:rwm']",
                ],
            },
            Sample { plain: &["[/dev/null]", "/dev/null", "['/dev/null:/dev/null']"], salt: &[] },
            Sample { plain: &["[]"], salt: &[] },
        ])
    }
}

const ALL: &str = "rwm";

fn normal(from: &str, may: &str) -> Value {
    let may: String = ALL.chars().filter(|right| may.contains(*right)).collect();
    json!({"from": clean_path(from), "may": may})
}

fn shown(device: &Value) -> Value {
    match (device["from"].as_str(), device["may"].as_str()) {
        (Some(from), Some(may)) => json!(format!("{from} ({may})")),
        _ => device.clone(),
    }
}

fn device(node: &Node) -> Read<(String, Value)> {
    let (from, path, may) = if node.as_map().is_some() { long(node)? } else { short(node)? };
    let from = host_path(&from, node)?;
    let path = path.map_or_else(|| Ok(from.clone()), |path| host_path(&path, node))?;
    let may = may.unwrap_or_else(|| ALL.to_owned());
    if !is_rights(&may) {
        return Err(wrong(
            node,
            format!("`{may}` is not what may be done"),
            "some of `r`, `w` and `m` (mknod)",
        ));
    }
    Ok((path, normal(&from, &may)))
}

type Parts = (String, Option<String>, Option<String>);

fn short(node: &Node) -> Read<Parts> {
    let text = text(node, DEVICE)?;
    let own = |text: &str| Some(text.to_owned());
    match *text.split(':').collect::<Vec<_>>() {
        [from] => Ok((from.to_owned(), None, None)),
        [from, may] if is_rights(may) => Ok((from.to_owned(), None, own(may))),
        [from, path] => Ok((from.to_owned(), own(path), None)),
        [from, path, may] => Ok((from.to_owned(), own(path), own(may))),
        _ => Err(unexpected(node, DEVICE).into()),
    }
}

fn long(node: &Node) -> Read<Parts> {
    let (mut from, mut path, mut may) = (None, None, None);
    for entry in &entries(node, DEVICE)? {
        let value = Some(text(&entry.value, DEVICE)?.to_owned());
        match entry.key.as_str() {
            "source" | "PathOnHost" => from = value,
            "target" | "PathInContainer" => path = value,
            "permissions" | "CgroupPermissions" => may = value,
            _ => return Err(unknown_key(entry, "a device", &["source", "target", "permissions"])),
        }
    }
    let Some(from) = from else { return Err(wrong(node, "`source` is missing", DEVICE)) };
    Ok((from, path, may))
}

fn is_rights(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|right| ALL.contains(right))
}

fn host_path(path: &str, node: &Node) -> Read<String> {
    if path.starts_with('/') {
        return Ok(clean_path(path));
    }
    let hint = if path.contains('=') {
        "a device of a vendor is asked for with `gpus: [{driver: cdi, device_ids: [vendor/class=name]}]`"
    } else {
        "a device is a path of the host, such as `/dev/sda`"
    };
    Err(wrong(node, format!("`{path}` is not the path of a device"), hint))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn devices_obey_the_laws() {
        obeys_the_laws(&DEVICES);
    }

    #[test]
    fn wrong_devices_are_refused() {
        assert!(refused(&DEVICES, "[sda]").contains("a path of the host"));
        assert!(refused(&DEVICES, "['/dev/a:/dev/b:x']").contains("`r`, `w` and `m`"));
        assert!(refused(&DEVICES, "[nvidia.com/gpu=all]").contains("driver: cdi"));
        assert!(refused(&DEVICES, "['/dev/a:/dev/x', '/dev/b:/dev/x']").contains("there twice"));
        assert!(refused(&DEVICES, "[{target: /dev/x}]").contains("`source` is missing"));
    }

    #[test]
    fn what_the_engine_leaves_out_is_the_same_path_with_all_rights() {
        let shown = json!([{"PathOnHost": "/dev/null", "PathInContainer": "", "CgroupPermissions": ""}]);
        assert_eq!(DEVICES.observe(&shown), json!({"/dev/null": {"from": "/dev/null", "may": "rwm"}}));
    }
}
