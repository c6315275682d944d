//! Where output goes and what it may look like there.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use jiff::tz::TimeZone;

use super::covering::Covering;
use super::exit_code::ExitCode;
use crate::report::{self, Amount, Display, Glyphs, Progress, View};
use crate::run::RunError;
use crate::secret::covered;
use crate::trigger::TriggerError;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorWhen {
    Auto,
    Always,
    Never,
}

/// The two streams and how to write to them.
pub(super) struct Screen {
    colour: ColorChoice,
    pub(super) view: View,
}

/// Columns where there is no terminal that would have a width.
const WIDTH_OF_A_PIPE: usize = 100;
const NARROWEST: usize = 20;

impl Screen {
    pub(super) fn new(colour: ColorWhen, is_verbose: bool) -> Self {
        let colour = match colour {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
        };
        let is_terminal = std::io::stdout().is_terminal();
        let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
        let view = View {
            width: width.filter(|_| is_terminal).unwrap_or(WIDTH_OF_A_PIPE).max(NARROWEST),
            glyphs: if is_terminal { glyphs() } else { Glyphs::Unicode },
            amount: if is_verbose { Amount::Verbose } else { Amount::Brief },
            zone: TimeZone::system(),
        };
        Self { colour, view }
    }

    /// Writes a result, and gives the code that the program ends with if that is all.
    #[must_use]
    pub(super) fn print(&self, text: &str) -> ExitCode {
        match write(AutoStream::new(std::io::stdout().lock(), self.colour), &covered(text)) {
            Ok(()) => ExitCode::Fine,
            Err(error) => {
                self.error(&format!("cannot write to standard output: {error}"), None);
                ExitCode::StateFailed
            }
        }
    }

    /// Writes what belongs to no result.
    pub(super) fn remark(&self, text: &str) {
        let mut out = AutoStream::new(std::io::stderr().lock(), self.colour);
        _ = out.write_all(covered(text).as_bytes()).and_then(|()| out.flush());
    }

    pub(super) fn error(&self, message: &str, hint: Option<&str>) {
        self.remark(&report::error(message, hint));
    }

    /// Tells why a run could not begin.
    pub(super) fn run_error(&self, error: &RunError) -> ExitCode {
        match error {
            RunError::Diagnostics(found) => self.remark(&report::diagnostics(found)),
            RunError::Usage(_)
            | RunError::Unreachable { .. }
            | RunError::Lock(_)
            | RunError::Stopped
            | RunError::OutOfDate(_)
            | RunError::Registry(_)
            | RunError::Failed(_) => {
                self.error(&error.to_string(), error.hint().as_deref());
            }
        }
        ExitCode::of_error(error)
    }

    /// Tells why a push could not be dealt with.
    pub(super) fn trigger_error(&self, error: &TriggerError) -> ExitCode {
        if let TriggerError::Run(error) = error {
            return self.run_error(error);
        }
        self.error(&error.to_string(), error.hint().as_deref());
        ExitCode::StateFailed
    }

    /// Progress on standard error: redrawn on a terminal, plain lines elsewhere.
    pub(super) fn progress(&self) -> Arc<Progress> {
        let stderr = std::io::stderr();
        let is_live = stderr.is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let display = match terminal_size::terminal_size_of(&stderr) {
            Some((width, _)) if is_live => Display::Live { width: usize::from(width.0).max(NARROWEST) },
            _ => Display::Plain,
        };
        let colour = match self.colour {
            ColorChoice::Auto => AutoStream::choice(&stderr),
            choice => choice,
        };
        let paint = if colour == ColorChoice::Never { report::Paint::Plain } else { report::Paint::Colours };
        Arc::new(Progress::new(Box::new(Covering(stderr)), display, paint, &self.view))
    }
}

/// Writes a text. A reader who has gone away is no reason to fail: the run is over.
fn write(mut out: impl Write, text: &str) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// What a terminal can show, by its locale. Where nothing is said, Unicode: containers and CI
/// machines rarely set a locale, and their logs are read elsewhere.
fn glyphs() -> Glyphs {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let is_unicode = locale.is_none_or(|locale| {
        locale.to_lowercase().replace('-', "").ends_with("utf8") || locale.contains("UTF")
    });
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if is_unicode && !is_dumb { Glyphs::Unicode } else { Glyphs::Ascii }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_cannot_be_written_is_an_error_unless_its_reader_has_gone() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
        assert!(write(full, "report").is_err());
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        assert!(write(writer, "report").is_ok());
    }
}
