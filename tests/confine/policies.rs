//! What a host does not allow, each broken once in plain words and once in the engine's own.

use evenkeel::state::{Policy, Rule, Trust};

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
            ],
        ),
        ("no_host_pid", vec![raw("PidMode: host")]),
        ("no_host_ipc", vec![raw("IpcMode: host")]),
        (
            "no_docker_socket",
            vec![
                container("volumes: ['/var/run/docker.sock:/s']"),
                container("volumes: [{type: bind, source: /, target: /host}]"),
                container("volumes: ['/var/run:/s:ro']"),
                raw("Binds: ['/run:/s']"),
                raw("Mounts: [{Type: bind, Source: /run/docker.sock, Target: /s}]"),
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
            ],
        ),
        ("no_added_capabilities", vec![container("cap_add: [NET_ADMIN]"), raw("CapAdd: [ALL]")]),
        (
            "no_devices",
            vec![
                raw("Devices: [{PathOnHost: /dev/sda}]"),
                raw("DeviceRequests: [{Count: -1}]"),
                raw("DeviceCgroupRules: ['a *:* rwm']"),
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
                !told.contains("prod.yml:2:") || state.contains("image.present"),
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
                  old: {container.absent: {}}\n";
    assert_eq!(told(Policy::WORDS.into_iter().filter_map(Policy::parse), states), "");
}

#[test]
fn words_are_known_and_tell_their_rules() {
    let rules: Vec<_> = Policy::WORDS.into_iter().filter_map(Policy::parse).collect();
    assert_eq!(rules.iter().map(|rule| rule.word()).collect::<Vec<_>>(), Policy::WORDS);
    assert_eq!(Policy::parse("no_such_rule"), None);
    let privileged = "web: {container.running: {image: app:1, privileged: true}}\n";
    assert_eq!(told([], privileged), "");
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
    let labels = "{Labels: {a: x, A: y}, HostConfig: {Memory: 1}}";
    Pushed::states(&format!("web: {{container.running: {{image: app:1, raw: {labels}}}}}\n")).accepted();
}
