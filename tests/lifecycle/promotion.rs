//! Only what was validated in the stage before goes on to the next one.

use super::{UPDATE, VALIDATE, by_hand};
use crate::rig::engines::Engine;
use crate::rig::images;
use crate::rig::registry::{Registry, with_registry};
use crate::rig::scope::Scope;
use crate::rig::workspace::{Run, STATE, Workspace};
use serde_json::json;

struct Way<'a> {
    engine: &'a Engine,
    scope: &'a Scope,
    registry: &'a Registry,
    workspace: Workspace,
}

impl<'a> Way<'a> {
    /// Two stages, of which the second one takes only what was validated in the first.
    fn new(engine: &'a Engine, scope: &'a Scope, registry: &'a Registry) -> Self {
        images::bb(engine);
        let workspace = Workspace::new(scope).on(engine.host()).env("USER", "ann");
        let (name, image) = (scope.name("dev"), registry.name("shop/web:dev"));
        let text =
            format!("{name}:\n  container.running: {{image: '{image}', pull: always, stop_signal: KILL}}\n");
        workspace.file("states/dev.yml", text);
        let pipeline = format!("pipeline:\n  image: {}\n  stages: [dev, qa]\n", registry.name("shop/web"));
        workspace.file("states/pipeline.yml", pipeline);
        Self { engine, scope, registry, workspace }
    }

    /// Pushes a version that declares this validation, and lets the first stage run it.
    fn deploy(&self, version: &str, validation: Option<&str>) {
        let declared = validation
            .map(|command| format!("LABEL {VALIDATE}='{command}' {UPDATE}=true\n"))
            .unwrap_or_default();
        let dockerfile =
            format!("{declared}LABEL org.opencontainers.image.version={version}\nENV V={version}");
        let image = images::image_with(self.engine, self.scope, &format!("v{version}:1"), &dockerfile);
        self.registry.push(self.engine, &image, "shop/web:dev");
        self.fine("apply states/dev.yml");
    }

    fn run(&self, words: &str) -> Run {
        self.workspace.run(words.split_whitespace().collect::<Vec<_>>())
    }

    fn fine(&self, words: &str) -> Run {
        self.run(words).expect(0)
    }

    fn refused(&self, words: &str, told: &str) {
        let run = self.run(words).expect(1);
        assert!(run.stdout.contains(told), "`{told}` is missing: {run}");
    }

    fn validate(&self) -> Run {
        self.run(&format!("validate {}", self.scope.name("dev")))
    }
}

#[test]
fn what_was_not_validated_goes_nowhere() {
    with_registry(|engine, scope, registry| {
        let way = Way::new(engine, scope, registry);
        way.deploy("1.0", Some("test ! -e /tmp/broken"));
        let dev = scope.name("dev");
        let type_this = format!("none is on record here; type: evenkeel validate {dev}");
        way.refused("promote web --to qa", &type_this);
        way.refused("promote web --to qa --test", "its declared validation has not passed in");
        // Not even if another environment, or another container, has validated something.
        let other = by_hand(engine, scope, "other", &json!({VALIDATE: "true"}));
        way.fine(&format!("validate {other}"));
        way.refused("promote web --to qa", &type_this);

        // Unless the stage does without.
        let without = format!(
            "pipeline:\n  image: {}\n  stages: [dev, {{name: qa, require: [running]}}]\n",
            registry.name("shop/web")
        );
        way.workspace.file("states/lax.yml", without);
        assert!(
            way.fine("promote web --to qa --pipeline states/lax.yml --test")
                .stdout
                .contains("2 tags would be moved")
        );

        way.validate().expect(0);
        assert!(way.fine("promote web --to qa --test").stdout.contains("2 tags would be moved"));
        // The newest result counts.
        crate::rig::inspect::exec(engine, &dev, &["touch", "/tmp/broken"]);
        way.validate().expect(1);
        way.refused("promote web --to qa", "failed with exit code 1; type: evenkeel validate");
        crate::rig::inspect::exec(engine, &dev, &["rm", "/tmp/broken"]);
        way.validate().expect(0);
        let run = way.fine("promote web --to qa --why all-is-well");
        assert!(run.stdout.contains("2 tags moved") && !run.stderr.contains("warning"), "{run}");
        assert_eq!(registry.digest("shop/web", "qa"), registry.digest("shop/web", "dev"));

        // Another digest of the same name has to show it anew.
        way.deploy("2.0", Some("test ! -e /tmp/broken"));
        way.refused("promote web --to qa", &type_this);
        let run = way.fine("promote web --to qa --force");
        assert!(run.stdout.contains("overruled by --force: its declared validation"), "{run}");
        // What was validated with an update is more than what ships.
        way.fine(&format!("update {dev}"));
        let run = way.fine("promote web --to qa --test");
        assert!(run.stdout.contains("it had been updated once"), "{run}");
        // What declares nothing cannot fail it.
        way.deploy("3.0", None);
        way.fine("promote web --to qa");
    });
}

#[test]
fn a_pipeline_tells_who_promoted_what() {
    with_registry(|engine, scope, registry| {
        let way = Way::new(engine, scope, registry);
        way.deploy("1.0", None);
        assert!(!way.fine("pipeline").stdout.contains("since"));
        let record = || std::fs::read(way.workspace.path(STATE).join("history.db")).expect("a history");
        let before = record();
        way.fine("promote web --to qa --test");
        assert_eq!(record(), before, "a test writes nothing");
        way.fine("promote web --to qa");
        let run = way.fine("pipeline");
        assert!(run.stdout.contains(" by ann@"), "{run}");
        // Once more is no promotion.
        way.fine("promote web --to qa");
        // Somebody else moves the tag: nobody knows who.
        way.deploy("2.0", None);
        let image = scope.name("v2.0:1");
        registry.push(engine, &image, "shop/web:qa");
        let run = way.fine("pipeline");
        assert!(!run.stdout.contains("since"), "{run}");

        // Without a history the tags are moved all the same, and what is not known is told.
        way.workspace.file(&format!("{STATE}/history.db"), "damaged ".repeat(1000));
        way.deploy("3.0", Some("true"));
        let run = way.run("pipeline").expect(1);
        assert!(run.stdout.contains("3.0 waits"), "{run}");
        assert!(
            run.stderr.contains("it is not known who promoted what") && run.stderr.contains("mv "),
            "{run}"
        );
        way.refused("promote web --to qa", "it is not known whether it was validated");
        let run = way.fine("promote web --to qa --force");
        assert!(run.stdout.contains("2 tags moved"), "{run}");
        assert!(run.stderr.contains("this promotion is not on record"), "{run}");
    });
}
