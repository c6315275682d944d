//! Runs that meet each other, that are killed or asked to stop, and engines that restart under them.

use super::stage::{Stage, each};
use crate::rig::engines::{self, Release};
use crate::rig::proxy::{Fault, Held, Request};
use crate::rig::waiting::patiently;
use crate::rig::workspace::{Running, Victim};
use serde_json::json;

const V1: &str = "@web: {container.running: {BB, keep_revisions: 0, strategy: replace, env: {A: 1}}}";
const V2: &str = "@web: {container.running: {BB, keep_revisions: 0, strategy: replace, env: {A: 2}}}\n@late: {container.running: {BB, require: [container: '@web']}}\n@later: {container.running: {BB, require: [container: '@late']}}";

fn is_stop(request: &Request) -> bool {
    request.route().ends_with("/stop")
}

/// Waits until a request has come by that matches.
fn wait_for(stage: &Stage<'_>, matches: impl Fn(&Request) -> bool) {
    let has_come = || stage.proxy.requests().iter().any(&matches).then_some(());
    assert!(patiently(has_come).is_some(), "it never came: {:?}", stage.mutations());
}

/// Starts the replacement of `@web` and holds its stop back.
fn caught_in_the_middle(stage: &Stage<'_>) -> (Running, Held) {
    stage.states(V1).apply(&[]).expect(0);
    stage.states(V2);
    stage.proxy.clear();
    let (fault, held) = Fault::hold();
    stage.proxy.fault_when(is_stop, fault);
    let running = stage.start(&[]);
    wait_for(stage, is_stop);
    (running, held)
}

#[test]
fn l23_a_second_run_is_told_who_is_at_work() {
    each(|stage| {
        let (first, held) = caught_in_the_middle(stage);
        let second = stage.tree.apply("states/dev.yml", &[]).expect(5);
        assert_eq!(second.stdout, "");
        for part in ["another run is at work", "apply states/dev.yml", "process ", "hint: "] {
            assert!(second.stderr.contains(part), "{part}: {second}");
        }
        stage.tree.apply("states/dev.yml", &["--test"]).expect(0);
        drop(held);
        first.wait().expect(0);
        stage.is_quiet();
    });
}

#[test]
fn l07_l23_the_lock_of_a_run_that_was_killed_is_free() {
    each(|stage| {
        stage.states(V1);
        let victim = Victim::default();
        let killer = victim.clone();
        stage.proxy.fault_at(1, Fault::After(Box::new(move || killer.kill())));
        stage.tree.start(["apply", "states/dev.yml"], victim).wait();
        assert_eq!(stage.containers(), ["web"], "it was made and not started");
        stage.converges(&["start container.web"]);
    });
}

#[test]
fn x17_a_replacement_that_was_killed_converges() {
    each(|stage| {
        stage.states(V1).apply(&[]).expect(0);
        for (round, k) in [1, 2, 3, 4, 5, 6].into_iter().enumerate() {
            stage.states(&V1.replace("A: 1", &format!("A: {}", round + 2)));
            let victim = Victim::default();
            let killer = victim.clone();
            stage.proxy.clear();
            stage.proxy.fault_at(k, Fault::After(Box::new(move || killer.kill())));
            stage.tree.start(["apply", "states/dev.yml"], victim).wait();
            assert!(stage.proxy.faults_are_spent(), "call {k}");
            let said = stage.test(0);
            assert_eq!(stage.actions(&[], 0), said, "after call {k}");
            stage.is_quiet();
            assert_eq!(stage.containers(), ["web"], "after call {k}");
            let env = stage.container("web")["Config"]["Env"].to_string();
            assert!(env.contains(&format!("A={}", round + 2)), "after call {k}");
        }
    });
}

#[test]
fn ctrl_c_in_the_middle_of_a_replacement_brings_it_to_its_end_and_begins_nothing() {
    each(|stage| {
        let (running, held) = caught_in_the_middle(stage);
        running.signal("INT");
        running.says("stopping after the step in hand");
        drop(held);
        let run = running.wait().expect(130);
        let said = stage.short(&run.stdout);
        for part in [
            "replace container.web",
            "the run was interrupted; left for the next run: remove container web.r1",
            "skipped container.late: the run was interrupted",
            "skipped container.later: the run was interrupted",
            "1 changed, 1 unchanged, 0 failed, 2 skipped",
        ] {
            assert!(said.contains(part), "{part}: {run}");
        }
        assert!(stage.is_running("web"), "{run}");
        assert!(!stage.is_running("late"), "{run}");
        stage.apply(&[]).expect(0);
        stage.is_quiet();
        assert_eq!(stage.containers(), ["late", "later", "web"]);
    });
}

#[test]
fn a_polite_end_is_told_by_its_own_code() {
    each(|stage| {
        let (running, held) = caught_in_the_middle(stage);
        running.signal("TERM");
        running.says("stopping after the step in hand");
        drop(held);
        running.wait().expect(143);
        assert!(stage.is_running("web"));
        stage.apply(&[]).expect(0);
        stage.is_quiet();
    });
}

#[test]
fn ctrl_c_before_anything_was_touched_ends_at_once() {
    each(|stage| {
        stage.states(V1);
        stage.proxy.clear();
        let is_list = |request: &Request| request.route() == "GET /containers/json";
        let (fault, held) = Fault::hold();
        stage.proxy.fault_when(is_list, fault);
        let running = stage.start(&[]);
        wait_for(stage, is_list);
        running.signal("INT");
        // The answer is still held back when it ends.
        running.wait().expect(130);
        drop(held);
        assert_eq!(stage.mutations(), [""; 0]);
        assert_eq!(stage.containers(), [""; 0]);
    });
}

#[test]
fn l29_an_engine_that_restarts_in_the_middle_is_told_and_the_rerun_converges() {
    engines::with_private(Release::Installed, &json!({}), |engine| {
        let stage = Stage::on(engine);
        stage.states(V1).apply(&[]).expect(0);
        for (round, k) in [1, 2, 3, 4].into_iter().enumerate() {
            stage.states(&V1.replace("A: 1", &format!("A: {}", round + 2)));
            stage.proxy.clear();
            let restarted = engine.clone();
            stage.proxy.fault_at(k, Fault::Before(Box::new(move || restarted.restart())));
            let run = stage.tree.apply("states/dev.yml", &[]);
            assert!(stage.proxy.faults_are_spent());
            assert!(matches!(run.code(), Some(0 | 1 | 4)), "call {k}: {run}");
            assert!(!run.stderr.contains("panicked"), "{run}");
            stage.apply(&[]).expect(0);
            stage.is_quiet();
            assert_eq!(stage.containers(), ["web"], "after call {k}");
        }
    });
}

#[test]
fn l29_an_engine_that_went_away_is_told() {
    engines::with_private(Release::Installed, &json!({}), |engine| {
        let stage = Stage::on(engine);
        stage.states(V1);
        let stopped = engine.clone();
        stage.proxy.fault_at(1, Fault::Before(Box::new(move || stopped.stop())));
        let run = stage.tree.apply("states/dev.yml", &[]).expect(1);
        assert!(run.stdout.contains("failed: create container"), "{run}");
        stage.tree.apply("states/dev.yml", &[]).expect(4);
    });
}

#[test]
fn repair_finishes_what_was_left_and_does_nothing_else() {
    each(|stage| {
        stage.states(V1).apply(&[]).expect(0);
        stage.states(V2);
        stage.proxy.clear();
        let victim = Victim::default();
        let killer = victim.clone();
        stage.proxy.fault_when(is_stop, Fault::After(Box::new(move || killer.kill())));
        stage.tree.start(["apply", "states/dev.yml"], victim).wait();
        assert!(!stage.is_running("web"), "it was stopped, and its successor not started");

        // A guard would be run; a repair has no need of its answer.
        let guard = stage.tree.path("asked");
        let guarded = format!("{V2}\n@x: {{container.running: {{BB, onlyif: 'touch {}'}}}}", guard.display());
        stage.states(&guarded);
        stage.proxy.clear();
        let repair =
            |args: &[&str]| stage.tree.run(["repair", "states/dev.yml", "--json"].iter().chain(args));
        let foretold = repair(&["--test"]).expect(0).json();
        assert_eq!(stage.listed(&foretold), ["recover container.web"]);
        assert_eq!(stage.mutations(), [""; 0]);
        let done = repair(&[]).expect(0).json();
        assert_eq!(stage.listed(&done), ["recover container.web"]);
        assert!(stage.is_running("web") && !guard.exists());
        // What the killed run had prepared stays as it is.
        assert_eq!(stage.containers(), ["late", "later", "web"]);
        assert!(!stage.is_running("late"), "what the states declare is no matter");
        stage.proxy.clear();
        let again = repair(&[]).expect(0).json();
        assert_eq!((stage.listed(&again), stage.mutations()), (Vec::new(), Vec::new()));
        stage.states(V2).apply(&[]).expect(0);
        stage.is_quiet();
    });
}
