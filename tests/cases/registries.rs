//! I, T: images behind a registry: what a tag points to, and what is done when nobody answers.

use super::scene::{FILE, Outcome};
use crate::rig::engines::Engine;
use crate::rig::images;
use crate::rig::inspect;
use crate::rig::registry::{Registry, with_registry};
use crate::rig::scope::Scope;
use crate::rig::workspace::Workspace;
use serde_json::json;

struct Stage<'a> {
    engine: &'a Engine,
    scope: &'a Scope,
    workspace: Workspace,
}

impl<'a> Stage<'a> {
    fn new(engine: &'a Engine, scope: &'a Scope) -> Self {
        images::bb(engine);
        Self { engine, scope, workspace: Workspace::new(scope).on(engine.host()) }
    }

    fn web(&self, image: &str, more: &str) {
        let name = self.scope.name("web");
        let text = format!("{name}:\n  container.running: {{image: '{image}', stop_signal: KILL{more}}}\n");
        self.workspace.file(FILE, text);
    }

    fn run(&self, args: &[&str]) -> Outcome {
        Outcome::of(&self.workspace, self.scope, args)
    }

    fn id(&self) -> String {
        inspect::id(self.engine, &self.scope.name("web"))
    }

    fn settled(&self) {
        let id = self.id();
        let outcome = self.run(&[]);
        assert_eq!((outcome.changes(), outcome.run.code()), (Vec::new(), Some(0)), "{}", outcome.run);
        assert_eq!(self.id(), id);
    }

    /// Builds an image that differs by its version, and pushes it.
    fn push(&self, registry: &Registry, version: u32, name: &str) -> String {
        let image = images::image_with(
            self.engine,
            self.scope,
            &format!("v{version}:1"),
            &format!("ENV V={version}"),
        );
        registry.push(self.engine, &image, name)
    }
}

#[test]
fn i01_an_image_of_several_platforms_is_one_image() {
    with_registry(|engine, scope, registry| {
        let stage = Stage::new(engine, scope);
        stage.push(registry, 1, "web:amd64");
        stage.push(registry, 2, "web:arm64");
        let entry = |tag: &str| {
            let size = serde_json::to_vec(&registry.manifest("web", tag)).map_or(0, |text| text.len());
            json!({"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "size": size,
                "digest": registry.digest("web", tag), "platform": {"architecture": tag, "os": "linux"}})
        };
        let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
            "manifests": [entry("arm64"), entry("amd64")]});
        registry.put_manifest("web", "1", &index);
        let name = registry.name("web:1");
        for pull in ["missing", "always", "12h"] {
            stage.web(&name, &format!(", pull: {pull}"));
            stage.run(&[]);
            stage.settled();
            stage.settled();
        }
        let by_digest = format!("{}@{}", registry.name("web"), registry.digest("web", "1"));
        stage.web(&by_digest, "");
        stage.run(&[]);
        stage.settled();
    });
}

#[test]
fn i11_pull_always_changes_something_only_if_the_tag_moved() {
    with_registry(|engine, scope, registry| {
        let stage = Stage::new(engine, scope);
        let name = stage.push(registry, 1, "app:1");
        stage.web(&name, ", pull: always");
        let created = stage.run(&[]);
        assert_eq!(created.action("web"), "create", "{}", created.run);
        stage.settled();
        let pulled = |registry: &Registry| {
            registry.requests().iter().filter(|it| it.contains("/blobs/") && it.starts_with("GET")).count()
        };
        let before = pulled(registry);
        stage.settled();
        // To tell what a tag points to, the engine reads the image's configuration.
        assert!(pulled(registry) <= before + 1, "no layer is fetched when nothing moved");
        // T03: the tag moves; the dry run knows.
        stage.push(registry, 2, "app:1");
        images::tag(engine, &scope.name("v1:1"), &name);
        let said = stage.run(&["--test"]);
        let done = stage.run(&[]);
        assert_eq!(said.changes(), done.changes(), "{}", said.run);
        assert_eq!(done.action("web"), "replace", "{}", done.run);
        stage.settled();
        stage.web(&name, "");
        stage.settled();
    });
}

#[test]
fn i12_what_is_not_asked_for_again_stays() {
    with_registry(|engine, scope, registry| {
        let stage = Stage::new(engine, scope);
        let name = stage.push(registry, 1, "app:1");
        for pull in ["missing", "12h", "never"] {
            stage.web(&name, &format!(", pull: {pull}"));
            stage.run(&[]);
            stage.settled();
        }
        let asked = registry.requests().len();
        stage.push(registry, 2, "app:1");
        images::tag(engine, &scope.name("v1:1"), &name);
        let pushed = registry.requests().len();
        stage.settled();
        assert!(pushed > asked);
        assert_eq!(registry.requests().len(), pushed, "`never` does not ask");
    });
}

#[test]
fn i19_a_registry_that_is_down_is_asked_only_if_need_be() {
    with_registry(|engine, scope, registry| {
        let stage = Stage::new(engine, scope);
        let name = stage.push(registry, 1, "app:1");
        stage.web(&name, "");
        stage.run(&[]);
        registry.stop();
        stage.settled();
        // Whether there is a newer one is unknown, which is never "unchanged"; what runs goes on.
        let id = stage.id();
        stage.web(&name, ", pull: always");
        for args in [&["--test"][..], &[]] {
            let outcome = stage.run(args);
            assert_eq!(outcome.run.code(), Some(1), "{}", outcome.run);
            assert!(outcome.text().contains("unknown"), "{}", outcome.run);
        }
        assert_eq!(stage.id(), id);
        // One image that cannot be had does not keep the others from being made.
        let other = scope.name("other");
        let missing = registry.name("missing:1");
        stage.workspace.file(
            FILE,
            format!(
                "{}:\n  container.running: {{image: '{missing}', stop_signal: KILL}}\n{other}:\n  \
                 container.running: {{image: 'ekt/bb:1', stop_signal: KILL}}\n",
                scope.name("gone")
            ),
        );
        let outcome = stage.run(&[]);
        assert_eq!(outcome.run.code(), Some(1), "{}", outcome.run);
        assert!(inspect::is_running(engine, &other), "{}", outcome.run);
        if let Err(reason) = registry.resume() {
            panic!("the registry comes back: {reason}");
        }
        stage.web(&name, ", pull: always");
        stage.settled();
    });
}

#[test]
fn i20_a_tag_that_the_registry_does_not_have_is_said_before_anything_is_done() {
    with_registry(|engine, scope, registry| {
        let stage = Stage::new(engine, scope);
        let name = stage.push(registry, 1, "app:1");
        stage.web(&name, "");
        stage.run(&[]);
        let id = stage.id();
        stage.web(&registry.name("app:nosuch"), "");
        for args in [&["--test"][..], &[]] {
            let outcome = stage.run(args);
            assert_eq!(outcome.run.code(), Some(1), "{}", outcome.run);
            assert!(outcome.text().contains("app:nosuch"), "{}", outcome.run);
        }
        assert_eq!(stage.id(), id);
    });
}
