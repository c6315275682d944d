//! Drift that peers miss: something differs, so it is said and mended, with as little as it takes.

use super::stage::{Stage, each};
use crate::rig::inspect::{self, Object};
use crate::rig::{images, numbers};
use serde_json::json;

/// Applies `before`, then `after`: exactly `expected` is said and done, and the container is kept or not.
fn edit(before: &str, after: &str, expected: &[&str], kept: bool) {
    each(|stage| {
        stage.states(before).apply(&[]).expect(0);
        let id = stage.id("web");
        stage.states(after).converges(expected);
        assert_eq!(stage.id("web") == id, kept);
    });
}

/// Drift by hand of one running container: exactly `expected` is said and done, on the same container.
fn mended(state: &str, drift: impl Fn(&Stage<'_>), expected: &[&str]) {
    each(|stage| {
        stage.states(state).apply(&[]).expect(0);
        let id = stage.id("web");
        drift(stage);
        stage.converges(expected);
        assert_eq!(stage.id("web"), id);
        assert!(stage.is_running("web"));
        assert_eq!(stage.containers(), ["web"]);
    });
}

const WEB: &str = "@web: {container.running: {BB}}";

#[test]
fn d01_a_healthcheck_that_was_edited_reaches_the_container() {
    each(|stage| {
        let state = |test: &str| {
            format!("@web: {{container.running: {{BB, healthcheck: {{test: {test}, interval: 1s}}}}}}")
        };
        stage.states(&state("'true'")).apply(&[]).expect(0);
        stage.states(&state("[CMD, 'true', again]")).converges(&["replace container.web"]);
        let test = stage.container("web")["Config"]["Healthcheck"]["Test"].clone();
        assert_eq!(test, json!(["CMD", "true", "again"]));
    });
}

#[test]
fn d03_ports_that_are_no_longer_declared_are_closed() {
    let port = numbers::free_port();
    let with = format!("@web: {{container.running: {{BB, ports: ['127.0.0.1:{port}:80']}}}}");
    edit(&with, WEB, &["replace container.web"], false);
}

#[test]
fn d05_a_restart_policy_is_changed_in_place() {
    let state = |policy: &str| format!("@web: {{container.running: {{BB, restart: {policy}}}}}");
    edit(&state("on-failure:3"), &state("'no'"), &["update container.web"], true);
    edit(&state("'no'"), &state("unless-stopped"), &["update container.web"], true);
}

#[test]
fn d05_limits_are_changed_in_place_together() {
    let before = "@web: {container.running: {BB, memory: 32m, pids_limit: 50}}";
    let after = "@web: {container.running: {BB, memory: 64m, pids_limit: 60}}";
    edit(before, after, &["update container.web"], true);
}

#[test]
fn d07_other_options_of_a_volume_are_refused_and_its_data_stays() {
    each(|stage| {
        let state = |size: &str| {
            format!(
                "@data: {{volume.present: {{driver_opts: {{type: tmpfs, device: tmpfs, o: 'size={size}'}}}}}}\n\
                 @web: {{container.running: {{BB, volumes: ['@data:/data']}}}}"
            )
        };
        stage.states(&state("1m")).apply(&[]).expect(0);
        let id = stage.id("web");
        inspect::exec(stage.engine, &stage.name("web"), &["touch", "/data/here"]);
        stage.states(&state("2m"));
        assert_eq!(stage.test(1)[0], "refuse volume.data failed");
        assert_eq!(stage.actions(&[], 1)[0], "refuse volume.data failed");
        assert_eq!(stage.mutations(), [""; 0]);
        assert_eq!(stage.id("web"), id);
        assert_eq!(inspect::exec(stage.engine, &stage.name("web"), &["ls", "/data"]).1, "here\n");
    });
}

#[test]
fn d08_a_network_is_replaced_under_its_containers() {
    each(|stage| {
        let state = |label: &str| {
            format!(
                "@net: {{network.present: {{labels: {{a: '{label}'}}}}}}\n\
                 @web: {{container.running: {{BB, networks: {{'@net': {{aliases: [www]}}}}}}}}\n\
                 @job: {{container.running: {{BB, networks: ['@net']}}}}"
            )
        };
        stage.states(&state("1")).apply(&[]).expect(0);
        let ids = ["web", "job"].map(|name| stage.id(name));
        stage.states(&state("2"));
        let said = stage.test(0);
        assert_eq!(said[0], "replace network.net");
        assert_eq!(stage.actions(&[], 0), said);
        stage.is_quiet();
        assert_eq!(["web", "job"].map(|name| stage.id(name)), ids, "containers are kept");
        let (code, _) = inspect::exec(stage.engine, &stage.name("job"), &["ping", "-c", "1", "www"]);
        assert_eq!(code, 0, "the alias still answers");
    });
}

#[test]
fn d09_a_variable_that_was_edited_replaces_the_container() {
    let state = |value: &str| format!("@web: {{container.running: {{BB, env: {{A: {value}}}}}}}");
    edit(&state("1"), &state("2"), &["replace container.web"], false);
    edit(&state("1"), WEB, &["replace container.web"], false);
}

#[test]
fn d11_a_bind_over_a_volume_of_the_image_wins_and_the_old_data_is_named() {
    each(|stage| {
        let image = images::image_with(stage.engine, &stage.scope, "img:1", "VOLUME /data");
        let state = |volumes: &str| {
            format!(
                "@web: {{container.running: {{image: '{image}', init: true, stable_for: 0s, keep_revisions: 0{volumes}}}}}"
            )
        };
        stage.states(&state("")).apply(&[]).expect(0);
        let web = stage.name("web");
        inspect::exec(stage.engine, &web, &["touch", "/data/precious"]);
        let volume = stage.container("web")["Mounts"][0]["Name"].as_str().expect("a volume").to_owned();
        stage.states(&state(&format!(", volumes: ['{}:/data']", stage.tree.root().display())));
        let said = stage.said(&["--test"], 0);
        assert!(said.contains(&volume), "the volume that keeps the data is named: {said}");
        assert_eq!(stage.actions(&[], 0), ["replace container.web"]);
        stage.is_quiet();
        assert!(!inspect::exec(stage.engine, &web, &["ls", "/data"]).1.contains("precious"));
        assert!(
            inspect::find(stage.engine, Object::Volume, &volume).is_some(),
            "the old data is still there"
        );
        inspect::remove(stage.engine, &web);
        inspect::remove_volume(stage.engine, &volume);
    });
}

#[test]
fn d15_a_volume_that_somebody_made_by_hand_does() {
    each(|stage| {
        inspect::create_volume(stage.engine, &stage.name("data"));
        stage
            .states("@data: {volume.present: {}}\n@web: {container.running: {BB, volumes: ['@data:/data']}}");
        stage.converges(&["create container.web"]);
    });
}

#[test]
fn d17_a_container_that_lost_one_of_its_networks_gets_it_back() {
    each(|stage| {
        stage.states(
            "@n1: {network.present: {}}\n@n2: {network.present: {}}\n\
             @web: {container.running: {BB, networks: {'@n1': {}, '@n2': {aliases: [www]}}}}",
        );
        stage.apply(&[]).expect(0);
        let id = stage.id("web");
        inspect::disconnect(stage.engine, &stage.name("n2"), &stage.name("web"));
        stage.converges(&["update container.web"]);
        assert_eq!(stage.id("web"), id);
        let networks = stage.container("web")["NetworkSettings"]["Networks"].clone();
        assert!(networks[stage.name("n2")]["Aliases"].to_string().contains("www"), "{networks}");
    });
}

#[test]
fn d17_a_network_that_nobody_declared_is_taken_off() {
    each(|stage| {
        stage.states("@n1: {network.present: {}}\n@web: {container.running: {BB, networks: ['@n1']}}");
        stage.apply(&[]).expect(0);
        inspect::create_network(stage.engine, &stage.name("n2"), &json!({}));
        inspect::connect(stage.engine, &stage.name("n2"), &stage.name("web"));
        stage.converges(&["update container.web"]);
        let networks = stage.container("web")["NetworkSettings"]["Networks"].clone();
        assert_eq!(networks.as_object().map(serde_json::Map::len), Some(1), "{networks}");
        assert_eq!(stage.names(Object::Network), ["n1", "n2"], "the stranger stays");
    });
}

#[test]
fn d21_a_word_that_means_nothing_is_an_error_before_anything_is_asked() {
    each(|stage| {
        stage.states("@web: {container.running: {BB, commnad: x}}");
        let run = stage.apply(&[]).expect(3);
        assert!(run.stderr.contains("commnad") && run.stderr.contains("did you mean `command`"), "{run}");
        assert!(run.stderr.contains("states/dev.yml:1:"), "{run}");
        assert_eq!(run.stdout, "");
        assert_eq!(stage.containers(), [""; 0]);
    });
}

#[test]
fn a_container_that_was_stopped_is_started() {
    mended(WEB, |s| inspect::stop(s.engine, &s.name("web")), &["start container.web"]);
}

#[test]
fn a_container_that_was_paused_goes_on() {
    mended(WEB, |s| inspect::pause(s.engine, &s.name("web")), &["start container.web"]);
}

#[test]
fn limits_changed_by_hand_go_back() {
    let state = "@web: {container.running: {BB, memory: 32m, restart: always}}";
    let drift = |s: &Stage<'_>| {
        inspect::update(s.engine, &s.name("web"), &json!({"Memory": 67_108_864, "MemorySwap": 134_217_728}));
        inspect::update(s.engine, &s.name("web"), &json!({"RestartPolicy": {"Name": "no"}}));
    };
    mended(state, drift, &["update container.web"]);
}

#[test]
fn a_policy_that_nobody_declared_goes_back_to_none() {
    let drift = |s: &Stage<'_>| {
        inspect::update(s.engine, &s.name("web"), &json!({"RestartPolicy": {"Name": "always"}}));
    };
    mended(WEB, drift, &["update container.web"]);
}

#[test]
fn a_limit_that_nobody_declared_goes() {
    each(|stage| {
        stage.states(WEB).apply(&[]).expect(0);
        let web = stage.name("web");
        inspect::update(stage.engine, &web, &json!({"Memory": 67_108_864, "MemorySwap": 134_217_728}));
        stage.converges(&["replace container.web"]);
        assert_eq!(stage.container("web")["HostConfig"]["Memory"], 0);
    });
}

#[test]
fn several_drifts_of_one_container_are_mended_in_one_go() {
    let state = "@web: {container.running: {BB, pids_limit: 50}}";
    let drift = |s: &Stage<'_>| {
        inspect::update(s.engine, &s.name("web"), &json!({"PidsLimit": 70}));
        inspect::stop(s.engine, &s.name("web"));
        inspect::rename(s.engine, &s.name("web"), &s.name("other"));
    };
    each(|stage| {
        stage.states(state).apply(&[]).expect(0);
        let id = stage.id("web");
        drift(stage);
        let said = stage.test(0);
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(stage.actions(&[], 0), said);
        stage.is_quiet();
        assert_eq!(stage.id("web"), id);
        assert_eq!(stage.container("web")["HostConfig"]["PidsLimit"], 50);
    });
}

#[test]
fn what_was_removed_by_hand_comes_back() {
    each(|stage| {
        stage.states(
            "@net: {network.present: {}}\n@data: {volume.present: {}}\n\
             @web: {container.running: {BB, networks: ['@net'], volumes: ['@data:/data']}}",
        );
        stage.apply(&[]).expect(0);
        inspect::remove(stage.engine, &stage.name("web"));
        stage.converges(&["create container.web"]);
        inspect::remove(stage.engine, &stage.name("web"));
        inspect::remove_network(stage.engine, &stage.name("net"));
        inspect::remove_volume(stage.engine, &stage.name("data"));
        stage.converges(&["create network.net", "create volume.data", "create container.web"]);
    });
}

#[test]
fn a_network_that_was_removed_under_a_stopped_container_comes_back_and_serves_it() {
    each(|stage| {
        stage.states("@net: {network.present: {}}\n@web: {container.running: {BB, networks: ['@net']}}");
        stage.apply(&[]).expect(0);
        inspect::stop(stage.engine, &stage.name("web"));
        inspect::remove_network(stage.engine, &stage.name("net"));
        let said = stage.test(0);
        assert_eq!(said[0], "create network.net");
        assert_eq!(stage.actions(&[], 0), said);
        stage.is_quiet();
        assert!(stage.is_running("web"));
    });
}

#[test]
fn a_stranger_of_the_same_name_is_left_alone_until_adopted() {
    each(|stage| {
        stage.states("@web: {container.running: {BB, env: {A: 1}}}").apply(&[]).expect(0);
        let web = stage.name("web");
        inspect::remove(stage.engine, &web);
        let stranger = inspect::run(stage.engine, &web, &json!({"Image": images::BB, "StopSignal": "KILL"}));
        assert_eq!(stage.test(1), ["refuse container.web failed"]);
        let run = stage.apply(&[]).expect(1);
        assert!(run.stdout.contains("--adopt"), "{run}");
        assert_eq!(stage.id("web"), stranger);
        assert_eq!(stage.actions(&["--adopt"], 0), ["replace container.web"]);
        stage.is_quiet();
        assert_eq!(stage.containers(), ["web"]);
    });
}

#[test]
fn a_stranger_that_matches_is_taken_as_it_is() {
    each(|stage| {
        let body = json!({"Image": images::BB, "Env": ["A=1"], "HostConfig": {"Init": true}});
        inspect::run(stage.engine, &stage.name("web"), &body);
        stage.states("@web: {container.running: {BB, env: {A: 1}}}");
        assert_eq!(stage.test(0), [""; 0]);
        stage.is_quiet();
    });
}

#[test]
fn a_container_that_is_to_be_stopped_and_runs_is_stopped() {
    each(|stage| {
        stage.states("@web: {container.stopped: {BB}}").converges(&["create container.web"]);
        assert!(!stage.is_running("web"));
        inspect::start(stage.engine, &stage.name("web"));
        stage.converges(&["stop container.web"]);
    });
}
