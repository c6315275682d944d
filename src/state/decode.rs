//! Text of bytes, as files and pushed trees have it.

use std::sync::Arc;

use crate::source::{Diagnostic, Place, SourceFile};

/// Makes text of bytes, with `\n` as the only line break.
pub fn decode(name: &str, bytes: Vec<u8>) -> Result<Arc<SourceFile>, Diagnostic> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count() + 1;
        Diagnostic::error_without_place(format!("{name}:{line} is not UTF-8 text"))
            .hint("save the file as UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let text = text.replace("\r\n", "\n");
    let file = SourceFile::new(name, text);
    let strange = |c: char| (c.is_control() && !matches!(c, '\n' | '\t' | '\r')) || is_marker(c);
    match strange_character(&file, strange) {
        Some(problem) => Err(problem.hint("remove it, or write it as \"\\u…\" in a quoted text")),
        None => Ok(file),
    }
}

/// Tells of the first character of a sort that a file has.
pub fn strange_character(file: &Arc<SourceFile>, strange: impl Fn(char) -> bool) -> Option<Diagnostic> {
    let at = file.text.find(&strange)?;
    let before = &file.text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    let found = file.text[at..].chars().next().unwrap_or_default();
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let place = Place::in_file(file, number(line), number(column));
    Some(Diagnostic::error(&place, format!("the character U+{:04X} cannot stand here", found as u32)))
}

/// Noncharacters, which mark template lines while rendering.
pub fn is_marker(c: char) -> bool {
    ('\u{fdd0}'..='\u{fdef}').contains(&c)
}
