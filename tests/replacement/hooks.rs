//! Commands that go along with a replacement, on every path, and its rehearsal.

use crate::cases2::stage::{Stage, each};
use crate::rig::inspect::{self, Object};
use crate::rig::proxy::{Fault, Request};
use crate::rig::workspace::Victim;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

fn web(version: u32, more: &str) -> String {
    format!(
        "@web: {{container.running: {{BB, networks: {{'@net': {{aliases: [w]}}}}, env: {{V: {version}}}, drain: 0{more}}}}}\n@net: {{network.present: {{}}}}"
    )
}

/// A command that notes a word in the order in which hooks are run.
fn notes(stage: &Stage<'_>, word: &str) -> String {
    format!("{{here: 'echo {word} >> {}/notes'}}", stage.tree.root().display())
}

/// What was noted since the last time.
fn noted(stage: &Stage<'_>) -> Vec<String> {
    let path = stage.tree.root().join("notes");
    let text = fs::read_to_string(&path).unwrap_or_default();
    _ = fs::remove_file(path);
    text.lines().map(str::to_owned).collect()
}

fn all(stage: &Stage<'_>) -> String {
    let note = |word: &str| notes(stage, word);
    format!(
        ", pre_replace: [{}, {{once: 'test -n \"$V\"'}}, {{old: 'test -n \"$V\"'}}], post_start: [{}, 'touch /started'], \
         pre_stop: [{}, 'test -d /sys/class/net/eth0 -o -d /sys/class/net/eth1'], post_replace: [{}, {{new: 'test -e /started'}}]",
        note("before $EVENKEEL_NAME"),
        note("started"),
        note("stops"),
        note("after")
    )
}

#[test]
fn hooks_are_run_in_their_order_with_both_strategies() {
    each(|stage| {
        let hooks = all(stage);
        let named = format!("before {}", stage.name("web"));
        for (strategy, expected) in [
            ("overlap", [named.as_str(), "started", "after", "stops"]),
            ("replace", [named.as_str(), "stops", "started", "after"]),
        ] {
            let more = format!(", strategy: {strategy}{hooks}");
            stage.states("@web: {container.absent: {}}").apply(&[]).expect(0);
            noted(stage);
            stage.states(&web(1, &more)).apply(&[]).expect(0);
            assert_eq!(noted(stage), ["started"], "nothing was replaced");
            stage.states(&web(2, &more));
            assert_eq!(stage.test(0), ["replace container.web"]);
            assert_eq!(noted(stage), [""; 0], "--test runs none");
            let said = stage.said(&[], 0);
            assert!(!said.contains("exited with"), "whoever is to stop has its networks until then: {said}");
            assert_eq!(noted(stage), expected, "{strategy}");
            stage.is_quiet();
            assert_eq!(noted(stage), [""; 0]);
        }
        let names = stage.names(Object::Container);
        assert!(names.iter().all(|name| !name.ends_with(".once")), "{names:?}");
    });
}

#[test]
fn a_hook_that_fails_means_what_its_moment_means() {
    each(|stage| {
        stage.states(&web(1, "")).apply(&[]).expect(0);
        let id = stage.id("web");
        for (hook, said) in [
            (
                ", pre_replace: {here: 'echo no; exit 3'}",
                "run pre_replace here: `echo no; exit 3`: it exited with 3",
            ),
            (
                ", pre_replace: {old: 'exit 4'}",
                "run pre_replace in container web: `exit 4`: it exited with 4",
            ),
            (", pre_replace: {once: 'echo no; exit 5'}", "it ended with exit code 5"),
            (", post_start: 'exit 6'", "in container web.r5.next: `exit 6`: it exited with 6"),
            (", strategy: replace, post_start: 'exit 7'", "web serves again"),
        ] {
            stage.states(&web(2, hook));
            let told = stage.said(&[], 1);
            assert!(told.contains(said), "{said}: {told}");
            assert_eq!(stage.id("web"), id, "the old one serves");
            assert!(stage.is_running("web"));
        }
        stage.states(&web(3, ", pre_stop: 'exit 8'"));
        let told = stage.said(&[], 0);
        assert!(
            told.contains("note: run pre_stop in container web.r1: `exit 8`: it exited with 8"),
            "{told}"
        );
        stage.is_quiet();
        stage.states(&web(4, ", post_replace: {here: 'exit 9'}"));
        let told = stage.said(&[], 1);
        assert!(told.contains("run post_replace here: `exit 9`: it exited with 9"), "{told}");
        assert_ne!(stage.id("web"), id);
        stage.is_quiet();
    });
}

#[test]
fn whoever_is_stopped_started_or_removed_has_its_hooks_run() {
    each(|stage| {
        let hooks = all(stage);
        stage.states(&web(1, &hooks)).apply(&[]).expect(0);
        noted(stage);
        stage.engine.http().act(&format!("/containers/{}/stop?t=0", stage.id("web"))).ok();
        assert_eq!(stage.actions(&[], 0), ["start container.web"]);
        assert_eq!(noted(stage), ["started"]);
        stage.states(&web(1, &hooks).replace("container.running", "container.stopped"));
        assert_eq!(stage.actions(&[], 0), ["stop container.web"]);
        assert_eq!(noted(stage), ["stops"]);
        stage.states(&web(1, &hooks)).apply(&[]).expect(0);
        noted(stage);
        // What is declared no more is known from the container's label.
        stage.states("@web: {container.absent: {}}").apply(&[]).expect(0);
        assert_eq!(noted(stage), ["stops"]);
    });
}

#[test]
fn a_run_that_is_killed_at_a_hook_is_gone_through_again() {
    each(|stage| {
        // The strategies have their moments in another order: these are within `post_replace`, and within `pre_stop`.
        for (strategy, calls) in [("overlap", [2]), ("replace", [1])] {
            let more = format!(", strategy: {strategy}{}", all(stage));
            stage.states("@web: {container.absent: {}}").apply(&[]).expect(0);
            noted(stage);
            stage.states(&web(1, &more)).apply(&[]).expect(0);
            noted(stage);
            for (version, k) in (2..).zip(calls) {
                stage.states(&web(version, &more));
                stage.proxy.clear();
                let victim = Victim::default();
                let killer = victim.clone();
                let seen = AtomicU32::new(0);
                let kth = move |request: &Request| {
                    request.route().starts_with("POST /exec/") && seen.fetch_add(1, Ordering::SeqCst) == k
                };
                stage.proxy.fault_when(kth, Fault::After(Box::new(move || killer.kill())));
                stage.tree.start(["apply", "states/dev.yml"], victim).wait();
                assert!(stage.proxy.faults_are_spent(), "it was killed there");
                stage.apply(&[]).expect(0);
                assert!(stage.is_running("web"));
                assert_eq!(stage.container("web")["Config"]["Env"][0], format!("V={version}"));
                let now = noted(stage);
                assert!(now.contains(&"started".to_owned()) && now.contains(&"after".to_owned()), "{now:?}");
                stage.is_quiet();
            }
        }
    });
}

#[test]
fn a_hook_that_was_mended_is_not_run_as_it_was() {
    each(|stage| {
        stage.states(&web(1, "")).apply(&[]).expect(0);
        stage.states(&web(2, &format!(", post_replace: {}", notes(stage, "old words"))));
        stage.proxy.clear();
        let victim = Victim::default();
        let killer = victim.clone();
        let renames = |request: &Request| request.route().ends_with("/rename");
        let seen = AtomicU32::new(0);
        let second = move |request: &Request| renames(request) && seen.fetch_add(1, Ordering::SeqCst) == 1;
        stage.proxy.fault_when(second, Fault::After(Box::new(move || killer.kill())));
        stage.tree.start(["apply", "states/dev.yml"], victim).wait();
        assert!(stage.proxy.faults_are_spent(), "it was killed there");
        noted(stage);
        stage.states(&web(2, &format!(", post_replace: {}", notes(stage, "new words"))));
        stage.apply(&[]).expect(0);
        assert_eq!(noted(stage), [""; 0]);
        stage.is_quiet();
    });
}

#[test]
fn an_old_one_that_somebody_removes_meanwhile_is_no_reason_to_fail() {
    each(|stage| {
        stage.states(&web(1, ", restart: always")).apply(&[]).expect(0);
        stage.states(&web(2, ", restart: always"));
        stage.proxy.clear();
        let (http, id) = (stage.engine.http(), stage.id("web"));
        let remove = move || http.delete(&format!("/containers/{id}?force=1")).ok();
        let updates = |request: &Request| request.route().ends_with("/update");
        stage.proxy.fault_when(updates, Fault::Before(Box::new(move || drop(remove()))));
        let run = stage.tree.apply("states/dev.yml", &[]).expect(0);
        assert!(run.stdout.contains("No such container"), "{run}");
        assert_eq!(stage.container("web")["Config"]["Env"][0], "V=2");
        assert_eq!(stage.names(Object::Container), ["web"]);
        stage.is_quiet();
    });
}

#[test]
fn a_rehearsal_finds_what_does_not_start_before_anything_is_stopped() {
    each(|stage| {
        let data = "\n@data: {volume.present: {}}";
        let writes = |word: &str, more: &str| {
            let command = format!("[sh, -c, 'echo {word} >> /data/log; {more}echo ready; exec sleep 1000']");
            let options = format!(
                ", rehearse: true, wait: {{log: ready}}, volumes: ['@data:/data'], command: {command}"
            );
            web(1, &options) + data
        };
        stage.states(&writes("first", "")).apply(&[]).expect(0);
        let id = stage.id("web");
        stage.states(&writes("bad", "echo no luck; exit 3; "));
        let run = stage.apply(&[]).expect(1);
        let said = stage.short(&run.stdout);
        assert!(said.contains("settle container web.try: it ended with exit code 3"), "{said}");
        assert!(said.contains("| no luck") && said.contains("rehearsed first"), "{said}");
        let calls = stage.mutations();
        assert!(!calls.iter().any(|call| call.contains(&id) && call.ends_with("/stop")), "{calls:?}");
        assert_eq!(stage.names(Object::Container), ["web"], "nothing is left");
        stage.states(&writes("second", "")).converges(&["replace container.web"]);
        // The rehearsal had no volume to write to.
        let (_, log) = inspect::exec(stage.engine, &stage.name("web"), &["cat", "/data/log"]);
        assert_eq!(log, "first\nsecond\n");
    });
}

#[test]
fn what_makes_no_sense_is_an_error_before_anything_is_touched() {
    each(|stage| {
        for (more, said) in [
            (", pre_replace: backup", "it is not said where this command is to be run"),
            (", post_replace: {old: x}", "`old` makes no sense at this moment"),
            (", rehearse: true, network_mode: host", "`rehearse` cannot be with `network_mode: host`"),
        ] {
            stage.states(&format!("@web: {{container.running: {{BB{more}}}}}"));
            let run = stage.apply(&[]).expect(3);
            assert!(run.stderr.contains(said), "{said}: {run}");
        }
    });
}
