//! The template files of a tree that were used so far, by name and by number.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use minijinja::Error;

use super::filters::wrong;
use crate::source::{Diagnostic, SourceFile};
use crate::state::tree::Tree;

/// Template files; the name of one is its path from the root.
pub struct Sources {
    pub tree: Tree,
    files: Mutex<IndexMap<String, Arc<SourceFile>>>,
    /// Files that are imported at this moment, each by the one before.
    importing: AtomicUsize,
    /// What all renderings together have taken of `BUDGET`.
    spent: AtomicU64,
}

/// What a tree that others have written may take in all: steps of the template engine and bytes of text.
const BUDGET: u64 = 100_000_000;
/// What each file costs, however short.
const PER_FILE: u64 = 10_000;

impl Sources {
    pub fn new(tree: &Tree) -> Self {
        Self {
            tree: tree.clone(),
            files: Mutex::default(),
            importing: AtomicUsize::new(0),
            spent: AtomicU64::new(0),
        }
    }

    /// Notes what one file has cost. Files that call each other multiply what each may take.
    pub fn spend(&self, cost: u64) -> Result<(), String> {
        let cost = cost.saturating_add(PER_FILE);
        let spent = self.spent.fetch_add(cost, Ordering::Relaxed).saturating_add(cost);
        if self.tree.bounds.is_open() || spent <= BUDGET {
            return Ok(());
        }
        Err("the templates of this tree take too long together, or make too much text".to_owned())
    }

    /// Runs an import, unless imports are nested too deep.
    pub fn nested<T>(&self, import: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        const MAX_IMPORTS: usize = 8;
        let depth = self.importing.fetch_add(1, Ordering::Relaxed);
        let result = if depth < MAX_IMPORTS {
            import()
        } else {
            Err(wrong(format!("files import each other more than {MAX_IMPORTS} deep")))
        };
        self.importing.fetch_sub(1, Ordering::Relaxed);
        result
    }

    /// Notes a file, and gives its number.
    pub fn add(&self, file: &Arc<SourceFile>) -> u32 {
        let (number, _) = self.lock().insert_full(file.name.clone(), file.clone());
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    pub fn file(&self, name: &str) -> Option<Arc<SourceFile>> {
        self.lock().get(name).cloned()
    }

    pub fn numbered(&self, number: u32) -> Option<Arc<SourceFile>> {
        let files = self.lock();
        files.get_index(usize::try_from(number).ok()?).map(|(_, file)| file.clone())
    }

    /// The path of what the template `asked_by` calls `name`.
    pub fn find(&self, name: &str, asked_by: &str) -> Option<PathBuf> {
        self.tree.template(name, &self.tree.root.join(asked_by))
    }

    /// Reads a template, unless that was done.
    pub fn load(&self, name: &str) -> Result<Option<Arc<SourceFile>>, Diagnostic> {
        if let Some(file) = self.file(name) {
            return Ok(Some(file));
        }
        let Some(path) = self.tree.inside(name).filter(|path| self.tree.is_file(path)) else {
            return Ok(None);
        };
        let file = self.tree.read(&path)?;
        self.add(&file);
        Ok(Some(file))
    }

    fn lock(&self) -> MutexGuard<'_, IndexMap<String, Arc<SourceFile>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
