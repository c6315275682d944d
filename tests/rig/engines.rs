//! The engines that scenarios run on: this machine's own, and a private one of the newest release.
//! An engine that cannot run here is skipped by name, it does not fail.

use super::daemon::{self, Daemon};
use super::http::Http;
use super::packages::Programs;
use super::scope;
use super::waiting::patiently;
use serde_json::{Value, json};
use std::env;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

#[derive(Clone)]
pub struct Engine {
    /// What failures and skips call it: `machine`, or the release of a private one.
    pub name: &'static str,
    pub version: String,
    /// The newest API version it speaks, such as `1.41`.
    pub api: String,
    socket: PathBuf,
    private: Option<Arc<Daemon>>,
}

/// Which release a private engine is of.
#[derive(Clone, Copy, Debug)]
pub enum Release {
    /// The same programs as this machine's own engine.
    Installed,
    /// The one of Debian stable: between the two others.
    Stable,
    /// The newest of Debian's suites.
    Newest,
}

/// This machine's own engine: DOCKER_HOST if that is a unix socket, else the usual one.
pub fn machine() -> Result<Engine, String> {
    static MACHINE: OnceLock<Result<Engine, String>> = OnceLock::new();
    let find = || {
        let host = env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
        let socket =
            host.strip_prefix("unix://").ok_or(format!("DOCKER_HOST={host} is not a unix socket"))?;
        let engine = Engine::at("machine", Path::new(socket), None)?;
        scope::sweep(&engine.http());
        Ok(engine)
    };
    MACHINE.get_or_init(find).clone()
}

/// The private engine of the newest release, started once and shared by all tests of this process.
pub fn newest() -> Result<Engine, String> {
    static NEWEST: OnceLock<Result<Engine, String>> = OnceLock::new();
    // A static is never dropped; the supervisor sees the end of this process by its pipe.
    NEWEST.get_or_init(|| private(Release::Newest, &json!({}))).clone()
}

/// A private engine of the caller's own, with its own `daemon.json`: for tests that restart or crash it.
/// It is up in a third of a second.
pub fn private(release: Release, config: &Value) -> Result<Engine, String> {
    static SWEPT: OnceLock<()> = OnceLock::new();
    SWEPT.get_or_init(daemon::sweep);
    let programs = match release {
        Release::Installed => Programs::installed()?,
        Release::Stable => Programs::of_suite("stable")?,
        Release::Newest => Programs::newest()?,
    };
    let daemon = Arc::new(Daemon::start(&programs, config)?);
    Engine::at(release.name(), &daemon.socket(), Some(daemon.clone()))
}

/// Runs a scenario on the oldest and the newest engine at hand, one after the other.
pub fn each(scenario: impl Fn(&Engine)) {
    for (name, engine) in [("machine", machine()), ("newest", newest())] {
        match engine {
            Ok(engine) => on(&engine, &scenario),
            Err(reason) => skip(name, &reason),
        }
    }
}

/// Runs a scenario of a large corpus on one of both engines, chosen by its name, so that each engine has its half; on
/// both with `EVENKEEL_ENGINES=all`.
pub fn in_turn(scenario: impl Fn(&Engine)) {
    let thread = std::thread::current();
    // Where tests run one after the other, none has a thread of its own name.
    let name = thread.name().filter(|name| name.contains("::"));
    let wants_all = env::var("EVENKEEL_ENGINES").is_ok_and(|wish| wish == "all");
    let (Some(name), false) = (name, wants_all) else { return each(scenario) };
    let is_odd = name.bytes().fold(0_u8, u8::wrapping_add) % 2 == 1;
    let (chosen, other) = if is_odd {
        (("newest", newest()), ("machine", machine()))
    } else {
        (("machine", machine()), ("newest", newest()))
    };
    for (name, engine) in [chosen, other] {
        match engine {
            Ok(engine) => return on(&engine, &scenario),
            Err(reason) => skip(name, &reason),
        }
    }
}

/// Runs a scenario on a private engine of its own, or says that it was skipped.
pub fn with_private(release: Release, config: &Value, scenario: impl Fn(&Engine)) {
    match private(release, config) {
        Ok(engine) => on(&engine, &scenario),
        Err(reason) => skip(release.name(), &reason),
    }
}

impl Release {
    fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Stable => "stable",
            Self::Newest => "newest",
        }
    }
}

impl Engine {
    pub fn http(&self) -> Http {
        Http::new(&self.socket)
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// What `--host` takes.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    pub fn speaks(&self, api: (u32, u32)) -> bool {
        let (major, minor) = self.api.split_once('.').unwrap_or(("0", "0"));
        (major.parse().unwrap_or(0), minor.parse().unwrap_or(0)) >= api
    }

    pub fn restart(&self) {
        self.daemon().restart().expect("the engine comes back after a restart");
    }

    pub fn restart_with(&self, config: &Value) {
        self.daemon().restart_with(config).expect("the engine comes back with another daemon.json");
    }

    pub fn crash(&self) {
        self.daemon().crash().expect("the engine comes back after it was killed");
    }

    /// Kills the engine without warning; `start` brings it back.
    pub fn kill(&self) {
        self.daemon().kill().expect("the engine can be killed");
    }

    pub fn start(&self) {
        self.daemon().start_again().expect("the engine comes back");
    }

    pub fn stop(&self) {
        self.daemon().stop().expect("the engine stops");
    }

    /// A command where the engine's published ports can be reached.
    pub fn beside(&self, program: &str) -> Command {
        match &self.private {
            Some(daemon) => daemon.inside_network(program),
            None => Command::new(program),
        }
    }

    /// A server's listener on a loopback port that the engine can reach.
    pub fn listen(&self) -> TcpListener {
        let listener = match &self.private {
            Some(daemon) => daemon.listen(),
            None => TcpListener::bind("127.0.0.1:0"),
        };
        listener.expect("loopback has a free port")
    }

    /// The body of a page on a published port; waits for the server behind it. Nothing if it never answers.
    pub fn fetch(&self, url: &str) -> String {
        let page = || {
            // Static busybox crashes on `wget -T`, hence `timeout`.
            let asked = self.beside("timeout").args(["20", "busybox", "wget", "-q", "-O", "-", url]).output();
            let page = asked.ok().filter(|output| output.status.success())?;
            Some(String::from_utf8_lossy(&page.stdout).into_owned())
        };
        patiently(page).unwrap_or_default()
    }

    fn daemon(&self) -> &Daemon {
        self.private.as_deref().expect("only a private engine may be stopped")
    }

    fn at(name: &'static str, socket: &Path, private: Option<Arc<Daemon>>) -> Result<Self, String> {
        let answer = Http::new(socket)
            .send("GET", "/version", "", b"")
            .map_err(|error| format!("{}: {error}", socket.display()))?;
        let version = answer.json();
        let text = |key: &str| version[key].as_str().unwrap_or("").to_owned();
        Ok(Self {
            name,
            version: text("Version"),
            api: text("ApiVersion"),
            socket: socket.to_owned(),
            private,
        })
    }
}

fn on(engine: &Engine, scenario: &impl Fn(&Engine)) {
    let _said = SayWhere(engine);
    scenario(engine);
}

/// A failed assertion does not know where it ran.
struct SayWhere<'a>(&'a Engine);

impl Drop for SayWhere<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("on engine {} ({}, API {})", self.0.name, self.0.version, self.0.api);
        }
    }
}

/// Says that the running test was skipped for an engine, past libtest's capture and when all tests are done.
pub fn skip(engine: &str, reason: &str) {
    static REPORTER: OnceLock<Option<Mutex<ChildStdin>>> = OnceLock::new();
    // A process has no last moment of its own to print in: `sort` sees the end of this one by its pipe.
    let start = || {
        let mut sort = Command::new("sort");
        sort.arg("-u").stdin(Stdio::piped()).stdout(Stdio::from(std::io::stderr())).process_group(0);
        Some(Mutex::new(sort.spawn().ok()?.stdin?))
    };
    let test = thread::current().name().unwrap_or("?").to_owned();
    let line = format!("skipped: {test} on engine {engine}: {reason}\n");
    match REPORTER.get_or_init(start).as_ref().map(Mutex::lock) {
        Some(Ok(mut reporter)) => drop(reporter.write_all(line.as_bytes())),
        _ => drop(std::io::stderr().write_all(line.as_bytes())),
    }
}
