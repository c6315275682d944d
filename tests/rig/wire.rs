//! The little of HTTP/1.1 that the client and the proxy share: heads and how a body ends.
//! Bytes pass through unchanged and at once, so that progress streams stay streams.

use std::io::{self, BufRead, Read, Write};

/// A request's or a response's head, with its bytes as they came.
pub struct Head {
    pub first_line: String,
    pub headers: Vec<(String, String)>,
    pub bytes: Vec<u8>,
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Framing {
    Empty,
    Length(u64),
    Chunked,
    UntilClose,
}

impl Head {
    /// Reads one head; `None` when the peer closed the connection between two messages.
    pub fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut head = Self { first_line: String::new(), headers: Vec::new(), bytes: Vec::new() };
        loop {
            let mut line = Vec::new();
            if from.read_until(b'\n', &mut line)? == 0 {
                let is_clean_end = head.bytes.is_empty();
                return if is_clean_end { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            head.bytes.extend_from_slice(&line);
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end();
            if text.is_empty() {
                return Ok(Some(head));
            } else if head.first_line.is_empty() {
                head.first_line = text.to_owned();
            } else if let Some((name, value)) = text.split_once(':') {
                head.headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The n-th word of the first line: method and path of a request, status of a response.
    pub fn word(&self, index: usize) -> &str {
        self.first_line.split(' ').nth(index).unwrap_or("")
    }

    pub fn status(&self) -> u16 {
        self.word(1).parse().unwrap_or(0)
    }

    pub fn request_framing(&self) -> Framing {
        self.declared_framing().unwrap_or(Framing::Empty)
    }

    pub fn response_framing(&self, method: &str) -> Framing {
        let has_no_body = method == "HEAD" || matches!(self.status(), 100..=199 | 204 | 304);
        if has_no_body { Framing::Empty } else { self.declared_framing().unwrap_or(Framing::UntilClose) }
    }

    fn declared_framing(&self) -> Option<Framing> {
        let is_chunked = self.header("transfer-encoding").is_some_and(|value| value.contains("chunked"));
        if is_chunked {
            return Some(Framing::Chunked);
        }
        self.header("content-length")?.parse().ok().map(Framing::Length)
    }
}

/// Copies a body with its framing, each piece as soon as it is there.
pub fn copy_body(framing: Framing, from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    match framing {
        Framing::Empty => Ok(()),
        Framing::Length(length) => copy_at_once(&mut from.take(length), to),
        Framing::UntilClose => copy_at_once(from, to),
        Framing::Chunked => loop {
            let mut line = Vec::new();
            from.read_until(b'\n', &mut line)?;
            let size = chunk_size(&line)?;
            to.write_all(&line)?;
            // The last chunk is empty and its line end closes the body; engines send no trailers.
            copy_at_once(&mut from.take(size + 2), to)?;
            if size == 0 {
                return Ok(());
            }
        },
    }
}

/// Reads a body without its framing.
pub fn read_body(framing: Framing, from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    match framing {
        Framing::Empty => {}
        Framing::Length(length) => {
            from.take(length).read_to_end(&mut body)?;
        }
        Framing::UntilClose => {
            from.read_to_end(&mut body)?;
        }
        Framing::Chunked => loop {
            let mut line = Vec::new();
            from.read_until(b'\n', &mut line)?;
            let size = chunk_size(&line)?;
            from.take(size).read_to_end(&mut body)?;
            from.read_exact(&mut [0; 2])?;
            if size == 0 {
                break;
            }
        },
    }
    Ok(body)
}

fn copy_at_once(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    loop {
        let piece = from.fill_buf()?;
        if piece.is_empty() {
            return Ok(());
        }
        to.write_all(piece)?;
        to.flush()?;
        let length = piece.len();
        from.consume(length);
    }
}

fn chunk_size(line: &[u8]) -> io::Result<u64> {
    let text = String::from_utf8_lossy(line);
    let digits = text.trim_end().split(';').next().unwrap_or("");
    u64::from_str_radix(digits, 16).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "bad chunk size"))
}
