//! The rules of src/ARCHITECTURE.md, held against the source: layers, what is absent where, sizes.

mod source;

use source::{SourceFile, sources};
use std::collections::{BTreeMap, BTreeSet};

const ARCHITECTURE: &str = include_str!("../../src/ARCHITECTURE.md");
const LONGEST: usize = 400;
/// Longer on purpose, each for its reason.
const LONG: &[(&str, &str)] = &[];

/// The rows of the layer table: a module, and what it may import; nothing where that is everything.
fn layers() -> BTreeMap<String, Option<BTreeSet<String>>> {
    let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    let section = ARCHITECTURE.split("\n## ").find(|section| section.starts_with("Layers")).unwrap_or("");
    section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let module = cells[0].trim_matches('`').to_owned();
            (module, (cells[2] != "everything").then(|| words(cells[2])))
        })
        .collect()
}

/// Fails with one line per finding.
fn none_of(findings: impl IntoIterator<Item = String>, rule: &str) {
    let findings: Vec<_> = findings.into_iter().collect();
    assert!(findings.is_empty(), "{rule}:\n{}", findings.join("\n"));
}

/// Lines of code in which one of the words stands, not as the end of a longer name.
fn lines_with<'a>(file: &'a SourceFile, words: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let stands = move |line: &str, word: &str| {
        let begins_inside = |at: usize| word.starts_with(is_name) && line[..at].ends_with(is_name);
        line.match_indices(word).any(|(at, _)| !begins_inside(at))
    };
    let hits = file.code.iter().filter(move |(_, line)| words.iter().any(|word| stands(line, word)));
    hits.map(|(number, line)| format!("src/{}:{number}: {}", file.path, line.trim()))
}

#[test]
fn the_layer_table_lists_every_module() {
    let declared = sources().iter().find(|file| file.path == "lib.rs").map(|file| {
        let names = file.code.iter().filter_map(|(_, line)| line.trim().strip_prefix("pub mod "));
        names.map(|name| name.trim_end_matches(';').to_owned()).collect::<BTreeSet<_>>()
    });
    assert_eq!(declared, Some(layers().into_keys().collect()));
}

#[test]
fn the_layers_have_no_circles() {
    let layers = layers();
    let mut placed = BTreeSet::new();
    while placed.len() < layers.len() {
        let is_top = placed.len() + 1 == layers.len();
        let next = layers.iter().find(|(module, imports)| {
            !placed.contains(*module) && imports.as_ref().map_or(is_top, |i| i.is_subset(&placed))
        });
        let (module, _) = next.expect("a module whose imports are all below it");
        placed.insert(module.clone());
    }
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let layers = layers();
    let allowed = |module: &str, used: &str| {
        module == used
            || matches!(module, "lib" | "main")
            || layers.get(module).is_some_and(|imports| imports.as_ref().is_none_or(|i| i.contains(used)))
    };
    let mut findings = Vec::new();
    for file in sources() {
        for (number, used) in file.imports() {
            if !allowed(file.module(), &used) {
                findings.push(format!("src/{}:{number}: {} uses {used}", file.path, file.module()));
            }
        }
    }
    none_of(findings, "imports that the layer table of src/ARCHITECTURE.md does not allow");
}

#[test]
fn only_the_engine_speaks_http() {
    let words = ["bollard", "hyper", "http::", "use http;", "use http as", "{http as"];
    let others = sources().into_iter().filter(|file| file.module() != "engine");
    none_of(others.flat_map(|file| lines_with(&file, &words).collect::<Vec<_>>()), "outside of engine");
}

#[test]
fn only_registry_speaks_to_registries() {
    let others = sources().into_iter().filter(|file| file.module() != "registry");
    none_of(
        others.flat_map(|file| lines_with(&file, &["reqwest"]).collect::<Vec<_>>()),
        "outside of registry",
    );
}

#[test]
fn only_the_history_speaks_to_its_database() {
    let others = sources().into_iter().filter(|file| file.module() != "history");
    none_of(
        others.flat_map(|file| lines_with(&file, &["rusqlite"]).collect::<Vec<_>>()),
        "outside of history",
    );
}

#[test]
fn only_report_and_cli_print() {
    let words = [
        "println!",
        "eprintln!",
        "print!",
        "eprint!",
        "dbg!",
        "io::stdout",
        "io::stderr",
        "stdout()",
        "stderr()",
        "anstream",
    ];
    let others = sources().into_iter().filter(|file| !matches!(file.module(), "report" | "cli"));
    none_of(others.flat_map(|file| lines_with(&file, &words).collect::<Vec<_>>()), "they print");
}

#[test]
fn what_decides_is_pure() {
    let words = [
        "async ",
        ".await",
        "tokio",
        "Future",
        "futures",
        "::now(",
        ".elapsed()",
        "std::env",
        "env::",
        "std::fs",
        "fs::",
        "File::",
        "OpenOptions",
        ".exists()",
        ".is_file()",
        ".is_dir()",
        ".canonicalize()",
        ".metadata()",
        ".read_dir()",
        "walkdir",
        "rustix",
        "std::process",
        "process::",
        "Command::",
        "thread::",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
    ];
    let pure = sources().into_iter().filter(|file| matches!(file.module(), "world" | "plan" | "resource"));
    none_of(pure.flat_map(|file| lines_with(&file, &words).collect::<Vec<_>>()), "they are not pure");
}

#[test]
fn nothing_unwraps() {
    let words = [".unwrap()", ".unwrap_err()", "::unwrap)", "::unwrap,"];
    none_of(sources().iter().flat_map(|file| lines_with(file, &words).collect::<Vec<_>>()), "unwrap");
}

#[test]
fn files_are_short() {
    let mut findings = Vec::new();
    for file in sources() {
        let is_known = LONG.iter().any(|(path, _)| *path == file.path);
        let lines = file.code.len();
        match lines >= LONGEST {
            true if !is_known => findings.push(format!("src/{}: {lines} lines", file.path)),
            false if is_known => findings.push(format!("src/{}: short again, strike it off", file.path)),
            _ => {}
        }
        if file.path == "main.rs" && lines >= 20 {
            findings.push(format!("src/main.rs: {lines} lines"));
        }
    }
    none_of(findings, "files that are too long, tests not counted");
}
