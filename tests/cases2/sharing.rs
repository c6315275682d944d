//! Processes, memory and mounts of another container: whoever has them follows it.

use super::stage::{Stage, each};
use crate::rig::inspect;
use crate::rig::proxy::Fault;
use crate::rig::workspace::Victim;
use serde_json::{Value, json};

fn host(stage: &Stage<'_>, name: &str, key: &str) -> Value {
    stage.container(name)["HostConfig"][key].clone()
}

fn exec(stage: &Stage<'_>, name: &str, script: &str) -> (i64, String) {
    inspect::exec(stage.engine, &stage.name(name), &["sh", "-c", script])
}

#[test]
fn each_option_is_made_kept_changed_and_taken_back() {
    each(|stage| {
        let web = |option: &str| {
            format!(
                "@one: {{container.running: {{BB, ipc: shareable, volumes: ['@v1:/one', /anon]}}}}\n\
                 @two: {{container.running: {{BB, ipc: shareable, volumes: ['@v2:/two']}}}}\n\
                 @web: {{container.running: {{BB{option}}}}}"
            )
        };
        let (mut one, mut two) = (String::new(), String::new());
        stage.states(&web("")).apply(&[]).expect(0);
        for (name, id) in [("one", &mut one), ("two", &mut two)] {
            *id = stage.id(name);
        }
        let of = |id: &str| json!(format!("container:{id}"));
        for (key, option, shown) in [
            ("PidMode", ", pid: 'container:@one'", of(&one)),
            ("PidMode", ", pid_mode: 'container:@two'", of(&two)),
            ("PidMode", ", pid: host", json!("host")),
            ("PidMode", "", json!("")),
            ("IpcMode", ", ipc: none", json!("none")),
            ("IpcMode", ", ipc_mode: shareable", json!("shareable")),
            ("IpcMode", ", ipc: 'container:@one'", of(&one)),
            ("IpcMode", ", ipc: host", json!("host")),
            ("IpcMode", "", json!("private")),
            (
                "VolumesFrom",
                ", volumes_from: ['container:@one:ro', '@two']",
                json!([format!("{one}:ro"), two]),
            ),
            ("VolumesFrom", ", volumes_from: ['@two:rw', '@one']", json!([two, one])),
            ("VolumesFrom", "", Value::Null),
        ] {
            stage.states(&web(option)).converges(&["replace container.web"]);
            assert_eq!(host(stage, "web", key), shown, "{option}");
            if !option.is_empty() {
                let field = option.trim_start_matches(", ").split([':', '_']).next().unwrap_or_default();
                assert!(
                    stage.container("web")["Config"]["Labels"]["io.evenkeel.declared"]
                        .as_str()
                        .is_some_and(|declared| declared.contains(field))
                );
            }
        }
        // What is said as the engine has it by itself is no difference.
        stage.states(&web(", ipc: private, pid: '', volumes_from: []")).is_quiet();
    });
}

#[test]
fn salts_words_mean_the_same() {
    each(|stage| {
        let plain = "@one: {container.running: {BB, ipc: shareable}}\n\
             @web: {container.running: {BB, ipc: 'container:@one', pid: 'container:@one', volumes_from: ['@one:ro']}}";
        stage.states(plain).apply(&[]).expect(0);
        stage.states(
            "@one: {docker_container.running: [image: ekt/bb:1, init: true, ipc_mode: shareable]}\n\
             @web: {docker_container.running: [image: ekt/bb:1, init: true, ipc_mode: 'container:@one', \
             pid_mode: 'container:@one', volumes_from: '@one:ro']}",
        );
        stage.is_quiet();
    });
}

/// Somebody who has everything of another one.
fn pair(level: &str, more: &str) -> String {
    format!(
        "@y: {{container.running: {{BB, stop_timeout: 1, pid: 'container:@x', ipc: 'container:@x', volumes_from: ['@x']{more}}}}}\n\
         @x: {{container.running: {{BB, ipc: shareable, volumes: [/anon], env: {{LEVEL: {level}}}, command: [sleep, '4321']}}}}"
    )
}

#[test]
fn whoever_has_what_is_replaced_follows_in_the_same_run() {
    each(|stage| {
        stage.states(&pair("1", "")).converges(&["create container.x", "create container.y"]);
        exec(stage, "x", "echo 1 >/anon/file; echo 1 >/dev/shm/file");
        assert_eq!(
            exec(stage, "y", "cat /anon/file /dev/shm/file; ps | grep -c 'sleep 432[1]'").1,
            "1\n1\n2\n"
        );
        stage.states(&pair("2", ""));
        let told = stage.said(&["--test"], 0);
        for part in ["replace container.y", "pid: container:x", "ipc: container:x", "volumes_from: "] {
            assert!(told.contains(part), "{part}: {told}");
        }
        stage.converges(&["replace container.x", "replace container.y"]);
        let x = stage.id("x");
        assert_eq!(host(stage, "y", "PidMode"), format!("container:{x}"));
        assert_eq!(host(stage, "y", "IpcMode"), format!("container:{x}"));
        assert_eq!(host(stage, "y", "VolumesFrom"), json!([x]));
        exec(stage, "x", "echo 2 >/dev/shm/file");
        assert_eq!(
            exec(stage, "y", "cat /anon/file /dev/shm/file; ps | grep -c 'sleep 432[1]'").1,
            "1\n2\n2\n"
        );
    });
}

#[test]
fn whoever_has_what_is_started_again_is_started_again_too() {
    each(|stage| {
        stage.states(&pair("1", "")).apply(&[]).expect(0);
        inspect::stop(stage.engine, &stage.name("x"));
        inspect::start(stage.engine, &stage.name("x"));
        // It ended with the other one.
        stage.converges(&["start container.y"]);
        inspect::stop(stage.engine, &stage.name("x"));
        stage.converges(&["start container.x", "start container.y"]);
        let memory = |more: &str| {
            format!(
                "@x: {{container.running: {{BB, ipc: shareable}}}}\n\
                 @y: {{container.running: {{BB, ipc: 'container:@x'{more}}}}}"
            )
        };
        stage.states(&memory("")).apply(&[]).expect(0);
        inspect::stop(stage.engine, &stage.name("x"));
        inspect::start(stage.engine, &stage.name("x"));
        stage.converges(&["restart container.y"]);
        exec(stage, "x", "touch /dev/shm/new");
        assert_eq!(exec(stage, "y", "ls /dev/shm").1, "new\n");
    });
}

#[test]
fn a_newcomer_that_fails_leaves_them_as_they_are() {
    each(|stage| {
        for strategy in ["overlap", "replace"] {
            let state = |level: &str, command: &str| {
                format!(
                    "@x: {{container.running: {{PROVEN, strategy: {strategy}, timeout: 21s, ipc: shareable, volumes: [/anon], env: {{LEVEL: {level}}}, command: {command}}}}}\n\
                     @y: {{container.running: {{BB, pid: 'container:@x', ipc: 'container:@x', volumes_from: ['@x']}}}}\n\
                     @z: {{container.running: {{BB, network_mode: 'container:@x', restart: always}}}}"
                )
            };
            stage.states(&state(strategy, "[sleep, '4321']")).apply(&[]).expect(0);
            let ids = ["x", "y", "z"].map(|name| stage.id(name));
            stage.states(&state("bad", "['false']"));
            stage.apply_and_let_end(&[]).expect(1);
            assert_eq!(["x", "y", "z"].map(|name| stage.id(name)), ids, "{strategy}");
            assert_eq!(["x", "y", "z"].map(|name| stage.is_running(name)), [true; 3], "{strategy}");
            assert_eq!(exec(stage, "y", "ps | grep -c 'sleep 432[1]'").1, "2\n", "{strategy}");
            assert_eq!(inspect::exec(stage.engine, &stage.name("z"), &["ip", "addr"]).0, 0);
            stage.states(&state(strategy, "[sleep, '4321']")).is_quiet();
        }
    });
}

#[test]
fn a_follower_that_fails_takes_the_other_one_back() {
    each(|stage| {
        stage.states(&pair("1", "")).apply(&[]).expect(0);
        let ids = ["x", "y"].map(|name| stage.id(name));
        stage.states(&pair("2", ", command: ['false']").replace("{BB, stop", "{PROVEN, stop"));
        let run = stage.apply(&[]).expect(1);
        assert_eq!(["x", "y"].map(|name| stage.id(name)), ids, "{run}");
        assert_eq!(["x", "y"].map(|name| stage.is_running(name)), [true; 2], "{run}");
        stage.states(&pair("1", "")).is_quiet();
    });
}

#[test]
fn mounts_of_the_image_are_those_of_the_other_one() {
    each(|stage| {
        let image = crate::rig::images::image_with(stage.engine, &stage.scope, "data:1", "VOLUME /data");
        let state = |mounts: &str, level: &str| {
            format!(
                "@x: {{container.running: {{image: '{image}', init: true, stable_for: 0s, keep_revisions: 0{mounts}}}}}\n\
                 @y: {{container.running: {{image: '{image}', init: true, stable_for: 0s, volumes_from: ['@x'], env: {{LEVEL: {level}}}}}}}"
            )
        };
        stage.states(&state("", "1")).apply(&[]).expect(0);
        exec(stage, "x", "echo old >/data/file");
        stage.states(&state("", "2")).converges(&["replace container.y"]);
        assert_eq!(exec(stage, "y", "cat /data/file").1, "old\n");
        stage.states(&state(", volumes: ['@named:/data']", "2"));
        stage.converges(&["replace container.x", "replace container.y"]);
        exec(stage, "x", "echo new >/data/file");
        assert_eq!(exec(stage, "y", "cat /data/file").1, "new\n");
    });
}

#[test]
fn what_cannot_be_shared_is_told_before() {
    each(|stage| {
        stage.states("@x: {container.running: {BB}}").apply(&[]).expect(0);
        stage.states("@x: {container.running: {BB}}\n@y: {container.running: {BB, ipc: 'container:@x'}}");
        let run = stage.apply(&["--test"]).expect(1);
        assert!(run.stdout.contains("keeps its memory to itself; give it `ipc: shareable`"), "{run}");
        for option in ["pid: 'container:@nobody'", "ipc: 'container:@nobody'", "volumes_from: ['@nobody:ro']"]
        {
            stage.states(&format!("@y: {{container.running: {{BB, {option}}}}}"));
            let run = stage.apply(&["--test"]);
            assert!(run.code() != Some(0) && run.to_string().contains("nobody"), "{run}");
        }
        stage.states(
            "@x: {container.running: {BB, volumes_from: ['@y']}}\n@y: {container.running: {BB, pid: 'container:@x'}}",
        );
        let run = stage.apply(&["--test"]);
        assert!(run.code() != Some(0) && run.stderr.contains("wait for each other"), "{run}");
    });
}

#[test]
fn a_target_takes_them_along_both_ways() {
    each(|stage| {
        let tree = |level: &str| pair(level, "") + "\n@other: {container.running: {BB}}";
        stage.states(&tree("1"));
        let follower = stage.name("y");
        let said = stage.actions(&["--target", &follower], 0);
        assert_eq!(said, ["create container.x", "create container.y"]);
        stage.states(&tree("2"));
        let target = stage.name("x");
        let said = stage.actions(&["--target", &target, "--test"], 0);
        assert_eq!(said, ["replace container.x", "replace container.y"]);
    });
}

/// A replacement of both that is refused, not answered or killed at one of its calls, and the next runs.
#[test]
fn whatever_goes_wrong_at_any_call_both_serve_in_the_end() {
    each(|stage| {
        let state = |level: usize| {
            pair(&level.to_string(), "").replace("volumes: [/anon]", "volumes: [/anon], drain: 0s")
        };
        stage.states(&state(0)).apply(&[]).expect(0);
        stage.states(&state(1)).apply(&[]).expect(0);
        let calls = stage.mutations().len();
        let is_full = std::env::var("EVENKEEL_MATRIX").is_ok_and(|wish| wish == "full");
        let troubles = ["refused", "answer lost", "killed after"];
        let all = (1..=calls).flat_map(|k| troubles.map(|trouble| (k, trouble)));
        // No newcomer of the follower can be made; and somewhere between the two.
        let sample = |(n, _): &(usize, (usize, &str))| is_full || [3, 22].contains(n);
        let points: Vec<_> = all.enumerate().filter(sample).map(|(_, point)| point).collect();
        for (number, (k, trouble)) in points.iter().enumerate() {
            let point = format!("{trouble} at call {k} of {calls}");
            let victim = Victim::default();
            let killer = victim.clone();
            stage.states(&state(number + 2)).proxy.clear();
            stage.proxy.fault_at(
                *k,
                match *trouble {
                    "refused" => Fault::Refuse(500),
                    "answer lost" => Fault::LoseAnswer,
                    _ => Fault::After(Box::new(move || killer.kill())),
                },
            );
            let run = stage.tree.start(["apply", "states/dev.yml"], victim).wait();
            assert!(stage.proxy.faults_are_spent(), "{point}: {run}");
            if *trouble != "killed after" {
                assert!(stage.is_running("x") && stage.is_running("y"), "{point}: {run}");
            }
            let again = (0..2).map(|_| stage.apply(&[])).find(|run| run.code() == Some(0));
            assert!(again.is_some(), "it does not converge: {point}: {run}");
            assert!(stage.is_running("x") && stage.is_running("y"), "{point}: {run}");
            assert_eq!(host(stage, "y", "PidMode"), format!("container:{}", stage.id("x")), "{point}: {run}");
            stage.is_quiet();
        }
        println!("{calls} calls, {} points tried", points.len());
    });
}
