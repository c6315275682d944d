//! What a container needs of the engine's machine, and that no engine tells beforehand: free ports, folders, devices.

use std::net::IpAddr;

use serde_json::Value;

use super::body;
use crate::resource::kind::{Desired, Machine};
use crate::resource::spec::Spec;
use crate::world::Claim;

/// Why the engine would not start it, as far as its machine could be looked at.
pub fn blockers(desired: &Desired<'_>) -> Vec<String> {
    let Machine::Here { listening, missing } = &desired.facts.machine else { return Vec::new() };
    let mut blockers = Vec::new();
    if desired.function.name == "running" {
        let held = |claim: &Claim| {
            let Claim::Port { address, port, protocol } = claim else { return false };
            listening.iter().any(|(sort, at, number)| {
                sort == protocol && number.to_string() == *port && meets(address, *at)
            })
        };
        for claim in body::claims(desired.spec).iter().filter(|claim| held(claim)) {
            blockers.push(format!(
                "{claim} is held by a process of the engine's machine that is no container (`ss -ltnup` shows which)"
            ));
        }
    }
    for path in sources(desired.spec).filter(|path| missing.contains(path)) {
        blockers.push(format!(
            "there is no {path}, which lies in the tree of the state files: the engine would make a folder of that name"
        ));
    }
    for (path, what) in paths(desired.spec).filter(|(path, _)| missing.contains(path)) {
        blockers.push(format!("the engine's machine has no {what} {path}"));
    }
    blockers
}

/// What could not be looked at, for whoever reads the plan.
pub fn not_checked(desired: &Desired<'_>) -> Option<String> {
    if desired.facts.machine != Machine::Elsewhere {
        return None;
    }
    let mut things = Vec::new();
    let ports: Vec<String> = body::claims(desired.spec)
        .into_iter()
        .filter_map(|claim| match claim {
            Claim::Port { port, protocol, .. } => Some(format!("{port}/{protocol}")),
            Claim::Address { .. } | Claim::Subnet(_) => None,
        })
        .collect();
    if !ports.is_empty() && desired.function.name == "running" {
        things.push(format!("whether a process holds port {}", ports.join(", ")));
    }
    let paths: Vec<String> = paths(desired.spec).map(|(path, what)| format!("{what} {path}")).collect();
    if !paths.is_empty() {
        things.push(format!("whether there is {}", paths.join(", ")));
    }
    let things = things.join(", and ");
    (!things.is_empty()).then(|| format!("not checked, because the engine is not on this machine: {things}"))
}

/// The paths of the engine's machine that have to be there, and what they are to be.
pub fn paths(spec: &Spec) -> impl Iterator<Item = (String, &'static str)> {
    let mounts = spec.value("volumes").and_then(Value::as_object).into_iter().flatten();
    // Otherwise the engine makes the folder.
    let binds = mounts.filter(|(_, mount)| mount["type"] == "bind" && mount["_must_exist"] == true);
    let binds = binds.filter_map(|(_, mount)| Some((mount["source"].as_str()?.to_owned(), "file or folder")));
    let devices = spec.value("devices").and_then(Value::as_object).into_iter().flatten();
    let devices = devices.filter_map(|(_, device)| Some((device["from"].as_str()?.to_owned(), "device")));
    // Others are names of what a driver hands out.
    binds.chain(devices.filter(|(path, _)| path.starts_with('/')))
}

/// The paths that are mounted and that the engine makes as folders if they are not there.
pub fn sources(spec: &Spec) -> impl Iterator<Item = String> {
    let mounts = spec.value("volumes").and_then(Value::as_object).into_iter().flatten();
    let binds = mounts.filter(|(_, mount)| mount["type"] == "bind" && mount["_must_exist"] != true);
    binds.filter_map(|(_, mount)| Some(mount["source"].as_str()?.to_owned()))
}

/// True if a port at an address cannot be had beside one that is listened at.
fn meets(address: &str, at: IpAddr) -> bool {
    match address.parse::<IpAddr>() {
        Ok(wanted) if !wanted.is_unspecified() => wanted == at || at.is_unspecified(),
        // Everything, or nothing said, which is the same.
        Ok(_) | Err(_) => true,
    }
}
