//! Runs commands in containers that are up.

use std::time::Duration;

use serde_json::{Value, json};

use super::performer::Performer;
use super::transport::{ANSWER, Order, Reply, encoded};
use super::{PerformError, Progress};

/// How long a command may take.
const LONGEST: Duration = Duration::from_secs(600);
/// How many of its last lines are kept.
const OUTPUT: usize = 40;
/// Where a piece of a stream says its length, and where it begins.
const LENGTH: std::ops::Range<usize> = 4..8;

/// How a command in a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub code: i64,
    /// The last lines of both streams.
    pub output: Vec<String>,
}

impl Performer {
    /// Runs a command with the container's own user and environment, and waits for its end.
    ///
    /// # Errors
    /// If it cannot be run. What its exit code means is the caller's matter.
    pub async fn exec(
        &self,
        container: &str,
        command: &[String],
        progress: Progress<'_>,
    ) -> Result<Ended, PerformError> {
        let body = json!({"AttachStdout": true, "AttachStderr": true, "Cmd": command});
        let path = format!("/containers/{}/exec", encoded(container));
        let made = read(&self.ordered(Order::json(path, &body), ANSWER).await?)?;
        let id = encoded(made["Id"].as_str().unwrap_or_default());
        progress(format!("runs `{}`", command.join(" ")));
        let start = Order::json(format!("/exec/{id}/start"), &json!({"Detach": false, "Tty": false}));
        let said = self.ordered(start, LONGEST).await?;
        let state = self.client().transport().get(&format!("/exec/{id}/json"), ANSWER).await;
        let state = read(&state.map_err(|broken| self.broken(&broken))?)?;
        match state["ExitCode"].as_i64() {
            Some(code) => Ok(Ended { code, output: lines(&said.body) }),
            None => Err(PerformError::Lost { reason: "the engine does not say how it ended".to_owned() }),
        }
    }

    async fn ordered(&self, order: Order, bound: Duration) -> Result<Reply, PerformError> {
        let reply = self.client().transport().order(order, bound).await;
        let reply = reply.map_err(|broken| self.broken(&broken))?;
        match reply.status.is_success() {
            true => Ok(reply),
            false => {
                let status = Some(reply.status.as_u16());
                Err(PerformError::Refused { status, message: reply.message() })
            }
        }
    }
}

fn read(reply: &Reply) -> Result<Value, PerformError> {
    serde_json::from_slice(&reply.body).map_err(|error| PerformError::Lost {
        reason: format!("cannot understand the engine's answer: {error}"),
    })
}

/// The last lines of a stream in pieces: eight bytes of which the last four are the length, and the piece.
fn lines(mut stream: &[u8]) -> Vec<String> {
    let mut text = Vec::new();
    while let Some((head, rest)) = stream.split_at_checked(LENGTH.end) {
        let length = head[LENGTH].iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
        let (piece, after) = rest.split_at(length.min(rest.len()));
        text.extend_from_slice(piece);
        stream = after;
    }
    let plain = |line: &str| line.chars().filter(|c| !c.is_control() || *c == '\t').collect();
    let lines: Vec<String> = String::from_utf8_lossy(&text).lines().map(plain).collect();
    lines[lines.len().saturating_sub(OUTPUT)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_both_streams_are_one_text() {
        let mut stream = vec![1, 0, 0, 0, 0, 0, 0, 3];
        stream.extend(b"a\nb");
        stream.extend([2, 0, 0, 0, 0, 0, 0, 2]);
        stream.extend(b"c\n");
        assert_eq!(lines(&stream), ["a", "bc"]);
        assert_eq!(lines(b"\x01\0\0\0\0\0\0\x09cut"), ["cut"]);
        assert_eq!(lines(b""), Vec::<String>::new());
    }
}
