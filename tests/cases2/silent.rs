//! Engines that take a call and never answer.

use super::stage::{Stage, each};
use crate::rig::engines;
use crate::rig::inspect;
use crate::rig::proxy::{Fault, Request};
use crate::rig::waiting::until;
use crate::rig::workspace::{Run, Running, Victim};
use std::time::{Duration, Instant};

const TIMEOUT: &str = "EVENKEEL_ENGINE_TIMEOUT";
const V1: &str = "@web: {container.running: {BB, strategy: replace, restart: unless-stopped, stop_timeout: 0, env: {A: 1}}}";

/// With a short bound for everything that the engine answers at once.
fn with_bound(bound: &str, scenario: impl Fn(&Stage<'_>)) {
    engines::in_turn(|engine| {
        let mut stage = Stage::on(engine);
        stage.tree = stage.tree.env(TIMEOUT, bound);
        scenario(&stage);
    });
}

fn is_stop(request: &Request) -> bool {
    request.route().ends_with("/stop")
}

/// A run with a short bound; those before and after it have the usual ones, however busy the machine is.
fn bounded(stage: &Stage<'_>, bound: &str) -> Run {
    let args = ["apply", "states/dev.yml"];
    stage.tree.start_with(args, Victim::default(), &[(TIMEOUT, bound)]).wait()
}

/// Starts the replacement of `@web`, whose stop gets no answer until it is let go.
fn hung(stage: &Stage<'_>, fault: Fault) -> Running {
    stage.states(V1).apply(&[]).expect(0);
    stage.states(&V1.replace("A: 1", "A: 2"));
    stage.proxy.clear();
    stage.proxy.fault_when(is_stop, fault);
    let running = stage.start(&[]);
    until("the stop of the old one", || stage.proxy.requests().iter().any(is_stop));
    running
}

fn ends_well(stage: &Stage<'_>) {
    stage.apply(&[]).expect(0);
    assert!(stage.is_running("web"));
    assert!(stage.container("web")["Config"]["Env"].to_string().contains("A=2"));
    assert_eq!(stage.containers(), ["web"]);
    stage.is_quiet();
}

#[test]
fn an_engine_that_never_answers_is_a_clear_error_within_the_bound() {
    with_bound("1s", |stage| {
        stage.states(V1);
        for route in ["GET /_ping", "GET /containers/json"] {
            let (fault, held) = Fault::hang();
            stage.proxy.clear();
            stage.proxy.fault_when(move |request| request.route() == route, fault);
            let began = Instant::now();
            let run = stage.tree.apply("states/dev.yml", &[]).expect(4);
            assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
            for part in ["no answer within 1 s", "hint: ", "docker info", TIMEOUT] {
                assert!(run.stderr.contains(part), "{part}: {run}");
            }
            drop(held);
        }
        assert_eq!(stage.containers(), [""; 0]);
    });
}

#[test]
fn a_call_that_is_never_answered_is_told_and_the_old_one_goes_on() {
    with_bound("4s", |stage| {
        let (fault, held) = Fault::hang();
        let running = hung(stage, fault);
        let old = stage.id("web");
        let run = running.wait().expect(1);
        for part in ["stop container", "no answer within", "run it again"] {
            assert!(run.stdout.contains(part), "{part}: {run}");
        }
        assert!(stage.is_running("web") && stage.id("web") == old, "{run}");
        assert_eq!(stage.containers(), ["web"], "{run}");
        drop(held);
        ends_well(stage);
    });
}

#[test]
fn ctrl_c_ends_a_run_that_waits_for_an_answer() {
    with_bound("4s", |stage| {
        // Once: what is in hand ends with its bound.
        let (fault, held) = Fault::hang();
        let running = hung(stage, fault);
        running.signal("INT");
        running.says("stopping after the step in hand");
        let run = running.wait();
        assert!(matches!(run.code(), Some(1 | 130)), "{run}");
        assert!(stage.is_running("web"), "{run}");
        drop(held);
        ends_well(stage);
    });
    each(|stage| {
        // Twice: at once, though the usual bound is minutes. The call was done all the same.
        let (fault, held) = Fault::hang_after();
        let running = hung(stage, fault);
        running.signal("INT");
        running.says("stopping after the step in hand");
        let began = Instant::now();
        running.signal("INT");
        running.wait().expect(130);
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        drop(held);
        ends_well(stage);
    });
}

#[test]
fn what_the_engine_is_asked_to_wait_for_is_no_silence() {
    each(|stage| {
        // Nobody ends it but the engine, when its time is over.
        let deaf = "@web: {container.running: {BB, command: [sh, -c, \"trap '' TERM; touch /ready; while :; do sleep 0.1; done\"], \
                    stop_timeout: 5}}";
        stage.states(deaf).apply(&[]).expect(0);
        let ready = ["test", "-e", "/ready"];
        until("it is deaf", || inspect::exec(stage.engine, &stage.name("web"), &ready).0 == 0);
        let began = Instant::now();
        stage.states("@web: {container.absent: {}}");
        bounded(stage, "3s").expect(0);
        assert!(began.elapsed() > Duration::from_secs(4), "it was not deaf: {:?}", began.elapsed());
        assert_eq!(stage.containers(), [""; 0]);
    });
}

#[test]
fn a_bound_that_is_no_time_is_told() {
    engines::in_turn(|engine| {
        let stage = Stage::on(engine);
        stage.states(V1);
        let mut command = stage.tree.command();
        let run = command.args(["apply", "states/dev.yml", "--test"]).env(TIMEOUT, "soon").output();
        let run = Run::of(run.expect("it starts"));
        assert_ne!(run.code(), Some(0));
        assert!(run.stderr.contains("EVENKEEL_ENGINE_TIMEOUT=soon: it takes a time from 1s"), "{run}");
    });
}

#[test]
fn a_lock_that_is_never_answered_is_no_obstacle_for_long() {
    let creates = |request: &Request| request.path.contains("/containers/create?name=evenkeel.lock.");
    let removes = |request: &Request| request.method == "DELETE" && request.is_of_lock;
    let is_left = |stage: &Stage<'_>| {
        let listed = stage.engine.http().get("/containers/json?all=1").ok().text();
        listed.contains(&format!("\"io.evenkeel.lock.project\":\"{}\"", stage.scope.project()))
    };
    each(|stage| {
        // Not done, done, and done by the engine when all is over.
        for (number, (fault, held)) in
            [Fault::hang(), Fault::hang_after(), Fault::hold()].into_iter().enumerate()
        {
            stage.states(&V1.replace("A: 1", &format!("A: 1{number}")));
            stage.proxy.clear();
            stage.proxy.fault_when(creates, fault);
            let run = bounded(stage, "2s");
            assert!(stage.proxy.faults_are_spent(), "{number}: {run}");
            assert!(matches!(run.code(), Some(0 | 1 | 5)), "{number}: {run}");
            drop(held);
            stage.apply(&[]).expect(0);
            assert!(!is_left(stage), "{number}: {run}");
        }
        let (fault, held) = Fault::hang();
        stage.states(&V1.replace("A: 1", "A: 2"));
        stage.proxy.clear();
        stage.proxy.fault_when(removes, fault);
        let run = bounded(stage, "5s").expect(0);
        assert!(run.stderr.contains("warning: the lock at the engine stays"), "{run}");
        drop(held);
        ends_well(stage);
        assert!(!is_left(stage), "{run}");
    });
}
