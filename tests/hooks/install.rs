//! The hooks themselves, beside those of others.

use std::os::unix::fs::PermissionsExt as _;

use super::{Case, with_one};

fn foreign(case: &Case<'_>, text: &str) {
    let hook = case.path("shop.git/hooks/pre-receive");
    std::fs::write(&hook, text).expect("a hook");
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).expect("a program");
}

#[test]
fn a_hook_of_somebody_else_is_never_overwritten() {
    with_one(super::HOOKS, |case| {
        let install = "hook install --repo shop.git --config hooks.yml";
        case.evenkeel("hook uninstall --repo shop.git").expect(0);
        assert!(!case.path("shop.git/hooks/pre-receive").exists());
        let theirs = "#!/bin/sh\ncat > seen; if grep -q refused seen; then echo no; exit 1; fi\n";
        foreign(case, theirs);
        let refused = case.evenkeel(install).expect(1);
        assert!(
            refused.stderr.contains("somebody else's") && refused.stderr.contains("--chain"),
            "{refused}"
        );
        assert_eq!(
            std::fs::read_to_string(case.path("shop.git/hooks/pre-receive")).ok().as_deref(),
            Some(theirs)
        );
        assert!(!case.path("shop.git/hooks/post-receive").exists());

        case.evenkeel(&format!("{install} --chain")).expect(0);
        let told = case.evenkeel("hook status --repo shop.git --config hooks.yml").expect(0).stdout;
        assert!(told.contains("calls the one that was there before"), "{told}");
        case.state("dev", "one");
        let commit = case.commit("one");
        case.push("origin main").expect(0);
        assert_eq!(case.deployed("dev"), commit);
        let seen = std::fs::read_to_string(case.path("shop.git/seen")).expect("they were called");
        assert!(seen.contains(&commit) && seen.contains("refs/heads/main"), "{seen}");
        let refused = case.push("origin main:refs/heads/refused");
        assert!(refused.code() != Some(0), "{refused}");
        // Twice is as once.
        case.evenkeel(&format!("{install} --chain")).expect(0);
        case.evenkeel("hook uninstall --repo shop.git").expect(0);
        assert_eq!(
            std::fs::read_to_string(case.path("shop.git/hooks/pre-receive")).ok().as_deref(),
            Some(theirs)
        );
        let told = case.evenkeel("hook status --repo shop.git --config hooks.yml").expect(1).stdout;
        assert!(told.contains("missing") && told.contains("somebody else's"), "{told}");
    });
}

/// What somebody has done to a repository is not lost.
#[test]
fn everything_is_put_back_as_it_was() {
    with_one(super::HOOKS, |case| {
        let config = |words: &[&str]| case.git("shop.git", &[&["config"], words].concat());
        case.evenkeel("hook uninstall --repo shop.git").expect(0);
        assert_eq!(config(&["--get-regexp", "^(receive|evenkeel)"]).stdout, "");
        config(&["receive.advertisePushOptions", "false"]).expect(0);
        config(&["receive.hideRefs", "refs/secret"]).expect(0);
        for _ in 0..2 {
            case.evenkeel("hook install --repo shop.git --config hooks.yml").expect(0);
        }
        // One of ours that somebody has changed is told, and kept beside.
        let hook = case.path("shop.git/hooks/pre-receive");
        let text = std::fs::read_to_string(&hook).expect("a hook");
        std::fs::write(&hook, format!("{text}# mine\n")).expect("a file");
        let told = case.evenkeel("hook status --repo shop.git").expect(1).stdout;
        assert!(told.contains("installed, and changed since"), "{told}");
        let told = case.evenkeel("hook install --repo shop.git --config hooks.yml").expect(0).stdout;
        assert!(told.contains("pre-receive.changed"), "{told}");
        let kept = std::fs::read_to_string(hook.with_extension("changed")).expect("it is kept");
        assert!(kept.ends_with("# mine\n"));
        case.evenkeel("hook uninstall --repo shop.git").expect(0);
        let left = config(&["--get-regexp", "^(receive|evenkeel)"]).stdout;
        assert_eq!(left, "receive.advertisepushoptions false\nreceive.hiderefs refs/secret\n");
    });
}

#[test]
fn hooks_that_others_use_too_are_left_alone() {
    with_one(super::HOOKS, |case| {
        let shared = case.path("shared").display().to_string();
        std::fs::create_dir(&shared).expect("a folder");
        case.git("shop.git", &["config", "core.hooksPath", &shared]).expect(0);
        let refused = case.evenkeel("hook install --repo shop.git --config hooks.yml").expect(1);
        assert!(refused.stderr.contains("lie outside of it"), "{refused}");
        assert!(refused.stderr.contains("config core.hooksPath"), "{refused}");
        assert_eq!(std::fs::read_dir(&shared).expect("a folder").count(), 0);
    });
}

#[test]
fn what_stands_in_the_way_of_a_hook_is_told() {
    with_one(super::HOOKS, |case| {
        case.evenkeel("hook uninstall --repo shop.git").expect(0);
        let theirs = case.path("shop.git/hooks/post-receive");
        std::fs::write(&theirs, "#!/bin/sh\nexit 7\n").expect("a hook");
        std::fs::set_permissions(&theirs, std::fs::Permissions::from_mode(0o755)).expect("a program");
        case.evenkeel("hook install --repo shop.git --config hooks.yml --chain").expect(0);
        case.state("dev", "one");
        let commit = case.commit("one");
        let push = case.push("origin main").expect(0);
        assert!(push.stderr.contains("post-receive.before-evenkeel ended with exit code 7"), "{push}");
        assert_eq!(case.deployed("dev"), commit);
        // A program that is not there.
        let hook = case.path("shop.git/hooks/pre-receive");
        let text = std::fs::read_to_string(&hook).expect("a hook");
        std::fs::write(&hook, text.replace("program='", "program='/nonexistent")).expect("a file");
        case.commit("two");
        let push = case.push("origin main");
        assert!(push.code() != Some(0) && push.stderr.contains("evenkeel hook install --repo"), "{push}");
        assert!(push.stderr.contains("refused; nothing was changed"), "{push}");
    });
}

#[test]
fn what_is_no_bare_repository_is_refused() {
    with_one(super::HOOKS, |case| {
        let refused = case.evenkeel("hook install --repo work --config hooks.yml").expect(1);
        assert!(refused.stderr.contains("bare"), "{refused}");
        let refused = case.evenkeel("hook install --repo nowhere --config hooks.yml").expect(1);
        assert!(refused.stderr.contains("nowhere"), "{refused}");
        let refused = case.evenkeel("hook install --repo shop.git --config none.yml").expect(3);
        assert!(refused.stderr.contains("none.yml"), "{refused}");
    });
}

#[test]
fn a_push_can_be_tried_out() {
    with_one(super::HOOKS, |case| {
        case.state("dev", "one");
        let commit = case.commit("one");
        case.evenkeel("hook uninstall --repo shop.git").expect(0);
        case.push("origin main").expect(0);
        let run = format!("hook run --repo shop.git --config hooks.yml --ref main --new {commit}");
        let told = case.evenkeel(&format!("{run} --test")).expect(0);
        assert!(told.stdout.contains("1 would change") && !case.exists("dev"), "{told}");
        case.evenkeel(&run).expect(0);
        assert_eq!(case.level("dev"), "one");
    });
}
