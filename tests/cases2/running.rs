//! How a run is run: options, exit codes, outputs.

use super::stage::{Stage, each};
use crate::rig::inspect;
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

const WEB: &str = "@web: {container.running: {BB, env: {A: 1}}}";

#[test]
fn exit_codes_are_those_of_the_manual() {
    each(|stage| {
        stage.states(WEB);
        stage.tree.run(["apply"]).expect(64);
        stage.apply(&["--no-such-option"]).expect(64);
        stage.apply(&["--output", "json", "--state-output", "terse"]).expect(64);
        stage.apply(&["--jobs", "0"]).expect(64);
        stage.apply(&["--test", "--detailed-exitcode"]).expect(2);
        stage.apply(&["--test"]).expect(0);
        stage.apply(&["--detailed-exitcode"]).expect(2);
        stage.apply(&["--detailed-exitcode"]).expect(0);
        stage.states("@web: {container.running: {BB, protect: true}}\n@x: {container.running: {BB}}");
        stage.apply(&["--detailed-exitcode"]).expect(1);
        assert!(stage.is_running("x"), "a failure weighs more than a change");
        stage.states("@web: [");
        stage.apply(&[]).expect(3);
        stage.apply(&["--host", "unix:///no/such/socket"]).expect(3);
        stage.states(WEB).apply(&["--host", "unix:///no/such/socket"]).expect(4);
        let run = stage.apply(&["--host", "nonsense://x"]).expect(4);
        assert!(run.stderr.contains("nonsense://x") && run.stderr.contains("hint: "), "{run}");
    });
}

#[test]
fn a_state_file_that_is_not_there_is_told_by_name() {
    each(|stage| {
        let run = stage.tree.apply("states/nope.yml", &[]).expect(3);
        assert!(run.stderr.contains("states/nope.yml"), "{run}");
    });
}

#[test]
fn an_engine_out_of_reach_is_one_clear_error_and_nothing_else() {
    each(|stage| {
        stage.states(WEB);
        for output in ["changes", "json", "highstate"] {
            let run = stage.apply(&["--host", "unix:///no/such/socket", "--output", output]).expect(4);
            assert_eq!(run.stdout, "", "{run}");
            assert!(
                run.stderr.starts_with("error: cannot reach the engine at unix:///no/such/socket"),
                "{run}"
            );
            assert!(run.stderr.contains("hint: ") && run.stderr.lines().count() <= 4, "{run}");
        }
    });
}

#[test]
fn the_option_goes_before_the_environment() {
    each(|stage| {
        let tree = crate::rig::workspace::Workspace::new(&stage.scope).on("unix:///no/such/socket");
        tree.file("states/dev.yml", "{}");
        tree.apply("states/dev.yml", &[]).expect(4);
        tree.apply("states/dev.yml", &["--host", &stage.engine.host()]).expect(0);
    });
}

#[test]
fn it_can_be_called_apply() {
    each(|stage| {
        stage.states(WEB);
        let path = stage.tree.path("apply");
        symlink(env!("CARGO_BIN_EXE_evenkeel"), &path).expect("a link in an own folder");
        let mut command = Command::new(&path);
        command.args(["states/dev.yml", "--test"]).current_dir(stage.tree.root());
        command.env("DOCKER_HOST", stage.proxy.host());
        let output = command.output().expect("it starts");
        let said = stage.short(&String::from_utf8_lossy(&output.stdout));
        assert!(said.contains("+ create  container.web: it does not exist"), "{said}");
    });
}

#[test]
fn the_environment_is_part_of_what_is_ours() {
    each(|stage| {
        stage.states(WEB).apply(&[]).expect(0);
        let label = |name: &str| stage.container("web")["Config"]["Labels"][name].clone();
        assert_eq!(label("io.evenkeel.env"), "dev");
        stage.states("@web: {container.running: {BB, env: {A: 2}}}");
        let said = stage.said(&["--env", "qa"], 1);
        assert!(said.contains("env `dev`") && said.contains("--adopt"), "{said}");
        stage.states("{}");
        assert!(!stage.said(&["--env", "qa", "--prune"], 0).contains("web"));
        assert!(stage.is_running("web"));
        assert!(stage.said(&[], 0).contains("container.web"), "an orphan of its own environment");
    });
}

#[test]
fn pillar_comes_from_files_and_from_the_command_line() {
    each(|stage| {
        stage.file("states/pillar/common.yml", "web: {level: info, port: 1}");
        stage.file("states/pillar/dev.yml", "web: {level: debug}");
        stage.states(
            "@web: {container.running: {BB, env: {L: '{{ pillar.web.level }}', P: '{{ pillar.web.port }}', E: '{{ env }}'}}}",
        );
        let env = |stage: &Stage<'_>| stage.container("web")["Config"]["Env"].to_string();
        stage.apply(&[]).expect(0);
        assert!(env(stage).contains("L=debug") && env(stage).contains("P=1") && env(stage).contains("E=dev"));
        stage.apply(&["--pillar", "web.port=2"]).expect(0);
        assert!(env(stage).contains("L=debug") && env(stage).contains("P=2"));
    });
}

#[test]
fn json_is_one_object_with_the_agreed_keys_and_no_others() {
    each(|stage| {
        stage.states(
            "@web: {container.running: {BB, env: {A: 1}}}\n\
             @bad: {container.running: {image: 'ekt/bb:1', entrypoint: [/no/such]}}\n\
             @after: {container.running: {BB, require: [container: '@bad']}}",
        );
        let keys = |value: &Value| {
            value.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
        };
        let of_state = [
            "id",
            "kind",
            "function",
            "name",
            "file",
            "line",
            "result",
            "action",
            "cause",
            "diff",
            "steps",
            "comment",
            "duration_ms",
        ];
        let (run, pending) = stage.json(&["--test"]);
        run.expect(0);
        assert_eq!(keys(&pending), ["states", "summary"]);
        assert_eq!(
            keys(&pending["summary"]),
            ["total", "unchanged", "changed", "pending", "failed", "skipped"]
        );
        assert_eq!(
            pending["summary"],
            json!({"total": 4, "unchanged": 1, "changed": 0, "pending": 3, "failed": 0, "skipped": 0})
        );
        let web = pending["states"].as_array().expect("a list")[1].clone();
        assert_eq!(keys(&web), of_state);
        assert_eq!(
            (&web["result"], &web["action"], &web["function"]),
            (&Value::Null, &json!("create"), &json!("running"))
        );
        assert_eq!((&web["file"], &web["line"]), (&json!("states/dev.yml"), &json!(1)));
        assert_eq!(web["steps"].as_array().map(Vec::len), Some(2), "{web}");
        let (run, done) = stage.json(&[]);
        run.expect(1);
        assert_eq!(
            done["summary"],
            json!({"total": 4, "unchanged": 1, "changed": 1, "pending": 0, "failed": 1, "skipped": 1})
        );
        let after = done["states"].as_array().and_then(|states| states.last()).expect("a state").clone();
        assert_eq!(after["skipped"], true, "{after}");
        stage.states("@web: {container.running: {BB, env: {A: 2}}}");
        let (_, changed) = stage.json(&["--test"]);
        let diff = &changed["states"][1]["diff"];
        assert_eq!(*diff, json!([{"field": "env.A", "from": "1", "to": "2", "impact": "replace"}]));
    });
}

#[test]
fn highstate_is_salts_layout() {
    each(|stage| {
        let said = stage.states(WEB).said(&["--output", "highstate"], 0);
        for part in [
            "          ID: web",
            "    Function: container.running",
            "      Result: True",
            "Summary for",
            "Succeeded: 2 (changed=1)",
            "Failed:    0",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    });
}

#[test]
fn timings_go_to_standard_error() {
    each(|stage| {
        let run = stage.states(WEB).apply(&["--timings", "--output", "json"]).expect(0);
        run.json();
        for part in ["connect", "observe", "plan", "execute", "requests"] {
            assert!(run.stderr.contains(part), "{run}");
        }
    });
}

#[test]
fn one_job_at_a_time_keeps_at_most_one_container_down() {
    each(|stage| {
        let tree = |value: &str| {
            ["a", "b", "c"]
                .map(|name| {
                    format!(
                        "@{name}: {{container.running: {{BB, strategy: replace, env: {{A: {value}}}}}}}\n"
                    )
                })
                .concat()
        };
        stage.states(&tree("1")).apply(&[]).expect(0);
        stage.states(&tree("2")).apply(&["--jobs", "1"]).expect(0);
        let mut down = 0_i32;
        for route in stage.mutations() {
            down += i32::from(route.ends_with("/stop")) - i32::from(route.ends_with("/start"));
            assert!((0..=1).contains(&down), "{:?}", stage.mutations());
        }
    });
}

#[test]
fn a_reader_that_goes_away_changes_nothing() {
    each(|stage| {
        stage.states(WEB);
        let mut command = stage.tree.command();
        command.args(["apply", "states/dev.yml"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        drop(child.stdout.take());
        drop(child.stderr.take());
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
        assert!(stage.is_running("web"));
        stage.is_quiet();
    });
}

#[test]
fn a_lock_that_cannot_be_had_is_a_clear_error_before_anything_is_touched() {
    each(|stage| {
        let tree = crate::rig::workspace::Workspace::new(&stage.scope)
            .on(stage.proxy.host())
            .env("EVENKEEL_LOCK_DIR", "/proc/no/such/folder");
        let state = format!("{}: {{container.running: {{image: ekt/bb:1, init: true}}}}", stage.name("web"));
        tree.file("states/dev.yml", state);
        let run = tree.apply("states/dev.yml", &[]).expect(1);
        assert!(
            run.stderr.contains("/proc/no/such/folder") && run.stderr.contains("EVENKEEL_LOCK_DIR"),
            "{run}"
        );
        assert_eq!(stage.mutations(), [""; 0]);
        tree.apply("states/dev.yml", &["--test"]).expect(0);
        stage.states("@web: {container.running: {image: ekt/bb:1, init: true}}").apply(&[]).expect(0);
        tree.apply("states/dev.yml", &[]).expect(0);
    });
}

#[test]
fn a_lock_on_a_full_disk_is_a_clear_error() {
    each(|stage| {
        let folder = stage.tree.path("full");
        std::fs::create_dir(&folder).expect("an empty folder takes another");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4k,mode=700", "none"])
            .arg(&folder)
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            return crate::rig::engines::skip(stage.engine.name, "cannot mount a tmpfs");
        }
        let _unmounted = Unmounted(folder.clone());
        std::fs::write(folder.join("filler"), [0; 4096]).expect("it fits exactly");
        let tree = crate::rig::workspace::Workspace::new(&stage.scope)
            .on(stage.proxy.host())
            .env("EVENKEEL_LOCK_DIR", &folder.display().to_string());
        tree.file(
            "states/dev.yml",
            format!("{}: {{container.running: {{image: ekt/bb:1}}}}", stage.name("web")),
        );
        let run = tree.apply("states/dev.yml", &[]).expect(1);
        assert!(run.stderr.contains("No space left") && run.stderr.contains("full"), "{run}");
        assert_eq!(stage.mutations(), [""; 0]);
    });
}

struct Unmounted(std::path::PathBuf);

impl Drop for Unmounted {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

#[test]
fn adopting_takes_a_stranger_over_once() {
    each(|stage| {
        inspect::create_network(stage.engine, &stage.name("net"), &json!({"Labels": {"a": "1"}}));
        stage.states("@net: {network.present: {labels: {a: '2'}}}");
        let said = stage.said(&[], 1);
        assert!(said.contains("was not made by evenkeel") && said.contains("--adopt"), "{said}");
        assert_eq!(stage.actions(&["--adopt"], 0), ["replace network.net"]);
        stage.is_quiet();
    });
}

#[test]
fn removing_a_stranger_takes_adopt() {
    each(|stage| {
        inspect::run(stage.engine, &stage.name("web"), &json!({"Image": "ekt/bb:1", "StopSignal": "KILL"}));
        stage.states("@web: {container.absent: {}}");
        assert_eq!(stage.test(1), ["refuse container.web failed"]);
        stage.apply(&[]).expect(1);
        assert!(stage.is_running("web"));
        assert_eq!(stage.actions(&["--adopt"], 0), ["remove container.web"]);
        stage.is_quiet();
    });
}
