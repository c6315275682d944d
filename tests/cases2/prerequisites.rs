//! Requisites over files: whole state files and modules as targets, globs, and cycles.

use super::stage::each;

#[test]
fn a_whole_file_can_be_required() {
    each(|stage| {
        stage.file("states/base.yml", "@a: {container.running: {BB}}\n@b: {container.running: {BB}}");
        stage.states("include: [base]\n@web: {container.running: {BB, require: [sls: base], order: first}}");
        let said = stage.test(0);
        assert_eq!(said.last().map(String::as_str), Some("create container.web"), "{said:?}");
        assert_eq!(stage.actions(&[], 0), said);
        stage.is_quiet();
    });
}

#[test]
fn a_whole_module_can_be_required() {
    each(|stage| {
        stage.file(
            "modules/pair.yml",
            "params: {}\n---\na: {container.running: {BB}}\nb: {container.running: {BB}}\n",
        );
        stage.states(
            "@m: {module.pair: {}}\n@web: {container.running: {BB, require: [module: '@m'], order: first}}",
        );
        stage.converges(&["create container.m-a", "create container.m-b", "create container.web"]);
    });
}

#[test]
fn a_pattern_that_matches_nothing_and_a_cycle_are_errors_before_anything_is_touched() {
    each(|stage| {
        stage.states("@web: {container.running: {BB, require: [container: 'nope-*']}}");
        let run = stage.apply(&[]).expect(3);
        assert!(run.stderr.contains("nope-*"), "{run}");
        stage.states(
            "@a: {container.running: {BB, require: [container: '@b']}}\n@b: {container.running: {BB, require: [container: '@a']}}",
        );
        let run = stage.apply(&[]).expect(3);
        assert!(run.stderr.contains("wait for each other"), "{run}");
        assert_eq!(stage.mutations(), [""; 0]);
    });
}

#[test]
fn a_pattern_means_all_that_match() {
    each(|stage| {
        stage.states(
            "@web: {container.running: {BB, require: [container: '@db*'], order: first}}\n\
             @db1: {container.running: {BB}}\n@db2: {container.running: {BB}}",
        );
        stage.converges(&["create container.db1", "create container.db2", "create container.web"]);
    });
}
