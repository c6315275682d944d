//! N: another order, spelling, unit or type of the same is no difference.

use super::scene::{at, cell, each, once};
use serde_json::json;

#[test]
fn n09_the_order_of_volumes_does_not_matter() {
    each(|scene| {
        scene.cells(&[
            cell("named")
                .same("volumes: ['{p}a:/a', '{p}b:/b:ro', '/tmp:/host']")
                .same("volumes: ['/tmp:/host', '{p}b:/b/:ro', '{p}a:/a:rw']")
                .differs("volumes: ['/tmp:/host', '{p}b:/b', '{p}a:/a']", "volumes./b")
                .differs("volumes: ['{p}a:/a', '{p}b:/b']", "volumes./host")
                .differs("", "volumes./a volumes./b"),
            cell("salt")
                .head("docker_container.created")
                .same("binds: '/tmp:/host:ro,{p}a:/a'")
                .same("binds: ['{p}a:/a:rw', '/tmp/:/host/:ro']"),
            cell("memory")
                .same("tmpfs: [/run, '/cache:size=1m'], volumes: ['{p}a:/a']")
                .same("volumes: ['{p}a:/a'], tmpfs: {/cache: 'size=1024k', /run: ''}")
                .differs("tmpfs: [/run], volumes: ['{p}a:/a']", "tmpfs./cache")
                .differs("volumes: ['{p}a:/a']", "tmpfs./run"),
        ]);
    });
}

#[test]
fn n11_log_options_may_be_numbers() {
    each(|scene| {
        scene.cells(&[cell("number")
            .same("log_driver: json-file, log_opt: {max-file: 3, compress: true, max-size: 1m}")
            .same("logging: {driver: json-file, options: {max-file: '3', compress: 'true', max-size: 1m}}")
            .differs(
                "log_driver: json-file, log_opt: {max-file: 2, compress: true, max-size: 1m}",
                "log_opt.max-file",
            )]);
    });
}

#[test]
fn n21_volumes_from_in_the_apis_words_is_stable() {
    once(|scene| {
        scene.cells(&[cell("data").same("volumes: ['{p}v:/v']")]);
        scene.states(
            "{p}data:\n  container.created: {image: 'ekt/bb:1', volumes: ['{p}v:/v']}\n\
             {p}user:\n  container.created:\n    image: ekt/bb:1\n    raw: {HostConfig: {VolumesFrom: ['{p}data']}}\n    \
             require: [container: '{p}data']\n",
        );
        scene.converge();
    });
}

#[test]
fn n23_a_stopped_container_is_left_alone() {
    each(|scene| {
        scene.states("{p}web:\n  container.running: {image: 'ekt/bb:1', stop_signal: KILL}\n");
        scene.converge();
        let id = scene.id("web");
        scene.states("{p}web:\n  container.stopped: {image: 'ekt/bb:1', stop_signal: KILL}\n");
        assert_eq!(scene.converge().action("web"), "stop");
        assert_eq!(scene.id("web"), id);
        scene.states("{p}web:\n  container.stopped: {}\n");
        scene.settled();
    });
}

#[test]
fn n25_capabilities_have_several_spellings() {
    each(|scene| {
        scene.cells(&[
            cell("set")
                .same("cap_add: [NET_ADMIN, SYS_TIME], cap_drop: [all]")
                .same("cap_drop: [ALL], cap_add: [CAP_SYS_TIME, net_admin]")
                .differs("cap_add: [NET_ADMIN], cap_drop: [ALL]", "cap_add")
                .differs("cap_add: [NET_ADMIN], cap_drop: [CHOWN, KILL]", "cap_drop")
                .differs("", "cap_add cap_drop"),
            cell("salt")
                .head("docker_container.created")
                .same("cap_add: 'SYS_TIME,NET_ADMIN'")
                .same("cap_add: [NET_ADMIN, SYS_TIME]"),
            cell("empty").same("cap_add: [], cap_drop: []").same(""),
        ]);
    });
}

#[test]
fn n27_processors_have_several_spellings() {
    each(|scene| {
        scene.cells(&[
            cell("plain")
                .same("cpus: 0.5")
                .shows("HostConfig.NanoCpus", json!(500_000_000))
                .same("cpus: '.50'")
                .differs("cpus: 1", "cpus")
                .differs("", "cpus")
                .shows("HostConfig.NanoCpus", json!(0)),
            cell("salt").head("docker_container.created").same("cpus: 0.5").same("cpus: 500000000"),
            cell("shares")
                .same("cpu_shares: 512")
                .differs("cpu_shares: 256", "cpu_shares")
                .differs("", "cpu_shares"),
        ]);
    });
}

#[test]
fn n29_what_a_privileged_container_brings_is_no_difference() {
    each(|scene| {
        scene.cells(&[
            cell("privileged")
                .same("privileged: true")
                .same("privileged: yes")
                .differs("privileged: false", "privileged")
                .same(""),
            cell("option").same("raw: {HostConfig: {SecurityOpt: ['no-new-privileges:true']}}").differs(
                "raw: {HostConfig: {SecurityOpt: ['no-new-privileges:false']}}",
                "raw.HostConfig.SecurityOpt",
            ),
        ]);
    });
}

#[test]
fn n31_the_same_mount_in_short_and_in_long() {
    each(|scene| {
        scene.cells(&[
            cell("short")
                .same("volumes: ['{p}a:/a', '/tmp:/host:ro']")
                .same(
                    "volumes: [{type: volume, source: '{p}a', target: /a}, {type: bind, source: /tmp, target: /host, read_only: true}]",
                )
                .differs("volumes: [{type: volume, source: '{p}a', target: /a, read_only: true}]", "volumes./a volumes./host"),
            cell("long")
                .same("volumes: [{type: volume, source: '{p}a', target: /a, volume: {nocopy: true}}]")
                .same("volumes: ['{p}a:/a:nocopy']"),
            cell("memory")
                .same("volumes: [{type: tmpfs, target: /run}, '{p}a:/a'], tmpfs: [/cache]")
                .same("tmpfs: [/cache], volumes: ['{p}a:/a', {type: tmpfs, target: /run}]")
                .differs("tmpfs: [/cache], volumes: ['{p}a:/a']", "tmpfs./run"),
            cell("memory-alone")
                .same("volumes: [{type: tmpfs, target: /run}]")
                .same("volumes: [{type: tmpfs, target: /run}]")
                .differs("volumes: []", "volumes./run"),
            cell("memory-moved").same("volumes: [{type: tmpfs, target: /run}]").same("tmpfs: [/run]"),
            cell("anonymous").same("volumes: [/cache]").same("volumes: [{type: volume, target: /cache}]"),
        ]);
        // Written in the API's own words by hand, and taken as it is.
        let mounts = json!([{"Type": "volume", "Source": scene.name("a"), "Target": "/a"}]);
        let body = json!({"Image": "ekt/bb:1", "HostConfig": {"Mounts": mounts}});
        crate::rig::inspect::create(scene.engine, &scene.name("foreign"), &body);
        scene.states("{p}foreign:\n  container.created: {image: 'ekt/bb:1', volumes: ['{p}a:/a']}\n");
        scene.settled();
    });
}

#[test]
fn n33_texts_may_look_like_numbers_and_booleans() {
    each(|scene| {
        scene.cells(&[
            cell("maps")
                .same("sysctls: {net.core.somaxconn: 1024}, labels: {n: 1, on: true}, env: {N: 1, ON: true}")
                .same("sysctls: [net.core.somaxconn=1024], labels: {n: '1', on: 'true'}, env: {N: '1', ON: 'true'}")
                .differs(
                    "sysctls: {net.core.somaxconn: 2048}, labels: {n: 1, on: true}, env: {N: 1, ON: true}",
                    "sysctls.net.core.somaxconn",
                )
                .differs("labels: {n: 1, on: true}, env: {N: 1, ON: true}", "sysctls.net.core.somaxconn"),
            cell("lists")
                .same("group_add: [10, '20'], dns_search: [1.example], command: [1, true, 0x10], hostname: 7")
                .same("group_add: ['20', 10], dns_search: ['1.example'], command: ['1', 'true', '0x10'], hostname: '7'"),
        ]);
        assert_eq!(at(&scene.container("lists"), "Config.Cmd"), json!(["1", "true", "0x10"]));
    });
}

#[test]
fn n35_restart_policies_have_several_spellings() {
    each(|scene| {
        let path = "HostConfig.RestartPolicy.Name";
        scene.cells(&[
            cell("none")
                .same("")
                .same("restart: no")
                .same("restart: 'no'")
                .same("restart: ''")
                .same("restart: false"),
            cell("failure")
                .same("restart: on-failure")
                .same("restart: on-failure:0")
                .differs("restart: on-failure:3", "restart")
                .same("restart_policy: {name: on-failure, max_retries: 3}")
                .differs("restart: always", "restart")
                .shows(path, json!("always"))
                .differs("", "restart")
                .shows(path, json!("no")),
        ]);
        scene.states("{p}web:\n  container.created: {image: 'ekt/bb:1', restart: 'always:3'}\n");
        assert!(scene.refused(3).contains("always"));
    });
}

#[test]
fn n37_the_order_of_name_servers_matters_and_that_of_options_does_not() {
    each(|scene| {
        scene.cells(&[
            cell("servers")
                .same("dns: [10.0.0.1, 10.0.0.2]")
                .differs("dns: [10.0.0.2, 10.0.0.1]", "dns")
                .differs("dns: [10.0.0.2]", "dns")
                .differs("", "dns"),
            cell("search")
                .same("dns_search: [a.example, b.example]")
                .differs("dns_search: [b.example, a.example]", "dns_search"),
            cell("options")
                .same("dns_opt: ['ndots:2', rotate]")
                .same("dns_opt: [rotate, 'ndots:2']")
                .differs("dns_opt: [rotate]", "dns_opt")
                .differs("", "dns_opt"),
            cell("hosts")
                .same("extra_hosts: ['db:10.0.0.2', 'api:10.0.0.3']")
                .same("extra_hosts: {api: 10.0.0.3, db: 10.0.0.2}")
                .differs("extra_hosts: {db: 10.0.0.2}", "extra_hosts")
                .differs("", "extra_hosts"),
            cell("limits")
                .same("ulimits: {nofile: {soft: 1024, hard: 2048}, nproc: 64}")
                .same("ulimits: {nproc: {soft: 64, hard: 64}, nofile: '1024:2048'}")
                .differs("ulimits: {nproc: 64}", "ulimits.nofile")
                .differs("", "ulimits.nproc"),
        ]);
    });
}
