//! Containers alone: what they do, what is changed in place, what takes a successor, names.

use super::laws::laws;
use super::scene::Scene;
use crate::rig::inspect::{self, Object};
use crate::rig::{engines, images};
use serde_json::json;

#[test]
fn a_container_runs_stops_and_goes_as_declared() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let state = |function: &str| format!("$web: {{container.{function}: {{image: IMAGE}}}}");
        scene.begin(&state("created"));
        assert_eq!(scene.container("web")["State"]["Status"], "created");
        scene.goes_nowhere(&state("stopped"), &[]);
        assert_eq!(scene.go(&state("running"), &[]).action(&scene, "web"), "start");
        scene.goes_nowhere(&state("created"), &[]);
        assert_eq!(scene.go(&state("stopped"), &[]).action(&scene, "web"), "stop");
        let id = scene.id("web");
        assert_eq!(scene.go(&state("running"), &[]).action(&scene, "web"), "start");
        assert_eq!(scene.id("web"), id);
        assert_eq!(scene.go("$web: {container.absent: {}}", &[]).action(&scene, "web"), "remove");
        assert!(!scene.exists(Object::Container, "web"));
        scene.go(&state("stopped"), &[]);
        assert_eq!(scene.container("web")["State"]["Status"], "created");
        scene.go("$web: {container.absent: {}}", &[]);
    });
}

#[test]
fn limits_change_in_place_and_go_back_as_far_as_the_engine_can() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let web = |more: &str| format!("$web: {{container.running: {{image: IMAGE{more}}}}}");
        scene.begin(&web(", memory: 64m, cpus: 0.5, pids_limit: 50"));
        let id = scene.id("web");
        let versions = [
            ", memory: 96m, cpus: 0.75, pids_limit: 60, restart: unless-stopped",
            ", memory: 32m, cpus: 0.75, pids_limit: 60, restart: on-failure:3, cpu_shares: 512",
            ", memory: 256m, memory_swap: 512m, cpus: 0.75, restart: always, cpu_shares: 1024",
            ", memory: 128m, memory_swap: 128m, cpus: 0.75, cpu_shares: 1024",
        ];
        for version in versions {
            let applied = scene.go(&web(version), &[]);
            assert_eq!(applied.action(&scene, "web"), "update", "{version}");
        }
        assert_eq!(scene.id("web"), id, "all of that was done in place");
        // The engine takes these updates, and changes nothing for the program that runs.
        let unlimited = scene.go(&web(", memory: 256m, memory_swap: -1, cpus: 0.75, cpu_shares: 1024"), &[]);
        assert_eq!(unlimited.action(&scene, "web"), "replace");
        // The engine takes 0 as "leave alone": no limit takes a new container.
        assert_eq!(scene.go(&web(""), &[]).action(&scene, "web"), "replace");
        assert_eq!(scene.container("web")["HostConfig"]["Memory"], 0);
    });
}

#[test]
fn what_cannot_be_changed_in_place_takes_a_successor() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let web = |more: &str| format!("$web: {{container.running: {{image: IMAGE{more}}}}}");
        let first = r#", command: [sleep, "9999"], env: {A: "1", B: two words}, labels: {x: "1"}, user: app,
            working_dir: /tmp, hostname: one, ports: ["PORT1:80", "PORT2:53/udp"], volumes: ["$data:/data", /anon],
            tmpfs: ["/run:size=1m"], cap_add: [NET_ADMIN], init: true, extra_hosts: ["db:10.0.0.1"], dns: [10.0.0.2],
            ulimits: {nofile: 1024}, log_driver: json-file, log_opt: {max-size: 10m},
            healthcheck: {test: [CMD, "true"], interval: 1s}, stop_timeout: 3, read_only: true"#;
        let second = r#", command: sleep 8888, env: {A: "2", C: ""}, labels: {y: "1"}, user: "1000:1000",
            hostname: two, ports: ["PORT1:80", "127.0.0.1:PORT3:81"], volumes: ["$data:/data:ro", /anon],
            tmpfs: ["/run:size=2m", /cache], cap_drop: [ALL], extra_hosts: ["db:10.0.0.3"], dns: [10.0.0.2, 10.0.0.4],
            ulimits: {nofile: {soft: 512, hard: 1024}}, log_driver: json-file, log_opt: {max-size: 20m},
            healthcheck: {test: "true", interval: 1s, retries: 5}, stop_timeout: 2, entrypoint: [env],
            raw: {HostConfig: {ShmSize: 33554432}}"#;
        scene.begin(&web(first));
        for version in [second, "", first] {
            let id = scene.id("web");
            assert_eq!(scene.go(&web(version), &[]).action(&scene, "web"), "replace");
            assert_ne!(scene.id("web"), id);
            assert_eq!(scene.containers(), ["web"]);
        }
    });
}

#[test]
fn other_spellings_of_the_same_are_no_difference() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin(
            r#"$web: {container.running: {image: IMAGE, command: sleep 9999, env: [A=1, "B=2"], memory: 64m,
            ports: ["PORT1:80", "PORT2-PORT2:53/udp"], volumes: ["$data:/data", "/tmp:/host/:ro"],
            cap_add: [net_admin, SYS_TIME], restart: "no", healthcheck: {test: "true", interval: 1m},
            extra_hosts: {db: 10.0.0.1}}}"#,
        );
        scene.goes_nowhere(
            r#"$web: {container.running: {image: "docker.io/IMAGE", command: [sleep, "9999"], environment: {B: "2", A: 1},
            mem_limit: 65536k, ports: [{target: 53, published: PORT2, protocol: udp}, {target: 80, published: PORT1}],
            volumes: [{type: bind, source: /tmp, target: /host, read_only: true},
            {type: volume, source: $data, target: /data}], cap_add: [CAP_SYS_TIME, NET_ADMIN],
            healthcheck: {test: [CMD-SHELL, "true"], interval: 60s}, extra_hosts: ["db:10.0.0.1"]}}"#,
            &[],
        );
    });
}

#[test]
fn a_former_name_makes_a_rename() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin("$old: {container.running: {image: IMAGE, volumes: [/anon]}}");
        let id = scene.id("old");
        let applied = scene.go("$new: {container.running: {image: IMAGE, volumes: [/anon], was: $old}}", &[]);
        assert_eq!(applied.action(&scene, "new"), "rename");
        assert_eq!(scene.id("new"), id);
        let text =
            r#"$newer: {container.running: {image: IMAGE, volumes: [/anon], was: $new, env: {A: "1"}}}"#;
        let applied = scene.go(text, &[]);
        assert_eq!(applied.action(&scene, "newer"), "replace");
        assert_eq!(scene.containers(), ["newer"]);
    });
}

#[test]
fn two_states_swap_their_names() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin(
            r#"
$a: {container.running: {image: IMAGE, env: {I: a}}}
$b: {container.running: {image: IMAGE, env: {I: b}}}
"#,
        );
        let (a, b) = (scene.id("a"), scene.id("b"));
        scene.go(
            r#"
$a: {container.running: {image: IMAGE, env: {I: b}, was: $b}}
$b: {container.running: {image: IMAGE, env: {I: a}, was: $a}}
"#,
            &[],
        );
        assert_eq!(scene.containers(), ["a", "b"]);
        // A name that is taken is what the state means; whoever it was before does not matter then.
        let swapped = scene.id("a") == b && scene.id("b") == a;
        let replaced = ![&a, &b].contains(&&scene.id("a")) && ![&a, &b].contains(&&scene.id("b"));
        assert!(swapped || replaced);
        assert_eq!(scene.exec("a", "echo $I"), "b\n");
    });
}

#[test]
fn orphans_are_listed_and_pruned() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin(
            r#"
$web: {container.running: {image: IMAGE, ports: ["PORT1:80"], networks: [$net], volumes: ["$data:/data"]}}
$net: {network.present: {subnet: NET1.0/24}}
$data: {volume.present: {}}
"#,
        );
        let only = r#"$api: {container.running: {image: IMAGE}}"#;
        scene.go(only, &[]);
        assert!(scene.is_running("web") && scene.exists(Object::Network, "net"));
        let takes_over = r#"$api: {container.running: {image: IMAGE, ports: ["PORT1:80"]}}"#;
        scene.go(takes_over, &["--prune"]);
        assert_eq!(scene.containers(), ["api"]);
        assert!(!scene.exists(Object::Network, "net") && scene.exists(Object::Volume, "data"));
    });
}

#[test]
fn what_somebody_else_made_is_adopted_only_on_request() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let theirs = json!({"Image": images::BB, "StopSignal": "KILL", "HostConfig": {"Memory": 67_108_864}});
        let id = inspect::run(engine, &scene.name("web"), &theirs);
        scene.goes_nowhere("$web: {container.running: {image: IMAGE, memory: 64m}}", &[]);
        let bigger = "$web: {container.running: {image: IMAGE, memory: 96m}}";
        assert!(scene.is_refused(bigger, &[]).contains("--adopt"));
        assert!(scene.is_refused("$web: {container.absent: {}}", &[]).contains("--adopt"));
        assert_eq!(scene.go(bigger, &["--adopt"]).action(&scene, "web"), "update");
        assert_eq!(scene.id("web"), id);
        let other = r#"$web: {container.running: {image: IMAGE, memory: 96m, env: {A: "1"}}}"#;
        assert_eq!(scene.go(other, &["--adopt"]).action(&scene, "web"), "replace");
        assert_eq!(scene.containers(), ["web"]);
        // From now on it is ours.
        scene.go("$web: {container.absent: {}}", &[]);
    });
}

#[test]
fn a_protected_container_is_neither_replaced_nor_removed() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let web = |more: &str| format!("$web: {{container.running: {{image: IMAGE, protect: true{more}}}}}");
        scene.begin(&web(""));
        assert_eq!(scene.go(&web(", memory: 64m"), &[]).action(&scene, "web"), "update");
        assert!(scene.is_refused(&web(", memory: 64m, hostname: x"), &[]).contains("protect"));
        assert!(scene.is_refused("$web: {container.absent: {protect: true}}", &[]).contains("protect"));
    });
}

#[test]
fn the_first_law_of_all() {
    engines::in_turn(|engine| {
        laws(
            engine,
            "$web: {container.running: {image: IMAGE}}",
            |_| {},
            "$web: {container.running: {image: IMAGE}}",
        );
    });
}
