//! F: what the engine makes of what nobody said is no difference.

use super::scene::{Scene, at, cell, each, once};
use crate::rig::engines::{Release, with_private};
use crate::rig::numbers::free_port;
use serde_json::json;

const MIB: u64 = 1 << 20;

#[test]
fn f05_the_swap_that_memory_brings_is_no_difference() {
    each(|scene| {
        let (memory, swap) = ("HostConfig.Memory", "HostConfig.MemorySwap");
        scene.cells(&[
            cell("derived")
                .same("memory: 64m")
                .shows(swap, json!(128 * MIB))
                .same("mem_limit: 65536k")
                .differs("memory: 96m", "memory")
                .shows(memory, json!(96 * MIB))
                .shows(swap, json!(192 * MIB))
                .differs("memory: 32m", "memory")
                .differs("", "memory")
                .shows(memory, json!(0)),
            cell("own")
                .same("memory: 64m, memory_swap: 64m")
                .differs("memory: 64m, memory_swap: -1", "memory_swap")
                .shows(swap, json!(-1))
                .differs("memory: 64m, memswap_limit: 100m", "memory_swap")
                .differs("memory: 64m", "memory_swap")
                .shows(swap, json!(128 * MIB))
                .differs("memory: 128m", "memory")
                .differs("memory: 128m, memory_swap: -1", "memory_swap")
                .differs("", "memory memory_swap"),
            cell("unlimited").same("memory_swap: -1").differs("", "memory_swap").shows(swap, json!(0)),
            cell("nought").same("memory: 64m, memory_swap: 0").same("memory: 64m"),
        ]);
        let id = scene.id("own");
        scene.states("{p}own:\n  container.created: {image: 'ekt/bb:1', memory: 80m}\n");
        scene.converge();
        assert_eq!(scene.id("own"), id, "memory changes in place");
    });
}

#[test]
fn f11_log_options_of_the_engine_are_no_difference() {
    with_private(Release::Installed, &json!({"log-opts": {"max-size": "1m"}}), |engine| {
        let scene = Scene::new(engine);
        scene.cells(&[
            cell("unset").same(""),
            cell("driver").same("log_driver: json-file").same("logging: {driver: json-file}"),
            cell("own")
                .same("log_opt: {max-file: 3}")
                .differs("log_opt: {max-file: 4}", "log_opt.max-file")
                .differs("log_opt: {max-file: 4, max-size: 2m}", "log_opt.max-size")
                .differs("", "log_opt.max-file log_opt.max-size")
                .shows("HostConfig.LogConfig.Config", json!({"max-size": "1m"})),
            cell("other").same("log_driver: none").differs("", "log_driver"),
        ]);
        engine.restart_with(&json!({"log-opts": {"max-size": "2m"}}));
        scene.settled();
        engine.restart_with(&json!({}));
        scene.settled();
    });
}

#[test]
fn f12_a_log_driver_of_ones_own_comes_without_options() {
    each(|scene| {
        let (driver, options) = ("HostConfig.LogConfig.Type", "HostConfig.LogConfig.Config");
        scene.cells(&[
            cell("none").same("log_driver: none").shows(driver, json!("none")).shows(options, json!({})),
            cell("local")
                .same("logging: {driver: local, options: {max-size: 1m}}")
                .same("log_driver: local, log_opt: [max-size=1m]")
                .differs("log_driver: local", "log_opt.max-size")
                .differs("log_driver: json-file", "log_driver"),
            cell("empty").same("log_driver: ''").same("").same("log_driver: ''"),
            cell("options").same("log_opt: {max-size: 1m}").shows(driver, json!("json-file")),
        ]);
    });
}

#[test]
fn f13_what_the_kernel_cannot_do_is_no_difference() {
    each(|scene| {
        scene.cells(&[
            cell("unset").same("").same("memory: 0"),
            cell("said")
                .same("raw: {HostConfig: {OomScoreAdj: 5}}")
                .differs("raw: {HostConfig: {OomScoreAdj: 6}}", "raw.HostConfig.OomScoreAdj"),
        ]);
    });
}

#[test]
fn f15_a_running_container_with_many_options_is_left_alone() {
    each(|scene| {
        let port = free_port();
        scene.states(&format!(
            "{{p}}web:\n  docker_container.running:\n    - image: ekt/bb:1\n    - mem_limit: 64m\n    - port_bindings:\n      - {port}:80\n    \
             - restart_policy: on-failure:3\n    - labels:\n      - tier: front\n      - n: 1\n    - environment:\n      - A: 1\n    \
             - binds: {{p}}data:/data:rw\n    - command: sleep 1000\n"
        ));
        scene.converge();
    });
}

#[test]
fn f17_ports_in_the_hosts_network_are_warned_of_and_stable() {
    each(|scene| {
        for mode in ["host", "none"] {
            scene.states(&format!(
                "{{p}}web:\n  container.running: {{image: 'ekt/bb:1', network_mode: {mode}, ports: ['18080:80']}}\n"
            ));
            let said = scene.test();
            assert!(said.text().contains("no effect"), "a warning: {}", said.run);
            scene.converge();
        }
    });
}

#[test]
fn f19_nought_is_nothing() {
    each(|scene| {
        let noughts = "memory: 0, cpus: 0, cpu_shares: 0, pids_limit: 0, memory_swap: 0";
        scene.cells(&[
            cell("said").same(noughts).same("").same(noughts),
            cell("unsaid").same("").same(noughts).same("pids_limit: -1"),
            cell("set")
                .same("memory: 64m, cpus: 0.5, cpu_shares: 512, pids_limit: 10")
                .differs(noughts, "memory cpus cpu_shares pids_limit"),
            cell("back").same("pids_limit: 10, restart: always").differs("", "pids_limit restart"),
        ]);
    });
}

#[test]
fn f23_the_default_network_has_several_names() {
    each(|scene| {
        scene.cells(&[
            cell("named")
                .same("network_mode: default")
                .same("network_mode: bridge")
                .same("network_mode: ''")
                .same("")
                .differs("network_mode: none", "network_mode")
                .differs("", "networks"),
            cell("unnamed").same("").same("network_mode: bridge").same("net: default"),
            cell("salt")
                .head("docker_container.created")
                .same("network_mode: default")
                .same("network_mode: bridge"),
        ]);
    });
}

#[test]
fn f25_a_running_container_is_not_restarted_for_nothing() {
    once(|scene| {
        let port = free_port();
        scene.states(&format!(
            "{{p}}web:\n  container.running:\n    image: ekt/bb:1\n    env: {{A: 1}}\n    ports: ['127.0.0.1:{port}:80']\n    \
             volumes: ['{{p}}data:/data', '/tmp:/host:ro', /cache]\n    tmpfs: [/run]\n    init: true\n    networks: [{{p}}net]\n\
             {{p}}net:\n  network.present: {{}}\n{{p}}data:\n  volume.present: {{}}\n"
        ));
        scene.converge();
        scene.settled();
    });
}

#[test]
fn f28_the_host_name_and_init_have_defaults() {
    each(|scene| {
        scene.cells(&[
            cell("host").same("").differs("hostname: web", "hostname").differs("", "hostname").same(""),
            cell("declared")
                .same("hostname: web")
                .differs("hostname: web2", "hostname")
                .differs("", "hostname"),
            cell("init")
                .same("")
                .differs("init: true", "init")
                .same("init: yes")
                .differs("init: false", "init")
                .same(""),
            cell("removed").same("init: true").differs("", "init"),
            cell("uninit").same("init: false").same("").differs("init: true", "init"),
            cell("timeout")
                .same("stop_timeout: 30s")
                .shows("Config.StopTimeout", json!(30))
                .same("stop_grace_period: 30")
                .differs("stop_timeout: 0", "stop_timeout")
                .differs("", "stop_timeout"),
            cell("switches")
                .same("tty: true, stdin_open: true, read_only: true")
                .differs("tty: false", "tty stdin_open read_only")
                .same("stdin_open: no"),
        ]);
        assert_eq!(at(&scene.container("host"), "Config.Hostname"), json!(scene.id("host")[..12]));
    });
}

#[test]
fn f29_what_is_updated_in_place_is_compared_though_nobody_declares_it() {
    each(|scene| {
        scene.cells(&[cell("web").same("")]);
        let name = scene.name("web");
        crate::rig::inspect::update(
            scene.engine,
            &name,
            &json!({"Memory": 64 * MIB, "MemorySwap": 128 * MIB, "RestartPolicy": {"Name": "always"}}),
        );
        let said = scene.test();
        assert_eq!(said.diff("web").len(), 2, "{:?}", said.diff("web"));
        scene.converge();
    });
}
