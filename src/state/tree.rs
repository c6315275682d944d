//! The tree of files: its root, how dotted names become files, and what may be read at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::bounds::{Bounds, LEADS_OUT};
use super::decode::{decode, strange_character};
use super::inputs::Trust;
use super::yaml::Places;
use crate::source::{Diagnostic, Place, SourceFile, did_you_mean, is_token_character};

const MAX_FILE: u64 = 16 << 20;
const SETTINGS: &str = "evenkeel.yml";
/// No state file, although it lies among them.
const PIPELINE: &str = "pipeline.yml";
const ENDINGS: [&str; 3] = ["yml", "yaml", "sls"];

/// The folder that a set of state files lives in.
#[derive(Debug, Clone)]
pub struct Tree {
    /// Absolute and without symbolic links.
    pub root: PathBuf,
    /// Where dotted names start: `states/` of the root, or the root itself.
    pub states: PathBuf,
    /// What nothing may lead out of, if others have written the tree.
    pub bounds: Bounds,
    /// The files that are named, in the order in which they are.
    pub files: Vec<PathBuf>,
    /// SHA-256 of what was read, by its path from the root.
    read: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Tree {
    fn new(root: PathBuf, states: PathBuf) -> Self {
        Self { root, states, bounds: Bounds::default(), files: Vec::new(), read: Arc::default() }
    }

    /// The tree whose settings are in a folder, if there are any.
    pub fn at(root: &Path) -> Option<Self> {
        let tree = Self::new(root.to_owned(), root.to_owned());
        tree.settings().is_some().then_some(tree)
    }

    /// SHA-256 of every file that was read so far, by its path from the root.
    pub fn inputs(&self) -> BTreeMap<String, String> {
        self.read.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Finds the tree of the given files.
    pub fn of(files: &[PathBuf], folder: &Path, trust: &Trust) -> Result<Self, Diagnostic> {
        let bounds = Bounds::of(trust)?;
        let mut named = Vec::new();
        let mut found: Option<(PathBuf, PathBuf)> = None;
        for file in files {
            let path = folder.join(file);
            let real = bounds.real_of_named(&path).map_err(|error| {
                let problem =
                    Diagnostic::error_without_place(format!("cannot read {}: {error}", file.display()));
                if bounds.is_open() { problem.maybe_hint(neighbour(&path)) } else { problem }
            })?;
            named.push(real.clone());
            if real.is_dir() {
                return Err(Diagnostic::error_without_place(format!("{} is a folder", file.display()))
                    .hint("name a state file, such as states/prod.yml"));
            }
            let root = root_of(&real, &bounds);
            match &found {
                Some((first, _)) if *first != root => {
                    return Err(Diagnostic::error_without_place(format!(
                        "the state files belong to two trees: {} and {}",
                        first.display(),
                        root.display()
                    ))
                    .hint("apply them one after the other"));
                }
                Some(_) => {}
                None => found = Some((root, real)),
            }
        }
        let (root, _) = found.ok_or_else(|| Diagnostic::error_without_place("no state file is named"))?;
        let states = root.join("states");
        let states = if states.is_dir() { states } else { root.clone() };
        let tree = Self { bounds, files: named, ..Self::new(root, states) };
        let folders = ["states", "pillar", "states/pillar", "modules"];
        match folders.into_iter().find(|folder| tree.bounds.leave_out(&tree.root.join(folder))) {
            Some(folder) => {
                Err(Diagnostic::error_without_place(format!("cannot read {folder}: {LEADS_OUT}"))
                    .hint("put the folder itself in place of the link"))
            }
            None => Ok(tree),
        }
    }

    /// True if there is a file. In a tree that others have written nothing is told of what is outside:
    /// what leads there counts as a file, and reading it is the mistake.
    pub fn is_file(&self, path: &Path) -> bool {
        self.bounds.leave_out(path) || path.is_file()
    }

    /// The path without links.
    pub fn real(&self, path: &Path) -> Result<PathBuf, Diagnostic> {
        self.bounds.real(path).map_err(|error| {
            Diagnostic::error_without_place(format!("cannot read {}: {error}", self.shown(path)))
        })
    }

    /// What a person would call a file: its path from the root.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned()
    }

    /// The dotted name of a state file.
    pub fn dotted(&self, path: &Path) -> String {
        let below = path
            .strip_prefix(&self.states)
            .or_else(|_| path.strip_prefix(&self.root))
            .unwrap_or(path)
            .with_extension("");
        let mut parts: Vec<_> =
            below.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        if parts.len() > 1 && parts.last().is_some_and(|last| last == "init") {
            parts.pop();
        }
        parts.join(".")
    }

    /// Every state file below the states folder, by dotted name.
    pub fn all(&self) -> BTreeMap<String, PathBuf> {
        let reserved = [self.states.join("pillar"), self.root.join("pillar"), self.root.join("modules")];
        WalkDir::new(&self.states)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| {
                !reserved.iter().any(|folder| folder == entry.path())
                    && (entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.'))
            })
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_file() && has_ending(entry.path()))
            .filter(|entry| entry.file_name() != SETTINGS && entry.file_name() != PIPELINE)
            .map(|entry| (self.dotted(entry.path()), entry.into_path()))
            .collect()
    }

    /// The file behind a dotted name.
    pub fn find(&self, dotted: &str, place: &Place) -> Result<PathBuf, Diagnostic> {
        let relative = dotted.replace('.', "/");
        if self.bounds.leave_out(&self.states.join(&relative))
            || self.bounds.leave_out(&self.root.join(&relative))
        {
            return Err(Diagnostic::error(place, format!("`{dotted}`: {LEADS_OUT}"))
                .hint("put the files themselves in place of the link"));
        }
        let mut found = self.existing(&self.states, &relative);
        if found.is_empty() && self.states != self.root {
            found = self.existing(&self.root, &relative);
        }
        match found.as_slice() {
            [file] => Ok(file.clone()),
            [] => {
                let all = self.all();
                let stem = ENDINGS.iter().find_map(|e| dotted.strip_suffix(&format!(".{e}")));
                let meant = stem
                    .map(|stem| stem.replace('/', "."))
                    .filter(|stem| all.contains_key(stem))
                    .or_else(|| all.contains_key(&dotted.replace('/', ".")).then(|| dotted.replace('/', ".")))
                    .or_else(|| did_you_mean(dotted, all.keys().map(String::as_str)).map(str::to_owned));
                let looked = self.shown(&self.states.join(&relative));
                let then = if self.states == self.root {
                    String::new()
                } else {
                    format!(", then for {relative}.yml and {relative}/init.yml likewise")
                };
                Err(Diagnostic::error(place, format!("there is no state file `{dotted}`"))
                    .note(format!("looked for {looked}.yml, .yaml, .sls and {looked}/init.yml{then}"))
                    .maybe_hint(meant.map(|name| format!("did you mean `{name}`?"))))
            }
            several => {
                let names: Vec<_> = several.iter().map(|path| self.shown(path)).collect();
                Err(Diagnostic::error(place, format!("`{dotted}` could be several files"))
                    .note(names.join(", "))
                    .hint("rename one of them"))
            }
        }
    }

    fn existing(&self, folder: &Path, relative: &str) -> Vec<PathBuf> {
        let inits = ENDINGS.iter().map(|end| format!("{relative}/init.{end}"));
        ENDINGS
            .iter()
            .map(|end| format!("{relative}.{end}"))
            .chain(inits)
            .map(|name| folder.join(name))
            .filter(|path| self.is_file(path))
            .collect()
    }

    /// Every module, by dotted name.
    pub fn modules(&self) -> BTreeMap<String, PathBuf> {
        let folder = self.root.join("modules");
        let inside = Self::new(folder.clone(), folder);
        if inside.root.is_dir() { inside.all() } else { BTreeMap::new() }
    }

    /// Settings of the whole tree, if there are any.
    pub fn settings(&self) -> Option<PathBuf> {
        Some(self.root.join(SETTINGS)).filter(|path| self.is_file(path))
    }

    /// The pillar file of a stem; an error if it could be several.
    pub fn pillar(&self, stem: &str) -> Result<Option<PathBuf>, Diagnostic> {
        let mut found = Vec::new();
        for folder in self.pillar_folders() {
            found.extend(
                ENDINGS.iter().map(|end| folder.join(format!("{stem}.{end}"))).filter(|p| self.is_file(p)),
            );
        }
        match found.as_slice() {
            [] => Ok(None),
            [file] => Ok(Some(file.clone())),
            several => {
                let names: Vec<_> = several.iter().map(|path| self.shown(path)).collect();
                Err(Diagnostic::error_without_place(format!("the pillar `{stem}` is several files"))
                    .note(names.join(", "))
                    .hint("keep one of them"))
            }
        }
    }

    /// Stems of all pillar files.
    pub fn pillar_stems(&self) -> Vec<String> {
        let mut stems: Vec<_> = self
            .pillar_folders()
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flat_map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()))
            .filter(|path| has_ending(path))
            .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
            .collect();
        stems.sort();
        stems.dedup();
        stems
    }

    fn pillar_folders(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.states.join("pillar"), self.root.join("pillar")];
        folders.dedup();
        folders
    }

    /// Finds what a template calls `name`: next to the file that asks, then below the states
    /// folder, the modules and the root. Nothing outside the root is ever found.
    pub fn template(&self, name: &str, asked_by: &Path) -> Option<PathBuf> {
        let name = name.strip_prefix("salt://").unwrap_or(name);
        let beside = asked_by.parent().unwrap_or(&self.root).to_owned();
        [beside, self.states.clone(), self.root.join("modules"), self.root.clone()]
            .iter()
            .filter_map(|folder| self.inside(folder.join(name)))
            .find(|path| self.is_file(path))
    }

    /// The path without `..`, if it stays below the root.
    pub fn inside(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        plain_path(&self.root.join(path)).filter(|path| path.starts_with(&self.root))
    }

    /// Reads the bytes of a file that the tree names: one of its own, or, unless others have written it, any other.
    pub fn bytes(&self, path: &Path, most: u64) -> Result<Vec<u8>, Diagnostic> {
        let shown = self.shown(path);
        let fail = |why: String| Diagnostic::error_without_place(format!("cannot read {shown}: {why}"));
        let real = self.bounds.real(path).map_err(|error| fail(error.to_string()))?;
        let found = fs::metadata(&real).map_err(|error| fail(error.to_string()))?;
        if found.is_dir() {
            return Err(fail("it is a folder".to_owned())
                .hint("name each file; for a folder, mount it with `volumes`"));
        }
        if !found.is_file() || found.len() > most {
            return Err(fail(format!("it is no ordinary file of at most {} MiB", most >> 20)));
        }
        let bytes = fs::read(&real).map_err(|error| fail(error.to_string()))?;
        let mut read = self.read.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        read.insert(shown, sha256(&bytes));
        Ok(bytes)
    }

    /// Reads a file of the tree.
    pub fn read(&self, path: &Path) -> Result<Arc<SourceFile>, Diagnostic> {
        self.read_below(Some(&self.root), path)
    }

    /// Reads a file that a state names; one of our own may lie anywhere.
    pub fn read_beside(&self, path: &Path) -> Result<Arc<SourceFile>, Diagnostic> {
        self.read_below(Some(&self.root).filter(|_| !self.bounds.is_open()), path)
    }

    fn read_below(&self, root: Option<&PathBuf>, path: &Path) -> Result<Arc<SourceFile>, Diagnostic> {
        let shown = self.shown(path);
        let fail = |why: String| Diagnostic::error_without_place(format!("cannot read {shown}: {why}"));
        let real = self.bounds.real(path).map_err(|error| fail(error.to_string()))?;
        if let Some(root) = root.filter(|root| !real.starts_with(root)) {
            return Err(fail(LEADS_OUT.to_owned()).hint(format!("copy the file below {}", root.display())));
        }
        let size = fs::metadata(&real).map_err(|error| fail(error.to_string()))?.len();
        if size > MAX_FILE {
            return Err(fail(format!("it has {size} bytes, more than {MAX_FILE}")));
        }
        let bytes = fs::read(&real).map_err(|error| fail(error.to_string()))?;
        let mut read = self.read.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        read.insert(shown.clone(), sha256(&bytes));
        drop(read);
        let file = decode(&shown, bytes)?;
        // What stands for a secret comes from `secret('…')` alone.
        match strange_character(&file, is_token_character) {
            Some(problem) => Err(problem.hint("remove it: characters of this range stand for secrets here")),
            None => Ok(file),
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file read as it stands, without a template.
pub struct Plain(pub Arc<SourceFile>);

impl Places for Plain {
    fn text(&self) -> &str {
        &self.0.text
    }

    fn place(&self, line: u32, column: u32) -> Place {
        Place::in_file(&self.0, line, column)
    }
}

fn has_ending(path: &Path) -> bool {
    path.extension().is_some_and(|end| ENDINGS.iter().any(|known| end == *known))
}

/// The path without `.` and `..`, if it does not climb above its start.
fn plain_path(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                if !plain.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => plain.push(part),
        }
    }
    Some(plain)
}

fn root_of(file: &Path, bounds: &Bounds) -> PathBuf {
    let folders = || file.ancestors().skip(1).filter(|folder| !bounds.leave_out(folder));
    let settled = folders().find(|folder| folder.join(SETTINGS).is_file());
    let above_states = folders().find(|folder| folder.ends_with("states")).and_then(Path::parent);
    let above_states = above_states.filter(|folder| !bounds.leave_out(folder));
    let own = file.parent().unwrap_or(file);
    settled.or(above_states).unwrap_or(own).to_owned()
}

/// A file of the same folder that may have been meant.
fn neighbour(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_string_lossy().into_owned();
    let mut names: Vec<String> = fs::read_dir(path.parent()?)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let meant = did_you_mean(&wanted, names.iter().map(String::as_str))?;
    Some(format!("did you mean {}?", path.with_file_name(meant).display()))
}
