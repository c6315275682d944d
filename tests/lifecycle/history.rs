//! A history is never a reason to fail what it records, and survives whoever writes to it.

use super::{VALIDATE, by_hand, contains, database, standing};
use crate::rig::engines;
use crate::rig::scope::Scope;
use crate::rig::workspace::{STATE, Victim, Workspace};
use serde_json::json;
use std::fs;

#[test]
fn what_cannot_be_recorded_is_done_and_told() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        let name = by_hand(engine, &scope, "web", &json!({VALIDATE: "true"}));
        // Root may write anywhere but here.
        let nowhere = Workspace::new(&scope).on(engine.host()).env("EVENKEEL_STATE_DIR", "/proc/none");
        let run = nowhere.run(["validate", &name]).expect(0);
        let warning =
            format!("warning: this validation of {name} is not on record: cannot make the folder /proc/none");
        assert!(run.stderr.contains(&warning), "{run}");
        assert!(run.stderr.contains("EVENKEEL_STATE_DIR=/path"), "{run}");

        // Somebody wrote over it.
        let garbage = "no database\n".repeat(1000);
        workspace.file(&format!("{STATE}/history.db"), &garbage);
        let run = workspace.run(["validate", &name]).expect(0);
        assert!(run.stdout.contains("1 passed") && run.stderr.contains("history.db is damaged"), "{run}");
        assert!(run.stderr.contains("hint: move it away, and a new one is begun: mv "), "{run}");
        let run = workspace.run(["status", &name]).expect(1);
        assert!(run.stdout.contains(&name), "{run}");
        assert!(run.stderr.contains("error: it is not known what was validated and updated"), "{run}");
        assert!(run.stderr.contains("is damaged") && run.stderr.contains("mv "), "{run}");
        assert_eq!(database(&workspace), garbage.as_bytes(), "what is damaged is left alone");

        // As it was told.
        let file = workspace.path(STATE).join("history.db");
        fs::rename(&file, file.with_extension("db.damaged")).expect("moved");
        let run = workspace.run(["validate", &name]).expect(0);
        assert!(!run.stderr.contains("warning"), "{run}");
        assert_eq!(standing(&workspace, &name)["validation"]["result"], "passed");
    });
}

#[test]
fn a_killed_validation_leaves_a_history_that_can_be_read() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        let fine = by_hand(engine, &scope, "fine", &json!({VALIDATE: "true"}));
        let slow = by_hand(engine, &scope, "slow", &json!({VALIDATE: "echo begun; sleep 1000"}));
        workspace.run(["validate", &fine]).expect(0);
        let victim = Victim::default();
        let running = workspace.start(["validate", &slow], victim.clone());
        running.says("| begun");
        victim.kill();
        running.wait();
        assert_eq!(standing(&workspace, &fine)["validation"]["result"], "passed");
        assert_eq!(standing(&workspace, &slow)["validation"]["of"], "never");
        workspace.run(["validate", &fine]).expect(0);
    });
}

#[test]
fn runs_side_by_side_are_all_on_record() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        let names: Vec<_> = (0..4)
            .map(|number| by_hand(engine, &scope, &format!("web{number}"), &json!({VALIDATE: "true"})))
            .collect();
        let running = names.iter().map(|name| workspace.start(["validate", name], Victim::default()));
        for running in running.collect::<Vec<_>>() {
            let run = running.wait().expect(0);
            assert!(!run.stderr.contains("warning"), "{run}");
        }
        for name in &names {
            assert_eq!(standing(&workspace, name)["validation"]["of"], "this");
        }
    });
}

#[test]
fn who_did_it_and_why_is_on_record() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let name = by_hand(engine, &scope, "web", &json!({VALIDATE: "true"}));
        let workspace = Workspace::new(&scope).on(engine.host()).env("USER", "ann-of-the-test");
        workspace.run(["validate", &name, "--why", "the nightly check"]).expect(0);
        let bytes = database(&workspace);
        assert!(contains(&bytes, "ann-of-the-test@") && contains(&bytes, "the nightly check"));
        // It was this user's own business.
        let mode = |path: &str| {
            use std::os::unix::fs::MetadataExt;
            fs::metadata(workspace.path(path)).expect("it is there").mode() & 0o777
        };
        assert_eq!(mode(STATE), 0o700);
    });
}
