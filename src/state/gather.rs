//! Walks the includes and the module calls, and lists every declaration in order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::module;
use super::parse::{Declaration, Defaults, Exclusion, Extension, Item, Origin, Parsed, parse};
use super::render::{Rendered, Renderer, Subject};
use super::target::{is_glob, matches};
use super::tree::Tree;
use super::yaml;
use crate::source::{Diagnostic, Diagnostics, Place};

/// What all files of a tree say together.
#[derive(Default)]
pub struct Gathered {
    pub declarations: Vec<Declaration>,
    pub extends: Vec<Extension>,
    pub excludes: Vec<Exclusion>,
    /// Which files a file includes, by dotted name; a file without includes is listed too.
    pub includes: BTreeMap<String, Vec<String>>,
    /// Places of the module calls, by id.
    pub calls: BTreeMap<String, Place>,
    pub projects: Vec<(String, Place)>,
    pub rendered: Vec<Rendered>,
}

pub struct Gatherer<'a> {
    tree: &'a Tree,
    renderer: &'a Renderer,
    /// Defaults of the whole tree.
    defaults: Vec<Defaults>,
    pub gathered: Gathered,
    problems: &'a mut Diagnostics,
    seen: BTreeSet<PathBuf>,
    /// Every module of the tree, once one is called.
    modules: Option<BTreeMap<String, PathBuf>>,
}

impl<'a> Gatherer<'a> {
    pub fn new(
        tree: &'a Tree,
        renderer: &'a Renderer,
        defaults: Vec<Defaults>,
        problems: &'a mut Diagnostics,
    ) -> Self {
        Self {
            tree,
            renderer,
            defaults,
            gathered: Gathered::default(),
            problems,
            seen: BTreeSet::new(),
            modules: None,
        }
    }

    /// Takes a state file with everything that it includes, once.
    pub fn file(&mut self, path: &Path) {
        let path = match self.tree.real(path) {
            Ok(path) => path,
            Err(problem) => return self.problems.push(problem),
        };
        if !self.seen.insert(path.clone()) {
            return;
        }
        let file = match self.tree.read(&path) {
            Ok(file) => file,
            Err(problem) => return self.problems.push(problem),
        };
        let sls = self.tree.dotted(&path);
        self.gathered.includes.entry(sls.clone()).or_default();
        let rendered = match self.renderer.render(&file, &Subject::state(&path, &sls)) {
            Ok(rendered) => rendered,
            Err(problem) => return self.problems.push(problem),
        };
        let origin = Arc::new(Origin {
            sls: sls.clone(),
            folder: path.parent().unwrap_or(&self.tree.root).to_owned(),
            calls: Vec::new(),
        });
        let parsed = self.parse(&rendered, &origin);
        self.gathered.rendered.push(rendered);
        for (name, place) in &parsed.includes {
            for included in self.included(name, &path, place) {
                let dotted = self.tree.dotted(&included);
                self.gathered.includes.entry(sls.clone()).or_default().push(dotted);
                self.file(&included);
            }
        }
        self.gathered.excludes.extend(parsed.excludes);
        self.gathered.projects.extend(parsed.project);
        self.gathered.extends.extend(parsed.extends);
        self.items(parsed.items, &parsed.defaults, &origin);
    }

    fn parse(&mut self, rendered: &Rendered, origin: &Arc<Origin>) -> Parsed {
        let root = yaml::load(rendered, self.problems);
        parse(root.as_ref(), origin, self.problems)
    }

    fn items(&mut self, items: Vec<Item>, defaults: &[Defaults], origin: &Arc<Origin>) {
        for item in items {
            match item {
                Item::State(mut declaration) => {
                    for default in defaults.iter().chain(&self.defaults) {
                        apply(default, &mut declaration);
                    }
                    self.gathered.declarations.push(declaration);
                }
                Item::Call(call) => self.call(call, origin),
            }
        }
    }

    fn call(&mut self, call: super::parse::Call, around: &Arc<Origin>) {
        if let Some(first) = self.gathered.calls.get(&call.id) {
            let problem =
                Diagnostic::error(&call.place, format!("`{}` calls a module for a second time", call.id));
            return self.problems.push(problem.note(format!("the first is at {first}")));
        }
        self.gathered.calls.insert(call.id.clone(), call.place.clone());
        let modules = self.modules.get_or_insert_with(|| self.tree.modules());
        let Some(opened) = module::open(self.tree, modules, &call, around, self.problems) else { return };
        let rendered = match self.renderer.render(&opened.file, &opened.subject(&call.id)) {
            Ok(rendered) => rendered,
            Err(problem) => {
                let called = format!("the module is called at {}", call.place);
                return self.problems.push(problem.note(called));
            }
        };
        let origin = opened.origin(&call.id, around);
        let parsed = self.parse(&rendered, &origin);
        self.gathered.rendered.push(rendered);
        for (_, place) in &parsed.includes {
            self.problems.push(
                Diagnostic::error(place, "a module includes no files")
                    .hint("include the file where the module is called, or call another module"),
            );
        }
        if let Some((_, place)) = &parsed.project {
            self.problems.push(Diagnostic::error(place, "a module names no project"));
        }
        self.gathered.excludes.extend(parsed.excludes);
        self.gathered.extends.extend(parsed.extends);
        let first = self.gathered.declarations.len();
        self.items(parsed.items, &parsed.defaults, &origin);
        for declaration in &mut self.gathered.declarations[first..] {
            for entry in &opened.passed_on.entries {
                declaration.arguments.add_default(entry);
            }
            declaration.arguments.requisites.extend(opened.passed_on.requisites.iter().cloned());
        }
    }

    /// Files behind one entry of an include.
    fn included(&mut self, name: &str, from: &Path, place: &Place) -> Vec<PathBuf> {
        if name.trim().is_empty() || ["/", "./", "../"].iter().any(|start| name.starts_with(start)) {
            self.problems.push(no_path(name, place));
            return Vec::new();
        }
        let Some(absolute) = self.absolute(name, from) else {
            self.problems.push(Diagnostic::error(place, format!("`{name}` leads out of the tree")));
            return Vec::new();
        };
        if is_glob(&absolute) {
            let found: Vec<_> = self
                .tree
                .all()
                .into_iter()
                .filter(|(dotted, path)| matches(&absolute, dotted) && path != from)
                .map(|(_, path)| path)
                .collect();
            if found.is_empty() {
                self.problems.push(Diagnostic::error(place, format!("no state file matches `{name}`")));
            }
            return found;
        }
        match self.tree.find(&absolute, place) {
            Ok(path) => vec![path],
            Err(problem) => {
                self.problems.push(problem);
                Vec::new()
            }
        }
    }

    /// A dotted name without leading dots: each dot is one level up, the first is the folder of
    /// the file itself.
    fn absolute(&self, name: &str, from: &Path) -> Option<String> {
        let dots = name.len() - name.trim_start_matches('.').len();
        if dots == 0 {
            return Some(name.to_owned());
        }
        let mut folder = from.parent()?;
        for _ in 1..dots {
            folder = folder.parent()?;
        }
        let below =
            folder.strip_prefix(&self.tree.states).or_else(|_| folder.strip_prefix(&self.tree.root)).ok()?;
        let mut parts: Vec<_> =
            below.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        let rest = &name[dots..];
        if !rest.is_empty() {
            parts.push(rest.to_owned());
        }
        Some(parts.join("."))
    }
}

/// What to write instead of a path.
fn no_path(name: &str, place: &Place) -> Diagnostic {
    let problem = Diagnostic::error(place, format!("`{name}` is no dotted name of a state file"))
        .note("`web.frontend` is states/web/frontend.yml; `.up` is up.yml beside this file, `..up` one folder above");
    let levels = name.split('/').take_while(|part| matches!(*part, "." | "..")).count();
    let ups = name.split('/').take(levels).filter(|part| *part == "..").count();
    let rest: Vec<_> = name.split('/').skip(levels).collect();
    let rest = rest.join(".");
    let stem = [".yml", ".yaml", ".sls"].iter().find_map(|end| rest.strip_suffix(end)).unwrap_or(&rest);
    problem.maybe_hint((levels > 0).then(|| format!("write `{}{stem}`", ".".repeat(ups + 1))))
}

/// Takes over the defaults that the state's function knows.
fn apply(defaults: &Defaults, declaration: &mut Declaration) {
    // A job is a container, and what is usual for those that serve is not for it.
    let word = |kind: &dyn crate::resource::Kind| kind.spelling(crate::resource::Vocabulary::Plain);
    if word(defaults.kind) != word(declaration.kind)
        || defaults.vocabulary != declaration.vocabulary
        || defaults.function.is_some_and(|function| function.name != declaration.function.name)
    {
        return;
    }
    let spelled = |word: &str| {
        declaration
            .kind
            .fields(declaration.function.name)
            .iter()
            .find(|field| field.words(declaration.vocabulary).any(|known| known == word))
    };
    for entry in &defaults.entries {
        match spelled(&entry.key) {
            Some(field) => {
                let is_set =
                    field.words(declaration.vocabulary).any(|word| declaration.arguments.get(word).is_some());
                if !is_set {
                    declaration.arguments.entries.push(entry.clone());
                }
            }
            None if super::word::OPTIONS.contains(&entry.key.as_str()) => {
                declaration.arguments.add_default(entry)
            }
            None => {}
        }
    }
}
