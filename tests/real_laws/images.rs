//! What is done with images that are there: tags, pushes, archives.

use super::laws::{laws, steps};
use super::scene::Scene;
use crate::rig::{engines, images, registry};
use serde_json::Value;
use std::fs;

/// What a name points to, if it is there.
fn id(scene: &Scene<'_>, name: &str) -> Option<String> {
    let answer = scene.engine.http().get(&format!("/images/{name}/json"));
    answer.is_ok().then(|| answer.json()["Id"].as_str().expect("an image has an id").to_owned())
}

/// What the states of a run say, in one text.
fn comments(json: &Value) -> String {
    let states = json["states"].as_array().into_iter().flatten();
    states.filter_map(|state| state["comment"].as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_tag_follows_its_source_and_containers_follow_the_tag() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        for version in ["1", "2"] {
            images::image_with(engine, &scene.scope, &format!("app:{version}"), &format!("ENV V={version}"));
        }
        let system = |version: &str| {
            format!(
                "$app:dev: {{image.tagged: {{source: '$app:{version}'}}}}\n$web: {{container.running: {{image: '$app:dev'}}}}"
            )
        };
        scene.begin(&system("1"));
        assert_eq!(scene.exec("web", "echo $V"), "1\n");
        let applied = scene.go(&system("2"), &[]);
        assert_eq!(applied.state(&scene, "image", "app:dev")["action"], "tag");
        assert_eq!(scene.exec("web", "echo $V"), "2\n");
        // Somebody moves it back.
        images::tag(engine, &scene.name("app:1"), &scene.name("app:dev"));
        scene.go(&system("2"), &[]);
        assert_eq!(id(&scene, &scene.name("app:dev")), id(&scene, &scene.name("app:2")));
        let text = scene.is_refused(
            "$app:qa: {image.tagged: {source: '$app:9'}}\n$app:9: {image.present: {pull: never}}",
            &[],
        );
        assert!(text.contains("app:9"), "{text}");
    });
}

#[test]
fn a_tag_follows_what_is_built_in_the_same_run() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.workspace.file("image/Dockerfile", format!("FROM {}\nENV V=1\n", images::BB));
        let system = "$app:1: {image.built: {context: image}}\n$app:dev: {image.tagged: {source: '$app:1'}}";
        scene.begin(system);
        scene.workspace.file("image/Dockerfile", format!("FROM {}\nENV V=2\n", images::BB));
        scene.go(system, &[]);
        assert_eq!(id(&scene, &scene.name("app:dev")), id(&scene, &scene.name("app:1")));
    });
}

#[test]
fn an_image_is_pushed_when_the_registry_has_another() {
    registry::with_registry(|engine, _, registry| {
        let scene = Scene::new(engine);
        for version in ["1", "2"] {
            images::image_with(engine, &scene.scope, &format!("app:{version}"), &format!("ENV V={version}"));
        }
        let name = registry.name("shop/web:dev");
        let system =
            |version: &str| format!("out: {{image.pushed: {{name: '{name}', source: '$app:{version}'}}}}");
        scene.begin(&system("1"));
        let first = registry.digest("shop/web", "dev");
        scene.go(&system("2"), &[]);
        let second = registry.digest("shop/web", "dev");
        assert_ne!(first, second);
        // Somebody moves the tag in the registry: it differs, although nothing differs here.
        let manifest = registry.manifest("shop/web", &first);
        registry.put_manifest("shop/web", "dev", &manifest);
        scene.go(&system("2"), &[]);
        assert_eq!(registry.digest("shop/web", "dev"), second);
        // No answer is never "unchanged".
        registry.stop();
        let text = scene.is_refused(&system("2"), &[]);
        assert!(text.contains("unknown"), "{text}");
    });
}

#[test]
fn what_is_built_is_pushed_under_its_own_name() {
    registry::with_registry(|engine, _, registry| {
        let scene = Scene::new(engine);
        let name = registry.name("shop/tool:1");
        scene.workspace.file("image/Dockerfile", format!("FROM {}\nENV V=1\n", images::BB));
        let system = format!(
            "'{name}': {{image.built: {{context: image}}}}\nout: {{image.pushed: {{name: '{name}'}}}}"
        );
        scene.begin(&system);
        scene.workspace.file("image/Dockerfile", format!("FROM {}\nENV V=2\n", images::BB));
        let applied = scene.go(&system, &[]);
        assert_eq!(steps(&applied.json()).len(), 2, "{}", applied.run);
        let text = scene
            .is_refused(&format!("out: {{image.pushed: {{name: '{}'}}}}", registry.name("nosuch:1")), &[]);
        assert!(text.contains("has no image"), "{text}");
    });
}

#[test]
fn an_image_is_saved_until_the_archive_holds_it() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        images::image_with(engine, &scene.scope, "app:1", "ENV V=1");
        let system = "kept: {image.saved: {name: '$app:1', path: out/app.tar}}";
        scene.workspace.file("out/keep", "");
        scene.begin(system);
        images::image_with(engine, &scene.scope, "app:1", "ENV V=2");
        scene.go(system, &[]);
        let files = || {
            let files = fs::read_dir(scene.workspace.path("out")).expect("the folder is there");
            let mut names: Vec<_> =
                files.flatten().map(|file| file.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(files(), ["app.tar", "keep"]);
        // It is what `image.loaded` takes.
        engine.http().delete(&format!("/images/{}", scene.name("app:1"))).ok();
        scene.go("$app:1: {image.loaded: {path: out/app.tar}}", &[]);
        // What is no archive of ours is not written over.
        scene.workspace.file("out/app.tar", "somebody's");
        let text = scene.is_refused(system, &[]);
        assert!(text.contains("not written over"), "{text}");
        let text = scene.is_refused("kept: {image.saved: {name: '$app:1', path: nosuch/app.tar}}", &[]);
        assert!(text.contains("no folder"), "{text}");
    });
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        images::image_with(engine, &scene.scope, "app:1", "ENV V=1");
        scene.workspace.file("out/app.tar", "");
        scene.workspace.remove("out/app.tar");
        // The name under which it is written is a device on which there is never any room.
        std::os::unix::fs::symlink("/dev/full", scene.workspace.path("out/.app.tar.evenkeel-part"))
            .expect("a link");
        scene.declare("kept: {image.saved: {name: '$app:1', path: out/app.tar}}");
        let applied = scene.run(&[]).expect(1);
        let text = comments(&applied.json());
        assert!(text.contains("No space left on device"), "{text}");
        assert_eq!(fs::read_dir(scene.workspace.path("out")).expect("the folder").count(), 0);
    });
}

#[test]
fn several_states_of_one_image_go_together() {
    engines::in_turn(|engine| {
        images::bb(engine);
        laws(
            engine,
            "$app:dev: {image.tagged: {source: IMAGE}}\nkept: {image.saved: {name: '$app:dev', path: dev.tar}}",
            |scene| {
                images::tag(
                    engine,
                    &images::image_with(engine, &scene.scope, "x:1", "ENV V=3"),
                    &scene.name("app:dev"),
                )
            },
            "$app:dev: {image.tagged: {source: IMAGE}}\nkept: {image.saved: {name: '$app:dev', path: dev.tar}}",
        );
    });
}
