//! Spellings that stand for several fields, and several fields that are one.

use serde_json::Value;

use super::super::field::{Reading, Vocabulary};
use super::super::spec::Spec;
use crate::source::{Diagnostic, Diagnostics, Entry, did_you_mean};

/// A key in a group and the field that it is.
type Part = (&'static str, &'static str);

const LOGGING: &[Part] = &[("driver", "log_driver"), ("options", "log_opt")];
const BLKIO: &[Part] = &[
    ("weight", "blkio_weight"),
    ("weight_device", "blkio_weight_device"),
    ("device_read_bps", "device_read_bps"),
    ("device_read_iops", "device_read_iops"),
    ("device_write_bps", "device_write_bps"),
    ("device_write_iops", "device_write_iops"),
];
const LIMITS: &[Part] = &[("cpus", "cpus"), ("memory", "memory"), ("pids", "pids_limit")];
const RESERVATIONS: &[Part] = &[("memory", "memory_reservation"), ("devices", "device_requests")];
const POLICY: &[Part] = &[("condition", "name"), ("max_attempts", "max_retries")];

/// Rewrites Compose's groups (`logging`, `blkio_config`, `deploy`) to the fields that they stand for.
pub fn expand(arguments: &[Entry], reading: &Reading, problems: &mut Diagnostics) -> Vec<Entry> {
    let mut expanded = Vec::with_capacity(arguments.len());
    for entry in arguments {
        match (reading.vocabulary, entry.key.as_str()) {
            (Vocabulary::Plain, "logging" | "blkio_config" | "deploy") if entry.value.is_null() => {}
            (Vocabulary::Plain, "logging") => {
                expanded.extend(group(
                    entry,
                    LOGGING,
                    "`logging: {driver: json-file, options: {max-size: 10m}}`",
                    problems,
                ));
            }
            (Vocabulary::Plain, "blkio_config") => {
                expanded.extend(group(entry, BLKIO, "`blkio_config: {weight: 300}`", problems));
            }
            (Vocabulary::Plain, "deploy") => expanded.extend(deploy(entry, problems)),
            _ => expanded.push(entry.clone()),
        }
    }
    expanded
}

/// The parts of a group as the fields that they are.
fn group(entry: &Entry, parts: &[Part], example: &str, problems: &mut Diagnostics) -> Vec<Entry> {
    let Some(entries) = entry.value.as_map() else {
        problems.push(
            Diagnostic::error(
                &entry.value.place,
                format!("`{}` takes a mapping, and this is {}", entry.key, entry.value.sort()),
            )
            .hint(format!("write {example}")),
        );
        return Vec::new();
    };
    let mut rows = Vec::new();
    for part in entries {
        match parts.iter().find(|(word, _)| *word == part.key) {
            Some((_, field)) => rows.push(Entry { key: (*field).to_owned(), ..part.clone() }),
            None => problems.push(unknown_part(part, &entry.key, parts)),
        }
    }
    rows
}

fn unknown_part(part: &Entry, of: &str, parts: &[Part]) -> Diagnostic {
    let words: Vec<String> = parts.iter().map(|(word, _)| format!("`{word}`")).collect();
    let hint = match (of, part.key.as_str()) {
        ("reservations", "cpus") => {
            "one engine reserves no processors; `cpu_shares` is a weight, `cpuset` names some".to_owned()
        }
        (_, key) => match did_you_mean(key, parts.iter().map(|(word, _)| *word)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("it takes {}", words.join(", ")),
        },
    };
    Diagnostic::error(&part.key_place, format!("`{}` is not a part of `{of}`", part.key)).hint(hint)
}

/// What of Compose's `deploy` is about one container.
fn deploy(entry: &Entry, problems: &mut Diagnostics) -> Vec<Entry> {
    let mut rows = Vec::new();
    let Some(parts) = entry.value.as_map() else {
        rows.extend(group(entry, &[], "`deploy: {resources: {limits: {memory: 64m}}}`", problems));
        return rows;
    };
    for part in parts {
        let hint = match part.key.as_str() {
            "resources" => {
                for resources in part.value.as_map().unwrap_or_default() {
                    match resources.key.as_str() {
                        "limits" => {
                            rows.extend(group(resources, LIMITS, "`limits: {memory: 64m}`", problems))
                        }
                        "reservations" => {
                            rows.extend(group(
                                resources,
                                RESERVATIONS,
                                "`reservations: {memory: 64m}`",
                                problems,
                            ));
                        }
                        _ => problems.push(unknown_part(
                            resources,
                            "resources",
                            &[("limits", ""), ("reservations", "")],
                        )),
                    }
                }
                continue;
            }
            "restart_policy" => {
                rows.extend(restart(part, problems));
                continue;
            }
            "replicas" | "mode" | "endpoint_mode" | "placement" => {
                "one state is one container; write a `{% for %}` loop for several"
            }
            "update_config" | "rollback_config" => {
                "`strategy`, `wait`, `timeout` and `soak` say how a container is replaced"
            }
            "labels" => "these are of a service of a swarm; write `labels` beside `deploy`",
            _ => "it takes `resources` and `restart_policy`",
        };
        problems.push(
            Diagnostic::error(&part.key_place, format!("`deploy.{}` is nothing of a container", part.key))
                .hint(hint),
        );
    }
    rows
}

/// `{condition: on-failure, max_attempts: 3}` as `restart` has it.
fn restart(entry: &Entry, problems: &mut Diagnostics) -> Option<Entry> {
    let mut parts = group(entry, POLICY, "`restart_policy: {condition: on-failure}`", problems);
    for part in parts.iter_mut().filter(|part| part.key == "name") {
        let word = match part.value.text() {
            Some("any") => "always",
            Some("none") => "no",
            _ => continue,
        };
        part.value =
            crate::source::Node::scalar(part.value.place.clone(), word, crate::source::Style::Quoted);
    }
    let value = crate::source::Node::map(entry.value.place.clone(), parts);
    (!value.as_map().unwrap_or_default().is_empty()).then(|| Entry {
        key: "restart".to_owned(),
        key_place: entry.key_place.clone(),
        value,
    })
}

/// Fields that become a part of `volumes`; what stands first wins.
const OF_VOLUMES: [&str; 2] = ["mounts", "volume_paths"];

/// Puts all that is mounted into one field.
pub fn combine(spec: &mut Spec, problems: &mut Diagnostics) {
    for field in OF_VOLUMES {
        let Some(more) = spec.get(field).cloned() else { continue };
        spec.remove(field);
        let Some(volumes) = spec.get("volumes").cloned() else {
            spec.insert("volumes", more.value, &more.place);
            continue;
        };
        let (Some(mut all), Some(more_map)) = (volumes.value.as_object().cloned(), more.value.as_object())
        else {
            continue;
        };
        for (path, mount) in more_map {
            match all.get(path) {
                None => _ = all.insert(path.clone(), mount.clone()),
                // Salt has all targets of `binds` among its volumes.
                Some(_) if field == "volume_paths" && mount["type"] == "anonymous" => {}
                Some(known) if known == mount => {}
                Some(_) => problems.push(
                    Diagnostic::error(&more.place, format!("`{path}` is mounted twice"))
                        .note(format!("the first time at {}", volumes.place))
                        .hint("keep one of them"),
                ),
            }
        }
        spec.insert("volumes", Value::Object(all.into_iter().collect()), &volumes.place);
    }
}

/// Words of Compose and Salt that are something else than a field here.
pub fn instead_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "container_name" => "the state's id is the name; write `name: …` for another one",
        "depends_on" => "write `require: [container: other]`",
        "build" => {
            "declare the image: `my-image:1: {image.built: {context: ./folder}}`, and name it in `image`"
        }
        "deploy" => "write `mem_limit`, `cpus` and `restart_policy` directly",
        "logging" => "write `log_driver` and `log_opt`",
        "scale" | "replicas" => "one state is one container; write a `{% for %}` loop for several",
        "profiles" => "put the states into a file of their own and include it where it is wanted",
        "configs" | "secrets" => "mount a file with `volumes`, such as `./app.conf:/etc/app.conf:ro`",
        "extends" => "use YAML anchors, `use`, or a module",
        "develop" => {
            "evenkeel deploys; a bind of the source, such as `./src:/srv/src`, is there while you develop"
        }
        "external_links" => "write `links`, or better share a network",
        "attach" => "evenkeel shows no output of containers while it runs; `docker logs -f` does",
        "driver_opts" => "options of an attachment stand in `networks: {name: {driver_opts: …}}`",
        "models" | "provider" => "that is run by Compose itself; write what it would start as a container",
        "use_api_socket" => "mount the socket: `volumes: ['/var/run/docker.sock:/var/run/docker.sock']`",
        "credential_spec" => "it is for containers of Windows; write `security_opt: ['credentialspec=…']`",
        "cpu_count" | "cpu_percent" => "engines of Linux know nothing of it; write `cpus`",
        "io_maximum_bandwidth" | "io_maximum_iops" => {
            "engines of Linux know nothing of it; write `device_read_bps`, `device_read_iops` and the like"
        }
        "cpu_group" | "lxc_conf" | "init_path" => "no engine of today has it; remove it",
        "host_config" => "write its fields as options; in `container.*`, `raw` takes the API's own words",
        "start" => "write `docker_container.created` for one that is not to be started",
        "devices_read_bps" | "devices_write_bps" => "write `device_read_bps` or `device_write_bps`",
        "devices_read_iops" | "devices_write_iops" => "write `device_read_iops` or `device_write_iops`",
        "capabilities" => "write `cap_add` and `cap_drop`",
        _ => return None,
    })
}
