//! The human output, on one run with a bit of everything.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;
use crate::plan::{
    Action, Change, ChangeId, ChangeReport, Effect, Ending, Event, FieldDiff, Impact, Phase, Plan, RunReport,
    StateRef, Steps, Timing, When,
};
use crate::source::{Diagnostic, Diagnostics, Place, SourceFile};
use crate::world::{Id, Owner, Target};

mod changes;
mod highstate;
mod history;
mod json;
mod lifecycle;
mod progress;

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn change(kind: &'static str, function: &str, name: &str, action: Action) -> Change {
    let state = StateRef {
        id: name.to_owned(),
        kind,
        function: function.to_owned(),
        name: name.to_owned(),
        file: "states/prod.yml".to_owned(),
        line: 7,
    };
    Change {
        id: ChangeId(0),
        state,
        action,
        diff: Vec::new(),
        cause: String::new(),
        effect: Effect::None,
        notes: Vec::new(),
        blockers: Vec::new(),
        skipped: None,
        steps: Steps::default(),
        after: Vec::new(),
        after_any: Vec::new(),
        when: When::Always,
        retry: None,
        failhard: false,
    }
}

fn diff(field: &str, from: Value, to: Value, impact: Impact) -> FieldDiff {
    FieldDiff { field: field.to_owned(), from, to, impact }
}

fn ended(ending: Ending) -> ChangeReport {
    let started = SystemTime::UNIX_EPOCH + Duration::from_micros(61_988_400_737);
    let started = (!matches!(ending, Ending::Skipped { .. })).then_some(started);
    ChangeReport {
        ending,
        steps: Vec::new(),
        started,
        duration: Duration::from_micros(184_666),
        output: Vec::new(),
        notes: Vec::new(),
        made: None,
        gap: None,
    }
}

fn run(changes: Vec<(Change, ChangeReport)>) -> RunReport {
    let (changes, reports): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
    let changes = changes.into_iter().enumerate().map(|(id, change)| Change { id: ChangeId(id), ..change });
    RunReport {
        plan: Plan {
            owner: Owner { project: "shop".to_owned(), env: "prod".to_owned() },
            changes: changes.collect(),
            orphans: Vec::new(),
            warnings: Vec::new(),
        },
        changes: reports,
        timings: Vec::new(),
        requests: 0,
        registry_requests: 0,
        unknown: Vec::new(),
        dry_run: false,
        host: "local".to_owned(),
        aborted: None,
    }
}

fn web() -> Change {
    let mut web = change("container", "running", "web", Action::Replace);
    web.cause = "image and 3 more fields differ".to_owned();
    web.effect = Effect::Brief;
    web.diff = vec![
        diff("image", json!("nginx:1"), json!("nginx:2"), Impact::Replace),
        diff("env.LOG_LEVEL", json!("info"), json!("debug"), Impact::Replace),
        diff("env.OLD", json!("x"), Value::Null, Impact::Replace),
        diff("memory", Value::Null, json!("512m"), Impact::Update),
        diff(
            "volumes",
            json!(["/srv/app:/data:ro", "/etc/app:/etc2:ro", "logs:/var/log"]),
            json!(["/srv/app:/data", "/etc/app:/etc2:ro", "logs:/var/log"]),
            Impact::Replace,
        ),
    ];
    web
}

/// Everything that a real run can come to.
fn eventful() -> RunReport {
    let mut network = change("network", "present", "frontend", Action::Create);
    network.cause = "does not exist".to_owned();
    let mut db = change("container", "running", "db", Action::Start);
    db.cause = "is exited".to_owned();
    db.state.id = "database".to_owned();
    let mut failed = ended(Ending::Failed {
        reason: "start container db: it exited with code 1".to_owned(),
        hint: Some("docker logs db".to_owned()),
    });
    failed.output = vec!["\u{1b}[31mPANIC\u{1b}[0m: no space left".to_owned(), "bye\u{7}".to_owned()];
    let mut volume = change("volume", "present", "data", Action::None);
    volume.diff = vec![diff("labels.tier", Value::Null, json!("1"), Impact::Note)];
    volume.notes = vec!["labels of a volume cannot be changed".to_owned()];
    let skipped = Ending::Skipped { because: "container.db failed".to_owned() };
    let mut report = run(vec![
        (network, ended(Ending::Changed)),
        (web(), ended(Ending::Changed)),
        (db, failed),
        (change("container", "running", "cron", Action::Create), ended(skipped)),
        (volume, ended(Ending::Unchanged)),
        (change("image", "present", "nginx:2", Action::None), ended(Ending::Unchanged)),
    ]);
    let old = Target::new(&Id::Engine("abc".to_owned()), "old-worker");
    report.plan.orphans = vec![("container", old)];
    report.plan.warnings = vec!["`watch` on network.frontend counts as `require`".to_owned()];
    report
}
