//! Secrets on a real engine: they reach containers, and nothing that is written anywhere.

mod files;
mod scan;
mod story;

use std::path::Path;

use crate::rig::workspace::{Run, Workspace};

/// Keys of nothing but tests, made by `age-keygen`.
const IDENTITY: &str = include_str!("../../src/secret/fixtures/identity.txt");
const OTHER_IDENTITY: &str = include_str!("../../src/secret/fixtures/other.txt");

/// The public key that an identity file of `age-keygen` names.
fn recipient(identity: &str) -> &str {
    identity.lines().find_map(|line| line.strip_prefix("# public key: ")).expect("a comment with the key")
}

/// Settings that name whom files are encrypted for; `more` is indented by two.
fn settings(project: &str, more: &str) -> String {
    format!(
        "project: {project}\nsecrets:\n  recipients: [{}]\n  identities: id.txt\n{more}",
        recipient(IDENTITY)
    )
}

/// Encrypts `name: value` lines to a file of the tree.
fn encrypt(workspace: &Workspace, file: &str, values: &str) {
    workspace.run_with(["secret", "encrypt", "--force", "--output", file], values).expect(0);
}

/// Every spelling in which a value must not be found.
fn spellings(value: &str) -> Vec<String> {
    use base64::Engine as _;
    let json = serde_json::Value::from(value).to_string();
    let url = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let mut all = vec![
        value.to_owned(),
        json.trim_matches('"').to_owned(),
        base64::engine::general_purpose::STANDARD.encode(value),
        value.bytes().map(url).collect(),
    ];
    all.extend(value.lines().filter(|line| line.len() >= 8).map(str::to_owned));
    all
}

/// Fails if a value, in any spelling, or a character of a token is in a text.
fn clean(what: &str, text: &[u8], values: &[&str]) {
    let text = String::from_utf8_lossy(text);
    for spelling in values.iter().flat_map(|value| spellings(value)) {
        if let Some(at) = text.find(&spelling) {
            let from = text.floor_char_boundary(at.saturating_sub(300));
            panic!("{what} has {spelling:?}:\n…{}", &text[from..text.ceil_char_boundary(at + 100)]);
        }
    }
}

/// The same for all that a run has printed, where not even a token may stand.
fn clean_run(run: Run, values: &[&str]) -> Run {
    clean("standard output", run.stdout.as_bytes(), values);
    clean("standard error", run.stderr.as_bytes(), values);
    let is_token = |c: char| ('\u{100000}'..='\u{1001ff}').contains(&c);
    let tokens =
        |text: &str| text.contains(is_token) || text.contains("\\u{1001") || text.contains("\\u{1000");
    assert!(!tokens(&run.stdout) && !tokens(&run.stderr), "{run}");
    run
}

/// The same for every file below a folder but those that `may` hold values.
fn clean_folder(folder: &Path, may: &[&str], values: &[&str]) {
    for entry in std::fs::read_dir(folder).expect("a folder").filter_map(Result::ok) {
        let path = entry.path();
        if may.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        if path.is_dir() {
            clean_folder(&path, may, values);
        } else {
            clean(&path.display().to_string(), &std::fs::read(&path).expect("a file"), values);
        }
    }
}
