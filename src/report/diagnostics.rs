//! Mistakes in state files, all at once.

use std::fmt::Write;

use anstyle::Style;

use super::text::{BLUE, BOLD, CYAN, DIM, RED, YELLOW, counted, harmless, paint};
use crate::source::{Diagnostics, Severity};

/// Renders every diagnostic with its place and its remedy, and one closing line.
pub fn diagnostics(diagnostics: &Diagnostics) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics.iter() {
        for line in diagnostic.to_string().lines() {
            _ = writeln!(text, "{}", painted(&harmless(line)));
        }
        text.push('\n');
    }
    text.push_str(&closing_line(diagnostics));
    text
}

fn closing_line(diagnostics: &Diagnostics) -> String {
    let count = |severity| diagnostics.iter().filter(|found| found.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let mut parts = Vec::new();
    if errors > 0 {
        parts.push(paint(RED.bold(), counted(errors, "error")));
    }
    if warnings > 0 {
        parts.push(paint(YELLOW.bold(), counted(warnings, "warning")));
    }
    let touched = if errors > 0 { "; nothing was touched" } else { "" };
    if parts.is_empty() { String::new() } else { format!("{}{touched}\n", parts.join(", ")) }
}

/// Colours the words that the text of a diagnostic begins its lines with.
fn painted(line: &str) -> String {
    const WORDS: [(&str, Style); 6] = [
        ("error:", RED.bold()),
        ("warning:", YELLOW.bold()),
        ("  -->", BLUE),
        ("  note:", BLUE),
        ("  hint:", CYAN),
        ("  rendered as", DIM),
    ];
    for (word, style) in WORDS {
        if let Some(rest) = line.strip_prefix(word) {
            let rest = if line.starts_with(' ') { rest.to_owned() } else { paint(BOLD, rest) };
            return paint(style, word) + &rest;
        }
    }
    match line.strip_prefix("   ").and_then(|excerpt| excerpt.split_once(" | ")) {
        Some((number, code)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("   {} {code}", paint(DIM, format!("{number} |")))
        }
        _ if line.trim() == "^" => paint(RED.bold(), line),
        _ => line.to_owned(),
    }
}
