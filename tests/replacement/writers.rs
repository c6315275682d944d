//! A database-like container: what it writes lies in an anonymous volume that only its image declares. Whoever is
//! current has all of it, and never do two write at once.

use crate::cases2::stage::{Stage, each};
use crate::rig::engines::{self, Engine, Release};
use crate::rig::images;
use crate::rig::inspect;
use crate::rig::proxy::{Fault, Request};
use crate::rig::waiting::until;
use crate::rig::workspace::Victim;
use serde_json::json;

/// Says who writes, again and again, so that two at once are seen by their turns.
const WRITES: &str = "while :; do echo $LEVEL >> /data/log; sleep 0.02; done";
/// Writes once and ends: its gate never opens.
const DIES: &str = "echo $LEVEL >> /data/log; exit 1";

fn prepare(stage: &Stage<'_>) {
    images::image_with(stage.engine, &stage.scope, "db:1", "VOLUME /data");
}

fn database(level: &str, policy: &str, command: &str) -> String {
    let more = if command == DIES { "1s" } else { "0s" };
    format!(
        "@db: {{container.running: {{image: '@db:1', init: true, command: [sh, -c, '{command}'], \
         env: {{LEVEL: {level}}}, restart: {policy}, stable_for: {more}, stop_timeout: 2}}}}"
    )
}

/// Who wrote, in turns: one that wrote again after another is there twice. Waits for the one that writes now.
fn writers(stage: &Stage<'_>, now: &str) -> Vec<String> {
    let read = || {
        let said = inspect::exec(stage.engine, &stage.name("db"), &["cat", "/data/log"]).1;
        let mut turns: Vec<String> = said.split_whitespace().map(str::to_owned).collect();
        turns.dedup();
        turns
    };
    until(&format!("{now} writes"), || read().last().is_some_and(|last| last == now));
    read()
}

fn is_start(request: &Request) -> bool {
    request.route().ends_with("/start")
}

fn killed_at(stage: &Stage<'_>, matches: fn(&Request) -> bool, is_done: bool) {
    stage.proxy.clear();
    let victim = Victim::default();
    let killer = victim.clone();
    let kill = Box::new(move || killer.kill());
    stage.proxy.fault_when(matches, if is_done { Fault::After(kill) } else { Fault::Instead(kill) });
    let run = stage.tree.start(["apply", "states/dev.yml"], victim).wait();
    assert!(stage.proxy.faults_are_spent() && run.code().is_none(), "{run}");
}

fn anonymous(stage: &Stage<'_>) -> String {
    let container = stage.container("db");
    container["Mounts"][0]["Name"].as_str().expect("it has a volume").to_owned()
}

#[test]
fn what_a_database_wrote_is_there_whatever_becomes_of_its_successors() {
    each(|stage| {
        prepare(stage);
        stage.states(&database("one", "always", WRITES)).apply(&[]).expect(0);
        let volume = anonymous(stage);
        assert_eq!(writers(stage, "one"), ["one"]);

        let run = stage.states(&database("two", "always", WRITES)).apply(&[]).expect(0);
        assert!(run.stdout.contains("strategy replace"), "{run}");
        assert_eq!(writers(stage, "two"), ["one", "two"]);

        // The old one comes back with what its successor wrote meanwhile.
        stage.states(&database("bad", "no", DIES)).apply(&[]).expect(1);
        assert_eq!(writers(stage, "two"), ["one", "two", "bad", "two"]);

        stage.tree.run(["rollback", &stage.name("db"), "--to", "1"]).expect(0);
        assert_eq!(writers(stage, "one"), ["one", "two", "bad", "two", "one"]);

        // In the gap: the old one is stopped, the new one not started, or started and not proven.
        stage.states(&database("three", "always", WRITES));
        killed_at(stage, is_start, false);
        assert!(!stage.is_running("db"), "there is a gap");
        stage.apply(&[]).expect(0);
        assert_eq!(writers(stage, "three"), ["one", "two", "bad", "two", "one", "three"]);
        stage.states(&database("four", "always", WRITES));
        killed_at(stage, is_start, true);
        stage.apply(&[]).expect(0);
        assert_eq!(writers(stage, "four"), ["one", "two", "bad", "two", "one", "three", "four"]);

        assert_eq!((anonymous(stage), stage.containers()), (volume, vec!["db".to_owned()]));
        stage.is_quiet();
    });
}

/// The engine is killed as soon as the newcomer was started, or when it is told that the old one is not to come back.
fn an_engine_dies_under_a_database(engine: &Engine, policy: &str, matches: fn(&Request) -> bool) {
    let stage = Stage::on(engine);
    prepare(&stage);
    stage.states(&database("one", policy, WRITES)).apply(&[]).expect(0);
    assert_eq!(writers(&stage, "one"), ["one"]);
    stage.states(&database("two", policy, WRITES));
    stage.proxy.clear();
    let dies = engine.clone();
    stage.proxy.fault_when(matches, Fault::After(Box::new(move || dies.crash())));
    let run = stage.tree.apply("states/dev.yml", &[]);
    assert!(stage.proxy.faults_are_spent(), "{run}");
    stage.apply(&[]).expect(0);
    let turns = writers(&stage, "two");
    let fine = [vec!["one", "two"], vec!["one", "two", "one", "two"]];
    assert!(fine.iter().any(|fine| turns == *fine), "two wrote at once: {turns:?}; it began with {run}");
    assert_eq!(stage.containers(), ["db"]);
    stage.is_quiet();
}

#[test]
fn two_databases_do_not_come_back_with_an_engine_that_died() {
    engines::with_private(Release::Installed, &json!({}), |engine| {
        an_engine_dies_under_a_database(engine, "always", is_start);
    });
}
