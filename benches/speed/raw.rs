//! As fast as an engine can be asked: threads with kept connections, bodies read and thrown away.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

pub struct Engine {
    address: Address,
    /// What every request has besides, each line with its end.
    headers: &'static str,
}

/// An empty login, in base64; without the header an engine does not push.
const LOGIN: &str = "X-Registry-Auth: e30=\r\n";
/// What a registry is to answer with: manifests of every sort.
const ACCEPT: &str = "Accept: application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json\r\n";

/// Where a server listens.
enum Address {
    Unix(PathBuf),
    Tcp(String),
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// One connection that is used again and again.
pub struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    headers: &'static str,
}

/// A request: method, path, JSON or nothing.
pub type Request = (&'static str, String, Option<Value>);

impl Engine {
    /// The engine that DOCKER_HOST names, else the usual one.
    pub fn find() -> Result<Self, String> {
        let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
        let socket = host.strip_prefix("unix://").ok_or(format!("DOCKER_HOST={host} is no unix socket"))?;
        let engine = Self { address: Address::Unix(Path::new(socket).to_owned()), headers: LOGIN };
        match engine.connect().and_then(|mut connection| connection.ask("GET", "/_ping", "", b"")) {
            Ok(_) => Ok(engine),
            Err(error) => Err(format!("no engine at {host}: {error}")),
        }
    }

    /// A registry: `host:port`.
    pub fn over_tcp(host: &str) -> io::Result<Self> {
        let server = Self { address: Address::Tcp(host.to_owned()), headers: ACCEPT };
        server.connect()?;
        Ok(server)
    }

    pub fn connect(&self) -> io::Result<Connection> {
        let stream: Box<dyn Stream> = match &self.address {
            Address::Unix(socket) => Box::new(UnixStream::connect(socket)?),
            Address::Tcp(host) => {
                let stream = TcpStream::connect(host)?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        };
        Ok(Connection { stream: BufReader::new(stream), headers: self.headers })
    }

    /// One request on a connection of its own; panics unless it succeeds.
    pub fn one(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
        let mut connection = self.connect().expect("the engine accepts");
        let (status, body) = connection.ask(method, path, content_type, body).expect("the engine answers");
        assert!(status < 400, "{method} {path}: {status} {}", String::from_utf8_lossy(&body));
        body
    }

    /// Repeats a request for some seconds until it succeeds.
    pub fn until_done(&self, method: &str, path: &str) {
        for _ in 0..50 {
            let mut connection = self.connect().expect("the engine accepts");
            if connection.ask(method, path, "", b"").is_ok_and(|(status, _)| status < 400) {
                return;
            }
            thread::sleep(std::time::Duration::from_millis(200));
        }
        eprintln!("{method} {path}: given up");
    }

    pub fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.one("GET", path, "", b"")).expect("the engine gives JSON")
    }

    /// Sends all requests, so many at once. Those of one inner list follow each other on a connection.
    pub fn all(&self, chains: &[Vec<Request>], at_once: usize) {
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..at_once.min(chains.len()) {
                scope.spawn(|| {
                    let mut connection = self.connect().expect("the engine accepts");
                    while let Some(chain) = chains.get(next.fetch_add(1, Ordering::Relaxed)) {
                        for (method, path, body) in chain {
                            let body = body.as_ref().map(Value::to_string).unwrap_or_default();
                            let kind = if body.is_empty() { "" } else { "application/json" };
                            let (status, answer) = connection
                                .ask(method, path, kind, body.as_bytes())
                                .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
                            assert!(
                                status < 400,
                                "{method} {path}: {status} {}",
                                String::from_utf8_lossy(&answer)
                            );
                        }
                    }
                });
            }
        });
    }
}

impl Connection {
    fn ask(
        &mut self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> io::Result<(u16, Vec<u8>)> {
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: docker\r\nContent-Length: {}\r\n", body.len());
        if !content_type.is_empty() {
            head += &format!("Content-Type: {content_type}\r\n");
        }
        head += self.headers;
        head += "\r\n";
        let stream = self.stream.get_mut();
        stream.write_all(&[head.as_bytes(), body].concat())?;
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        let (mut length, mut chunked) = (None, false);
        let has_body = method != "HEAD";
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(": ") {
                None => break,
                Some(("content-length", value)) => length = value.parse::<usize>().ok(),
                Some(("transfer-encoding", value)) => chunked = value.contains("chunked"),
                Some(_) => {}
            }
        }
        let mut answer = Vec::new();
        if chunked && has_body {
            loop {
                let size = usize::from_str_radix(self.line()?.trim(), 16).map_err(io::Error::other)?;
                self.take(size, &mut answer)?;
                self.line()?;
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = length.filter(|_| has_body && status != 204 && status != 304) {
            self.take(length, &mut answer)?;
        }
        Ok((status, answer))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn take(&mut self, size: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let start = into.len();
        into.resize(start + size, 0);
        self.stream.read_exact(&mut into[start..])
    }
}
