//! Data loss: a volume goes only if a state says so, the run allows it, and it is ours.

use super::stage::{Stage, each};
use crate::rig::images;
use crate::rig::inspect::{self, Object};

fn anonymous_volumes(stage: &Stage<'_>) -> usize {
    let volumes = stage.engine.http().get("/volumes").ok().json()["Volumes"].clone();
    let own = stage.container("web")["Mounts"][0]["Name"].clone();
    assert!(own.is_string());
    volumes.as_array().map_or(0, |volumes| volumes.iter().filter(|volume| volume["Name"] == own).count())
}

#[test]
fn x01_a_volume_that_somebody_else_made_is_never_removed() {
    each(|stage| {
        inspect::create_volume(stage.engine, &stage.name("data"));
        stage.states("@data: {volume.absent: {}}");
        for args in [&["--test"][..], &[], &["--allow-data-loss"]] {
            let run = stage.apply(args).expect(1);
            assert!(run.stdout.contains("--adopt") || run.stdout.contains("--allow-data-loss"), "{run}");
            assert_eq!(stage.names(Object::Volume), ["data"]);
        }
    });
}

#[test]
fn x05_x03_x15_an_anonymous_volume_goes_with_the_container_and_none_piles_up() {
    each(|stage| {
        let image = images::image_with(stage.engine, &stage.scope, "img:1", "VOLUME /data");
        let state = |value: usize| {
            format!(
                "@web: {{container.running: {{image: '{image}', init: true, stable_for: 0s, env: {{A: {value}}}}}}}"
            )
        };
        stage.states(&state(0)).apply(&[]).expect(0);
        inspect::exec(stage.engine, &stage.name("web"), &["touch", "/data/precious"]);
        let volume = stage.container("web")["Mounts"][0]["Name"].clone();
        for round in 1..4 {
            stage.states(&state(round)).apply(&[]).expect(0);
            assert_eq!(stage.container("web")["Mounts"][0]["Name"], volume);
            assert_eq!(anonymous_volumes(stage), 1);
        }
        stage.is_quiet();
        assert_eq!(inspect::exec(stage.engine, &stage.name("web"), &["ls", "/data"]).1, "precious\n");
    });
}

#[test]
fn x05_a_new_image_keeps_the_data_too() {
    each(|stage| {
        let build = |value: &str| {
            images::image_with(stage.engine, &stage.scope, "img:1", &format!("ENV A={value}\nVOLUME /data"))
        };
        let image = build("1");
        stage.states(&format!(
            "@web: {{container.running: {{image: '{image}', init: true, stable_for: 0s}}}}"
        ));
        stage.apply(&[]).expect(0);
        inspect::exec(stage.engine, &stage.name("web"), &["touch", "/data/precious"]);
        build("2");
        stage.converges(&["replace container.web"]);
        assert_eq!(inspect::exec(stage.engine, &stage.name("web"), &["ls", "/data"]).1, "precious\n");
    });
}

#[test]
fn x05_a_failed_replacement_keeps_the_data() {
    each(|stage| {
        let image = images::image_with(stage.engine, &stage.scope, "img:1", "VOLUME /data");
        let state = |more: &str| {
            format!("@web: {{container.running: {{image: '{image}', init: true, stable_for: {more}}}}}")
        };
        stage.states(&state("0s")).apply(&[]).expect(0);
        inspect::exec(stage.engine, &stage.name("web"), &["touch", "/data/precious"]);
        stage.states(&state("20s, command: ['false']")).apply(&[]).expect(1);
        stage.states(&state("0s")).apply(&[]).expect(0);
        stage.is_quiet();
        assert_eq!(inspect::exec(stage.engine, &stage.name("web"), &["ls", "/data"]).1, "precious\n");
        assert_eq!(stage.containers(), ["web"]);
    });
}

#[test]
fn x07_a_volume_goes_only_if_the_run_allows_it_by_name_or_altogether() {
    each(|stage| {
        let present = "@a: {volume.present: {}}\n@b: {volume.present: {}}";
        stage.states(present).apply(&[]).expect(0);
        stage.states("@a: {volume.absent: {}}\n@b: {volume.absent: {}}");
        let said = stage.said(&["--test"], 1);
        assert!(said.contains("--allow-data-loss=a"), "{said}");
        stage.apply(&[]).expect(1);
        assert_eq!(stage.mutations(), [""; 0]);
        let of_a = format!("--allow-data-loss={}", stage.name("a"));
        assert_eq!(stage.actions(&[&of_a], 1), ["remove volume.a", "refuse volume.b failed"]);
        assert_eq!(stage.names(Object::Volume), ["b"]);
        assert_eq!(stage.actions(&["--allow-data-loss"], 0), ["remove volume.b"]);
        stage.is_quiet();
    });
}

#[test]
fn x07_removing_a_container_keeps_its_volumes() {
    each(|stage| {
        let image = images::image_with(stage.engine, &stage.scope, "img:1", "VOLUME /anon");
        let volumes = "volumes: ['@data:/data']";
        stage.states(&format!(
            "@data: {{volume.present: {{}}}}\n@web: {{container.running: {{image: '{image}', init: true, {volumes}}}}}"
        ));
        stage.apply(&[]).expect(0);
        let mounts = stage.container("web")["Mounts"].clone();
        let names: Vec<&str> =
            mounts.as_array().expect("mounts").iter().filter_map(|mount| mount["Name"].as_str()).collect();
        assert_eq!(names.len(), 2);
        stage.states("@web: {container.absent: {}}").apply(&[]).expect(0);
        for name in names {
            assert!(inspect::find(stage.engine, Object::Volume, name).is_some(), "{name}");
            if name.len() == 64 {
                inspect::remove_volume(stage.engine, name);
            }
        }
    });
}

#[test]
fn x09_pruning_leaves_what_belongs_to_others() {
    each(|stage| {
        let env_of_another = "@other: {container.running: {BB}}\n@theirs: {network.present: {}}";
        stage.file("states/qa.yml", env_of_another);
        stage.tree.apply("states/qa.yml", &[]).expect(0);
        stage.states(
            "@web: {container.running: {BB}}\n@gone: {container.running: {BB}}\n@net: {network.present: {}}",
        );
        stage.apply(&[]).expect(0);
        let by_hand = inspect::run(
            stage.engine,
            &stage.name("hand"),
            &serde_json::json!({"Image": images::BB, "StopSignal": "KILL"}),
        );
        stage.states("@web: {container.running: {BB}}");
        let said = stage.said(&[], 0);
        assert!(
            said.contains("container.gone") && said.contains("network.net"),
            "orphans are listed: {said}"
        );
        assert!(!said.contains("other") && !said.contains("theirs") && !said.contains("hand"), "{said}");
        assert_eq!(stage.mutations(), [""; 0]);
        let mut pruned = stage.actions(&["--prune", "--test"], 0);
        assert_eq!(stage.actions(&["--prune"], 0), pruned);
        pruned.sort();
        assert_eq!(pruned, ["remove container.gone", "remove network.net"]);
        assert_eq!(stage.containers(), ["hand", "other", "web"]);
        assert_eq!(stage.names(Object::Network), ["theirs"]);
        assert_eq!(stage.id("hand"), by_hand);
        stage.is_quiet();
    });
}

#[test]
fn x09_volumes_are_listed_and_never_pruned() {
    each(|stage| {
        stage.states("@data: {volume.present: {}}").apply(&[]).expect(0);
        stage.states("{}");
        let said = stage.said(&["--prune"], 0);
        assert!(said.contains("volume.data"), "{said}");
        assert_eq!(stage.names(Object::Volume), ["data"]);
    });
}

#[test]
fn x11_a_volume_cannot_be_renamed_and_both_ways_out_are_told() {
    each(|stage| {
        stage.states("@a: {volume.present: {}}").apply(&[]).expect(0);
        stage.states("@b: {volume.present: {was: '@a'}}");
        let said = stage.said(&["--test"], 1);
        assert!(said.contains("name: ") && said.contains("copy"), "{said}");
        stage.apply(&[]).expect(1);
        assert_eq!(stage.names(Object::Volume), ["a"]);
    });
}
