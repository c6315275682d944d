//! R: a replacement keeps what is declared and freezes nothing that the engine chose.

use super::scene::{at, each, once};
use crate::rig::inspect;
use crate::rig::numbers::free_subnet;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn r01_everything_that_is_declared_survives_a_replacement() {
    each(|scene| {
        let states = |more: &str| {
            format!(
                "{{p}}net:\n  network.present: {{}}\n{{p}}web:\n  container.running:\n    image: ekt/bb:1\n    env: {{A: 1, B: x=y}}\n    \
                 labels: {{tier: front}}\n    user: '1000'\n    working_dir: /tmp\n    hostname: web\n    stop_signal: KILL\n    \
                 networks: {{'{{p}}net': {{aliases: [www]}}}}\n    restart: on-failure:3\n    memory: 64m\n    cap_drop: [NET_RAW]\n    \
                 init: true\n    extra_hosts: [\"db:10.0.0.2\"]\n    healthcheck: {{test: 'true', interval: 1s}}\n{more}"
            )
        };
        let shape = || {
            let found = scene.container("web");
            let paths = [
                "Config.Env",
                "Config.User",
                "Config.WorkingDir",
                "Config.Hostname",
                "Config.Cmd",
                "Config.Healthcheck",
                "HostConfig.RestartPolicy",
                "HostConfig.Memory",
                "HostConfig.CapDrop",
                "HostConfig.Init",
                "HostConfig.ExtraHosts",
                "HostConfig.NetworkMode",
                "HostConfig.MemorySwap",
                "HostConfig.LogConfig",
            ];
            paths.map(|path| at(&found, path))
        };
        scene.states(&states(""));
        scene.converge();
        let before = shape();
        scene.states(&states("    stop_timeout: 3s\n"));
        assert_eq!(scene.converge().action("web"), "replace");
        assert_eq!(shape(), before);
    });
}

#[test]
fn r02_what_the_old_one_had_by_hand_is_not_carried_over() {
    once(|scene| {
        scene.states("{p}web:\n  container.created: {image: 'ekt/bb:1', env: {A: 1}}\n");
        scene.converge();
        inspect::update(scene.engine, &scene.name("web"), &json!({"CpuShares": 77}));
        scene.states("{p}web:\n  container.created: {image: 'ekt/bb:1', env: {A: 2}}\n");
        scene.converge();
        assert_eq!(at(&scene.container("web"), "HostConfig.CpuShares"), json!(0));
    });
}

#[test]
fn r05_an_address_of_the_engines_is_never_sent() {
    each(|scene| {
        let states = |more: &str| {
            format!(
                "{{p}}net:\n  network.present: {{}}\n\
                 {{p}}a:\n  container.running: {{image: 'ekt/bb:1', stop_signal: KILL, networks: ['{{p}}net']{more}}}\n\
                 {{p}}b:\n  container.running: {{image: 'ekt/bb:1', stop_signal: KILL, networks: ['{{p}}net']{more}}}\n"
            )
        };
        scene.states(&states(""));
        scene.converge();
        for round in 1..3 {
            scene.states(&states(&format!(", env: {{ROUND: {round}}}")));
            scene.converge();
            let addresses: Vec<Value> = ["a", "b"]
                .iter()
                .map(|name| {
                    scene.container(name)["NetworkSettings"]["Networks"][scene.name("net")]["MacAddress"]
                        .clone()
                })
                .collect();
            assert_eq!(
                addresses.iter().map(Value::to_string).collect::<BTreeSet<_>>().len(),
                2,
                "{addresses:?}"
            );
            let declared = at(&scene.container("a"), "Config.MacAddress");
            assert!(declared.is_null() || declared == "", "{declared}");
        }
    });
}

#[test]
fn r07_aliases_do_not_pile_up() {
    each(|scene| {
        let states = |round: u32| {
            format!(
                "{{p}}net:\n  network.present: {{}}\n{{p}}web:\n  container.created:\n    image: ekt/bb:1\n    env: {{ROUND: {round}}}\n    \
                 networks: {{'{{p}}net': {{aliases: [www]}}}}\n"
            )
        };
        for round in 0..5 {
            scene.states(&states(round));
            scene.converge();
        }
        let id = scene.id("web");
        let shown =
            scene.container("web")["NetworkSettings"]["Networks"][scene.name("net")]["Aliases"].clone();
        let aliases: Vec<_> = shown.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let foreign = aliases
            .iter()
            .filter(|alias| **alias != "www" && !id.starts_with(**alias) && **alias != scene.name("web"));
        assert_eq!(foreign.count(), 0, "{aliases:?}");
        assert_eq!(inspect::serving(scene.engine, &scene.scope), [scene.name("web")]);
    });
}

#[test]
fn r09_a_replaced_network_keeps_addresses_and_aliases() {
    each(|scene| {
        let net = free_subnet();
        let states = |options: &str| {
            format!(
                "{{p}}net:\n  network.present: {{subnet: {net}.0/24{options}}}\n{{p}}web:\n  container.running:\n    image: ekt/bb:1\n    \
                 stop_signal: KILL\n    networks: {{'{{p}}net': {{ipv4_address: {net}.77, aliases: [www]}}}}\n\
                 {{p}}other:\n  container.running: {{image: 'ekt/bb:1', stop_signal: KILL, networks: ['{{p}}net']}}\n"
            )
        };
        scene.states(&states(""));
        scene.converge();
        let ids = [scene.id("web"), scene.id("other")];
        scene.states(&states(", labels: {a: 1}"));
        assert_eq!(scene.converge().action("net"), "replace");
        let shown = scene.container("web")["NetworkSettings"]["Networks"][scene.name("net")].clone();
        assert_eq!(shown["IPAddress"], json!(format!("{net}.77")));
        assert!(
            shown["Aliases"].as_array().is_some_and(|aliases| aliases.contains(&json!("www"))),
            "{shown}"
        );
        assert_eq!([scene.id("web"), scene.id("other")], ids, "containers stay");
    });
}

#[test]
fn r11_no_host_name_is_sent_where_the_engine_takes_none() {
    each(|scene| {
        let states = |round: u32| {
            format!(
                "{{p}}x:\n  container.running: {{image: 'ekt/bb:1', stop_signal: KILL}}\n\
                 {{p}}host:\n  container.running: {{image: 'ekt/bb:1', stop_signal: KILL, network_mode: host, env: {{R: {round}}}}}\n\
                 {{p}}shared:\n  container.running: {{image: 'ekt/bb:1', stop_signal: KILL, network_mode: 'container:{{p}}x', env: {{R: {round}}}}}\n"
            )
        };
        scene.states(&states(0));
        scene.converge();
        scene.states(&states(1));
        assert_eq!(scene.converge().action("host"), "replace");
        for mode in ["host", "container:{p}x"] {
            scene.states(&format!(
                "{{p}}x:\n  container.running: {{image: 'ekt/bb:1', stop_signal: KILL}}\n\
                 {{p}}h:\n  container.running: {{image: 'ekt/bb:1', network_mode: '{mode}', hostname: web}}\n"
            ));
            let run = scene.workspace.apply(super::scene::FILE, &["--test"]);
            // The engine takes a host name with `host`, and 20.10 refuses it with `container:`.
            assert!(matches!(run.code(), Some(0 | 3)), "{run}");
        }
    });
}

#[test]
fn r13_an_edited_network_replaces_the_one_before() {
    each(|scene| {
        let networks = "{p}a:\n  network.present: {}\n{p}b:\n  network.present: {}\n";
        let web = |networks: &str| {
            format!("{{p}}web:\n  container.running: {{image: 'ekt/bb:1', stop_signal: KILL, {networks}}}\n")
        };
        let attached = || -> Vec<String> {
            let shown = scene.container("web")["NetworkSettings"]["Networks"].clone();
            let mut names: Vec<String> =
                shown.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
            names.sort();
            names
        };
        scene.states(&format!("{networks}{}", web("networks: ['{p}a']")));
        scene.converge();
        scene.states(&format!("{networks}{}", web("networks: ['{p}b']")));
        scene.converge();
        assert_eq!(attached(), [scene.name("b")]);
        scene.states(&format!("{networks}{}", web("networks: ['{p}b'], env: {A: 1}")));
        scene.converge();
        assert_eq!(attached(), [scene.name("b")]);
        scene.states(&format!("{networks}{}", web("network_mode: '{p}a'")));
        scene.converge();
        assert_eq!(attached(), [scene.name("a")]);
        scene.states(&format!("{networks}{}", web("networks: ['{p}a', '{p}b']")));
        scene.converge();
        assert_eq!(attached(), [scene.name("a"), scene.name("b")]);
    });
}
