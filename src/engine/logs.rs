//! What containers wrote.

use std::ops::ControlFlow;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::query_parameters::LogsOptions;
use futures_util::TryStreamExt;
use tokio::time::timeout;

use super::docker::Failure;
use super::transport::{ANSWER, encoded};
use super::{Client, ObserveError};

/// How much of a log is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogWish {
    pub tail: Tail,
    /// Whether it goes on with what the container writes from now on.
    pub is_followed: bool,
    /// Whether the engine writes the time before each line.
    pub is_stamped: bool,
}

/// How many of the last lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    All,
    Lines(u32),
}

/// Where a container wrote something. What has a terminal writes to standard output alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStream {
    Out,
    Err,
}

/// Takes a piece of a log, byte for byte, and says whether it wants more.
pub type TellLog<'a> = &'a (dyn Fn(LogStream, &[u8]) -> ControlFlow<()> + Send + Sync);

impl Client {
    /// Tells what a container wrote, until its end or until nobody wants more. One that is followed may be silent for
    /// as long as it likes.
    ///
    /// # Errors
    /// If the log cannot be read: some log drivers keep nothing that could be.
    pub async fn logs(&self, id: &str, wish: &LogWish, tell: TellLog<'_>) -> Result<(), ObserveError> {
        let options = LogsOptions {
            stdout: true,
            stderr: true,
            follow: wish.is_followed,
            timestamps: wish.is_stamped,
            tail: match wish.tail {
                Tail::All => "all".to_owned(),
                Tail::Lines(lines) => lines.to_string(),
            },
            ..LogsOptions::default()
        };
        let mut pieces = self.docker().logs(&encoded(id), Some(options));
        let bound = self.transport().bound(ANSWER);
        loop {
            // A question may be given up.
            let next = if wish.is_followed {
                pieces.try_next().await
            } else {
                timeout(bound, pieces.try_next()).await.map_err(|_| self.lost("it is silent".to_owned()))?
            };
            let piece = match next.map_err(|error| self.log_error(error))? {
                None => return Ok(()),
                Some(piece) => piece,
            };
            let stream = match piece {
                LogOutput::StdErr { .. } => LogStream::Err,
                LogOutput::StdIn { .. } | LogOutput::StdOut { .. } | LogOutput::Console { .. } => {
                    LogStream::Out
                }
            };
            if tell(stream, &piece.into_bytes()).is_break() {
                return Ok(());
            }
        }
    }

    fn log_error(&self, error: Error) -> ObserveError {
        match self.transport().failure(error) {
            Failure::Refused { status, message } => {
                ObserveError::Answered { what: "read a log".to_owned(), status, message }
            }
            Failure::Failed { message } => {
                ObserveError::Garbled { what: "read a log".to_owned(), reason: message }
            }
            Failure::Broken(broken) => self.lost(broken.reason().to_owned()),
        }
    }

    fn lost(&self, reason: String) -> ObserveError {
        ObserveError::Unreachable { address: self.address().to_string(), reason, hint: None }
    }
}

/// The last lines that a container wrote, in the order in which the engine gives them.
pub(super) async fn last_lines(docker: &Docker, id: &str, lines: u32) -> Result<Vec<String>, Error> {
    let options =
        LogsOptions { stdout: true, stderr: true, tail: lines.to_string(), ..LogsOptions::default() };
    let mut text = Vec::new();
    let mut pieces = docker.logs(&encoded(id), Some(options));
    while let Some(piece) = pieces.try_next().await? {
        text.extend_from_slice(&piece.into_bytes());
    }
    Ok(last(&text, lines))
}

fn last(text: &[u8], lines: u32) -> Vec<String> {
    let all: Vec<String> = String::from_utf8_lossy(text)
        .lines()
        .map(|line| {
            line.trim_end_matches('\r').chars().map(|c| if c.is_control() && c != '\t' { ' ' } else { c })
        })
        .map(Iterator::collect)
        .collect();
    let keep = usize::try_from(lines).unwrap_or(usize::MAX);
    all[all.len().saturating_sub(keep)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_without_control_characters() {
        assert_eq!(last(b"a\nb\r\n\x1b[1moops", 9), ["a", "b", " [1moops"]);
        assert_eq!(last(b"a\nb\noops\n", 1), ["oops"]);
        assert_eq!(last(b"", 9), Vec::<String>::new());
    }
}
