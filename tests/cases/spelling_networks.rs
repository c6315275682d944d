//! N: ports, networks and shared namespaces: what the engine makes of them is no difference.

use super::scene::{at, cell, each, once};
use crate::rig::engines::{Release, with_private};
use crate::rig::inspect;
use crate::rig::numbers::{free_port, free_subnet};
use serde_json::json;

#[test]
fn n01_one_port_as_tcp_and_as_udp() {
    each(|scene| {
        let port = free_port();
        scene.cells(&[
            cell("both")
                .same(&format!("ports: ['{port}:53/tcp', '{port}:53/udp']"))
                .same(&format!("ports: ['{port}:53/UDP', {{target: 53, published: {port}}}]"))
                .differs(&format!("ports: ['{port}:53/udp']"), "ports")
                .differs("", "ports"),
            cell("salt")
                .head("docker_container.created")
                .same(&format!("port_bindings: ['{port}:53/tcp', '{port}:53/udp']"))
                .same(&format!("port_bindings: '{port}:53,{port}:53/udp'"))
                .same(&format!("port_bindings: {{53: {port}, 53/udp: {port}}}")),
        ]);
    });
}

#[test]
fn n03_one_port_on_several_addresses() {
    each(|scene| {
        let port = free_port();
        scene.cells(&[cell("two")
            .same(&format!("ports: ['0.0.0.0:{port}:80', '[::]:{port}:80']"))
            .same(&format!("ports: ['[0::0]:{port}:80', '0.0.0.0:{port}:80/tcp']"))
            .differs(&format!("ports: ['0.0.0.0:{port}:80']"), "ports")
            .differs(&format!("ports: ['127.0.0.1:{port}:80']"), "ports")
            .differs(&format!("ports: ['{port}:80']"), "ports")]);
    });
}

#[test]
fn n05_a_port_that_is_written_twice_is_published_once() {
    each(|scene| {
        let port = free_port();
        scene.states(&format!(
            "{{p}}web:\n  container.running: {{image: 'ekt/bb:1', ports: ['{port}:80', '{port}:80/tcp', '{port}:80']}}\n"
        ));
        scene.converge();
        let bindings = at(&scene.container("web"), "HostConfig.PortBindings");
        assert_eq!(bindings, json!({"80/tcp": [{"HostIp": "", "HostPort": port.to_string()}]}));
    });
}

#[test]
fn n07_no_host_address_is_sent_unless_asked_for() {
    each(|scene| {
        let port = free_port();
        scene.cells(&[
            cell("none").same(&format!("ports: ['{port}:80']")).shows(
                "HostConfig.PortBindings",
                json!({"80/tcp": [{"HostIp": "", "HostPort": port.to_string()}]}),
            ),
            cell("random").same("ports: [80]").same("ports: ['80/tcp']").same("ports: ['0:80']"),
            cell("range")
                .same("ports: ['31000-31002:80-82']")
                .same("ports: ['31001:81', '31000:80', '31002:82']")
                .differs("ports: ['31000-31001:80-81']", "ports"),
        ]);
    });
}

#[test]
fn n08_a_running_container_keeps_the_port_that_the_engine_chose() {
    each(|scene| {
        scene.states("{p}web:\n  container.running: {image: 'ekt/bb:1', ports: ['127.0.0.1::80']}\n");
        scene.converge();
        let port = scene.container("web")["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"].clone();
        scene.settled();
        assert_eq!(scene.container("web")["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"], port);
    });
}

#[test]
fn n15_a_shared_network_is_compared_by_id() {
    each(|scene| {
        scene.states(
            "{p}x:\n  container.running: {image: 'ekt/bb:1'}\n\
             {p}y:\n  container.running: {image: 'ekt/bb:1', network_mode: 'container:{p}x'}\n",
        );
        scene.converge();
        let mode = at(&scene.container("y"), "HostConfig.NetworkMode");
        assert_eq!(mode, json!(format!("container:{}", scene.id("x"))));
        // The one whose network it is changes: the other follows in the same run.
        scene.states(
            "{p}x:\n  container.running: {image: 'ekt/bb:1', env: {A: 1}}\n\
             {p}y:\n  container.running: {image: 'ekt/bb:1', network_mode: 'container:{p}x'}\n",
        );
        let done = scene.converge();
        assert_eq!((done.action("x"), done.action("y")), ("replace".to_owned(), "replace".to_owned()));
        let mode = at(&scene.container("y"), "HostConfig.NetworkMode");
        assert_eq!(mode, json!(format!("container:{}", scene.id("x"))));
    });
}

#[test]
fn n17_a_gateway_that_the_engine_fills_in_later_is_no_difference() {
    with_private(Release::Installed, &json!({}), |engine| {
        let scene = super::scene::Scene::new(engine);
        let net = free_subnet();
        scene.states(&format!(
            "{{p}}n:\n  network.present: {{subnet: {net}.0/24}}\n{{p}}plain:\n  network.present: {{}}\n\
             {{p}}web:\n  container.running: {{image: 'ekt/bb:1', stop_signal: KILL, restart: always, networks: [{{p}}n]}}\n"
        ));
        scene.converge();
        engine.restart();
        let found = inspect::network(engine, &scene.name("n"));
        assert_eq!(found["IPAM"]["Config"][0]["Subnet"], json!(format!("{net}.0/24")));
        let outcome = scene.apply();
        assert_eq!(outcome.changes(), Vec::<String>::new(), "after a restart of the engine");
    });
}

#[test]
fn n19_a_static_address_while_the_container_is_stopped() {
    each(|scene| {
        let net = free_subnet();
        let states = |function: &str, address: &str, aliases: &str| {
            format!(
                "{{p}}n:\n  network.present: {{subnet: {net}.0/24}}\n{{p}}web:\n  container.{function}:\n    image: ekt/bb:1\n    \
                 stop_signal: KILL\n    networks: {{'{{p}}n': {{ipv4_address: {net}.{address}, aliases: [{aliases}]}}}}\n"
            )
        };
        scene.states(&states("created", "9", "b, a"));
        scene.converge();
        scene.states(&states("running", "9", "a, b"));
        let id = scene.id("web");
        assert_eq!(scene.converge().action("web"), "start");
        scene.states(&states("stopped", "9", "a, b"));
        assert_eq!(scene.converge().action("web"), "stop");
        scene.states(&states("stopped", "10", "a, b"));
        assert_eq!(scene.converge().action("web"), "update");
        scene.states(&states("running", "10", "a"));
        scene.converge();
        assert_eq!(scene.id("web"), id, "a network is mended in place");
        let shown = &scene.container("web")["NetworkSettings"]["Networks"][scene.name("n")];
        assert_eq!(shown["IPAddress"], json!(format!("{net}.10")));
    });
}

#[test]
fn n20_networks_in_any_order_and_spelling() {
    each(|scene| {
        let networks = "{p}a:\n  network.present: {}\n{p}b:\n  network.present: {}\n";
        let web =
            |networks: &str| format!("{{p}}web:\n  container.created: {{image: 'ekt/bb:1', {networks}}}\n");
        let state = |text: &str| scene.states(&format!("{networks}{}", web(text)));
        state("networks: ['{p}a', '{p}b']");
        scene.converge();
        for same in [
            "networks: ['{p}b', '{p}a']",
            "networks: {'{p}b': {}, '{p}a': }",
            "networks: [{'{p}a': {}}, '{p}b']",
        ] {
            state(same);
            scene.settled();
        }
        state("networks: ['{p}b']");
        assert_eq!(scene.converge().action("web"), "update");
        state("networks: ['{p}b', '{p}a']");
        scene.converge();
        inspect::disconnect(scene.engine, &scene.name("b"), &scene.name("web"));
        assert_eq!(scene.converge().diff("web").len(), 1);
        state("networks: []");
        scene.converge();
        state("network_mode: '{p}a'");
        scene.converge();
        state("");
        scene.converge();
        let shown = scene.container("web")["NetworkSettings"]["Networks"].clone();
        assert_eq!(
            shown.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()),
            Some(vec!["bridge".to_owned()])
        );
    });
}

#[test]
fn n22_links_are_compared_by_name() {
    once(|scene| {
        let states = |links: &str| {
            format!(
                "{{p}}db:\n  container.running: {{image: 'ekt/bb:1'}}\n\
                 {{p}}web:\n  container.running: {{image: 'ekt/bb:1'{links}}}\n"
            )
        };
        scene.states(&states(", links: ['{p}db:db', '{p}db']"));
        scene.converge();
        scene.states(&states(", links: ['{p}db', '{p}db:db']"));
        scene.settled();
        scene.states(&states(""));
        assert_eq!(scene.converge().action("web"), "replace");
    });
}

#[test]
fn n22_links_in_a_network_of_ones_own_change_in_place() {
    once(|scene| {
        let states = |web: &str| {
            format!(
                "{{p}}net: network.present\n\
                 {{p}}db:\n  container.running: {{image: 'ekt/bb:1', networks: ['{{p}}net']}}\n\
                 {{p}}web:\n  container.running: {{image: 'ekt/bb:1', {web}}}\n"
            )
        };
        scene.states(&states("networks: ['{p}net'], links: ['{p}db:database']"));
        scene.converge();
        let links =
            || scene.container("web")["NetworkSettings"]["Networks"][scene.name("net")]["Links"].clone();
        assert_eq!(links(), json!([format!("{}:database", scene.name("db"))]));
        scene.states(&states("network_mode: '{p}net', links: ['{p}db:database']"));
        scene.settled();
        scene.states(&states("networks: ['{p}net'], links: ['{p}db']"));
        assert_eq!(scene.converge().action("web"), "update");
        assert_eq!(links(), json!([format!("{0}:{0}", scene.name("db"))]));
        scene.states(&states("networks: ['{p}net']"));
        assert_eq!(scene.converge().action("web"), "update");
        assert_eq!(links(), json!(null));
    });
}
