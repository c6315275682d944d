//! A plain JSON client for an engine's socket, so that tests rest on no CLI and on none of our own transport.

use super::wire::{Head, read_body};
use serde_json::Value;
use std::io::{self, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// One engine's socket. Each request has a connection of its own and no version prefix: the newest API it speaks.
#[derive(Clone, Debug)]
pub struct Http {
    socket: PathBuf,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    asked: String,
}

impl Http {
    pub fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.expect_answer("GET", path, "", b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.expect_answer("POST", path, "application/json", body.to_string().as_bytes())
    }

    /// A POST without a body, as `start` and `stop` take it.
    pub fn act(&self, path: &str) -> Answer {
        self.expect_answer("POST", path, "", b"")
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.expect_answer("DELETE", path, "", b"")
    }

    pub fn put_tar(&self, path: &str, tar: &[u8]) -> Answer {
        self.expect_answer("PUT", path, "application/x-tar", tar)
    }

    pub fn post_tar(&self, path: &str, tar: &[u8]) -> Answer {
        self.expect_answer("POST", path, "application/x-tar", tar)
    }

    /// Sends one request and reads the whole answer; an error when the connection breaks.
    pub fn send(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> io::Result<Answer> {
        let header = [("Content-Type", content_type)];
        self.send_with(method, path, if content_type.is_empty() { &[] } else { &header }, body)
    }

    /// As `send`, with any headers.
    pub fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let mut stream = UnixStream::connect(&self.socket)?;
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut reader = BufReader::new(stream);
        let head = Head::read(&mut reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let body = read_body(head.response_framing(method), &mut reader)?;
        let asked = format!("{method} {path}");
        Ok(Answer { status: head.status(), headers: head.headers, body, asked })
    }

    fn expect_answer(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Answer {
        match self.send(method, path, content_type, body) {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {path} on {}: {error}", self.socket.display()),
        }
    }
}

impl Answer {
    pub fn is_ok(&self) -> bool {
        (200..400).contains(&self.status)
    }

    /// Panics with the engine's own words unless the request succeeded.
    pub fn ok(self) -> Self {
        assert!(self.is_ok(), "{} answered {}: {}", self.asked, self.status, self.text());
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{} gave no JSON ({error}): {}", self.asked, self.text()),
        }
    }
}

/// Percent-encodes a value for a query string.
pub fn query(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    encoded
}
