//! The demo's only program, for both of its containers: a page and the counter behind it.
//! One file, nothing but the standard library, so that `rustc` alone makes a static program of it.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const USAGE: &str = "\
usage: web serve  [--port 80]   [--backend http://store:7000/]
       web store  [--port 7000] [--data /data]
       web health URL

serve   answers with a page that shows the counter of the backend
store   counts its visitors in a file and answers with the number
health  ends with 0 when URL answers 200, else with 1

GREETING and LOG_LEVEL in the environment show on the page; LOG_LEVEL=debug logs every request.
The standard library cannot handle signals, and process 1 ignores SIGTERM unless it does: run it with
`init: true` (or `stop_signal: KILL`), so that it stops at once.";

/// A client has this long for its request, a backend for its answer.
const PATIENCE: Duration = Duration::from_secs(3);
const MOST_CONNECTIONS: usize = 64;
const LONGEST_MESSAGE: u64 = 64 * 1024;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", options @ ..] => serve(options),
        ["store", options @ ..] => store(options),
        ["health", url] => health(url),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &[&str]) -> Result<(), String> {
    let options = Options::parse(options, &["--port", "--backend"])?;
    let backend = options.get("--backend", "http://store:7000/").to_owned();
    listen(options.port("80")?, move |path| match path {
        "/" => {
            let visits = fetch(&backend).map(|text| text.trim().to_owned());
            Answer { status: "200 OK", kind: "text/html; charset=utf-8", body: page(&visits) }
        }
        "/health" => Answer::text("200 OK", "ok"),
        _ => Answer::text("404 Not Found", "not found"),
    })
}

fn store(options: &[&str]) -> Result<(), String> {
    let options = Options::parse(options, &["--port", "--data"])?;
    let folder = PathBuf::from(options.get("--data", "/data"));
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let file = folder.join("visits");
    // Visitors are counted one after the other, or two of them would be one.
    let counting = Mutex::new(());
    listen(options.port("7000")?, move |path| match path {
        "/" => {
            let _turn = counting.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            match count(&file) {
                Ok(visits) => Answer::text("200 OK", &visits.to_string()),
                Err(error) => {
                    Answer::text("500 Internal Server Error", &format!("{}: {error}", file.display()))
                }
            }
        }
        "/health" => Answer::text("200 OK", "ok"),
        _ => Answer::text("404 Not Found", "not found"),
    })
}

fn health(url: &str) -> Result<(), String> {
    fetch(url).map(drop)
}

/// Adds one to the number in a file. A crash in between keeps the old number.
fn count(file: &Path) -> io::Result<u64> {
    let visits = match fs::read_to_string(file) {
        Ok(text) => text.trim().parse::<u64>().map_err(|_| io::Error::other("holds no number"))? + 1,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 1,
        Err(error) => return Err(error),
    };
    let new = file.with_extension("new");
    fs::write(&new, format!("{visits}\n"))?;
    fs::rename(new, file)?;
    Ok(visits)
}

fn page(visits: &Result<String, String>) -> String {
    let variable =
        |name: &str, fallback: &str| escape(&env::var(name).unwrap_or_else(|_| fallback.to_owned()));
    let greeting = variable("GREETING", "Even keel");
    let level = variable("LOG_LEVEL", "info");
    let host = escape(fs::read_to_string("/etc/hostname").unwrap_or_default().trim());
    let visits = match visits {
        Ok(visits) => format!("<b>{}</b>", escape(visits)),
        Err(reason) => format!("<em>unknown: {}</em>", escape(reason)),
    };
    format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{greeting}</title>
<style>
  :root {{ color-scheme: light dark; --water: #1b6ca8 }}
  body {{ font: 1.1rem/1.6 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0 }}
  main {{ padding: 1rem 2rem 2rem; border-bottom: .4rem solid var(--water) }}
  h1 {{ font-weight: 600 }}
  dl {{ display: grid; grid-template-columns: auto auto; gap: .2rem 2rem; justify-content: start }}
  dt {{ opacity: .6 }}
  dd {{ margin: 0 }}
</style>
<main>
<h1>{greeting}</h1>
<dl>
<dt>visits</dt><dd>{visits}</dd>
<dt>host</dt><dd>{host}</dd>
<dt>log level</dt><dd>{level}</dd>
</dl>
</main>
</html>
"#
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

struct Answer {
    status: &'static str,
    kind: &'static str,
    body: String,
}

impl Answer {
    fn text(status: &'static str, line: &str) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body: format!("{line}\n") }
    }
}

/// Answers GET requests for ever, one thread per connection and no more than `MOST_CONNECTIONS` at a time.
fn listen(port: u16, answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Result<(), String> {
    // Where IPv6 is off, only the other address can be bound.
    let listener = TcpListener::bind(("::", port)).or_else(|_| TcpListener::bind(("0.0.0.0", port)));
    let listener = listener.map_err(|error| format!("port {port}: {error}"))?;
    let bound = listener.local_addr().map_err(|error| error.to_string())?;
    println!("listening on port {}", bound.port());
    let answer = Arc::new(answer);
    let open = Arc::new(AtomicUsize::new(0));
    for client in listener.incoming() {
        let Ok(client) = client else {
            // Out of file descriptors, most likely: a pause lets some connections end.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        if open.fetch_add(1, Ordering::SeqCst) >= MOST_CONNECTIONS {
            open.fetch_sub(1, Ordering::SeqCst);
            continue;
        }
        let (answer, place) = (answer.clone(), Place(open.clone()));
        let spawned = thread::Builder::new().spawn(move || {
            let _place = place;
            // A client that goes away is no business of ours.
            drop(talk(&client, answer.as_ref()));
        });
        drop(spawned);
    }
    Ok(())
}

/// One of the places for connections, given back when its thread ends.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn talk(client: &TcpStream, answer: &(dyn Fn(&str) -> Answer)) -> io::Result<()> {
    let text = read_message(client, &|text| text.contains("\r\n\r\n") || text.contains("\n\n"))?;
    let mut words = text.lines().next().unwrap_or("").split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or("/"));
    let answer = match method {
        "GET" | "HEAD" => answer(path.split('?').next().unwrap_or("/")),
        _ => Answer::text("405 Method Not Allowed", "only GET"),
    };
    if env::var("LOG_LEVEL").is_ok_and(|level| level == "debug") {
        // Nobody may be reading, and `println!` would panic.
        drop(writeln!(io::stdout(), "{method} {path} {}", answer.status));
    }
    let Answer { status, kind, body } = answer;
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let message = if method == "HEAD" { head } else { head + &body };
    client.set_write_timeout(Some(PATIENCE))?;
    (&mut &*client).write_all(message.as_bytes())
}

/// Reads until the text is complete, the peer is done, or patience and space run out.
fn read_message(stream: &TcpStream, is_complete: &dyn Fn(&str) -> bool) -> io::Result<String> {
    // A timeout per read alone would let a slow client drip for hours.
    let deadline = Instant::now() + PATIENCE;
    let mut reader = BufReader::new(stream.take(LONGEST_MESSAGE));
    let mut bytes = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let piece = reader.fill_buf()?;
        let length = piece.len();
        bytes.extend_from_slice(piece);
        reader.consume(length);
        let text = String::from_utf8_lossy(&bytes);
        if length == 0 || is_complete(&text) {
            return Ok(text.into_owned());
        }
    }
}

/// The body behind an `http://` URL; anything but a 200 is an error.
fn fetch(url: &str) -> Result<String, String> {
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("{url} is not an http:// URL"))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let ask = || -> io::Result<String> {
        let mut problem = io::Error::from(io::ErrorKind::NotFound);
        for address in address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(mut stream) => {
                    stream.set_write_timeout(Some(PATIENCE))?;
                    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n")?;
                    return read_message(&stream, &|_| false);
                }
                Err(error) => problem = error,
            }
        }
        Err(problem)
    };
    let answer = ask().map_err(|error| format!("{authority}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("{authority}: no HTTP answer"))?;
    let first_line = head.lines().next().unwrap_or("");
    match first_line.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        _ => Err(format!("{authority}: {first_line}")),
    }
}

struct Options<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Options<'a> {
    fn parse(words: &[&'a str], known: &[&str]) -> Result<Self, String> {
        let mut options = Vec::new();
        for pair in words.chunks(2) {
            match pair {
                [name, value] if known.contains(name) => options.push((*name, *value)),
                [name, ..] if known.contains(name) => return Err(format!("{name} needs a value\n\n{USAGE}")),
                [name, ..] => return Err(format!("unknown option {name}\n\n{USAGE}")),
                [] => {}
            }
        }
        Ok(Self(options))
    }

    fn get(&self, name: &str, fallback: &'a str) -> &'a str {
        self.0.iter().rev().find(|(key, _)| *key == name).map_or(fallback, |(_, value)| *value)
    }

    fn port(&self, fallback: &'a str) -> Result<u16, String> {
        let text = self.get("--port", fallback);
        text.parse().map_err(|_| format!("--port {text} is not a port number"))
    }
}
