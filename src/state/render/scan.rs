//! Finds data, expressions, statements and comments in a template, as the template engine does.

use std::ops::Range;

/// A piece of a template; all pieces together are the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Data(Range<usize>),
    /// `{{ … }}` with its delimiters.
    Expression(Range<usize>),
    Comment(Range<usize>),
    /// `{% … %}`.
    Statement(Statement),
    /// The inside of `{% raw %}`.
    Raw(Range<usize>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub range: Range<usize>,
    /// What stands between the delimiters, without whitespace control.
    pub inside: Range<usize>,
}

impl Statement {
    /// The first word.
    pub fn word<'a>(&self, source: &'a str) -> &'a str {
        let inside = source[self.inside.clone()].trim_start();
        let end = inside.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(inside.len());
        &inside[..end]
    }
}

/// True if the text holds anything that a template engine would touch.
pub fn is_template(source: &str) -> bool {
    source.contains("{{") || source.contains("{%") || source.contains("{#")
}

/// Cuts a template into pieces. What is never closed counts as data.
pub fn pieces(source: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let Some((start, delimiter)) = opening(source, at) else {
            found.push(Piece::Data(at..source.len()));
            break;
        };
        if start > at {
            found.push(Piece::Data(at..start));
        }
        let inside = start + 2;
        let end = match delimiter {
            b'#' => source[inside..].find("#}").map(|n| inside + n),
            b'%' => closing(source, inside, "%}"),
            _ => closing(source, inside, "}}"),
        };
        let Some(end) = end else {
            found.push(Piece::Data(start..source.len()));
            break;
        };
        at = end + 2;
        match delimiter {
            b'#' => found.push(Piece::Comment(start..at)),
            b'%' => {
                let statement = Statement { range: start..at, inside: trimmed(source, inside..end) };
                let is_raw = statement.word(source) == "raw";
                found.push(Piece::Statement(statement));
                if is_raw {
                    let close = end_of_raw(source, at).unwrap_or(source.len());
                    if close > at {
                        found.push(Piece::Raw(at..close));
                    }
                    at = close;
                }
            }
            _ => found.push(Piece::Expression(start..at)),
        }
    }
    found
}

fn opening(source: &str, from: usize) -> Option<(usize, u8)> {
    let bytes = source.as_bytes();
    let mut at = from;
    while let Some(n) = source[at..].find('{') {
        let start = at + n;
        if let Some(second @ (b'{' | b'%' | b'#')) = bytes.get(start + 1) {
            return Some((start, *second));
        }
        at = start + 1;
    }
    None
}

/// Finds the closing delimiter outside of strings and brackets.
fn closing(source: &str, from: usize, delimiter: &str) -> Option<usize> {
    let bytes = source.as_bytes();
    let (mut at, mut depth) = (from, 0_usize);
    while at < bytes.len() {
        if depth == 0 && bytes[at..].starts_with(delimiter.as_bytes()) {
            return Some(at);
        }
        match bytes[at] {
            quote @ (b'"' | b'\'') => {
                at += 1;
                while *bytes.get(at)? != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Without the signs of whitespace control.
fn trimmed(source: &str, range: Range<usize>) -> Range<usize> {
    let text = &source[range.clone()];
    let start = range.start + usize::from(text.starts_with(['-', '+']));
    let end = range.end - usize::from(text.len() > 1 && text.ends_with(['-', '+']));
    start..end.max(start)
}

fn end_of_raw(source: &str, from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(n) = source[at..].find("{%") {
        let start = at + n;
        let rest = source[start + 2..].trim_start_matches(['-', '+']).trim_start();
        if rest.starts_with("endraw") {
            return Some(start);
        }
        at = start + 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(source: &str) -> Vec<(&'static str, &str)> {
        pieces(source)
            .into_iter()
            .map(|piece| match piece {
                Piece::Data(range) => ("data", &source[range]),
                Piece::Expression(range) => ("expression", &source[range]),
                Piece::Comment(range) => ("comment", &source[range]),
                Piece::Statement(statement) => ("statement", &source[statement.inside]),
                Piece::Raw(range) => ("raw", &source[range]),
            })
            .collect()
    }

    #[test]
    fn delimiters_in_strings_and_brackets_close_nothing() {
        assert_eq!(
            cut("a{{ {'b': {'c': '}}'}} }}d{%- set x = '%}' -%}{# }} #}"),
            [
                ("data", "a"),
                ("expression", "{{ {'b': {'c': '}}'}} }}"),
                ("data", "d"),
                ("statement", " set x = '%}' "),
                ("comment", "{# }} #}"),
            ]
        );
    }

    #[test]
    fn raw_is_left_alone() {
        assert_eq!(
            cut("{% raw %}{{ x }}{%- endraw %}y"),
            [("statement", " raw "), ("raw", "{{ x }}"), ("statement", " endraw "), ("data", "y")]
        );
    }
}
