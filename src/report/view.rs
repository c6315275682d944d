//! How a report is to look.

use jiff::tz::TimeZone;

/// What a rendering has to know of whoever reads it.
#[derive(Debug, Clone)]
pub struct View {
    /// Columns that a line may take before values go onto lines of their own.
    pub width: usize,
    pub glyphs: Glyphs,
    pub amount: Amount,
    /// The zone in which times of day are told.
    pub zone: TimeZone,
}

/// Which characters the reader's terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    Unicode,
    Ascii,
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// What changes, what fails, and why.
    Brief,
    /// Also the single steps, where the state stands and how long it took.
    Verbose,
}

impl Glyphs {
    pub(super) fn arrow(self) -> &'static str {
        match self {
            Self::Unicode => "→",
            Self::Ascii => "->",
        }
    }

    pub(super) fn failed(self) -> &'static str {
        match self {
            Self::Unicode => "✗",
            Self::Ascii => "x",
        }
    }

    /// Where something is cut off.
    pub(super) fn cut(self) -> &'static str {
        match self {
            Self::Unicode => "…",
            Self::Ascii => "...",
        }
    }

    pub(super) fn skipped(self) -> &'static str {
        match self {
            Self::Unicode => "○",
            Self::Ascii => "o",
        }
    }
}

#[cfg(test)]
impl View {
    /// What the tests look at: narrow, in Unicode, in UTC.
    pub(super) fn for_tests() -> Self {
        Self { width: 80, glyphs: Glyphs::Unicode, amount: Amount::Brief, zone: TimeZone::UTC }
    }
}
