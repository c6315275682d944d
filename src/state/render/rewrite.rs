//! Rewrites Salt's own statements, which the template engine does not know, to ones that it knows.
//! Lines keep their numbers.

use std::collections::BTreeSet;

use regex_lite::Regex;

use super::scan::{Piece, Statement, pieces};

/// Makes a list or map that can be changed.
pub const CHANGEABLE: &str = "__changeable";

/// Rewrites `load_yaml`, `import_yaml` and the like, and makes lists and maps changeable that the
/// template changes.
pub fn rewrite(source: &str) -> String {
    let changed = changed_names(source);
    let mut out = String::with_capacity(source.len() + 64);
    // Names and filters of the `load_…` blocks that are open.
    let mut open: Vec<(String, &str)> = Vec::new();
    for piece in pieces(source) {
        let Piece::Statement(statement) = &piece else {
            out.push_str(&source[range_of(&piece)]);
            continue;
        };
        match rewritten(statement, source, &changed, &mut open) {
            Some(text) => {
                let newlines = source[statement.range.clone()].matches('\n').count();
                out.push_str(&text);
                // Inside a comment newlines change nothing but the count.
                if newlines > text.matches('\n').count() {
                    let missing = newlines - text.matches('\n').count();
                    out.push_str(&format!("{{#{}-#}}", "\n".repeat(missing)));
                }
            }
            None => out.push_str(&source[statement.range.clone()]),
        }
    }
    out
}

fn range_of(piece: &Piece) -> std::ops::Range<usize> {
    match piece {
        Piece::Data(range) | Piece::Expression(range) | Piece::Comment(range) | Piece::Raw(range) => {
            range.clone()
        }
        Piece::Statement(statement) => statement.range.clone(),
    }
}

fn rewritten<'a>(
    statement: &Statement,
    source: &'a str,
    changed: &BTreeSet<String>,
    open: &mut Vec<(String, &'a str)>,
) -> Option<String> {
    let left = &source[statement.range.start..statement.inside.start];
    let right = &source[statement.inside.end..statement.range.end];
    let inside = source[statement.inside.clone()].trim();
    let word = statement.word(source);
    let rest = inside.strip_prefix(word)?.trim();
    match word {
        "load_yaml" | "load_json" | "load_text" => {
            let name = rest.strip_prefix("as")?.trim();
            open.push((name.to_owned(), word));
            Some(format!("{left} set __{word}_{name} {right}"))
        }
        "endload" => {
            let (name, word) = open.pop()?;
            let value = match word {
                "load_text" => format!("__{word}_{name}"),
                _ => format!("__{word}_{name} | {word}"),
            };
            let value = if changed.contains(&name) { format!("{CHANGEABLE}({value})") } else { value };
            Some(format!("{left} endset %}}{{% set {name} = {value} {right}"))
        }
        "import_yaml" | "import_json" | "import_text" => {
            let (file, name) = rest.rsplit_once(" as ")?;
            let name =
                name.trim().trim_end_matches("with context").trim_end_matches("without context").trim();
            let value = format!("{word}({})", file.trim());
            let value = if changed.contains(name) { format!("{CHANGEABLE}({value})") } else { value };
            Some(format!("{left} set {name} = {value} {right}"))
        }
        "set" => {
            let (name, value) = rest.split_once('=')?;
            let name = name.trim();
            // A namespace can be changed as it is, but only by `set`.
            if !changed.contains(name) || value.trim_start().starts_with("namespace(") {
                return None;
            }
            Some(format!("{left} set {name} = {CHANGEABLE}({}) {right}", value.trim()))
        }
        _ => None,
    }
}

/// Names on which a template calls a method that changes a list or a map.
fn changed_names(source: &str) -> BTreeSet<String> {
    const METHODS: [&str; 8] =
        [".append(", ".update(", ".extend(", ".insert(", ".pop(", ".setdefault(", ".remove(", ".clear("];
    if !METHODS.iter().any(|method| source.contains(method)) {
        return BTreeSet::new();
    }
    let pattern = r#"\b([A-Za-z_]\w*)(?:\.\w+|\[[^\]]*\])*\.(?:append|update|extend|insert|pop|setdefault|remove|clear)\("#;
    match Regex::new(pattern) {
        Ok(regex) => {
            regex.captures_iter(source).filter_map(|found| Some(found.get(1)?.as_str().to_owned())).collect()
        }
        Err(_) => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_salt_become_known_ones_on_the_same_lines() {
        assert_eq!(
            rewrite(
                "{%- load_yaml as x %}\na: 1\n{% endload -%}\n{% import_yaml \"f.yml\" as y with context %}"
            ),
            "{%- set __load_yaml_x %}\na: 1\n{% endset %}{% set x = __load_yaml_x | load_yaml -%}\n\
             {% set y = import_yaml(\"f.yml\") %}"
        );
    }

    #[test]
    fn only_names_that_are_changed_become_changeable() {
        assert_eq!(
            rewrite("{% set a = [] %}{% set b = [] %}{% do a.append(1) %}"),
            "{% set a = __changeable([]) %}{% set b = [] %}{% do a.append(1) %}"
        );
    }
}
