//! Newcomers that fail: the old one serves again, the run says so, and the next one cleans up.

use super::scene::{FILE, Scene};
use crate::rig::inspect::{self, Object};
use crate::rig::{ended, engines, images};
use serde_json::json;

/// Applies a version that has to fail; the old container still serves, and a rerun without a remedy fails the same.
fn fails(scene: &Scene<'_>, states: &str, says: &str) {
    let id = scene.id("web");
    scene.declare(states);
    for _ in 0..2 {
        let applied = scene.run(&[]).expect(1);
        let json = applied.json();
        assert_eq!(json["summary"]["failed"], 1, "{}", applied.run);
        assert!(applied.run.stdout.contains(says), "no `{says}`: {}", applied.run);
        assert_eq!(scene.id("web"), id, "the old one is the old one: {}", applied.run);
        assert!(scene.is_running("web"), "the old one serves: {}", applied.run);
        assert_eq!(scene.container("web")["HostConfig"]["RestartPolicy"]["Name"], "unless-stopped");
        assert!(scene.containers().len() <= 2, "{:?}", scene.containers());
        scene.kept();
    }
}

fn recovers(scene: &Scene<'_>, states: &str) {
    scene.go(states, &[]);
    assert_eq!(scene.containers(), ["web"]);
}

fn web(more: &str) -> String {
    format!(
        "$web: {{container.running: {{image: IMAGE, restart: unless-stopped, ports: [\"PORT1:80\"], volumes: [/anon]{more}}}}}"
    )
}

#[test]
fn a_newcomer_that_ends_at_once_gives_the_place_back() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin(&web(""));
        let bad = web(", stable_for: 20s, command: [sh, -c, 'echo last words; exit 3']");
        fails(&scene, &bad, "last words");
        recovers(&scene, &web(", command: [sleep, \"7777\"]"));
    });
}

#[test]
fn a_newcomer_in_a_renamed_network_gives_the_place_back() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let tree = |network: &str, net: &str, more: &str| {
            format!("{network}\n{}", web(&format!(", networks: [{net}]{more}")))
        };
        scene.begin(&tree("$old: {network.present: {}}", "$old", ""));
        let renamed = "$new: {network.present: {was: $old}}";
        fails(
            &scene,
            &tree(renamed, "$new", ", stable_for: 20s, command: [sh, -c, 'echo adieu; exit 3']"),
            "adieu",
        );
        assert!(scene.exists(Object::Network, "old"), "the old container needs it");
        recovers(&scene, &tree(renamed, "$new", ""));
        assert!(!scene.exists(Object::Network, "old"), "nobody needs it any more");
    });
}

#[test]
fn going_back_after_a_failure_is_clean_too() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin(&web(""));
        let id = scene.id("web");
        fails(&scene, &web(", stable_for: 20s, command: [sh, -c, 'echo adieu; exit 3']"), "adieu");
        recovers(&scene, &web(""));
        assert_eq!(scene.id("web"), id);
    });
}

#[test]
fn a_newcomer_that_cannot_even_start_gives_the_place_back() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin(&web(""));
        fails(&scene, &web(", command: [/no/such/program]"), "/no/such/program");
        recovers(&scene, &web(", env: {A: b}"));
    });
}

#[test]
fn a_newcomer_that_never_gets_healthy_gives_the_place_back() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin(&web(""));
        let sick = ", healthcheck: {test: 'echo not well; exit 1', interval: 200ms, retries: 2}";
        fails(&scene, &web(sick), "not well");
        let slow = ", healthcheck: {test: 'echo not well; exit 1', interval: 1m}, timeout: 1s";
        fails(&scene, &web(slow), "1 s");
        recovers(&scene, &web(", healthcheck: {test: 'true', interval: 200ms}"));
    });
}

#[test]
fn a_newcomer_that_the_engine_refuses_stops_nobody() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin(&web(""));
        let started = scene.container("web")["State"]["StartedAt"].clone();
        fails(&scene, &web(", raw: {HostConfig: {Runtime: nonsense}}"), "nonsense");
        assert_eq!(scene.container("web")["State"]["StartedAt"], started, "it was never stopped");
        assert_eq!(scene.containers(), ["web"]);
        recovers(&scene, &web(", env: {A: b}"));
    });
}

#[test]
fn a_new_container_that_ends_at_once_fails_with_its_last_words() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.declare(
            "$web: {container.running: {image: IMAGE, stable_for: 20s, command: [sh, -c, 'echo last words; exit 3']}}",
        );
        scene.proxy.clear();
        ended::at_its_start(engine, &scene.proxy);
        let run = scene.workspace.apply(FILE, &[]).expect(1);
        assert!(run.stdout.contains("last words"), "{run}");
        recovers(&scene, "$web: {container.running: {image: IMAGE}}");
    });
}

#[test]
fn a_port_that_a_stranger_holds_fails_and_is_there_once_it_is_free() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let port = json!({"80/tcp": [{"HostPort": scene.word("PORT1")}]});
        let holder = json!({"Image": images::BB, "StopSignal": "KILL", "ExposedPorts": {"80/tcp": {}},
            "HostConfig": {"PortBindings": port}});
        inspect::run(engine, &scene.name("holder"), &holder);
        let states = "$web: {container.running: {image: IMAGE, ports: [\"PORT1:80\"]}}";
        scene.declare(states);
        let applied = scene.run(&[]).expect(1);
        assert!(applied.run.stdout.contains(&scene.word("PORT1")), "{}", applied.run);
        assert!(scene.is_running("holder"));
        inspect::remove(engine, &scene.name("holder"));
        scene.go(states, &[]);
        let ports = scene.container("web")["NetworkSettings"]["Ports"]["80/tcp"].clone();
        assert_eq!(ports[0]["HostPort"], scene.word("PORT1"));
        assert_eq!(scene.containers(), ["web"]);
    });
}

#[test]
fn what_depends_on_a_failure_is_skipped_and_the_rest_goes_on() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.declare(
            "
$bad: {container.running: {image: IMAGE, raw: {HostConfig: {Runtime: nonsense}}}}
$after: {container.running: {image: IMAGE, require: [{container: $bad}]}}
$other: {container.running: {image: IMAGE}}
",
        );
        let applied = scene.run(&[]).expect(1);
        assert_eq!(scene.containers(), ["other"], "{}", applied.run);
        let after = applied.state(&scene, "container", "after");
        assert_eq!(after["skipped"], true);
        assert!(after["cause"].as_str().is_some_and(|cause| cause.contains("bad")), "{after}");
        scene.kept();
    });
}

#[test]
fn an_image_that_nobody_has_stops_nobody() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let image = images::image_with(engine, &scene.scope, "app:1", "ENV V=1");
        scene.begin("$web: {container.running: {image: \"$app:1\"}}");
        let id = scene.id("web");
        engine.http().delete(&format!("/images/{image}?force=1")).ok();
        scene.declare("$web: {container.running: {image: \"$app:1\", env: {A: b}}}");
        scene.run(&[]).expect(1);
        assert!(scene.is_running("web") && scene.id("web") == id);
        assert!(!scene.exists(Object::Image, "app:1"));
    });
}
