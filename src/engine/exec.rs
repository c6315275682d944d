//! Runs commands in containers that are up, and tells what they write as they write it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use super::performer::Performer;
use super::transport::{ANSWER, Order, Reply, Transport, encoded};
use super::{PerformError, Progress};

/// How long a command may take.
const LONGEST: Duration = Duration::from_secs(600);
/// How many of its last lines are kept.
const OUTPUT: usize = 40;
/// Where a piece of a stream says its length, and where it begins.
const LENGTH: std::ops::Range<usize> = 4..8;
/// What a piece of standard error begins with.
const STDERR: u8 = 2;
/// Where a line is cut that does not end.
const LONGEST_LINE: usize = 16 * 1024;
/// How often the end of a command that says nothing any more is asked for.
const PAUSE: Duration = Duration::from_millis(50);
/// Pieces that may wait to be told.
const PIECES: usize = 16;

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
        progress(format!("runs `{}`", command.join(" ")));
        let output = Mutex::new(Vec::new());
        let keep = |line: String| {
            let plain = line.chars().filter(|c| !c.is_control() || *c == '\t').collect();
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.push(plain);
            if output.len() > OUTPUT {
                output.remove(0);
            }
        };
        let code = self.exec_telling(container, command, LONGEST, &keep).await?;
        let code = code.ok_or(PerformError::Lost {
            reason: format!("the command did not end within {} s", LONGEST.as_secs()),
        })?;
        Ok(Ended { code, output: output.into_inner().unwrap_or_else(PoisonError::into_inner) })
    }

    /// The same, telling each line as it comes. Gives the exit code; nothing if the bound passes first. That
    /// ends the waiting and not the command, and so does dropping this future: the engine's API has no end
    /// for commands.
    ///
    /// # Errors
    /// If it cannot be run.
    pub async fn exec_telling(
        &self,
        container: &str,
        command: &[String],
        bound: Duration,
        tell: Progress<'_>,
    ) -> Result<Option<i64>, PerformError> {
        let deadline = Instant::now() + bound;
        let body = json!({"AttachStdout": true, "AttachStderr": true, "Cmd": command});
        let path = format!("/containers/{}/exec", encoded(container));
        let reply = self.client().transport().order(Order::json(path, &body), ANSWER).await;
        let made = read(&reply.map_err(|broken| self.broken(&broken)).and_then(fine)?)?;
        let id = encoded(made["Id"].as_str().unwrap_or_default());
        let mut pieces = self.start_exec(&id);
        let mut lines = Lines::default();
        loop {
            match timeout_at(deadline, pieces.recv()).await {
                Ok(Some(piece)) => lines.take(&piece?, tell),
                Ok(None) => break,
                Err(_) => {
                    lines.end(tell);
                    return Ok(None);
                }
            }
        }
        lines.end(tell);
        self.exit_code(&id, deadline).await
    }

    /// Starts what was made; it goes on whether anybody listens or not.
    fn start_exec(&self, id: &str) -> mpsc::Receiver<Result<Bytes, PerformError>> {
        let (to, pieces) = mpsc::channel(PIECES);
        let start = Order::json(format!("/exec/{id}/start"), &json!({"Detach": false, "Tty": false}));
        let performer = Self::new(self.client().clone());
        tokio::spawn(async move {
            let transport = performer.client().transport();
            if let Err(error) = performer.stream(transport, start, &to).await {
                // If nobody listens, nobody is left to be told.
                _ = to.send(Err(error)).await;
            }
        });
        pieces
    }

    async fn stream(
        &self,
        transport: &Transport,
        order: Order,
        to: &mpsc::Sender<Result<Bytes, PerformError>>,
    ) -> Result<(), PerformError> {
        let mut request = Request::builder().method(order.method).uri(transport.uri(&order.path));
        for (name, value) in order.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(order.body)
            .map_err(|error| PerformError::Refused { status: None, message: error.to_string() })?;
        let response = transport.send(request).await;
        let response = response.map_err(|error| self.broken(&transport.broken(&error)))?;
        let (head, mut body) = response.into_parts();
        if !head.status.is_success() {
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            return fine(Reply { status: head.status, headers: head.headers, body }).map(|_| ());
        }
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| PerformError::Lost { reason: transport.deepest(&error) })?;
            if let Ok(piece) = frame.into_data() {
                // What nobody hears is still read: a command whose output is stuck would be stuck as well.
                _ = to.send(Ok(piece)).await;
            }
        }
        Ok(())
    }

    /// The engine may know the end of the output a moment before that of the command, and a command may close
    /// its output and go on.
    async fn exit_code(&self, id: &str, deadline: Instant) -> Result<Option<i64>, PerformError> {
        loop {
            let reply = self.client().transport().get(&format!("/exec/{id}/json"), ANSWER).await;
            let state = read(&reply.map_err(|broken| self.broken(&broken)).and_then(fine)?)?;
            match (state["Running"].as_bool(), state["ExitCode"].as_i64()) {
                (Some(true), _) if Instant::now() >= deadline => return Ok(None),
                (Some(true), _) => sleep(PAUSE).await,
                (_, Some(code)) => return Ok(Some(code)),
                (_, None) => {
                    let reason = "the engine does not say how it ended".to_owned();
                    return Err(PerformError::Lost { reason });
                }
            }
        }
    }
}

fn fine(reply: Reply) -> Result<Reply, PerformError> {
    if reply.status.is_success() {
        return Ok(reply);
    }
    Err(PerformError::Refused { status: Some(reply.status.as_u16()), message: reply.message() })
}

fn read(reply: &Reply) -> Result<Value, PerformError> {
    serde_json::from_slice(&reply.body).map_err(|error| PerformError::Lost {
        reason: format!("cannot understand the engine's answer: {error}"),
    })
}

/// Makes lines of a stream in pieces, each of them behind eight bytes: the first says of which stream it is,
/// the last four its length. The stream is cut anywhere on its way.
#[derive(Default)]
struct Lines {
    head: Vec<u8>,
    /// Bytes that the piece in hand still has.
    left: usize,
    is_stderr: bool,
    /// The line that each stream has begun.
    begun: [Vec<u8>; 2],
}

impl Lines {
    fn take(&mut self, mut bytes: &[u8], tell: Progress<'_>) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let (piece, rest) = bytes.split_at(self.left.min(bytes.len()));
                self.left -= piece.len();
                bytes = rest;
                self.write(piece, tell);
                continue;
            }
            let (head, rest) = bytes.split_at((LENGTH.end - self.head.len()).min(bytes.len()));
            self.head.extend_from_slice(head);
            bytes = rest;
            if self.head.len() == LENGTH.end {
                let length = self.head[LENGTH].iter();
                self.left = length.fold(0, |length, byte| (length << 8) | usize::from(*byte));
                self.is_stderr = self.head[0] == STDERR;
                self.head.clear();
            }
        }
    }

    fn write(&mut self, piece: &[u8], tell: Progress<'_>) {
        let line = &mut self.begun[usize::from(self.is_stderr)];
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") || line.len() >= LONGEST_LINE {
                tell(told(line));
                line.clear();
            }
        }
    }

    /// Tells what was begun and not ended.
    fn end(&mut self, tell: Progress<'_>) {
        for line in self.begun.iter_mut().filter(|line| !line.is_empty()) {
            tell(told(line));
            line.clear();
        }
    }
}

fn told(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches(['\r', '\n']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a stream that comes in pieces of this length.
    fn lines(stream: &[u8], length: usize) -> Vec<String> {
        let told = Mutex::new(Vec::new());
        let tell = |line: String| told.lock().expect("nobody panics").push(line);
        let mut lines = Lines::default();
        stream.chunks(length).for_each(|piece| lines.take(piece, &tell));
        lines.end(&tell);
        told.into_inner().expect("nobody panics")
    }

    #[test]
    fn lines_of_both_streams_are_told_as_they_end() {
        let mut stream = vec![1, 0, 0, 0, 0, 0, 0, 3];
        stream.extend(b"a\nb");
        stream.extend([2, 0, 0, 0, 0, 0, 0, 5]);
        stream.extend("oö\r\n".as_bytes());
        stream.extend([1, 0, 0, 0, 0, 0, 0, 1]);
        stream.extend(b"c");
        for length in 1..=stream.len() {
            assert_eq!(lines(&stream, length), ["a", "oö", "bc"], "in pieces of {length}");
        }
        assert_eq!(lines(b"\x01\0\0\0\0\0\0\x09cut", 99), ["cut"]);
        assert_eq!(lines(b"", 1), Vec::<String>::new());
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let mut stream = vec![1, 0, 0, 0, 0, 0, 0x80, 1];
        stream.extend([b'x'; 0x8001]);
        let lengths: Vec<_> = lines(&stream, 1000).iter().map(String::len).collect();
        assert_eq!(lengths.iter().sum::<usize>(), 0x8001);
        assert!(lengths.iter().all(|length| *length < 2 * LONGEST_LINE), "{lengths:?}");
    }
}
