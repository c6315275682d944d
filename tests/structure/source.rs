//! The source as lines of code, without tests, comments and doc comments.

use std::fs;
use std::path::Path;

pub struct SourceFile {
    /// From `src/`.
    pub path: String,
    /// Numbered from 1. Comments are blank; what is `cfg(test)` is left out.
    pub code: Vec<(usize, String)>,
}

/// Every file of `src/` that is no test.
pub fn sources() -> Vec<SourceFile> {
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(folder).expect("src is there").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let is_test = matches!(name.as_str(), "tests" | "tests.rs" | "testing" | "testing.rs")
            || name.ends_with("_tests.rs");
        if entry.path().is_dir() && !is_test {
            collect(&entry.path(), &format!("{path}/"), found);
        } else if name.ends_with(".rs") && !is_test {
            let text = fs::read_to_string(entry.path()).expect("source is text");
            found.push(SourceFile { path, code: code(&text) });
        }
    }
}

/// rustfmt has been here: a line that ends with an open bracket is closed by one that is as far in.
fn code(text: &str) -> Vec<(usize, String)> {
    let mut code = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let is_comment = line.trim_start().starts_with("//");
        if line.trim() != "#[cfg(test)]" {
            code.push((number + 1, if is_comment { String::new() } else { line.to_owned() }));
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let closes =
            |line: &str| line.strip_prefix(indent).is_some_and(|rest| rest.starts_with(['}', ')', ']']));
        let mut is_open = false;
        for (_, line) in lines.by_ref().filter(|(_, line)| !line.trim_start().starts_with("#[")) {
            if line.ends_with([';', '}']) && (!is_open || closes(line)) {
                break;
            }
            is_open = is_open || line.ends_with(['{', '(', '[']);
        }
    }
    code
}

impl SourceFile {
    /// The top-level module that the file belongs to.
    pub fn module(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or_default()
    }

    /// Every top-level module that the code names, with the line.
    pub fn imports(&self) -> Vec<(usize, String)> {
        let climb = "super::".repeat(self.depth());
        let mut found = Vec::new();
        for (number, line) in &self.code {
            for root in ["crate::", "evenkeel::", climb.as_str()] {
                for (at, _) in line.match_indices(root) {
                    // `super::super::x` contains `super::x`, which starts one module lower.
                    let before = line[..at].ends_with("super::")
                        || line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                    let rest = &line[at + root.len()..];
                    let word: String =
                        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                    if !before
                        && word != "super"
                        && !(root == climb && word.starts_with(|c: char| c.is_uppercase()))
                    {
                        found.push((*number, word));
                    }
                }
            }
        }
        found
    }

    /// How many `super::` lead to the crate's root.
    fn depth(&self) -> usize {
        let parts = self.path.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").count();
        parts.max(1)
    }
}
