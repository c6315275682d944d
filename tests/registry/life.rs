//! The life of one image: pushed for one environment, followed by it, and promoted from stage to stage.

use crate::rig::engines::Engine;
use crate::rig::images;
use crate::rig::inspect;
use crate::rig::registry::{Registry, with_registry};
use crate::rig::scope::Scope;
use crate::rig::workspace::{Run, Workspace};

struct Life<'a> {
    engine: &'a Engine,
    scope: &'a Scope,
    registry: &'a Registry,
    workspace: Workspace,
}

impl<'a> Life<'a> {
    /// A tree in which each environment follows its tag, and a pipeline of three stages.
    fn new(engine: &'a Engine, scope: &'a Scope, registry: &'a Registry) -> Self {
        images::bb(engine);
        let workspace = Workspace::new(scope).on(engine.host());
        for env in ["dev", "qa", "prod"] {
            let (name, image) = (scope.name(env), registry.name(&format!("shop/web:{env}")));
            let text = format!(
                "{name}:\n  container.running: {{image: '{image}', pull: always, stop_signal: KILL}}\n"
            );
            workspace.file(&format!("states/{env}.yml"), text);
        }
        let pipeline =
            format!("pipeline:\n  image: {}\n  stages: [dev, qa, prod]\n", registry.name("shop/web"));
        workspace.file("states/pipeline.yml", pipeline);
        Self { engine, scope, registry, workspace }
    }

    /// Makes a version and pushes it as `:dev`, as a build server does.
    fn push(&self, version: &str) {
        let dockerfile = format!("LABEL org.opencontainers.image.version={version}\nENV VERSION={version}");
        let image = images::image_with(self.engine, self.scope, &format!("v{version}:1"), &dockerfile);
        self.registry.push(self.engine, &image, "shop/web:dev");
    }

    fn run(&self, words: &str) -> Run {
        self.workspace.run(words.split_whitespace().collect::<Vec<_>>())
    }

    fn fine(&self, words: &str) -> String {
        let run = self.run(words);
        assert_eq!(run.code(), Some(0), "evenkeel {words}: {run}");
        run.stdout
    }

    fn version_in(&self, env: &str) -> String {
        let json = inspect::container(self.engine, &self.scope.name(env));
        json["Config"]["Labels"]["org.opencontainers.image.version"].as_str().unwrap_or_default().to_owned()
    }

    fn digest(&self, tag: &str) -> String {
        self.registry.digest("shop/web", tag)
    }
}

#[test]
fn an_image_travels_by_its_tags() {
    with_registry(|engine, scope, registry| {
        let life = Life::new(engine, scope, registry);
        life.push("1.4.1");
        life.fine("apply states/dev.yml");
        assert!(life.fine("apply states/dev.yml").contains("0 changed"));

        // The dry run and the run say the same, and one of them does it.
        let before = registry.requests().len();
        let said = life.fine("promote web --to qa --test");
        assert!(said.contains("dev → qa") && said.contains("2 tags would be moved"), "{said}");
        let asked = registry.requests()[before..].to_vec();
        assert!(asked.iter().all(|line| line.starts_with("GET ") || line.starts_with("HEAD ")), "{asked:?}");
        assert!(life.fine("promote web --from dev --to qa").contains("2 tags moved"));
        assert!(life.fine("promote web --to qa").contains("0 tags moved"));
        assert_eq!(life.digest("qa"), life.digest("dev"), "the same bytes");
        assert_eq!(life.digest("1.4.1-qa"), life.digest("dev"));

        life.fine("apply states/qa.yml");
        assert_eq!(life.version_in("qa"), "1.4.1");
        life.fine("promote web --to prod");
        life.fine("apply states/prod.yml");

        // A new version reaches the first stage only.
        life.push("1.4.2");
        // The build server is another machine: here the name still is what was pulled.
        images::tag(engine, &scope.name("v1.4.1:1"), &registry.name("shop/web:dev"));
        let said = life.fine("apply states/dev.yml --test");
        assert!(said.contains("version 1.4.1 → 1.4.2"), "{said}");
        assert!(said.contains("of 1 layers") && said.contains("to pull"), "{said}");
        life.fine("apply states/dev.yml");
        assert_eq!((life.version_in("dev").as_str(), life.version_in("qa").as_str()), ("1.4.2", "1.4.1"));
        assert!(life.fine("apply states/qa.yml --test").contains("0 would change"));
        let shown = life.fine("pipeline");
        assert!(shown.contains("1.4.2 waits"), "{shown}");

        // What the stage before does not run goes nowhere.
        let before = life.digest("prod");
        let expected = format!("promote web@{} --to prod", life.digest("dev"));
        let refused = life.run(&expected);
        assert_eq!(refused.code(), Some(1), "{refused}");
        assert!(refused.stdout.contains("does not run it"), "{refused}");
        assert_eq!(life.digest("prod"), before);
        life.fine(&format!("{expected} --force"));
        assert_eq!(life.digest("prod"), life.digest("dev"));

        // A tag that is moved back is a change as well.
        life.fine("apply states/prod.yml");
        assert_eq!(life.version_in("prod"), "1.4.2");
        life.fine("promote web --to prod");
        assert_eq!(life.digest("prod"), before);
        let said = life.fine("apply states/prod.yml --test");
        assert!(said.contains("version 1.4.2 → 1.4.1"), "{said}");
        life.fine("apply states/prod.yml");
        assert_eq!(life.version_in("prod"), "1.4.1");
        assert!(life.fine("apply states/prod.yml").contains("0 changed"));
    });
}

#[test]
fn what_the_registry_does_not_have_cannot_be_pinned_to() {
    with_registry(|engine, scope, registry| {
        let life = Life::new(engine, scope, registry);
        life.push("1.4.1");
        life.fine("apply states/dev.yml");
        let pins = format!("{}:\n  digest: sha256:{}\n", registry.name("shop/web:dev"), "ab".repeat(32));
        life.workspace.file("states/dev.pins", pins);
        let refused = life.run("apply states/dev.yml --test");
        assert_eq!(refused.code(), Some(1), "{refused}");
        assert!(refused.stdout.contains("which its registry does not have"), "{refused}");
        assert_eq!(life.version_in("dev"), "1.4.1");
    });
}

#[test]
fn an_index_that_changes_elsewhere_is_still_the_image_that_runs() {
    with_registry(|engine, scope, registry| {
        let life = Life::new(engine, scope, registry);
        life.push("1.4.1");
        let manifest = registry.manifest("shop/web", "dev");
        let size = serde_json::to_vec(&manifest).map_or(0, |bytes| bytes.len());
        let digest = life.digest("dev");
        let entry = |architecture: &str| {
            serde_json::json!({
                "mediaType": manifest["mediaType"], "digest": digest, "size": size,
                "platform": {"os": "linux", "architecture": architecture},
            })
        };
        let index = |others: &[&str]| {
            let own = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
            let entries: Vec<_> = [own].iter().chain(others).map(|it| entry(it)).collect();
            serde_json::json!({
                "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
                "manifests": entries,
            })
        };
        registry.put_manifest("shop/web", "dev", &index(&[]));
        life.fine("apply states/dev.yml");
        let before = life.digest("dev");
        registry.put_manifest("shop/web", "dev", &index(&["riscv64"]));
        assert_ne!(life.digest("dev"), before);
        assert!(life.fine("apply states/dev.yml").contains("0 changed"));
        let shown = life.fine("pipeline");
        assert!(shown.contains("runs in") && !shown.contains("not up to date"), "{shown}");
        assert!(life.fine("promote web --to qa").contains("2 tags moved"));
    });
}

#[test]
fn what_is_meant_has_to_be_said() {
    with_registry(|engine, scope, registry| {
        let life = Life::new(engine, scope, registry);
        let image = registry.name("shop/web:1.4.1");
        for (words, said) in [
            (format!("promote {image} --to qa"), "web@1.4.1"),
            ("promote web@sha256:abc --to qa".to_owned(), "whole digest"),
            ("promote web@../../x --to qa".to_owned(), "neither a version"),
            ("promote web --to qa --expect abc".to_owned(), "at least 7"),
            ("promote web --from qa --to qa".to_owned(), "to itself"),
        ] {
            let refused = life.run(&words);
            assert_eq!(refused.code(), Some(64), "{words}: {refused}");
            assert!(refused.stderr.contains(said), "{words}: {refused}");
        }
    });
}

#[test]
fn an_answer_holds_as_long_as_it_is_wanted() {
    with_registry(|engine, scope, registry| {
        let life = Life::new(engine, scope, registry);
        life.push("1.4.1");
        life.fine("apply states/dev.yml");
        let requests = |words: &str| {
            let before = registry.requests().len();
            let said = life.fine(words);
            (registry.requests().len() - before, said)
        };
        let (asked, _) = requests("apply states/dev.yml --registry-ttl 1h");
        assert_eq!(asked, 1, "one HEAD for the tag");
        life.push("1.4.2");
        images::tag(engine, &scope.name("v1.4.1:1"), &registry.name("shop/web:dev"));
        let (asked, said) = requests("apply states/dev.yml --registry-ttl 1h --test");
        assert!(asked == 0 && said.contains("0 would change"), "{asked}: {said}");
        let (asked, said) = requests("apply states/dev.yml --test");
        assert!(asked > 0 && said.contains("1.4.1 → 1.4.2"), "{asked}: {said}");
    });
}

#[test]
fn a_promotion_goes_nowhere_if_something_stands_against_it() {
    with_registry(|engine, scope, registry| {
        let life = Life::new(engine, scope, registry);
        life.push("1.0");
        // Nothing runs it.
        let refused = life.run("promote web --to qa");
        assert_eq!(refused.code(), Some(1), "{refused}");
        assert!(refused.stdout.contains("no container of"), "{refused}");
        life.fine("apply states/dev.yml");
        life.fine("promote web --to qa");
        // A version's own tag is never moved: another image that calls itself the same is refused.
        let image = images::image_with(
            engine,
            scope,
            "other:1",
            "LABEL org.opencontainers.image.version=1.0\nENV VERSION=another",
        );
        registry.push(engine, &image, "shop/web:dev");
        life.fine("apply states/dev.yml");
        let refused = life.run("promote web --to qa");
        assert_eq!(refused.code(), Some(1), "{refused}");
        assert!(refused.stdout.contains("1.0-qa is there already"), "{refused}");
        // Somebody else moved the tag.
        let refused =
            life.run(&format!("promote web --to prod --from qa --force --expect sha256:{}", "0".repeat(64)));
        assert_eq!(refused.code(), Some(1), "{refused}");
        assert!(refused.stdout.contains("points to nothing, not to sha256:000"), "{refused}");
        // What does not make sense.
        for (words, told) in [
            ("promote web --to live", "`live` is no stage of web; they are: dev, qa, prod"),
            ("promote shop --to qa", "there is no pipeline for `shop`"),
            ("promote web --to dev", "no stage comes before the first one"),
        ] {
            let run = life.run(words);
            assert_eq!(run.code(), Some(64), "{words}: {run}");
            assert!(run.stderr.contains(told), "{words}: {run}");
        }
        let missing = life.run("promote web@9.9 --to qa");
        assert_eq!(missing.code(), Some(1), "{missing}");
        assert!(missing.stderr.contains("has no image shop/web:9.9"), "{missing}");
    });
}

#[test]
fn a_pinned_image_stays_where_its_tag_was() {
    with_registry(|engine, scope, registry| {
        let life = Life::new(engine, scope, registry);
        let dev = registry.name("shop/web:dev");
        life.push("1.0");
        let said = life.fine("pin states/dev.yml --test");
        assert!(said.contains("1 would change"), "{said}");
        assert!(!life.workspace.path("states/dev.pins").exists(), "a test writes nothing");
        life.fine("pin states/dev.yml");
        let written = std::fs::read_to_string(life.workspace.path("states/dev.pins")).expect("the pins");
        assert!(written.contains(&format!("{dev}:\n  digest: {}", life.digest("dev"))), "{written}");
        assert!(life.fine("pin states/dev.yml").contains("0 changed, 1 unchanged in states/dev.pins"));
        life.fine("apply states/dev.yml");
        assert!(life.fine("apply states/dev.yml").contains("0 changed"));

        // The tag moves, and what runs stays; the run tells.
        life.push("2.0");
        images::tag(engine, &scope.name("v1.0:1"), &dev);
        let run = life.run("apply states/dev.yml");
        assert_eq!(run.code(), Some(0), "{run}");
        assert!(run.stdout.contains("0 changed"), "{run}");
        assert!(run.stdout.contains("its tag points to"), "{run}");
        assert_eq!(life.version_in("dev"), "1.0");

        // Even where the tag was pulled by hand.
        images::tag(engine, &scope.name("v2.0:1"), &dev);
        let said = life.fine("apply states/dev.yml --test");
        assert!(said.contains("digest"), "{said}");
        life.fine("apply states/dev.yml");
        assert_eq!(life.version_in("dev"), "1.0");
        assert!(life.fine("apply states/dev.yml").contains("0 changed"));

        let run = life.run("pin states/dev.yml --update=shop/other");
        assert_eq!(run.code(), Some(64), "{run}");
        life.fine(&format!("pin states/dev.yml --update={dev}"));
        life.fine("apply states/dev.yml");
        assert_eq!(life.version_in("dev"), "2.0");
        // Nothing is asked for where nobody is to be asked.
        assert!(life.fine("apply states/dev.yml --offline").contains("0 changed"));
    });
}
