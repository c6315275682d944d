//! The API, timings, and mistakes in files.

use super::*;

#[test]
fn json_is_an_api() {
    let mut pending = web();
    pending.diff.truncate(1);
    let mut reports = ended(Ending::Pending);
    reports.steps = vec!["create container web.r2".to_owned()];
    let skipped = Ending::Skipped { because: "container.db failed".to_owned() };
    let report = run(vec![
        (pending, reports),
        (change("container", "running", "cron", Action::Create), ended(skipped)),
    ]);
    assert_snapshot!(json(&report), @r#"
    {
      "states": [
        {
          "id": "web",
          "kind": "container",
          "function": "running",
          "name": "web",
          "file": "states/prod.yml",
          "line": 7,
          "result": null,
          "action": "replace",
          "cause": "image and 3 more fields differ",
          "diff": [
            {
              "field": "image",
              "from": "nginx:1",
              "to": "nginx:2",
              "impact": "replace"
            }
          ],
          "steps": [
            "create container web.r2"
          ],
          "comment": "container web would be replaced: image and 3 more fields differ (brief interruption)",
          "duration_ms": 184
        },
        {
          "id": "cron",
          "kind": "container",
          "function": "running",
          "name": "cron",
          "file": "states/prod.yml",
          "line": 7,
          "result": false,
          "action": "none",
          "skipped": true,
          "cause": "container.db failed",
          "diff": [],
          "steps": [],
          "comment": "container.db failed",
          "duration_ms": 184
        }
      ],
      "summary": {
        "total": 2,
        "unchanged": 0,
        "changed": 0,
        "pending": 1,
        "failed": 0,
        "skipped": 1
      }
    }
    "#);
}

#[test]
fn timings_add_up() {
    let mut report = run(Vec::new());
    report.timings = vec![
        Timing { what: "load", took: Duration::from_millis(12) },
        Timing { what: "observe", took: Duration::from_millis(1_800) },
    ];
    report.requests = 31;
    assert_snapshot!(plain(&timings(&report)), @"
    timings
      load            12 ms
      observe         1.8 s
      total           1.8 s
      requests           31
    ");
}

#[test]
fn diagnostics_end_with_a_count() {
    let file = SourceFile::new("states/prod.yml", "web:\n  container.runing:\n    image: a\n");
    let mut found = Diagnostics::default();
    found.push(
        Diagnostic::error(&Place::in_file(&file, 2, 3), "unknown function `runing`")
            .hint("did you mean `running`?"),
    );
    found.push(Diagnostic::warning(&Place::in_file(&file, 3, 5), "odd").note("see above"));
    assert_snapshot!(plain(&diagnostics(&found)), @"
    error: unknown function `runing`
      --> states/prod.yml:2:3
       2 |   container.runing:
             ^
      hint: did you mean `running`?

    warning: odd
      --> states/prod.yml:3:5
       3 |     image: a
               ^
      note: see above

    1 error, 1 warning; nothing was touched
    ");
}
