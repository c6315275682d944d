//! Back to an earlier revision.

use crate::cases2::stage::{Stage, each};
use crate::rig::images;
use crate::rig::inspect::{self, Object};
use crate::rig::proxy::{Fault, Request};
use crate::rig::workspace::{Run, Victim};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn rollback(stage: &Stage<'_>, args: &[&str]) -> Run {
    let name = stage.name("web");
    let args: Vec<&str> = ["rollback", name.as_str()].into_iter().chain(args.iter().copied()).collect();
    stage.tree.run(args)
}

fn level(stage: &Stage<'_>) -> String {
    let env = stage.container("web")["Config"]["Env"].to_string();
    env.split("LEVEL=").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
}

fn web(level: &str, more: &str) -> String {
    format!(
        "@web: {{container.running: {{BB, env: {{LEVEL: {level}, DB_PASSWORD: hunter22-{level}}}{more}}}}}"
    )
}

#[test]
fn what_was_kept_comes_back_as_it_was_and_is_a_revision_of_its_own() {
    each(|stage| {
        let mounts = ", volumes: ['@data:/data', /anon], memory: 64m, restart: always";
        stage.states(&web("one", mounts)).apply(&[]).expect(0);
        inspect::exec(stage.engine, &stage.name("web"), &["touch", "/data/precious", "/anon/precious"]);
        stage.states(&web("two", "")).apply(&[]).expect(0);
        let foretold = rollback(stage, &["--test"]).expect(0);
        for part in ["replace container.web", "env.LEVEL: two → one", "+ memory: 64m", "volumes./data"] {
            assert!(stage.short(&foretold.stdout).contains(part), "{part}: {foretold}");
        }
        assert!(!foretold.stdout.contains("hunter22"), "{foretold}");
        assert_eq!(level(stage), "two", "--test touches nothing");
        let run = rollback(stage, &["--why", "two loses orders"]).expect(0);
        assert!(run.stdout.contains("the state files still say"), "{run}");
        let now = stage.container("web");
        assert_eq!(level(stage), "one");
        assert!(now["Config"]["Env"].to_string().contains("hunter22-one"), "what is secret comes back too");
        assert_eq!(now["HostConfig"]["RestartPolicy"]["Name"], "always");
        assert_eq!(now["Config"]["Labels"]["io.evenkeel.revision"], "3");
        assert_eq!(now["Config"]["Labels"]["io.evenkeel.deploy.cause"], "rollback");
        assert_eq!(now["Config"]["Labels"]["io.evenkeel.deploy.why"], "two loses orders");
        let (code, said) = inspect::exec(stage.engine, &stage.name("web"), &["ls", "/data"]);
        assert!(code == 0 && said.contains("precious"), "{said}");
        // Once is enough; and the files that say the same find nothing to do.
        let again = rollback(stage, &["--to", "1"]).expect(0);
        assert!(again.stdout.contains("0 changed"), "{again}");
        stage.states(&web("one", mounts)).is_quiet();
    });
}

#[test]
fn a_bad_image_is_left_without_asking_any_registry() {
    each(|stage| {
        let good = images::image_with(stage.engine, &stage.scope, "app:1", "ENV APP=good");
        let state = format!(
            "@web: {{container.running: {{image: '{good}', init: true, stable_for: 0s, pull: never}}}}"
        );
        stage.states(&state).apply(&[]).expect(0);
        let image = stage.container("web")["Image"].clone();
        // The same tag, another image.
        images::image_with(stage.engine, &stage.scope, "app:1", "ENV APP=bad");
        stage.apply(&[]).expect(0);
        assert_ne!(stage.container("web")["Image"], image);
        rollback(stage, &[]).expect(0);
        assert_eq!(stage.container("web")["Image"], image);
        assert!(stage.is_running("web"));
    });
}

#[test]
fn what_is_not_there_any_more_comes_back_from_the_record() {
    each(|stage| {
        let plain = |level: &str| {
            format!("@web: {{container.running: {{BB, keep_revisions: 0, env: {{LEVEL: {level}}}}}}}")
        };
        stage.states(&plain("one")).apply(&[]).expect(0);
        stage.states(&plain("two")).apply(&[]).expect(0);
        assert_eq!(stage.names(Object::Container), ["web"]);
        rollback(stage, &[]).expect(0);
        assert_eq!(level(stage), "one");
        let unknown = rollback(stage, &["--to", "9"]).expect(64);
        assert!(
            unknown.stderr.contains("nobody knows revision 9") && unknown.stderr.contains("1, 2"),
            "{unknown}"
        );
    });
}

#[test]
fn after_a_kill_the_way_back_leads_to_what_served_last() {
    each(|stage| {
        let at = |level: &str| web(level, ", strategy: replace");
        for level in ["one", "two", "three"] {
            stage.states(&at(level)).apply(&[]).expect(0);
        }
        stage.states(&at("four"));
        let victim = Victim::default();
        let killer = victim.clone();
        stage.proxy.clear();
        let is_stop = |request: &Request| request.route().ends_with("/stop");
        stage.proxy.fault_when(is_stop, Fault::After(Box::new(move || killer.kill())));
        stage.tree.start(["apply", "states/dev.yml"], victim).wait();
        assert!(stage.proxy.faults_are_spent());
        let foretold = rollback(stage, &["--test"]).expect(0);
        assert!(foretold.stdout.contains("LEVEL: four → three"), "{foretold}");
        let run = rollback(stage, &[]).expect(0);
        assert_eq!(level(stage), "three", "{run}");
        assert!(run.stdout.contains("back to revision 3"), "{run}");
    });
}

#[test]
fn whoever_has_something_of_it_follows_in_the_same_command() {
    each(|stage| {
        let state = |level: &str| {
            web(level, ", ipc: shareable, volumes: ['@data:/data']")
                + "\n@net: {container.running: {BB, network_mode: 'container:@web', env: {API_TOKEN: secret}}}\
                   \n@all: {container.running: {BB, pid: 'container:@web', ipc: 'container:@web', volumes_from: ['@web']}}\
                   \n@next: {container.running: {BB, volumes_from: ['@all:ro']}}\
                   \n@linked: {container.running: {BB, links: ['@web:www']}}\
                   \n@other: {container.running: {BB}}"
        };
        for level in ["one", "two"] {
            stage.states(&state(level)).apply(&[]).expect(0);
        }
        let names = ["net", "all", "next", "linked"];
        let (before, other) = (names.map(|name| stage.id(name)), stage.id("other"));
        let foretold = stage.short(&rollback(stage, &["--test"]).expect(0).stdout);
        for name in names {
            assert!(foretold.contains(&format!("replace container.{name}")), "{name}: {foretold}");
        }
        assert!(!foretold.contains("container.other") && !foretold.contains("secret"), "{foretold}");
        assert_eq!(names.map(|name| stage.id(name)), before, "--test touches nothing");
        rollback(stage, &[]).expect(0);
        let web = stage.id("web");
        let host = |name: &str| stage.container(name)["HostConfig"].clone();
        assert_eq!(host("net")["NetworkMode"], format!("container:{web}"));
        assert_eq!(host("all")["PidMode"], format!("container:{web}"));
        assert_eq!(host("all")["VolumesFrom"][0], web);
        assert_eq!(host("next")["VolumesFrom"][0], format!("{}:ro", stage.id("all")));
        assert!(host("linked")["Links"][0].as_str().is_some_and(|link| link.contains("web:")));
        assert_eq!(stage.id("other"), other);
        assert!(names.iter().all(|name| stage.is_running(name)));
        assert!(stage.container("net")["Config"]["Env"].to_string().contains("secret"));
        stage.states(&state("one")).is_quiet();
        // Nothing to go back from, so nobody has to follow.
        let run = rollback(stage, &["--to", "1"]).expect(0);
        assert!(run.stdout.contains("0 changed"), "{run}");
    });
}

#[test]
fn whoever_cannot_follow_is_named() {
    each(|stage| {
        for level in ["one", "two"] {
            stage.states(&web(level, "")).apply(&[]).expect(0);
        }
        let mode = format!("container:{}", stage.id("web"));
        let theirs = serde_json::json!({"Image": images::BB, "HostConfig": {"NetworkMode": mode}});
        inspect::run(stage.engine, &stage.name("theirs"), &theirs);
        for args in [&["--test"][..], &[]] {
            let said = stage.short(&rollback(stage, args).expect(0).to_string());
            assert!(said.contains("theirs has something of web"), "{said}");
            assert!(said.contains("it was not made by evenkeel; make it anew"), "{said}");
        }
    });
}

#[test]
fn a_follower_that_fails_takes_it_back() {
    each(|stage| {
        let state = |level: &str| {
            web(level, "") + "\n@y: {container.running: {BB, pid: 'container:@web', stop_timeout: 1}}"
        };
        for level in ["one", "two"] {
            stage.states(&state(level)).apply(&[]).expect(0);
        }
        let ids = ["web", "y"].map(|name| stage.id(name));
        stage.proxy.clear();
        // The first start is that of what comes back, the second that of who follows.
        let starts = AtomicUsize::new(0);
        let is_second = move |request: &Request| {
            if request.route().ends_with("/create") {
                // One run takes longer than a second, and is one run all the same.
                std::thread::sleep(Duration::from_millis(1100));
            }
            request.route().ends_with("/start") && starts.fetch_add(1, Ordering::Relaxed) == 1
        };
        stage.proxy.fault_when(is_second, Fault::Refuse(500));
        let run = rollback(stage, &[]).expect(1);
        assert!(stage.proxy.faults_are_spent());
        assert_eq!(["web", "y"].map(|name| stage.id(name)), ids, "{run}");
        assert_eq!(["web", "y"].map(|name| stage.is_running(name)), [true; 2], "{run}");
        stage.states(&state("two")).is_quiet();
    });
}
