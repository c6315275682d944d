//! Failed, interrupted or repeated lifecycles: what served goes on serving, nothing piles up, a rerun converges.

use super::stage::{Stage, each, everywhere};
use crate::rig::inspect;
use crate::rig::numbers;
use crate::rig::proxy::Fault;
use serde_json::json;
use std::net::TcpListener;
use std::time::Duration;

const BAD: &str = "@web: {container.running: {PROVEN, entrypoint: [/no/such/program]}}";

/// The container of version `value`, with more fields if wanted.
fn version(value: &str, more: &str) -> String {
    format!("@web: {{container.running: {{BB, env: {{A: {value}}}{more}}}}}")
}

#[test]
fn l01_a_container_that_was_killed_is_started_again() {
    each(|stage| {
        stage.states("@web: {container.running: {BB}}").apply(&[]).expect(0);
        let id = stage.id("web");
        stage.engine.http().act(&format!("/containers/{id}/kill")).ok();
        stage.converges(&["start container.web"]);
        assert_eq!(stage.id("web"), id);
    });
}

#[test]
fn l03_a_failed_replacement_leaves_the_old_one_serving_however_often() {
    each(|stage| {
        stage.states(&version("1", "")).apply(&[]).expect(0);
        let id = stage.id("web");
        stage.states(BAD);
        for _ in 0..3 {
            let run = stage.apply(&[]).expect(1);
            assert!(run.stdout.contains("/no/such/program"), "the engine's reason is told: {run}");
            assert_eq!(stage.id("web"), id);
            assert!(stage.is_running("web"));
            assert!(stage.containers().len() <= 2, "nothing piles up: {:?}", stage.containers());
        }
        stage.states(&version("1", "")).apply(&[]).expect(0);
        stage.is_quiet();
        assert_eq!(stage.id("web"), id);
        assert_eq!(stage.containers(), ["web"]);
    });
}

#[test]
fn l03_a_newcomer_that_does_not_settle_is_undone_and_its_last_words_are_told() {
    each(|stage| {
        stage.states(&version("1", "")).apply(&[]).expect(0);
        let id = stage.id("web");
        stage.states(
            "@web: {container.running: {PROVEN, command: [sh, -c, 'echo cannot find my config; exit 7']}}",
        );
        let said = stage.said(&[], 1);
        assert!(said.contains("| cannot find my config"), "{said}");
        assert_eq!(stage.id("web"), id);
        assert!(stage.is_running("web"));
        stage.states(&version("3", "")).apply(&[]).expect(0);
        stage.is_quiet();
        assert_eq!(stage.containers(), ["web"]);
    });
}

#[test]
fn l05_a_container_whose_first_start_failed_is_made_anew_and_has_its_ports() {
    everywhere(|stage| {
        if stage.engine.name != "machine" {
            return; // The port is taken on this host, where a private engine does not publish.
        }
        let port = numbers::free_port();
        stage.states(&format!("@web: {{container.running: {{BB, ports: ['{port}:80']}}}}"));
        // Somebody takes it between the plan and the start.
        let (tell, holder) = std::sync::mpsc::channel();
        let take = move || _ = tell.send(TcpListener::bind(("0.0.0.0", port)).expect("the port is free"));
        stage.proxy.clear();
        stage.proxy.fault_when(|request| request.route().ends_with("/start"), Fault::Before(Box::new(take)));
        let run = stage.tree.apply("states/dev.yml", &[]).expect(1);
        assert!(run.stdout.contains(&port.to_string()), "{run}");
        // While it is held, that is told before anything is done.
        let held = stage.said(&["--test"], 1);
        assert!(held.contains("is held by a process of the engine's machine"), "{held}");
        drop(holder);
        stage.converges(&["replace container.web"]);
        let ports = stage.container("web")["NetworkSettings"]["Ports"]["80/tcp"][0].clone();
        assert_eq!(ports["HostPort"], port.to_string());
        assert_eq!(stage.containers(), ["web"]);
    });
}

#[test]
fn l06_a_port_is_handed_over_in_one_run() {
    each(|stage| {
        let port = numbers::free_port();
        let state = |a: &str, b: &str| {
            format!("@a: {{container.running: {{BB{a}}}}}\n@b: {{container.running: {{BB{b}}}}}")
        };
        let ports = format!(", ports: ['{port}:80']");
        stage.states(&state("", &ports)).apply(&[]).expect(0);
        stage.states(&state(&ports, ""));
        stage.converges(&["replace container.b", "replace container.a"]);
    });
}

#[test]
fn l06_two_containers_swap_their_ports() {
    each(|stage| {
        let (one, two) = (numbers::free_port(), numbers::free_port());
        let state = |a: u16, b: u16| {
            format!(
                "@a: {{container.running: {{BB, ports: ['{a}:80']}}}}\n@b: {{container.running: {{BB, ports: ['{b}:80']}}}}"
            )
        };
        stage.states(&state(one, two)).apply(&[]).expect(0);
        stage.states(&state(two, one));
        let said = stage.test(0);
        assert_eq!(said.len(), 2, "{said:?}");
        assert_eq!(stage.actions(&[], 0), said);
        stage.is_quiet();
    });
}

#[test]
fn l09_l15_a_first_start_that_failed_leaves_nothing_in_the_way() {
    each(|stage| {
        // It ends a moment after its start; only who looks later sees that.
        stage.states(&BAD.replace("PROVEN,", "PROVEN, check_cmd: 'true',"));
        for _ in 0..2 {
            let run = stage.apply_and_let_end(&[]).expect(1);
            assert!(!run.stdout.contains("recovery stopped"), "what never ran is not started again: {run}");
            assert!(stage.containers().len() <= 2, "{:?}", stage.containers());
        }
        stage.states("@web: {container.running: {BB}}").apply(&[]).expect(0);
        stage.is_quiet();
        assert_eq!(stage.containers(), ["web"]);
        assert!(stage.is_running("web"));
    });
}

#[test]
fn l09_a_program_that_is_not_there_is_told_with_what_to_look_at() {
    each(|stage| {
        let state = "@web: {container.running: {image: ekt/bb:1, entrypoint: [/no/such/program]}}";
        for _ in 0..2 {
            let run = stage.states(state).apply(&[]).expect(1);
            assert!(run.stdout.contains("/no/such/program") && run.stdout.contains("hint: "), "{run}");
            assert!(!run.stdout.contains("recovery stopped"), "what never ran is not started again: {run}");
            assert!(stage.containers().len() <= 2, "{:?}", stage.containers());
        }
        stage.states("@web: {container.running: {BB}}").converges(&["replace container.web"]);
        assert_eq!(stage.containers(), ["web"]);
    });
}

#[test]
fn l11_l17_a_container_on_two_networks_with_a_port_is_replaced() {
    each(|stage| {
        let port = numbers::free_port();
        let state = |value: &str| {
            let more = format!(", networks: ['@n1', '@n2'], ports: ['{port}:80']");
            format!(
                "@n1: {{network.present: {{}}}}\n@n2: {{network.present: {{}}}}\n{}",
                version(value, &more)
            )
        };
        stage.states(&state("1")).apply(&[]).expect(0);
        stage.states(&state("2")).converges(&["replace container.web"]);
        let networks = stage.container("web")["NetworkSettings"]["Networks"].clone();
        assert_eq!(networks.as_object().map(serde_json::Map::len), Some(2));
        assert_eq!(stage.containers(), ["web"]);
    });
}

#[test]
fn l19_a_container_that_vanished_before_it_was_started_is_told_and_comes_back() {
    each(|stage| {
        stage.states("@web: {container.running: {BB}}").apply(&[]).expect(0);
        inspect::stop(stage.engine, &stage.name("web"));
        vanishes(stage, 1);
        let run = stage.tree.apply("states/dev.yml", &[]).expect(1);
        assert!(stage.proxy.faults_are_spent());
        assert!(run.stdout.to_lowercase().contains("no such container"), "{run}");
        stage.converges(&["create container.web"]);
    });
}

#[test]
fn l19_a_container_that_vanished_before_it_was_removed_is_gone_all_the_same() {
    each(|stage| {
        stage.states("@web: {container.running: {BB}}").apply(&[]).expect(0);
        stage.states("@web: {container.absent: {}}");
        vanishes(stage, 1);
        stage.tree.apply("states/dev.yml", &[]).expect(0);
        assert!(stage.proxy.faults_are_spent());
        stage.is_quiet();
        assert_eq!(stage.containers(), [""; 0]);
    });
}

#[test]
fn l19_the_old_container_vanishes_in_the_middle_of_its_replacement() {
    each(|stage| {
        stage.states(&version("1", "")).apply(&[]).expect(0);
        stage.states(&version("2", ""));
        vanishes(stage, 2);
        let run = stage.tree.apply("states/dev.yml", &[]);
        assert!(stage.proxy.faults_are_spent());
        assert!(matches!(run.code(), Some(0 | 1)), "{run}");
        stage.apply(&[]).expect(0);
        stage.is_quiet();
        assert_eq!(stage.containers(), ["web"]);
    });
}

/// Somebody removes the container just before the k-th change of the next run.
fn vanishes(stage: &Stage<'_>, k: usize) {
    let (engine, name) = (stage.engine.clone(), stage.name("web"));
    stage.proxy.clear();
    stage.proxy.fault_at(k, Fault::Before(Box::new(move || inspect::remove(&engine, &name))));
}

#[test]
fn l25_a_restart_keeps_the_container() {
    each(|stage| {
        let state = |value: &str| {
            format!(
                "@db: {{container.running: {{BB, env: {{A: {value}}}}}}}\n\
                 @web: {{container.running: {{BB, watch: [container: '@db']}}}}"
            )
        };
        stage.states(&state("1")).apply(&[]).expect(0);
        let id = stage.id("web");
        stage.states(&state("2")).converges(&["replace container.db", "restart container.web"]);
        assert_eq!(stage.id("web"), id);
    });
}

#[test]
fn l27_a_container_renamed_by_hand_gets_its_name_back() {
    each(|stage| {
        let port = numbers::free_port();
        stage.states(&version("1", &format!(", ports: ['{port}:80']"))).apply(&[]).expect(0);
        let id = stage.id("web");
        inspect::rename(stage.engine, &stage.name("web"), &stage.name("other"));
        stage.converges(&["rename container.web"]);
        assert_eq!(stage.id("web"), id);
        assert_eq!(stage.containers(), ["web"]);
    });
}

#[test]
fn a_declared_rename_keeps_the_container() {
    each(|stage| {
        stage.states("@old: {container.running: {BB}}").apply(&[]).expect(0);
        let id = stage.id("old");
        stage.states("@new: {container.running: {BB, was: '@old'}}").converges(&["rename container.new"]);
        assert_eq!(stage.id("new"), id);
    });
}

#[test]
fn an_answer_that_is_lost_is_looked_up_and_not_guessed() {
    each(|stage| {
        stage.states(&version("1", "")).apply(&[]).expect(0);
        for (round, k) in [1, 2, 3, 5].into_iter().enumerate() {
            stage.states(&version(&format!("{}", round + 2), ""));
            stage.proxy.clear();
            stage.proxy.fault_at(k, Fault::LoseAnswer);
            let run = stage.tree.apply("states/dev.yml", &[]);
            assert!(stage.proxy.faults_are_spent(), "call {k}");
            assert!(matches!(run.code(), Some(0 | 1)), "call {k}: {run}");
            assert!(stage.is_running("web"), "call {k}: it serves: {run}");
            stage.apply(&[]).expect(0);
            stage.is_quiet();
            assert_eq!(stage.containers(), ["web"], "call {k}");
        }
    });
}

#[test]
fn a_refused_call_is_told_with_the_engines_words() {
    each(|stage| {
        stage.states(&version("1", "")).apply(&[]).expect(0);
        let id = stage.id("web");
        stage.states(&version("2", ""));
        stage.proxy.clear();
        stage.proxy.fault_at(3, Fault::Refuse(500));
        let run = stage.tree.apply("states/dev.yml", &[]).expect(1);
        assert!(run.stdout.contains("refused by the test proxy"), "{run}");
        assert_eq!(stage.id("web"), id);
        assert!(stage.is_running("web"));
        stage.apply(&[]).expect(0);
        stage.is_quiet();
        assert_eq!(stage.containers(), ["web"]);
    });
}

#[test]
fn a_slow_engine_is_waited_for() {
    each(|stage| {
        stage.states("@web: {container.running: {BB}}");
        stage.proxy.fault_at(1, Fault::HangAfter(Duration::from_secs(2)));
        stage.tree.apply("states/dev.yml", &[]).expect(0);
        stage.is_quiet();
    });
}

#[test]
fn a_protected_container_is_not_replaced() {
    each(|stage| {
        stage.states(&version("1", ", protect: true")).apply(&[]).expect(0);
        stage.states(&version("2", ", protect: true"));
        assert_eq!(stage.test(1), ["refuse container.web failed"]);
        stage.apply(&[]).expect(1);
        assert_eq!(stage.mutations(), [""; 0]);
        assert_eq!(
            stage.container("web")["Config"]["Env"].as_array().map(|env| env.contains(&json!("A=1"))),
            Some(true)
        );
    });
}

#[test]
fn l03_the_old_one_serves_again_when_somebody_removes_the_newcomer() {
    each(|stage| {
        let web = |value| version(value, ", restart: unless-stopped");
        stage.states(&web("1")).apply(&[]).expect(0);
        let id = stage.id("web");
        // While it settles, and between the two renames.
        for (call, newcomer) in [("/start", "web.r2.next"), ("/rename", "web.r3.next")] {
            stage.states(&web("2"));
            let (engine, newcomer) = (stage.engine.clone(), stage.name(newcomer));
            stage.proxy.clear();
            stage.proxy.fault_when(
                move |request| request.route().ends_with(call),
                Fault::After(Box::new(move || inspect::remove(&engine, &newcomer))),
            );
            let run = stage.tree.apply("states/dev.yml", &[]).expect(1);
            assert!(stage.proxy.faults_are_spent());
            assert!(!run.stdout.contains("docker logs"), "a hint at what is not there: {run}");
            assert!(stage.is_running("web"), "after {call}: {run}");
            assert_eq!(stage.id("web"), id, "{run}");
            assert_eq!(stage.container("web")["HostConfig"]["RestartPolicy"]["Name"], "unless-stopped");
            assert_eq!(stage.containers(), ["web"]);
            stage.states(&web("1")).is_quiet();
        }
    });
}

#[test]
fn l03_one_that_never_served_is_not_said_to_serve_again() {
    each(|stage| {
        let image = json!({"Image": crate::rig::images::BB});
        inspect::create(stage.engine, &stage.name("web"), &image);
        let said = stage.states(BAD).said(&["--adopt"], 1);
        assert!(said.contains("web.r1.next did not work out, so web stays as it was"), "{said}");
        assert_eq!(stage.container("web")["State"]["Status"], "created");
    });
}
