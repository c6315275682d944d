//! I: what an image is: its id, whatever its names.

use super::scene::{FILE, Scene, cell, each, once};
use crate::rig::{images, inspect};
use serde_json::json;

fn web(scene: &Scene<'_>, image: &str, more: &str) {
    scene.states(&format!("{{p}}web:\n  container.running: {{image: '{image}', stop_signal: KILL{more}}}\n"));
}

#[test]
fn i05_a_container_of_an_earlier_version_is_left_alone() {
    once(|scene| {
        let image = inspect::image(scene.engine, images::BB)["Id"].clone();
        // As version 0.1.0 makes it, label by label.
        let labels = json!({"io.evenkeel.id": "web", "io.evenkeel.project": scene.scope.project(), "io.evenkeel.env": "dev",
            "io.evenkeel.declared": "env,image,memory", "io.evenkeel.revision": "1", "io.evenkeel.newer": "unknown"});
        let host = json!({"Memory": 67_108_864});
        let body = json!({"Image": images::BB, "Env": ["A=1"], "Labels": labels, "HostConfig": host});
        inspect::create(scene.engine, &scene.name("web"), &body);
        assert!(image.is_string());
        scene.states("{p}web:\n  container.created: {image: 'ekt/bb:1', env: {A: 1}, memory: 64m}\n");
        scene.settled();
    });
}

#[test]
fn i07_a_moved_tag_is_a_difference() {
    each(|scene| {
        let (first, second) = (scene.image("one", "ENV V=1"), scene.image("two", "ENV V=2"));
        let tag = scene.name("app:1");
        images::tag(scene.engine, &first, &tag);
        web(scene, &tag, "");
        scene.converge();
        images::tag(scene.engine, &second, &tag);
        let done = scene.converge();
        assert_eq!((done.action("web").as_str(), done.diff("web").len()), ("replace", 1), "{}", done.run);
        // Another name of the same image is no difference.
        web(scene, &second, "");
        scene.settled();
        images::tag(scene.engine, &first, &tag);
        scene.settled();
    });
}

#[test]
fn i08_names_of_an_image_have_several_spellings() {
    once(|scene| {
        let image = scene.name("app:latest");
        images::tag(scene.engine, images::BB, &image);
        let name = scene.name("app");
        scene.cells(&[cell("web").of(&name).same("").same("")]);
        for spelling in
            [image.clone(), format!("docker.io/library/{image}"), format!("docker.io/library/{name}")]
        {
            scene.states(&format!("{{p}}web:\n  container.created: {{image: '{spelling}'}}\n"));
            scene.settled();
        }
    });
}

#[test]
fn i09_an_image_by_id_is_never_pulled() {
    each(|scene| {
        let image = scene.image("app", "ENV V=1");
        let id = inspect::image(scene.engine, &image)["Id"].as_str().expect("an id").to_owned();
        let bare = id.trim_start_matches("sha256:").to_owned();
        web(scene, &id, "");
        scene.converge();
        for spelling in [bare.clone(), bare[..12].to_owned(), image.clone(), id.clone()] {
            web(scene, &spelling, "");
            scene.settled();
        }
        web(scene, &id, ", pull: always");
        scene.settled();
        for unknown in [format!("sha256:{}", "0".repeat(64)), "0".repeat(64)] {
            web(scene, &unknown, "");
            let said = scene.refused(1);
            assert!(said.contains("the engine has no image"), "{said}");
        }
    });
}

#[test]
fn i13_a_changed_dockerfile_is_built() {
    each(|scene| {
        let dockerfile = |value: u32| format!("FROM {}\nENV V={value}\nCOPY file /file\n", images::BB);
        scene.workspace.file("states/app/Dockerfile", dockerfile(1)).file("states/app/file", "one");
        scene.states(
            "{p}app:1:\n  image.built: {context: app}\n{p}web:\n  container.running: {image: '{p}app:1', stop_signal: KILL}\n",
        );
        scene.converge();
        let image = || inspect::image(scene.engine, &scene.name("app:1"))["Id"].clone();
        let first = image();
        scene.workspace.file("states/app/Dockerfile", dockerfile(2));
        let done = scene.converge();
        assert_eq!((done.action("app:1").as_str(), done.action("web").as_str()), ("build", "replace"));
        scene.workspace.file("states/app/file", "two");
        assert_eq!(scene.converge().action("app:1"), "build");
        // What is ignored is no difference.
        scene.workspace.file("states/app/.dockerignore", "*.log\n");
        scene.run(&[]);
        scene.workspace.file("states/app/x.log", "noise");
        scene.settled();
        assert_ne!(image(), first);
    });
}

#[test]
fn i15_a_second_build_is_none() {
    each(|scene| {
        scene.workspace.file("states/app/Dockerfile", format!("FROM {}\nARG V=1\nENV V=$V\n", images::BB));
        scene.states("{p}app:1:\n  image.built: {context: app, args: {V: 2}, labels: {a: 1}}\n");
        scene.converge();
        scene.states("{p}app:1:\n  image.built: {labels: [a=1], context: ./app, args: [V=2]}\n");
        scene.settled();
        scene.states("{p}app:1:\n  image.built: {context: app, args: {V: 3}, labels: {a: 1}}\n");
        assert_eq!(scene.converge().action("app:1"), "build");
    });
}

#[test]
fn i17_an_image_that_is_gone_is_missed_before_the_container_is_touched() {
    each(|scene| {
        let tag = scene.image("app", "ENV V=1");
        web(scene, &tag, ", pull: never");
        scene.converge();
        let id = scene.id("web");
        scene.engine.http().delete(&format!("/images/{tag}?force=1")).ok();
        web(scene, &tag, ", pull: never, env: {A: 1}");
        let said = scene.refused(1);
        assert!(said.contains("the engine has no image"), "{said}");
        // Without a registry in reach it cannot be had; that shows while the old one still runs.
        web(scene, &tag, ", env: {A: 1}");
        let run = scene.workspace.apply(FILE, &[]);
        assert_eq!(run.code(), Some(1), "{run}");
        assert_eq!((scene.id("web"), inspect::is_running(scene.engine, &scene.name("web"))), (id, true));
        // Built again it is there, and what waits for it goes on.
        scene.image("app", "ENV V=1");
        scene.converge();
    });
}

#[test]
fn i21_an_image_of_another_platform_is_not_taken() {
    each(|scene| {
        let tag = scene.image("app", "ENV V=1");
        for platform in ["linux/amd64", "amd64", "linux"] {
            scene.states(&format!("{tag}:\n  image.present: {{platform: {platform}, pull: never}}\n"));
            scene.settled();
        }
        scene.states(&format!(
            "{tag}:\n  image.present: {{platform: linux/arm64, pull: never}}\n{{p}}web:\n  container.running: {{image: '{tag}'}}\n"
        ));
        let said = scene.refused(1);
        assert!(said.contains("linux/arm64") && said.contains("linux/amd64"), "{said}");
    });
}

#[test]
fn i23_a_part_of_the_tree_gives_the_same_as_all_of_it() {
    once(|scene| {
        let states = "{p}net:\n  network.present: {}\n\
             {p}a:\n  container.created: {image: 'ekt/bb:1', networks: ['{p}net'], env: {E: '{{ env }}'}}\n\
             {p}b:\n  container.created: {image: 'ekt/bb:1', env: {A: 1}}\n";
        scene.states(states);
        scene.converge();
        for target in ["a", "b", "net"] {
            let outcome = scene.run(&["--target", &scene.name(target)]);
            assert_eq!(outcome.changes(), Vec::<String>::new(), "{}", outcome.run);
        }
        let foreign =
            scene.workspace.command().env("E", "x").args(["apply", FILE]).output().expect("it runs");
        assert!(String::from_utf8_lossy(&foreign.stdout).contains("0 changed"), "{foreign:?}");
    });
}
