//! Dry runs that lie: `--test` touches nothing, works where nothing is there yet, and says what apply does.

use super::stage::each;
use crate::rig::inspect::{self, Object};
use crate::rig::{images, numbers};
use serde_json::json;

#[test]
fn t01_a_dry_run_of_a_replacement_sends_nothing_that_changes() {
    each(|stage| {
        stage.states("@web: {container.running: {BB, env: {A: 1}}}").apply(&[]).expect(0);
        stage.states("@web: {container.running: {BB, env: {A: 2}}}");
        assert_eq!(stage.test(0), ["replace container.web"]);
        let methods: Vec<String> = stage.proxy.requests().into_iter().map(|request| request.method).collect();
        assert!(methods.iter().all(|method| method == "GET" || method == "HEAD"), "{methods:?}");
        assert!(!methods.is_empty());
    });
}

#[test]
fn t16_what_the_machine_of_the_engine_lacks_is_told_before_anything_is_done() {
    each(|stage| {
        let bind = "{type: bind, source: /no/such/folder, target: /x, bind: {create_host_path: false}}";
        stage.states(&format!(
            "@web: {{container.running: {{BB, devices: [/dev/nosuch], volumes: [{bind}]}}}}"
        ));
        let run = stage.apply(&["--test"]).expect(1);
        for missing in ["no file or folder /no/such/folder", "no device /dev/nosuch"] {
            assert!(run.stdout.contains(missing), "{missing}: {run}");
        }
        assert!(stage.containers().is_empty());
    });
}

#[test]
fn t05_a_stopped_container_is_still_there_after_a_dry_run() {
    each(|stage| {
        stage.states("@web: {container.running: {BB}}").apply(&[]).expect(0);
        inspect::stop(stage.engine, &stage.name("web"));
        let id = stage.id("web");
        assert_eq!(stage.test(0), ["start container.web"]);
        assert_eq!(stage.id("web"), id);
    });
}

#[test]
fn t07_t17_an_empty_engine_gives_the_whole_plan_in_order() {
    each(|stage| {
        images::tag(stage.engine, images::BB, &stage.name("img:1"));
        stage.states(
            "@web: {container.running: {BB, networks: ['@net'], volumes: ['@data:/data'], require: [container: '@db']}}\n\
             @db: {container.running: {BB, networks: ['@net']}}\n\
             @data: {volume.present: {}}\n@net: {network.present: {}}\n",
        );
        let said = stage.test(0);
        let at = |what: &str| said.iter().position(|line| line == what).expect("it is in the plan");
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(at("create network.net") < at("create container.db"), "{said:?}");
        assert!(at("create volume.data") < at("create container.web"), "{said:?}");
        assert!(at("create container.db") < at("create container.web"), "{said:?}");
        assert_eq!(stage.actions(&[], 0), said);
        stage.is_quiet();
    });
}

#[test]
fn t09_nothing_to_do_is_nothing_to_say() {
    each(|stage| {
        stage.states("@web: {container.running: {BB}}").apply(&[]).expect(0);
        assert_eq!(stage.said(&["--test"], 0), "0 would change, 2 unchanged, 0 failed\n");
        assert_eq!(stage.said(&[], 0), "0 changed, 2 unchanged, 0 failed\n");
    });
}

#[test]
fn t11_a_difference_is_shown_with_both_values() {
    each(|stage| {
        stage.states("@web: {container.running: {BB, env: {A: 1}, restart: always}}").apply(&[]).expect(0);
        stage.states("@web: {container.running: {BB, env: {A: 2, B: x}, restart: 'no'}}");
        let said = stage.said(&["--test"], 0);
        let expected = "~ replace container.web: env, restart differ\n  \
            ~ env.A: 1 → 2   (replace)\n  + env.B: x   (replace)\n  ~ restart: always → no   (update)\n  \
            note: strategy overlap: the old one serves until the new one does (nothing is exclusive)\n\
            1 would change, 1 unchanged, 0 failed\n";
        assert_eq!(said, expected);
    });
}

#[test]
fn t13_every_kind_says_beforehand_what_it_does() {
    each(|stage| {
        stage.tree.file("ctx/Dockerfile", format!("FROM {}\nENV A=1\n", images::BB));
        stage.states(
            "'@img:1': {image.built: {context: ../ctx}}\n@net: {network.present: {}}\n@data: {volume.present: {}}\n\
             @web: {container.running: {image: '@img:1', init: true, networks: ['@net']}}\n\
             @idle: {container.stopped: {BB}}\n@made: {container.created: {BB}}\n",
        );
        let said = stage.test(0);
        assert_eq!(said.len(), 6, "{said:?}");
        assert_eq!(stage.actions(&[], 0), said);
        stage.is_quiet();
        stage.states(
            "@web: {container.absent: {}}\n@idle: {container.absent: {}}\n@made: {container.absent: {}}\n\
             @net: {network.absent: {}}\n@data: {volume.absent: {}}\n'@img:1': {image.absent: {}}\n",
        );
        let said = stage.actions(&["--test", "--allow-data-loss"], 0);
        assert_eq!(said.len(), 6, "{said:?}");
        assert_eq!(stage.actions(&["--allow-data-loss"], 0), said);
        stage.is_quiet();
        assert_eq!(inspect::inventory(stage.engine, &stage.scope), [""; 0]);
    });
}

#[test]
fn t15_one_run_reaches_the_final_networks() {
    each(|stage| {
        stage.states(
            "@n1: {network.present: {}}\n@n2: {network.present: {}}\n\
             @web: {container.running: {BB, networks: ['@n1', '@n2']}}",
        );
        stage.converges(&["create network.n1", "create network.n2", "create container.web"]);
        let networks = stage.container("web")["NetworkSettings"]["Networks"].clone();
        let names: Vec<String> =
            networks.as_object().expect("a map").keys().map(|name| stage.short(name)).collect();
        assert_eq!(names, ["n1", "n2"]);
    });
}

#[test]
fn t16_what_the_engine_would_refuse_is_said_beforehand() {
    each(|stage| {
        let subnet = numbers::free_subnet();
        let body = json!({"IPAM": {"Config": [{"Subnet": format!("{subnet}.0/24")}]}});
        inspect::create_network(stage.engine, &stage.name("taken"), &body);
        stage.states(&format!(
            "@net: {{network.present: {{subnet: {subnet}.0/25}}}}\n\
             @web: {{container.running: {{BB, networks: ['@net']}}}}\n@other: {{container.running: {{BB}}}}"
        ));
        let said = stage.test(1);
        assert!(said.contains(&"refuse network.net failed".to_owned()), "{said:?}");
        assert!(said.contains(&"skip container.web".to_owned()), "{said:?}");
        assert_eq!(stage.actions(&[], 1), said);
        assert_eq!(stage.containers(), ["other"], "the rest goes on");
        assert_eq!(stage.names(Object::Network), ["taken"]);
    });
}

#[test]
fn t16_a_port_that_a_stranger_has_is_said_beforehand() {
    each(|stage| {
        let port = numbers::free_port();
        let ports = json!({"80/tcp": [{"HostPort": port.to_string()}]});
        let body = json!({"Image": images::BB, "StopSignal": "KILL", "ExposedPorts": {"80/tcp": {}},
            "HostConfig": {"PortBindings": ports}});
        inspect::run(stage.engine, &stage.name("stranger"), &body);
        stage.states(&format!("@web: {{container.running: {{BB, ports: ['{port}:80']}}}}"));
        assert_eq!(stage.test(1), ["refuse container.web failed"]);
        let said = stage.said(&["--test"], 1);
        assert!(said.contains(&port.to_string()) && said.contains("stranger"), "{said}");
        assert_eq!(stage.containers(), ["stranger"]);
    });
}

#[test]
fn an_image_that_cannot_be_had_is_an_error_and_never_unchanged() {
    each(|stage| {
        stage.states("@web: {container.running: {image: 'localhost:1/nosuch:1', pull: always}}");
        let pulled = "pull image.localhost:1/nosuch:1";
        assert_eq!(stage.test(0), [pulled, "create container.web"]);
        assert_eq!(stage.actions(&[], 1), [format!("{pulled} failed"), "skip container.web".to_owned()]);
        assert_eq!(stage.containers(), [""; 0]);
    });
}
