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
