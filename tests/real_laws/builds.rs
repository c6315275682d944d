//! Images that are built: every option, the reasons to build again, validation before the name is given.

use super::scene::Scene;
use crate::rig::engines;
use crate::rig::inspect::{self, Object};
use crate::rig::proxy::Fault;
use crate::rig::scope::Scope;
use crate::rig::workspace::{Victim, Workspace};
use crate::rig::{images, packages, registry, waiting};
use evenkeel::resource::{KINDS, Vocabulary};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;

/// What another value of an option comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Comes {
    ToBuild,
    ToTag,
    ToNothing,
    /// Shown by a test of its own.
    Elsewhere,
}

/// Every option in our words, with a value.
const OPTIONS: &[(&str, &str, Comes)] = &[
    ("context", "", Comes::Elsewhere),
    ("dockerfile", "Other", Comes::ToBuild),
    ("args", "{V: '2'}", Comes::ToBuild),
    ("target", "first", Comes::ToBuild),
    ("labels", "{a: b}", Comes::ToBuild),
    ("tags", "['$app:more']", Comes::ToTag),
    ("platform", "linux/amd64", Comes::ToBuild),
    ("network", "none", Comes::ToBuild),
    ("extra_hosts", "{db: 10.0.0.2}", Comes::ToBuild),
    ("secrets", "", Comes::Elsewhere),
    ("metadata", "{owner: db-team}", Comes::ToBuild),
    ("lifecycle", "{validate: test -d /}", Comes::ToBuild),
    ("metadata_files", "false", Comes::ToBuild),
    ("cache_from", "[IMAGE]", Comes::ToNothing),
    ("no_cache", "true", Comes::ToNothing),
    ("pull", "false", Comes::ToNothing),
    ("shm_size", "128m", Comes::ToNothing),
    ("ulimits", "{nofile: 1234}", Comes::ToNothing),
    ("memory", "256m", Comes::ToNothing),
    ("memory_swap", "512m", Comes::ToNothing),
    ("cpu_shares", "512", Comes::ToNothing),
    ("cpu_period", "100000", Comes::ToNothing),
    ("cpu_quota", "50000", Comes::ToNothing),
    ("cpuset_cpus", "'0'", Comes::ToNothing),
    ("rebuild", "{after: 365d}", Comes::ToNothing),
    ("validate", "test -d /", Comes::ToNothing),
    ("keep", "2", Comes::ToTag),
];

fn dockerfile(more: &str) -> String {
    format!("FROM {} AS first\nARG V=1\nENV V=$V\nFROM first\n{more}\n", images::BB)
}

fn built(options: &str) -> String {
    format!("$app:1: {{image.built: {{context: image{options}}}}}")
}

/// What a name of the scene points to, if it is there.
fn id(scene: &Scene<'_>, short: &str) -> Option<String> {
    let answer = scene.engine.http().get(&format!("/images/{}/json", scene.name(short)));
    answer.is_ok().then(|| answer.json()["Id"].as_str().expect("an image has an id").to_owned())
}

fn comments(json: &Value) -> String {
    let states = json["states"].as_array().into_iter().flatten();
    states.filter_map(|state| state["comment"].as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_option_of_a_build_is_compared_and_sent() {
    let kind = KINDS.iter().find(|kind| kind.name() == "image").expect("there are images");
    let rows = kind.fields("built").iter().filter(|row| row.words(Vocabulary::Plain).next().is_some());
    let rows: BTreeSet<&str> = rows.map(|row| row.name).collect();
    let shown: BTreeSet<&str> = OPTIONS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(rows, shown, "rows on the left, options that are shown on the right");
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.workspace.file("image/Dockerfile", dockerfile("")).file("image/Other", dockerfile("ENV O=1"));
        scene.begin(&built(""));
        let of = |comes: Comes| OPTIONS.iter().filter(move |(_, _, it)| *it == comes);
        let notes: String =
            of(Comes::ToNothing).map(|(name, value, _)| format!(", {name}: {value}")).collect();
        scene.goes_nowhere(&built(&notes), &[]);
        // One more with each run; the names come last.
        let mut options = String::new();
        for (name, value, comes) in of(Comes::ToBuild).chain(of(Comes::ToTag)) {
            options += &format!(", {name}: {value}");
            let states = built(&options);
            let applied = scene.go(&states, &[]);
            let state = applied.state(&scene, "image", "app:1");
            let expected = if *comes == Comes::ToTag { "tag" } else { "build" };
            assert_eq!(state["action"], expected, "{name}: {}", applied.run);
            let diff = state["diff"].as_array().cloned().unwrap_or_default();
            let says = diff.iter().any(|row| {
                row["field"].as_str().unwrap_or("").contains(match *name {
                    "dockerfile" => "context",
                    "keep" => "tags",
                    name => name,
                })
            });
            assert!(says || *name == "dockerfile", "{name} is not named: {diff:?}");
        }
    });
}

#[test]
fn what_a_step_of_a_build_may_use_is_sent() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let run =
            "RUN grep -w db /etc/hosts > /told && ulimit -n >> /told && df -m /dev/shm | tail -1 >> /told";
        scene.workspace.file("image/Dockerfile", dockerfile(run));
        scene.declare(&format!(
            "{}\n$web: {{container.running: {{image: '$app:1'}}}}",
            built(", extra_hosts: {db: 10.0.0.2}, ulimits: {nofile: 1234}, shm_size: 96m, network: none, memory: 256m, memory_swap: 256m, cpu_shares: 512, cpuset_cpus: '0'")
        ));
        scene.run(&[]).expect(0);
        let told = scene.exec("web", "cat /told");
        assert!(told.contains("10.0.0.2") && told.contains("\n1234\n") && told.contains(" 96 "), "{told}");
        scene.nothing_is_left(&[]);
    });
}

#[test]
fn a_further_name_that_was_moved_is_put_back() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.workspace.file("image/Dockerfile", dockerfile(""));
        let system =
            format!("{}\n$web: {{container.running: {{image: '$app:dev'}}}}", built(", tags: ['$app:dev']"));
        scene.begin(&system);
        let other = images::image_with(engine, &scene.scope, "other:1", "ENV X=1");
        images::tag(engine, &other, &scene.name("app:dev"));
        scene.go(&system, &[]);
        assert_eq!(id(&scene, "app:dev"), id(&scene, "app:1"));
    });
}

#[test]
fn the_plan_says_which_input_has_changed() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.workspace.file("image/Dockerfile", dockerfile("COPY a /a")).file("image/a", "1");
        scene.begin(&built(", args: {V: '1', API_TOKEN: one}"));
        scene.workspace.file("image/a", "2");
        scene.declare(&built(", args: {V: '3', API_TOKEN: one}"));
        let rows = |json: &Value| -> Vec<String> {
            let states = json["states"].as_array().into_iter().flatten();
            let rows = states.flat_map(|state| state["diff"].as_array().cloned().unwrap_or_default());
            rows.filter_map(|row| row["field"].as_str().map(str::to_owned)).collect()
        };
        assert_eq!(rows(&scene.run(&["--test"]).expect(0).json()), ["args.V", "files.a"]);
        scene.run(&[]).expect(0);
        // Of what looks secret there is not even a digest, so only that something has changed is known.
        scene.declare(&built(", args: {V: '3', API_TOKEN: two}"));
        assert_eq!(rows(&scene.run(&["--test"]).expect(0).json()), ["context"]);
        let labels = engine.http().get(&format!("/images/{}/json", scene.name("app:1"))).ok().json();
        let labels = labels["Config"]["Labels"].to_string();
        assert!(!labels.contains("API_TOKEN"), "{labels}");
    });
}

#[test]
fn a_base_that_has_moved_on_is_a_reason_to_build_again() {
    registry::with_registry(|engine, _, registry| {
        let scene = Scene::new(engine);
        let push = |version: &str| {
            let image = images::image_with(engine, &scene.scope, "base:1", &format!("ENV BASE={version}"));
            registry.push(engine, &image, "shop/base:1")
        };
        let base = push("1");
        scene.workspace.file("image/Dockerfile", format!("FROM {base}\nENV APP=1\n"));
        let system = built(", rebuild: {base_changed: true}");
        scene.begin(&system);
        push("2");
        let applied = scene.go(&system, &[]);
        assert_eq!(applied.state(&scene, "image", "app:1")["action"], "build", "{}", applied.run);
        let json = engine.http().get(&format!("/images/{}/json", scene.name("app:1"))).ok().json();
        assert!(json["Config"]["Env"].to_string().contains("BASE=2"), "{json}");
        // No answer is never "unchanged".
        registry.stop();
        let text = scene.is_refused(&system, &[]);
        assert!(text.contains("unknown"), "{text}");
        scene.goes_nowhere(&built(""), &[]);
    });
}

#[test]
fn what_only_buildkit_can_do_is_refused_with_its_line() {
    if has_buildx() {
        return engines::skip("machine", "docker buildx is installed here");
    }
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.workspace.file("image/Dockerfile", dockerfile("RUN --mount=type=cache,target=/c true"));
        let text = scene.is_refused(&built(""), &[]);
        assert!(text.contains("Dockerfile:5: `RUN --mount=type=cache,target=/c` needs BuildKit"), "{text}");
        scene.workspace.file("image/Dockerfile", dockerfile(""));
        let text = scene.is_refused(&built(", secrets: {a: {file: token}}"), &[]);
        assert!(text.contains("there is no file") && text.contains("token for the secret `a`"), "{text}");
        scene.workspace.file("token", "x");
        let text = scene.is_refused(&built(", secrets: {a: {file: token}}"), &[]);
        assert!(text.contains("`secrets` needs BuildKit"), "{text}");
    });
}

fn has_buildx() -> bool {
    let asked = std::process::Command::new("docker").args(["buildx", "version"]).output();
    asked.is_ok_and(|output| output.status.success())
}

#[test]
fn an_image_gets_its_name_when_it_has_been_validated() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.workspace.file("image/Dockerfile", dockerfile("VOLUME /data\nRUN echo fine > /state"));
        let system = built(", validate: 'echo told; grep fine /state'");
        scene.begin(&system);
        let first = id(&scene, "app:1");
        // A version that is not sound does not get it, and says why.
        scene.workspace.file("image/Dockerfile", dockerfile("VOLUME /data\nRUN echo broken > /state"));
        let applied = scene.run(&[]).expect(1);
        let state = applied.state(&scene, "image", "app:1");
        assert!(comments(&applied.json()).contains("exit code 1"), "{}", applied.run);
        assert!(state.to_string().contains("told"), "its last words are missing: {state}");
        assert_eq!(id(&scene, "app:1"), first);
        assert_eq!(scene.containers(), Vec::<String>::new());
        // What the image says of itself.
        let more = "RUN echo fine > /state\nLABEL io.evenkeel.lifecycle.validate=\"grep fine /state\"";
        scene.workspace.file("image/Dockerfile", dockerfile(more));
        scene.go(&built(", validate: true"), &[]);
        scene.workspace.file("image/Dockerfile", dockerfile("ENV NONE=1"));
        scene.declare(&built(", validate: true"));
        let applied = scene.run(&[]).expect(1);
        assert!(comments(&applied.json()).contains("io.evenkeel.lifecycle.validate"), "{}", applied.run);
    });
}

#[test]
fn a_validation_that_is_cut_off_leaves_no_name_and_the_next_run_cleans_up() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.workspace.file("image/Dockerfile", dockerfile("VOLUME /data"));
        let system = built(", validate: 'test -d /data', tags: ['$app:dev']");
        // Build, record, create, start, remove, and two names.
        for (k, is_before) in [(1, false), (3, false), (4, true), (4, false), (5, true), (6, true)] {
            scene.declare(&system);
            scene.proxy.clear();
            let victim = Victim::default();
            let killer = victim.clone();
            let kill = Box::new(move || killer.kill());
            scene.proxy.fault_at(k, if is_before { Fault::Instead(kill) } else { Fault::After(kill) });
            let run = scene.workspace.start(["apply", super::scene::FILE], victim).wait();
            assert_eq!(run.code(), None, "{run}");
            assert_eq!(id(&scene, "app:1"), None, "call {k}: {run}");
            scene.run(&[]).expect(0);
            assert_eq!(scene.containers(), Vec::<String>::new(), "call {k}");
            scene.nothing_is_left(&[]);
            scene.declare("$app:1: {image.absent: {}}\n$app:dev: {image.absent: {}}");
            scene.run(&[]).expect(0);
        }
        // A refusal in between: the container goes at once.
        for k in 4..=6 {
            scene.declare(&system);
            scene.proxy.clear();
            scene.proxy.fault_at(k, Fault::Refuse(500));
            scene.workspace.apply(super::scene::FILE, &[]).expect(1);
            assert_eq!(id(&scene, "app:1"), None, "call {k}");
        }
        scene.run(&[]).expect(0);
        assert!(scene.exists(Object::Image, "app:1"));
        assert_eq!(scene.containers(), Vec::<String>::new());
    });
}

/// The revisions of a name that are there.
fn revisions(scene: &Scene<'_>) -> Vec<String> {
    let listed = scene.engine.http().get("/images/json").ok().json();
    let prefix = scene.name("app:1.r");
    let tags = listed.as_array().into_iter().flatten().flat_map(|image| {
        let tags = image["RepoTags"].as_array().cloned().unwrap_or_default();
        tags.into_iter().filter_map(|tag| tag.as_str()?.strip_prefix(&prefix).map(str::to_owned))
    });
    let mut tags: Vec<String> = tags.collect();
    tags.sort();
    tags
}

#[test]
fn superseded_images_go_and_those_that_are_needed_stay() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let version = |v: u32| scene.workspace.file("image/Dockerfile", dockerfile(&format!("ENV N={v}")));
        let web = "\n$web: {container.running: {image: '$app:1', keep_revisions: 0}}";
        let system = format!("{}{web}", built(", keep: 1"));
        version(1);
        scene.begin(&system);
        let first = id(&scene, "app:1").expect("it is built");
        assert_eq!(revisions(&scene), ["1"]);
        version(2);
        scene.go(&system, &[]);
        assert_eq!(revisions(&scene), ["1", "2"]);
        // The container that is replaced in this run needs the second no longer; the first is beyond what is kept.
        version(3);
        let applied = scene.go(&system, &[]);
        assert!(applied.run.stdout.contains("app:1.r1"), "{}", applied.run);
        assert_eq!(revisions(&scene), ["2", "3"]);
        assert!(id(&scene, "app:1.r1").is_none());
        assert!(!engine.http().get(&format!("/images/{first}/json")).is_ok(), "the image itself is gone");
        // One that a stopped container needs, and one that somebody has given a name, stay.
        let needed = id(&scene, "app:1.r2").expect("it is kept");
        inspect::create(engine, &scene.name("user"), &json!({"Image": needed}));
        images::tag(engine, &scene.name("app:1.r3"), &scene.name("mine:1"));
        version(4);
        scene.go(&system, &[]);
        version(5);
        scene.go(&system, &[]);
        assert_eq!(revisions(&scene), ["2", "3", "4", "5"]);
        inspect::remove(engine, &scene.name("user"));
        scene.go(&system, &[]);
        assert_eq!(revisions(&scene), ["3", "4", "5"]);
        // By default nothing is removed.
        scene.goes_nowhere(&format!("{}{web}", built("")), &[]);
        for tag in ["app:1.r3", "app:1.r4", "app:1.r5", "mine:1"] {
            drop(engine.http().send("DELETE", &format!("/images/{}", scene.name(tag)), "", b""));
        }
    });
}

#[test]
fn superseded_images_that_were_pulled_go_as_well() {
    registry::with_registry(|engine, _, registry| {
        let scene = Scene::new(engine);
        let push = |version: &str| {
            let image = images::image_with(engine, &scene.scope, "src:1", &format!("ENV V={version}"));
            let name = registry.push(engine, &image, "shop/web:dev");
            drop(engine.http().send("DELETE", &format!("/images/{image}"), "", b""));
            name
        };
        let name = push("1");
        let system = format!("'{name}': {{image.present: {{pull: always, keep: 0}}}}");
        scene.begin(&system);
        let here = |tag: &str| engine.http().get(&format!("/images/{name}{tag}/json")).is_ok();
        assert!(here(".r1"));
        push("2");
        // The push took the tag away here; what it pointed to is still known by its revision.
        let applied = scene.go(&system, &[]);
        assert!(here(".r2") && !here(".r1"), "{}", applied.run);
    });
}

#[test]
fn an_image_is_verified_in_a_container_that_is_gone_afterwards() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let verify = |image: &str, code: i32| {
            let name = scene.name(image);
            let args = ["verify", &name, "--stable-for", "1"];
            let run = scene.workspace.run(args).expect(code);
            let listed = engine.http().get("/containers/json?all=1").ok().text();
            assert!(!listed.contains(&format!("\"io.evenkeel.trial\":\"{name}\"")), "{run}");
            run
        };
        images::image_with(engine, &scene.scope, "fine:1", "STOPSIGNAL KILL\nVOLUME /data");
        assert!(verify("fine:1", 0).stdout.contains("sound"));
        images::image_with(
            engine,
            &scene.scope,
            "ends:1",
            "CMD [\"sh\", \"-c\", \"echo the reason; exit 3\"]",
        );
        let said = verify("ends:1", 1).stdout;
        assert!(
            said.contains("exit code 3") && said.contains("the reason") && said.contains("not sound"),
            "{said}"
        );
        let label =
            |command: &str| format!("STOPSIGNAL KILL\nLABEL io.evenkeel.lifecycle.validate=\"{command}\"");
        images::image_with(engine, &scene.scope, "valid:1", &label("echo looked; test -d /tmp"));
        let said = verify("valid:1", 0).stdout;
        assert!(said.contains("looked") && said.contains("found nothing wrong"), "{said}");
        images::image_with(engine, &scene.scope, "invalid:1", &label("echo looked >&2; exit 7"));
        let said = verify("invalid:1", 1).stdout;
        assert!(said.contains("looked") && said.contains("exit code 7"), "{said}");
        let health = "STOPSIGNAL KILL\nHEALTHCHECK --interval=200ms --retries=1 CMD false";
        images::image_with(engine, &scene.scope, "sick:1", health);
        assert!(verify("sick:1", 1).stdout.contains("unhealthy"));
        let said = scene.workspace.run(["verify", "localhost:1/nosuch:1"]).expect(1).stderr;
        assert!(said.contains("localhost:1/nosuch:1"), "{said}");
        what_a_killed_verification_leaves_is_removed_by_the_next(&scene);
    });
}

/// Not a test of its own: beside another one that verifies, that one would tidy up.
fn what_a_killed_verification_leaves_is_removed_by_the_next(scene: &Scene<'_>) {
    let engine = scene.engine;
    let name = scene.name("fine:1");
    let trials = || -> Vec<Value> {
        let listed = engine.http().get("/containers/json?all=1").ok().json();
        let mine = |it: &&Value| it["Labels"]["io.evenkeel.trial"] == name.as_str();
        listed.as_array().expect("a list").iter().filter(mine).cloned().collect()
    };
    let victim = Victim::default();
    let running = scene.workspace.start(["verify", &name, "--stable-for", "600"], victim.clone());
    waiting::until("the trial runs", || trials().iter().any(|it| it["State"] == "running"));
    victim.kill();
    running.wait();
    let [left] = &trials()[..] else { panic!("one is left: {:?}", trials()) };
    let id = left["Id"].as_str().expect("it has an id");
    let machine = left["Labels"]["io.evenkeel.trial.home"].as_str().expect("it says where it was made");
    let volume = inspect::container(engine, id)["Mounts"][0]["Name"].as_str().expect("a volume").to_owned();
    // None of these is left behind by this machine: its run lives, it is elsewhere, it is called otherwise.
    let labelled = |host: &str| json!({"Image": &name, "Labels": {"io.evenkeel.trial": "other", "io.evenkeel.trial.home": host}});
    let dead = left["Names"][0].as_str().and_then(|it| it.split('-').nth(2)).expect("it names its run");
    let stay = [
        (format!("evenkeel-verify-{}-1", std::process::id()), machine),
        (format!("evenkeel-verify-{dead}-1"), "another-machine"),
        (scene.name("verify").replace([':', '/'], "-"), machine),
    ];
    for (name, host) in &stay {
        inspect::create(engine, name, &labelled(host));
    }
    let run = scene.workspace.run(["verify", &name, "--stable-for", "1"]).expect(0);
    let gone = trials().is_empty() && inspect::find(engine, Object::Volume, &volume).is_none();
    let stayed: Vec<bool> =
        stay.iter().map(|(name, _)| inspect::find(engine, Object::Container, name).is_some()).collect();
    for (name, _) in &stay {
        engine.http().delete(&format!("/containers/{name}?force=1&v=1"));
    }
    assert!(gone, "{run}");
    assert_eq!(stayed, [true; 3], "{run}");
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(said.contains("a killed verification left evenkeel-verify-"), "{run}");
}

#[test]
fn what_needs_buildkit_is_built_with_buildx_where_it_is_present() {
    let buildx = match packages::buildx() {
        Ok(buildx) => buildx,
        Err(reason) => return engines::skip("machine", &format!("no docker buildx: {reason}")),
    };
    engines::in_turn(|engine| {
        images::bb(engine);
        let scope = Scope::new(engine);
        let path = [buildx.programs.clone(), "/usr/bin".into(), "/bin".into()];
        let path = std::env::join_paths(path).expect("no colon in a path").to_string_lossy().into_owned();
        let workspace = Workspace::new(&scope).on(engine.host());
        let workspace = workspace.env("TOKEN", "from-a-variable").env("PATH", &path);
        let plugins = workspace.path(".home/.docker/cli-plugins");
        fs::create_dir_all(&plugins).expect("a folder");
        symlink(&buildx.plugin, plugins.join("docker-buildx")).expect("a link");
        let name = scope.name("app:1");
        let instructions = "ARG WORD\nRUN --mount=type=secret,id=a --mount=type=secret,id=b \\\n  \
            cat /run/secrets/a /run/secrets/b > /sum && echo $WORD >> /sum\nCOPY --chmod=0640 file /file\n";
        workspace
            .file("image/Dockerfile", format!("FROM {}\n{instructions}", images::BB))
            .file("image/file", "1")
            .file("token", "from-a-file\n")
            .file(
                super::scene::FILE,
                format!(
                    "{name}: {{image.built: {{context: image, args: {{WORD: spoken}}, secrets: {{a: {{file: token}}, b: \
                     {{env: TOKEN}}}}, validate: 'cat /sum; stat -c %a /file; grep -q from-a-file /sum', tags: ['{}']}}}}\n",
                    scope.name("app:dev")
                ),
            );
        let foretold = workspace.apply_json(super::scene::FILE, &["--test"]).1;
        let (run, applied) = workspace.apply_json(super::scene::FILE, &[]);
        let run = run.expect(0);
        assert_eq!(foretold["states"][0]["steps"], applied["states"][0]["steps"]);
        let told = inspect::run(engine, &scope.name("web"), &json!({"Image": name, "StopSignal": "KILL"}));
        let (_, sum) = inspect::exec(engine, &told, &["sh", "-c", "cat /sum; stat -c %a /file"]);
        assert_eq!(sum, "from-a-file\nfrom-a-variablespoken\n640\n", "{run}");
        let image = engine.http().get(&format!("/images/{name}/json")).ok().text();
        let history = engine.http().get(&format!("/images/{name}/history")).ok().text();
        for secret in ["from-a-file", "from-a-variable"] {
            assert!(!image.contains(secret) && !history.contains(secret), "{secret}: {image}\n{history}");
        }
        let again = workspace.apply_json(super::scene::FILE, &[]).1;
        assert_eq!(again["summary"]["unchanged"], again["summary"]["total"], "{again}");
        // What a step says is shown if it fails.
        workspace.file(
            "image/Dockerfile",
            format!("FROM {}\nRUN --mount=type=tmpfs,target=/t echo the reason; exit 3\n", images::BB),
        );
        let (_, failed) = workspace.apply_json(super::scene::FILE, &[]);
        assert!(failed.to_string().contains("the reason"), "{failed}");
    });
}
