//! Ranges of versions, against the tags of a real registry.

use crate::rig::engines::Engine;
use crate::rig::images;
use crate::rig::inspect;
use crate::rig::registry::{Registry, with_registry};
use crate::rig::scope::Scope;
use crate::rig::workspace::{Run, Workspace};

struct Case<'a> {
    engine: &'a Engine,
    scope: &'a Scope,
    workspace: Workspace,
}

impl<'a> Case<'a> {
    fn new(engine: &'a Engine, scope: &'a Scope, registry: &Registry, versions: &[&str]) -> Self {
        images::bb(engine);
        let case = Self { engine, scope, workspace: Workspace::new(scope).on(engine.host()) };
        for version in versions {
            case.push(registry, version);
        }
        case
    }

    fn push(&self, registry: &Registry, version: &str) {
        let image = format!("v{version}:1");
        let image = images::image_with(self.engine, self.scope, &image, &format!("ENV VERSION={version}"));
        registry.push(self.engine, &image, &format!("shop/web:{version}"));
    }

    /// One container of an image, with more options of the state.
    fn state(&self, image: &str, more: &str) {
        let name = self.scope.name("web");
        let text = format!("{name}:\n  container.running: {{image: '{image}', stop_signal: KILL{more}}}\n");
        self.workspace.file("states/prod.yml", text);
    }

    fn run(&self, words: &str) -> Run {
        self.workspace.run(words.split_whitespace().collect::<Vec<_>>())
    }

    fn fine(&self, words: &str) -> String {
        let run = self.run(words);
        assert_eq!(run.code(), Some(0), "evenkeel {words}: {run}");
        run.stdout
    }

    fn pins(&self) -> String {
        std::fs::read_to_string(self.workspace.path("states/prod.pins")).expect("there are pins")
    }

    fn runs(&self) -> String {
        let json = inspect::container(self.engine, &self.scope.name("web"));
        json["Config"]["Image"].as_str().unwrap_or_default().rsplit(':').next().unwrap_or_default().to_owned()
    }
}

#[test]
fn the_newest_version_of_a_range_is_run() {
    with_registry(|engine, scope, registry| {
        let case = Case::new(engine, scope, registry, &["1.3.9", "1.4.2", "1.4.10", "1.5.0", "2.0.0-rc.1"]);
        case.state(&registry.name("shop/web:~1.4"), ", pull: always");
        let said = case.fine("apply states/prod.yml --test");
        assert!(said.contains("shop/web:1.4.10"), "{said}");
        case.fine("apply states/prod.yml");
        assert_eq!(case.runs(), "1.4.10");
        assert!(case.fine("apply states/prod.yml").contains("0 changed"));

        case.push(registry, "1.4.11");
        let before = registry.requests().len();
        let said = case.fine("apply states/prod.yml --test");
        assert!(said.contains("1.4.10") && said.contains("1.4.11"), "{said}");
        let asked = registry.requests()[before..].to_vec();
        assert!(asked.iter().all(|line| line.starts_with("GET ") || line.starts_with("HEAD ")), "{asked:?}");
        case.fine("apply states/prod.yml");
        assert_eq!(case.runs(), "1.4.11");
        assert!(case.fine("apply states/prod.yml").contains("0 changed"));
    });
}

#[test]
fn a_range_that_the_engine_can_fill_asks_nobody() {
    with_registry(|engine, scope, registry| {
        let case = Case::new(engine, scope, registry, &["1.4.2"]);
        case.state(&registry.name("shop/web:^1"), "");
        case.fine("apply states/prod.yml");
        case.push(registry, "1.5.0");
        let before = registry.requests().len();
        assert!(case.fine("apply states/prod.yml").contains("0 changed"));
        assert_eq!(registry.requests().len(), before);
        // Asked or not, what is there is enough when nobody may be asked.
        case.state(&registry.name("shop/web:^1"), ", pull: always");
        assert!(case.fine("apply states/prod.yml --offline --test").contains("0 would change"));
        case.state(&registry.name("shop/web:^2"), ", pull: never");
        let refused = case.run("apply states/prod.yml");
        assert_eq!(refused.code(), Some(1), "{refused}");
        assert!(refused.stdout.contains("the engine has none that fits"), "{refused}");
        assert_eq!(case.runs(), "1.4.2");
    });
}

#[test]
fn a_registry_that_says_nothing_or_has_nothing_leaves_what_runs() {
    with_registry(|engine, scope, registry| {
        let case = Case::new(engine, scope, registry, &["1.4.2"]);
        case.state(&registry.name("shop/web:~1.4"), ", pull: always");
        case.fine("apply states/prod.yml");
        case.state(&registry.name("shop/web:~1.6"), ", pull: always");
        let refused = case.run("apply states/prod.yml");
        assert_eq!(refused.code(), Some(1), "{refused}");
        assert!(
            refused.stdout.contains("no tag of the registry fits; the newest version there is 1.4.2"),
            "{refused}"
        );

        registry.stop();
        for range in ["~1.4", "~1.6"] {
            case.state(&registry.name(&format!("shop/web:{range}")), ", pull: always");
            for mode in ["", " --test"] {
                let refused = case.run(&format!("apply states/prod.yml{mode}"));
                assert_eq!(refused.code(), Some(1), "{range}: {refused}");
                assert!(refused.stdout.contains("unknown"), "{range}: {refused}");
            }
        }
        assert_eq!(case.runs(), "1.4.2");
        assert_eq!(inspect::container(engine, &scope.name("web"))["State"]["Running"], true);
    });
}

#[test]
fn a_pinned_range_stays_at_its_version() {
    with_registry(|engine, scope, registry| {
        let case = Case::new(engine, scope, registry, &["1.4.2"]);
        let name = registry.name("shop/web:~1.4");
        case.state(&name, ", pull: always");
        case.fine("pin states/prod.yml");
        let pins = case.pins();
        assert!(pins.contains("shop/web:~1.4:") && pins.contains("tag: 1.4.2"), "{pins}");
        case.push(registry, "1.4.3");
        case.fine("apply states/prod.yml");
        assert_eq!(case.runs(), "1.4.2");
        assert!(case.fine("apply states/prod.yml").contains("0 changed"));
        case.fine(&format!("pin states/prod.yml --update={name}"));
        assert!(case.pins().contains("tag: 1.4.3"));
        case.fine("apply states/prod.yml");
        assert_eq!(case.runs(), "1.4.3");
    });
}

#[test]
fn a_wrong_range_is_a_mistake_of_the_file() {
    with_registry(|engine, scope, registry| {
        let case = Case::new(engine, scope, registry, &[]);
        for (image, said) in
            [("web:~x", "is no range of versions"), ("web:>=1.4.2.1", "is no range of versions")]
        {
            case.state(image, "");
            let refused = case.run("check states/prod.yml");
            assert_eq!(refused.code(), Some(3), "{refused}");
            assert!(
                refused.stderr.contains(said) && refused.stderr.contains("ranges look like"),
                "{refused}"
            );
        }
        case.workspace.file("states/prod.yml", "web:~1.4:\n  image.built: {context: .}\n");
        let refused = case.run("check states/prod.yml");
        assert!(refused.stderr.contains("cannot have a range of versions"), "{refused}");
        case.state("web:~1.4", "");
        case.fine("check states/prod.yml");
    });
}
