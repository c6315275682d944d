//! What people do by hand: it is shown, mended, and mended with as little as possible.

use super::scene::Scene;
use crate::rig::engines;
use crate::rig::engines::Engine;
use crate::rig::images;
use crate::rig::inspect::{self, Object};
use serde_json::json;

const SYSTEM: &str = r#"
$net: {network.present: {subnet: NET1.0/24}}
$back: {network.present: {subnet: NET2.0/24}}
$data: {volume.present: {}}
$web:
  container.running:
    image: IMAGE
    memory: 64m
    restart: unless-stopped
    ports: ["PORT1:80"]
    volumes: ["$data:/data", /anon]
    networks: {$net: {aliases: [www], ipv4_address: NET1.20}, $back: {}}
"#;

/// What somebody does by hand: in words, what has to be done about it, and how to do it.
type Interference<'a> = (&'a str, &'a str, &'a dyn Fn(&Engine, &Scene<'_>));

/// Applies the system, and for each interference checks the laws, what is done about it, and whether the container
/// is still the same.
fn mends(drifts: &[Interference<'_>]) {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin(SYSTEM);
        for (what, action, drift) in drifts {
            let id = scene.id("web");
            drift(engine, &scene);
            let applied = scene.go(SYSTEM, &[]);
            assert_eq!(applied.action(&scene, "web"), *action, "{what}: {}", applied.run);
            let is_same = scene.id("web") == id;
            assert_eq!(is_same, !matches!(*action, "create" | "replace"), "{what}");
            assert_eq!(scene.containers(), ["web"], "{what}");
        }
    });
}

#[test]
fn a_container_that_stands_still_is_started() {
    mends(&[
        ("stopped", "start", &|engine, scene| inspect::stop(engine, &scene.name("web"))),
        ("paused", "start", &|engine, scene| inspect::pause(engine, &scene.name("web"))),
        ("killed", "start", &|engine, scene| {
            let path = format!("/containers/{}/kill", scene.name("web"));
            engine.http().act(&path).ok();
        }),
        ("stopped and renamed", "update", &|engine, scene| {
            inspect::stop(engine, &scene.name("web"));
            inspect::rename(engine, &scene.name("web"), &scene.name("mine"));
        }),
    ]);
}

#[test]
fn a_container_that_was_changed_is_changed_back() {
    mends(&[
        ("renamed", "rename", &|engine, scene| {
            inspect::rename(engine, &scene.name("web"), &scene.name("other"));
        }),
        ("memory", "update", &|engine, scene| {
            inspect::update(
                engine,
                &scene.name("web"),
                &json!({"Memory": 33_554_432, "MemorySwap": 67_108_864}),
            );
        }),
        ("restart policy", "update", &|engine, scene| {
            inspect::update(engine, &scene.name("web"), &json!({"RestartPolicy": {"Name": "always"}}));
        }),
        ("pids", "update", &|engine, scene| {
            inspect::update(engine, &scene.name("web"), &json!({"PidsLimit": 30}));
        }),
        ("a limit that only a new container loses", "replace", &|engine, scene| {
            inspect::update(engine, &scene.name("web"), &json!({"NanoCpus": 500_000_000}));
        }),
    ]);
}

#[test]
fn attachments_are_mended() {
    mends(&[
        ("disconnected from the primary network", "update", &|engine, scene| {
            inspect::disconnect(engine, &scene.name("net"), &scene.name("web"));
        }),
        ("disconnected from the other", "update", &|engine, scene| {
            inspect::disconnect(engine, &scene.name("back"), &scene.name("web"));
        }),
        ("one network too many", "update", &|engine, scene| {
            inspect::connect(engine, &scene.name("stranger-net"), &scene.name("web"));
        }),
        ("stopped and disconnected", "update", &|engine, scene| {
            inspect::stop(engine, &scene.name("web"));
            inspect::disconnect(engine, &scene.name("net"), &scene.name("web"));
        }),
        ("connected without its address and alias", "update", &|engine, scene| {
            inspect::disconnect(engine, &scene.name("net"), &scene.name("web"));
            inspect::connect(engine, &scene.name("net"), &scene.name("web"));
        }),
        ("a network removed", "update", &|engine, scene| {
            inspect::disconnect(engine, &scene.name("back"), &scene.name("web"));
            inspect::remove_network(engine, &scene.name("back"));
        }),
    ]);
}

#[test]
fn a_network_removed_under_a_stopped_container_is_mended() {
    mends(&[
        ("the other network", "update", &|engine, scene| {
            inspect::stop(engine, &scene.name("web"));
            inspect::remove_network(engine, &scene.name("back"));
        }),
        ("the primary network", "update", &|engine, scene| {
            inspect::stop(engine, &scene.name("web"));
            inspect::remove_network(engine, &scene.name("net"));
        }),
        ("the primary network, made again by hand", "update", &|engine, scene| {
            inspect::stop(engine, &scene.name("web"));
            inspect::remove_network(engine, &scene.name("net"));
            let subnet = format!("{}.0/24", scene.word("NET1"));
            inspect::create_network(
                engine,
                &scene.name("net"),
                &json!({"IPAM": {"Config": [{"Subnet": subnet}]}}),
            );
        }),
    ]);
}

#[test]
fn a_container_that_is_gone_is_made_again() {
    mends(&[
        ("removed", "create", &|engine, scene| inspect::remove(engine, &scene.name("web"))),
        ("removed with its network", "create", &|engine, scene| {
            inspect::remove(engine, &scene.name("web"));
            inspect::remove_network(engine, &scene.name("net"));
        }),
    ]);
}

#[test]
fn a_container_replaced_by_hand_belongs_to_whoever_made_it() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin(SYSTEM);
        inspect::remove(engine, &scene.name("web"));
        inspect::run(engine, &scene.name("web"), &json!({"Image": images::BB, "StopSignal": "KILL"}));
        assert!(scene.is_refused(SYSTEM, &[]).contains("--adopt"));
        assert_eq!(scene.go(SYSTEM, &["--adopt"]).action(&scene, "web"), "replace");
        assert_eq!(scene.containers(), ["web"]);
    });
}

#[test]
fn ours_beside_a_stranger_with_its_name_is_no_reason_to_touch_either() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin("$web: {container.running: {image: IMAGE}}");
        inspect::rename(engine, &scene.name("web"), &scene.name("aside"));
        let body = json!({"Image": images::BB, "StopSignal": "KILL", "Hostname": "theirs"});
        inspect::run(engine, &scene.name("web"), &body);
        let states = "$web: {container.running: {image: IMAGE, hostname: ours}}";
        assert!(scene.is_refused(states, &[]).contains("--adopt"));
        assert!(scene.exists(Object::Container, "aside"));
    });
}
