//! One run at a time for a project and an environment of an engine, whatever machine it comes from, and what is left
//! of locks.

use super::stage::{Stage, each};
use crate::rig::engines::{self, Engine, Release};
use crate::rig::inspect::{self, Object};
use crate::rig::proxy::{Fault, Held, Request};
use crate::rig::waiting::until;
use crate::rig::workspace::{Run, Running, Victim, Workspace};
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};

const V1: &str = "@web: {container.running: {BB, env: {A: 1}}}";
const V2: &str = "@web: {container.running: {BB, env: {A: 2}}}\n@late: {container.running: {BB, require: [container: '@web']}}";

/// The locks of a scenario at its engine.
fn locks(stage: &Stage<'_>) -> Vec<Value> {
    let listed = stage.engine.http().get("/containers/json?all=1").ok().json();
    let is_own = |it: &&Value| it["Labels"]["io.evenkeel.lock.project"] == stage.scope.project();
    listed.as_array().into_iter().flatten().filter(is_own).cloned().collect()
}

fn is_create(request: &Request) -> bool {
    request.path.contains("/containers/create?name=evenkeel.lock.")
}

/// Another user of the same machine, or another machine: with another folder for locks.
fn elsewhere(stage: &Stage<'_>) -> Workspace {
    let tree = Workspace::new(&stage.scope).on(stage.engine.host());
    let states = std::fs::read(stage.tree.path("states/dev.yml")).expect("the states are written");
    tree.file("states/dev.yml", states);
    tree
}

/// Starts a run and holds it back where it stops the old `@web`.
fn caught_in_the_middle(stage: &Stage<'_>) -> (Running, Held) {
    stage.states(V1).apply(&[]).expect(0);
    stage.states(V2);
    stage.proxy.clear();
    let is_stop = |request: &Request| request.route().ends_with("/stop");
    let (fault, held) = Fault::hold();
    stage.proxy.fault_when(is_stop, fault);
    let running = stage.start(&[]);
    until("the stop of the old container", || stage.proxy.requests().iter().any(is_stop));
    (running, held)
}

/// A run that was killed when it had made its first container.
fn killed(stage: &Stage<'_>) {
    stage.states(V1);
    stage.proxy.clear();
    let victim = Victim::default();
    let killer = victim.clone();
    stage.proxy.fault_at(1, Fault::After(Box::new(move || killer.kill())));
    stage.tree.start(["apply", "states/dev.yml"], victim).wait();
    assert_eq!(locks(stage).len(), 1, "a killed run leaves its lock at the engine");
}

/// Makes what a killed run has left the lock of another machine, which ends in so many seconds.
fn as_of_another_machine(stage: &Stage<'_>, seconds: u32) {
    let lock = locks(stage).pop().expect("a lock was left");
    let name = lock["Names"][0].as_str().expect("a name").trim_start_matches('/').to_owned();
    let mut labels = lock["Labels"].clone();
    labels["io.evenkeel.lock.boot"] = json!("another one");
    labels["io.evenkeel.lock.host"] = json!("boat");
    inspect::remove(stage.engine, &name);
    let policy = json!({"Name": "on-failure", "MaximumRetryCount": seconds});
    let body = json!({"Image": "evenkeel/lock:1", "Cmd": ["-"], "Labels": labels, "HostConfig": {"RestartPolicy": policy}});
    inspect::create(stage.engine, &name, &body);
}

fn standing(tree: &Workspace, stage: &Stage<'_>) -> Vec<String> {
    let run = tree.run(["lock", "status", "--project", stage.scope.project(), "--json"]).expect(0);
    let locks = run.json()["locks"].as_array().cloned().expect("a list");
    locks.iter().map(|lock| lock["standing"].as_str().unwrap_or_default().to_owned()).collect()
}

fn unlock(tree: &Workspace, stage: &Stage<'_>, args: &[&str], code: i32) -> Run {
    tree.run(["unlock", "--project", stage.scope.project()].iter().chain(args)).expect(code)
}

#[test]
fn two_runs_that_share_no_folder_for_locks_meet_at_the_engine() {
    each(|stage| {
        let (first, held) = caught_in_the_middle(stage);
        let other = elsewhere(stage);
        let refused = other.apply("states/dev.yml", &[]).expect(5);
        assert_eq!(refused.stdout, "");
        for part in ["another run is at work", "its lock at the engine ends in", "hint: ", "--lock-wait 10m"]
        {
            assert!(refused.stderr.contains(part), "{part}: {refused}");
        }
        other.apply("states/dev.yml", &["--test"]).expect(0);
        assert_eq!(standing(&stage.tree, stage), ["at_work"]);
        assert_eq!(standing(&other, stage), ["elsewhere"]);
        let told = stage.tree.run(["lock", "status"]).expect(0).stdout;
        assert!(
            told.contains("a run of this machine is at work") && told.contains("apply states/dev.yml"),
            "{told}"
        );
        let alive = unlock(&stage.tree, stage, &["--force"], 5);
        assert!(alive.stderr.contains("another run is at work"), "{alive}");
        let alive = unlock(&other, stage, &[], 5);
        assert!(alive.stderr.contains("--force"), "{alive}");

        let args = ["apply", "states/dev.yml", "--lock-wait", "5m", "--output", "json"];
        let waiting = other.start(args, Victim::default());
        waiting.says("waiting for up to 300 s: another run is at work");
        let same_folder = stage.start(&["--lock-wait", "5m"]);
        same_folder.says("waiting for up to 300 s: another run is at work");
        drop(held);
        first.wait().expect(0);
        same_folder.wait().expect(0);
        let second = waiting.wait().expect(0);
        assert_eq!(second.json()["summary"]["changed"], 0, "{second}");
        assert_eq!(locks(stage), [json!(null); 0], "nothing is left but the empty image");
        stage.is_quiet();
        assert!(unlock(&other, stage, &[], 0).stdout.contains("there is no lock"));
    });
}

#[test]
fn runs_in_two_network_namespaces_of_two_host_names_respect_each_other() {
    each(|stage| {
        let (first, held) = caught_in_the_middle(stage);
        let other = elsewhere(stage);
        let machine = |args: &[&str]| {
            let own = other.command();
            let mut command = Command::new("unshare");
            command.args(["--uts", "--net", "sh", "-c", "hostname boat && exec \"$0\" \"$@\""]);
            command.arg(own.get_program()).args(["apply", "states/dev.yml"]).args(args);
            command.env_clear().current_dir(other.root());
            command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
            Run::of(command.output().expect("unshare starts"))
        };
        let refused = machine(&[]);
        if refused.code() != Some(5) && refused.stderr.contains("unshare") {
            drop(held);
            first.wait().expect(0);
            return engines::skip(stage.engine.name, "cannot make namespaces");
        }
        let refused = refused.expect(5);
        assert!(refused.stderr.contains("its lock at the engine ends in"), "{refused}");
        drop(held);
        first.wait().expect(0);
        let second = machine(&["--output", "json"]).expect(0);
        assert_eq!(second.json()["summary"]["changed"], 0, "{second}");
    });
}

#[test]
fn a_killed_runs_lock_is_taken_over_by_its_machine_at_once() {
    each(|stage| {
        killed(stage);
        assert_eq!(standing(&stage.tree, stage), ["left_behind"]);
        let other = elsewhere(stage);
        assert_eq!(standing(&other, stage), ["elsewhere"]);
        other.apply("states/dev.yml", &[]).expect(5);
        let run = stage.apply(&[]).expect(0);
        assert!(run.stderr.contains("taking over the lock at the engine of process"), "{run}");
        assert!(run.stderr.contains("which has ended"), "{run}");
        assert_eq!(locks(stage), [json!(null); 0]);
        stage.is_quiet();

        stage.states("@web: {container.absent: {}}").apply(&[]).expect(0);
        killed(stage);
        assert!(unlock(&stage.tree, stage, &[], 0).stdout.contains("its run is no more"));
        assert_eq!(locks(stage), [json!(null); 0]);
    });
}

#[test]
fn a_kill_at_any_call_of_the_lock_is_no_obstacle() {
    each(|stage| {
        let is_removal = |request: &Request| request.method == "DELETE" && request.is_of_lock;
        let calls: [fn(&Request) -> bool; 2] = [is_create, is_removal];
        for (round, (call, is_done)) in
            calls.iter().flat_map(|call| [(*call, false), (*call, true)]).enumerate()
        {
            stage.states(&V1.replace("A: 1", &format!("A: 1{round}")));
            stage.proxy.clear();
            let victim = Victim::default();
            let killer = victim.clone();
            let kill = Box::new(move || killer.kill());
            stage.proxy.fault_when(call, if is_done { Fault::After(kill) } else { Fault::Instead(kill) });
            let run = stage.tree.start(["apply", "states/dev.yml"], victim).wait();
            assert!(stage.proxy.faults_are_spent() && run.code().is_none(), "{round}: {run}");
            stage.apply(&[]).expect(0);
            assert_eq!(locks(stage), [json!(null); 0], "{round}");
            let env = stage.container("web")["Config"]["Env"].to_string();
            assert!(env.contains(&format!("A=1{round}")), "{round}: {env}");
        }
        stage.is_quiet();
    });
}

#[test]
fn another_machines_lock_is_waited_for_until_it_runs_out() {
    each(|stage| {
        killed(stage);
        as_of_another_machine(stage, 3600);
        let refused = stage.tree.apply("states/dev.yml", &[]).expect(5);
        assert!(refused.stderr.contains("on boat since") && refused.stderr.contains(" min "), "{refused}");
        unlock(&stage.tree, stage, &[], 5);
        let waiting = stage.start(&["--lock-wait", "5m"]);
        waiting.says("waiting for up to 300 s");
        waiting.signal("INT");
        waiting.wait().expect(130);
        assert_eq!(locks(stage).len(), 1);
        let removed = unlock(&stage.tree, stage, &["--force", "--json"], 0).json();
        assert_eq!(removed["removed"]["host"], "boat", "{removed}");

        stage.states("@web: {container.absent: {}}").apply(&[]).expect(0);
        killed(stage);
        as_of_another_machine(stage, 2);
        let run = stage.apply(&["--lock-wait", "5m"]).expect(0);
        assert!(run.stderr.contains("which has run out"), "{run}");
        assert_eq!(locks(stage), [json!(null); 0]);
        stage.is_quiet();
    });
}

#[test]
fn of_several_that_break_a_lock_at_once_one_works_at_a_time() {
    each(|stage| {
        killed(stage);
        as_of_another_machine(stage, 0);
        stage.states(
            "@a: {container.running: {BB}}\n@b: {container.running: {BB, require: [container: '@a']}}",
        );
        let trees = [elsewhere(stage), elsewhere(stage), elsewhere(stage)];
        let args = ["apply", "states/dev.yml", "--lock-wait", "5m", "--output", "json"];
        let runs = trees.each_ref().map(|tree| tree.start(args, Victim::default()));
        let changed = runs.map(|run| {
            let run = run.wait().expect(0);
            run.json()["summary"]["changed"].as_u64().unwrap_or_else(|| panic!("{run}"))
        });
        assert_eq!((changed.iter().sum::<u64>(), changed.contains(&2)), (2, true), "{changed:?}");
        assert_eq!(locks(stage), [json!(null); 0]);
    });
}

#[test]
fn of_several_that_begin_at_once_one_works_at_a_time() {
    each(|stage| {
        let states =
            "@a: {container.running: {BB}}\n@b: {container.running: {BB, require: [container: '@a']}}";
        stage.states(states);
        let other = elsewhere(stage);
        // Two of one user, and two of another one.
        let trees = [&stage.tree, &other, &stage.tree, &other];
        let args = ["apply", "states/dev.yml", "--output", "json"];
        let runs = trees.map(|tree| tree.start(args, Victim::default())).map(Running::wait);
        let codes: Vec<_> = runs.iter().map(Run::code).collect();
        let is_fine = |code: &Option<i32>| matches!(code, Some(0 | 5));
        assert!(codes.contains(&Some(0)) && codes.iter().all(is_fine), "{codes:?} {}", runs[0]);
        assert_eq!(stage.containers(), ["a", "b"]);
        stage.is_quiet();

        stage.states(&states.replace("BB", "BB, env: {A: 1}"));
        let other = elsewhere(stage);
        let trees = [&other, &stage.tree, &other, &stage.tree];
        let args = ["apply", "states/dev.yml", "--lock-wait", "5m", "--output", "json"];
        let runs = trees.map(|tree| tree.start(args, Victim::default())).map(Running::wait);
        let changed = runs.map(|run| {
            let run = run.expect(0);
            run.json()["summary"]["changed"].as_u64().unwrap_or_else(|| panic!("{run}"))
        });
        assert_eq!((changed.iter().sum::<u64>(), changed.contains(&2)), (2, true), "{changed:?}");
        assert_eq!(
            (stage.containers(), locks(stage)),
            (vec!["a".to_owned(), "b".to_owned()], vec![json!(null); 0])
        );
        stage.is_quiet();
    });
}

#[test]
fn a_lock_is_renewed_and_a_run_that_loses_it_begins_nothing_more() {
    engines::in_turn(|engine| {
        let mut stage = Stage::on(engine);
        stage.tree = stage.tree.env("EVENKEEL_LOCK_LEASE", "3s");
        let stage = &stage;
        let (first, held) = caught_in_the_middle(stage);
        let began = Instant::now();
        let other = elsewhere(stage);
        while began.elapsed() < Duration::from_secs(4) {
            other.apply("states/dev.yml", &[]).expect(5);
            std::thread::sleep(Duration::from_millis(500));
        }
        unlock(&other, stage, &["--force"], 0);
        // At most until the next renewal.
        std::thread::sleep(Duration::from_secs(2));
        drop(held);
        let run = first.wait().expect(1);
        for part in ["the lock at the engine was lost: somebody has removed it", "run it again"] {
            assert!(run.stdout.contains(part) || run.stderr.contains(part), "{part}: {run}");
        }
        assert!(stage.is_running("web") && !stage.is_running("late"), "{run}");
        stage.apply(&[]).expect(0);
        stage.is_quiet();
        stage.states(V1);
        let mut wrong = stage.tree.command();
        let wrong = wrong.args(["apply", "states/dev.yml"]).env("EVENKEEL_LOCK_LEASE", "1s").output();
        let wrong = Run::of(wrong.expect("it starts")).expect(64);
        assert!(wrong.stderr.contains("EVENKEEL_LOCK_LEASE=1s: it takes a time from 3s"), "{wrong}");
    });
}

#[test]
fn a_lock_costs_two_requests_and_a_run_without_changes_none() {
    with_private(|stage| {
        let routes = |stage: &Stage<'_>| -> Vec<String> {
            stage
                .proxy
                .of_locks()
                .iter()
                .map(|it| it.route().split('/').take(3).collect::<Vec<_>>().join("/"))
                .collect()
        };
        stage.states(V1).apply(&[]).expect(0);
        let first = ["POST /containers/create", "POST /images/load", "POST /containers/create"];
        assert_eq!(routes(stage)[..3], first);
        stage.is_quiet();
        assert_eq!(stage.proxy.of_locks().len(), 0);
        stage.states(V2).apply(&["--test"]).expect(0);
        assert_eq!(stage.proxy.of_locks().len(), 0);
        stage.apply(&[]).expect(0);
        let cost = routes(stage);
        assert_eq!((cost.len(), cost[0].as_str()), (2, "POST /containers/create"), "{cost:?}");
        assert!(cost[1].starts_with("DELETE /containers"), "{cost:?}");

        // Whoever removes unused images removes that one.
        stage.engine.http().delete("/images/evenkeel/lock:1").ok();
        stage.states(V1).apply(&["--prune"]).expect(0);
        assert_eq!(routes(stage)[..3], first);
        assert!(inspect::find(stage.engine, Object::Image, "evenkeel/lock:1").is_some());
        stage.is_quiet();
    });
}

#[test]
fn a_lock_that_the_engine_refuses_is_a_clear_error_before_anything_is_touched() {
    each(|stage| {
        stage.states(V1);
        stage.proxy.clear();
        stage.proxy.fault_when(is_create, Fault::Refuse(403));
        let run = stage.tree.apply("states/dev.yml", &[]).expect(1);
        for part in ["at the engine: create container `evenkeel.lock.", "403", "hint: ", "/images/load"] {
            assert!(run.stderr.contains(part), "{part}: {run}");
        }
        assert_eq!(stage.mutations(), [""; 0]);
        // Taken, and nobody heard of it.
        stage.proxy.fault_when(is_create, Fault::LoseAnswer);
        stage.tree.apply("states/dev.yml", &[]).expect(0);
        assert_eq!(locks(stage), [json!(null); 0]);
        // What cannot be removed is told, and does not stand in the way.
        let is_removal = |request: &Request| request.method == "DELETE" && request.is_of_lock;
        stage.states(V2);
        stage.proxy.clear();
        stage.proxy.fault_when(is_removal, Fault::Refuse(500));
        let run = stage.tree.apply("states/dev.yml", &[]).expect(0);
        assert!(run.stderr.contains("warning: the lock at the engine stays until it runs out"), "{run}");
        assert_eq!(standing(&stage.tree, stage), ["left_behind"]);
        stage.is_quiet();
        assert_eq!(locks(stage), [json!(null); 0], "a run with nothing to do tidies up");
    });
}

#[test]
fn a_stranger_with_the_name_of_a_lock_is_told_and_left_alone() {
    each(|stage| {
        killed(stage);
        let name = locks(stage)[0]["Names"][0].as_str().expect("a name").trim_start_matches('/').to_owned();
        inspect::remove(stage.engine, &name);
        inspect::create(
            stage.engine,
            &name,
            &json!({"Image": "ekt/bb:1", "Labels": {"io.evenkeel.lock.project": ""}}),
        );
        let id = inspect::id(stage.engine, &name);
        let run = stage.tree.apply("states/dev.yml", &["--lock-wait", "5m"]).expect(1);
        assert!(run.stderr.contains("is no lock") && run.stderr.contains("docker inspect"), "{run}");
        assert!(unlock(&stage.tree, stage, &["--force"], 0).stdout.contains("there is no lock"));
        assert_eq!(inspect::id(stage.engine, &name), id);
        inspect::remove(stage.engine, &name);
        stage.apply(&[]).expect(0);
    });
}

/// With an engine that has no image for locks, and whose images nobody else needs.
fn with_private(scenario: impl Fn(&Stage<'_>)) {
    let on = |engine: &Engine| scenario(&Stage::on(engine));
    engines::with_private(Release::Installed, &json!({}), on);
}
