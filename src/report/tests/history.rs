//! Revisions of containers and their differences, as text and as JSON.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{diff, plain};
use crate::plan::{
    HistoryRead, HistoryReport, Impact, Revision, RevisionDifferences, RevisionResult, Whereabouts,
};
use crate::report::{Amount, View, differences, differences_json, history, history_json};

const NOW: i64 = 1_800_000_000;

fn revision(number: u32, age: i64, whereabouts: Whereabouts) -> Revision {
    Revision {
        name: "web".to_owned(),
        number: Some(number),
        when: Some(Timestamp::from_second(NOW - age).expect("a time")),
        image: "registry.example/shop/web:qa".to_owned(),
        image_id: Some(format!("sha256:{}", "cd".repeat(32))),
        digest: Some(format!("sha256:{}", "ab".repeat(32))),
        version: Some("1.4.2".to_owned()),
        by: Some("ann@ship".to_owned()),
        cause: Some("push".to_owned()),
        commit: Some("9af1c0372d-dirty".to_owned()),
        took: Some(Duration::from_millis(4200)),
        result: RevisionResult::Deployed,
        whereabouts,
        is_on_record: true,
        differences: vec!["image shop:1 -> shop:2".to_owned(), "env.A 1 -> \u{1b}[31m2".to_owned()],
        ..Revision::default()
    }
}

fn eventful() -> HistoryReport {
    let kept = |name: &str| Whereabouts::Kept { name: name.to_owned(), state: "exited (1)".to_owned() };
    let healthy = Whereabouts::Current { state: "running".to_owned(), health: Some("healthy".to_owned()) };
    let revisions = vec![
        Revision {
            why: Some("a \u{1b}[31mnew logo, and a long story about who wanted it".to_owned()),
            gap: Some(Duration::from_millis(320)),
            ..revision(5, 200, healthy)
        },
        Revision {
            result: RevisionResult::Failed,
            reason: Some("settle container web.r4.next: it ends with exit code 1".to_owned()),
            ..revision(4, 7200, kept("web.r4.failed"))
        },
        Revision { is_on_record: false, took: None, commit: None, ..revision(3, 7300, kept("web.r3")) },
        Revision { by: None, cause: None, took: None, ..revision(1, 400_000, Whereabouts::Gone) },
    ];
    let now = Timestamp::from_second(NOW).expect("a time");
    HistoryReport { name: Some("web".to_owned()), revisions, record: HistoryRead::Read, now }
}

#[test]
fn a_revision_has_a_line_and_one_for_who_and_why() {
    insta::assert_snapshot!(plain(&history(&eventful(), &View::for_tests())), @r#"
    REV  WHEN    RESULT    NOW                    VERSION  DIGEST   IMAGE
    r5   3m ago  deployed  healthy                1.4.2    abababa  …ple/shop/web:qa
         push by ann@ship, commit 9af1c03-dirty, took 4.2 s, away for 320 ms: a \u{…
    r4   2h ago  failed    kept as web.r4.failed  1.4.2    abababa  …ple/shop/web:qa
         push by ann@ship, commit 9af1c03-dirty, took 4.2 s
         ✗ settle container web.r4.next: it ends with exit code 1
    r3*  2h ago  deployed  kept as web.r3         1.4.2    abababa  …ple/shop/web:qa
         push by ann@ship
    r1   4d ago  deployed  gone                   1.4.2    abababa  …ple/shop/web:qa
    * not on record here: told by the labels of the container
    "#);
}

#[test]
fn all_of_it_is_told_to_those_who_ask() {
    let mut report = eventful();
    report.name = None;
    report.revisions.truncate(1);
    let view = View { amount: Amount::Verbose, ..View::for_tests() };
    insta::assert_snapshot!(plain(&history(&report, &view)), @r#"
    NAME  REV  WHEN    RESULT    NOW      VERSION  DIGEST   IMAGE
    web   r5   3m ago  deployed  healthy  1.4.2    abababa  …try.example/shop/web:qa
         push by ann@ship, commit 9af1c03-dirty, took 4.2 s, away for 320 ms: a \u{1b}[31mnew logo, and a long story about who wanted it
         ~ image shop:1 -> shop:2
         ~ env.A 1 -> \u{1b}[31m2
    "#);
}

#[test]
fn programs_get_the_same() {
    let mut report = eventful();
    report.record = HistoryRead::Unreadable("it is damaged".to_owned());
    let json: Value = serde_json::from_str(&history_json(&report)).expect("JSON");
    assert_eq!(
        (&json["history"], &json["revisions"][2]["on_record"]),
        (&json!("it is damaged"), &json!(false))
    );
    let failed = &json["revisions"][1];
    assert_eq!((&failed["result"], &failed["now"]), (&json!("failed"), &json!("kept")));
    assert_eq!((&failed["container_name"], &failed["took_ms"]), (&json!("web.r4.failed"), &json!(4200)));
    assert_eq!(json["revisions"][3]["container_name"], Value::Null);
}

#[test]
fn differences_are_told_as_a_plan_tells_them() {
    let mut report = RevisionDifferences {
        from: revision(1, 0, Whereabouts::Gone),
        to: revision(2, 0, Whereabouts::Gone),
        differences: vec![
            diff("env.A", json!("1"), json!("2"), Impact::Note),
            diff("memory", Value::Null, json!("64m"), Impact::Note),
            diff(
                "command",
                json!(["serve", "--port"]),
                json!(["serve", "--port", "a long one, with words"]),
                Impact::Note,
            ),
        ],
        hidden: vec!["env".to_owned()],
    };
    let view = View { width: 60, ..View::for_tests() };
    insta::assert_snapshot!(plain(&differences(&report, &view)), @r#"
    web@1 → web@2
      ~ env.A: 1 → 2
      + memory: 64m
      ~ command:
            --port
          + a long one, with words
    secrets are kept of neither, and not compared: env
    "#);
    let json: Value = serde_json::from_str(&differences_json(&report)).expect("JSON");
    assert_eq!(json["differences"][0], json!({"field": "env.A", "from": "1", "to": "2"}));
    report.differences.clear();
    assert!(plain(&differences(&report, &view)).starts_with("web@1 and web@2 are declared alike\n"));
}
