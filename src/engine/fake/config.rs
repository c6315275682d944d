//! How the engine puts an image's config under a container's, and what it fills in.

use serde_json::{Map, Value, json};

/// Merges the image's config into what a create call asked for.
pub(super) fn merged(asked: &Value, image: &Value, short_id: &str) -> Value {
    let mut config = json!({
        "Hostname": "", "Domainname": "", "User": "", "AttachStdin": false, "AttachStdout": false,
        "AttachStderr": false, "Tty": false, "OpenStdin": false, "StdinOnce": false, "Env": null,
        "Cmd": null, "Image": "", "Volumes": null, "WorkingDir": "", "Entrypoint": null, "OnBuild": null,
        "Labels": {},
    });
    for (key, value) in asked.as_object().into_iter().flatten() {
        if !matches!(key.as_str(), "HostConfig" | "NetworkingConfig") {
            config[key.as_str()] = value.clone();
        }
    }
    if is_empty(&config["Entrypoint"]) {
        if is_empty(&config["Cmd"]) {
            config["Cmd"] = image["Cmd"].clone();
        }
        // An empty list stays an empty list.
        if config["Entrypoint"].is_null() {
            config["Entrypoint"] = image["Entrypoint"].clone();
        }
    }
    for key in ["User", "WorkingDir", "StopSignal"] {
        if config[key].as_str().unwrap_or("").is_empty() && !image[key].is_null() {
            config[key] = image[key].clone();
        }
    }
    if let Some(folder) = config["WorkingDir"].as_str().map(str::to_owned)
        && folder.len() > 1
    {
        config["WorkingDir"] = json!(folder.trim_end_matches('/'));
    }
    for key in ["Labels", "ExposedPorts", "Volumes"] {
        let mut both = image[key].as_object().cloned().unwrap_or_default();
        both.extend(config[key].as_object().cloned().unwrap_or_default());
        if !both.is_empty() {
            config[key] = Value::Object(both);
        }
    }
    config["Env"] = env(&config["Env"], &image["Env"]);
    if let Some(check) = healthcheck(&config["Healthcheck"], &image["Healthcheck"]) {
        config["Healthcheck"] = check;
    }
    if config["Hostname"].as_str().unwrap_or("").is_empty() {
        config["Hostname"] = json!(short_id);
    }
    config
}

fn is_empty(list: &Value) -> bool {
    list.as_array().is_none_or(Vec::is_empty)
}

/// What was asked for, word for word, and behind it what only the image has.
fn env(asked: &Value, image: &Value) -> Value {
    let name = |variable: &Value| variable.as_str().unwrap_or("").split('=').next().unwrap_or("").to_owned();
    let mut all = asked.as_array().cloned().unwrap_or_default();
    let taken: Vec<String> = all.iter().map(name).collect();
    let more = image.as_array().into_iter().flatten().filter(|variable| !taken.contains(&name(variable)));
    all.extend(more.cloned());
    json!(all)
}

/// Field by field.
fn healthcheck(asked: &Value, image: &Value) -> Option<Value> {
    let mut check: Map<String, Value> = image.as_object().cloned().unwrap_or_default();
    for (key, value) in asked.as_object().into_iter().flatten() {
        let is_unset = is_empty(value) && value.as_i64().unwrap_or(0) == 0;
        if !is_unset {
            check.insert(key.clone(), value.clone());
        }
    }
    (!check.is_empty()).then_some(Value::Object(check))
}

/// Fills in what a create call left out of its `HostConfig`.
pub(super) fn host(asked: &Value) -> Value {
    let mut host = defaults();
    for (key, value) in asked.as_object().into_iter().flatten() {
        host[key.as_str()] = value.clone();
    }
    let memory = host["Memory"].as_i64().unwrap_or(0);
    if memory > 0 && host["MemorySwap"].as_i64().unwrap_or(0) == 0 {
        host["MemorySwap"] = json!(memory * 2);
    }
    if host["PidsLimit"].as_i64().is_some_and(|limit| limit <= 0) {
        host["PidsLimit"] = Value::Null;
    }
    if host["ShmSize"].as_i64() == Some(0) {
        host["ShmSize"] = json!(67_108_864);
    }
    if host["NetworkMode"].as_str().unwrap_or("").is_empty() {
        host["NetworkMode"] = json!("default");
    }
    if host["LogConfig"]["Type"].as_str().unwrap_or("").is_empty() {
        host["LogConfig"]["Type"] = json!("json-file");
    }
    if host["LogConfig"]["Config"].is_null() {
        host["LogConfig"]["Config"] = json!({});
    }
    if host["Privileged"] == true {
        host["SecurityOpt"] = json!(["label=disable"]);
    }
    host
}

fn defaults() -> Value {
    let mut host = json!({
        "LogConfig": {"Type": "json-file", "Config": {}}, "NetworkMode": "default",
        "RestartPolicy": {"Name": "", "MaximumRetryCount": 0}, "IpcMode": "private", "Runtime": "runc",
        "ShmSize": 67_108_864,
    });
    let nothing = [
        "Binds",
        "PortBindings",
        "VolumesFrom",
        "CapAdd",
        "CapDrop",
        "Dns",
        "DnsOptions",
        "DnsSearch",
        "ExtraHosts",
        "GroupAdd",
        "Links",
        "SecurityOpt",
        "Devices",
        "MemorySwappiness",
        "PidsLimit",
        "Ulimits",
    ];
    let zero = [
        "OomScoreAdj",
        "CpuShares",
        "Memory",
        "NanoCpus",
        "BlkioWeight",
        "CpuPeriod",
        "CpuQuota",
        "MemoryReservation",
        "MemorySwap",
    ];
    let empty =
        ["ContainerIDFile", "VolumeDriver", "Cgroup", "PidMode", "UTSMode", "UsernsMode", "CgroupParent"];
    let off = ["AutoRemove", "Privileged", "PublishAllPorts", "ReadonlyRootfs", "OomKillDisable"];
    for (keys, value) in [
        (&nothing[..], Value::Null),
        (&zero[..], json!(0)),
        (&empty[..], json!("")),
        (&off[..], json!(false)),
    ] {
        for key in keys {
            host[*key] = value.clone();
        }
    }
    host
}
