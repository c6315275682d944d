//! A mistake, where it stands and what to do about it.

use std::collections::HashSet;
use std::fmt;

use super::token::shown;
use super::{Place, masked};

/// Whether a diagnostic stops the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Warning,
    Error,
}

/// One thing to tell the person who wrote a file: what, where, why and what to type next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// A lower-case fragment without a full stop.
    pub message: String,
    pub place: Option<Place>,
    /// Further facts, such as the place of the first of two definitions.
    pub notes: Vec<String>,
    /// What to do next, if something useful can be said.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error that stands at a place.
    pub fn error(place: &Place, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            place: Some(place.clone()),
            notes: Vec::new(),
            hint: None,
        }
    }

    /// An error that belongs to no place, such as a file that is not there.
    pub fn error_without_place(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            place: None,
            notes: Vec::new(),
            hint: None,
        }
    }

    /// Something suspicious that does not stop the run.
    pub fn warning(place: &Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, message) }
    }

    /// Says where it belongs, unless that is known.
    #[must_use]
    pub fn placed(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What makes it the same as another one: a mistake in a loop is made in every turn, and told
    /// once.
    fn key(&self) -> Key {
        let place = self.place.as_ref().map(|place| {
            let (file, line) = place.file_and_line();
            (file.to_owned(), line, place.column)
        });
        (self.severity, self.message.clone(), place)
    }

    /// Adds the hint if there is one to give.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }
}

/// Prints the diagnostic with an excerpt of the text, without colours.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        // A name with a line break begins no line of its own: it could say anything.
        write!(f, "{word}: {}", readable(&self.message).replace('\n', "\n    "))?;
        if let Some(place) = &self.place {
            write!(f, "\n  --> {place}")?;
            excerpt(f, place)?;
        }
        for note in &self.notes {
            write!(f, "\n  note: {}", readable(note))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {}", readable(hint))?;
        }
        Ok(())
    }
}

/// Without what looks secret, and with secrets by their names.
fn readable(text: &str) -> String {
    shown(&masked(text)).into_owned()
}

fn excerpt(f: &mut fmt::Formatter<'_>, place: &Place) -> fmt::Result {
    use super::Text;
    if let Text::Rendered { template: Some(template), .. } = &place.text {
        excerpt(f, template)?;
        if template.source().line(template.line) == place.source().line(place.line) {
            return Ok(());
        }
        write!(f, "\n  rendered as")?;
    }
    let Some(line) = place.source().line(place.line) else { return Ok(()) };
    let number = place.line.to_string();
    let start = |length: usize| -> String {
        let line: String = line.chars().take(length).map(|c| if c.is_control() { ' ' } else { c }).collect();
        readable(&line)
    };
    write!(f, "\n   {number} | {}", start(200))?;
    if place.column > 0 && place.column <= 200 {
        let before = start(usize::try_from(place.column).unwrap_or(0) - 1).chars().count();
        let pad = " ".repeat(number.len() + 3 + before);
        write!(f, "\n   {pad}^")?;
    }
    Ok(())
}

/// What a stage collects, so that every mistake is told at once.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    seen: HashSet<Key>,
}

type Key = (Severity, String, Option<(String, u32, u32)>);

impl Diagnostics {
    /// Adds a diagnostic, unless the same was told of the same place.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.seen.insert(diagnostic.key()) {
            self.list.push(diagnostic);
        }
    }

    pub fn extend(&mut self, others: impl IntoIterator<Item = Diagnostic>) {
        for other in others {
            self.push(other);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        let mut diagnostics = Self::default();
        diagnostics.push(diagnostic);
        diagnostics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_begins_no_line() {
        let told = Diagnostic::error_without_place("`x\nerror: y` cannot be").to_string();
        assert_eq!(told, "error: `x\n    error: y` cannot be");
    }
    use crate::source::{SourceFile, Text};

    #[test]
    fn a_mistake_in_a_loop_is_told_once() {
        let file = SourceFile::new("t.yml", "{% for %}\nweb-{{ n }}: x\n");
        let text = SourceFile::new("t.yml", "web-0: x\nweb-1: x\n");
        let mut told = Diagnostics::default();
        for line in [1, 2] {
            let template = Some(Box::new(Place::in_file(&file, 2, 1)));
            let place = Place { text: Text::Rendered { text: text.clone(), template }, line, column: 1 };
            told.push(Diagnostic::error(&place, "x is wrong"));
            told.push(Diagnostic::error(&place, format!("x of web-{line} is wrong")));
        }
        assert_eq!(told.iter().count(), 3);
    }
}
