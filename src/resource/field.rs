//! One option of a kind, and the only place that knows it.

use std::path::PathBuf;

pub use crate::plan::Impact;

use super::Form;

/// One option of a kind. Parser, create body, comparison, manual and tests go through these rows.
#[derive(Clone, Copy)]
pub struct Field {
    /// Our name for it, which labels and diffs use.
    pub name: &'static str,
    /// How state files may spell it. Two spellings of one field in a state are an error.
    pub spellings: &'static [Spelling],
    /// Where the engine takes and shows it.
    pub at: At,
    /// How it is read, compared and printed.
    pub form: &'static dyn Form,
    /// What "not declared" means.
    pub unset: Unset,
    /// What a new value costs.
    pub impact: Impact,
    /// What going back to "not declared" costs.
    pub removal: Impact,
    /// The first API version that has it, major and minor.
    pub since: (u32, u32),
    /// For the person who writes state files; this text is the manual.
    pub doc: &'static str,
}

/// A word for a field in one vocabulary.
pub struct Spelling {
    pub vocabulary: Vocabulary,
    pub word: &'static str,
}

/// Whose words a state uses: those of the kind's own spelling. They are never mixed, because the
/// same word means different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vocabulary {
    /// `container.running`: our names and Compose's as equals.
    Plain,
    /// `docker_container.running`: Salt's names.
    Salt,
}

/// Where the engine takes a field and shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// A dotted path in inspect JSON, such as `HostConfig.Memory`. A create body takes what is
    /// below `Config` at its top level.
    Path(&'static str),
    /// Something with a structure of its own, which the kind's code compares and sends.
    Structure,
    /// Another way to say a part of this field, which it becomes when it is read.
    Within(&'static str),
    /// Nothing at the engine: it says how evenkeel goes about it.
    Policy,
}

/// What a field is when no state declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    /// What the image says at this path of its inspect JSON; what is declared goes on top.
    Image(&'static str),
    /// The engine's default, which is what the form reads from `null`.
    Engine,
    /// What the engine chooses, for this reason: going back takes an object that nothing was said for.
    Chosen(&'static str),
    /// It is left as it is, for this reason.
    Unmanaged(&'static str),
}

/// What a form needs to know to read what was written.
#[derive(Debug, Clone)]
pub struct Reading {
    pub vocabulary: Vocabulary,
    /// The folder that relative paths start from: that of the state file.
    pub folder: PathBuf,
}

impl Field {
    /// The words for this field in a vocabulary.
    pub fn words(&self, vocabulary: Vocabulary) -> impl Iterator<Item = &'static str> {
        self.spellings.iter().filter(move |s| s.vocabulary == vocabulary).map(|s| s.word)
    }

    /// True if a change of the value, or going back to the default, is done in place, so that the
    /// field can drift on a running container.
    pub fn is_updated_in_place(&self) -> bool {
        self.impact == Impact::Update
    }
}

/// Our own words.
pub const fn plain(word: &'static str) -> Spelling {
    Spelling { vocabulary: Vocabulary::Plain, word }
}

/// Salt's words.
pub const fn salt(word: &'static str) -> Spelling {
    Spelling { vocabulary: Vocabulary::Salt, word }
}

/// How many rows several tables have together.
pub const fn rows(tables: &[&[Field]]) -> usize {
    let (mut count, mut table) = (0, 0);
    while table < tables.len() {
        count += tables[table].len();
        table += 1;
    }
    count
}

/// Several tables as one, in this order; `N` is what [`rows`] says.
pub const fn joined<const N: usize>(tables: &[&[Field]]) -> [Field; N] {
    let mut all = [tables[0][0]; N];
    let (mut at, mut table) = (0, 0);
    while table < tables.len() {
        let mut row = 0;
        while row < tables[table].len() {
            all[at] = tables[table][row];
            (at, row) = (at + 1, row + 1);
        }
        table += 1;
    }
    all
}
