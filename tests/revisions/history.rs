//! Who made a revision and why, from the record and from labels, and what differs between two.

use super::Web;
use crate::rig::engines;
use crate::rig::inspect;
use crate::rig::workspace::STATE;
use serde_json::{Value, json};
use std::fs;

const ONE: &str = "env: {A: 1, DB_PASSWORD: 's3cret-one'}";
const TWO: &str = "env: {A: 2, DB_PASSWORD: 's3cret-two'}, memory: 64m, strategy: replace";

fn shown<'a>(revision: &'a Value, keys: &[&str]) -> Vec<&'a Value> {
    keys.iter().map(|key| &revision[*key]).collect()
}

#[test]
fn revisions_are_told_by_the_record_and_by_labels_alone() {
    engines::in_turn(|engine| {
        let web = Web::new(engine);
        let (name, workspace) = (&web.name, &web.workspace);
        web.deploy(ONE, &["--why", "the first one"]).expect(0);
        web.deploy(TWO, &["--why", "more memory"]).expect(0);

        let keys = ["revision", "result", "now", "cause", "why", "on_record", "container_name"];
        let kept = format!("{name}.r1");
        let check = |on_record: bool| {
            let revisions = web.revisions();
            assert_eq!(revisions.len(), 2, "{revisions:#?}");
            let [new, old] = [&revisions[0], &revisions[1]].map(|revision| shown(revision, &keys));
            let on_record = json!(on_record);
            assert_eq!(
                json!(new),
                json!([2, "deployed", "current", "manual", "more memory", on_record, name])
            );
            assert_eq!(
                json!(old),
                json!([1, "deployed", "kept", "manual", "the first one", on_record, kept])
            );
            let by = revisions[0]["by"].as_str().expect("somebody");
            assert!(by.starts_with("ann@"), "{by}");
            let differences = revisions[0]["differences"].to_string();
            assert!(differences.contains("env.A 1 -> 2") && differences.contains("memory"), "{differences}");
            assert_eq!(revisions[1]["state"], "exited (137)");
            revisions
        };
        let recorded = check(true);
        assert!(recorded[0]["gap_ms"].is_u64() && recorded[1]["gap_ms"].is_null(), "{recorded:#?}");
        let plan = recorded[0]["plan"].as_str().expect("a plan");
        let told = [
            &format!("replace container.{name}: "),
            "env.A 1 -> 2",
            "note: strategy replace: ",
            &format!("prepare: create container {name}.r2.next"),
            &format!("switch: stop container {name}"),
        ];
        for part in told {
            assert!(plan.lines().any(|line| line.starts_with(part)), "`{part}` is missing: {plan}");
        }
        assert!(recorded[0]["took_ms"].as_u64().is_some_and(|took| took > 0), "{recorded:#?}");

        let text = workspace.run(["history", name, "--verbose"]).expect(0);
        for told in [
            "r2",
            "running",
            "more memory",
            "the first one",
            "~ env.A 1 -> 2",
            "kept as ",
            "plan: replace container.",
            "switch: start",
        ] {
            assert!(text.stdout.contains(told), "`{told}` is missing: {text}");
        }
        assert!(!text.stdout.contains('\u{1b}') && text.stderr.is_empty(), "{text}");
        let all = workspace.run(["history", "--limit", "1000", "--json"]).expect(0).json();
        let own = all["revisions"].as_array().expect("a list").iter().filter(|one| one["name"] == **name);
        assert_eq!(own.count(), 2);

        // What differs is told, from the labels of one and the record of the other.
        let [first, second] = [1, 2].map(|number| format!("{name}@{number}"));
        let diff = workspace.run(["diff", &first, name]).expect(0);
        assert!(diff.stdout.contains(&format!("{first} → {second}\n")), "{diff}");
        assert!(
            diff.stdout.contains("  ~ env.A: 1 → 2\n") && diff.stdout.contains("+ memory: 64m\n"),
            "{diff}"
        );
        assert!(diff.stdout.contains("not compared: env"), "{diff}");
        let same = workspace.run(["diff", &kept, &first]).expect(0);
        assert!(same.stdout.contains("are declared alike"), "{same}");
        let unknown = workspace.run(["diff", &first, &format!("{name}@9")]).expect(1);
        assert!(
            unknown.stderr.contains(&format!("`{name}@9` is not known; these are: {second}, {first}")),
            "{unknown}"
        );
        let diff_json = workspace.run(["diff", &first, &second, "--json"]).expect(0);
        assert_eq!(diff_json.json()["differences"][0], json!({"field": "env.A", "from": "1", "to": "2"}));

        // Nothing of all this has a secret.
        let json = workspace.run(["history", name, "--json"]);
        for run in [&text, &diff, &same, &diff_json, &json] {
            assert!(!run.to_string().contains("s3cret"), "{run}");
        }

        // A record that is broken is told, and labels do.
        let file = format!("{STATE}/history.db");
        let record = fs::read(workspace.path(&file)).expect("a record");
        assert!(!String::from_utf8_lossy(&record).contains("s3cret"));
        workspace.file(&file, "no database\n".repeat(1000));
        let broken = workspace.run(["history", name]).expect(1);
        assert!(broken.stderr.contains("only labels of containers tell of revisions"), "{broken}");
        assert!(broken.stdout.contains("r2*") && broken.stdout.contains("more memory"), "{broken}");

        // One that is gone is no mistake.
        workspace.remove(&file);
        check(false);
        let labels = workspace.run(["history", name]).expect(0);
        assert!(labels.stderr.contains("there is no history here yet"), "{labels}");

        // And so is a container that is gone: it is on record what was declared.
        workspace.file(&file, record);
        inspect::remove(engine, &kept);
        assert_eq!(web.revisions()[1]["now"], "gone");
        let diff = workspace.run(["diff", &first, name]).expect(0);
        assert!(diff.stdout.contains("  ~ env.A: 1 → 2\n"), "{diff}");
        let none = workspace.run(["history", &web.scope.name("none")]).expect(1);
        assert!(none.stderr.contains("the engine has none, and none is on record"), "{none}");
    });
}

#[test]
fn a_history_that_is_gone_is_begun_anew_from_labels() {
    engines::in_turn(|engine| {
        let web = Web::new(engine);
        let (name, workspace) = (&web.name, &web.workspace);
        let at = |level: u32| format!("env: {{A: {level}}}, strategy: replace, drain: 0s");
        for level in 1..=3 {
            web.deploy(&at(level), &["--why", &format!("level {level}")]).expect(0);
        }
        let keys =
            ["revision", "result", "now", "why", "cause", "by", "when", "image_id", "container", "on_record"];
        let told = |from: usize| {
            let revisions = web.revisions();
            revisions[from..].iter().map(|one| json!(shown(one, &keys))).collect::<Vec<_>>()
        };
        let without_time = |told: Vec<Value>| {
            // Labels have the time of the run, the record that of its end.
            told.into_iter()
                .map(|mut one| {
                    one[6] = Value::Null;
                    one
                })
                .collect::<Vec<_>>()
        };
        let before = without_time(told(0));
        workspace.remove(&format!("{STATE}/history.db"));
        // A run that finds nothing to do is enough.
        assert!(web.deploy(&at(3), &[]).expect(0).stdout.contains("0 changed"));
        assert_eq!(without_time(told(0)), before);
        let restored = web.revisions();
        assert!(restored[0]["differences"].to_string().contains("env.A 2 -> 3"), "{restored:#?}");
        assert!(
            restored.iter().all(|one| one["took_ms"].is_null() && one["plan"].is_null()),
            "{restored:#?}"
        );

        // So is one that goes back; and no number is given twice.
        workspace.remove(&format!("{STATE}/history.db"));
        workspace.run(["rollback", name, "--to", "1"]).expect(0);
        let revisions = web.revisions();
        assert_eq!(json!(shown(&revisions[0], &keys[..3])), json!([4, "deployed", "current"]));
        assert!(revisions[0]["plan"].is_string() && revisions[0]["took_ms"].is_u64());
        assert_eq!(revisions.len(), 4);
        assert!(revisions.iter().all(|one| one["on_record"] == true), "{revisions:#?}");
        // What is on record by now outlives the containers.
        inspect::remove(engine, &format!("{name}.r2"));
        let gone = web.revisions();
        assert_eq!(json!(shown(&gone[2], &["revision", "now", "why"])), json!([2, "gone", "level 2"]));
        workspace.run(["rollback", name, "--to", "2"]).expect(0);
        let env = inspect::container(engine, name)["Config"]["Env"].to_string();
        assert!(env.contains("A=2"), "{env}");
    });
}

#[test]
fn a_failed_one_is_told_with_its_reason_and_no_number_is_given_twice() {
    engines::in_turn(|engine| {
        let web = Web::new(engine);
        web.deploy("env: {A: 1}", &[]).expect(0);
        web.deploy(&format!("{}, env: {{A: 2}}", Web::says("two", "exit 3")), &[]).expect(1);
        let failed = &web.revisions()[0];
        assert_eq!((&failed["revision"], &failed["result"]), (&json!(2), &json!("failed")), "{failed:#}");
        assert!(failed["reason"].as_str().is_some_and(|reason| reason.contains("exit code 3")), "{failed:#}");
        assert_eq!(failed["container_name"], format!("{}.r2.failed", web.name));
        let file = format!("{STATE}/history.db");
        let record = fs::read(web.workspace.path(&file)).expect("a record");
        web.workspace.remove(&file);
        let labelled = &web.revisions()[0];
        assert_eq!(
            (&labelled["result"], &labelled["reason"]),
            (&json!("failed"), &json!("it is exited (3)"))
        );
        web.workspace.file(&file, record);

        // Whatever is removed by hand: the record knows the numbers.
        inspect::remove(engine, &format!("{}.r2.failed", web.name));
        web.deploy("env: {A: 3}", &[]).expect(0);
        let numbers: Vec<Value> = web.revisions().iter().map(|one| one["revision"].clone()).collect();
        assert_eq!(json!(numbers), json!([3, 2, 1]));
        inspect::remove(engine, &format!("{}.r1", web.name));
        inspect::remove(engine, &web.name);
        web.deploy("env: {A: 4}", &[]).expect(0);
        let revisions = web.revisions();
        let places: Vec<_> = revisions.iter().map(|one| json!([one["revision"], one["now"]])).collect();
        assert_eq!(json!(places), json!([[4, "current"], [3, "gone"], [2, "gone"], [1, "gone"]]));
    });
}
