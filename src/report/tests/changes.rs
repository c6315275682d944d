//! The default output.

use super::*;

#[test]
fn changes_tells_what_why_and_effect() {
    assert_snapshot!(plain(&changes(&eventful(), &View::for_tests())), @"
    + create  network.frontend: does not exist
    ~ replace container.web: image and 3 more fields differ; brief interruption
      ~ image: nginx:1 → nginx:2   (replace)
      ~ env.LOG_LEVEL: info → debug   (replace)
      - env.OLD: x   (replace)
      + memory: 512m   (update)
      ~ volumes:   (replace)
          - /srv/app:/data:ro
          + /srv/app:/data
            /etc/app:/etc2:ro
    ✗ start   container.db (database): is exited
      failed: start container db: it exited with code 1
        | PANIC: no space left
        | bye
      hint: docker logs db
      declared in: states/prod.yml:7
    ○ skipped container.cron: container.db failed
    = ok      volume.data: as declared
      + labels.tier: 1   (note)
      note: labels of a volume cannot be changed
    ? orphan  container.old-worker: no state declares it any more
      hint: --prune removes containers and networks that no state declares any more
    warning: `watch` on network.frontend counts as `require`
    2 changed, 2 unchanged, 1 failed, 1 skipped
    ");
}

#[test]
fn a_dry_run_says_would() {
    let mut refused = change("network", "present", "back", Action::Refuse);
    refused.blockers = vec!["subnet 10.1.0.0/24 overlaps 10.1.0.0/16 of network `vpn`".to_owned()];
    let mut blocked = ended(Ending::Failed { reason: refused.blockers[0].clone(), hint: None });
    blocked.started = None;
    let mut report = run(vec![
        (web(), ended(Ending::Pending)),
        (refused, blocked),
        (change("volume", "present", "data", Action::None), ended(Ending::Unchanged)),
    ]);
    report.dry_run = true;
    report.changes[0].steps = vec!["create container web.r2".to_owned(), "stop container web".to_owned()];
    let view = View { amount: Amount::Verbose, glyphs: Glyphs::Ascii, width: 200, ..View::for_tests() };
    assert_snapshot!(plain(&changes(&report, &view)), @"
    ~ replace container.web: image and 3 more fields differ; brief interruption
      ~ image: nginx:1 -> nginx:2   (replace)
      ~ env.LOG_LEVEL: info -> debug   (replace)
      - env.OLD: x   (replace)
      + memory: 512m   (update)
      ~ volumes: [/srv/app:/data:ro, /etc/app:/etc2:ro, logs:/var/log] -> [/srv/app:/data, /etc/app:/etc2:ro, logs:/var/log]   (replace)
      step: create container web.r2
      step: stop container web
      took: 184 ms
      declared in: states/prod.yml:7
    x refuse  network.back
      refused: subnet 10.1.0.0/24 overlaps 10.1.0.0/16 of network `vpn`
      took: 184 ms
      declared in: states/prod.yml:7
    = ok      volume.data: as declared
      declared in: states/prod.yml:7
    1 would change, 1 unchanged, 1 failed
    ");
}

#[test]
fn what_waits_for_a_failure_is_listed_and_not_counted() {
    let only_if = "container.web fails".to_owned();
    let page =
        (change("container", "running", "page", Action::Create), ended(Ending::Conditional { only_if }));
    let mut report = run(vec![page]);
    report.dry_run = true;
    assert_snapshot!(plain(&changes(&report, &View::for_tests())), @"
    ? create  container.page: only if container.web fails
    0 would change, 1 unchanged, 0 failed
    ");
    let json: Value = serde_json::from_str(&json(&report)).expect("JSON");
    let state = &json["states"][0];
    assert_eq!((&state["result"], &state["action"]), (&json!(true), &json!("none")));
    assert_eq!(state["comment"], "container page would be created only if container.web fails");
    assert_eq!(json["summary"]["pending"], 0);
    assert_eq!(json["summary"]["unchanged"], 1);
}

#[test]
fn nothing_to_do_is_one_line() {
    let report = run(vec![(change("volume", "present", "data", Action::None), ended(Ending::Unchanged))]);
    assert_snapshot!(plain(&changes(&report, &View::for_tests())), @"0 changed, 1 unchanged, 0 failed");
}

#[test]
fn long_and_hostile_values_are_shown_line_by_line_and_harmless() {
    let mut web = change("container", "running", "web", Action::Replace);
    let old = "server {\n  listen 80;\n  a;\n  b;\n  c;\n  root /old;\n}";
    let new = "server {\n  listen 8080;\n  a;\n  b;\n  c;\n  root /new\u{1b}[2J;\n}";
    web.diff = vec![
        diff("env.CONF", json!(old), json!(new), Impact::Replace),
        diff("env.X", json!("\u{1b}]0;pwned\u{7}"), json!("a\u{202e}b"), Impact::Replace),
    ];
    let report = run(vec![(web, ended(Ending::Changed))]);
    let raw = changes(&report, &View::for_tests());
    let is_colour = |escape: &str| escape.split_once('m').is_some_and(|(code, _)| code.starts_with('['));
    assert!(raw.split('\u{1b}').skip(1).all(is_colour), "only colours may reach the terminal");
    assert_snapshot!(plain(&changes(&report, &View::for_tests())), @r"
    ~ replace container.web
      ~ env.CONF:   (replace)
            server {
          -   listen 80;
          +   listen 8080;
              a;
          ...
              c;
          -   root /old;
          +   root /new\u{1b}[2J;
            }
      ~ env.X: \u{1b}]0;pwned\u{7} → a\u{202e}b   (replace)
    1 changed, 0 unchanged, 0 failed
    ");
}
