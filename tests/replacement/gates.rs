//! What a new container has to show before it counts as good: `wait`, asked of real programs.

use crate::cases2::stage::{Stage, each};
use crate::rig::engines;
use crate::rig::inspect::Object;
use crate::rig::numbers;
use crate::rig::proxy::{Fault, Request};
use crate::rig::workspace::Victim;

/// A program that serves after a moment, and stops at once.
fn web(page: &str, wait: &str, more: &str) -> String {
    format!(
        "@web:\n  container.running:\n    image: ekt/bb:1\n    init: true\n    stop_signal: KILL\n    timeout: 6s\n    \
         command: [sh, -c, 'sleep 0.3; mkdir /srv; echo {page} > /srv/page; echo it serves; exec httpd -f -p 8080 -h /srv']\n    \
         wait: {wait}\n{more}"
    )
}

const ALL: &str = "[{http: 8080/page}, {http: 8080/none, status: 404}, {tcp: 8080}, {tcp: 8080, from: inside}, \
     {http: 8080/page, from: inside}, {log: it serves}, {exec: test -f /srv/page}]";

fn refused(stage: &Stage<'_>, wait: &str, why: &str) {
    stage.states(&web("other", wait, "    timeout: 1s\n").replacen("    timeout: 6s\n", "", 1));
    let said = stage.said(&[], 1);
    assert!(said.contains(why), "{why}: {said}");
}

#[test]
fn every_probe_is_asked_of_the_newcomer_before_it_takes_over() {
    each(|stage| {
        stage.states(&web("first", ALL, "")).converges(&["create container.web"]);
        stage.states(&web("second", ALL, ""));
        let run = stage.apply(&["--test"]).expect(0);
        assert!(run.stdout.contains("strategy overlap"), "{run}");
        let run = stage.apply(&[]).expect(0);
        assert!(
            run.stderr.contains("(http :8080/page, http :8080/none, tcp :8080, tcp :8080 from inside,"),
            "{run}"
        );
        assert_eq!(stage.names(Object::Container), ["web", "web.r1"], "the helpers are gone");
        // The old one has its name until each was answered.
        let routes: Vec<String> = stage.proxy.requests().iter().map(|r| stage.short(&r.route())).collect();
        let at = |part: &str| routes.iter().rposition(|route| route.contains(part)).expect("it was asked");
        assert!(
            at("/exec/") < at("/rename") && at("/logs") < at("/rename") && at("/archive") < at("/rename")
        );
        stage.is_quiet();
    });
}

#[test]
fn what_is_not_answered_in_time_is_taken_back_and_told() {
    each(|stage| {
        stage.states(&web("first", "{http: 8080/page}", "")).apply(&[]).expect(0);
        let id = stage.id("web");
        for (wait, why) in [
            ("{http: 8080/nope}", "http :8080/nope: the answer was 404 after 1 s"),
            ("{http: 8081/}", "http :8081/: nobody listens at "),
            ("{tcp: 8081, from: inside}", "tcp :8081 from inside: exited with 1: nobody listens after 1 s"),
            ("{log: it flies}", "log `it flies`: it has not written that after 1 s"),
            (
                "{exec: 'echo no luck; exit 3'}",
                "exec `echo no luck; exit 3`: exited with 3: no luck after 1 s",
            ),
            ("{exec: [/bin/nothing]}", "exec `/bin/nothing`: exited with 12"),
            ("validate", "validate: it has no label io.evenkeel.lifecycle.validate"),
            ("healthy", "healthy: it has no healthcheck"),
        ] {
            refused(stage, wait, why);
            assert_eq!(stage.id("web"), id, "the old one serves");
            assert!(stage.is_running("web"));
        }
        let failed = stage.names(Object::Container);
        assert!(failed.iter().all(|name| name == "web" || name.ends_with(".failed")), "{failed:?}");
        stage.states(&web("first", "{http: 8080/page}", "")).apply(&[]).expect(0);
        stage.is_quiet();
    });
}

#[test]
fn a_first_container_that_does_not_answer_is_kept_and_made_anew_by_the_next_run() {
    each(|stage| {
        refused(stage, "{http: 8080/nope}", "did not work out, so it is stopped and kept");
        assert_eq!(stage.names(Object::Container), ["web.r1.failed"]);
        refused(stage, "{http: 8080/nope}", "web did not work out");
        stage.states(&web("first", "{http: 8080/page}", "")).apply(&[]).expect(0);
        assert_eq!(stage.names(Object::Container), ["web"]);
        stage.is_quiet();
    });
}

#[test]
fn what_an_image_or_container_says_of_its_own_validation_counts_as_well() {
    each(|stage| {
        let declared = |test: &str| format!("    lifecycle: {{validate: '{test}'}}\n");
        stage.states(&web("first", "validate", &declared("grep -q first /srv/page"))).apply(&[]).expect(0);
        stage.states(&web("second", "validate", &declared("grep -q third /srv/page")));
        let said = stage.said(&[], 1);
        assert!(said.contains("validate: exited with 1"), "{said}");
        assert!(stage.is_running("web"));
    });
}

#[test]
fn a_newcomer_that_ends_is_not_asked_any_longer() {
    each(|stage| {
        stage.states(&web("first", "{http: 8080/page}", "")).apply(&[]).expect(0);
        let ends = web("second", "{http: 8080/page}", "").replace("exec httpd -f -p 8080 -h /srv", "exit 4");
        let began = std::time::Instant::now();
        let said = stage.states(&ends).said(&[], 1);
        assert!(said.contains("it ended with exit code 4"), "{said}");
        assert!(began.elapsed().as_secs() < 5, "the time of six seconds was not used up");
        assert_eq!(stage.names(Object::Container), ["web", "web.r2.failed"]);
    });
}

#[test]
fn a_published_port_is_asked_from_here() {
    // Another engine's ports answer in its own namespace alone.
    let Ok(engine) = engines::machine() else { return };
    let stage = Stage::on(&engine);
    let port = numbers::free_port();
    let ports = format!("    ports: ['{port}:8080']\n");
    let asks = |path: &str| format!("{{http: 8080/{path}, from: published}}");
    stage.states(&web("first", &asks("page"), &ports)).converges(&["create container.web"]);
    stage.states(&web("second", &asks("nope"), &ports));
    let said = stage.said(&[], 1);
    assert!(said.contains("as published: the answer was 404") && said.contains("serves again"), "{said}");
    stage.states(&web("second", &asks("page"), &ports)).converges(&["replace container.web"]);
}

#[test]
fn a_helper_that_a_killed_run_left_goes_with_the_next() {
    each(|stage| {
        stage.states(&web("first", "{http: 8080/page}", "")).apply(&[]).expect(0);
        stage.states(&web("second", "{http: 8080/page}", ""));
        stage.proxy.clear();
        let victim = Victim::default();
        let killer = victim.clone();
        let copies = |request: &Request| request.route().ends_with("/archive");
        stage.proxy.fault_when(copies, Fault::After(Box::new(move || killer.kill())));
        stage.tree.start(["apply", "states/dev.yml"], victim).wait();
        assert!(stage.names(Object::Container).iter().any(|name| name.ends_with(".ask")));
        stage.apply(&[]).expect(0);
        assert_eq!(stage.names(Object::Container), ["web", "web.r1"]);
        stage.is_quiet();
    });
}

#[test]
fn whoever_needs_a_healthy_one_waits_for_what_that_has_to_answer() {
    each(|stage| {
        let user = "\n@user: {container.running: {BB, require: [container: {'@web': healthy}]}}";
        stage
            .states(&(web("first", "{http: 8080/page}", "") + user))
            .converges(&["create container.web", "create container.user"]);
        stage.states(
            &(web("first", "{http: 8080/nope}", "    timeout: 1s\n").replacen("    timeout: 6s\n", "", 1)
                + "\n@user: {container.running: {BB, env: {A: 1}, require: [container: {'@web': healthy}]}}"),
        );
        let said = stage.said(&[], 1);
        assert!(said.contains("http :8080/nope: the answer was 404 after 1 s"), "{said}");
    });
}

#[test]
fn what_could_never_be_answered_is_an_error_before_anything_is_touched() {
    let Ok(engine) = engines::machine() else { return };
    let stage = Stage::on(&engine);
    let cases = [
        ("{BB, wait: {log: x}, log_driver: none}", "cannot be read with `log_driver: none`"),
        ("{BB, wait: {tcp: 80, from: published}}", "does not publish port 80"),
        ("{BB, wait: {tcp: 80, from: published}, network_mode: none}", "publishes nothing itself"),
        ("{BB, wait: healthy, healthcheck: {disable: true}}", "it is switched off"),
        ("{BB, wait: {http: 'web:80/'}}", "only the container itself is asked"),
    ];
    for (fields, why) in cases {
        stage.states(&format!("@web: {{container.running: {fields}}}"));
        let run = stage.apply(&[]).expect(3);
        assert!(run.stderr.contains(why), "{why}: {run}");
        assert_eq!(stage.mutations(), [""; 0]);
    }
    stage.states("@web: {container.stopped: {BB, wait: {tcp: 80}}}");
    let run = stage.apply(&[]).expect(3);
    assert!(run.stderr.contains("`wait` has no use here: container.stopped starts nothing"), "{run}");
}
