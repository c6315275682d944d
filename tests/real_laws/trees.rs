//! Generated trees through the laws: applied, interfered with, and followed by another version.
//! `EVENKEEL_SEEDS=1-100` tries that many; without it CI tries a handful.

use super::generator::Tree;
use super::random::Random;
use super::scene::Scene;
use crate::rig::engines;
use crate::rig::http::query;
use serde_json::{Value, json};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

#[test]
fn generated_trees_obey_the_laws() {
    let seeds = seeds();
    let mut failures = Vec::new();
    let mut kinds = 0;
    for (name, engine) in [("machine", engines::machine()), ("newest", engines::newest())] {
        let engine = match engine {
            Ok(engine) => engine,
            Err(reason) => {
                engines::skip(name, &reason);
                continue;
            }
        };
        // Each engine has seeds of its own.
        for seed in seeds.iter().filter(|seed| *seed % 2 == kinds) {
            let began = Instant::now();
            let mut log = String::new();
            let outcome = catch_unwind(AssertUnwindSafe(|| obeys(&Scene::new(&engine), *seed, &mut log)));
            let result = match outcome {
                Ok(()) => "ok".to_owned(),
                Err(panic) => {
                    let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                    failures.push(format!("===== seed {seed} on {}\n{text}\n{log}", engine.name));
                    "FAILED".to_owned()
                }
            };
            if std::env::var_os("EVENKEEL_SEEDS").is_some() {
                let line = format!("seed {seed} on {}: {result} in {:.1?}\n", engine.name, began.elapsed());
                drop(std::io::stderr().write_all(line.as_bytes()));
            }
        }
        kinds += 1;
    }
    assert!(failures.is_empty(), "{} seeds failed\n{}", failures.len(), failures.join("\n"));
}

fn seeds() -> Vec<u64> {
    let wish = std::env::var("EVENKEEL_SEEDS").unwrap_or_else(|_| "1-4".to_owned());
    let (first, last) = wish.split_once('-').unwrap_or((&wish, &wish));
    let number = |text: &str| text.trim().parse().expect("EVENKEEL_SEEDS is a number or FIRST-LAST");
    (number(first)..=number(last)).collect()
}

fn obeys(scene: &Scene<'_>, seed: u64, log: &mut String) {
    let mut random = Random::new(seed);
    let tree = Tree::new(&mut random);
    log.push_str(&format!("--- first version\n{}", scene.fill(&tree.text())));
    scene.begin(&tree.text());
    for _ in 0..1 + random.below(3) {
        let what = drift(scene, &tree, &mut random);
        log.push_str(&format!("--- drift: {what}\n"));
    }
    scene.go(&tree.text(), &[]);
    let next = tree.next(&mut random);
    log.push_str(&format!("--- second version\n{}", scene.fill(&next.text())));
    scene.go(&next.text(), &["--prune"]);
    assert_eq!(scene.containers(), next.containers());
}

/// Somebody does something by hand. What the engine refuses did not happen.
fn drift(scene: &Scene<'_>, tree: &Tree, random: &mut Random) -> String {
    let http = scene.engine.http();
    let short = random.pick(&tree.containers()).unwrap_or_default();
    let container = scene.name(&short);
    let act = |path: &str, body: Value| {
        let answer = http.send("POST", path, "application/json", body.to_string().as_bytes());
        answer.map_or_else(|error| error.to_string(), |answer| answer.status.to_string())
    };
    let on = |verb: &str| act(&format!("/containers/{container}/{verb}"), Value::Null);
    let network = random.pick(&tree.networks()).map(|network| scene.name(&network));
    match (random.below(12), network) {
        (0, _) => format!("stop {container}: {}", on("stop")),
        (1, _) => format!("pause {container}: {}", on("pause")),
        (2, _) => format!("kill {container}: {}", on("kill")),
        (3, _) => format!("start {container}: {}", on("start")),
        (4, _) => {
            let to = scene.name(&format!("by-hand-{}", random.below(1000)));
            format!("rename {container}: {}", on(&format!("rename?name={}", query(&to))))
        }
        (5, _) => {
            let path = format!("/containers/{container}/update");
            format!(
                "memory of {container}: {}",
                act(&path, json!({"Memory": 50_331_648, "MemorySwap": 100_663_296}))
            )
        }
        (6, _) => {
            let path = format!("/containers/{container}/update");
            format!("restart of {container}: {}", act(&path, json!({"RestartPolicy": {"Name": "always"}})))
        }
        (7, _) => {
            let path = format!("/containers/{container}/update");
            format!("pids of {container}: {}", act(&path, json!({"PidsLimit": 77})))
        }
        (8, Some(network)) => {
            let path = format!("/networks/{network}/disconnect");
            format!("disconnect {container}: {}", act(&path, json!({"Container": container, "Force": true})))
        }
        (9, Some(network)) => {
            let path = format!("/networks/{network}/connect");
            format!("connect {container}: {}", act(&path, json!({"Container": container})))
        }
        (10, Some(network)) => {
            for short in tree.containers() {
                let body = json!({"Container": scene.name(&short), "Force": true});
                act(&format!("/networks/{network}/disconnect"), body);
            }
            let removed = http.send("DELETE", &format!("/networks/{network}"), "", b"");
            format!("remove {network}: {:?}", removed.map(|answer| answer.status))
        }
        _ => {
            let removed = http.send("DELETE", &format!("/containers/{container}?force=1"), "", b"");
            format!("remove {container}: {:?}", removed.map(|answer| answer.status))
        }
    }
}
