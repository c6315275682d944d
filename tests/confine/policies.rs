//! What a host does not allow, each broken once in plain words and once in the engine's own.

use evenkeel::state::{Policy, Rule, Scope, Trust};

use super::tree::{Pushed, assert_told};

/// What a host with this policy tells.
fn told(rules: impl IntoIterator<Item = Rule>, state: &str) -> String {
    let policy: Policy = rules.into_iter().collect();
    let graph = Pushed::states(state).compiled(Trust::Own).expect("it is right");
    policy.check(&graph).iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn every_rule_is_broken_in_plain_words_and_in_raw_ones() {
    let container = |fields: &str| format!("web:\n  container.running:\n    image: app:1\n    {fields}\n");
    let raw = |host: &str| container(&format!("raw: {{HostConfig: {{{host}}}}}"));
    for (word, states) in [
        (
            "no_privileged",
            vec![
                container("privileged: true"),
                raw("Privileged: true"),
                container("raw: {hostconfig: {PRIVILEGED: true}}"),
                container("raw: {HoſtConfig: {privileged: true}}"),
            ],
        ),
        (
            "no_host_network",
            vec![
                container("network_mode: host"),
                container("networks: [host]"),
                raw("NetworkMode: host"),
                container("raw: {NetworkingConfig: {EndpointsConfig: {host: {}}}}"),
                "app:1:\n  image.built:\n    context: ./app\n    network: host\n".to_owned(),
                // Of somebody who may have it.
                container("network_mode: container:other"),
                raw("NetworkMode: Container:/other"),
                "app:1:\n  image.built:\n    context: ./app\n    network: 'container:other'\n".to_owned(),
                "lan:\n  network.present:\n    driver: macvlan\n".to_owned(),
                "lan:\n  network.present:\n    driver: ipvlan\n".to_owned(),
            ],
        ),
        (
            "no_host_pid",
            vec![
                container("pid: host"),
                container("pid_mode: host"),
                container("pid: 'container:other'"),
                container("pid: 'container:0123456789ab'"),
                raw("PidMode: host"),
                raw("PidMode: container:0123456789ab"),
            ],
        ),
        (
            "no_host_ipc",
            vec![
                container("ipc: host"),
                container("ipc: 'container:other'"),
                raw("IpcMode: host"),
                raw("IpcMode: container:other"),
            ],
        ),
        (
            "no_docker_socket",
            vec![
                container("volumes: ['/var/run/docker.sock:/s']"),
                container("volumes: [{type: bind, source: /, target: /host}]"),
                container("volumes: ['/var/run:/s:ro']"),
                raw("Binds: ['/run:/s']"),
                raw("Mounts: [{Type: bind, Source: /run/docker.sock, Target: /s}]"),
                container("volumes_from: ['other:ro']"),
                raw("VolumesFrom: [other]"),
                volume("{type: none, o: bind, device: /run}"),
            ],
        ),
        (
            "no_host_binds",
            vec![
                container("volumes: ['/srv:/s']"),
                container("volumes: ['./app:/s']"),
                raw("Binds: ['/srv:/s']"),
                raw("Mounts: [{Type: bind, Source: /srv, Target: /s}]"),
                raw(
                    "mounts: [{type: volume, Target: /s, VolumeOptions: {DriverConfig: {Options: {o: bind, device: /srv}}}}]",
                ),
                container("volumes_from: [other]"),
                raw("VolumesFrom: [other]"),
                volume("{type: none, o: bind, device: /srv}"),
                volume("{type: tmpfs, o: 'size=1m,rbind', device: /srv}"),
                volume("{type: overlay, device: overlay, o: 'lowerdir=/etc'}"),
                volume("{type: ext4, device: /dev/sda1}"),
            ],
        ),
        (
            "no_latest",
            vec![
                "web:\n  container.running:\n    image: app\n".to_owned(),
                "web:\n  container.running:\n    image: reg.example:5000/app:latest\n".to_owned(),
                "app:\n  image.present: {}\n".to_owned(),
                "app:latest:\n  image.present: {}\n".to_owned(),
                container("raw: {Image: app}"),
                container("raw: {image: app:latest}"),
                container("volumes: [{type: image, source: app, target: /app}]"),
                "app:\n  image.built: {context: ./app}\n".to_owned(),
                "app:latest:\n  image.built: {context: ./app}\n".to_owned(),
                "app:1:\n  image.built:\n    context: ./app\n    tags: [app]\n".to_owned(),
            ],
        ),
        ("no_added_capabilities", vec![container("cap_add: [NET_ADMIN]"), raw("CapAdd: [ALL]")]),
        (
            "no_devices",
            vec![
                raw("Devices: [{PathOnHost: /dev/sda}]"),
                raw("DeviceRequests: [{Count: -1}]"),
                raw("DeviceCgroupRules: ['a *:* rwm']"),
                container("devices: [/dev/sda]"),
                container("gpus: all"),
                container("device_cgroup_rules: ['a *:* rwm']"),
                container("deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}"),
                volume("{type: ext4, device: /dev/sda1}"),
            ],
        ),
        (
            "no_unconfined",
            vec![
                raw("SecurityOpt: ['seccomp=unconfined']"),
                raw("SecurityOpt: ['apparmor:unconfined']"),
                raw("SecurityOpt: ['label=disable']"),
                raw("SecurityOpt: ['seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}']"),
                raw("SecurityOpt: ['no-new-privileges:false']"),
                raw("MaskedPaths: []"),
                raw("UsernsMode: host"),
                raw("CgroupnsMode: host"),
                container("security_opt: ['seccomp:unconfined', no-new-privileges]"),
                container("security_opt: ['seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}']"),
                container("masked_paths: []"),
                container("readonly_paths: [/proc/bus]"),
                container("userns_mode: host"),
                container("cgroup: host"),
                container("uts: host"),
            ],
        ),
    ] {
        let rule = Policy::parse(word).expect("a rule");
        for state in states {
            let told = told([rule], &state);
            assert_told(
                &told,
                &[&format!("`{word}`"), "is not allowed on this host", "states/prod.yml:", "hint: "],
            );
            assert!(
                !told.contains("prod.yml:2:")
                    || state.contains("image.present")
                    || state.contains("{context: ./app}"),
                "the field's place: {told}"
            );
            let others = Policy::WORDS.into_iter().filter_map(Policy::parse).filter(|other| *other != rule);
            assert!(!self::told(others, &state).contains(&format!("`{word}`")));
        }
    }
}

fn volume(options: &str) -> String {
    format!("data:\n  volume.present:\n    driver_opts: {options}\n")
}

#[test]
fn what_is_usual_is_allowed_by_all_rules() {
    let states = "net: {network.present: {}}\n\
                  data: {volume.present: {driver_opts: {type: nfs, o: 'addr=10.0.0.1,rw', device: ':/data'}}}\n\
                  app:1: {image.built: {context: ./app, network: none}}\n\
                  app@sha256:0000000000000000000000000000000000000000000000000000000000000000: {image.present: {}}\n\
                  web:\n  container.running:\n    image: app:~1.4\n    networks: [net]\n    ports: ['80']\n    \
                  volumes: ['data:/data', /cache]\n    tmpfs: [/run]\n    cap_drop: [ALL]\n    privileged: false\n    \
                  raw: {HostConfig: {SecurityOpt: ['no-new-privileges:true'], IpcMode: private, Devices: [], UTSMode: ''}}\n\
                  side:\n  container.running:\n    image: app:1\n    network_mode: container:web\n    \
                 raw: {HostConfig: {PidMode: 'container:web', IpcMode: 'container:web'}}\n\
                 more: {container.running: {image: 'app:1', pid: 'container:web', ipc: 'container:web'}}\n\
                 most: {container.running: {image: 'app:1', ipc: shareable}}\n\
                 old: {container.absent: {}}\n";
    assert_eq!(told(Policy::WORDS.into_iter().filter_map(Policy::parse), states), "");
}

/// The engine takes an ID before a name.
#[test]
fn what_looks_like_an_id_is_nobodys_name() {
    for id in ["0123456789ab", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"] {
        let decoys = format!(
            "'{id}':\n  container.created: {{image: 'app:1'}}\n'{id} net':\n  network.present: [{{name: '{id}'}}]\n"
        );
        let web =
            |options: &str| format!("{decoys}web:\n  container.running: {{image: 'app:1', {options}}}\n");
        let raw = |host: &str| web(&format!("raw: {{HostConfig: {{{host}}}}}"));
        let build = format!("{decoys}app:1:\n  image.built: {{context: ./app, network: 'container:{id}'}}\n");
        for (rule, states) in [
            (Rule::NoHostNetwork, web(&format!("network_mode: 'container:{id}'"))),
            (Rule::NoHostNetwork, web(&format!("networks: ['{id}']"))),
            (Rule::NoHostNetwork, web(&format!("network_mode: '{id}'"))),
            (Rule::NoHostNetwork, raw(&format!("NetworkMode: '{id}'"))),
            (Rule::NoHostNetwork, build),
            (Rule::NoHostPid, web(&format!("pid: 'container:{id}'"))),
            (Rule::NoHostPid, raw(&format!("PidMode: 'container:{id}'"))),
            (Rule::NoHostIpc, web(&format!("ipc: 'container:{id}'"))),
            (Rule::NoHostIpc, raw(&format!("IpcMode: 'container:{id}'"))),
        ] {
            let told = told([rule], &states);
            assert_told(&told, &[&format!("`{}`", rule.word()), "is not allowed on this host"]);
        }
    }
    let short = "db: {container.running: {image: 'db:1'}}\nfeed: {network.present: {}}\n\
                 web: {container.running: {image: 'app:1', network_mode: 'container:db'}}\n\
                 api: {container.running: {image: 'app:1', networks: [feed]}}\n";
    assert_eq!(told([Rule::NoHostNetwork], short), "");
}

#[test]
fn words_are_known_and_tell_their_rules() {
    let rules: Vec<_> = Policy::WORDS.into_iter().filter_map(Policy::parse).collect();
    assert_eq!(rules.iter().map(|rule| rule.word()).collect::<Vec<_>>(), Policy::WORDS);
    assert_eq!(Policy::parse("no_such_rule"), None);
    let privileged = "web: {container.running: {image: app:1, privileged: true}}\n";
    assert_eq!(told([], privileged), "");
}

#[test]
fn a_dockerfile_says_what_it_starts_from() {
    let pushed = Pushed::new(&[
        ("states/prod.yml", "app:1:\n  image.built:\n    context: app\n    args: {TAG: latest}\n"),
        (
            "states/app/Dockerfile",
            "ARG TAG=1\nFROM tools AS tools\nFROM base:$TAG\nCOPY --from=tools /a /a\n",
        ),
    ]);
    let policy: Policy = Policy::parse("no_latest").into_iter().collect();
    let graph = pushed.compiled(Trust::Own).expect("it is right");
    let told: String = policy.check(&graph).iter().map(|problem| format!("{problem}\n")).collect();
    assert_told(&told, &["`tools`", "`base:latest`", "states/prod.yml:3:"]);
}

#[test]
fn a_repository_has_its_projects_and_images() {
    let states = "shop/web:1: {image.built: {context: ./app, tags: [other:1]}}\nold:1: {image.absent: {}}\n\
                  base:1: {image.present: {}}\nweb: {container.running: {image: elsewhere:1}}\n";
    let pushed = Pushed::states(states);
    let graph = pushed.compiled(Trust::Own).expect("it is right");
    let told = |projects: &[&str], images: &[&str]| {
        let list = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        let scope = Scope { projects: list(projects), images: list(images) };
        let found = Policy::default().within(scope).check(&graph);
        found.iter().map(|problem| format!("{problem}\n")).collect::<String>()
    };
    let own = graph.owner.project.as_str();
    assert_eq!(told(&[own], &["shop/*", "other", "old"]), "");
    let all = told(&["victim"], &["shop/*"]);
    assert_told(
        &all,
        &["is not deployed from here", "`other:1` is not for", "`old:1` is not for", "`images` in"],
    );
    assert!(!all.contains("base:1") && !all.contains("elsewhere"), "{all}");
}

/// An archive as the engine takes it: files by name; what begins with `->` is a link.
fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        match text.strip_prefix("->") {
            Some(to) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                archive.append_link(&mut header, name, to).expect("in memory");
            }
            None => {
                header.set_size(text.len() as u64);
                let bytes = header.as_gnu_mut().expect("it is one");
                bytes.name[..name.len()].copy_from_slice(name.as_bytes());
                header.set_cksum();
                archive.append(&header, text.as_bytes()).expect("in memory");
            }
        }
    }
    archive.into_inner().expect("in memory")
}

/// To load an archive is to give all its names to its images.
#[test]
fn an_archive_names_no_images_of_others() {
    let told = |files: &[(&str, &str)], policy: Policy| {
        let pushed = Pushed::states("shop/web:1: {image.loaded: {path: ./a.tar}}\n");
        std::fs::write(pushed.root().join("states/a.tar"), archive(files)).expect("a file");
        let graph = pushed.compiled(Trust::Own).expect("it is right");
        policy.check(&graph).iter().map(|problem| format!("{problem}\n")).collect::<String>()
    };
    let shop = || {
        let images = Some(vec!["shop/*".to_owned()]);
        Policy::default().within(Scope { projects: None, images })
    };
    let own = ("manifest.json", r#"[{"Config":"a.json","RepoTags":["shop/web:1","shop/b:2"]}]"#);
    let usual = (
        "index.json",
        r#"{"manifests":[{"digest":"sha256:0","annotations":
        {"io.containerd.image.name":"docker.io/shop/web:1","org.opencontainers.image.ref.name":"1"}}]}"#,
    );
    let oldest = ("repositories", r#"{"shop/web":{"1":"0"}}"#);
    assert_eq!(told(&[own, usual, oldest, ("0/json", "{}")], shop()), "");
    for more in [
        ("manifest.json", r#"[{"RepoTags":["victim:1"]}]"#),
        ("./manifest.json", r#"[{"repotagſ":["victim:1"]}]"#),
        ("x/../manifest.json", r#"[{"RepoTags":["victim:1"]}]"#),
        (
            "index.json",
            r#"{"manifests":[{"annotations":{"io.containerd.image.name":"victim:1"}}],"manifests":[{}]}"#,
        ),
        ("index.json", r#"{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"victim:1"}}]}"#),
        ("repositories", r#"{"victim":{"1":"0"}}"#),
    ] {
        assert_told(
            &told(&[own, more], shop()),
            &["`victim:1` is not for", "states/prod.yml:1:", "`images` in"],
        );
    }
    for obscure in [
        ("manifest.json", r#"[{"RepoTags":["victim:1"]}] and more"#),
        ("manifest.json", "->x"),
        ("repositories", r#"{"victim":1}"#),
    ] {
        assert_told(&told(&[own, obscure], shop()), &["nobody can say", "states/prod.yml:1:"]);
    }
    let latest = ("repositories", r#"{"shop/web":{"latest":"0"}}"#);
    let no_latest = || Policy::from_iter([Rule::NoLatest]);
    assert_eq!(told(&[own, usual, oldest], no_latest()), "");
    assert_told(&told(&[own, latest], no_latest()), &["`shop/web:latest`", "`no_latest`"]);
}

/// The engine takes `labels` for `Labels`, and the later one counts.
#[test]
fn a_pushed_tree_says_each_name_in_one_case() {
    for raw in [
        "{labels: {io.evenkeel.project: other}}",
        "{hostconfig: {Privileged: true}}",
        "{HostConfig: {Memory: 1, memory: 2}}",
    ] {
        let pushed =
            Pushed::states(&format!("web:\n  container.running:\n    image: app:1\n    raw: {raw}\n"));
        assert_told(&pushed.refused(), &["twice, in upper and lower case", "states/prod.yml:4:"]);
    }
    let own = "web: {container.running: {image: app:1, raw: {Labels: {io.evenkeel.project: other}}}}\n";
    assert_told(&Pushed::states(own).refused(), &["are evenkeel's own"]);
    let labels = "{Labels: {a: x, A: y}, HostConfig: {Memory: 1}}";
    Pushed::states(&format!("web: {{container.running: {{image: app:1, raw: {labels}}}}}\n")).accepted();
}
