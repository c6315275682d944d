//! Trees of state files with what they compile to: a graph, or what is wrong with them.
//!
//! A case is one file `tests/corpus/language/*.txt`. Lines before the first `-- path --` are
//! settings (`env`, `pillar`, `grains`, `files`, `target`, `render`); then come the files.

use std::fs;
use std::path::{Path, PathBuf};

use evenkeel::state::{Grains, Inputs, compile, render};

#[test]
fn every_tree_compiles_to_what_was_seen_before() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/language");
    let mut cases: Vec<PathBuf> = fs::read_dir(&corpus)
        .expect("the corpus")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .collect();
    cases.sort();
    assert!(cases.len() > 20, "the corpus is there");
    for case in cases {
        let name = case.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&case).expect("a case");
        let outcome = outcome(&text);
        insta::with_settings!({
            snapshot_path => corpus.join("snapshots"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
            description => text.lines().next().unwrap_or_default().to_owned(),
        }, {
            insta::assert_snapshot!(name, outcome);
        });
    }
}

/// What the tree of a case compiles to, as a person would see it.
fn outcome(case: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("shop");
    let mut inputs = Inputs { folder: root.clone(), ..Inputs::default() };
    let (mut targets, mut renders) = (Vec::new(), false);
    let mut file: Option<PathBuf> = None;
    for line in case.lines() {
        if let Some(name) = line.strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --")) {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(&path, "").expect("a file");
            file = Some(path);
        } else if let Some(path) = &file {
            let so_far = fs::read_to_string(path).expect("a file");
            fs::write(path, format!("{so_far}{line}\n")).expect("a file");
        } else if let Some((key, value)) = line.split_once(": ") {
            let value = value.to_owned();
            match key {
                "env" => inputs.env = Some(value),
                "files" => inputs.files = value.split(' ').map(PathBuf::from).collect(),
                "pillar" => {
                    let (path, value) = value.split_once('=').expect("a value");
                    inputs.pillar.push((path.to_owned(), value.to_owned()));
                }
                "grains" => inputs.grains = Grains::Given(serde_json::from_str(&value).expect("JSON")),
                "target" => targets.push(value),
                "render" => renders = true,
                _ => {}
            }
        }
    }
    if inputs.files.is_empty() {
        inputs.files = vec![PathBuf::from("states/prod.yml")];
    }
    let shown = if renders { rendered(&inputs) } else { compiled(&inputs, &targets) };
    shown.replace(&*root.to_string_lossy(), "ROOT")
}

fn rendered(inputs: &Inputs) -> String {
    match render(inputs) {
        Ok(files) => files
            .iter()
            .map(|file| format!("# {} ({})\n{}", file.file.name, file.sls, file.text.text))
            .collect(),
        Err(problems) => listed(&problems.into_iter().collect::<Vec<_>>()),
    }
}

fn compiled(inputs: &Inputs, targets: &[String]) -> String {
    match compile(inputs) {
        Ok(graph) => {
            let mut shown =
                format!("project {} env {}\n{}", graph.owner.project, graph.owner.env, graph.text());
            if !targets.is_empty() {
                shown.push_str(&match graph.target(targets) {
                    Ok(selected) => {
                        let titles: Vec<_> = selected.iter().map(|node| graph.graph[*node].title()).collect();
                        format!("selected: {}\n", titles.join(", "))
                    }
                    Err(problems) => listed(&problems.into_iter().collect::<Vec<_>>()),
                });
            }
            shown.push_str(&listed(&graph.warnings));
            shown
        }
        Err(problems) => listed(&problems.into_iter().collect::<Vec<_>>()),
    }
}

fn listed(problems: &[evenkeel::source::Diagnostic]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}
