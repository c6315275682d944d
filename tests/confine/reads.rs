//! What would read or write something of the host.

use std::fs;
use std::os::unix::fs::symlink;

use evenkeel::state::{Inputs, Trust, compile};

use super::tree::{Pushed, SECRET, assert_told};

const APP: (&str, &str) = ("app/Dockerfile", "FROM scratch\n");

#[test]
fn a_tree_may_use_all_that_was_pushed() {
    Pushed::new(&[
        APP,
        ("app/link", "-> /etc/passwd"),
        ("latest", "-> app"),
        ("ca.pem", "x"),
        ("token", "x"),
        ("image.tar", "x"),
        ("evenkeel.yml", "project: shop\nregistries: {reg.example: {ca: ca.pem, timeout: 5s}}\n"),
        ("states/web.env", "A=1\n"),
        ("states/p.json", "{}"),
        ("states/pillar/prod.yml", "{% import_yaml 'shared.yml' as shared %}a: {{ shared.a }}\n"),
        ("states/shared.yml", "a: 1\n"),
        ("states/web.yml", "-> other.yml"),
        ("states/other.yml", "net: {network.present: {}}\n"),
        (
            "states/prod.yml",
            "include: [web]\n\
             app:1: {image.built: {context: ../app, secrets: {npm: {file: ../token}}, cache_from: [a:1]}}\n\
             app:2: {image.built: {context: ../latest, dockerfile: ./Dockerfile}}\n\
             app:3: {image.loaded: {path: ../image.tar}}\n\
             app:4: {image.built: {context: ../not/yet/there}}\n\
             web: {container.running: {image: 'app:1', env_file: [web.env, {path: none, required: false}], security_opt: ['seccomp=./p.json']}}\n",
        ),
    ])
    .accepted();
}

#[test]
fn paths_of_states_stay_in_the_tree() {
    for (field, state, links) in [
        ("context", "app:1: {image.built: {context: ../../context}}", &[][..]),
        ("context", "app:1: {image.built: {context: HOST/context}}", &[]),
        ("context", "app:1: {image.built: {context: /}}", &[]),
        ("context", "app:1: {docker_image.built: [{build: HOST/context}]}", &[]),
        ("context", "app:1: {image.built: {context: out}}", &[("states/out", "-> ../../context")]),
        ("context", "app:1: {image.built: {context: out/context}}", &[("states/out", "-> HOST")]),
        ("context", "app:1: {image.built: {context: out/not/there}}", &[("states/out", "-> HOST")]),
        (
            "context",
            "app:1: {image.built: {context: a}}",
            &[("states/a", "-> b"), ("states/b", "-> HOST/context")],
        ),
        ("context", "app:1: {image.built: {context: a}}", &[("states/a", "-> a")]),
        ("dockerfile", "app:1: {image.built: {context: ../app, dockerfile: ../../context/Dockerfile}}", &[]),
        ("dockerfile", "app:1: {image.built: {context: ../app, dockerfile: HOST/context/Dockerfile}}", &[]),
        (
            "dockerfile",
            "app:1: {image.built: {context: ../b}}",
            &[("b/Dockerfile", "-> HOST/context/Dockerfile")],
        ),
        (
            "dockerfile",
            "app:1: {image.built: {context: ../app}}",
            &[("app/.dockerignore", "-> HOST/secret.yml")],
        ),
        (
            "dockerfile",
            "app:1: {image.built: {context: ../app}}",
            &[("app/Dockerfile.dockerignore", "-> HOST/x")],
        ),
        ("env_file", "web: {container.running: {image: 'a:1', env_file: ../../secret.yml}}", &[]),
        (
            "env_file",
            "web: {container.running: {image: 'a:1', env_file: [{path: HOST/secret.yml, required: false}]}}",
            &[],
        ),
        (
            "env_file",
            "web: {container.running: {image: 'a:1', env_file: [e]}}",
            &[("states/e", "-> HOST/secret.yml")],
        ),
        ("env_file", "web: {docker_container.running: [{image: 'a:1'}, {env_file: HOST/secret.yml}]}", &[]),
        ("label_file", "web: {container.running: {image: 'a:1', label_file: HOST/secret.yml}}", &[]),
        (
            "security_opt",
            "web: {container.running: {image: 'a:1', security_opt: ['seccomp=HOST/secret.yml']}}",
            &[],
        ),
        (
            "security_opt",
            "web: {container.running: {image: 'a:1', security_opt: ['seccomp:p']}}",
            &[("states/p", "-> HOST/secret.yml")],
        ),
        ("path", "app:1: {image.loaded: {path: ../../image.tar}}", &[]),
        ("path", "app:1: {image.loaded: {path: HOST/image.tar}}", &[]),
        ("path", "app:1: {docker_image.loaded: [{load: HOST/image.tar}]}", &[]),
        ("path", "app:1: {image.loaded: {path: i.tar}}", &[("states/i.tar", "-> ../../image.tar")]),
        ("path", "app:1: {image.saved: {path: HOST/new.tar}}", &[]),
        (
            "secrets.npm",
            "app:1: {image.built: {context: ../app, secrets: {npm: {file: HOST/secret.yml}}}}",
            &[],
        ),
        (
            "secrets.npm",
            "app:1: {image.built: {context: ../app, secrets: {npm: {file: t}}}}",
            &[("states/t", "-> /etc/passwd")],
        ),
    ] {
        let mut files = vec![APP, ("states/prod.yml", state)];
        files.extend(links);
        let pushed = Pushed::new(&files);
        assert_told(
            &pushed.refused(),
            &[
                &format!("`{field}` leads out of the tree"),
                "states/prod.yml:1:",
                "hint: put the file into the tree",
            ],
        );
    }
}

#[test]
fn nothing_is_written_to_the_host() {
    let told = Pushed::states("app:1: {image.saved: {path: new.tar}}\n").refused();
    assert_told(&told, &["`image.saved` is refused", "states/prod.yml:1:", "image.pushed"]);
}

#[test]
fn builds_take_nothing_of_the_environment() {
    let states = "app:1: {image.built: {context: ../app, secrets: {npm: {env: NPM_TOKEN}}}}\n";
    assert_told(
        &Pushed::new(&[APP, ("states/prod.yml", states)]).refused(),
        &["`secrets.npm` is refused: it reads the environment", "states/prod.yml:1:"],
    );
    let states = "app:1: {image.built: {context: ../app, cache_from: ['type=local,src=/etc']}}\n";
    assert_told(
        &Pushed::new(&[APP, ("states/prod.yml", states)]).refused(),
        &["`cache_from` takes the names of images", "states/prod.yml:1:"],
    );
}

#[test]
fn the_host_decides_how_registries_are_spoken_to() {
    for (settings, words) in [
        ("registries: {reg.example: {insecure: true}}", ["`insecure` is refused", "configuration decides"]),
        ("registries: {reg.example: {insecure: false}}", ["`insecure` is refused", "configuration decides"]),
        (
            "registries: {reg.example: {mirrors: [evil.example]}}",
            ["`mirrors` is refused", "configuration decides"],
        ),
        ("registries: {reg.example: {ca: HOST/secret.yml}}", ["`ca` leads out of the tree", "put the file"]),
        ("registries: {reg.example: {ca: ../secret.yml}}", ["`ca` leads out of the tree", "put the file"]),
        ("registries: {reg.example: {ca: out/secret.yml}}", ["`ca` leads out of the tree", "put the file"]),
    ] {
        let pushed =
            Pushed::new(&[("evenkeel.yml", settings), ("states/prod.yml", "{}\n"), ("out", "-> HOST")]);
        let told = pushed.refused();
        assert_told(&told, &words);
        assert_told(&told, &["evenkeel.yml:1:"]);
    }
}

/// Nothing of what is there, and not even whether it is there.
#[test]
fn includes_imports_and_data_stay_in_the_tree() {
    for (states, links) in [
        ("include: [../../NAME]", &[][..]),
        ("include: [HOST/NAME]", &[]),
        ("include: [...NAME]", &[]),
        ("include: [....HOST/NAME]", &[]),
        ("include: [.../HOST/NAME]", &[]),
        ("include: [link]", &[("states/link.yml", "-> ../../NAME.yml")]),
        ("include: [out.NAME]", &[("states/out", "-> HOST")]),
        ("include: [out.a.NAME]", &[("states/out", "-> HOST"), ("states/x", "-> out")]),
        ("include: ['out.*']", &[("states/out", "-> HOST")]),
        ("# {% import_yaml '/etc/passwd' as x %}", &[]),
        ("# {% import_text 'HOST/NAME.yml' as x %}{{ x }}", &[]),
        ("# {% import_text '../../NAME.yml' as x %}{{ x }}", &[]),
        ("# {% import_text 'salt://../../NAME.yml' as x %}{{ x }}", &[]),
        ("# {% include '../../NAME.yml' %}", &[]),
        ("# {% include '/etc/passwd' %}", &[]),
        ("# {% extends 'HOST/NAME.yml' %}", &[]),
        ("# {% from '../../NAME.yml' import x %}", &[]),
        ("# {% include 'link.yml' %}", &[("states/link.yml", "-> HOST/NAME.yml")]),
        ("# {% include 'out/NAME.yml' %}", &[("states/out", "-> HOST")]),
        ("# {% import_json 'out/NAME.yml' as x %}", &[("out", "-> ..")]),
        ("# {{ pillar.a }}", &[("states/pillar/prod.yml", "-> HOST/NAME.yml")]),
        ("# {{ pillar.a }}", &[("pillar", "-> HOST")]),
        ("{}", &[("evenkeel.yml", "-> HOST/NAME.yml")]),
        ("{}", &[("states/prod.pins", "-> HOST/NAME.yml")]),
        ("m: {module.NAME: {}}", &[("modules", "-> HOST")]),
        ("m: {module.m: {}}", &[("modules/m.yml", "-> HOST/NAME.yml")]),
    ] {
        let told = ["hidden", "absent"].map(|name| {
            let named = |text: &str| text.replace("NAME", name);
            let states = named(states);
            let links: Vec<_> = links.iter().map(|(path, to)| (*path, named(to))).collect();
            let mut files = vec![("states/prod.yml", states.as_str())];
            files.extend(links.iter().map(|(path, to)| (*path, to.as_str())));
            let pushed = Pushed::new(&files);
            let told = pushed.refused();
            told.replace(&*pushed.host().to_string_lossy(), "HOST").replace(name, "NAME")
        });
        assert_eq!(told[0], told[1], "{states}");
    }
}

#[test]
fn the_named_file_and_its_folders_stay_in_the_tree() {
    for links in [
        &[("states/prod.yml", "-> ../../states/prod.yml")][..],
        &[("states", "-> HOST/states")],
        &[("x", "y"), ("states", "-> ..")],
    ] {
        assert_told(&Pushed::new(links).refused(), &["a link leads out of the tree"]);
    }
}

/// Settings above the tree are the host's, and not a part of it.
#[test]
fn what_stands_above_the_tree_does_not_count() {
    let pushed = Pushed::states("# {{ project }}\n");
    fs::write(pushed.host().join("evenkeel.yml"), format!("project: {SECRET}")).expect("a file");
    assert_eq!(pushed.accepted().owner.project, "export");
    assert_eq!(pushed.compiled(Trust::Own).expect("a tree").owner.project, SECRET);
}

#[test]
fn the_way_to_the_tree_may_have_links_and_the_caller_names_the_project() {
    let pushed = Pushed::new(&[APP, ("states/prod.yml", "app:1: {image.built: {context: ../app}}\n")]);
    let link = pushed.host().join("link");
    symlink(pushed.root(), &link).expect("a link");
    let inputs = Inputs {
        files: vec![link.join("states/prod.yml")],
        project: Some("shop".to_owned()),
        ..pushed.inputs(Trust::Pushed { root: link, guards: false })
    };
    let graph = compile(&inputs).map_err(|problems| format!("{problems:?}")).expect("it is accepted");
    assert_eq!(graph.owner.project, "shop");
    let pushed = Pushed::states("project: own\n");
    let inputs = Inputs { project: Some("shop".to_owned()), ..pushed.inputs(pushed.trust()) };
    assert_eq!(compile(&inputs).map(|graph| graph.owner.project).ok().as_deref(), Some("own"));
}

#[test]
fn secrets_come_from_the_tree_alone_unless_the_host_allows_guards() {
    const STATES: &str = "web: {container.created: {image: a:1, env: {A: \"{{ secret('one') }}\"}}}\n";
    for (from, told) in [
        ("{command: cat HOST/secret.yml}", "a command of this host"),
        ("{env: HOME}", "the environment of this host"),
        ("{file: HOST/secret.yml}", "a file of this host"),
        ("{file: ../secret.yml}", "a file of this host"),
        ("{file: link}", "a file of this host"),
        ("{age: HOST/secret.yml}", "a file outside of the tree"),
    ] {
        let settings = format!("project: shop\nsecrets: {{from: {{one: {from}}}}}\n");
        let files = [
            ("evenkeel.yml", settings.as_str()),
            ("states/prod.yml", STATES),
            ("link", "-> HOST/secret.yml"),
        ];
        let pushed = Pushed::new(&files);
        let told = format!("the secret `one` is refused: it comes from {told}");
        assert_told(
            &pushed.refused(),
            &[&told, "states/prod.yml:1:", "declared at evenkeel.yml", "encrypted with age"],
        );
        let is_allowed = compile(&pushed.inputs(Trust::Pushed { root: pushed.root(), guards: true })).is_ok();
        assert_eq!(is_allowed, !from.contains("age"), "{from}");
    }
    let usual = Pushed::new(&[("states/prod.yml", STATES), ("secrets", "-> HOST/secrets")]);
    assert_told(&usual.refused(), &["it comes from a file outside of the tree"]);
    let keys = Pushed::new(&[
        ("evenkeel.yml", "secrets: {identities: HOST/secret.yml, recipients: [age1x]}\n"),
        ("states/prod.yml", STATES),
    ]);
    assert!(keys.accepted().secrets.identities.is_empty(), "which keys are used is the host's matter");
    for from in ["{age: secrets/a.age}", "{file: value}"] {
        let settings = format!("project: shop\nsecrets: {{from: {{one: {from}}}}}\n");
        Pushed::new(&[("evenkeel.yml", &settings), ("states/prod.yml", STATES), ("value", "x")]).accepted();
    }
}
