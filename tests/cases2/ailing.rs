//! Containers that are as declared and do not serve: told on every run, never touched, and mended by a change.

use super::stage::{Stage, each, everywhere};
use crate::rig::inspect;
use crate::rig::waiting::patiently;
use std::time::Duration;

const LOOP: &str =
    "restart: unless-stopped, command: [sh, -c, 'echo cannot find my data; sleep 0.3; exit 3']";
const SICK: &str = "healthcheck: {test: 'echo no luck; exit 1', interval: 300ms, retries: 1}";

fn web(options: &str) -> String {
    format!("@web: {{container.running: {{BB, {options}}}}}\n@other: {{container.running: {{BB}}}}")
}

impl Stage<'_> {
    fn comes_to(&self, is_so: impl Fn(&serde_json::Value) -> bool) {
        let came = patiently(|| is_so(&self.container("web")).then_some(()));
        assert!(came.is_some(), "it never came to that: {}", self.container("web")["State"]);
    }

    /// It is said on every run, and nothing is done; `looked` is made so before each run.
    fn is_refused(&self, looked: impl Fn(), expected: &[&str]) {
        let id = self.id("web");
        for args in [&["--test"][..], &[], &["--detailed-exitcode"]] {
            looked();
            let said = self.said(args, 1);
            for word in expected {
                assert!(said.contains(word), "{word}: {said}");
            }
            assert!(said.contains("1 failed"), "{said}");
            assert!(said.contains("0 changed") || said.contains("0 would change"), "{said}");
            assert_eq!(self.mutations(), [""; 0]);
        }
        assert_eq!(self.id("web"), id);
    }
}

#[test]
fn a_container_that_ends_again_and_again_is_told_on_every_run() {
    each(|stage| {
        stage.states(&web(LOOP)).apply(&[]);
        stage.is_refused(
            // Whether it runs at the moment or not.
            || stage.comes_to(|web| web["RestartCount"].as_u64() > Some(0)),
            &["container web is as declared and end", "restarted, ", "| cannot find my data"],
        );
        stage.states(&web("restart: unless-stopped"));
        assert_eq!(stage.actions(&[], 0), ["replace container.web"]);
        stage.is_quiet();
    });
}

#[test]
fn an_unhealthy_container_is_told_on_every_run() {
    each(|stage| {
        stage.states(&web(SICK)).apply(&[]);
        stage.is_refused(
            || stage.comes_to(|web| web["State"]["Health"]["Status"] == "unhealthy"),
            &["container web is as declared and is unhealthy: no luck"],
        );
        let (_, json) = stage.json(&["--test"]);
        assert_eq!(stage.listed(&json), ["refuse container.web failed"]);
        // What the healthcheck said before a start has no meaning after it.
        stage.engine.http().act(&format!("/containers/{}/stop", stage.id("web"))).ok();
        assert_eq!(stage.test(0), ["start container.web"]);
        stage.states(&web("env: {A: 1}")).converges(&["replace container.web"]);
    });
}

#[test]
fn the_first_look_sees_a_program_between_two_ends() {
    each(|stage| {
        let state = web(LOOP).replacen("BB", "PROVEN", 1);
        let run = stage.states(&state).apply_and_let_end(&["--jobs", "1"]).expect(1);
        // It gives what it started a second.
        let requests = stage.proxy.requests();
        let started = requests.iter().rposition(|request| request.route().ends_with("/start"));
        let (start, later) = requests[started.expect("a start")..].split_first().expect("a start");
        let look = later.iter().find(|request| request.route() == "GET /containers/json").expect("a look");
        let answered = start.at + start.took.expect("an answer");
        assert!(look.at >= answered + Duration::from_secs(1), "{:?} after the start", look.at - answered);
        let said = stage.short(&run.stdout);
        assert!(said.contains("it was started") && said.contains("restarted"), "{said}");
        assert!(said.contains("| cannot find my data") && said.contains("1 failed"), "{said}");
        assert_eq!(inspect::container(stage.engine, &stage.name("web"))["State"]["Dead"], false);
        assert!(stage.is_running("other"));
    });
}

/// Probes fail while a container is paused, and that is all that the engine knows of it for a moment.
#[test]
fn a_container_that_was_paused_in_the_middle_of_a_probe_is_not_ill() {
    const PROBED: &str = "healthcheck: {test: 'sleep 0.3', interval: 200ms, timeout: 1s, retries: 1}";
    everywhere(|stage| {
        stage.states(&web(PROBED)).apply(&[]);
        let health =
            |wanted: &'static str| move |web: &serde_json::Value| web["State"]["Health"]["Status"] == wanted;
        stage.comes_to(health("healthy"));
        inspect::pause(stage.engine, &stage.name("web"));
        // Not every engine goes on probing.
        let began = std::time::Instant::now();
        while !health("unhealthy")(&stage.container("web")) && began.elapsed() < Duration::from_secs(3) {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(stage.actions(&[], 0), ["start container.web"]);
        stage.comes_to(health("healthy"));
        stage.is_quiet();
    });
}
