//! The way back from rendered lines to template lines: marks are put into the template that no
//! one sees, and read from what it renders to.

use super::scan::{Piece, pieces};

const OPEN: char = '\u{fdd0}';
const CLOSE: char = '\u{fdd1}';

/// A template line: the number of the template and of the line.
pub type Mark = (u32, u32);

/// Puts a mark before the first character of every line of data, and before every expression.
/// Whitespace control is not disturbed, since marks stand beside other text only.
pub fn mark(source: &str, template: u32) -> String {
    let mut out = String::with_capacity(source.len() * 2);
    let mut line = 1_u32;
    // Text that a template captures may go through filters that measure it.
    let mut captured = 0_usize;
    for piece in pieces(source) {
        let (range, is_data) = match &piece {
            Piece::Data(range) | Piece::Raw(range) => (range.clone(), true),
            Piece::Expression(range) => {
                if captured == 0 && !source[range.clone()].starts_with("{{-") {
                    push(&mut out, template, line);
                }
                (range.clone(), false)
            }
            Piece::Comment(range) => (range.clone(), false),
            Piece::Statement(statement) => {
                match statement.word(source) {
                    "set" if !source[statement.inside.clone()].contains('=') => captured += 1,
                    "filter" => captured += 1,
                    "endset" | "endfilter" => captured = captured.saturating_sub(1),
                    _ => {}
                }
                (statement.range.clone(), false)
            }
        };
        let text = &source[range];
        if is_data && captured == 0 {
            for part in text.split_inclusive('\n') {
                let content = part.trim_start();
                if content.is_empty() {
                    out.push_str(part);
                } else {
                    out.push_str(&part[..part.len() - content.len()]);
                    push(&mut out, template, line);
                    out.push_str(content);
                }
                line += u32::from(part.ends_with('\n'));
            }
        } else {
            out.push_str(text);
            line += u32::try_from(text.matches('\n').count()).unwrap_or(0);
        }
    }
    out
}

fn push(out: &mut String, template: u32, line: u32) {
    out.push_str(&format!("{OPEN}{template}:{line}{CLOSE}"));
}

/// Takes the marks out again, and gives the first mark of every line.
pub fn strip(text: &str) -> (String, Vec<Option<Mark>>) {
    let mut out = String::with_capacity(text.len());
    let mut marks = Vec::new();
    for line in text.split_inclusive('\n') {
        let mut first = None;
        let mut rest = line;
        while let Some(start) = rest.find(OPEN) {
            out.push_str(&rest[..start]);
            let behind = &rest[start + OPEN.len_utf8()..];
            match behind.split_once(CLOSE) {
                Some((mark, after)) => {
                    let numbers = mark.split_once(':');
                    let mark = numbers.and_then(|(t, l)| Some((t.parse().ok()?, l.parse().ok()?)));
                    first = first.or(mark);
                    rest = after;
                }
                // Something has cut a mark in two: the text will differ, and the marks not be used.
                None => rest = behind,
            }
        }
        out.push_str(rest);
        marks.push(first);
    }
    (out, marks)
}

/// The text without marks.
pub fn without(text: &str) -> String {
    if text.contains(OPEN) { strip(text).0 } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_can_be_stripped() {
        let source =
            "{% set x %}\n a\n{% endset %}\na: {{ x }}\n\n  b: {{- y }}\n{% raw %}\n {{ z\n{% endraw %}\n";
        let (text, marks) = strip(&mark(source, 3));
        assert_eq!(text, source);
        assert_eq!(marks, [None, None, None, Some((3, 4)), None, Some((3, 6)), None, Some((3, 8)), None]);
    }
}
