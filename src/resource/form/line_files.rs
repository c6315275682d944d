//! Files of variables and of labels beside a state file.

use serde_json::{Value, json};

use super::local::clean;
use super::parts::{Read, each, entries, text, unexpected, unknown_key};
use super::{BOOL, Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostic, Diagnostics, Node};

/// Files with lines of `KEY=value`, the later ones on top. Normal form: a list of `{path, required,
/// raw}` with full paths. Whoever reads the tree reads them, and puts what they say into the field
/// that they belong to.
pub struct LineFiles;

pub const LINE_FILES: LineFiles = LineFiles;

const FILE: &str = "a file, such as `./app.env` or `{path: ./app.env, required: false}`";

impl Form for LineFiles {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let items = match node.as_list() {
            Some(items) => items,
            None if node.is_null() => &[],
            None => std::slice::from_ref(node),
        };
        Ok(json!(each(items, |item| file(item, reading))?))
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.clone()
    }

    fn expects(&self) -> &'static str {
        "a file or a list of files, such as `./app.env` or `[{path: ./app.env, required: false, format: raw}]`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &[
                    "./app.env",
                    "[app.env]",
                    "[{path: x/../app.env}]",
                    "{path: ./app.env, required: true}",
                ],
                salt: &[],
            },
            Sample { plain: &["[./app.env, {path: /srv/b.env, required: false, format: raw}]"], salt: &[] },
            Sample { plain: &["[]"], salt: &[] },
        ])
    }
}

fn file(node: &Node, reading: &Reading) -> Read<Value> {
    if node.text().is_some() {
        return Ok(json!({"path": path(node, reading)?, "required": true, "raw": false}));
    }
    let (mut named, mut required, mut raw) = (None, json!(true), false);
    for entry in &entries(node, FILE)? {
        match entry.key.as_str() {
            "path" => named = Some(path(&entry.value, reading)?),
            "required" => required = BOOL.read(&entry.value, reading)?,
            "format" => match text(&entry.value, "`raw`")? {
                "raw" => raw = true,
                _ => return Err(unexpected(&entry.value, "`raw`, or no `format` at all").into()),
            },
            _ => return Err(unknown_key(entry, "a file", &["path", "required", "format"])),
        }
    }
    match named {
        Some(path) => Ok(json!({"path": path, "required": required, "raw": raw})),
        None => Err(unexpected(node, FILE).into()),
    }
}

fn path(node: &Node, reading: &Reading) -> Read<String> {
    match text(node, FILE)? {
        "" => Err(unexpected(node, FILE).into()),
        text if text.starts_with('~') => Err(Diagnostic::error(&node.place, "`~` is not expanded")
            .hint("write the whole path, or one relative to the state file")
            .into()),
        text => Ok(clean(&reading.folder.join(text)).to_string_lossy().into_owned()),
    }
}

/// A line of such a file that says nothing that can be understood, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongLine {
    /// From 1.
    pub number: usize,
    pub reason: String,
}

/// Reads the lines of a file of variables. Nothing of a value is expanded: `$` is a character like others.
/// A `raw` file is taken as it is written behind the `=`; else quotes around a value go, a `#` behind a
/// space begins a comment, and in double quotes `\n`, `\r`, `\t`, `\"` and `\\` are what they stand for.
///
/// # Errors
/// Every line that is no `KEY=value`.
pub fn lines(content: &str, is_raw: bool) -> Result<Vec<(String, String)>, Vec<WrongLine>> {
    let (mut pairs, mut wrong) = (Vec::new(), Vec::new());
    let content = content.strip_prefix('\u{feff}').unwrap_or(content);
    for (number, line) in content.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match pair(line, is_raw) {
            Ok(pair) => pairs.push(pair),
            Err(reason) => wrong.push(WrongLine { number: number + 1, reason }),
        }
    }
    if wrong.is_empty() { Ok(pairs) } else { Err(wrong) }
}

fn pair(line: &str, is_raw: bool) -> Result<(String, String), String> {
    let line = if is_raw { line } else { line.strip_prefix("export ").map_or(line, str::trim_start) };
    let Some((key, value)) = line.split_once('=') else {
        let key = line.trim_end();
        return Err(format!(
            "`{key}` has no value; write `{key}=…`: no variables of this machine are taken over"
        ));
    };
    let key = if is_raw { key } else { key.trim_end() };
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(format!("`{key}` is not a name"));
    }
    if is_raw {
        return Ok((key.to_owned(), value.to_owned()));
    }
    let value = value.trim();
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted(&value[1..], quote)?,
        _ => {
            let comment = value.starts_with('#').then_some(0).or_else(|| value.find(" #"));
            value[..comment.unwrap_or(value.len())].trim_end().to_owned()
        }
    };
    Ok((key.to_owned(), value))
}

/// What stands between quotes.
fn quoted(text: &str, quote: char) -> Result<String, String> {
    let mut value = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            c if c == quote => {
                let rest = characters.as_str().trim_start();
                return if rest.is_empty() || rest.starts_with('#') {
                    Ok(value)
                } else {
                    Err(format!("something stands behind the closing {quote}"))
                };
            }
            '\\' if quote == '"' => match characters.next() {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some(c @ ('"' | '\\' | '$')) => value.push(c),
                Some(c) => value.extend(['\\', c]),
                None => value.push('\\'),
            },
            c => value.push(c),
        }
    }
    Err(format!("the closing {quote} is missing on this line"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn files_obey_the_laws() {
        obeys_the_laws(&LINE_FILES);
    }

    #[test]
    fn wrong_files_are_refused() {
        assert!(refused(&LINE_FILES, "[{path: a, format: json}]").contains("`raw`"));
        assert!(refused(&LINE_FILES, "[{required: false}]").contains("a file, such as"));
        assert!(refused(&LINE_FILES, "~/a.env").contains("`~` is not expanded"));
    }

    #[test]
    fn lines_are_read_as_people_write_them() {
        let text = "# comment\n\nA=1\nexport B = two words # said\nC=\"x\\ny\" # c\nD='a\\n$b'\nE=\nF=a#b\n  G=$HOME\n";
        let read: Vec<_> = lines(text, false).expect("lines");
        let shown: Vec<String> = read.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(shown, ["A=1", "B=two words", "C=x\ny", "D=a\\n$b", "E=", "F=a#b", "G=$HOME"]);
        assert_eq!(lines("A= 'x' # y\n", true), Ok(vec![("A".to_owned(), " 'x' # y".to_owned())]));
    }

    #[test]
    fn every_wrong_line_is_told() {
        let wrong = lines("A=1\nHOME\nB='x\nC='x' y\n=1\n", false).expect_err("mistakes");
        let numbers: Vec<_> = wrong.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2, 3, 4, 5]);
        assert!(wrong[0].reason.contains("no variables of this machine"));
    }
}
