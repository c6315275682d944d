//! A tree of state files in a temp folder, and the built binary run on it against a chosen engine.

use super::scope::{Scope, temp_folder};
use super::waiting::until;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No run of a scenario takes that long; a hung one must not hang the suite.
const LIMIT: Duration = Duration::from_secs(300);

/// The folder of the history, in the tree.
pub const STATE: &str = ".state";

pub struct Workspace {
    folder: TempDir,
    host: Option<String>,
    environment: BTreeMap<String, String>,
}

/// How one run of the binary ended.
#[derive(Debug)]
pub struct Run {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// A run under way.
pub struct Running {
    victim: Victim,
    began: Instant,
    stdout: Pipe,
    stderr: Pipe,
}

/// What came out of a pipe so far, and the thread that reads it to its end.
struct Pipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

/// A handle by which a fault of the proxy kills a run that is started later.
#[derive(Clone, Default)]
pub struct Victim(Arc<(Mutex<Option<Child>>, Condvar)>);

impl Workspace {
    /// An empty tree whose `evenkeel.yml` names the scope's project.
    pub fn new(scope: &Scope) -> Self {
        let folder = temp_folder();
        let workspace = Self { folder, host: None, environment: BTreeMap::new() };
        workspace.file("evenkeel.yml", format!("project: {}\n", scope.project()));
        fs::create_dir(workspace.path(".home")).expect("an empty folder takes another");
        workspace
    }

    /// An empty tree for what needs no engine.
    pub fn without_engine() -> Self {
        let folder = temp_folder();
        let workspace = Self { folder, host: None, environment: BTreeMap::new() };
        workspace.file("evenkeel.yml", "project: none\n");
        fs::create_dir(workspace.path(".home")).expect("an empty folder takes another");
        workspace
    }

    /// Chooses the engine: `engine.host()` or `proxy.host()`.
    pub fn on(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Sets a variable for every run.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Writes a file of the tree, with the folders above it.
    pub fn file(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(path);
        let folder = path.parent().expect("a file of the tree has a folder");
        fs::create_dir_all(folder).expect("folders can be made in an own folder");
        fs::write(&path, content).expect("files can be written in an own folder");
        self
    }

    pub fn remove(&self, path: &str) -> &Self {
        fs::remove_file(self.path(path)).expect("the file is there");
        self
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `evenkeel ARGS…` to its end.
    pub fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Run {
        self.start(args, Victim::default()).wait()
    }

    /// Runs `evenkeel ARGS…` with something to read on its standard input.
    pub fn run_with<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>, input: &str) -> Run {
        let mut child = self.command().args(args).stdin(Stdio::piped()).spawn().expect("the binary starts");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        // One that reads nothing closes it.
        drop(stdin.write_all(input.as_bytes()));
        drop(stdin);
        Run::of(child.wait_with_output().expect("it ends"))
    }

    /// `evenkeel apply FILE ARGS…`
    pub fn apply(&self, file: &str, args: &[&str]) -> Run {
        self.run(["apply", file].iter().chain(args))
    }

    /// `evenkeel apply FILE ARGS… --output json`, and its answer.
    pub fn apply_json(&self, file: &str, args: &[&str]) -> (Run, Value) {
        let run = self.run(["apply", file].iter().chain(args).chain(&["--output", "json"]));
        let json = run.json();
        (run, json)
    }

    /// Starts a run that `victim` can kill.
    pub fn start<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>, victim: Victim) -> Running {
        self.start_with(args, victim, &[])
    }

    /// The same with variables for this run.
    pub fn start_with<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        victim: Victim,
        variables: &[(&str, &str)],
    ) -> Running {
        let mut command = self.command();
        command.args(args).envs(variables.iter().copied());
        let mut child = command.spawn().expect("the built binary starts");
        let stdout = Pipe::new(child.stdout.take().expect("standard output is piped"));
        let stderr = Pipe::new(child.stderr.take().expect("standard error is piped"));
        victim.is(child);
        Running { victim, began: Instant::now(), stdout, stderr }
    }

    /// The binary in this tree with an environment of nothing but what is said here.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
        let home = self.path(".home");
        command.current_dir(self.root()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", &home).env("XDG_RUNTIME_DIR", &home).env("TMPDIR", &home);
        command.env("LANG", "C.UTF-8");
        // The machine's own history is none of a test's business.
        command.env("EVENKEEL_STATE_DIR", self.path(STATE));
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", host);
        }
        command.envs(&self.environment);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Run {
    /// What another program has printed.
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Panics with everything that was printed unless the run ended with this exit code.
    pub fn expect(self, code: i32) -> Self {
        assert!(self.code() == Some(code), "expected exit code {code}: {self}");
        self
    }

    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("no JSON ({error}): {self}"),
        }
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}\n--- stdout\n{}\n--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}

impl Running {
    pub fn wait(self) -> Run {
        let status = self.victim.wait(self.began + LIMIT);
        let [stdout, stderr] = [self.stdout, self.stderr].map(Pipe::into_text);
        Run { status, stdout, stderr }
    }

    /// Waits until standard error has this text.
    #[track_caller]
    pub fn says(&self, text: &str) {
        until(text, || self.stderr.so_far().contains(text));
    }

    /// Sends a signal by name, such as `INT`.
    pub fn signal(&self, name: &str) {
        let pid = self.victim.child().as_ref().map(Child::id).expect("the run has started");
        let sent = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "cannot send {name} to {pid}");
    }
}

impl Victim {
    /// Kills the run without warning; waits for it to start first.
    pub fn kill(&self) {
        let mut child = self.child();
        while child.is_none() {
            child = self.0.1.wait(child).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        if let Some(child) = child.as_mut() {
            drop(child.kill());
            // Gone, not only told so: what follows must not race with its last requests.
            drop(child.wait());
        }
    }

    fn is(&self, child: Child) {
        *self.child() = Some(child);
        self.0.1.notify_all();
    }

    /// Polls, because a killer needs the child as well.
    fn wait(&self, deadline: Instant) -> ExitStatus {
        loop {
            if let Some(child) = self.child().as_mut() {
                if let Some(status) = child.try_wait().expect("a child can be waited for") {
                    return status;
                }
                if Instant::now() > deadline {
                    drop(child.kill());
                }
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.0.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Pipe {
    /// Reads in the background.
    fn new(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let to = bytes.clone();
        let reader = Some(thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut piece) {
                to.lock().expect("nobody panics with it").extend_from_slice(&piece[..length]);
            }
        }));
        Self { bytes, reader }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("nobody panics with it")).into_owned()
    }

    fn into_text(mut self) -> String {
        drop(self.reader.take().map(JoinHandle::join));
        self.so_far()
    }
}
