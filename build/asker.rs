//! Asks a port until it answers: what evenkeel runs in a helper container beside the one in question. One file,
//! nothing but the standard library, compiled to a static program and carried within evenkeel.
//!
//! asker SECONDS tcp  HOST:PORT
//! asker SECONDS http HOST:PORT PATH FIRST-LAST
//!
//! Ends with 0 when the answer is good, with 1 when the seconds are over, with 2 if it was called wrongly. What was
//! wrong with each answer is written to standard error, once as long as it stays the same.

use std::env;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);
/// How much of an answer is looked at.
const HEAD: u64 = 1024;

enum Question {
    Tcp,
    Http { path: String, statuses: RangeInclusive<u16> },
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let Some((seconds, address, question)) = parse(&args) else {
        eprintln!("usage: asker SECONDS tcp HOST:PORT | asker SECONDS http HOST:PORT PATH FIRST-LAST");
        return ExitCode::from(2);
    };
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let mut told = String::new();
    loop {
        match ask(address, &question) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(reason) if reason == told => {}
            Err(reason) => {
                eprintln!("{reason}");
                told = reason;
            }
        }
        if Instant::now() + PAUSE >= deadline {
            return ExitCode::FAILURE;
        }
        thread::sleep(PAUSE);
    }
}

fn parse(args: &[String]) -> Option<(u64, SocketAddr, Question)> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let (seconds, address, question) = match words.as_slice() {
        [seconds, "tcp", address] => (seconds, address, Question::Tcp),
        [seconds, "http", address, path, statuses] => {
            let (first, last) = statuses.split_once('-')?;
            let statuses = first.parse().ok()?..=last.parse().ok()?;
            (seconds, address, Question::Http { path: (*path).to_owned(), statuses })
        }
        _ => return None,
    };
    Some((seconds.parse().ok()?, address.parse().ok()?, question))
}

fn ask(address: SocketAddr, question: &Question) -> Result<(), String> {
    let at = |error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("no answer within {} s at {address}", ATTEMPT.as_secs())
        }
        io::ErrorKind::ConnectionRefused => format!("nobody listens at {address}"),
        _ => format!("{error} at {address}"),
    };
    let mut stream = TcpStream::connect_timeout(&address, ATTEMPT).map_err(at)?;
    let Question::Http { path, statuses } = question else { return Ok(()) };
    stream.set_read_timeout(Some(ATTEMPT)).map_err(at)?;
    stream.set_write_timeout(Some(ATTEMPT)).map_err(at)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nUser-Agent: evenkeel\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        address.port()
    );
    stream.write_all(request.as_bytes()).map_err(at)?;
    let line = first_line(&mut stream).map_err(at)?;
    let status = line.strip_prefix("HTTP/").and_then(|rest| rest.split(' ').nth(1)?.parse::<u16>().ok());
    match status {
        Some(status) if statuses.contains(&status) => Ok(()),
        Some(status) => Err(format!("the answer was {status}")),
        None => Err("the answer was no HTTP".to_owned()),
    }
}

fn first_line(stream: &mut TcpStream) -> io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    let mut limited = stream.take(HEAD);
    while limited.read(&mut byte)? == 1 && byte[0] != b'\n' {
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).trim_end().to_owned())
}
