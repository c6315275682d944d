//! What a container would be created from, as the engine reads it: names of keys in any case.

use std::collections::BTreeSet;

use serde_json::Value;

use super::namespaces::SHARED;
use super::rules::is_latest;
use super::{Rule, volume};

/// A rule and what breaks it.
pub type Finding = (Rule, String);

/// Everything in a create body that some rule is about. What `is_declared` keeps to the rules by itself.
pub fn broken(body: &Value, is_declared: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let host = |key: &str| all(body, &["HostConfig", key]);
    let mut found = Vec::new();
    if host("Privileged").into_iter().any(is_set) {
        found.push((Rule::NoPrivileged, "`privileged`".to_owned()));
    }
    let attached = all(body, &["NetworkingConfig", "EndpointsConfig"]);
    let attached = attached.into_iter().filter_map(Value::as_object).flat_map(|map| map.keys());
    let modes = host("NetworkMode").into_iter().filter_map(Value::as_str);
    let networks = modes.chain(attached.map(String::as_str)).filter_map(of_network);
    found.extend(networks.collect::<BTreeSet<_>>().into_iter().map(|what| (Rule::NoHostNetwork, what)));
    for (key, rule, what) in [
        ("PidMode", Rule::NoHostPid, "to see the processes of the host"),
        ("IpcMode", Rule::NoHostIpc, "to share memory with the host"),
        ("UsernsMode", Rule::NoUnconfined, "the users of the host"),
        ("CgroupnsMode", Rule::NoUnconfined, "the control groups of the host"),
        ("UTSMode", Rule::NoUnconfined, "the names of the host"),
    ] {
        if host(key).into_iter().any(is_host) {
            found.push((rule, what.to_owned()));
        }
    }
    let others = shared(body).into_iter().filter(|(_, name)| is_id(name) || !is_declared(name));
    found.extend(others.map(|(rule, name)| (rule, of_stranger(&name))));
    for key in ["CapAdd", "Capabilities"] {
        found.extend(
            texts(&host(key)).map(|name| (Rule::NoAddedCapabilities, format!("the capability {name}"))),
        );
    }
    for key in ["Devices", "DeviceRequests", "DeviceCgroupRules"] {
        if host(key).into_iter().any(is_set) {
            found.push((Rule::NoDevices, format!("a device of the host (`{key}`)")));
        }
    }
    unconfined(&host, &mut found);
    mounted(&host, &mut found);
    for image in all(body, &["Image"]).into_iter().filter_map(Value::as_str).filter(|image| is_latest(image))
    {
        found.push((Rule::NoLatest, format!("an image without a tag of its own, `{image}`,")));
    }
    found
}

/// The container whose namespace a mode means.
pub fn of_container(mode: &str) -> Option<&str> {
    let (kind, name) = mode.trim().split_once(':')?;
    (fold(kind) == "container").then(|| name.trim().trim_start_matches('/'))
}

/// The containers whose namespaces would be shared, and the rule that is about it.
pub fn shared(body: &Value) -> Vec<(Rule, String)> {
    let mut found = Vec::new();
    for (key, rule) in SHARED {
        let modes = all(body, &["HostConfig", key]).into_iter().filter_map(Value::as_str);
        found.extend(modes.filter_map(of_container).map(|name| (rule, name.to_owned())));
    }
    found
}

/// What is said of a container that may have anything: these states do not declare it, or the engine takes its
/// name for an ID.
pub fn of_stranger(name: &str) -> String {
    let shown: String = name.chars().take(70).collect();
    let why = if is_id(name) { "which is no name but an ID" } else { "which no state declares" };
    format!("what the container {shown} has, {why},")
}

/// What is said of a network that is the host's, or may be, as it is named by its ID.
pub fn of_network(name: &str) -> Option<String> {
    if fold(name) == "host" {
        return Some("the network of the host".to_owned());
    }
    is_id(name.trim()).then(|| format!("the network {}, which is no name but an ID,", name.trim()))
}

/// True of what the engine may take for an ID, or for as much of one as it shows.
pub fn is_id(name: &str) -> bool {
    name.len() >= 12 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn unconfined<'a>(host: &impl Fn(&str) -> Vec<&'a Value>, found: &mut Vec<Finding>) {
    for option in texts(&host("SecurityOpt")) {
        let (key, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
        let (key, value) = (fold(key), fold(value));
        let weakens = value == "unconfined"
            || value == "disable"
            || key == "label"
            || (key == "no-new-privileges" && value == "false")
            || (matches!(key.as_str(), "seccomp" | "apparmor")
                && !matches!(value.as_str(), "builtin" | "docker-default"));
        if weakens {
            let shown: String = option.chars().take(40).collect();
            found.push((Rule::NoUnconfined, format!("`security_opt: {shown}`")));
        }
    }
    for key in ["MaskedPaths", "ReadonlyPaths"] {
        if host(key).into_iter().any(|paths| !paths.is_null()) {
            found.push((Rule::NoUnconfined, format!("to choose what of the kernel is hidden (`{key}`)")));
        }
    }
}

fn mounted<'a>(host: &impl Fn(&str) -> Vec<&'a Value>, found: &mut Vec<Finding>) {
    for bind in texts(&host("Binds")) {
        let source = bind.split(':').next().unwrap_or_default();
        // Everything else is the name of a volume.
        if source.starts_with(['/', '.', '~', '\\']) {
            from_host(source, found);
        }
    }
    let mounts = host("Mounts").into_iter().filter_map(Value::as_array).flatten();
    for mount in mounts {
        let text = |key: &str| all(mount, &[key]).into_iter().filter_map(Value::as_str);
        let is_volume = |kind: &str| matches!(fold(kind).as_str(), "volume" | "tmpfs" | "image");
        if text("Type").any(|kind| fold(kind) == "image") {
            let latest = text("Source").filter(|image| is_latest(image));
            found.extend(
                latest
                    .map(|image| (Rule::NoLatest, format!("an image without a tag of its own, `{image}`,"))),
            );
        }
        if text("Type").any(|kind| !is_volume(kind)) {
            text("Source").for_each(|source| from_host(source, found));
        }
        for options in all(mount, &["VolumeOptions", "DriverConfig", "Options"]) {
            found.extend(volume::broken(options));
        }
    }
    for from in texts(&host("VolumesFrom")) {
        for rule in [Rule::NoDockerSocket, Rule::NoHostBinds] {
            found.push((rule, format!("whatever {from} has mounted")));
        }
    }
}

/// What is said of a path of the host that is mounted.
pub fn from_host(source: &str, found: &mut Vec<Finding>) {
    found.push((Rule::NoHostBinds, format!("{source} of the host")));
    if holds_socket(source) {
        found.push((Rule::NoDockerSocket, format!("{source}, where the engine is spoken to,")));
    }
}

/// True of a path that is a socket of an engine, or has one below it.
fn holds_socket(source: &str) -> bool {
    let mut parts: Vec<&str> = Vec::new();
    for part in source.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    let is_engine =
        |part: &&str| ["docker", "containerd", "podman", "crio"].iter().any(|name| part.starts_with(name));
    match parts.as_slice() {
        [] | ["var" | "run" | "proc"] | ["var", "run"] => true,
        ["run", "user"] | ["run", "user", _] | ["var", "run", "user"] | ["var", "run", "user", _] => true,
        // The root of a process is the root of the host.
        ["proc", _, "root" | "cwd", ..] => true,
        ["run", service] | ["var", "run", service] if is_engine(service) => true,
        [.., last] => is_engine(last) && last.ends_with(".sock"),
    }
}

/// Every value at a path. The engine takes the names of keys in any case, and of two that differ in
/// case alone the later one.
pub fn all<'a>(value: &'a Value, path: &[&str]) -> Vec<&'a Value> {
    let [key, rest @ ..] = path else { return vec![value] };
    let key = fold(key);
    let entries = value.as_object().into_iter().flatten();
    entries.filter(|(name, _)| fold(name) == key).flat_map(|(_, value)| all(value, rest)).collect()
}

/// A name that stands twice in a create body, in another case: the engine takes the later one, and what
/// evenkeel has set is no longer certain.
pub fn ambiguous(body: &Value) -> Option<String> {
    let host = all(body, &["HostConfig"]);
    std::iter::once(body).chain(host).find_map(|part| {
        let mut seen = BTreeSet::new();
        let mut names = part.as_object()?.keys();
        names.find(|name| !seen.insert(fold(name))).cloned()
    })
}

/// A text without its case, as the engine's parser compares names: two letters outside of ASCII
/// count as those that they look like.
pub fn fold(text: &str) -> String {
    let fold = |c: char| match c {
        'ſ' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    text.trim().chars().map(fold).collect()
}

/// True of what is not just the engine's default.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_set) => *is_set,
        Value::Array(items) => !items.is_empty(),
        Value::Number(_) | Value::String(_) | Value::Object(_) => true,
    }
}

fn is_host(value: &Value) -> bool {
    value.as_str().is_some_and(|mode| fold(mode) == "host")
}

/// All texts of lists, or of what should be one.
fn texts<'a>(lists: &[&'a Value]) -> impl Iterator<Item = &'a str> {
    let items =
        lists.iter().flat_map(|list| list.as_array().map_or(std::slice::from_ref(*list), Vec::as_slice));
    items.filter_map(Value::as_str).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_found_on_every_way_to_it() {
        for path in [
            "/var/run/docker.sock",
            "/run/docker.sock",
            "/var/run",
            "/run/",
            "//run/./",
            "/",
            "/var",
            "/srv/../run",
            "/home/ann/.docker/run/docker.sock",
            "/run/containerd",
            "/run/user/1000",
            "/run/user/1000/docker.sock",
            "/var/run/user/1000",
            "/run/podman/podman.sock",
            "/proc",
            "/proc/1/root/srv",
            "/proc/self/root",
        ] {
            assert!(holds_socket(path), "{path}");
        }
        for path in ["/srv", "/var/lib/app", "/run/app", "/srv/run", "/proc/cpuinfo", "/srv/docker"] {
            assert!(!holds_socket(path), "{path}");
        }
    }
}
