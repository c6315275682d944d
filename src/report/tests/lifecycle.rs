//! Validations, updates and the status of containers, as text and as JSON.

use std::time::Duration;

use jiff::Timestamp;

use crate::plan::{
    ContainerStatus, Done, Method, MethodEnding, MethodReport, MethodRun, StatusReport, Subject, Validity,
};
use crate::report::{View, methods, methods_json, status, status_json};
use crate::world::Owner;

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn web() -> Subject {
    Subject {
        name: "web".to_owned(),
        owner: Some(Owner { project: "shop".to_owned(), env: "qa".to_owned() }),
        revision: Some(12),
        image: "registry.example/shop/web:qa".to_owned(),
        digest: Some(format!("sha256:{}", "ab".repeat(32))),
        version: Some("1.4.2".to_owned()),
    }
}

fn ran(method: Method, number: Option<u32>, ending: MethodEnding) -> MethodRun {
    MethodRun {
        subject: web(),
        method,
        number,
        ending,
        took: Duration::from_millis(1234),
        is_on_record: true,
    }
}

fn eventful() -> MethodReport {
    let hint = Some("declare it; then: evenkeel validate web".to_owned());
    let endings = [
        MethodEnding::Exited(0),
        MethodEnding::Exited(3),
        MethodEnding::NotRun { reason: "it declares\u{1b}[31m no validation".to_owned(), hint },
        MethodEnding::TimedOut(Duration::from_secs(300)),
        MethodEnding::Stopped,
        MethodEnding::Lost("the connection was closed".to_owned()),
    ];
    let left_out = |name: &str, reason: &str| (name.to_owned(), reason.to_owned());
    let mut runs = vec![ran(Method::Update, Some(3), MethodEnding::Exited(0))];
    runs.extend(endings.map(|ending| ran(Method::Validate, None, ending)));
    MethodReport {
        runs,
        left_out: vec![
            left_out("cache", "declares no validation"),
            left_out("db", "declares no validation"),
            left_out("old", "is exited (0)"),
        ],
        warnings: Vec::new(),
    }
}

#[test]
fn methods_tell_how_they_ended() {
    insta::assert_snapshot!(plain(&methods(&eventful(), &View::for_tests())), @"
    web: revision 12, update 3: passed in 1.2 s
    web: revision 12, validation: passed in 1.2 s
    web: revision 12, validation: ✗ failed with exit code 3 after 1.2 s
    web: revision 12, validation: ✗ failed: it declares no validation
      hint: declare it; then: evenkeel validate web
    web: revision 12, validation: no longer waited for: it did not end within --timeout 5 min 0 s
      hint: it may still run in the container
    web: revision 12, validation: no longer waited for: stopped
      hint: it may still run in the container
    web: revision 12, validation: its end is not known: the connection was closed
    left out: cache, db (declares no validation)
    left out: old (is exited (0))
    2 passed, 2 failed, 3 without an end, 3 left out
    ");
}

#[test]
fn methods_are_told_to_programs() {
    let json: serde_json::Value = serde_json::from_str(&methods_json(&eventful())).expect("JSON");
    let summary = r#"{"total":7,"passed":2,"failed":2,"unknown":3,"left_out":3}"#;
    assert_eq!(json["summary"].to_string(), summary);
    insta::assert_snapshot!(format!("{:#}", json["runs"][0]), @r#"
    {
      "container": "web",
      "project": "shop",
      "env": "qa",
      "revision": 12,
      "image": "registry.example/shop/web:qa",
      "digest": "sha256:abababababababababababababababababababababababababababababababab",
      "version": "1.4.2",
      "method": "update",
      "number": 3,
      "result": "passed",
      "exit_code": 0,
      "reason": null,
      "duration_ms": 1234,
      "on_record": true
    }
    "#);
    assert_eq!(json["runs"][4]["result"], "unknown");
}

const NOW: i64 = 1_700_000_000;

fn done(result: &'static str, ago: i64) -> Done {
    let when = Timestamp::from_second(NOW - ago).expect("a time");
    Done { result, when, exit_code: Some(0), revision: Some(11), number: None }
}

fn standing(name: &str, validation: Validity) -> ContainerStatus {
    ContainerStatus {
        subject: Subject { name: name.to_owned(), ..web() },
        state: "running".to_owned(),
        health: None,
        validation,
        update: None,
    }
}

fn report(containers: Vec<ContainerStatus>) -> StatusReport {
    let now = Timestamp::from_second(NOW).expect("a time");
    StatusReport { containers, missing: Vec::new(), unread: None, now }
}

fn fleet() -> StatusReport {
    let mut own = standing("web", Validity::Own(done("passed", 190)));
    own.health = Some("healthy".to_owned());
    let mut updated = standing("api", Validity::Own(done("failed", 7300)));
    updated.update = Some(Done { number: Some(3), ..done("passed", 7310) });
    let mut foreign = standing("hand-made-by-somebody-for-some-reason", Validity::Never);
    foreign.state = "exited (137)".to_owned();
    foreign.health = Some("unhealthy".to_owned());
    foreign.subject =
        Subject { name: foreign.subject.name, image: "busybox\u{1b}[2J".to_owned(), ..Subject::default() };
    report(vec![
        own,
        updated,
        standing("db", Validity::Undeclared),
        standing("job", Validity::Earlier(done("passed", 5 * 86_400))),
        standing("new", Validity::OtherImage(done("passed", 20))),
        foreign,
    ])
}

#[test]
fn the_status_is_one_line_per_container() {
    let wide = View { width: 120, ..View::for_tests() };
    insta::assert_snapshot!(plain(&status(&fleet(), &wide)), @r"
    NAME                      STATE         REV  VERSION  VALIDATED            UPDATED           DIGEST   IMAGE
    web                       healthy       r12  1.4.2    passed 3m ago        -                 abababa  …ample/shop/web:qa
    api                       running       r12  1.4.2    failed 2h ago        #3 passed 2h ago  abababa  …ample/shop/web:qa
    db                        running       r12  1.4.2    -                    -                 abababa  …ample/shop/web:qa
    job                       running       r12  1.4.2    passed 5d ago (r11)  -                 abababa  …ample/shop/web:qa
    new                       running       r12  1.4.2    not this image       -                 abababa  …ample/shop/web:qa
    hand-made-by-somebody-f…  exited (137)  -    -        never                -                 -        busybox\u{1b}[2J
    ");
}

#[test]
fn the_status_of_a_narrow_terminal_is_cut_sensibly() {
    let web = standing("web", Validity::Own(done("passed", 190)));
    let shown = plain(&status(&report(vec![web]), &View::for_tests()));
    insta::assert_snapshot!(shown, @"
    NAME  STATE    REV  VERSION  VALIDATED      DIGEST   IMAGE
    web   running  r12  1.4.2    passed 3m ago  abababa  …gistry.example/shop/web:qa
    ");
    for width in [20, 40, 80, 100] {
        let shown = plain(&status(&fleet(), &View { width, ..View::for_tests() }));
        assert!(shown.lines().all(|line| line.chars().count() <= width), "{width}:\n{shown}");
    }
}

#[test]
fn what_is_not_there_and_what_is_not_known_is_told() {
    let mut asked = report(vec![standing("web", Validity::Unknown)]);
    asked.missing = vec!["wbe".to_owned()];
    asked.unread = Some("it is damaged".to_owned());
    insta::assert_snapshot!(plain(&status(&asked, &View::for_tests())), @"
    NAME  STATE    REV  VERSION  VALIDATED  DIGEST   IMAGE
    web   running  r12  1.4.2    ?          abababa  registry.example/shop/web:qa
    ✗ wbe: there is no such container
    ");
    let json: serde_json::Value = serde_json::from_str(&status_json(&asked)).expect("JSON");
    assert_eq!((json["missing"][0].as_str(), json["history"].as_str()), (Some("wbe"), Some("it is damaged")));
    assert_eq!(json["containers"][0]["validation"]["of"], "unknown");
    insta::assert_snapshot!(plain(&status(&report(Vec::new()), &View::for_tests())), @"no container here is evenkeel's, and none declares a validation or an update");
}

#[test]
fn the_status_is_told_to_programs() {
    let json: serde_json::Value = serde_json::from_str(&status_json(&fleet())).expect("JSON");
    let of: Vec<_> =
        json["containers"].as_array().expect("a list").iter().map(|it| &it["validation"]["of"]).collect();
    assert_eq!(of, ["this", "this", "undeclared", "earlier", "other_image", "never"]);
    insta::assert_snapshot!(format!("{:#}", json["containers"][1]), @r#"
    {
      "name": "api",
      "project": "shop",
      "env": "qa",
      "state": "running",
      "health": null,
      "image": "registry.example/shop/web:qa",
      "digest": "sha256:abababababababababababababababababababababababababababababababab",
      "version": "1.4.2",
      "revision": 12,
      "validation": {
        "of": "this",
        "result": "failed",
        "when": "2023-11-14T20:11:40Z",
        "exit_code": 0,
        "revision": 11,
        "number": null
      },
      "update": {
        "of": "this",
        "result": "passed",
        "when": "2023-11-14T20:11:30Z",
        "exit_code": 0,
        "revision": 11,
        "number": 3
      }
    }
    "#);
}
