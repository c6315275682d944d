//! The state files that come with evenkeel, applied as they are but for names and ports, side by side on one engine.

use crate::rig::engines::{self, Engine};
use crate::rig::proxy::Proxy;
use crate::rig::scope::Scope;
use crate::rig::waiting::until;
use crate::rig::workspace::Workspace;
use crate::rig::{images, inspect, numbers};
use serde_json::Value;
use std::fs;
use std::path::Path;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// A copy of the tree in which every name belongs to the scope.
fn tree(engine: &Engine, scope: &Scope, demo_port: u16) -> Workspace {
    let workspace = Workspace::new(scope).on(engine.host());
    let read = |path: &str| fs::read_to_string(Path::new(HERE).join(path)).expect("it is there");
    for path in ["states/dev.yml", "states/prod.yml", "states/demo.yml", "states/shop.yml"] {
        let text = read(path)
            .replace("evenkeel-", &scope.prefix())
            .replace(" demo-", &format!(" {}demo-", scope.prefix()))
            .replace("[demo-net]", &format!("[{}demo-net]", scope.prefix()))
            .replace("\"demo-", &format!("\"{}demo-", scope.prefix()))
            .replace("\ndemo-", &format!("\n{}demo-", scope.prefix()))
            .replace("shop-'", &format!("{}shop-'", scope.prefix()))
            .replace("  shop-{{", &format!("  {}shop-{{{{", scope.prefix()))
            .replace(":8080:", &format!(":{demo_port}:"));
        workspace.file(path, text);
    }
    for folder in ["modules", "states/pillar", "states/demo"] {
        for entry in fs::read_dir(Path::new(HERE).join(folder)).expect("it is there").flatten() {
            if entry.path().is_file() {
                let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
                workspace.file(&path, read(&path));
            }
        }
    }
    fs::create_dir_all(workspace.path("states/demo/bin")).expect("an own folder takes another");
    // A copy keeps the permission to execute it.
    fs::copy(Path::new(HERE).join("states/demo/bin/web"), workspace.path("states/demo/bin/web"))
        .expect("build.rs made the program");
    workspace
}

fn summary(json: &Value) -> [Option<u64>; 4] {
    ["changed", "pending", "unchanged", "failed"].map(|key| json["summary"][key].as_u64())
}

/// The page, as soon as it is there and the store behind it as well.
fn page(engine: &Engine, port: u16) -> String {
    let mut page = String::new();
    until("there is a page with a number", || {
        page = engine.fetch(&format!("http://127.0.0.1:{port}/"));
        page.contains("<b>")
    });
    page
}

/// What the store counted so far.
fn visits(page: &str) -> u64 {
    let number = page.split("<b>").nth(1).and_then(|rest| rest.split('<').next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no visits in {page}"))
}

#[test]
fn demo_dev_and_prod_run_beside_each_other() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let ports = [(); 4].map(|()| numbers::free_port());
        let workspace = tree(engine, &scope, ports[0]);
        let dev = format!("web.ports=[{}]", ports[1]);
        let prod = format!("web.ports=[{}, {}]", ports[2], ports[3]);
        let all: [(&str, &[&str], u64); 3] = [
            ("states/demo.yml", &[], 5),
            ("states/dev.yml", &["--pillar", &dev], 6),
            ("states/prod.yml", &["--pillar", &prod], 7),
        ];
        for (file, args, states) in all {
            let dry = workspace.apply(file, &[args, &["--test", "--output", "json"]].concat()).expect(0);
            assert_eq!(summary(&dry.json()), [0, states, 0, 0].map(Some), "{file}: {dry}");
            let (run, json) = workspace.apply_json(file, args);
            assert_eq!(summary(&json), [states, 0, 0, 0].map(Some), "{file}: {run}");
        }
        let pages = ports.map(|port| page(engine, port));
        assert!(pages[0].contains("Hello from evenkeel"), "{}", pages[0]);
        assert!(pages[1].contains("Hello from dev"), "{}", pages[1]);
        assert!(pages[2].contains("Hello from prod") && pages[3].contains("Hello from prod"), "{}", pages[3]);
        assert_eq!(visits(&pages[3]), visits(&pages[2]) + 1, "both pages have one store");
        for (file, args, states) in all {
            let (run, json) = workspace.apply_json(file, args);
            assert_eq!(summary(&json), [0, 0, states, 0].map(Some), "{file}: {run}");
        }

        // Other data: both pages of prod are replaced, everything else stays as it is.
        let store = scope.name("shop-prod-store");
        let before = inspect::container(engine, &store)["Id"].clone();
        let pillar = fs::read_to_string(workspace.path("states/pillar/prod.yml")).expect("it is there");
        workspace.file("states/pillar/prod.yml", pillar.replace("web:\n", "web:\n  greeting: Ahoy\n"));
        let (run, json) = workspace.apply_json("states/prod.yml", &["--test", "--pillar", &prod]);
        assert_eq!(summary(&json), [0, 2, 5, 0].map(Some), "{run}");
        assert!(page(engine, ports[2]).contains("Hello from prod"), "--test has changed something");
        let (run, json) = workspace.apply_json("states/prod.yml", &["--pillar", &prod]);
        assert_eq!(summary(&json), [2, 0, 5, 0].map(Some), "{run}");
        let changed = page(engine, ports[3]);
        assert!(changed.contains("Ahoy") && visits(&changed) > visits(&pages[3]), "{changed}");
        assert_eq!(inspect::container(engine, &store)["Id"], before);
        let (run, json) = workspace.apply_json("states/prod.yml", &["--pillar", &prod]);
        assert_eq!(summary(&json), [0, 0, 7, 0].map(Some), "{run}");
        assert!(page(engine, ports[1]).contains("Hello from dev"));
    });
}

#[test]
fn a_run_without_changes_asks_little() {
    const CONTAINERS: usize = 20;
    const IMAGES: usize = 4;
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let proxy = Proxy::before(engine);
        let workspace = Workspace::new(&scope).on(proxy.host());
        let mut states = String::new();
        for number in 0..IMAGES {
            let tag = scope.name(&format!("image:{number}"));
            let dockerfile = format!("FROM {}\nLABEL number={number}\n", images::bb(engine));
            images::build(engine, &tag, &dockerfile, &[]);
            states += &format!("{tag}: {{image.present: {{}}}}\n");
        }
        for number in 0..CONTAINERS {
            let name = scope.name(&format!("c{number}"));
            let image = scope.name(&format!("image:{}", number % IMAGES));
            states += &format!("{name}: {{container.created: {{image: \"{image}\", memory: 16m}}}}\n");
        }
        workspace.file("states/many.yml", states);
        workspace.apply("states/many.yml", &[]).expect(0);
        let before = proxy.requests().len();
        let (run, json) = workspace.apply_json("states/many.yml", &[]);
        assert_eq!(json["summary"]["changed"], 0, "{run}");
        let requests = &proxy.requests()[before..];
        assert!(requests.len() <= CONTAINERS + IMAGES + 8, "{} requests: {requests:#?}", requests.len());
        assert!(requests.iter().all(|request| request.method == "GET"), "{requests:#?}");
    });
}
