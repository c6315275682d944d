//! The template engine with everything that templates may use.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, ValueKind};
use minijinja::{
    AutoEscape, Captured, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value,
};
use serde_json::Map;

use super::changeable::changeable;
use super::data::{Data, Salt};
use super::explain::explain;
use super::filters::{self, wrong};
use super::import::{Sort, import};
use super::limits::too_deep;
use super::markers::{Mark, mark, strip};
use super::rendered::{Line, Rendered};
use super::rewrite::{CHANGEABLE, rewrite};
use super::scan::is_template;
use super::secrets::{self, Tokens};
use super::sources::Sources;
use crate::source::{Diagnostic, Place, SourceFile};
use crate::state::inputs::Grains;
use crate::state::tree::Tree;
use crate::world::Owner;

/// Steps of the template engine that one file may take; a state generated in a loop takes some
/// dozens.
const FUEL: u64 = 20_000_000;
const TOO_LONG: &str = "this expression is too long";
const MAX_OUTPUT: usize = 32 << 20;

/// Filters that a misspelled name is compared with.
pub const FILTERS: [&str; 45] = [
    "json",
    "tojson",
    "yaml",
    "yaml_encode",
    "yaml_dquote",
    "yaml_squote",
    "load_yaml",
    "load_json",
    "regex_replace",
    "regex_search",
    "regex_match",
    "to_bool",
    "sha256",
    "base64_encode",
    "base64_decode",
    "union",
    "intersect",
    "difference",
    "flatten",
    "path_join",
    "quote",
    "sequence",
    "merge",
    "default",
    "indent",
    "join",
    "map",
    "select",
    "selectattr",
    "rejectattr",
    "groupby",
    "sort",
    "unique",
    "dictsort",
    "int",
    "float",
    "round",
    "replace",
    "trim",
    "format",
    "upper",
    "lower",
    "length",
    "first",
    "last",
];

/// What templates know of the run, besides pillar.
#[derive(Clone)]
pub struct Surroundings {
    pub owner: Owner,
    pub grains: Grains,
}

/// What is rendered, and the variables of its own.
pub struct Subject {
    path: PathBuf,
    sls: String,
    call: Option<(String, Map<String, serde_json::Value>)>,
}

impl Subject {
    pub fn state(path: &Path, sls: &str) -> Self {
        Self { path: path.to_owned(), sls: sls.to_owned(), call: None }
    }

    /// A file for a container, with variables of its own.
    pub fn file(path: &Path, sls: &str, vars: &Map<String, serde_json::Value>) -> Self {
        Self { path: path.to_owned(), sls: sls.to_owned(), call: Some((sls.to_owned(), vars.clone())) }
    }

    pub fn module(path: &Path, sls: &str, id: &str, params: &Map<String, serde_json::Value>) -> Self {
        Self { path: path.to_owned(), sls: sls.to_owned(), call: Some((id.to_owned(), params.clone())) }
    }
}

/// Renders the files of one tree.
pub struct Renderer {
    sources: Arc<Sources>,
    plain: Environment<'static>,
    marked: Environment<'static>,
    pillar: Option<serde_json::Value>,
    tokens: Arc<Tokens>,
}

impl Renderer {
    /// Without a pillar, templates that use it are wrong.
    pub fn new(tree: &Tree, surroundings: &Surroundings, pillar: Option<serde_json::Value>) -> Self {
        let sources = Arc::new(Sources::new(tree));
        let tokens = Arc::new(Tokens::default());
        let data = Data::pillar(pillar.as_ref());
        let grains = Data::grains(surroundings.grains.clone());
        let environment = |marks| environment(&sources, surroundings, &data, &grains, &tokens, marks);
        Self {
            plain: environment(Marks::None),
            marked: environment(Marks::Lines),
            pillar,
            tokens: tokens.clone(),
            sources,
        }
    }

    /// Renders a file. One without any template expression stays as it is.
    pub fn render(&self, file: &Arc<SourceFile>, subject: &Subject) -> Result<Rendered, Diagnostic> {
        self.sources.spend(0).map_err(|why| {
            Diagnostic::error(&Place::in_file(file, 1, 1), why)
                .hint("write it with fewer loops, imports and calls of modules")
        })?;
        if !is_template(&file.text) || !wants_rendering(file)? {
            return Ok(Rendered::unchanged(file, &subject.sls));
        }
        if let Some(offset) = too_deep(&file.text) {
            let line = u32::try_from(file.text[..offset].matches('\n').count() + 1).unwrap_or(u32::MAX);
            return Err(Diagnostic::error(&Place::in_file(file, line, 1), TOO_LONG)
                .hint("give parts of it names with `{% set … %}`"));
        }
        let number = self.sources.add(file);
        let context = self.context(subject);
        let source = rewrite(&file.text);
        let render = || run(&self.plain, &file.name, &source, &context, &self.sources);
        let why = |error| explain(&error, &self.sources, file, self.pillar.as_ref());
        let text = self.tokens.kept(file, render, why)?;
        let marked = run(&self.marked, &file.name, &mark(&source, number), &context, &self.sources)
            .map(|marked| strip(&marked));
        let lines = match marked {
            Ok((stripped, marks)) if stripped == text => self.lines(&text, marks),
            // A template that measures its own text: its lines are not known.
            Ok(_) | Err(_) => Vec::new(),
        };
        Ok(Rendered {
            file: file.clone(),
            sls: subject.sls.clone(),
            text: SourceFile::new(file.name.clone(), text),
            lines,
        })
    }

    /// Renders a file that is no state file, whatever stands in its first line.
    pub fn text(&self, file: &Arc<SourceFile>, subject: &Subject) -> Result<String, Diagnostic> {
        let spent = self.sources.spend(0);
        spent.map_err(|why| Diagnostic::error(&Place::in_file(file, 1, 1), why))?;
        if too_deep(&file.text).is_some() {
            return Err(Diagnostic::error(&Place::in_file(file, 1, 1), TOO_LONG));
        }
        self.sources.add(file);
        let source = rewrite(&file.text);
        let context = self.context(subject);
        let render = || run(&self.plain, &file.name, &source, &context, &self.sources);
        self.tokens.kept(file, render, |error| explain(&error, &self.sources, file, self.pillar.as_ref()))
    }

    /// Finds the template line of every rendered line.
    fn lines(&self, text: &str, marks: Vec<Option<Mark>>) -> Vec<Option<Line>> {
        let mut files: HashMap<u32, (Arc<SourceFile>, Vec<usize>)> = HashMap::new();
        let mut line = |rendered: &str, (file, number): Mark| {
            if let Entry::Vacant(slot) = files.entry(file) {
                let source = self.sources.numbered(file)?;
                let starts =
                    std::iter::once(0).chain(source.text.match_indices('\n').map(|(n, _)| n + 1)).collect();
                slot.insert((source, starts));
            }
            let (file, starts) = files.get(&file)?;
            let start = *starts.get(usize::try_from(number).ok()?.checked_sub(1)?)?;
            let written = file.text[start..].lines().next().unwrap_or_default();
            Some(Line::new(file, number, rendered, written))
        };
        text.lines().zip(marks).map(|(rendered, mark)| line(rendered, mark?)).collect()
    }

    fn context(&self, subject: &Subject) -> Value {
        let tree = &self.sources.tree;
        let mut values: BTreeMap<&str, Value> = BTreeMap::new();
        let below =
            subject.path.strip_prefix(&tree.states).or_else(|_| subject.path.strip_prefix(&tree.root));
        let file = below.unwrap_or(&subject.path);
        let folder = file.parent().map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
        let first = folder.split('/').next().unwrap_or_default();
        let or_dot = |text: &str| if text.is_empty() { "." } else { text }.to_owned();
        if let Some((id, params)) = &subject.call {
            for (name, value) in params {
                values.insert(name, Value::from(Serde(value)));
            }
            for name in RESERVED {
                values.remove(name);
            }
            values.insert("params", Value::from(Serde(params)));
            values.insert("id", Value::from(id.as_str()));
        }
        values.insert("sls", Value::from(subject.sls.as_str()));
        values.insert("slspath", Value::from(folder.as_str()));
        values.insert("sls_path", Value::from(folder.replace('/', "_")));
        values.insert("slsdotpath", Value::from(folder.replace('/', ".")));
        values.insert("slscolonpath", Value::from(folder.replace('/', ":")));
        values.insert("tpldir", Value::from(or_dot(&folder)));
        values.insert("tpldot", Value::from(folder.replace('/', ".")));
        values.insert("tplroot", Value::from(or_dot(first)));
        values.insert("tplfile", Value::from(file.to_string_lossy().into_owned()));
        Value::from_pairs(values)
    }
}

/// Names that a parameter of a module does not hide.
const RESERVED: [&str; 8] = ["env", "saltenv", "project", "pillar", "grains", "salt", "params", "id"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Marks {
    None,
    Lines,
}

fn environment(
    sources: &Arc<Sources>,
    surroundings: &Surroundings,
    pillar: &Arc<Data>,
    grains: &Arc<Data>,
    tokens: &Arc<Tokens>,
    marks: Marks,
) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    // By default the name of a template decides, and `.yml` would quote every value.
    env.set_auto_escape_callback(|_| AutoEscape::None);
    if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
        env.set_syntax(syntax);
    }
    env.set_debug(true);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(100);
    env.set_formatter(print);
    filters::add(&mut env);
    secrets::add(&mut env, tokens);

    let files = sources.clone();
    env.set_path_join_callback(move |name, parent| match files.find(name, parent) {
        Some(path) => Cow::Owned(files.tree.shown(&path)),
        None => Cow::Borrowed(name),
    });
    let files = sources.clone();
    env.set_loader(move |name| match files.load(name) {
        Ok(Some(file)) if too_deep(&file.text).is_some() => Err(wrong(format!("{}: {TOO_LONG}", file.name))),
        Ok(Some(file)) => {
            let source = rewrite(&file.text);
            Ok(Some(if marks == Marks::Lines { mark(&source, files.add(&file)) } else { source }))
        }
        Ok(None) => Ok(None),
        Err(problem) => Err(wrong(problem.message)),
    });
    for (name, sort) in
        [("import_yaml", Sort::Yaml), ("import_json", Sort::Json), ("import_text", Sort::Text)]
    {
        let files = sources.clone();
        env.add_function(name, move |state: &State, name: &str| import(&files, state, name, sort));
    }
    env.add_function(CHANGEABLE, |value: &Value| changeable(value));
    env.add_function("raise", |message: String| -> Result<Value, Error> { Err(wrong(message)) });
    env.add_global("pillar", Value::from_dyn_object(pillar.clone()));
    env.add_global("grains", Value::from_dyn_object(grains.clone()));
    env.add_global("salt", Value::from_object(Salt::new(pillar, grains)));
    env.add_global("env", surroundings.owner.env.clone());
    env.add_global("saltenv", surroundings.owner.env.clone());
    env.add_global("project", surroundings.owner.project.clone());
    env
}

/// Prints a value so that the text stays YAML.
fn print(out: &mut Output, _: &mut State, value: &Value) -> Result<(), Error> {
    let written = match value.kind() {
        ValueKind::None => {
            return Err(wrong("this value is none; say what to write instead, with `| default('…', true)`"));
        }
        ValueKind::Bool => out.write_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Map | ValueKind::Seq | ValueKind::Iterable => out.write_str(&filters::json(value)?),
        ValueKind::Invalid => {
            // Using it in any way gives the error that it holds.
            value.try_iter()?;
            Ok(())
        }
        _ => out.write_fmt(format_args!("{value}")),
    };
    written.map_err(|_| Error::from(ErrorKind::WriteFailure))
}

fn run(
    env: &Environment<'static>,
    name: &str,
    source: &str,
    context: &Value,
    sources: &Sources,
) -> Result<String, Error> {
    let mut limited = Limited(Vec::new());
    let template = env.template_from_named_str(name, source)?;
    let captured = template.render_captured_to(context.clone(), &mut limited);
    spend(sources, &captured, limited.0.len())?;
    captured?;
    String::from_utf8(limited.0).map_err(|_| wrong("the text is not UTF-8"))
}

/// Notes what a rendering has cost. What one that failed has taken is not known.
pub fn spend(sources: &Sources, rendering: &Result<Captured<'_>, Error>, bytes: usize) -> Result<(), Error> {
    let steps = match rendering {
        Ok(captured) => captured.state().fuel_levels().map_or(0, |(steps, _)| steps),
        Err(error) if error.kind() == ErrorKind::OutOfFuel => FUEL,
        Err(_) => FUEL / 10,
    };
    let bytes = bytes + rendering.as_ref().map_or(0, |captured| captured.output().len());
    sources.spend(steps.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX))).map_err(wrong)
}

/// Text up to a limit.
struct Limited(Vec<u8>);

impl io::Write for Limited {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.0.len() + more.len() > MAX_OUTPUT {
            return Err(io::Error::other("too much text"));
        }
        self.0.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the first line `#!jinja|yaml` of Salt's files.
fn wants_rendering(file: &Arc<SourceFile>) -> Result<bool, Diagnostic> {
    let Some(line) = file.text.lines().next().and_then(|line| line.strip_prefix("#!")) else {
        return Ok(true);
    };
    let renderers: Vec<_> = line.split('|').map(str::trim).collect();
    match renderers.iter().find(|name| !matches!(**name, "jinja" | "yaml")) {
        Some(unknown) => {
            Err(Diagnostic::error(&Place::in_file(file, 1, 1), format!("there is no renderer `{unknown}`"))
                .hint("state files are Jinja and YAML: remove the line"))
        }
        None => Ok(renderers.contains(&"jinja")),
    }
}
