//! `--target`: a part of the tree, and what it takes along.

use super::stage::each;
use crate::rig::inspect::Object;

const TREE: &str = "@net: {network.present: {}}\n\
    @db: {container.running: {BB, networks: ['@net'], env: {A: VALUE}}}\n\
    @web: {container.running: {BB, networks: ['@net'], require: [container: '@db']}}\n\
    @watcher: {container.running: {BB, watch: [container: '@db']}}\n\
    @joiner: {container.running: {BB, network_mode: 'container:@db'}}\n\
    @other: {container.running: {BB, env: {A: VALUE}}}\n";

#[test]
fn a_target_takes_along_what_it_requires() {
    each(|stage| {
        stage.states(&TREE.replace("VALUE", "1"));
        let target = stage.name("web");
        let said = stage.actions(&["--target", &target, "--test"], 0);
        assert_eq!(said[..2], ["create network.net", "create container.db"]);
        assert!(said.contains(&"create container.web".to_owned()), "{said:?}");
        assert!(!said.contains(&"create container.other".to_owned()), "{said:?}");
        assert_eq!(stage.actions(&["--target", &target], 0), said);
        assert!(!stage.containers().contains(&"other".to_owned()));
    });
}

#[test]
fn what_a_target_applies_is_what_a_full_run_would() {
    each(|stage| {
        stage.states(&TREE.replace("VALUE", "1")).apply(&[]).expect(0);
        stage.states(&TREE.replace("VALUE", "2"));
        let full = stage.test(0);
        let target = stage.name("db");
        let some = stage.actions(&["--target", &target], 0);
        assert_eq!(full.last().map(String::as_str), Some("replace container.other"));
        assert_eq!(some, full[..full.len() - 1], "watchers and joiners come along");
        stage.converges(&["replace container.other"]);
    });
}

#[test]
fn a_target_lists_and_prunes_no_orphans() {
    each(|stage| {
        stage
            .states("@web: {container.running: {BB}}\n@gone: {container.running: {BB}}")
            .apply(&[])
            .expect(0);
        stage.states("@web: {container.running: {BB}}\n@x: {network.present: {}}");
        let target = format!("{}*", stage.name("we"));
        let run = stage.apply(&["--target", &target, "--prune"]).expect(0);
        assert!(!run.stdout.contains("gone"), "{run}");
        assert_eq!(stage.containers(), ["gone", "web"]);
        assert_eq!(stage.names(Object::Network), [""; 0]);
    });
}

#[test]
fn a_target_that_matches_nothing_is_an_error() {
    each(|stage| {
        stage.states("@web: {container.running: {BB}}");
        let run = stage.apply(&["--target", "nope"]);
        assert!(matches!(run.code(), Some(3 | 64)), "{run}");
        assert!(run.stderr.contains("nope"), "{run}");
        assert_eq!(stage.mutations(), [""; 0]);
    });
}
