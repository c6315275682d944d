//! A liar in front of an engine: answers what a test wants to chosen requests, and passes the others on.

use crate::rig::engines::Engine;
use crate::rig::http::Http;
use crate::rig::scope::temp_folder;
use crate::rig::wire::{Head, read_body};
use std::io::{BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::thread;
use tempfile::TempDir;

/// What is answered, if it is not the engine's own answer.
pub type Answers = dyn Fn(&str, &str) -> Option<Vec<u8>> + Send + Sync;

pub struct Fake {
    folder: TempDir,
}

impl Fake {
    /// `answers` gets method and path without version.
    pub fn before(
        engine: &Engine,
        answers: impl Fn(&str, &str) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let folder = temp_folder();
        let listener =
            UnixListener::bind(folder.path().join("s")).expect("a socket in an own folder can be bound");
        let (http, answers): (Http, Arc<Answers>) = (engine.http(), Arc::new(answers));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (http, answers) = (http.clone(), answers.clone());
                thread::spawn(move || serve(&client, &http, &*answers));
            }
        });
        Self { folder }
    }

    pub fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("s").display())
    }
}

/// An answer with everything that HTTP wants.
pub fn answer(status: u16, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} Fine\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .into_bytes()
}

/// One request per connection: the answer closes it.
fn serve(mut client: &UnixStream, http: &Http, answers: &Answers) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let head = Head::read(&mut reader).ok()??;
    let body = read_body(head.request_framing(), &mut reader).ok()?;
    let (method, path) = (head.word(0), head.word(1));
    let route = match path.strip_prefix("/v1.").and_then(|rest| rest.split_once('/')) {
        Some((_, rest)) => format!("/{rest}"),
        None => path.to_owned(),
    };
    let bytes = match answers(method, route.split('?').next().unwrap_or("")) {
        Some(bytes) => bytes,
        None => {
            let own = http.send(method, path, head.header("content-type").unwrap_or(""), &body).ok()?;
            let header =
                |name: &str| own.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value);
            let api = header("api-version");
            let mut bytes = format!(
                "HTTP/1.1 {} Fine\r\nApi-Version: {api}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                own.status, header("content-type"), own.body.len()
            )
            .into_bytes();
            if own.status == 204 || own.status == 304 || method == "HEAD" {
                bytes = format!(
                    "HTTP/1.1 {} Fine\r\nApi-Version: {api}\r\nConnection: close\r\n\r\n",
                    own.status
                )
                .into_bytes();
            } else {
                bytes.extend(own.body);
            }
            bytes
        }
    };
    client.write_all(&bytes).ok()
}
