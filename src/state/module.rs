//! Modules: state files with declared parameters that are used like a state.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::arguments::Arguments;
use super::json::{Booleans, data};
use super::parse::{Call, Origin};
use super::render::Subject;
use super::tree::{Plain, Tree};
use super::word::OPTIONS;
use super::yaml;
use crate::source::{Diagnostic, Diagnostics, Node, SourceFile, did_you_mean};

const MAX_NESTING: usize = 16;

/// A module whose parameters are known.
pub struct Opened {
    pub path: PathBuf,
    /// The file with its header blanked out, so that lines keep their numbers.
    pub file: Arc<SourceFile>,
    pub sls: String,
    pub params: Map<String, Value>,
    /// Requisites and options of the call, which every state inside gets.
    pub passed_on: Arguments,
}

impl Opened {
    pub fn subject(&self, id: &str) -> Subject {
        Subject::module(&self.path, &self.sls, id, &self.params)
    }

    pub fn origin(&self, id: &str, around: &Origin) -> Arc<Origin> {
        let mut calls = around.calls.clone();
        calls.push(id.to_owned());
        Arc::new(Origin {
            sls: around.sls.clone(),
            folder: self.path.parent().unwrap_or(Path::new("/")).to_owned(),
            calls,
        })
    }
}

/// Finds the module of a call, and checks the parameters against its header.
pub fn open(
    tree: &Tree,
    modules: &BTreeMap<String, PathBuf>,
    call: &Call,
    around: &Origin,
    problems: &mut Diagnostics,
) -> Option<Opened> {
    if around.calls.len() >= MAX_NESTING {
        problems.push(
            Diagnostic::error(&call.place, format!("modules call each other more than {MAX_NESTING} deep"))
                .hint("does the module call itself?"),
        );
        return None;
    }
    let Some(path) = modules.get(&call.module) else {
        let meant = did_you_mean(&call.module, modules.keys().map(String::as_str));
        let known: Vec<_> = modules.keys().map(String::as_str).collect();
        problems.push(Diagnostic::error(&call.place, format!("there is no module `{}`", call.module)).hint(
            match (meant, known.is_empty()) {
                (Some(meant), _) => format!("did you mean `module.{meant}`?"),
                (None, true) => format!("put it into {}", tree.root.join("modules").display()),
                (None, false) => format!("the modules are {}", known.join(", ")),
            },
        ));
        return None;
    };
    let file = match tree.read(path) {
        Ok(file) => file,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let Some((header, body)) = split(&file.text) else {
        problems.push(
            Diagnostic::error_without_place(format!("{} has no header", file.name))
                .note(format!("the module is called at {}", call.place))
                .hint("begin it with `params: {}` and a line `---`"),
        );
        return None;
    };
    let header_file = SourceFile::new(file.name.clone(), header);
    let root = yaml::load(&Plain(header_file), problems);
    let declared = params(root.as_ref(), problems)?;
    let mut passed_on = Arguments { entries: Vec::new(), requisites: call.arguments.requisites.clone() };
    let params = given(&declared, call, &mut passed_on, problems)?;
    Some(Opened {
        sls: format!("module.{}", call.module),
        path: path.clone(),
        file: SourceFile::new(file.name.clone(), body),
        params,
        passed_on,
    })
}

/// The header, and the template with empty lines in the header's place.
fn split(text: &str) -> Option<(String, String)> {
    let is_line = |line: &str| line.trim_end() == "---";
    let begins_with_line = text.lines().next().is_some_and(is_line);
    let mut ends = text.lines().enumerate().filter(|(_, line)| is_line(line)).map(|(n, _)| n);
    let first = ends.next()?;
    // A line at the very beginning opens the header, unless it is the only one.
    let end = if begins_with_line { ends.next().unwrap_or(first) } else { first };
    let mut header: String = text.lines().take(end).map(|line| format!("{line}\n")).collect();
    if begins_with_line && end > 0 {
        header.replace_range(..3, "");
    }
    let mut body = "\n".repeat(end + 1);
    body.extend(text.split_inclusive('\n').skip(end + 1));
    Some((header, body))
}

/// A parameter as the header declares it.
struct Param {
    name: String,
    sort: Option<Sort>,
    default: Option<Value>,
    required: bool,
    help: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Text,
    Integer,
    Number,
    Truth,
    List,
    Map,
}

impl Sort {
    fn called(word: &str) -> Option<Self> {
        Some(match word {
            "string" | "str" | "text" => Self::Text,
            "integer" | "int" => Self::Integer,
            "number" | "float" => Self::Number,
            "boolean" | "bool" => Self::Truth,
            "list" | "array" => Self::List,
            "map" | "mapping" | "object" | "dict" => Self::Map,
            _ => return None,
        })
    }

    fn expects(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Truth => "true or false",
            Self::List => "a list",
            Self::Map => "a mapping",
        }
    }

    /// Reads a value of this sort.
    fn read(self, node: &Node) -> Option<Value> {
        match self {
            Self::Text => node.text().map(|text| Value::from(text.to_owned())),
            Self::Integer => node.text()?.parse::<i64>().ok().map(Value::from),
            Self::Number => {
                let text = node.text()?;
                let whole = text.parse::<i64>().ok().map(Value::from);
                whole.or_else(|| text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from))
            }
            Self::Truth => match node.text()?.to_lowercase().as_str() {
                "true" | "yes" | "on" => Some(Value::Bool(true)),
                "false" | "no" | "off" => Some(Value::Bool(false)),
                _ => None,
            },
            Self::List => node.as_list().map(|_| plain(node)),
            Self::Map => node.as_map().map(|_| plain(node)),
        }
    }
}

/// A value without a type: `yes` stays a word, as the template prints it again.
fn plain(node: &Node) -> Value {
    data(node, Booleans::Words, &mut Diagnostics::default())
}

fn params(root: Option<&Node>, problems: &mut Diagnostics) -> Option<Vec<Param>> {
    let mut declared = Vec::new();
    let mut sound = true;
    let mut wrong = |problem: Diagnostic| {
        problems.push(problem);
        sound = false;
    };
    let root = root.filter(|root| !root.is_null());
    if let Some(root) = root.filter(|root| root.as_map().is_none()) {
        wrong(Diagnostic::error(
            &root.place,
            format!("the header of a module is a mapping, this is {}", root.sort()),
        ));
    }
    for entry in root.and_then(Node::as_map).unwrap_or_default() {
        match entry.key.as_str() {
            "params" => {}
            "help" | "description" => continue,
            other => {
                let meant = did_you_mean(other, ["params", "help", "description"]);
                wrong(
                    Diagnostic::error(
                        &entry.key_place,
                        format!("`{other}` does not belong to the header of a module"),
                    )
                    .hint("the header says `params` and `help`; the states stand behind the line `---`")
                    .maybe_hint(meant.map(|word| format!("did you mean `{word}`?"))),
                );
                continue;
            }
        }
        if entry.value.as_map().is_none() && !entry.value.is_null() {
            wrong(Diagnostic::error(
                &entry.value.place,
                format!("`params` is a mapping, this is {}", entry.value.sort()),
            ));
        }
        for param in entry.value.as_map().unwrap_or_default() {
            match read_param(param) {
                Ok(param) => declared.push(param),
                Err(problem) => wrong(*problem),
            }
        }
    }
    sound.then_some(declared)
}

fn read_param(entry: &crate::source::Entry) -> Result<Param, Box<Diagnostic>> {
    let mut param = Param { name: entry.key.clone(), sort: None, default: None, required: false, help: None };
    let node = &entry.value;
    if node.is_null() {
        return Ok(param);
    }
    let Some(parts) = node.as_map() else {
        return Err(Box::new(
            Diagnostic::error(&node.place, format!("the parameter `{}` is {}", entry.key, node.sort()))
                .hint(format!("write `{}: {{type: string, default: …}}`", entry.key)),
        ));
    };
    for part in parts {
        let text = part.value.text();
        let fail = |what: &str| {
            Box::new(Diagnostic::error(&part.value.place, format!("`{}` takes {what}", part.key)))
        };
        match part.key.as_str() {
            "type" if text == Some("any") => {}
            "type" => {
                let sort = text.and_then(Sort::called);
                param.sort =
                    Some(sort.ok_or_else(|| fail("string, integer, number, boolean, list, map or any"))?);
            }
            "required" => {
                param.required = matches!(Sort::Truth.read(&part.value), Some(Value::Bool(true)));
            }
            "help" => param.help = text.map(str::to_owned),
            "default" => {}
            other => {
                let words = ["type", "default", "required", "help"];
                return Err(Box::new(
                    Diagnostic::error(&part.key_place, format!("`{other}` says nothing of a parameter"))
                        .hint(format!("it takes: {}", words.join(", ")))
                        .maybe_hint(did_you_mean(other, words).map(|word| format!("did you mean `{word}`?"))),
                ));
            }
        }
    }
    if let Some(default) = node.get("default").filter(|default| !default.is_null()) {
        param.default = Some(read_value(&param, default)?);
    }
    Ok(param)
}

fn read_value(param: &Param, node: &Node) -> Result<Value, Box<Diagnostic>> {
    match param.sort {
        None => Ok(plain(node)),
        Some(sort) => sort.read(node).ok_or_else(|| {
            let found = node.text().map_or_else(|| node.sort().to_owned(), |text| format!("`{text}`"));
            Box::new(
                Diagnostic::error(
                    &node.place,
                    format!("`{}` takes {}, this is {found}", param.name, sort.expects()),
                )
                .maybe_hint(param.help.clone()),
            )
        }),
    }
}

/// Reads what a call gives; options of the language are passed on to the states inside.
fn given(
    declared: &[Param],
    call: &Call,
    passed_on: &mut Arguments,
    problems: &mut Diagnostics,
) -> Option<Map<String, Value>> {
    let mut values = Map::new();
    let mut sound = true;
    for entry in &call.arguments.entries {
        if let Some(param) = declared.iter().find(|param| param.name == entry.key) {
            if entry.value.is_null() {
                continue;
            }
            match read_value(param, &entry.value) {
                Ok(value) => {
                    values.insert(param.name.clone(), value);
                }
                Err(problem) => {
                    problems.push(*problem);
                    sound = false;
                }
            }
        } else if OPTIONS.contains(&entry.key.as_str())
            && !matches!(entry.key.as_str(), "was" | "watch_action")
        {
            passed_on.entries.push(entry.clone());
        } else {
            let names: Vec<_> = declared.iter().map(|param| param.name.as_str()).collect();
            let problem = Diagnostic::error(
                &entry.key_place,
                format!("`{}` is not a parameter of module.{}", entry.key, call.module),
            );
            problems.push(match did_you_mean(&entry.key, names.iter().copied()) {
                Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
                None if names.is_empty() => problem.hint("it takes none"),
                None => problem.hint(format!("it takes: {}", names.join(", "))),
            });
            sound = false;
        }
    }
    for param in declared {
        if values.contains_key(&param.name) {
            continue;
        }
        match &param.default {
            Some(default) => {
                values.insert(param.name.clone(), default.clone());
            }
            None if param.required => {
                problems.push(
                    Diagnostic::error(&call.place, format!("module.{} needs `{}`", call.module, param.name))
                        .maybe_hint(param.help.as_ref().map(|help| format!("{}: {help}", param.name))),
                );
                sound = false;
            }
            None => {
                values.insert(param.name.clone(), Value::Null);
            }
        }
    }
    sound.then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_ends_at_a_line_and_lines_keep_their_numbers() {
        for (text, header, body) in [
            ("a: 1\n---\nb\n", "a: 1\n", "\n\nb\n"),
            ("---\na: 1\n---\nb", "\na: 1\n", "\n\n\nb"),
            ("---\nb\n", "", "\nb\n"),
            ("a: 1\n---", "a: 1\n", "\n\n"),
        ] {
            assert_eq!(split(text), Some((header.to_owned(), body.to_owned())), "{text:?}");
        }
        assert_eq!(split("a: 1\n"), None);
    }
}
