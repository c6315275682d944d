//! Finds states by id, name, file and module call, without walking over all of them.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::chunk::Chunk;
use super::gather::Gathered;
use super::parse::Origin;
use super::target::{Among, Wanted, is_glob, matches};
use crate::source::{Diagnostic, Diagnostics, Place, did_you_mean};
use crate::world::ImageReference;

/// Numbers of chunks by what they can be called.
pub struct Index {
    by_id: HashMap<String, Vec<usize>>,
    by_kind: HashMap<(&'static str, String), Vec<usize>>,
    by_sls: BTreeMap<String, Vec<usize>>,
    by_call: BTreeMap<String, Vec<usize>>,
    objects: HashMap<(&'static str, String), usize>,
    includes: BTreeMap<String, Vec<String>>,
    names: Vec<Names>,
    globs: RefCell<HashMap<(String, String), Vec<usize>>>,
    guesses: Cell<u32>,
}

/// Each guess looks at every name of the tree.
const MAX_GUESSES: u32 = 20;

struct Names {
    kind: &'static str,
    function: &'static str,
    id: String,
    name: String,
}

impl Index {
    /// Indexes all states; two states of one object are an error.
    pub fn new(chunks: &[Chunk], gathered: &Gathered, problems: &mut Diagnostics) -> Self {
        let mut index = Self {
            by_id: HashMap::new(),
            by_kind: HashMap::new(),
            by_sls: gathered.includes.keys().map(|sls| (sls.clone(), Vec::new())).collect(),
            by_call: gathered.calls.keys().map(|call| (call.clone(), Vec::new())).collect(),
            objects: HashMap::new(),
            includes: gathered.includes.clone(),
            names: Vec::with_capacity(chunks.len()),
            globs: RefCell::default(),
            guesses: Cell::new(0),
        };
        let mut ids: HashMap<(&str, &str), (&Place, &str)> = HashMap::new();
        for (n, chunk) in chunks.iter().enumerate() {
            let kind = chunk.kind.name();
            let object = (kind, declared_name(chunk));
            let same_id = ids.get(&(kind, chunk.id.as_str())).filter(|(place, _)| **place != chunk.place);
            if let Some((place, sls)) = same_id {
                problems.push(
                    Diagnostic::error(&chunk.place, format!("`{}` is declared a second time", chunk.id))
                        .note(format!("the first is at {place} ({sls})"))
                        .hint("to change a state of another file, write `extend`; else give it another id"),
                );
            } else if let Some(first) = index.objects.get(&object) {
                let first = &chunks[*first];
                problems.push(
                    Diagnostic::error(
                        &chunk.place,
                        format!("{kind} `{}` is declared by two states", chunk.object()),
                    )
                    .note(format!("the other one is `{}` at {}", first.id, first.place))
                    .hint("an object has one state: remove one, or give it another `name`"),
                );
            } else {
                index.objects.insert(object, n);
            }
            ids.insert((kind, &chunk.id), (&chunk.place, &chunk.origin.sls));
            index.by_id.entry(chunk.id.clone()).or_default().push(n);
            index.by_kind.entry((kind, chunk.id.clone())).or_default().push(n);
            for name in [chunk.name.clone(), chunk.object(), object_name(kind, &chunk.object())] {
                let known = index.by_kind.entry((kind, name)).or_default();
                if known.last() != Some(&n) {
                    known.push(n);
                }
            }
            index.by_sls.entry(chunk.origin.sls.clone()).or_default().push(n);
            for call in &chunk.origin.calls {
                index.by_call.entry(call.clone()).or_default().push(n);
            }
            index.names.push(Names {
                kind,
                function: chunk.function.name,
                id: chunk.id.clone(),
                name: chunk.name.clone(),
            });
        }
        index
    }

    /// The state that declares an object.
    pub fn object(&self, kind: &'static str, name: &str) -> Option<usize> {
        self.objects.get(&(kind, object_name(kind, name))).copied()
    }

    /// The state that is meant by a name inside a module call: by its id there, or its name.
    pub fn inside(&self, kind: &'static str, name: &str, origin: &Origin) -> Option<usize> {
        origin.calls.iter().rev().find_map(|call| {
            let states = self.by_call.get(call)?;
            let called = |name: String| {
                self.by_kind.get(&(kind, name))?.iter().copied().find(|n| states.binary_search(n).is_ok())
            };
            called(format!("{call}-{name}")).or_else(|| called(object_name(kind, name)))
        })
    }

    /// Every state that a target means, in the order of declaration. Looks inside the module call
    /// first that the target was written in, then in those around it, then everywhere.
    pub fn find(&self, wanted: &Wanted, origin: &Origin) -> Vec<usize> {
        for call in origin.calls.iter().rev() {
            let inside = |n: &usize| self.by_call.get(call).is_some_and(|all| all.binary_search(n).is_ok());
            let prefixed = Wanted { pattern: format!("{call}-{}", wanted.pattern), ..wanted.clone() };
            let mut found: Vec<_> = self.anywhere(&prefixed).into_iter().filter(inside).collect();
            if found.is_empty() {
                found = self.anywhere(wanted).into_iter().filter(inside).collect();
            }
            if !found.is_empty() {
                return found;
            }
        }
        self.anywhere(wanted)
    }

    fn anywhere(&self, wanted: &Wanted) -> Vec<usize> {
        let pattern = wanted.pattern.as_str();
        if matches!(wanted.among, Among::Sls) {
            return self.of_files(pattern);
        }
        if wanted.is_glob() {
            let key = (wanted.shown(), pattern.to_owned());
            if let Some(found) = self.globs.borrow().get(&key) {
                return found.clone();
            }
            let found = self.glob(wanted);
            self.globs.borrow_mut().insert(key, found.clone());
            return found;
        }
        let of_kind = |kind: &'static str| {
            let exact = self.by_kind.get(&(kind, pattern.to_owned()));
            exact
                .or_else(|| self.by_kind.get(&(kind, object_name(kind, pattern))))
                .cloned()
                .unwrap_or_default()
        };
        match wanted.among {
            Among::Everything => self.by_id.get(pattern).cloned().unwrap_or_default(),
            Among::Kind(kind) => of_kind(kind.name()),
            Among::Function(kind, function) => {
                of_kind(kind.name()).into_iter().filter(|n| self.names[*n].function == function).collect()
            }
            Among::Module => self.by_call.get(pattern).cloned().unwrap_or_default(),
            Among::Sls => Vec::new(),
        }
    }

    fn glob(&self, wanted: &Wanted) -> Vec<usize> {
        let pattern = wanted.pattern.as_str();
        let named = |names: &Names| matches(pattern, &names.id) || matches(pattern, &names.name);
        let states = || self.names.iter().enumerate();
        match wanted.among {
            Among::Everything => {
                states().filter(|(_, names)| matches(pattern, &names.id)).map(|(n, _)| n).collect()
            }
            Among::Kind(kind) => states()
                .filter(|(_, names)| names.kind == kind.name() && named(names))
                .map(|(n, _)| n)
                .collect(),
            Among::Function(kind, function) => states()
                .filter(|(_, names)| names.kind == kind.name() && names.function == function && named(names))
                .map(|(n, _)| n)
                .collect(),
            Among::Module => {
                let calls = self.by_call.iter().filter(|(call, _)| matches(pattern, call));
                calls.flat_map(|(_, all)| all.iter().copied()).collect::<BTreeSet<_>>().into_iter().collect()
            }
            Among::Sls => Vec::new(),
        }
    }

    /// States of matching files and of everything that those include.
    fn of_files(&self, pattern: &str) -> Vec<usize> {
        let mut files: Vec<&str> =
            self.includes.keys().filter(|sls| matches(pattern, sls)).map(String::as_str).collect();
        let mut seen: BTreeSet<&str> = files.iter().copied().collect();
        while let Some(file) = files.pop() {
            for included in self.includes.get(file).into_iter().flatten() {
                if seen.insert(included) {
                    files.push(included);
                }
            }
        }
        let found: BTreeSet<usize> =
            seen.into_iter().filter_map(|sls| self.by_sls.get(sls)).flatten().copied().collect();
        found.into_iter().collect()
    }

    /// True if there is something to mean, even if it holds no state.
    pub fn exists(&self, wanted: &Wanted, origin: &Origin) -> bool {
        match wanted.among {
            Among::Sls => self.includes.keys().any(|sls| matches(&wanted.pattern, sls)),
            Among::Module => {
                let inner = origin.outer_id(&wanted.pattern);
                self.by_call.keys().any(|call| matches(&wanted.pattern, call) || *call == inner)
            }
            Among::Everything | Among::Kind(_) | Among::Function(..) => false,
        }
    }

    /// What may have been meant by a target that is not there.
    pub fn suggest(&self, wanted: &Wanted) -> Option<String> {
        self.guesses.set(self.guesses.get() + 1);
        if is_glob(&wanted.pattern) || self.guesses.get() > MAX_GUESSES {
            return None;
        }
        let near =
            |words: &mut dyn Iterator<Item = &str>| did_you_mean(&wanted.pattern, words).map(str::to_owned);
        let (kind, meant) = match wanted.among {
            Among::Everything => (None, near(&mut self.names.iter().map(|names| names.id.as_str()))),
            Among::Sls => (Some("sls"), near(&mut self.includes.keys().map(String::as_str))),
            Among::Module => (Some("module"), near(&mut self.by_call.keys().map(String::as_str))),
            Among::Kind(kind) | Among::Function(kind, _) => {
                let of_kind = || self.names.iter().filter(|names| names.kind == kind.name());
                let words = of_kind().flat_map(|names| [names.id.as_str(), names.name.as_str()]);
                if let Some(meant) = near(&mut { words }) {
                    return Some(format!("did you mean `{}: {meant}`?", kind.name()));
                }
                let other = self.by_id.get(&wanted.pattern)?.first()?;
                return Some(format!("did you mean `{}: {}`?", self.names[*other].kind, wanted.pattern));
            }
        };
        meant.map(|meant| match kind {
            Some(kind) => format!("did you mean `{kind}: {meant}`?"),
            None => format!("did you mean `{meant}`?"),
        })
    }
}

/// What a state has for itself alone. A copy of an object is not the object.
fn declared_name(chunk: &Chunk) -> String {
    let name = object_name(chunk.kind.name(), &chunk.object());
    if chunk.function.beside { format!("{} {name}", chunk.function.name) } else { name }
}

/// One text for all spellings of an object's name.
fn object_name(kind: &str, name: &str) -> String {
    if kind == "image" { ImageReference::parse(name).normal() } else { name.to_owned() }
}
