//! Volumes and images.

use super::laws::steps;
use super::scene::Scene;
use crate::rig::inspect::Object;
use crate::rig::{engines, images};

#[test]
fn nothing_of_a_volume_is_changed_and_none_is_lost_unasked() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let system = |volume: &str| {
            format!(
                "$data: {{volume.{volume}}}\n$web: {{container.running: {{image: IMAGE, volumes: [\"$data:/data\"]}}}}"
            )
        };
        scene.begin(&system("present: {labels: {a: b}}"));
        let text = scene.is_refused(&system("present: {labels: {a: c}}"), &[]);
        assert!(text.contains("nothing of volume"), "{text}");
        let text = scene.is_refused(&system("present: {driver_opts: {type: tmpfs, device: tmpfs}}"), &[]);
        assert!(text.contains("nothing of volume"), "{text}");
        let gone = "$data: {volume.absent: {}}\n$web: {container.absent: {}}";
        scene.go("$web: {container.absent: {}}", &[]);
        assert!(scene.exists(Object::Volume, "data"));
        let text = scene.is_refused(gone, &[]);
        assert!(text.contains("--allow-data-loss"), "{text}");
        scene.is_refused(gone, &["--allow-data-loss=other"]);
        let data = scene.name("data");
        scene.gave_up(&data);
        scene.go(gone, &[&format!("--allow-data-loss={data}")]);
        assert!(!scene.exists(Object::Volume, "data"));
    });
}

#[test]
fn a_volume_goes_with_the_containers_that_use_it() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin(
            "$data: {volume.present: {}}\n$web: {container.running: {image: IMAGE, volumes: [\"$data:/data\"]}}",
        );
        scene.gave_up(&scene.name("data"));
        scene.go("$data: {volume.absent: {}}\n$web: {container.absent: {}}", &["--allow-data-loss"]);
    });
}

#[test]
fn a_volume_that_is_in_use_is_refused_before_anything_happens() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let web = "$web: {container.running: {image: IMAGE, volumes: [\"$data:/data\"]}}";
        scene.begin(&format!("$data: {{volume.present: {{}}}}\n{web}"));
        let gone = "$data: {volume.absent: {}}";
        let text = scene.is_refused(gone, &["--allow-data-loss"]);
        assert!(text.contains("web"), "it names who uses the volume: {text}");
    });
}

#[test]
fn volumes_with_options_of_their_driver_are_kept() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin(
            "$mem: {volume.present: {driver: local, driver_opts: {type: tmpfs, device: tmpfs, o: size=1m}}}",
        );
        scene.is_refused(
            "$mem: {volume.present: {driver_opts: {type: tmpfs, device: tmpfs, o: size=2m}}}",
            &[],
        );
    });
}

#[test]
fn an_image_is_built_when_what_it_is_made_of_changes() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let dockerfile = |say: &str| format!("FROM {}\nCOPY file /file\nENV SAY={say}\n", images::BB);
        scene.workspace.file("image/Dockerfile", dockerfile("one")).file("image/file", "1");
        let system = "
$app:1: {image.built: {context: image}}
$web: {container.running: {image: \"$app:1\"}}
";
        scene.begin(system);
        assert_eq!(scene.exec("web", "echo $SAY; cat /file"), "one\n1");
        scene.workspace.file("image/file", "2");
        let applied = scene.go(system, &[]);
        assert_eq!(applied.action(&scene, "web"), "replace");
        assert_eq!(scene.exec("web", "echo $SAY; cat /file"), "one\n2");
        scene.workspace.file("image/Dockerfile", dockerfile("two"));
        scene.go(system, &[]);
        assert_eq!(scene.exec("web", "echo $SAY; cat /file"), "two\n2");
        let gone = "$app:1: {image.absent: {}}\n$web: {container.absent: {}}";
        scene.go(gone, &[]);
        assert!(!scene.exists(Object::Image, "app:1"));
    });
}

#[test]
fn an_image_is_loaded_from_an_archive() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let tag = images::image_with(engine, &scene.scope, "app:1", "ENV V=1");
        let archive = engine.http().get(&format!("/images/{tag}/get")).ok().body;
        scene.workspace.file("app.tar", archive);
        engine.http().delete(&format!("/images/{tag}")).ok();
        let system = "
$app:1: {image.loaded: {path: app.tar}}
$web: {container.running: {image: \"$app:1\"}}
";
        scene.begin(system);
        let tag = images::image_with(engine, &scene.scope, "app:1", "ENV V=2");
        let archive = engine.http().get(&format!("/images/{tag}/get")).ok().body;
        images::image_with(engine, &scene.scope, "app:1", "ENV V=1");
        scene.workspace.file("app.tar", archive);
        scene.go(system, &[]);
        assert_eq!(scene.exec("web", "echo $V"), "2\n");
    });
}

#[test]
fn a_tag_that_was_moved_by_hand_replaces_the_container() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        images::image_with(engine, &scene.scope, "app:1", "ENV V=1\nVOLUME /anon");
        let system = "$web: {container.running: {image: \"$app:1\"}}";
        scene.begin(system);
        images::image_with(engine, &scene.scope, "app:1", "ENV V=2\nVOLUME /anon");
        let applied = scene.go(system, &[]);
        assert_eq!(applied.action(&scene, "web"), "replace");
        assert_eq!(scene.exec("web", "echo $V"), "2\n");
    });
}

#[test]
fn an_image_in_use_is_not_removed() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        images::image_with(engine, &scene.scope, "app:1", "ENV V=1");
        let web = "$web: {container.running: {image: \"$app:1\"}}";
        scene.begin(web);
        let text = scene.is_refused("$app:1: {image.absent: {}}", &[]);
        assert!(text.contains("web"), "it names who uses the image: {text}");
        images::tag(engine, &scene.name("app:1"), &scene.name("app:2"));
        let applied = scene.go("$app:2: {image.absent: {}}", &[]);
        assert_eq!(steps(&applied.json()).len(), 1);
    });
}
