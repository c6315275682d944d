//! Whole trees that are not worth a file in the corpus, and arbitrary ones.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;

use super::{Inputs, Order, Relation, Retry, StateGraph, WatchAction, compile};

/// Compiles `states/prod.yml` beside a module.
fn tree(text: &str) -> Result<StateGraph, String> {
    pinned_tree(text, "")
}

/// The same with pins.
fn pinned_tree(text: &str, pins: &str) -> Result<StateGraph, String> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("states")).expect("a folder");
    fs::create_dir_all(folder.path().join("modules")).expect("a folder");
    fs::write(folder.path().join("states/prod.yml"), text).expect("a file");
    fs::write(folder.path().join("states/prod.pins"), pins).expect("a file");
    fs::write(folder.path().join("states/other.yml"), "other: {container.running: {image: o:1}}\n")
        .expect("a file");
    fs::write(folder.path().join("modules/mod.yml"), "params: {a: }\n---\nin: {network.present: {}}\n")
        .expect("a file");
    let inputs = Inputs {
        files: vec!["states/prod.yml".into()],
        folder: folder.path().to_owned(),
        ..Inputs::default()
    };
    compile(&inputs).map_err(|problems| {
        let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
        shown.join("\n")
    })
}

fn options(arguments: &str) -> super::Options {
    let graph =
        tree(&format!("web: {{container.running: {{image: i:1, {arguments}}}}}")).expect("no mistake");
    let web = graph.graph.node_weights().find(|state| state.id == "web").expect("web");
    web.options.clone()
}

#[test]
fn options_are_read() {
    let read =
        options("order: last, failhard: yes, was: old, protect: true, creates: [/a, /b], check_cmd: x");
    assert_eq!((read.order, read.failhard, read.protect), (Order::Last, true, true));
    assert_eq!(
        (read.was.as_deref(), read.creates.len(), read.check_cmd.as_slice()),
        (Some("old"), 2, &["x".to_owned()][..])
    );
    let seconds = std::time::Duration::from_secs;
    let retry = Retry { attempts: 5, interval: seconds(120), splay: seconds(3) };
    assert_eq!(options("retry: {attempts: 5, interval: 2m, splay: 3}").retry, Some(retry.clone()));
    assert_eq!(options("retry: [{attempts: 5}, {interval: 120}, {splay: 3s}]").retry, Some(retry));
    assert_eq!(options("retry: true").retry.map(|retry| retry.attempts), Some(2));
    assert_eq!(options("retry: false").retry, None);
    assert_eq!(options("watch_action: SIGHUP").watch_action, Some(WatchAction::Signal("SIGHUP".to_owned())));
}

#[test]
fn targets_are_named_as_every_output_names_them() {
    let graph =
        tree("web: {network.present: {}}\nweb.eu: {volume.present: {}}\nmy.db: {volume.present: {}}\n")
            .expect("no mistake");
    let selected = |pattern: &str| match graph.target(&[pattern.to_owned()]) {
        Ok(nodes) => nodes.into_iter().map(|node| graph.graph[node].title()).collect::<Vec<_>>().join(", "),
        Err(_) => "nothing".to_owned(),
    };
    assert_eq!(selected("network.web"), "network web");
    assert_eq!(selected("network:web"), "network web");
    assert_eq!(selected("volume.*"), "volume web.eu, volume my.db");
    assert_eq!(selected("volume.my.db"), "volume my.db");
    assert_eq!(selected("web.eu"), "volume web.eu");
    assert_eq!(selected("network.my.db"), "nothing");
}

#[test]
fn alternatives_share_a_number() {
    let graph = tree(
        "aa: volume.present\nbb: volume.present\ncc:\n  volume.present:\n  - require_any: [aa]\n  - require_any: [volume: bb]\n  - require: [aa]\n",
    )
    .expect("no mistake");
    let groups: Vec<_> = graph.graph.edge_weights().map(|edge| (edge.relation, edge.any_group)).collect();
    assert_eq!(
        groups,
        [(Relation::Require, Some(0)), (Relation::Require, Some(0)), (Relation::Require, None)]
    );
}

#[test]
fn a_pull_policy_goes_to_the_implied_image() {
    let graph = tree(
        "aa1: {container.running: {image: nginx, pull: 12h}}\naa2: {container.running: {image: nginx, pull: missing}}\n",
    )
    .expect("no mistake");
    let images: Vec<_> = graph.graph.node_weights().filter(|state| state.implied).collect();
    assert_eq!(images.len(), 1);
    assert_eq!(images[0].spec.value("pull"), Some(&serde_json::json!(43_200)));
}

#[test]
fn the_order_of_maps_and_files_changes_nothing() {
    let one =
        tree("include: [other]\nweb: {container.running: {image: i:1, require: [other], memory: 1m}}\n");
    let two =
        tree("web: {container.running: {require: [other], memory: 1m, image: i:1}}\ninclude: [other]\n");
    assert_eq!(one.expect("no mistake").dot(), two.expect("no mistake").dot());
}

#[test]
fn the_order_obeys_every_edge() {
    let mut text = String::new();
    for n in 0..60 {
        let required = (n * 7 + 1) % 60;
        let requires = if required < n {
            format!("require: [volume: vol-{required}]")
        } else {
            "order: first".to_owned()
        };
        text.push_str(&format!("vol-{n}: {{volume.present: {{{requires}}}}}\n"));
    }
    let graph = tree(&text).expect("no mistake");
    let at: BTreeMap<_, _> = graph.order().into_iter().enumerate().map(|(n, node)| (node, n)).collect();
    assert_eq!(at.len(), 60);
    for edge in graph.graph.edge_indices() {
        let (from, to) = graph.graph.edge_endpoints(edge).expect("an edge");
        assert!(at[&from] < at[&to]);
    }
}

const WORDS: [&str; 44] = [
    "web",
    "db",
    "include",
    "extend",
    "exclude",
    "defaults",
    "project",
    "container.running",
    "container",
    "running",
    "network.present",
    "volume.absent",
    "module.mod",
    "module",
    "require",
    "require_in",
    "require_any",
    "watch",
    "onfail",
    "prereq",
    "listen_in",
    "use",
    "use_in",
    "name",
    "names",
    "image",
    "networks",
    "volumes",
    "ports",
    "env",
    "order",
    "retry",
    "other",
    "prod",
    "\"*\"",
    "i:1",
    "8080:80",
    "sls",
    "id",
    "first",
    "null",
    "no",
    "was",
    "a",
];

fn word() -> impl Strategy<Value = String> {
    proptest::sample::select(WORDS.as_slice()).prop_map(str::to_owned)
}

/// YAML in flow style, made of the words of the language.
fn value() -> impl Strategy<Value = String> {
    word().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            proptest::collection::vec((word(), inner), 0..4).prop_map(|entries| {
                let entries: BTreeMap<_, _> = entries.into_iter().collect();
                let entries: Vec<_> =
                    entries.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", entries.join(", "))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn arbitrary_trees_never_panic(entries in proptest::collection::btree_map(word(), value(), 0..5)) {
        let text: String = entries.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        if let Ok(graph) = tree(&text) {
            prop_assert_eq!(graph.order().len(), graph.graph.node_count());
            let _ = (graph.text(), graph.dot(), graph.target(&["*".to_owned()]));
        }
    }

    #[test]
    fn arbitrary_states_never_panic(
        states in proptest::collection::btree_map(
            "[a-c]{2}",
            (proptest::sample::select(&["container.running", "docker_container.running", "network.present", "image.present"][..]),
             proptest::collection::btree_map(word(), value(), 0..4)),
            0..5,
        )
    ) {
        let mut text = String::new();
        for (id, (kind, arguments)) in states {
            text.push_str(&format!("{id}:\n  {kind}:\n    image: i:1\n"));
            for (key, value) in arguments.iter().filter(|(key, _)| *key != "image") {
                text.push_str(&format!("    {key}: {value}\n"));
            }
        }
        let _ = tree(&text);
    }
}

#[test]
fn names_that_are_none_of_an_image_are_refused_where_they_stand() {
    let digest = "ab".repeat(32);
    let image = |name: &str| format!("web: {{container.running: {{image: '{name}'}}}}\n");
    for (text, part, place) in [
        (image("http://host/web:dev"), "http://", "1:34"),
        (image("web:dev@sha256:28a3"), "sha256:28a3", "1:34"),
        (image(&format!("web:^1@sha256:{digest}")), "`^1`", "1:34"),
        (image("stranger C:1"), "stranger C", "1:34"),
        (image("Web"), "`Web`", "1:34"),
        ("'Web:1': {image.present: {}}\n".to_owned(), "`Web`", "1:11"),
        ("web: {image.absent: [{name: 'wéb'}]}\n".to_owned(), "`wéb`", "1:7"),
        ("web: {image.present: {tag: 'a b'}}\n".to_owned(), "`a b`", "1:28"),
        ("a:1: {image.tagged: {source: 'b c:1'}}\n".to_owned(), "`b c`", "1:30"),
        ("a:1: {image.built: {context: ., tags: ['Gross:1']}}\n".to_owned(), "`Gross`", "1:39"),
        ("a:1: {image.built: {context: ., tags: ['a:~1']}}\n".to_owned(), "`a:~1`", "1:39"),
    ] {
        let told = tree(&text).map(|_| ()).expect_err(&text);
        assert!(told.contains(part) && told.contains(&format!("prod.yml:{place}\n")), "{text}{told}");
        assert!(told.contains("hint: "), "{text}{told}");
    }
    let fine = format!(
        "web: {{container.running: {{image: 'web:>=1.4 <2'}}}}\nold: {{container.running: {{image: 0123456789ab}}}}\n\
         'web:^1-alpine': {{image.present: {{}}}}\n'[::1]:5000/x': {{image.present: {{}}}}\n\
         'Reg.Example:80/a/b:1': {{image.built: {{context: ., tags: ['a__b--c.d:1_A']}}}}\n\
         c:1: {{image.tagged: {{source: 'sha256:{digest}'}}}}\n'localhost:5000/a@sha256:{digest}': {{image.present: {{}}}}\n"
    );
    assert!(tree(&fine).is_ok(), "{:?}", tree(&fine).err());
}

#[test]
fn a_pin_that_no_state_uses_is_told() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let pins = format!(
        "docker.io/library/web:dev:\n  digest: {digest}\ndocker.io/library/web:~1:\n  digest: {digest}\n  tag: '1.2.3'\n\
         docker.io/library/wob:dev:\n  digest: {digest}\n"
    );
    let text = "aa: {container.running: {image: web:dev}}\nbb: {container.running: {image: 'web:~1'}}\n";
    let graph = pinned_tree(text, &pins).expect("no mistake");
    let told: Vec<String> = graph.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [
        "warning: no state uses the image docker.io/library/wob:dev",
        "prod.pins:6:1",
        "did you mean `docker.io/library/web:dev`?",
        "`evenkeel pin` drops it",
    ] {
        assert!(told[0].contains(part), "{part} is missing in {}", told[0]);
    }
}
