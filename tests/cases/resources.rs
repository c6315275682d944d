//! V: volumes and networks. What cannot be changed is said before anything is done, and no data is lost.

use super::scene::{Scene, cell_of, each, once};
use crate::rig::engines::Engine;
use crate::rig::inspect::{self, Object};
use crate::rig::numbers::free_subnet;
use serde_json::json;

fn volume(scene: &Scene<'_>, fields: &str) {
    scene.states(&format!("{{p}}data:\n  volume.present: {{{fields}}}\n"));
}

fn created(engine: &Engine, name: &str) -> String {
    inspect::volume(engine, name)["CreatedAt"].to_string()
}

#[test]
fn v01_labels_of_a_volume_cannot_be_changed() {
    each(|scene| {
        volume(scene, "labels: {a: 1}");
        scene.converge();
        let before = created(scene.engine, &scene.name("data"));
        for fields in ["labels: {a: 2}", "labels: {a: 1, b: 1}", "labels: {}", "", "labels: [b]"] {
            volume(scene, fields);
            let said = scene.refused(1);
            assert!(said.contains("labels"), "{fields}: {said}");
            assert!(said.contains("nothing of volume"), "{fields}: {said}");
        }
        volume(scene, "labels: [a=1]");
        scene.settled();
        assert_eq!(created(scene.engine, &scene.name("data")), before);
    });
}

#[test]
fn v02_volumes_made_by_hand_are_taken_as_they_are() {
    each(|scene| {
        inspect::create_volume(scene.engine, &scene.name("data"));
        volume(scene, "");
        scene.settled();
        volume(scene, "labels: {}, driver: local, driver_opts: {}");
        scene.settled();
        volume(scene, "labels: {a: 1}");
        assert!(scene.refused(1).contains("--adopt"));
    });
}

#[test]
fn v03_the_driver_of_a_volume_cannot_be_changed() {
    each(|scene| {
        volume(scene, "");
        scene.converge();
        for fields in ["driver: local", "driver: ''"] {
            volume(scene, fields);
            scene.settled();
        }
        volume(scene, "driver: nosuch");
        assert!(scene.refused(1).contains("driver"));
    });
}

#[test]
fn v05_an_overlapping_subnet_is_refused_before_anything_is_done() {
    each(|scene| {
        let net = free_subnet();
        let first = format!("{{p}}n1:\n  network.present: {{subnet: {net}.0/24}}\n");
        scene.states(&first);
        scene.converge();
        scene.states(&format!("{first}{{p}}n2:\n  network.present: {{subnet: {net}.0/25}}\n"));
        let said = scene.refused(1);
        assert!(said.contains("n1"), "names whose it is: {said}");
        // Two that are both new, too.
        let other = free_subnet();
        scene.states(&format!(
            "{{p}}n3:\n  network.present: {{subnet: {other}.0/24}}\n{{p}}n4:\n  network.present: {{subnet: {other}.128/25}}\n"
        ));
        let run = scene.workspace.apply(super::scene::FILE, &["--test"]);
        assert_ne!(run.code(), Some(0), "{run}");
    });
}

#[test]
fn v06_a_subnet_may_be_handed_over() {
    each(|scene| {
        let net = free_subnet();
        scene.states(&format!("{{p}}n1:\n  network.present: {{subnet: {net}.0/24}}\n"));
        scene.converge();
        scene.states(&format!(
            "{{p}}n1:\n  network.absent: {{}}\n{{p}}n2:\n  network.present: {{subnet: {net}.0/25}}\n"
        ));
        scene.converge();
        assert_eq!(inspect::names(scene.engine, Object::Network, &scene.scope), [scene.name("n2")]);
    });
}

#[test]
fn v07_options_of_a_network_are_compared_as_given() {
    each(|scene| {
        let net = free_subnet();
        scene.cells(&[
            cell_of("network.present", "bogus")
                .same("driver_opts: {bogus: 1}")
                .same("driver_opts: [bogus=1]")
                .differs("driver_opts: {bogus: 2}", "driver_opts.bogus")
                .differs("", "driver_opts.bogus"),
            cell_of("network.present", "plain")
                .same("")
                .same("driver: bridge")
                .same("internal: false, attachable: no"),
            cell_of("network.present", "flags")
                .same("internal: true, attachable: true")
                .differs("internal: true", "attachable")
                .differs("", "internal"),
            cell_of("network.present", "labels")
                .same("labels: {a: 1}")
                .same("labels: [a=1]")
                .differs("labels: {a: 2}", "labels.a")
                .differs("", "labels.a"),
            cell_of("docker_network.present", "salt").same("options: {x: 1}").same("driver_opt: x=1"),
            cell_of("network.present", "pool")
                .same(&format!("subnet: {net}.0/24"))
                .same(&format!("subnet: {net}.7/24"))
                .same(&format!("ipam: {{config: [{{subnet: {net}.0/24}}]}}"))
                .differs(&format!("subnet: {net}.0/24, gateway: {net}.9"), "ipam.pools")
                .differs(&format!("subnet: {net}.0/25, gateway: {net}.9"), "ipam.pools"),
        ]);
    });
}

#[test]
fn v09_a_volume_that_differs_is_never_removed() {
    each(|scene| {
        let states = |size: &str| {
            format!(
                "{{p}}data:\n  volume.present: {{driver_opts: {{type: tmpfs, device: tmpfs, o: size={size}}}}}\n\
                 {{p}}web:\n  container.running: {{image: 'ekt/bb:1', stop_signal: KILL, volumes: ['{{p}}data:/data']}}\n"
            )
        };
        scene.states(&states("1m"));
        scene.converge();
        inspect::exec(scene.engine, &scene.name("web"), &["sh", "-c", "echo precious >/data/file"]);
        scene.states(&states("2m"));
        for args in [&[][..], &["--adopt"], &["--allow-data-loss"]] {
            let run = scene.workspace.apply(super::scene::FILE, args);
            assert_eq!(run.code(), Some(1), "{run}");
            let (_, text) = inspect::exec(scene.engine, &scene.name("web"), &["cat", "/data/file"]);
            assert_eq!(text, "precious\n", "{args:?}");
        }
    });
}

#[test]
fn v10_a_volume_goes_only_with_the_consent_for_it() {
    once(|scene| {
        volume(scene, "");
        scene.converge();
        scene.states("{p}data:\n  volume.absent: {}\n");
        assert!(scene.refused(1).contains("--allow-data-loss"));
        let other = format!("--allow-data-loss={}", scene.name("other"));
        assert_eq!(scene.run(&[&other]).run.code(), Some(1));
        let consent = format!("--allow-data-loss={}", scene.name("data"));
        assert_eq!(scene.run(&[&consent]).action("data"), "remove");
        scene.settled();
    });
}

#[test]
fn v11_an_engines_own_words_for_nothing_are_nothing() {
    each(|scene| {
        let body = json!({"Name": scene.name("net"), "Labels": null, "Options": null, "IPAM": null});
        scene.engine.http().post("/networks/create", &body).ok();
        scene.states("{p}net:\n  network.present: {labels: {}, driver_opts: {}, internal: no}\n");
        scene.settled();
    });
}
