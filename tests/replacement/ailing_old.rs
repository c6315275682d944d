//! The old one is not well when it is to be replaced: it ends again and again, is stopped, paused, or was never started.

use crate::cases2::stage::{Stage, each};
use crate::rig::inspect;
use crate::rig::waiting::until;
use serde_json::Value;

/// Ends three times a second, for ever.
const LOOPS: &str = "restart: unless-stopped, command: [sh, -c, 'sleep 0.3; exit 3']";
/// Ends at once, and has to stay up.
const DIES: &str = "restart: unless-stopped, stable_for: 1s, command: [sh, -c, 'exit 4']";

fn is_full() -> bool {
    std::env::var("EVENKEEL_MATRIX").is_ok_and(|wish| wish == "full")
}

fn web(level: &str, options: &str) -> String {
    let stable = if options.contains("stable_for") { "" } else { ", stable_for: 0s" };
    format!(
        "@web: {{container.running: {{image: 'ekt/bb:1', init: true{stable}, keep_revisions: 0, drain: 0s, \
         env: {{LEVEL: {level}}}, {options}}}}}"
    )
}

fn level(stage: &Stage<'_>) -> String {
    let env = stage.container("web")["Config"]["Env"].to_string();
    env.split("LEVEL=").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
}

fn has_looped(stage: &Stage<'_>) {
    until("it has ended", || stage.container("web")["RestartCount"].as_u64() > Some(0));
}

fn state(stage: &Stage<'_>) -> Value {
    stage.container("web")["State"]["Status"].clone()
}

fn policy(stage: &Stage<'_>) -> Value {
    stage.container("web")["HostConfig"]["RestartPolicy"]["Name"].clone()
}

/// A loop is replaced by a good one, and by a bad one: then it loops on under its name, as it did before.
fn a_loop_is_replaced(strategy: &str) {
    each(|stage| {
        let options = |how: &str| format!("{how}, strategy: {strategy}");
        for round in 0..if is_full() { 3 } else { 1 } {
            stage.states(&web("loop", &options(LOOPS))).apply(&[]);
            has_looped(stage);
            let id = stage.id("web");
            for attempt in ["bad", "worse"] {
                let run = stage.states(&web(attempt, &options(DIES))).apply(&[]).expect(1);
                let now = (stage.id("web"), level(stage), policy(stage));
                assert_eq!(now, (id.clone(), "loop".to_owned(), "unless-stopped".into()), "{round}: {run}");
                assert_eq!(stage.containers(), ["web"], "{round}: {run}");
                let status = state(stage);
                assert!(status == "running" || status == "restarting", "{round}: {status}: {run}");
            }
            let run = stage.states(&web("good", &options("restart: unless-stopped"))).apply(&[]).expect(0);
            assert_eq!((level(stage).as_str(), stage.is_running("web")), ("good", true), "{round}: {run}");
            assert_eq!(stage.containers(), ["web"], "{round}: {run}");
            stage.is_quiet();
        }
    });
}

#[test]
fn a_crash_loop_is_replaced_after_its_end() {
    a_loop_is_replaced("replace");
}

#[test]
fn a_crash_loop_is_replaced_where_strategy_is_overlap() {
    a_loop_is_replaced("overlap");
}

/// What somebody did to the old one, and how it is after a replacement that failed.
fn old_ones(stage: &Stage<'_>, strategy: &str) {
    type Trouble = fn(&Stage<'_>);
    let options = |how: &str| format!("{how}, strategy: {strategy}");
    let troubles: [(&str, Trouble); 3] = [
        ("paused", |stage| inspect::pause(stage.engine, &stage.name("web"))),
        ("stopped", |stage| inspect::stop(stage.engine, &stage.name("web"))),
        ("killed", |stage| {
            stage.engine.http().act(&format!("/containers/{}/kill", stage.id("web"))).ok();
            until("it has ended", || !stage.is_running("web"));
        }),
    ];
    for (number, (word, trouble)) in troubles.into_iter().enumerate() {
        stage.states(&web(&format!("old{number}"), &options("restart: unless-stopped"))).apply(&[]).expect(0);
        trouble(stage);
        let id = stage.id("web");
        let run = stage.states(&web("bad", &options(DIES))).apply(&[]).expect(1);
        assert_eq!(stage.id("web"), id, "{word}: {run}");
        assert_eq!(policy(stage), "unless-stopped", "{word}: {run}");
        assert_eq!(stage.containers(), ["web"], "{word}: {run}");
        // That is what is declared, whatever it did before.
        assert_eq!(state(stage), "running", "{word}: {run}");
        let run = stage.states(&web("good", &options("restart: unless-stopped"))).apply(&[]).expect(0);
        assert_eq!((level(stage).as_str(), stage.is_running("web")), ("good", true), "{word}: {run}");
        assert_eq!(stage.containers(), ["web"], "{word}: {run}");
        stage.is_quiet();
    }
}

#[test]
fn one_that_does_not_run_is_replaced_whatever_the_strategy_says() {
    each(|stage| {
        for strategy in if is_full() { &["replace", "overlap"][..] } else { &["overlap"] } {
            old_ones(stage, strategy);
        }
    });
}
