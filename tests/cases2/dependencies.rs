//! Dependencies and cascades: who has to follow does, in the same run; nobody else.

use super::stage::each;
use crate::rig::inspect;

#[test]
fn p01_whoever_shares_a_network_namespace_follows_its_owner() {
    each(|stage| {
        let state = |value: &str| {
            format!(
                "@x: {{container.running: {{BB, env: {{A: {value}}}}}}}\n\
                 @y: {{container.running: {{BB, network_mode: 'container:@x'}}}}"
            )
        };
        stage.states(&state("1")).converges(&["create container.x", "create container.y"]);
        stage.states(&state("2")).converges(&["replace container.x", "replace container.y"]);
        let x = stage.id("x");
        assert_eq!(stage.container("y")["HostConfig"]["NetworkMode"], format!("container:{x}"));
        assert_eq!(inspect::exec(stage.engine, &stage.name("y"), &["ip", "addr"]).0, 0);
        inspect::stop(stage.engine, &stage.name("x"));
        inspect::start(stage.engine, &stage.name("x"));
        stage.converges(&["restart container.y"]);
        inspect::stop(stage.engine, &stage.name("x"));
        stage.converges(&["start container.x", "restart container.y"]);
    });
}

#[test]
fn p01_a_chain_of_namespaces_follows_too() {
    each(|stage| {
        let state = |value: &str| {
            format!(
                "@b: {{container.running: {{BB, network_mode: 'container:@a'}}}}\n\
                 @a: {{container.running: {{BB, env: {{A: {value}}}}}}}\n\
                 @c: {{container.running: {{BB, network_mode: 'container:@a', require: [container: '@b']}}}}"
            )
        };
        stage.states(&state("1")).apply(&[]).expect(0);
        stage.states(&state("2"));
        let said = stage.test(0);
        assert_eq!(said.iter().filter(|line| line.starts_with("replace")).count(), 3, "{said:?}");
        assert_eq!(stage.actions(&[], 0), said);
        stage.is_quiet();
    });
}

#[test]
fn p03_nobody_else_is_touched() {
    each(|stage| {
        let state = |value: &str| {
            let others = ["a", "b", "c", "d"].map(|name| {
                format!(
                    "@{name}: {{container.running: {{BB, networks: ['@net'], require: [container: '@e']}}}}\n"
                )
            });
            format!(
                "@net: {{network.present: {{}}}}\n{}@e: {{container.running: {{BB, networks: ['@net'], env: {{A: {value}}}}}}}",
                others.concat()
            )
        };
        stage.states(&state("1")).apply(&[]).expect(0);
        let ids = || ["a", "b", "c", "d"].map(|name| stage.id(name));
        let before = ids();
        stage.states(&state("2")).converges(&["replace container.e"]);
        assert_eq!(ids(), before);
    });
}

#[test]
fn p07_a_tree_goes_down_with_its_users_first() {
    each(|stage| {
        stage.states(
            "@net: {network.present: {}}\n@data: {volume.present: {}}\n\
             @web: {container.running: {BB, networks: ['@net'], volumes: ['@data:/data']}}",
        );
        stage.apply(&[]).expect(0);
        stage.states("@net: {network.absent: {}}\n@data: {volume.absent: {}}\n@web: {container.absent: {}}");
        let said = stage.actions(&["--allow-data-loss", "--test"], 0);
        assert_eq!(said[0], "remove container.web", "{said:?}");
        assert_eq!(said.len(), 3);
        assert_eq!(stage.actions(&["--allow-data-loss"], 0), said);
        stage.is_quiet();
    });
}

#[test]
fn p09_a_requirement_alone_restarts_nobody() {
    each(|stage| {
        let state = |value: &str| {
            format!(
                "@db: {{container.running: {{BB, env: {{A: {value}}}}}}}\n\
                 @web: {{container.running: {{BB, require: [container: '@db']}}}}"
            )
        };
        stage.states(&state("1")).apply(&[]).expect(0);
        let started = stage.container("web")["State"]["StartedAt"].clone();
        stage.states(&state("2")).converges(&["replace container.db"]);
        assert_eq!(stage.container("web")["State"]["StartedAt"], started);
    });
}

#[test]
fn l13_whoever_links_to_a_replaced_container_is_replaced() {
    each(|stage| {
        let state = |value: &str| {
            format!(
                "@db: {{container.running: {{BB, env: {{A: {value}}}}}}}\n\
                 @web: {{container.running: {{BB, links: ['@db:db']}}}}"
            )
        };
        stage.states(&state("1")).apply(&[]).expect(0);
        stage.states(&state("2")).converges(&["replace container.db", "replace container.web"]);
        assert_eq!(inspect::exec(stage.engine, &stage.name("web"), &["ping", "-c", "1", "db"]).0, 0);
        inspect::stop(stage.engine, &stage.name("web"));
        stage.converges(&["start container.web"]);
    });
}
