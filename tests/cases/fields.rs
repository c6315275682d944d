//! What the matrix cannot say with samples alone: fields that lean on each other, on files, on images and networks, or
//! on the release of the engine.

use super::scene::{Scene, at, cell, cell_of, each, everywhere, once};
use crate::rig::inspect;
use crate::rig::numbers::free_subnet;
use serde_json::json;

/// The address of the first network card, as the program sees it.
fn seen_mac(scene: &Scene<'_>, name: &str, card: &str) -> String {
    let path = format!("/sys/class/net/{card}/address");
    inspect::exec(scene.engine, &scene.name(name), &["cat", &path]).1.trim().to_owned()
}

#[test]
fn what_needs_a_newer_api_is_told_in_the_plan_and_applied_where_it_is_known() {
    everywhere(|scene| {
        let subnet = free_subnet();
        let states = format!(
            "{{p}}net:\n  network.present: {{subnet: {subnet}.0/24}}\n\
             {{p}}net2:\n  network.present: {{subnet: {}.0/24}}\n\
             {{p}}text:\n  container.created: {{image: 'ekt/bb:1', annotations: {{a: b}}}}\n\
             {{p}}check:\n  container.created: {{image: 'ekt/bb:1', healthcheck: {{test: 'true', start_interval: 2s}}}}\n\
             {{p}}part:\n  container.created: {{image: 'ekt/bb:1', volumes: [{{type: volume, source: '{{p}}v', target: /v, volume: {{subpath: x}}}}]}}\n\
             {{p}}image:\n  container.created: {{image: 'ekt/bb:1', volumes: [{{type: image, source: 'ekt/bb:1', target: /i}}]}}\n\
             {{p}}deep:\n  container.created: {{image: 'ekt/bb:1', volumes: [{{type: bind, source: /usr, target: /u, read_only: true, bind: {{recursive: writable, propagation: rslave}}}}]}}\n\
             {{p}}card:\n  container.created: {{image: 'ekt/bb:1', networks: {{'{{p}}net': {{gw_priority: 5}}, '{{p}}net2': {{mac_address: '02:42:0a:05:00:09'}}}}}}\n",
            free_subnet(),
        );
        scene.states(&states);
        if scene.engine.speaks((1, 48)) {
            let done = scene.converge();
            assert_eq!(done.action("image"), "create");
            let card = scene.container("card");
            let networks = &card["NetworkSettings"]["Networks"];
            assert_eq!(networks[scene.name("net2")]["MacAddress"], "02:42:0a:05:00:09");
            assert_eq!(networks[scene.name("net")]["GwPriority"], 5);
            let check = scene.container("check");
            assert_eq!(at(&check, "Config.Healthcheck.StartInterval"), json!(2_000_000_000_i64));
            assert_eq!(at(&scene.container("text"), "HostConfig.Annotations.a"), json!("b"));
            return;
        }
        let told = scene.run(&["--test"]);
        for (name, part, needs) in [
            ("text", "`annotations`", "needs API 1.43 (Docker 24.0)"),
            ("check", "`healthcheck.start_interval`", "needs API 1.44 (Docker 25.0)"),
            ("part", "`volumes./v.subpath`", "needs API 1.45"),
            ("image", "`volumes./i.type: image`", "needs API 1.48"),
            ("deep", "`volumes./u.recursive`", "needs API 1.44"),
            ("card", "gw_priority`", "needs API 1.48 (Docker 28.0)"),
            ("card", "mac_address`", "needs API 1.44"),
        ] {
            let comment = told.state(name)["comment"].as_str().unwrap_or("").to_owned();
            assert!(comment.contains(part) && comment.contains(needs), "{name}: {comment}");
            let own = format!("this engine ({}) has {}", scene.engine.version, scene.engine.api);
            assert!(comment.contains(&own) && comment.contains("states/dev.yml:"), "{comment}");
        }
        assert_eq!(told.run.code(), Some(1));
        let done = scene.run(&[]);
        assert_eq!(done.run.code(), Some(1));
        assert!(inspect::find(scene.engine, inspect::Object::Container, &scene.name("text")).is_none());
    });
}

#[test]
fn what_the_engine_drops_is_a_failure_that_names_it_and_no_replacement() {
    each(|scene| {
        let states = |weight: &str| {
            scene.states(&format!(
                "{{p}}web:\n  container.created: {{image: 'ekt/bb:1', hostname: a{weight}}}\n"
            ));
        };
        states("");
        scene.converge();
        let id = scene.id("web");
        for field in ["blkio_weight: 300", "blkio_weight_device: ['/dev/loop0:300']"] {
            states(&format!(", {field}"));
            for _ in 0..2 {
                let run = scene.run(&[]);
                let comment = run.state("web")["comment"].as_str().unwrap_or("").to_owned();
                if run.run.code() == Some(0) {
                    // A kernel that has weights.
                    return;
                }
                assert!(
                    comment.contains("blkio_weight") && comment.contains("it says: Your kernel"),
                    "{comment}"
                );
            }
            assert_eq!(scene.id("web"), id, "{field}: the one that was there stays");
        }
    });
}

#[test]
fn r15_files_of_variables_labels_and_profiles_count_with_what_they_say() {
    each(|scene| {
        let files = |mode: &str, tier: &str, action: &str| {
            scene
                .workspace
                .file("states/app.env", format!("# of the app\nMODE={mode}\nexport Q='a b' # c\nTOP=file\n"));
            scene.workspace.file("states/raw.env", "RAW= 'kept' # as it is\n");
            scene.workspace.file("states/app.labels", format!("tier={tier}\n"));
            scene.workspace.file("states/p.json", format!("{{\"defaultAction\": \"{action}\"}}\n"));
        };
        files("one", "front", "SCMP_ACT_ALLOW");
        scene.states(
            "{p}web:\n  container.created:\n    image: ekt/bb:1\n    env: {TOP: state}\n    env_file: [./app.env, \
             {path: raw.env, format: raw}, {path: none.env, required: false}]\n    label_file: app.labels\n    \
             security_opt: ['seccomp=./p.json', no-new-privileges]\n\
             {p}salt:\n  docker_container.created:\n    - image: ekt/bb:1\n    - env_file: ./app.env\n",
        );
        scene.converge();
        let web = scene.container("web");
        let env = at(&web, "Config.Env");
        for variable in ["MODE=one", "Q=a b", "TOP=state", "RAW= 'kept' # as it is"] {
            assert!(env.as_array().is_some_and(|env| env.contains(&json!(variable))), "{variable}: {env}");
        }
        assert_eq!(web["Config"]["Labels"]["tier"], "front");
        let options = at(&web, "HostConfig.SecurityOpt");
        assert_eq!(options, json!(["no-new-privileges", "seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}"]));
        // Another layout of a profile is the same.
        scene.workspace.file("states/p.json", "{\n\"defaultAction\":\n\"SCMP_ACT_ALLOW\"}");
        scene.settled();
        files("two", "back", "SCMP_ACT_LOG");
        let done = scene.converge();
        assert!(done.diff("web").iter().any(|row| row.starts_with("env.MODE:")), "{:?}", done.diff("web"));
        assert!(done.diff("web").iter().any(|row| row.starts_with("labels.tier:")), "{:?}", done.diff("web"));
        assert!(
            done.diff("web").iter().any(|row| row.starts_with("security_opt:")),
            "{:?}",
            done.diff("web")
        );
        assert_eq!(done.diff("salt"), ["env.MODE: \"one\" -> \"two\""]);
        scene.workspace.file("states/app.env", "MODE\n");
        let told = scene.refused(3);
        assert!(told.contains("app.env:1: `MODE` has no value"), "{told}");
        scene.workspace.remove("states/app.env");
        assert!(scene.refused(3).contains("cannot read states/app.env"), "{}", scene.refused(3));
    });
}

#[test]
fn the_address_of_a_card_is_kept_on_old_and_new_engines() {
    everywhere(|scene| {
        let subnet = free_subnet();
        let states = |mac: &str| {
            let fields = "image: 'ekt/bb:1', stop_signal: KILL, stable_for: 0s, keep_revisions: 0";
            scene.states(&format!(
                "{{p}}net:\n  network.present: {{subnet: {subnet}.0/24}}\n\
                 {{p}}bridge:\n  container.running: {{{fields}{mac}}}\n\
                 {{p}}own:\n  container.running: {{{fields}, networks: {{'{{p}}net': {{aliases: [shop]}}}}{mac}}}\n\
                 {{p}}salt:\n  docker_container.created: {{image: 'ekt/bb:1'{mac}}}\n"
            ));
        };
        states(", mac_address: '02:42:0A:05:00:02'");
        scene.converge();
        for name in ["bridge", "own"] {
            assert_eq!(seen_mac(scene, name, "eth0"), "02:42:0a:05:00:02", "{name}");
        }
        states(", mac_address: 02-42-0a-05-00-02");
        scene.settled();
        states(", mac_address: '02:42:0a:05:00:03'");
        let done = scene.converge();
        for name in ["bridge", "own", "salt"] {
            assert_eq!(done.diff(name), ["mac_address: \"02:42:0a:05:00:02\" -> \"02:42:0a:05:00:03\""]);
        }
        assert_eq!(seen_mac(scene, "own", "eth0"), "02:42:0a:05:00:03");
        states("");
        assert_eq!(scene.converge().action("salt"), "replace");
        assert_ne!(seen_mac(scene, "own", "eth0"), "02:42:0a:05:00:03");
    });
}

#[test]
fn each_card_has_the_address_that_its_attachment_says() {
    each(|scene| {
        if !scene.engine.speaks((1, 44)) {
            return;
        }
        let (a, b) = (free_subnet(), free_subnet());
        let states = |mac: &str| {
            scene.states(&format!(
                "{{p}}a:\n  network.present: {{subnet: {a}.0/24}}\n{{p}}b:\n  network.present: {{subnet: {b}.0/24}}\n\
                 {{p}}web:\n  container.running:\n    image: ekt/bb:1\n    stop_signal: KILL\n    stable_for: 0s\n    \
                 keep_revisions: 0\n    networks:\n      '{{p}}a': {{aliases: [one], mac_address: '02:42:0a:05:00:0a'}}\n      \
                 '{{p}}b': {{aliases: [two], mac_address: '{mac}'}}\n"
            ));
        };
        states("02:42:0a:05:00:0b");
        scene.converge();
        let shown = || {
            let networks = scene.container("web")["NetworkSettings"]["Networks"].clone();
            ["a", "b"].map(|name| networks[scene.name(name)]["MacAddress"].as_str().unwrap_or("").to_owned())
        };
        assert_eq!(shown(), ["02:42:0a:05:00:0a", "02:42:0a:05:00:0b"]);
        states("02:42:0a:05:00:0c");
        assert_eq!(scene.converge().action("web"), "replace");
        assert_eq!(shown(), ["02:42:0a:05:00:0a", "02:42:0a:05:00:0c"]);
    });
}

#[test]
fn n13_a_platform_has_several_spellings() {
    each(|scene| {
        let processor =
            inspect::image(scene.engine, "ekt/bb:1")["Architecture"].as_str().unwrap_or("").to_owned();
        let (own, other) = if processor == "arm64" { ("aarch64", "amd64") } else { ("x86_64", "arm64") };
        for platform in
            [processor.clone(), format!("linux/{processor}"), own.to_owned(), format!("Linux/{own}")]
        {
            scene.states(&format!(
                "{{p}}web:\n  container.created: {{image: 'ekt/bb:1', pull: never, platform: {platform}}}\n"
            ));
            scene.converge();
        }
        // An image for another platform is told before anything is touched.
        scene.states(&format!(
            "ekt/bb:1:\n  image.present: {{pull: never}}\n\
             {{p}}web:\n  container.created: {{image: 'ekt/bb:1', platform: linux/{other}}}\n"
        ));
        let told = scene.refused(1);
        assert!(
            told.contains(&format!("is for linux/{processor}")) && told.contains("states/dev.yml:4:"),
            "{told}"
        );
    });
}

#[test]
fn n27_a_share_of_processors_is_said_in_one_way() {
    each(|scene| {
        scene.cells(&[
            cell("quota")
                .same("cpu_quota: 25000, cpu_period: 50000")
                .differs("cpu_quota: 30000, cpu_period: 50000", "cpu_quota")
                .differs("cpu_quota: -1", "cpu_quota cpu_period")
                .same("cpu_period: 100000"),
            cell("switched")
                .same("cpus: 0.5")
                .differs("cpu_quota: 50000", "cpus cpu_quota")
                .differs("cpus: 0.5", "cpus cpu_quota"),
            cell("nano").head("docker_container.created").same("nano_cpus: 500000000").same("cpus: 0.5"),
            cell("set")
                .same("cpuset: 0-1, mem_reservation: 32m, mem_limit: 64m")
                .same("cpuset_cpus: '1,0', mem_reservation: 32m, mem_limit: 64m")
                .differs("cpuset: 0, mem_reservation: 16m, mem_limit: 64m", "cpuset memory_reservation")
                .differs("mem_limit: 64m", "cpuset memory_reservation"),
        ]);
        scene.states("{p}web:\n  container.created: {image: 'ekt/bb:1', cpus: 0.5, cpu_quota: 50000, mem_limit: 8m, mem_reservation: 16m}\n");
        let told = scene.refused(3);
        assert!(told.contains("`cpus` and `cpu_quota` exclude each other"), "{told}");
        assert!(told.contains("`memory_reservation` is more than `memory`"), "{told}");
    });
}

#[test]
fn n29_security_options_have_several_spellings() {
    each(|scene| {
        let options = "HostConfig.SecurityOpt";
        scene.cells(&[
            cell("privileges")
                .same("security_opt: [no-new-privileges]")
                .same("security_opt: ['no-new-privileges:true']")
                .same("security_opt: ['no-new-privileges=true']")
                .shows(options, json!(["no-new-privileges"]))
                .differs("security_opt: ['no-new-privileges:false']", "security_opt")
                .same(""),
            // The engine adds `label=disable` to both.
            cell("privileged")
                .same("privileged: true, security_opt: ['apparmor=unconfined']")
                .same("privileged: true, security_opt: ['apparmor:unconfined']")
                .differs("privileged: true", "security_opt"),
            cell("host").same("pid: host, security_opt: []").same("pid: host"),
            cell("paths")
                .same("masked_paths: [/proc/kcore, /proc/keys], readonly_paths: []")
                .same("masked_paths: [/proc/keys, /proc/kcore/], readonly_paths: []")
                .differs("masked_paths: [], readonly_paths: []", "masked_paths")
                .differs("", "masked_paths readonly_paths"),
        ]);
        scene.states(
            "{p}web:\n  container.created: {image: 'ekt/bb:1', security_opt: ['no-new-privileges'], raw: {HostConfig: {SecurityOpt: ['seccomp=unconfined']}}}\n",
        );
        let told = scene.refused(3);
        assert!(told.contains("`raw` says HostConfig.SecurityOpt, which is `security_opt`"), "{told}");
    });
}

#[test]
fn d13_fields_that_others_never_compare() {
    each(|scene| {
        scene.cells(&[
            cell("exposed").same("expose: [80]").differs("expose: [81]", "expose").differs("", "expose"),
            cell("all")
                .same("publish_all: true, expose: [80]")
                .same("publish_all_ports: yes, expose: [80]")
                .differs("expose: [80]", "publish_all"),
            cell("patience")
                .same("stop_timeout: 5")
                .differs("stop_grace_period: 6s", "stop_timeout")
                .differs("", "stop_timeout"),
            cell("salt")
                .head("docker_container.created")
                .same("hostname: a, domainname: shop.example, shm_size: 32m")
                .differs("hostname: b, domainname: shop.test, shm_size: 16m", "hostname domainname shm_size"),
        ]);
    });
}

#[test]
fn groups_of_compose_are_the_fields_that_they_stand_for() {
    each(|scene| {
        scene.cells(&[
            cell("deploy")
                .same("deploy: {resources: {limits: {cpus: '0.5', memory: 64m, pids: 50}, reservations: {memory: 32m}}, restart_policy: {condition: on-failure, max_attempts: 3}}")
                .same("cpus: 0.5, mem_limit: 64m, pids_limit: 50, mem_reservation: 32m, restart: 'on-failure:3'"),
            cell("blkio")
                .same("blkio_config: {device_read_bps: [{path: /dev/loop0, rate: 1mb}], device_write_iops: [{path: /dev/loop0, rate: 100}]}")
                .same("device_read_bps: ['/dev/loop0:1m'], device_write_iops: {/dev/loop0: 100}")
                .differs("device_read_bps: ['/dev/loop0:2m'], device_write_iops: {/dev/loop0: 100}", "device_read_bps./dev/loop0"),
            cell("gpus")
                .same("gpus: all")
                .same("deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}")
                .differs("gpus: 1", "device_requests"),
            cell("devices")
                .same("devices: ['/dev/null:/dev/x:rw']")
                .same("devices: [{source: /dev/null, target: /dev/x, permissions: wr}]")
                .differs("devices: ['/dev/null:/dev/x']", "devices./dev/x"),
        ]);
    });
}

#[test]
fn words_of_salt_mean_what_they_mean_there() {
    each(|scene| {
        let subnet = free_subnet();
        let pools = format!("[{{subnet: {subnet}.0/24, gateway: {subnet}.1}}]");
        let pools: &'static str = Box::leak(pools.into_boxed_str());
        let with = |text: &str| -> &'static str {
            Box::leak(format!("{}ipam_pools: {pools}", text).into_boxed_str())
        };
        scene.cells(&[
            cell("volumes")
                .head("docker_container.created")
                .same("binds: ['{p}a:/a'], volumes: [/a, /cache]")
                .same("mounts: [{Type: volume, Source: '{p}a', Target: /a}], volumes: /cache")
                .differs("binds: ['{p}a:/a:ro'], volumes: [/cache]", "volumes./a"),
            cell("ignored")
                .head("docker_container.created")
                .same("kernel_memory: 0, detach: true, skip_translate: binds, ignore_collisions: true, validate_ip_addrs: false, use_config_proxy: false")
                .same(""),
            cell_of("docker_network.present", "net")
                .same(with("check_duplicate: true, ipam_driver: default, ipam_opts: {a: b}, "))
                .same(with("ipam_driver: default, ipam_opts: 'a=b', reconnect: true, "))
                .differs(with("ipam_driver: default, "), "ipam.options"),
            cell_of("docker_volume.present", "vol").same("driver: local, force: true").same("driver: local"),
        ]);
        scene.states(
            "{p}web:\n  docker_container.created: {image: 'ekt/bb:1', cpu_group: 5, lxc_conf: {a: b}, devices_read_bps: ['/dev/sda:1mb']}\n\
             {p}net:\n  docker_network.present: {containers: [web]}\n",
        );
        let told = scene.refused(3);
        for part in ["no engine of today has it", "write `device_read_bps`", "say it the other way round"] {
            assert!(told.contains(part), "{part}: {told}");
        }
    });
}

#[test]
fn what_is_mounted_may_say_how() {
    each(|scene| {
        scene.cells(&[
            cell("made")
                .same("volumes: [{type: volume, source: '{p}m', target: /m, volume: {labels: {a: b}, driver_config: {name: local, options: {type: tmpfs, device: tmpfs}}}}]")
                .same("mounts: [{Type: volume, Source: '{p}m', Target: /m, VolumeOptions: {Labels: {a: b}, DriverConfig: {Name: local, Options: {type: tmpfs, device: tmpfs}}}}]")
                .differs("volumes: ['{p}m:/m']", "volumes./m"),
            cell("bind")
                .same("volumes: [{type: bind, source: /usr, target: /u, bind: {propagation: rslave, recursive: disabled}}]")
                .differs("volumes: [{type: bind, source: /usr, target: /u, bind: {propagation: rslave}}]", "volumes./u")
                .same("volumes: ['/usr:/u:rslave']"),
            cell("memory")
                .same("volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 1770, options: [exec, uid=5]}}]")
                .differs("volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 1770}}]", "volumes./t"),
        ]);
        scene.states(
            "{p}web:\n  container.created:\n    image: ekt/bb:1\n    volumes:\n      - {type: npipe, source: x, target: /n}\n      \
             - {type: cluster, source: x, target: /c}\n",
        );
        let told = scene.refused(3);
        assert!(told.contains("for Windows containers") && told.contains("services of a swarm"), "{told}");
        // A path that has to be there and is not.
        scene.states(
            "{p}web:\n  container.created: {image: 'ekt/bb:1', volumes: [{type: bind, source: /not/here, target: /h, bind: {create_host_path: false}}]}\n",
        );
        let run = scene.run(&[]);
        assert_eq!(run.run.code(), Some(1), "{}", run.run);
        assert!(
            run.text().contains("does not exist") || run.json.to_string().contains("does not exist"),
            "{}",
            run.json
        );
    });
}

#[test]
fn a_network_may_take_its_settings_from_another_one() {
    each(|scene| {
        let subnet = free_subnet();
        scene.states(&format!(
            "{{p}}settings:\n  network.present: {{config_only: true, subnet: {subnet}.0/24}}\n\
             {{p}}net:\n  network.present: {{config_from: '{{p}}settings'}}\n"
        ));
        scene.converge();
        let net = inspect::network(scene.engine, &scene.name("net"));
        assert_eq!(net["ConfigFrom"]["Network"], scene.name("settings").as_str());
        scene.states("{p}net:\n  network.present: {config_from: '{p}none'}\n");
        assert!(scene.refused(1).contains("none"), "{}", scene.refused(1));
    });
}

#[test]
fn what_has_no_sense_is_refused_before_anything_is_touched() {
    once(|scene| {
        for (fields, told) in [
            ("container.running: {image: 'ekt/bb:1', auto_remove: true}", "is gone when it is stopped"),
            (
                "container.created: {image: 'ekt/bb:1', auto_remove: true, restart: always}",
                "no `auto_remove` with a `restart` policy",
            ),
            ("container.created: {image: 'ekt/bb:1', cpu_count: 2}", "write `cpus`"),
            ("container.created: {image: 'ekt/bb:1', io_maximum_iops: 2}", "write `device_read_bps`"),
            ("container.created: {image: 'ekt/bb:1', uts: host, hostname: a}", "`uts: host` leaves no room"),
            (
                "container.created: {image: 'ekt/bb:1', network_disabled: true, ports: ['80']}",
                "leaves no room for `ports`",
            ),
            ("container.created: {image: 'ekt/bb:1', deploy: {replicas: 2}}", "one state is one container"),
            (
                "container.created: {image: 'ekt/bb:1', deploy: {resources: {reservations: {cpus: '1'}}}}",
                "reserves no processors",
            ),
            ("container.created: {image: 'ekt/bb:1', develop: {}}", "evenkeel deploys"),
            ("container.created: {image: 'ekt/bb:1', devices: [nvidia.com/gpu=all]}", "driver: cdi"),
            (
                "network.present: {config_only: true, scope: local}",
                "`config_only` leaves no room for `scope`",
            ),
            (
                "network.present: {config_from: x, subnet: 10.0.0.0/24}",
                "`config_from` leaves no room for `ipam`",
            ),
            ("volume.present: {cluster_volume_spec: {}}", "services of a swarm"),
        ] {
            scene.states(&format!("{{p}}x:\n  {fields}\n"));
            let text = scene.refused(3);
            assert!(text.contains(told), "{fields}: {text}");
        }
        scene.cells(&[
            cell("gone").same("auto_remove: true").differs("auto_remove: false", "auto_remove").same(""),
            cell("alone").same("network_disabled: true").differs("", "network_disabled"),
        ]);
    });
}
