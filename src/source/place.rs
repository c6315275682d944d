//! Where something stands: a file, a line and a column, for rendered text also the template line.

use std::fmt;
use std::sync::{Arc, OnceLock};

/// One file that was read, with the text that places refer to.
#[derive(Debug)]
pub struct SourceFile {
    /// The path as a person would type it, relative to the root of the tree where possible.
    pub name: String,
    /// The text as it stands in the file.
    pub text: String,
    /// Where lines begin, once somebody has asked.
    starts: OnceLock<Vec<usize>>,
}

impl PartialEq for SourceFile {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || (self.name == other.name && self.text == other.text)
    }
}

impl Eq for SourceFile {}

impl SourceFile {
    /// Makes a file from its name and its text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), starts: OnceLock::new() })
    }

    /// Gives line `line` (counted from 1) without its line break.
    pub fn line(&self, line: u32) -> Option<&str> {
        let starts = self.starts.get_or_init(|| {
            std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect()
        });
        let start = *starts.get(usize::try_from(line).ok()?.checked_sub(1)?)?;
        self.text[start..].lines().next()
    }
}

/// The text in which a place is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// The file itself.
    File(Arc<SourceFile>),
    /// What a template rendered to; `template` is the place in the file that produced the line,
    /// where it is known.
    Rendered { text: Arc<SourceFile>, template: Option<Box<Place>> },
}

/// A line and a column (both counted from 1, the column in characters) in a text.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    pub text: Text,
    pub line: u32,
    pub column: u32,
}

impl Place {
    /// A place in a file itself.
    pub fn in_file(file: &Arc<SourceFile>, line: u32, column: u32) -> Self {
        Self { text: Text::File(file.clone()), line, column }
    }

    /// A place that belongs to no file, such as a command line argument called `name`.
    pub fn outside(name: &str) -> Self {
        Self::in_file(&SourceFile::new(name, ""), 0, 0)
    }

    /// The file that a person would open to mend what stands here, and the line in it.
    pub fn file_and_line(&self) -> (&str, u32) {
        match &self.text {
            Text::File(file) => (&file.name, self.line),
            Text::Rendered { template: Some(place), .. } => place.file_and_line(),
            Text::Rendered { text, template: None } => (&text.name, self.line),
        }
    }

    /// The text that this place is counted in.
    pub fn source(&self) -> &Arc<SourceFile> {
        match &self.text {
            Text::File(file) => file,
            Text::Rendered { text, .. } => text,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line) = self.file_and_line();
        match (&self.text, line) {
            (_, 0) => write!(f, "{file}"),
            (Text::File(_), _) => write!(f, "{file}:{line}:{}", self.column),
            (Text::Rendered { template: Some(place), .. }, _) if place.column > 0 => {
                write!(f, "{file}:{line}:{}", place.column)
            }
            (Text::Rendered { .. }, _) => write!(f, "{file}:{line}"),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
