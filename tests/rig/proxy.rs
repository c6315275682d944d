//! A recording proxy in front of an engine's socket. It knows nothing of Docker but which methods change something,
//! and which requests are about a run's own lock. It passes streams through as they come, and can break at a chosen
//! request.

use super::engines::Engine;
use super::scope::temp_folder;
use super::wire::{Framing, Head, copy_body};
use std::io::{self, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub struct Proxy {
    folder: TempDir,
    shared: Arc<Shared>,
}

/// One request that went by, in the order of arrival.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// With version prefix and query, as sent.
    pub path: String,
    /// What the client was told; `None` while under way and for a lost answer.
    pub status: Option<u16>,
    /// Since the proxy began or was cleared.
    pub at: Duration,
    /// Until the answer's head; its body may still stream.
    pub took: Option<Duration>,
    /// Whether it is about the lock of a run, which is no part of what a plan says.
    pub is_of_lock: bool,
}

/// What happens at a chosen request, once.
pub enum Fault {
    /// Answers with this status instead of doing it.
    Refuse(u16),
    /// Closes the connection instead of doing it.
    LoseRequest,
    /// Does it and closes the connection before the answer.
    LoseAnswer,
    /// Waits before doing it.
    HangBefore(Duration),
    /// Does it and waits before giving the answer.
    HangAfter(Duration),
    /// Calls and closes the connection instead of doing it.
    Instead(Box<dyn FnOnce() + Send>),
    /// Calls, then does it.
    Before(Box<dyn FnOnce() + Send>),
    /// Does it, calls, then gives the answer.
    After(Box<dyn FnOnce() + Send>),
}

/// A request that is held back until this is dropped.
pub struct Held(#[expect(dead_code, reason = "its end is what counts")] mpsc::Sender<()>);

impl Fault {
    /// Waits until it is let go before doing it.
    pub fn hold() -> (Self, Held) {
        let (wait, held) = silence();
        (Self::Before(wait), held)
    }

    /// Never does it and never answers; hangs up when it is let go.
    pub fn hang() -> (Self, Held) {
        let (wait, held) = silence();
        (Self::Instead(wait), held)
    }

    /// Does it and does not answer until it is let go.
    pub fn hang_after() -> (Self, Held) {
        let (wait, held) = silence();
        (Self::After(wait), held)
    }
}

/// Waits until somebody lets go.
fn silence() -> (Box<dyn FnOnce() + Send>, Held) {
    let (held, let_go) = mpsc::channel();
    let wait = move || {
        // Nothing is ever sent.
        let _ = let_go.recv();
    };
    (Box::new(wait), Held(held))
}

enum Trigger {
    /// The k-th mutating request, from 1.
    Mutation(usize),
    Matching(Box<dyn Fn(&Request) -> bool + Send>),
}

struct Shared {
    engine: PathBuf,
    state: Mutex<State>,
}

struct State {
    began: Instant,
    requests: Vec<Request>,
    faults: Vec<(Trigger, Fault)>,
    is_closed: bool,
    /// Tells requests of before a `clear` from those after it.
    generation: usize,
    /// Ids of locks that were seen.
    locks: Vec<String>,
    /// The engine has no image for a lock, so the next one that is loaded is that.
    lock_lacks_image: bool,
}

/// Where a request stands in the record.
type Entry = (usize, usize);

impl Request {
    /// Whether it may change something on the engine but the run's lock. A POST counts even where Docker's only
    /// waits.
    pub fn is_mutating(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD") && !self.is_of_lock
    }

    /// Method and path without version prefix and query, such as `POST /containers/create`.
    pub fn route(&self) -> String {
        let path = self.path.split('?').next().unwrap_or("");
        let path = match path.strip_prefix("/v").and_then(|rest| rest.split_once('/')) {
            Some((version, rest)) if version.starts_with(|digit: char| digit.is_ascii_digit()) => {
                format!("/{rest}")
            }
            _ => path.to_owned(),
        };
        format!("{} {path}", self.method)
    }
}

impl Proxy {
    pub fn before(engine: &Engine) -> Self {
        Self::to(engine.socket())
    }

    pub fn to(engine: &Path) -> Self {
        let folder = temp_folder();
        let listener =
            UnixListener::bind(folder.path().join("s")).expect("a socket in an own folder can be bound");
        let state = State {
            began: Instant::now(),
            requests: Vec::new(),
            faults: Vec::new(),
            is_closed: false,
            generation: 0,
            locks: Vec::new(),
            lock_lacks_image: false,
        };
        let shared = Arc::new(Shared { engine: engine.to_owned(), state: Mutex::new(state) });
        let for_listener = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if for_listener.state().is_closed {
                    break;
                }
                let shared = for_listener.clone();
                // Either side may go at any time; the record keeps what was seen.
                thread::spawn(move || drop(shared.serve(client)));
            }
        });
        Self { folder, shared }
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// What `--host` takes.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    pub fn mutations(&self) -> Vec<Request> {
        self.requests().into_iter().filter(Request::is_mutating).collect()
    }

    /// Requests about locks of runs, those that only ask left out.
    pub fn of_locks(&self) -> Vec<Request> {
        self.requests().into_iter().filter(|it| it.is_of_lock && it.method != "GET").collect()
    }

    /// Forgets requests and faults that did not come to pass; counting starts anew.
    pub fn clear(&self) {
        let mut state = self.shared.state();
        state.began = Instant::now();
        state.requests.clear();
        state.faults.clear();
        state.generation += 1;
    }

    /// Breaks at the k-th mutating request, counted from 1 since the last `clear`.
    pub fn fault_at(&self, k: usize, fault: Fault) {
        self.shared.state().faults.push((Trigger::Mutation(k), fault));
    }

    /// Breaks at the next request that matches.
    pub fn fault_when(&self, matches: impl Fn(&Request) -> bool + Send + 'static, fault: Fault) {
        self.shared.state().faults.push((Trigger::Matching(Box::new(matches)), fault));
    }

    /// Whether every fault has come to pass: else the scenario had fewer requests than it thinks.
    pub fn faults_are_spent(&self) -> bool {
        self.shared.state().faults.is_empty()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.state().is_closed = true;
        // Wakes the listener up.
        drop(UnixStream::connect(self.socket()));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Serves one connection of a client with one to the engine.
    fn serve(&self, client: UnixStream) -> io::Result<()> {
        let engine = UnixStream::connect(&self.engine)?;
        let mut to_engine = engine.try_clone()?;
        let mut to_client = client.try_clone()?;
        let mut from_engine = BufReader::new(engine);
        let mut from_client = BufReader::new(client);
        while let Some(head) = Head::read(&mut from_client)? {
            let (entry, fault) = self.arrived(&head);
            let mut after: Option<Fault> = None;
            match fault {
                None => {}
                Some(Fault::Refuse(status)) => {
                    copy_body(head.request_framing(), &mut from_client, &mut io::sink())?;
                    self.answered(entry, Some(status));
                    to_client.write_all(&refusal(status))?;
                    continue;
                }
                Some(Fault::LoseRequest) => return self.hang_up(entry, &to_client),
                Some(Fault::Instead(call)) => {
                    call();
                    return self.hang_up(entry, &to_client);
                }
                Some(Fault::HangBefore(time)) => thread::sleep(time),
                Some(Fault::Before(call)) => call(),
                Some(fault @ (Fault::LoseAnswer | Fault::HangAfter(_) | Fault::After(_))) => {
                    after = Some(fault)
                }
            }
            to_engine.write_all(&head.bytes)?;
            // An engine that refuses early stops reading; its answer says more than the broken pipe.
            let sent = copy_body(head.request_framing(), &mut from_client, &mut to_engine);
            let Some(answer) = final_head(&mut from_engine, &mut to_client)? else {
                return self.hang_up(entry, &to_client);
            };
            match after {
                Some(Fault::HangAfter(time)) => thread::sleep(time),
                Some(Fault::After(call)) => call(),
                Some(_) => {
                    // The engine acts while it streams (build, pull): done means the stream has ended.
                    drop(copy_body(answer.response_framing(head.word(0)), &mut from_engine, &mut io::sink()));
                    return self.hang_up(entry, &to_client);
                }
                None => {}
            }
            // Noted first: who has the answer may look at the record at once.
            self.answered(entry, Some(answer.status()));
            if to_client.write_all(&answer.bytes).is_err() {
                return self.hang_up(entry, &to_client);
            }
            let framing = answer.response_framing(head.word(0));
            if answer.status() == 101 || framing == Framing::UntilClose {
                return splice(from_client, to_engine, from_engine, to_client);
            }
            if names_lock(head.word(1)) {
                let mut body = Vec::new();
                copy_body(framing, &mut from_engine, &mut body)?;
                self.learn(head.word(0), answer.status(), &body);
                to_client.write_all(&body)?;
            } else {
                copy_body(framing, &mut from_engine, &mut to_client)?;
            }
            sent?;
        }
        Ok(())
    }

    fn arrived(&self, head: &Head) -> (Entry, Option<Fault>) {
        let mut state = self.state();
        let is_of_lock = state.is_of_lock(head.word(0), head.word(1));
        let request = Request {
            is_of_lock,
            method: head.word(0).to_owned(),
            path: head.word(1).to_owned(),
            status: None,
            at: state.began.elapsed(),
            took: None,
        };
        let earlier = state.requests.iter().filter(|request| request.is_mutating()).count();
        let is_due = |trigger: &Trigger| match trigger {
            Trigger::Mutation(k) => request.is_mutating() && *k == earlier + 1,
            Trigger::Matching(matches) => matches(&request),
        };
        let due = state.faults.iter().position(|(trigger, _)| is_due(trigger));
        let fault = due.map(|index| state.faults.remove(index).1);
        state.requests.push(request);
        ((state.generation, state.requests.len() - 1), fault)
    }

    /// Keeps the id of a lock, or that there is no image for one.
    fn learn(&self, method: &str, status: u16, body: &[u8]) {
        let body = String::from_utf8_lossy(body);
        let id = body.split("\"Id\":\"").nth(1).and_then(|rest| rest.get(..64));
        let mut state = self.state();
        state.locks.extend(id.map(str::to_owned));
        state.lock_lacks_image = method == "POST" && status == 404;
    }

    fn answered(&self, (generation, index): Entry, status: Option<u16>) {
        let mut state = self.state();
        if state.generation == generation {
            let now = state.began.elapsed();
            let request = &mut state.requests[index];
            request.status = status;
            request.took = Some(now.saturating_sub(request.at));
        }
    }

    fn hang_up(&self, entry: Entry, client: &UnixStream) -> io::Result<()> {
        self.answered(entry, None);
        client.shutdown(std::net::Shutdown::Both)
    }
}

impl State {
    fn is_of_lock(&self, method: &str, path: &str) -> bool {
        let is_about = |id: &String| path.contains(&format!("/containers/{id}"));
        let is_image = method == "POST" && path.contains("/images/load") && self.lock_lacks_image;
        names_lock(path) || is_image || self.locks.iter().any(is_about)
    }
}

/// Whether a path has the name that all locks begin with.
fn names_lock(path: &str) -> bool {
    path.contains("evenkeel.lock.")
}

/// Passes interim answers (`100 Continue`) on and gives the one that counts.
fn final_head(from: &mut BufReader<UnixStream>, to: &mut UnixStream) -> io::Result<Option<Head>> {
    loop {
        match Head::read(from)? {
            Some(head) if head.status() < 200 && head.status() != 101 => to.write_all(&head.bytes)?,
            head => return Ok(head),
        }
    }
}

/// Lets both sides talk until they are done: attach, exec, and answers that end with the connection.
fn splice(
    mut from_client: BufReader<UnixStream>,
    mut to_engine: UnixStream,
    mut from_engine: BufReader<UnixStream>,
    mut to_client: UnixStream,
) -> io::Result<()> {
    thread::spawn(move || {
        drop(copy_body(Framing::UntilClose, &mut from_client, &mut to_engine));
        drop(to_engine.shutdown(std::net::Shutdown::Write));
    });
    let copied = copy_body(Framing::UntilClose, &mut from_engine, &mut to_client);
    drop(to_client.shutdown(std::net::Shutdown::Both));
    copied
}

fn refusal(status: u16) -> Vec<u8> {
    let body = r#"{"message":"refused by the test proxy"}"#;
    format!(
        "HTTP/1.1 {status} Refused\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
