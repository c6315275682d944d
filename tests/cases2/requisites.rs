//! Requisites: who goes first, who is skipped because of whom, and who reacts to what.

use super::stage::{Stage, each};
use crate::rig::inspect;
use crate::rig::proxy::Fault;
use crate::rig::waiting::until;
use crate::rig::workspace::Victim;
use serde_json::Value;

const BAD: &str = "@bad: {container.running: {image: ekt/bb:1, entrypoint: [/no/such/program]}}";

/// `@db` with a variable, and further states.
fn db(value: &str, more: &str) -> String {
    format!("@db: {{container.running: {{BB, env: {{A: {value}}}}}}}\n{more}")
}

/// Changes `@db` under a watcher: exactly `expected` is said and done.
fn watched(watcher: &str, expected: &[&str], check: impl Fn(&Stage<'_>)) {
    each(|stage| {
        stage.states(&db("1", watcher)).apply(&[]).expect(0);
        stage.is_quiet();
        stage.states(&db("2", watcher)).converges(expected);
        check(stage);
    });
}

fn state<'a>(json: &'a Value, name: &str) -> &'a Value {
    let states = json["states"].as_array().expect("a list of states");
    let is_meant =
        |state: &&Value| state["name"].as_str().is_some_and(|found| found.ends_with(&format!("-{name}")));
    states.iter().find(is_meant).expect("the state is in the report")
}

#[test]
fn a_requirement_goes_first_whatever_the_order_in_the_file() {
    each(|stage| {
        stage.states(
            "@a: {container.running: {BB, require: [container: '@b']}}\n\
             @b: {container.running: {BB}}\n\
             @c: {container.running: {BB, require_in: [container: '@b']}}",
        );
        stage.converges(&["create container.c", "create container.b", "create container.a"]);
        let starts: Vec<String> = stage.started();
        assert_eq!(starts, ["c", "b", "a"]);
    });
}

impl Stage<'_> {
    /// The containers of the scope in the order of their start.
    fn started(&self) -> Vec<String> {
        let mut names: Vec<(String, String)> = self
            .containers()
            .into_iter()
            .map(|name| (self.container(&name)["State"]["StartedAt"].to_string(), name))
            .collect();
        names.sort();
        names.into_iter().map(|(_, name)| name).collect()
    }
}

#[test]
fn whoever_needs_what_failed_is_skipped_and_says_because_of_what() {
    each(|stage| {
        stage.states(&format!(
            "{BAD}\n@a: {{container.running: {{BB, require: [container: '@bad']}}}}\n\
             @b: {{container.running: {{BB, require: [container: '@a']}}}}\n@c: {{container.running: {{BB}}}}"
        ));
        let (run, json) = stage.json(&[]);
        run.expect(1);
        let (a, b) = (state(&json, "a"), state(&json, "b"));
        assert_eq!(
            (&a["skipped"], &a["result"], &a["action"]),
            (&true.into(), &false.into(), &"none".into())
        );
        assert!(
            a["cause"].as_str().is_some_and(|cause| stage.short(cause).contains("container bad failed")),
            "{a}"
        );
        assert!(
            b["cause"].as_str().is_some_and(|cause| stage.short(cause).contains("container bad failed")),
            "not what was only skipped itself: {b}"
        );
        let summary = &json["summary"];
        assert_eq!((&summary["failed"], &summary["skipped"]), (&1.into(), &2.into()), "{summary}");
        assert!(state(&json, "c").get("skipped").is_none());
        assert!(stage.is_running("c"), "the rest goes on");
        assert!(!stage.is_running("a") && !stage.is_running("b"));
        let said = stage.said(&[], 1);
        assert!(said.contains("skipped container.a: container bad failed"), "{said}");
    });
}

#[test]
fn nothing_is_stopped_for_a_replacement_whose_requirement_fails() {
    each(|stage| {
        let web = |value: &str| {
            format!("@web: {{container.running: {{BB, env: {{A: {value}}}, require: [container: '@bad']}}}}")
        };
        stage.states(&format!("@bad: {{container.running: {{BB}}}}\n{}", web("1"))).apply(&[]).expect(0);
        let id = stage.id("web");
        stage.states(&format!("{BAD}\n{}", web("2"))).apply(&[]).expect(1);
        assert_eq!(stage.id("web"), id);
        assert!(stage.is_running("web"));
        stage.states(&format!("@bad: {{container.running: {{BB}}}}\n{}", web("2"))).apply(&[]).expect(0);
        stage.is_quiet();
        assert_eq!(stage.containers(), ["bad", "web"]);
    });
}

#[test]
fn a_watcher_is_restarted() {
    let said = ["replace container.db", "restart container.web"];
    watched("@web: {container.running: {BB, watch: [container: '@db']}}", &said, |_| {});
}

#[test]
fn a_watcher_can_ask_for_a_new_container() {
    let web = "@web: {container.running: {BB, watch: [container: '@db'], watch_action: replace}}";
    watched(web, &["replace container.db", "replace container.web"], |_| {});
}

#[test]
fn a_watcher_in_salts_words_is_replaced() {
    each(|stage| {
        let web = "@web:\n  docker_container.running:\n    - image: ekt/bb:1\n    - init: true\n    - watch:\n      - docker_container: '@db'";
        stage.states(&db("1", web)).apply(&[]).expect(0);
        let id = stage.id("web");
        stage.states(&db("2", web)).converges(&["replace container.db", "replace container.web"]);
        assert_ne!(stage.id("web"), id);
    });
}

#[test]
fn a_watcher_can_ask_for_a_signal() {
    let command = "command: [sh, -c, \"trap 'echo reread' HUP; while :; do sleep 0.1; done\"]";
    let web = format!(
        "@web: {{container.running: {{BB, {command}, watch: [container: '@db'], watch_action: SIGHUP}}}}"
    );
    watched(&web, &["replace container.db", "signal container.web"], |stage| {
        until("the signal is there", || inspect::logs(stage.engine, &stage.name("web")).contains("reread"));
    });
}

#[test]
fn watch_in_and_listen_are_the_same_wish() {
    let web = "@web: {container.running: {BB, listen: [container: '@db']}}\n\
        @x: {container.running: {BB, env: {A: 1}}}";
    watched(web, &["replace container.db", "restart container.web"], |_| {});
    each(|stage| {
        let state = |value: &str| {
            format!(
                "@web: {{container.running: {{BB}}}}\n\
                 @db: {{container.running: {{BB, env: {{A: {value}}}, watch_in: [container: '@web']}}}}"
            )
        };
        stage.states(&state("1")).apply(&[]).expect(0);
        stage.states(&state("2")).converges(&["replace container.db", "restart container.web"]);
    });
}

#[test]
fn a_watcher_that_is_replaced_anyway_is_not_restarted_as_well() {
    each(|stage| {
        let web = |value: &str| {
            format!("@web: {{container.running: {{BB, env: {{A: {value}}}, watch: [container: '@db']}}}}")
        };
        stage.states(&db("1", &web("1"))).apply(&[]).expect(0);
        stage.states(&db("2", &web("2"))).converges(&["replace container.db", "replace container.web"]);
    });
}

#[test]
fn a_watch_that_was_lost_by_a_kill_fires_in_the_next_run() {
    each(|stage| {
        let web = "@web: {container.running: {BB, watch: [container: '@db']}}";
        stage.states(&db("1", web)).apply(&[]).expect(0);
        stage.states(&db("2", web));
        let victim = Victim::default();
        let (killer, renamed) = (victim.clone(), format!("/rename?name={}", stage.name("db")));
        // The last step before the reaction is due.
        let is_last = move |request: &crate::rig::proxy::Request| request.path.ends_with(&renamed);
        stage.proxy.clear();
        stage.proxy.fault_when(is_last, Fault::After(Box::new(move || killer.kill())));
        stage.tree.start(["apply", "states/dev.yml"], victim).wait();
        assert!(stage.proxy.faults_are_spent());
        stage.converges(&["recover container.db", "restart container.web"]);
    });
}

#[test]
fn a_watch_that_failed_to_fire_fires_in_the_next_run() {
    each(|stage| {
        let web = "@web: {container.running: {BB, watch: [container: '@db']}}";
        stage.states(&db("1", web)).apply(&[]).expect(0);
        stage.states(&db("2", web));
        stage.proxy.clear();
        stage.proxy.fault_when(|request| request.route().ends_with("/restart"), Fault::Refuse(500));
        stage.tree.apply("states/dev.yml", &[]).expect(1);
        stage.converges(&["restart container.web"]);
    });
}

#[test]
fn a_network_that_is_newer_than_its_watcher_fires() {
    each(|stage| {
        let net = |label: &str| {
            format!(
                "@net: {{network.present: {{labels: {{a: '{label}'}}}}}}\n\
                 @web: {{container.running: {{BB, watch: [network: '@net']}}}}"
            )
        };
        stage.states(&net("1")).apply(&[]).expect(0);
        stage.states(&net("2")).converges(&["replace network.net", "restart container.web"]);
    });
}

#[test]
fn onchanges_is_done_only_with_a_change() {
    each(|stage| {
        let job = "@job: {container.running: {BB, onchanges: [container: '@db']}}";
        stage.states(&db("1", "")).apply(&[]).expect(0);
        stage.states(&db("1", job)).is_quiet();
        assert_eq!(stage.containers(), ["db"]);
        stage.states(&db("2", job)).converges(&["replace container.db", "create container.job"]);
    });
}

#[test]
fn onchanges_in_and_any_read_the_same() {
    each(|stage| {
        let states = |value: &str| {
            format!(
                "@db: {{container.running: {{BB, env: {{A: {value}}}, onchanges_in: [container: '@job']}}}}\n\
                 @x: {{container.running: {{BB}}}}\n@job: {{container.running: {{BB}}}}\n\
                 @any: {{container.running: {{BB, onchanges_any: [container: '@x', container: '@db']}}}}"
            )
        };
        stage.states("@db: {container.running: {BB, env: {A: 1}}}\n@x: {container.running: {BB}}");
        stage.apply(&[]).expect(0);
        stage.states(&states("1")).is_quiet();
        stage.states(&states("2"));
        stage.converges(&["replace container.db", "create container.job", "create container.any"]);
    });
}

#[test]
fn onfail_is_done_only_after_a_failure() {
    each(|stage| {
        let help = "@help: {container.running: {BB, onfail: [container: '@bad']}}";
        stage.states(&format!("@bad: {{container.running: {{BB}}}}\n{help}"));
        assert!(stage.said(&[], 0).ends_with("1 changed, 2 unchanged, 0 failed\n"));
        assert_eq!(stage.containers(), ["bad"]);
        inspect::remove(stage.engine, &stage.name("bad"));
        stage.states(&format!("{BAD}\n{help}"));
        stage.apply(&[]).expect(1);
        assert!(stage.is_running("help"));
    });
}

#[test]
fn onfail_also_answers_what_ended_right_after_its_start() {
    each(|stage| {
        stage.states(
            "@bad: {container.running: {BB, command: ['false'], check_cmd: 'true'}}\n\
             @help: {container.running: {BB, onfail: [container: '@bad']}}",
        );
        let run = stage.apply_and_let_end(&["--output", "json"]).expect(1);
        let said = stage.listed(&run.json());
        assert_eq!(said, ["create container.bad failed", "create container.help"]);
        assert!(stage.is_running("help"));
    });
}

#[test]
fn prereq_goes_before_what_is_going_to_change() {
    each(|stage| {
        let drain = "@drain: {container.running: {BB, prereq: [container: '@db']}}";
        stage.states(&db("1", "")).apply(&[]).expect(0);
        stage.states(&db("1", drain)).is_quiet();
        assert_eq!(stage.containers(), ["db"]);
        stage.states(&db("2", drain)).converges(&["create container.drain", "replace container.db"]);
        assert_eq!(stage.started(), ["drain", "db"]);
    });
}

#[test]
fn prereq_that_fails_leaves_its_target_alone() {
    each(|stage| {
        stage.states(&db("1", "")).apply(&[]).expect(0);
        let id = stage.id("db");
        let drain = "@bad: {container.running: {image: ekt/bb:1, entrypoint: [/no/such/program], prereq: [container: '@db']}}";
        let said = stage.states(&db("2", drain)).actions(&[], 1);
        assert_eq!(said, ["create container.bad failed", "skip container.db"]);
        assert_eq!(stage.id("db"), id);
        assert!(stage.is_running("db"));
    });
}

#[test]
fn one_of_several_is_enough_for_require_any() {
    each(|stage| {
        let any = "@web: {container.running: {BB, require_any: [container: '@bad', container: '@ok']}}";
        stage.states(&format!("{BAD}\n@ok: {{container.running: {{BB}}}}\n{any}"));
        let said = stage.actions(&[], 1);
        assert_eq!(said, ["create container.bad failed", "create container.ok", "create container.web"]);
        stage.states(&format!("{BAD}\n{}", any.replace(", container: '@ok'", "")));
        inspect::remove(stage.engine, &stage.name("web"));
        let said = stage.actions(&[], 1);
        assert_eq!(said.last().map(String::as_str), Some("skip container.web"), "{said:?}");
    });
}

#[test]
fn use_takes_the_fields_of_another_state() {
    each(|stage| {
        stage.states(
            "@a: {container.running: {BB, env: {A: 1}, pids_limit: 50}}\n\
             @b: {container.running: {image: 'ekt/bb:1', env: {A: 2}, use: [container: '@a']}}",
        );
        stage.converges(&["create container.a", "create container.b"]);
        let b = stage.container("b");
        assert_eq!(b["HostConfig"]["PidsLimit"], 50);
        assert_eq!(b["HostConfig"]["Init"], true);
        assert!(b["Config"]["Env"].to_string().contains("A=2"));
    });
}

#[test]
fn order_breaks_ties_and_no_more() {
    each(|stage| {
        stage.states(
            "@a: {container.running: {BB, order: last}}\n@b: {container.running: {BB, order: 2}}\n\
             @c: {container.running: {BB}}\n@d: {container.running: {BB, order: 1, require: [container: '@c']}}",
        );
        let said = stage.test(0);
        assert_eq!(said.last().map(String::as_str), Some("create container.a"));
        assert_eq!(said[0], "create container.b");
        assert_eq!(stage.actions(&["--jobs", "1"], 0), said);
        let started = stage.started();
        assert_eq!(started, ["b", "c", "d", "a"]);
    });
}

#[test]
fn failhard_ends_the_run() {
    each(|stage| {
        stage.states(
            "@bad: {container.running: {image: ekt/bb:1, entrypoint: [/no/such/program], failhard: true, order: 1}}\n\
             @a: {container.running: {BB}}",
        );
        let said = stage.actions(&["--jobs", "1"], 1);
        assert_eq!(said, ["create container.bad failed", "skip container.a"]);
        assert!(!stage.is_running("a"));
    });
}

/// `@db` is changed in place under a watcher that is left out because of `@bad`.
fn left_out(action: &str, expected: &str) {
    each(|stage| {
        let states = |memory: &str, bad: &str| {
            format!(
                "@db: {{container.running: {{BB, memory: {memory}}}}}\n{bad}\n\
                 @web: {{container.running: {{BB, watch: [container: '@db'], require: [container: '@bad']{action}}}}}"
            )
        };
        stage.states(&states("64m", "@bad: {container.running: {BB}}")).apply(&[]).expect(0);
        stage.states(&states("96m", BAD));
        let (run, json) = stage.json(&[]);
        run.expect(1);
        assert_eq!(stage.listed(&json)[0], "update container.db");
        let comment = stage.short(state(&json, "web")["comment"].as_str().unwrap_or(""));
        let note = "note: container db was changed in this run, and the reaction to it is still owed";
        assert!(comment.contains(note) && comment.contains(expected), "{comment}");
        stage.states(&states("64m", BAD));
        let said = stage.said(&[], 1);
        assert!(said.contains(note) && said.contains(expected), "{said}");
        // The next run changes nothing, so nothing more is owed to it.
        assert!(!stage.said(&[], 1).contains("owed"));
    });
}

#[test]
fn a_watcher_that_was_left_out_says_that_its_restart_is_owed() {
    left_out("", "`docker restart web`");
}

#[test]
fn a_watcher_that_was_left_out_says_that_its_signal_is_owed() {
    left_out(", watch_action: SIGHUP", "`docker kill --signal SIGHUP web`");
}

#[test]
fn a_watcher_that_was_left_out_of_a_replacement_reacts_in_the_next_run() {
    each(|stage| {
        let watcher = |bad: &str| {
            format!(
                "{bad}\n@web: {{container.running: {{BB, watch: [container: '@db'], require: [container: '@bad']}}}}"
            )
        };
        let good = watcher("@bad: {container.running: {BB}}");
        stage.states(&db("1", &good)).apply(&[]).expect(0);
        let said = stage.states(&db("2", &watcher(BAD))).said(&[], 1);
        assert!(said.contains("skipped container.web") && !said.contains("owed"), "{said}");
        assert!(stage.states(&db("2", &good)).actions(&[], 0).contains(&"restart container.web".to_owned()));
    });
}

#[test]
fn one_that_needs_a_healthy_one_waits_for_that() {
    each(|stage| {
        let tree = |ready: &str, health: &str, condition: &str| {
            format!(
                "@db: {{container.running: {{image: ekt/bb:1, init: true, command: [sh, -c, '{ready}; sleep 1000']{health}}}}}\n\
                 @web: {{container.running: {{BB, require: [container: {{'@db': {condition}}}]}}}}"
            )
        };
        let health = ", timeout: 20s, healthcheck: {test: test -e /tmp/ready, interval: 200ms, retries: 100}";
        let started = |name: &str| -> jiff::Timestamp {
            stage.container(name)["State"]["StartedAt"]
                .as_str()
                .and_then(|time| time.parse().ok())
                .expect("a time")
        };
        for condition in ["healthy", "{condition: service_healthy}"] {
            stage.states(&tree("sleep 2; touch /tmp/ready", health, condition));
            stage.converges(&["create container.db", "create container.web"]);
            let waited = started("web").duration_since(started("db"));
            assert!(waited.as_secs() >= 2, "{waited:?}");
            stage.states("@db: {container.absent: {}}\n@web: {container.absent: {}}").apply(&[]).expect(0);
        }
        // One that is never well is not stepped on, and one that nobody can know is told.
        let ill = ", healthcheck: {test: 'echo no luck; exit 1', interval: 100ms, retries: 1}";
        for (health, reason) in [(ill, "it is unhealthy: no luck"), ("", "it has no healthcheck")] {
            let run = stage.states(&tree("true", health, "healthy")).apply(&[]).expect(1);
            assert!(run.stdout.contains(reason), "{run}");
            assert!(!stage.is_running("web"), "{run}");
            stage.states("@db: {container.absent: {}}\n@web: {container.absent: {}}").apply(&[]).expect(0);
        }
        for (wrong, said) in [
            ("ill", "required `started`, `healthy` or `completed`, this is `ill`"),
            ("completed", "never completes"),
        ] {
            let run = stage.states(&tree("true", "", wrong)).apply(&["--test"]).expect(3);
            assert!(run.stderr.contains(said), "{run}");
        }
    });
}
