//! The use cases, as a hook calls them.

use std::collections::BTreeMap;
use std::fs;
use std::time::SystemTime;

use evenkeel::run::{Ambient, RunError, Stop, TreeOptions, check};

use super::tree::{Pushed, assert_told};

fn ambient() -> Ambient {
    Ambient {
        directory: "/".into(),
        home: None,
        variables: BTreeMap::new(),
        now: SystemTime::UNIX_EPOCH,
        user: "git".to_owned(),
        account: "git".to_owned(),
        uid: 1000,
        machine: "host".to_owned(),
        boot: None,
        pid: 1,
        command: "evenkeel hook".to_owned(),
        stop: Stop::default(),
    }
}

fn options(pushed: &Pushed) -> TreeOptions {
    TreeOptions {
        files: vec![pushed.root().join("states/prod.yml")],
        env: "prod".to_owned(),
        pillar: Vec::new(),
        grains: None,
        host: None,
        project: Some("shop".to_owned()),
        trust: pushed.trust(),
        policy: evenkeel::state::Policy::default(),
    }
}

/// Mistakes of the files, which end with exit code 3.
async fn told(options: &TreeOptions) -> String {
    match check(options, &ambient()).await {
        Err(RunError::Diagnostics(problems)) => {
            problems.iter().map(|problem| format!("{problem}\n")).collect()
        }
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it is accepted"),
    }
}

#[tokio::test]
async fn every_command_refuses_what_compiling_refuses() {
    let pushed = Pushed::states("web: {container.running: {image: app:1, onlyif: touch HOST/ran}}\n");
    assert_told(&told(&options(&pushed)).await, &["`onlyif` is refused", "states/prod.yml:1:"]);
    assert!(!pushed.host().join("ran").exists());
    let pushed = Pushed::states("web: {container.running: {image: app:1}}\n");
    assert_eq!(check(&options(&pushed), &ambient()).await.map(|checked| checked.states).ok(), Some(1));
}

#[tokio::test]
async fn grains_come_from_the_tree_or_the_engine() {
    let pushed = Pushed::new(&[("states/prod.yml", "# {{ grains.a }}\n"), ("link.yml", "-> ../hidden.yml")]);
    fs::write(pushed.host().join("hidden.yml"), "a: 1\n").expect("a file");
    for outside in [pushed.host().join("hidden.yml"), pushed.root().join("link.yml")] {
        let options = TreeOptions { grains: Some(outside), ..options(&pushed) };
        assert_told(&told(&options).await, &["--grains", "it is not in the tree"]);
    }
    fs::write(pushed.root().join("grains.yml"), "a: 1\n").expect("a file");
    let inside = TreeOptions { grains: Some(pushed.root().join("grains.yml")), ..options(&pushed) };
    assert!(check(&inside, &ambient()).await.is_ok());
}
