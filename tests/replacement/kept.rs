//! Containers that are kept after they were replaced or failed.

use crate::cases2::stage::{Stage, each};
use crate::rig::inspect::{self, Object};
use crate::rig::workspace::Workspace;

fn web(value: &str, more: &str) -> String {
    format!(
        "@web: {{container.running: {{BB, strategy: replace, restart: always, env: {{A: {value}}}{more}}}}}"
    )
}

/// Deploys so many versions of `web`, one after the other.
fn deployed(stage: &Stage<'_>, versions: u32, more: &str) {
    for version in 1..=versions {
        stage.states(&web(&version.to_string(), more)).apply(&[]).expect(0);
    }
}

/// How many containers a run looks at one by one.
fn inspections(stage: &Stage<'_>) -> usize {
    stage.apply(&[]).expect(0);
    let is_one = |route: &String| route.starts_with("GET /containers/") && route.ends_with("/json");
    stage.proxy.requests().iter().map(crate::rig::proxy::Request::route).filter(is_one).count()
}

#[test]
fn three_that_were_replaced_are_kept_and_cost_nothing() {
    each(|stage| {
        deployed(stage, 1, "");
        let alone = inspections(stage);
        deployed(stage, 5, "");
        assert_eq!(stage.names(Object::Container), ["web", "web.r2", "web.r3", "web.r4"]);
        for kept in ["web.r2", "web.r3", "web.r4"] {
            let kept = stage.container(kept);
            assert_eq!(kept["State"]["Status"], "exited");
            assert_eq!(kept["HostConfig"]["RestartPolicy"]["Name"], "no", "it must not come back by itself");
        }
        stage.is_quiet();
        assert_eq!(inspections(stage), alone, "those that are kept are not looked at");
        // Fewer, then none.
        stage
            .states(&web("5", ", keep_revisions: 1"))
            .converges(&["remove container.web.r3", "remove container.web.r2"]);
        stage.states(&web("6", ", keep_revisions: 0")).converges(&["replace container.web"]);
        assert_eq!(stage.names(Object::Container), ["web"]);
    });
}

#[test]
fn what_is_kept_does_not_take_the_place_of_what_somebody_removed() {
    each(|stage| {
        deployed(stage, 2, "");
        inspect::remove(stage.engine, &stage.name("web"));
        stage.converges(&["create container.web"]);
        assert_eq!(stage.container("web")["Config"]["Labels"]["io.evenkeel.revision"], "3");
        assert_eq!(stage.names(Object::Container), ["web", "web.r1"]);
        stage.states("@web: {container.absent: {}}").converges(&["remove container.web"]);
        assert_eq!(stage.names(Object::Container), [""; 0]);
    });
}

#[test]
fn what_no_state_declares_goes_with_what_was_kept_for_it() {
    each(|stage| {
        deployed(stage, 2, "");
        stage.states("@other: {container.running: {BB}}").converges(&["create container.other"]);
        let said = stage.said(&["--test", "--prune"], 0);
        assert!(said.contains("container.web: no state declares it"), "{said}");
        assert_eq!(stage.actions(&["--prune"], 0), ["remove container.web"]);
        assert_eq!(stage.names(Object::Container), ["other"]);
    });
}

#[test]
fn nothing_that_is_kept_stands_in_the_way() {
    each(|stage| {
        let with = "@data: {volume.present: {}}\n@net: {network.present: {}}\n@web: {container.running: {BB, volumes: ['@data:/data'], networks: ['@net']}}";
        stage.states(with).apply(&[]).expect(0);
        let without =
            "@data: {volume.absent: {}}\n@net: {network.absent: {}}\n@web: {container.running: {BB}}";
        stage.states(without);
        let args = ["--allow-data-loss", "--test"];
        let foretold = stage.actions(&args, 0);
        let run = stage.apply(&args[..1]).expect(0);
        assert!(
            stage.short(&run.stdout).contains("web.r1, which was kept, goes with what it needs"),
            "{run}"
        );
        assert_eq!(foretold.len(), 3, "{foretold:?}");
        assert_eq!(stage.names(Object::Container), ["web"]);
        assert_eq!(stage.names(Object::Volume), [""; 0]);
        assert_eq!(stage.names(Object::Network), [""; 0]);
        stage.is_quiet();
    });
}

#[test]
fn one_that_failed_is_kept_until_a_later_one_works() {
    each(|stage| {
        deployed(stage, 1, "");
        let bad = ", stable_for: 20s, command: [sh, -c, 'echo last words; exit 3']";
        let bad = format!("@web: {{container.running: {{image: ekt/bb:1, env: {{A: 2}}{bad}}}}}");
        for (number, failed) in [
            (2, &["web.r2.failed"][..]),
            (3, &["web.r2.failed", "web.r3.failed"]),
            (4, &["web.r3.failed", "web.r4.failed"]),
        ] {
            let run = stage.states(&bad).apply(&[]).expect(1);
            assert!(run.stdout.contains("last words"), "{run}");
            assert!(stage.is_running("web"), "{run}");
            let names = stage.names(Object::Container);
            assert_eq!(names.iter().filter(|name| *name != "web").collect::<Vec<_>>(), failed, "{run}");
            assert_eq!(stage.container(&format!("web.r{number}.failed"))["State"]["ExitCode"], 3);
        }
        // Back to what serves: nothing to do, and it can still be looked at.
        stage.states(&web("1", "")).is_quiet();
        assert_eq!(stage.names(Object::Container), ["web", "web.r3.failed", "web.r4.failed"]);
        stage.states(&web("5", "")).converges(&["replace container.web"]);
        assert_eq!(stage.names(Object::Container), ["web", "web.r1"]);
        let number = &stage.container("web")["Config"]["Labels"]["io.evenkeel.revision"];
        assert_eq!(number, "5", "a number is given once");
    });
}

#[test]
fn what_is_kept_is_no_part_of_how_things_stand() {
    each(|stage| {
        deployed(stage, 2, ", lifecycle: {validate: 'true'}");
        for command in [&["status"][..], &["validate", "--all"]] {
            // Others have containers of these names at the same engine.
            let said = stage.tree.run(command).stdout;
            assert!(said.contains(&stage.name("web")), "{command:?}: {said}");
            assert!(!said.contains(&stage.name("web.r1")), "{command:?}: {said}");
        }
        let said = stage.short(&stage.tree.run(["status", &stage.name("web.r1")]).expect(0).stdout);
        assert!(said.contains("web.r1") && said.contains("exited"), "{said}");
    });
}

#[test]
fn a_record_that_cannot_be_kept_is_told_and_hinders_nothing() {
    each(|stage| {
        let tree =
            Workspace::new(&stage.scope).on(stage.proxy.host()).env("EVENKEEL_STATE_DIR", "/proc/none");
        let name = stage.name("web");
        let state = |value: u32| {
            format!(
                "{name}: {{container.running: {{image: ekt/bb:1, init: true, stable_for: 0s, env: {{A: {value}}}}}}}"
            )
        };
        for value in 1..=2 {
            tree.file("states/dev.yml", state(value));
            let run = tree.apply("states/dev.yml", &[]).expect(0);
            assert!(
                run.stderr.contains("what was made is not on record") && run.stderr.contains("/proc/none"),
                "{run}"
            );
        }
        assert_eq!(stage.container("web")["Config"]["Labels"]["io.evenkeel.revision"], "2");
        // Labels alone are enough to go back.
        let run = tree.run(["rollback", &name]).expect(0);
        assert!(stage.container("web")["Config"]["Env"].to_string().contains("A=1"), "{run}");
    });
}
