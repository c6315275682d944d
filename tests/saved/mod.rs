//! Saved plans: applied as they are, or not at all.

use serde_json::Value;

use crate::rig::engines::Engine;
use crate::rig::images;
use crate::rig::inspect;
use crate::rig::scope::Scope;
use crate::rig::workspace::{Run, Workspace};

struct Case<'a> {
    engine: &'a Engine,
    scope: &'a Scope,
    workspace: Workspace,
}

impl<'a> Case<'a> {
    fn new(engine: &'a Engine, scope: &'a Scope) -> Self {
        let case = Self { engine, scope, workspace: Workspace::new(scope).on(engine.host()) };
        case.state("one");
        case
    }

    fn state(&self, level: &str) {
        let (name, image) = (self.scope.name("web"), images::bb(self.engine));
        let text = format!(
            "{name}:\n  container.running:\n    image: {image}\n    command: [sleep, '1000']\n    \
             stop_signal: KILL\n    env: {{LEVEL: {level}}}\n"
        );
        self.workspace.file("states/prod.yml", text);
    }

    fn run(&self, words: &str) -> Run {
        self.workspace.run(words.split_whitespace())
    }

    fn save(&self) -> Run {
        self.run("apply states/prod.yml --test --save plan.json").expect(0)
    }

    fn plan(&self) -> Value {
        let text = std::fs::read_to_string(self.workspace.path("plan.json")).expect("a plan");
        serde_json::from_str(&text).expect("JSON")
    }

    fn level(&self) -> String {
        let env = inspect::container(self.engine, &self.scope.name("web"))["Config"]["Env"].clone();
        let env = env.as_array().cloned().unwrap_or_default();
        let level = env.iter().filter_map(Value::as_str).find_map(|entry| entry.strip_prefix("LEVEL="));
        level.unwrap_or_default().to_owned()
    }
}

fn on_every_engine(case: impl Fn(&Case<'_>)) {
    crate::rig::engines::each(|engine| {
        let scope = Scope::new(engine);
        case(&Case::new(engine, &scope));
    });
}

#[test]
fn a_saved_plan_is_done_and_then_out_of_date() {
    on_every_engine(|case| {
        let saved = case.save();
        assert!(
            saved.stderr.contains("evenkeel apply") && saved.stdout.contains("1 would change"),
            "{saved}"
        );
        assert_eq!(case.run("apply plan.json --test").expect(0).stdout, saved.stdout);
        case.run("apply plan.json").expect(0);
        assert_eq!(case.level(), "one");
        let again = case.run("apply plan.json").expect(5);
        assert!(again.stderr.contains("out of date") && again.stderr.contains("nothing to do"), "{again}");
        // A plan of nothing is done at once.
        case.save();
        assert!(case.run("apply plan.json").expect(0).stdout.contains("0 changed"));
    });
}

#[test]
fn whatever_has_changed_since_is_refused() {
    on_every_engine(|case| {
        case.run("apply states/prod.yml").expect(0);
        case.state("two");
        case.save();
        // The engine.
        case.engine.http().act(&format!("/containers/{}/stop?t=0", case.scope.name("web"))).ok();
        let refused = case.run("apply plan.json").expect(5);
        assert!(refused.stderr.contains("what would be done is another"), "{refused}");
        case.engine.http().act(&format!("/containers/{}/start", case.scope.name("web"))).ok();
        // A file, even if the plan would be the same.
        let text = std::fs::read_to_string(case.workspace.path("states/prod.yml")).expect("a file");
        case.workspace.file("states/prod.yml", format!("# other words\n{text}"));
        let refused = case.run("apply plan.json").expect(5);
        assert!(refused.stderr.contains("states/prod.yml is another file now"), "{refused}");
        assert_eq!(case.level(), "one");
        case.workspace.file("states/prod.yml", text);
        case.run("apply plan.json").expect(0);
        assert_eq!(case.level(), "two");
    });
}

#[test]
fn a_plan_keeps_no_values_of_the_command_line() {
    on_every_engine(|case| {
        case.state("'{{ pillar.level }}'");
        case.run("apply states/prod.yml --test --save plan.json --pillar level=hush --pillar other=x")
            .expect(0);
        let text = case.plan().to_string();
        assert!(!text.contains("other=x") && case.plan()["pillar"].to_string().contains("level"), "{text}");
        let refused = case.run("apply plan.json").expect(64);
        assert!(refused.stderr.contains("--pillar level=…"), "{refused}");
        let refused = case.run("apply plan.json --pillar level=loud --pillar other=x").expect(5);
        assert!(refused.stderr.contains("the command line or the environment"), "{refused}");
        case.run("apply plan.json --pillar level=hush --pillar other=x").expect(0);
        assert_eq!(case.level(), "hush");
    });
}

#[test]
fn what_makes_no_sense_is_refused() {
    on_every_engine(|case| {
        case.save();
        for option in
            ["--prune", "--env qa", "--target x", "--host unix:///x", "--allow-data-loss", "--offline"]
        {
            let refused = case.run(&format!("apply plan.json {option}")).expect(64);
            assert!(refused.stderr.contains("part of a saved plan"), "{refused}");
        }
        case.run("apply states/prod.yml --save plan.json").expect(64);
        case.run("apply states/prod.yml --test --save plan.txt").expect(64);
        for (text, said) in [
            ("{", "no saved plan"),
            ("[]", "no saved plan"),
            ("{}", "no saved plan"),
            ("{\"version\": 99}", "plan again"),
            ("{\"version\": 1, \"files\": 1}", "no saved plan"),
        ] {
            case.workspace.file("other.json", text);
            let refused = case.run("apply other.json").expect(64);
            assert!(refused.stderr.contains(said), "{text}: {refused}");
        }
        case.run("apply missing.json").expect(64);
    });
}

#[test]
fn a_plan_that_something_stands_against_is_not_saved() {
    on_every_engine(|case| {
        let name = case.scope.name("web");
        case.workspace.file(
            "states/prod.yml",
            format!("{name}:\n  container.running: {{image: none-of-that-name:1, pull: never}}\n"),
        );
        let refused = case.run("apply states/prod.yml --test --save plan.json").expect(1);
        assert!(refused.stderr.contains("not saved"), "{refused}");
        assert!(!case.workspace.path("plan.json").exists());
    });
}

#[test]
fn a_plan_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    on_every_engine(|case| {
        case.save();
        let mode = std::fs::metadata(case.workspace.path("plan.json")).expect("a plan").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    });
}
