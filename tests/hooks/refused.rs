//! Pushes that are refused, with the reason and the remedy as the last that the pusher reads.

use super::{Case, with_case, with_one};
use crate::rig::registry::with_registry;
use crate::rig::workspace::Run;

/// A refused push has changed nothing.
fn refused(case: &Case<'_>, push: &Run, said: &str) {
    assert!(push.code() != Some(0) && push.stderr.contains(said), "{said}: {push}");
    assert!(push.stderr.contains("refused") && push.stderr.contains("remote rejected"), "{push}");
    assert_ne!(case.at("refs/heads/main"), case.head());
}

#[test]
fn wrong_files_are_refused() {
    with_case(|case| {
        case.state("dev", "one");
        case.commit("one");
        case.push("origin main").expect(0);
        let before = case.container("dev")["Id"].clone();
        case.write("states/dev.yml", "web:\n  container.running: {imag: a}\n");
        case.commit("a typo");
        let push = case.push("origin main");
        refused(case, &push, "did you mean `image`");
        assert!(push.stderr.contains("states/dev.yml:2"), "{push}");
        case.write("states/dev.yml", "{{ nonsense }}\n");
        case.commit("another");
        refused(case, &case.push("origin main"), "nonsense");
        case.git("work", &["rm", "-q", "states/dev.yml"]).expect(0);
        case.commit("none at all");
        refused(case, &case.push("origin main"), "the pushed tree has no states/dev.yml");
        assert_eq!(case.container("dev")["Id"], before);
    });
}

#[test]
fn what_could_not_be_applied_is_refused() {
    with_case(|case| {
        let name = case.scope.name("dev");
        case.write(
            "states/dev.yml",
            &format!("{name}:\n  container.running: {{image: none-of-that:1, pull: never}}\n"),
        );
        case.commit("no image");
        refused(case, &case.push("origin main"), "has no image none-of-that:1");
        crate::rig::images::bb(case.engine);
        let image = "ekt/bb:1:\n  image.present: {platform: linux/s390x, pull: never}";
        case.write(
            "states/dev.yml",
            &format!("{image}\n{name}:\n  container.running: {{image: 'ekt/bb:1'}}\n"),
        );
        case.commit("for another machine");
        refused(case, &case.push("origin main"), "linux/s390x");
        assert!(!case.exists("dev"));
    });
}

#[test]
fn an_image_that_the_registry_does_not_have_is_refused() {
    with_registry(|engine, scope, registry| {
        let case = Case::new(engine, scope);
        let name = case.scope.name("dev");
        let image = registry.name("shop/web:none");
        case.write("states/dev.yml", &format!("{name}:\n  container.running: {{image: '{image}'}}\n"));
        case.commit("no such tag");
        refused(&case, &case.push("origin main"), "the registry has no image");
        let base = registry.name("shop/base:none");
        case.write("app/Dockerfile", &format!("FROM {base}\n"));
        case.write("states/dev.yml", &format!("{name}:1:\n  image.built: {{context: ../app}}\n"));
        case.commit("no such base");
        refused(&case, &case.push("origin main"), "the registry has no base image");
        case.write("states/dev.yml", &format!("{name}:\n  container.running: {{image: '{image}'}}\n"));
        registry.stop();
        case.commit("nobody knows");
        refused(&case, &case.push("origin main"), "nobody knows whether it would work");
        case.workspace.file("hooks.yml", "environments:\n  dev: {ref: main, gate_on_unknown: warn}\n");
        let push = case.push("origin main").expect(0);
        assert!(push.stderr.contains("warning: nobody knows"), "{push}");
    });
}

#[test]
fn data_that_would_be_lost_has_to_be_named() {
    with_case(|case| {
        let (name, volume) = (case.scope.name("dev"), case.scope.name("data"));
        let project = case.scope.project();
        let body = serde_json::json!({"Name": volume, "Labels": {
            "io.evenkeel.project": project, "io.evenkeel.env": "dev", "io.evenkeel.id": volume,
        }});
        case.engine.http().post("/volumes/create", &body).ok();
        case.write(
            "states/dev.yml",
            &format!("{volume}:\n  volume.absent: {{}}\n{name}:\n  network.absent: {{}}\n"),
        );
        case.commit("away with it");
        let push = case.push("origin main");
        refused(case, &push, "-o allow-data-loss=NAME");
        assert!(push.stderr.contains(&format!("push with -o allow-data-loss={volume}")), "{push}");
        assert!(case.engine.http().get(&format!("/volumes/{volume}")).is_ok());
        case.push(&format!("-o allow-data-loss={volume} origin main")).expect(0);
        assert!(!case.engine.http().get(&format!("/volumes/{volume}")).is_ok());
    });
}

#[test]
fn who_may_not_push_learns_nothing_else() {
    let hooks = "environments:\n  dev: {ref: main, on_push: apply, allow: [nobody-at-all]}\n";
    with_one(hooks, |case| {
        case.write("states/dev.yml", "{{ wrong\n");
        case.commit("one");
        let push = case.push("-o nonsense origin main");
        refused(case, &push, "may not push to dev");
        assert!(!push.stderr.contains("nonsense") && !push.stderr.contains("wrong"), "{push}");
        // Other branches are nobody's business.
        case.push("origin main:refs/heads/mine").expect(0);
        case.workspace.file("hooks.yml", "environments:\n  dev: {ref: main, signed: true}\n");
        refused(case, &case.push("origin main"), "git push --signed");
        // Who owns that file decides, and may do it.
        case.write("states/dev.yml", "");
        case.commit("nothing");
        let commit = case.head();
        case.push("origin main:refs/heads/mine").expect(0);
        let run = format!("hook run --repo shop.git --ref main --new {commit} --test");
        assert!(!case.evenkeel(&run).stderr.contains("signed"));
    });
}

#[test]
fn a_wrong_file_of_the_host_refuses_everything() {
    with_one(super::HOOKS, |case| {
        case.state("dev", "one");
        case.commit("one");
        case.workspace.file("hooks.yml", "environments: {dev: {rf: main}}\n");
        let push = case.push("origin main");
        assert!(push.code() != Some(0) && push.stderr.contains("did you mean `ref`"), "{push}");
        case.workspace.remove("hooks.yml");
        let push = case.push("origin main");
        assert!(push.code() != Some(0) && push.stderr.contains("hooks.yml"), "{push}");
    });
}

#[test]
fn an_engine_that_is_gone_is_unknown() {
    let hooks = "environments:\n  dev: {ref: main, host: 'unix:///nonexistent.sock', on_push: apply}\n";
    with_one(hooks, |case| {
        case.state("dev", "one");
        case.commit("one");
        refused(case, &case.push("origin main"), "nobody knows whether it would work");
    });
}
