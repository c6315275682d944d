//! State files in Salt's language, run as they are on a real engine: all four modules, and every requisite.

use crate::cases2::stage::{Stage, each};
use crate::rig::images;
use crate::rig::inspect::{self, Object};
use crate::rig::numbers::{free_port, free_subnet};
use crate::rig::workspace::Run;
use std::fs;
use std::path::Path;

/// Runs one of the files, with what it takes from its pillar.
fn run(stage: &Stage<'_>, file: &str, args: &[&str]) -> Run {
    let name = format!("states/{file}.sls");
    let all: Vec<&str> =
        ["apply", name.as_str(), "--env", "dev"].into_iter().chain(args.iter().copied()).collect();
    stage.tree.run(all)
}

/// Copies the files, and says what they find in their pillar.
fn tree(stage: &Stage<'_>) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/salt/trees");
    for folder in ["", "context"] {
        for entry in fs::read_dir(from.join(folder)).expect("the trees are there").flatten() {
            if entry.path().is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let text = fs::read(entry.path()).expect("it can be read");
                stage.tree.file(&format!("states/{folder}/{name}"), text);
            }
        }
    }
    let (prefix, net, port) = (stage.scope.prefix(), free_subnet(), free_port());
    let pillar =
        format!("prefix: {prefix}\nimage: {}\nnet: '{net}'\nport: {port}\ncontext: ./context\n", images::BB);
    stage.tree.file("pillar/common.yml", pillar);
}

/// One file: `--test`, apply, and nothing left to do.
fn holds(stage: &Stage<'_>, file: &str, code: i32) -> String {
    run(stage, file, &["--test"]).expect(0);
    let said = run(stage, file, &[]).expect(code);
    let again = run(stage, file, &["--test"]);
    if code == 0 {
        let again = again.expect(0);
        assert!(again.stdout.contains("0 would change"), "{file}: {again}");
    }
    stage.short(&said.stdout)
}

#[test]
fn images_networks_and_volumes_are_as_they_say() {
    each(|stage| {
        tree(stage);
        images::tag(stage.engine, images::BB, &stage.name("old:1"));
        holds(stage, "images", 0);
        let image = inspect::image(stage.engine, &stage.name("app:1.0"));
        assert_eq!(image["Config"]["Labels"]["of"], "salt");
        holds(stage, "networks", 0);
        assert_eq!(stage.names(Object::Network), ["back", "front"]);
        holds(stage, "volumes", 0);
        assert_eq!(stage.names(Object::Volume), ["data", "short"]);
    });
}

#[test]
fn containers_are_as_they_say() {
    each(|stage| {
        tree(stage);
        holds(stage, "container", 0);
        let web = stage.container("web");
        for (path, expected) in [
            ("/Config/Hostname", "\"web\""),
            ("/HostConfig/Memory", "67108864"),
            ("/HostConfig/CapAdd", "[\"NET_ADMIN\",\"SYS_TIME\"]"),
            ("/HostConfig/Dns", "[\"10.0.0.1\",\"10.0.0.2\"]"),
            ("/HostConfig/RestartPolicy/Name", "\"on-failure\""),
            ("/HostConfig/LogConfig/Config/max-file", "\"2\""),
        ] {
            assert_eq!(web.pointer(path).map(ToString::to_string).as_deref(), Some(expected), "{path}");
        }
        let env = web["Config"]["Env"].to_string();
        assert!(env.contains("DEBUG=yes") && env.contains("HTTP_PORT=8080"), "{env}");

        stage
            .states("@stopped: {container.running: {BB}}\n@gone-1: {container.running: {BB}}")
            .apply(&[])
            .expect(0);
        holds(stage, "lifecycle", 0);
        assert!(!stage.is_running("stopped"));
        assert!(!stage.names(Object::Container).contains(&"gone-1".to_owned()));
    });
}

#[test]
fn what_is_to_run_runs_once() {
    each(|stage| {
        tree(stage);
        let said = holds(stage, "run", 0);
        assert!(said.contains("run     container.migrate"), "{said}");
        assert_eq!(inspect::logs(stage.engine, &stage.name("migrate")), "migrated\n");
        assert_eq!(stage.names(Object::Container), ["after", "migrate"]);
    });
}

#[test]
fn every_requisite_means_what_it_says() {
    each(|stage| {
        tree(stage);
        holds(stage, "requisites", 0);
        assert_eq!(stage.containers(), ["five", "four", "one", "six", "three", "two"]);
        holds(stage, "any", 0);
        let all = stage.containers();
        assert!(["a", "b", "c", "d"].iter().all(|name| all.contains(&(*name).to_owned())), "{all:?}");
        assert!(!all.contains(&"e".to_owned()) && !all.contains(&"f".to_owned()), "{all:?}");
        let said = holds(stage, "answers", 1);
        assert!(said.contains("✗ create  container.broken"), "{said}");
        let all = stage.containers();
        assert!(
            ["told", "told-too", "first", "second", "third", "fourth"]
                .iter()
                .all(|name| all.contains(&(*name).to_owned())),
            "{all:?}"
        );
    });
}

#[test]
fn a_formula_is_rendered_as_in_salt() {
    each(|stage| {
        tree(stage);
        holds(stage, "formula", 0);
        assert_eq!(stage.containers(), ["last", "loud", "quiet", "shared"]);
        assert!(stage.container("shared")["Config"]["Env"].to_string().contains("FROM=extend"));
        assert_eq!(stage.container("last")["Config"]["Labels"]["seen"], "quiet+loud");
    });
}
