//! A run in which every image's registry is asked, and nothing has changed.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::fleet::Fleet;
use super::raw::{Engine, Request};
use super::{AT_ONCE, evenkeel, median, shown, timed};

const CONTAINERS: usize = 50;
const IMAGES: usize = 20;

/// Debian's `docker-registry` on a free port of this machine's loopback.
struct Registry {
    process: Child,
    host: String,
}

impl Registry {
    fn start(folder: &Path) -> Result<Self, String> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let host = port.map_err(|error| error.to_string())?.to_string();
        let config = folder.join("registry.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: '{}'}}}}\nhttp: {{addr: '{host}'}}\n",
            folder.join("storage").display()
        );
        fs::write(&config, text).map_err(|error| error.to_string())?;
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().map_err(|error| format!("docker-registry: {error}"))?;
        let registry = Self { process, host };
        for _ in 0..100 {
            if Engine::over_tcp(&registry.host).is_ok() {
                return Ok(registry);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err("docker-registry does not answer".to_owned())
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Measures a run without changes over 50 containers of 20 images with `pull: always`.
pub fn pulls(engine: &Engine, rounds: usize) {
    let folder = tempfile::tempdir().expect("a temp folder can be made");
    let registry = match Registry::start(folder.path()) {
        Ok(registry) => registry,
        Err(reason) => return println!("skipped pulls: {reason}"),
    };
    let fleet = Fleet::in_registry(engine, CONTAINERS, IMAGES, &registry.host);
    fleet.write_states(folder.path());
    evenkeel(folder.path());
    let questions = fleet.questions();
    let heads: Vec<Vec<Request>> = fleet.heads();
    let other = Engine::over_tcp(&registry.host).expect("it answers");
    let (mut ours, mut raw) = (Vec::new(), Vec::new());
    let mut told = String::new();
    for _ in 0..rounds {
        let (took, timings) = evenkeel(folder.path());
        ours.push(took);
        told = timings;
        raw.push(timed(|| {
            thread::scope(|scope| {
                scope.spawn(|| engine.all(&questions, AT_ONCE));
                scope.spawn(|| other.all(&heads, AT_ONCE));
            });
        }));
    }
    let count = |what: &str| {
        let line = told.lines().find_map(|line| line.trim().strip_prefix(what));
        line.map_or("?", str::trim).to_owned()
    };
    let (ours, raw) = (median(ours), median(raw));
    println!("\nno-op with pull: always, {CONTAINERS} containers of {IMAGES} images, median of {rounds}");
    println!("  evenkeel apply               {}", shown(ours));
    println!("  same GETs and HEADs at once  {}", shown(raw));
    println!("  ratio                        {:>8.2}", ours.as_secs_f64() / raw.as_secs_f64());
    println!("  requests to the engine       {:>8}      (raw: {})", count("requests"), questions.len());
    println!("  requests to the registry     {:>8}      (raw: {})", count("of registries"), heads.len());
}
