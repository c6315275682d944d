//! Guards, check_cmd and retry: commands of the controller that decide whether and whether it worked.

use super::stage::each;
use std::fs;

#[test]
fn guards_are_asked_once_per_run_also_under_test() {
    each(|stage| {
        let asked = stage.tree.path("asked");
        let times = || fs::read_to_string(&asked).unwrap_or_default().lines().count();
        stage.states(&format!(
            "@web: {{container.running: {{BB, onlyif: \"echo x >>'{}'\"}}}}",
            asked.display()
        ));
        assert_eq!(stage.test(0), ["create container.web"]);
        assert_eq!(times(), 1);
        assert_eq!(stage.actions(&[], 0), ["create container.web"]);
        assert_eq!(times(), 2, "planning twice asks once");
    });
}

#[test]
fn a_guard_that_says_no_leaves_the_state_alone() {
    each(|stage| {
        stage.tree.file("there", "");
        let there = stage.tree.path("there");
        stage.states(&format!(
            "@a: {{container.running: {{BB, onlyif: 'false'}}}}\n\
             @b: {{container.running: {{BB, unless: 'true'}}}}\n\
             @c: {{container.running: {{BB, creates: '{there}'}}}}\n\
             @d: {{container.running: {{BB, onlyif: ['true', 'true'], unless: 'false', creates: '{there}/not'}}}}",
            there = there.display()
        ));
        let said = stage.said(&["--test"], 0);
        for word in ["onlyif", "unless", "there"] {
            assert!(said.contains(word), "it says why: {said}");
        }
        stage.converges(&["create container.d"]);
        assert_eq!(stage.containers(), ["d"]);
    });
}

#[test]
fn what_a_guard_leaves_alone_is_no_orphan() {
    each(|stage| {
        stage.states("@a: {container.running: {BB}}").apply(&[]).expect(0);
        stage.states("@a: {container.running: {BB, env: {B: 1}, onlyif: 'false'}}");
        assert_eq!(stage.actions(&["--prune"], 0), [""; 0]);
        assert!(stage.is_running("a"));
    });
}

#[test]
fn a_guard_that_cannot_be_asked_is_an_error() {
    each(|stage| {
        stage.states("@a: {container.running: {BB, unless: 'kill -9 $$'}}\n@b: {container.running: {BB}}");
        let run = stage.apply(&[]);
        assert!(matches!(run.code(), Some(0 | 1)), "{run}");
    });
}

#[test]
fn a_check_that_fails_fails_the_state_and_brings_the_old_one_back() {
    each(|stage| {
        let state = |value: &str, check: &str| {
            format!("@web: {{container.running: {{BB, env: {{A: {value}}}, check_cmd: '{check}'}}}}")
        };
        stage.states(&state("1", "true")).apply(&[]).expect(0);
        let id = stage.id("web");
        stage.states(&state("2", "echo it does not answer; exit 3"));
        let said = stage.said(&[], 1);
        assert!(said.contains("exited with 3") && said.contains("| it does not answer"), "{said}");
        assert!(stage.is_running("web"));
        assert_eq!(stage.id("web"), id, "the old one is the old one");
        stage.said(&[], 1);
        assert_eq!(stage.id("web"), id, "nor does the next run take it for good");
        stage.states(&state("1", "true")).apply(&[]).expect(0);
        stage.is_quiet();
        assert_eq!(stage.containers(), ["web"]);
        assert_eq!(stage.id("web"), id);
    });
}

#[test]
fn a_state_is_tried_again_until_its_check_succeeds() {
    each(|stage| {
        let marker = stage.tree.path("marker");
        let check = format!("test -e \"{m}\" || {{ touch \"{m}\"; false; }}", m = marker.display());
        let state = format!(
            "@web: {{container.running: {{BB, check_cmd: '{check}', retry: {{attempts: 3, interval: 100ms}}}}}}"
        );
        stage.states(&state).converges(&["create container.web"]);
        assert!(marker.exists());
    });
}

#[test]
fn retry_ends_after_its_attempts() {
    each(|stage| {
        let tries = stage.tree.path("tries");
        stage.states(&format!(
            "@web: {{container.running: {{BB, check_cmd: 'echo x >>\"{}\"; false', retry: {{attempts: 3, interval: 0}}}}}}",
            tries.display()
        ));
        stage.apply(&[]).expect(1);
        assert_eq!(fs::read_to_string(&tries).expect("it was tried").lines().count(), 3);
    });
}

#[test]
fn a_guard_that_cannot_be_run_fails_its_state() {
    each(|stage| {
        stage.states(
            "@a: {container.running: {BB, onlyif: 'no-such-program --ok 2>/dev/null'}}\n\
             @b: {container.running: {BB, unless: /etc/passwd}}\n\
             @c: {container.running: {BB, onlyif: command -v no-such-program}}",
        );
        for args in [&["--test"][..], &[]] {
            let said = stage.said(args, 1);
            assert!(said.contains("`onlyif` cannot be run: no-such-program --ok"), "{said}");
            assert!(said.contains("`unless` cannot be run: /etc/passwd"), "{said}");
            assert!(said.contains("`onlyif` says no: command -v no-such-program"), "{said}");
            assert!(said.contains("2 failed"), "{said}");
        }
        assert_eq!(stage.containers(), [""; 0]);
    });
}

#[test]
fn what_was_not_looked_at_is_not_called_as_declared() {
    each(|stage| {
        stage.states(
            "@a: {container.running: {BB, onlyif: 'false'}}\n\
             @b: {container.running: {BB}}\n\
             @c: {container.running: {BB, onchanges: [container: '@b']}}",
        );
        stage.apply(&[]).expect(0);
        let (run, json) = stage.json(&["--verbose"]);
        run.expect(0);
        let states = json["states"].as_array().expect("a list of states");
        let of_container = |index| states.iter().filter(|state| state["kind"] == "container").nth(index);
        let comment = |index: usize| {
            stage.short(of_container(index).and_then(|state| state["comment"].as_str()).unwrap_or(""))
        };
        assert_eq!(comment(0), "container a was not looked at: `onlyif` says no: false");
        assert_eq!(comment(1), "container b is as declared");
        assert_eq!(comment(2), "container c was not looked at: none of its onchanges targets changes");
        let said = stage.said(&["--verbose"], 0);
        assert!(said.contains("container.a: not looked at: `onlyif` says no: false"), "{said}");
        assert!(said.contains("container.b: as declared"), "{said}");
    });
}

#[test]
fn protection_outlives_the_state() {
    each(|stage| {
        let both = |option: &str| {
            format!("@net: {{network.present: {{{option}}}}}\n@web: {{container.running: {{BB, {option}}}}}")
        };
        stage.states(&both("protect: true")).apply(&[]).expect(0);
        let id = stage.id("web");
        // It is no difference of its own, neither way.
        for option in ["protect: false", "protect: true"] {
            assert_eq!(stage.states(&both(option)).actions(&[], 0), [""; 0]);
        }
        let said = stage.states("{}").said(&["--prune"], 0);
        for kept in
            ["container.web was made with `protect: true`", "network.net was made with `protect: true`"]
        {
            assert!(said.contains(kept), "{said}");
        }
        assert_eq!(stage.id("web"), id);
        stage.states("@net: network.absent\n@web: container.absent");
        let mut removed = stage.actions(&[], 0);
        removed.sort();
        assert_eq!(removed, ["remove container.web", "remove network.net"]);
    });
}
