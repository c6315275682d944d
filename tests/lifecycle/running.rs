//! Validations and updates in containers, whoever made them.

use super::{UPDATE, VALIDATE, answered, by_hand, contains, database, standing};
use crate::rig::engines;
use crate::rig::images;
use crate::rig::inspect;
use crate::rig::scope::Scope;
use crate::rig::workspace::{Victim, Workspace};
use serde_json::json;

#[test]
fn a_validation_passes_or_fails_in_any_container() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        let good =
            by_hand(engine, &scope, "good", &json!({VALIDATE: "echo s3cret-output; exit 0 # s3cret-word"}));
        let bad = by_hand(engine, &scope, "bad", &json!({VALIDATE: "echo one; echo two >&2; exit 3"}));
        let run = workspace.run(["validate", &good]).expect(0);
        assert!(run.stdout.contains(&format!("{good}: validation: passed in ")), "{run}");
        assert!(run.stdout.contains("1 passed, 0 failed"), "{run}");
        assert!(run.stderr.contains(&format!("{good} | s3cret-output")), "{run}");
        let (run, json) = answered(&workspace, &["validate", &bad, &good]);
        assert_eq!(run.code(), Some(1), "{run}");
        assert!(run.stderr.contains("| one") && run.stderr.contains("| two"), "{run}");
        let [first, second] = [&json["runs"][0], &json["runs"][1]];
        assert_eq!((&first["container"], &first["exit_code"]), (&json!(bad), &json!(3)), "{json}");
        assert_eq!((&first["result"], &second["result"]), (&json!("failed"), &json!("passed")));
        assert_eq!((&first["on_record"], &first["project"]), (&json!(true), &json!(null)));
        // What was run and what it said are nobody's business.
        let bytes = database(&workspace);
        assert!(contains(&bytes, &good) && !contains(&bytes, "s3cret"));
    });
}

#[test]
fn what_cannot_be_validated_is_told_with_its_remedy() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        let silent = by_hand(engine, &scope, "silent", &json!({}));
        let stopped = by_hand(engine, &scope, "stopped", &json!({VALIDATE: "true"}));
        inspect::stop(engine, &stopped);
        let paused = by_hand(engine, &scope, "paused", &json!({VALIDATE: "true"}));
        inspect::pause(engine, &paused);
        let none = scope.name("none");
        let run = workspace.run(["validate", &silent, &stopped, &paused, &none]).expect(1);
        for told in [
            format!("{silent}: validation: ✗ failed: it declares no validation"),
            format!("LABEL {VALIDATE}="),
            format!("evenkeel validate {silent}"),
            format!("{stopped}: validation: ✗ failed: it does not run: it is exited (137)"),
            format!("docker logs {stopped}"),
            format!("{paused}: validation: ✗ failed: it does not run: it is paused"),
            format!("{none}: validation: ✗ failed: there is no such container"),
            "0 passed, 4 failed".to_owned(),
        ] {
            assert!(run.stdout.contains(&told), "`{told}` is missing: {run}");
        }
        // That it did not run is on record; what never could be run is not.
        assert_eq!(standing(&workspace, &stopped)["validation"]["result"], "failed");
        let (_, json) = answered(&workspace, &["validate", &silent, &none]);
        assert_eq!(
            (&json["runs"][0]["on_record"], &json["runs"][1]["on_record"]),
            (&json!(false), &json!(false))
        );
        workspace.run(["validate"]).expect(64);
        workspace.run(["validate", &silent, "--timeout", "0"]).expect(64);
        workspace.run(["update"]).expect(64);
    });
}

#[test]
fn all_that_run_and_declare_it_are_validated() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        // Other tests have containers on this engine as well, some of them slow: this one looks at its own.
        let good = by_hand(engine, &scope, "good", &json!({VALIDATE: "true"}));
        let silent = by_hand(engine, &scope, "silent", &json!({}));
        let stopped = by_hand(engine, &scope, "stopped", &json!({VALIDATE: "true"}));
        inspect::stop(engine, &stopped);
        let (run, json) = answered(&workspace, &["validate", "--all", "--timeout", "2s"]);
        let of = |list: &str, name: &str| {
            let list = json[list].as_array().expect("a list");
            list.iter().find(|one| one["container"] == name).cloned()
        };
        assert_eq!(of("runs", &good).expect("it ran")["result"], "passed", "{run}");
        assert!(of("runs", &silent).is_none() && of("runs", &stopped).is_none(), "{run}");
        assert_eq!(of("left_out", &silent).expect("told")["reason"], "declares no validation", "{run}");
        assert_eq!(of("left_out", &stopped).expect("told")["reason"], "is exited (137)", "{run}");
    });
}

#[test]
fn output_is_shown_while_the_command_runs() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        let command = "echo begun; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo ended; printf unended";
        let name = by_hand(engine, &scope, "slow", &json!({VALIDATE: command}));
        let running = workspace.start(["validate", &name], Victim::default());
        running.says("| begun");
        // It waits for this.
        inspect::exec(engine, &name, &["touch", "/tmp/go"]);
        let run = running.wait().expect(0);
        assert!(run.stderr.contains("| ended") && run.stderr.contains("| unended"), "{run}");
    });
}

#[test]
fn waiting_has_a_bound() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        let command = "echo begun; while [ ! -e /tmp/go ]; do sleep 0.05; done; touch /tmp/gone";
        let name = by_hand(engine, &scope, "slow", &json!({VALIDATE: command}));
        let run = workspace.run(["validate", &name, "--timeout", "1s"]).expect(1);
        assert!(run.stdout.contains("it did not end within --timeout 1.0 s"), "{run}");
        assert!(run.stdout.contains("it may still run in the container"), "{run}");
        assert!(run.stdout.contains("0 passed, 0 failed, 1 without an end"), "{run}");
        let status = standing(&workspace, &name);
        assert_eq!(status["validation"]["result"], "unknown", "{status}");
        // The waiting ended, and not the command.
        inspect::exec(engine, &name, &["touch", "/tmp/go"]);
        let gone = "while [ ! -e /tmp/gone ]; do sleep 0.05; done";
        assert_eq!(inspect::exec(engine, &name, &["sh", "-c", gone]).0, 0);
    });
}

#[test]
fn an_interrupted_validation_did_not_pass() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        let name = by_hand(engine, &scope, "slow", &json!({VALIDATE: "echo begun; sleep 1000"}));
        let later = by_hand(engine, &scope, "later", &json!({VALIDATE: "true"}));
        let running = workspace.start(["validate", &name, &later], Victim::default());
        running.says("| begun");
        running.signal("INT");
        let run = running.wait().expect(130);
        assert!(run.stdout.contains(&format!("left out: {later} (stopped before)")), "{run}");
        assert_eq!(standing(&workspace, &name)["validation"]["result"], "unknown");
        assert_eq!(standing(&workspace, &later)["validation"]["of"], "never");
    });
}

#[test]
fn an_update_is_validated_and_makes_no_revision() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        let instructions = format!(
            "LABEL {VALIDATE}='test ! -e /tmp/broken'\nLABEL {UPDATE}='[ ! -e /tmp/stuck ] && date >/tmp/new'"
        );
        let image = images::image_with(engine, &scope, "web:1", &instructions);
        let name = scope.name("web");
        let text = format!("{name}:\n  container.running: {{image: '{image}', stop_signal: KILL}}\n");
        workspace.file("states/qa.yml", text);
        workspace.apply("states/qa.yml", &[]).expect(0);
        let id = inspect::id(engine, &name);

        let run = workspace.run(["update", &name]).expect(0);
        assert!(run.stdout.contains(&format!("{name}: revision 1, update 1: passed")), "{run}");
        assert!(run.stdout.contains(&format!("{name}: revision 1, validation: passed")), "{run}");
        assert_eq!(inspect::exec(engine, &name, &["test", "-e", "/tmp/new"]).0, 0);

        // It fetched something bad: that is told, and what runs is left as it is.
        inspect::exec(engine, &name, &["touch", "/tmp/broken"]);
        let (run, json) = answered(&workspace, &["update", &name]);
        assert_eq!(run.code(), Some(1), "{run}");
        assert_eq!((&json["runs"][0]["method"], &json["runs"][0]["number"]), (&json!("update"), &json!(2)));
        assert_eq!(json["runs"][1]["result"], "failed", "{json}");

        // What could not be updated is not validated.
        inspect::exec(engine, &name, &["touch", "/tmp/stuck"]);
        let (run, json) = answered(&workspace, &["update", &name]);
        assert_eq!(run.code(), Some(1), "{run}");
        assert_eq!(json["runs"].as_array().map(Vec::len), Some(1), "{json}");
        let status = standing(&workspace, &name);
        assert_eq!((&status["update"]["number"], &status["update"]["result"]), (&json!(3), &json!("failed")));
        assert_eq!((&status["revision"], &status["validation"]["result"]), (&json!(1), &json!("failed")));
        assert_eq!(inspect::id(engine, &name), id);
        assert!(workspace.apply("states/qa.yml", &[]).expect(0).stdout.contains("0 changed"));

        let silent = by_hand(engine, &scope, "silent", &json!({VALIDATE: "true"}));
        let run = workspace.run(["update", &silent]).expect(1);
        assert!(run.stdout.contains("it declares no update"), "{run}");
        assert!(run.stdout.contains(&format!("LABEL {UPDATE}=")), "{run}");
    });
}
