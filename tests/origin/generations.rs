//! Base, language, application: every record survives in the children.

use super::{Tree, each, rows};
use crate::rig::engines;
use crate::rig::images::BB;
use crate::rig::packages;
use crate::rig::workspace::Workspace;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;

const FOLDER: &str = "/usr/share/evenkeel/metadata.d";

/// Three generations, declared youngest first, and a container of the youngest.
const GENERATIONS: &str = "\
$app:1:
  image.built:
    context: app
    tags: ['$app:dev']
    metadata: {owner: web-team, notes: [\"it's $HOME\", {deep: 1}]}
    lifecycle: {validate: 'test -f /app'}
$lang:1: {image.built: {context: lang, metadata: {language: x}}}
$base:1: {image.built: {context: base, metadata: {os: busybox}, lifecycle: {update: date, validate: 'true'}}}
$web: {container.running: {image: '$app:1'}}
";

fn generations(tree: &Tree<'_>) {
    tree.dockerfile("base", &format!("FROM {BB}\nENV BASE=1\nUSER app\n"));
    tree.dockerfile("lang", "FROM $base:1\nENV LANG_=1\n");
    tree.dockerfile(
        "app",
        "FROM $lang:1 AS made\nUSER root\nRUN echo made > /made\nFROM $lang:1\nCOPY --from=made /made /app\nCOPY . /context\n",
    );
    tree.workspace.file("app/.dockerignore", "*\n!kept\n").file("app/kept", "x").file("app/dropped", "x");
    tree.declare(GENERATIONS);
}

#[test]
fn records_of_three_generations_are_read_from_the_youngest() {
    engines::each(|engine| {
        let tree = Tree::new(engine);
        generations(&tree);
        // All three are built in one run.
        let foretold = tree.apply(&["--test"]);
        let done = tree.apply(&["--cause", "push", "--why", "say 'hello' to $USER"]);
        let steps = |json: &Value| each(json["states"].as_array().expect("states"), "steps");
        assert_eq!(steps(&foretold), steps(&done));
        tree.rests();

        let records = tree.metadata("app:1");
        let names = ["base:1", "lang:1", "app:1"].map(|name| json!(tree.name(name)));
        assert_eq!(each(&records, "image_name"), names);
        assert_eq!(each(&records, "project"), [(); 3].map(|()| json!(tree.scope.project())));
        assert_eq!(each(&records, "build_cause"), [(); 3].map(|()| json!("push")));
        assert_eq!(each(&records, "build_why"), [(); 3].map(|()| json!("say 'hello' to $USER")));
        let metadata = [
            json!({"os": "busybox"}),
            json!({"language": "x"}),
            json!({"notes": [format!("it's {}HOME", tree.scope.prefix()), {"deep": 1}], "owner": "web-team"}),
        ];
        assert_eq!(each(&records, "metadata"), metadata);
        // What a child does not say stays in force.
        assert_eq!(each(&records, "update_method"), [(); 3].map(|()| json!("date")));
        assert_eq!(each(&records, "validate_method"), [json!("true"), json!("true"), json!("test -f /app")]);
        assert_eq!(records[2]["image_tag_names"], json!([tree.name("app:1"), tree.name("app:dev")]));
        let base = [json!(BB), json!(tree.name("base:1")), json!(tree.name("lang:1"))];
        assert_eq!(each(&records, "base_image"), base);
        for record in &records {
            let time: jiff::Timestamp =
                record["build_time"].as_str().expect("a time").parse().expect("RFC 3339");
            let stamp = record["build_time_stamp"].as_i64().expect("a number");
            assert_eq!(time.as_second(), stamp);
            assert_eq!(
                (&record["ci"], &record["gitref"], &record["build_tag"]),
                (&json!(false), &Value::Null, &Value::Null)
            );
            assert!(record["build_host"].is_string() && record["build_actor"].is_string(), "{record}");
        }

        // From a container, running or not, and inside of it.
        assert_eq!(tree.metadata("web"), records);
        let folder = format!("cd {FOLDER} && for f in *; do echo \"$f $(stat -c %a:%u $f) $(cat $f)\"; done");
        let told = crate::rig::inspect::exec(engine, &tree.name("web"), &["sh", "-c", &folder]).1;
        let files: Vec<&str> = told.lines().collect();
        assert_eq!(files.len(), 3, "{told}");
        for (number, line) in files.iter().enumerate() {
            let (head, text) = line.split_once(" {").expect("a file and its content");
            assert_eq!(head, format!("{number:02}-{}.json 644:0", tree.scope.project()));
            let inside: Value = serde_json::from_str(&format!("{{{text}")).expect("JSON");
            for (key, value) in inside.as_object().expect("an object") {
                assert_eq!(records[number][key], *value, "{key}");
            }
        }
        // The user's own context went in as it is, and nothing else of ours.
        let told = tree.in_image("app:1", "cat /app; ls -A /context; id -un; echo $BASE$LANG_");
        assert_eq!(told, "made\nkept\napp\n11\n");

        let labels = tree.labels("app:1");
        assert_eq!(labels["org.opencontainers.image.title"], tree.name("app"));
        assert_eq!(labels["org.opencontainers.image.base.name"], tree.name("lang:1"));
        assert_eq!(labels["org.opencontainers.image.created"], records[2]["build_time"]);
        let container = crate::rig::inspect::container(engine, &tree.name("web"));
        let stamps = &container["Config"]["Labels"];
        assert_eq!(stamps["io.evenkeel.deploy.cause"], "push");
        assert_eq!(stamps["io.evenkeel.deploy.why"], "say 'hello' to $USER");
        let told = tree.run(&["examine", &tree.name("web")]).expect(0).stdout;
        assert!(told.contains("Container first started at 20"), "{told}");
        assert!(told.contains("Update:         date\n    Validate:       test -f /app"), "{told}");
        assert!(told.contains("(1 of 3):") && told.contains("(3 of 3):"), "{told}");
    });
}

#[test]
fn only_what_is_said_of_an_image_is_a_reason_to_build_it_again() {
    engines::each(|engine| {
        let tree = Tree::new(engine);
        generations(&tree);
        tree.apply(&[]);
        let before = tree.metadata("app:1");
        // Another cause, another reason, another user, another server.
        let json = tree.workspace.apply_json(super::FILE, &["--cause", "timer", "--why", "night"]).1;
        assert_eq!(json["summary"]["unchanged"], json["summary"]["total"], "{json}");
        assert_eq!(tree.metadata("app:1"), before);
        tree.declare(&GENERATIONS.replace("owner: web-team", "owner: db-team"));
        assert_eq!(rows(&tree.apply(&["--test"])), ["metadata.owner", "image"]);
        tree.apply(&[]);
        assert_eq!(tree.metadata("app:1")[2]["metadata"]["owner"], "db-team");
        assert_eq!(tree.metadata("app:1").len(), 3);
        tree.rests();
        // What the base says of itself reaches the children that are built on it.
        tree.declare(
            &GENERATIONS.replace("owner: web-team", "owner: db-team").replace("update: date", "update: id"),
        );
        let foretold = tree.apply(&["--test"]);
        assert_eq!(rows(&foretold), ["lifecycle.update", "base", "base", "image"]);
        tree.apply(&[]);
        assert_eq!(tree.metadata("web")[2]["update_method"], "id");
        tree.rests();
    });
}

#[test]
fn what_the_state_of_a_container_says_goes_before_its_image() {
    engines::each(|engine| {
        let tree = Tree::new(engine);
        generations(&tree);
        let with = |more: &str| GENERATIONS.replace("image: '$app:1'}", &format!("image: '$app:1'{more}}}"));
        tree.declare(&with(", labels: {a: b}, lifecycle: {validate: 'test -d /'}"));
        tree.apply(&[]);
        tree.rests();
        let methods = || {
            let labels =
                crate::rig::inspect::container(engine, &tree.name("web"))["Config"]["Labels"].clone();
            let text =
                |name: &str| labels[format!("io.evenkeel.lifecycle.{name}")].as_str().map(str::to_owned);
            (text("start"), text("update"), text("validate"))
        };
        assert_eq!(methods(), (None, Some("date".to_owned()), Some("test -d /".to_owned())));
        tree.declare(&with(", labels: {a: b}, lifecycle: {start: /go}"));
        assert_eq!(rows(&tree.apply(&["--test"])), ["lifecycle.start", "lifecycle.validate"]);
        tree.apply(&[]);
        tree.rests();
        assert_eq!(methods().2.as_deref(), Some("test -f /app"));
        tree.declare(&with(""));
        assert_eq!(rows(&tree.apply(&["--test"])), ["labels.a", "lifecycle.start"]);
        tree.apply(&[]);
        tree.rests();
        assert_eq!(methods(), (None, Some("date".to_owned()), Some("test -f /app".to_owned())));
    });
}

#[test]
fn builds_with_buildx_have_records_as_well() {
    let buildx = match packages::buildx() {
        Ok(buildx) => buildx,
        Err(reason) => return engines::skip("machine", &format!("no docker buildx: {reason}")),
    };
    engines::each(|engine| {
        let mut tree = Tree::new(engine);
        let path = [buildx.programs.clone(), "/usr/bin".into(), "/bin".into()];
        let path = std::env::join_paths(path).expect("no colon in a path").to_string_lossy().into_owned();
        tree.workspace = Workspace::new(&tree.scope).on(engine.host()).env("PATH", &path);
        let plugins = tree.workspace.path(".home/.docker/cli-plugins");
        fs::create_dir_all(&plugins).expect("a folder");
        symlink(&buildx.plugin, plugins.join("docker-buildx")).expect("a link");
        tree.dockerfile("base", &format!("FROM {BB}\nENV BASE=1\n"));
        tree.dockerfile(
            "app",
            "FROM $base:1 AS made\nRUN --mount=type=tmpfs,target=/t echo made > /made\nFROM scratch AS wanted\nCOPY --from=made / /\nCMD [\"sleep\", \"1000\"]\nFROM $base:1 AS other\n",
        );
        let app = "$app:1: {image.built: {context: app, target: wanted, metadata: {a: b}}}\n";
        tree.declare(&format!("$base:1: {{image.built: {{context: base}}}}\n{app}"));
        tree.apply(&[]);
        tree.rests();
        // What starts from scratch has no ancestors, whatever it copies.
        let records = tree.metadata("app:1");
        assert_eq!(each(&records, "metadata"), [json!({"a": "b"})]);
        assert_eq!(records[0]["base_image"], Value::Null);
        tree.dockerfile("app", "FROM $base:1\nRUN --mount=type=tmpfs,target=/t echo made > /made\n");
        tree.declare(&format!(
            "$base:1: {{image.built: {{context: base}}}}\n{}",
            app.replace("target: wanted, ", "")
        ));
        tree.apply(&[]);
        tree.rests();
        let records = tree.metadata("app:1");
        assert_eq!(each(&records, "image_name"), [json!(tree.name("base:1")), json!(tree.name("app:1"))]);
        let told = tree.in_image("app:1", &format!("cat /made; cat {FOLDER}/01-*.json"));
        let text = told.strip_prefix("made\n").unwrap_or_else(|| panic!("{told}"));
        let inside: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(inside["metadata"], records[1]["metadata"]);
    });
}
