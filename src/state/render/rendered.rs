//! A rendered file.

use std::sync::Arc;

use crate::source::{Place, SourceFile, Text};
use crate::state::yaml::Places;

/// What a file was rendered to.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The file as it was written.
    pub file: Arc<SourceFile>,
    /// Its dotted name.
    pub sls: String,
    pub text: Arc<SourceFile>,
    /// For each line the file and line that it comes from. Empty if the file is no template.
    pub(super) lines: Vec<Option<Line>>,
}

/// Where a rendered line comes from.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub file: Arc<SourceFile>,
    pub number: u32,
    /// So many characters at the start are the same in both.
    pub same: u32,
}

impl Line {
    /// A line, with a note of how much of it no expression has changed.
    pub fn new(file: &Arc<SourceFile>, number: u32, rendered: &str, written: &str) -> Self {
        let same = rendered.chars().zip(written.chars()).take_while(|(a, b)| a == b).count();
        Self { file: file.clone(), number, same: u32::try_from(same).unwrap_or(u32::MAX) }
    }
}

impl Rendered {
    /// A file without any template expression.
    pub fn unchanged(file: &Arc<SourceFile>, sls: &str) -> Self {
        Self { file: file.clone(), sls: sls.to_owned(), text: file.clone(), lines: Vec::new() }
    }
}

impl Places for Rendered {
    fn text(&self) -> &str {
        &self.text.text
    }

    fn place(&self, line: u32, column: u32) -> Place {
        if Arc::ptr_eq(&self.file, &self.text) {
            return Place::in_file(&self.file, line, column);
        }
        let number = usize::try_from(line).unwrap_or(usize::MAX);
        let origin = self.lines.get(number.saturating_sub(1)).and_then(Option::as_ref);
        let template = origin.map(|origin| {
            Box::new(Place::in_file(&origin.file, origin.number, column.min(origin.same.saturating_add(1))))
        });
        Place { text: Text::Rendered { text: self.text.clone(), template }, line, column }
    }
}
