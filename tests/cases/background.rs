//! F: what the image says is no difference; what a state says counts; what it says no longer goes back to the image.

use super::scene::{cell, each, once};
use serde_json::json;

#[test]
fn f01_image_working_dir_is_no_difference() {
    each(|scene| {
        let image = scene.image("w", "WORKDIR /w");
        let path = "Config.WorkingDir";
        scene.cells(&[
            cell("own")
                .of(&image)
                .same("")
                .shows(path, json!("/w"))
                .same("working_dir: /w/")
                .differs("workdir: /x", "working_dir")
                .shows(path, json!("/x"))
                .differs("", "working_dir")
                .shows(path, json!("/w")),
            cell("none").same("").differs("working_dir: /x", "working_dir").differs("", "working_dir"),
            cell("empty").of(&image).same("working_dir: ''").shows(path, json!("/w")).same(""),
            cell("salt").of(&image).head("docker_container.created").same("workdir: /w").same(""),
        ]);
    });
}

#[test]
fn f02_image_user_is_no_difference() {
    once(|scene| {
        let image = scene.image("u", "USER app");
        let path = "Config.User";
        scene.cells(&[
            cell("own")
                .of(&image)
                .same("")
                .shows(path, json!("app"))
                .same("user: app")
                .differs("user: '1000'", "user")
                .shows(path, json!("1000"))
                .differs("user: 0", "user")
                .differs("", "user")
                .shows(path, json!("app")),
            cell("empty").of(&image).same("user: ''").same(""),
            cell("none")
                .same("")
                .differs("user: '1000:1000'", "user")
                .differs("", "user")
                .shows(path, json!("")),
        ]);
    });
}

#[test]
fn f03_image_env_is_no_difference() {
    each(|scene| {
        let image = scene.image("e", "ENV A=1 P=x:y");
        let path = "Config.Env";
        scene.cells(&[
            cell("own")
                .of(&image)
                .same("env: {B: 2}")
                .same("environment: {B: 2, A: 1}")
                .differs("env: {B: 2, A: 3}", "env.A")
                .differs("env: {B: 2}", "env.A")
                .differs("env: {}", "env.B")
                .same(""),
            cell("none").same("").differs("env: {Z: ''}", "env.Z").differs("", "env.Z"),
            cell("equal").of(&image).same("env: [A=1]").same("").same("env: [P=x:y, A=1]"),
            cell("salt")
                .of(&image)
                .head("docker_container.created")
                .same("environment: [B: 2]")
                .same("env: 'B=2'"),
        ]);
        let shown = super::scene::at(&scene.container("own"), path);
        assert_eq!(shown.as_array().map(Vec::len), Some(3), "PATH is the engine's own: {shown}");
    });
}

#[test]
fn f04_image_labels_are_no_difference() {
    once(|scene| {
        let image = scene.image("l", "LABEL tier=front n=1");
        scene.cells(&[
            cell("own")
                .of(&image)
                .same("")
                .same("labels: {n: 1}")
                .differs("labels: {n: 2, extra: yes}", "labels.n labels.extra")
                .shows("Config.Labels.tier", json!("front"))
                .shows("Config.Labels.extra", json!("yes"))
                .differs("labels: {n: 2}", "labels.extra")
                .differs("", "labels.n")
                .shows("Config.Labels.n", json!("1")),
            cell("none")
                .same("labels: []")
                .differs("labels: [seen]", "labels.seen")
                .differs("", "labels.seen"),
        ]);
    });
}

#[test]
fn f07_image_command_is_no_difference() {
    each(|scene| {
        let image = scene.image("c", "CMD [\"sleep\",\"1000\"]");
        let path = "Config.Cmd";
        scene.cells(&[
            cell("own")
                .of(&image)
                .same("")
                .shows(path, json!(["sleep", "1000"]))
                .same("command: sleep 1000")
                .same("command: [sleep, 1000]")
                .differs("command: sleep 5", "command")
                .shows(path, json!(["sleep", "5"]))
                .differs("", "command")
                .shows(path, json!(["sleep", "1000"])),
            cell("shell")
                .of(&image)
                .same("command: [sh, -c, 'echo $HOME \"a  b\"']")
                .differs("command: ''", "command"),
        ]);
    });
}

#[test]
fn f08_image_entrypoint_is_no_difference() {
    each(|scene| {
        let image = scene.image("e", "ENTRYPOINT [\"/bin/sh\"]\nCMD [\"-c\",\"true\"]");
        let (entrypoint, command) = ("Config.Entrypoint", "Config.Cmd");
        scene.cells(&[
            cell("own")
                .of(&image)
                .same("")
                .same("entrypoint: /bin/sh, command: [-c, 'true']")
                .differs("entrypoint: /bin/ash, command: [-c, 'true']", "entrypoint")
                // An own entrypoint drops the image's command: that much differs now.
                .differs("entrypoint: /bin/ash", "command")
                .shows(command, json!(null))
                .same("entrypoint: /bin/ash, command: []")
                .differs("", "entrypoint")
                .shows(entrypoint, json!(["/bin/sh"]))
                .shows(command, json!(["-c", "true"])),
            cell("cleared")
                .of(&image)
                .same("entrypoint: [], command: [sleep, '5']")
                .shows(command, json!(["sleep", "5"]))
                .same("entrypoint: '', command: [sleep, '5']")
                .differs("command: [sleep, '5']", "entrypoint")
                .shows(entrypoint, json!(["/bin/sh"])),
            cell("undeclared")
                .of(&image)
                .same("command: [-c, 'false']")
                .differs("entrypoint: /bin/ash, command: [-c, 'false']", "entrypoint")
                .differs("command: [-c, 'false']", "entrypoint"),
        ]);
    });
}

#[test]
fn f09_an_empty_command_is_the_images_and_is_warned_of() {
    each(|scene| {
        let image = scene.image("c", "CMD [\"sleep\",\"1000\"]");
        scene.cells(&[
            cell("list").of(&image).same("command: []").same("").same("command: []").same("command: null"),
            cell("own").of(&image).same("command: sleep 1").differs("command: []", "command"),
        ]);
        let outcome = scene.test();
        assert!(outcome.text().contains("an empty `command`"), "a warning: {}", outcome.run);
    });
}

#[test]
fn f10_image_stop_signal_and_exposed_ports_are_no_difference() {
    once(|scene| {
        let image = scene.image("s", "STOPSIGNAL SIGQUIT\nEXPOSE 80 53/udp");
        scene.cells(&[
            cell("signal")
                .of(&image)
                .same("")
                .same("stop_signal: 3")
                .differs("stop_signal: SIGINT", "stop_signal")
                .shows("Config.StopSignal", json!("SIGINT"))
                .differs("", "stop_signal")
                .shows("Config.StopSignal", json!("SIGQUIT")),
            cell("expose")
                .of(&image)
                .same("")
                .same("expose: [80]")
                .differs("expose: [80, 81]", "expose")
                .shows("Config.ExposedPorts", json!({"53/udp": {}, "80/tcp": {}, "81/tcp": {}}))
                .differs("", "expose")
                .shows("Config.ExposedPorts", json!({"53/udp": {}, "80/tcp": {}})),
            cell("published")
                .of(&image)
                .same("ports: ['127.0.0.1::80', '127.0.0.1::99']")
                .same("ports: ['127.0.0.1::80', '127.0.0.1::99'], expose: [80]"),
            cell("both")
                .same("ports: ['127.0.0.1::99'], expose: [98]")
                .differs("ports: ['127.0.0.1::99']", "expose")
                .shows("Config.ExposedPorts", json!({"99/tcp": {}}))
                .differs("", "ports"),
        ]);
    });
}

#[test]
fn f21_image_healthcheck_is_no_difference() {
    each(|scene| {
        let image = scene.image("h", "HEALTHCHECK --interval=30s --retries=2 CMD true");
        let test = "Config.Healthcheck.Test";
        let second = 1_000_000_000_i64;
        scene.cells(&[
            cell("own")
                .of(&image)
                .same("")
                .same("healthcheck: {test: 'true', interval: 30s}")
                .differs("healthcheck: {interval: 5s}", "healthcheck.interval")
                .shows(test, json!(["CMD-SHELL", "true"]))
                .shows("Config.Healthcheck.Interval", json!(5 * second))
                .shows("Config.Healthcheck.Retries", json!(2))
                .differs("healthcheck: {test: [CMD, 'false']}", "healthcheck.interval healthcheck.test")
                .shows("Config.Healthcheck.Interval", json!(30 * second))
                .differs("", "healthcheck.test")
                .shows(test, json!(["CMD-SHELL", "true"])),
            cell("off")
                .of(&image)
                .same("healthcheck: {disable: true}")
                .same("healthcheck: NONE")
                .same("healthcheck: {test: [NONE]}")
                .differs("", "healthcheck")
                .shows(test, json!(["CMD-SHELL", "true"]))
                .differs("healthcheck: {disable: true}", "healthcheck"),
            cell("none")
                .same("healthcheck: {}")
                .differs("healthcheck: {test: 'true'}", "healthcheck")
                .differs("healthcheck: {test: 'true', interval: 3s}", "healthcheck.interval")
                .differs("", "healthcheck"),
        ]);
    });
}

#[test]
fn f22_volumes_of_the_image_are_no_difference() {
    once(|scene| {
        let image = scene.image("v", "VOLUME /data /more");
        scene.cells(&[
            cell("own")
                .of(&image)
                .same("")
                .same("volumes: [/data]")
                .differs("volumes: ['{p}named:/data']", "volumes./data")
                .differs("", "volumes./data"),
            cell("other")
                .of(&image)
                .same("volumes: ['{p}other:/other']")
                .same("volumes: ['{p}other:/other:rw']"),
            cell("memory")
                .of(&image)
                .same("tmpfs: [/data]")
                .same("tmpfs: {/data: ''}")
                .differs("", "tmpfs./data"),
        ]);
    });
}
