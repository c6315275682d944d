//! A private `dockerd` in namespaces of its own (network, mounts, processes), and its containerd with it.
//! It lives as long as the pipe to its supervisor: when this process ends, however it ends, the kernel kills all of it.

use super::http::Http;
use super::packages::Programs;
use super::waiting::LIMIT;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub struct Daemon {
    folder: PathBuf,
    control: Mutex<Control>,
}

struct Control {
    supervisor: Child,
    orders: Option<ChildStdin>,
    given: u32,
}

/// Outlives the namespaces to sweep up after them: $1 folder, $2 cgroup, then the command of the supervisor.
const JANITOR: &str = r#"
folder=$1; cgroup=$2; shift 2
unshare --net --mount --pid --fork --kill-child --mount-proc "$@" >>"$folder/log" 2>&1 ||
  tail -n 1 "$folder/log" >&2
for _ in 1 2 3 4 5; do
  find /sys/fs/cgroup -depth -type d -path "*/$cgroup*" -exec rmdir {} + 2>/dev/null
  rm -rf "$folder" 2>/dev/null && exit
  sleep 1
done
"#;

/// Process 1 of the namespaces; end of input is the end of everything: $1 folder, $2 cgroup.
const SUPERVISOR: &str = r#"
folder=$1; cgroup=$2; done=0
ip link set lo up
start() {
  dockerd --config-file "$folder/daemon.json" --data-root "$folder/data" --exec-root "$folder/exec" \
    --pidfile "$folder/pid" -H "unix://$folder/docker.sock" --cgroup-parent "/$cgroup" \
    --exec-opt native.cgroupdriver=cgroupfs </dev/null >>"$folder/log" 2>&1 &
  engine=$!
}
while read -r order; do
  case $order in
    start) start ;;
    stop) kill -TERM "$engine"; wait "$engine" ;;
    kill) kill -KILL "$engine"; wait "$engine" ;;
  esac
  done=$((done + 1)); echo $done >"$folder/done.new"; mv "$folder/done.new" "$folder/done"
done
"#;

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Daemon {
    /// Starts an engine and waits until it answers. `config` is its `daemon.json`.
    pub fn start(programs: &Programs, config: &Value) -> Result<Self, String> {
        let name = format!("ekt-{}-d{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        // Sockets have short paths, so not under `target`.
        let folder = std::env::temp_dir().join(&name);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        write_config(&folder, config)?;
        let mut command = Command::new("sh");
        command.args(["-c", JANITOR, "janitor"]).arg(&folder).arg(&name);
        if let Some(init) = init_program(programs) {
            command.arg(init).arg("--");
        }
        command.args(["sh", "-c", SUPERVISOR, "supervisor"]).arg(&folder).arg(&name);
        // A group of its own: Ctrl-C must not kill the janitor before the engine.
        command.env("PATH", programs.path()).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut supervisor = command.spawn().map_err(|error| format!("sh: {error}"))?;
        let orders = supervisor.stdin.take();
        let daemon = Self { folder, control: Mutex::new(Control { supervisor, orders, given: 0 }) };
        daemon.order("start")?;
        daemon.wait_until_it_answers()?;
        Ok(daemon)
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.join("docker.sock")
    }

    /// Stops the engine as `systemctl restart` would and waits until it answers again.
    pub fn restart(&self) -> Result<(), String> {
        self.order("stop")?;
        self.start_again()
    }

    /// Restarts the engine with another `daemon.json`.
    pub fn restart_with(&self, config: &Value) -> Result<(), String> {
        write_config(&self.folder, config)?;
        self.restart()
    }

    /// Stops the engine; its folder stays.
    pub fn stop(&self) -> Result<(), String> {
        self.order("stop")
    }

    /// Kills the engine without warning and starts it again.
    pub fn crash(&self) -> Result<(), String> {
        self.kill()?;
        self.start_again()
    }

    /// Kills the engine without warning; its folder stays.
    pub fn kill(&self) -> Result<(), String> {
        self.order("kill")
    }

    /// Starts an engine that was stopped or killed, and waits until it answers.
    pub fn start_again(&self) -> Result<(), String> {
        self.order("start")?;
        self.wait_until_it_answers()
    }

    /// A command that runs in the engine's network namespace, where its published ports are.
    pub fn inside_network(&self, program: &str) -> Command {
        let pid = self.process_one().unwrap_or_default();
        let mut command = Command::new("nsenter");
        command.args(["--net", "--target", &pid, "--", program]);
        command
    }

    /// A listener on loopback in the engine's network namespace.
    pub fn listen(&self) -> io::Result<TcpListener> {
        let pid = self.process_one().ok_or(io::ErrorKind::NotFound)?;
        let namespace = fs::File::open(format!("/proc/{pid}/ns/net"))?;
        // Only the thread moves, and a socket stays where it was made.
        let made = thread::spawn(move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            TcpListener::bind("127.0.0.1:0")
        });
        made.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn order(&self, word: &str) -> Result<(), String> {
        let mut control = self.control.lock().map_err(|_| "an order to the engine panicked".to_owned())?;
        let Control { supervisor, orders, given } = &mut *control;
        *given += 1;
        let orders = orders.as_mut().ok_or("the supervisor has no input")?;
        writeln!(orders, "{word}").map_err(|error| format!("{word}: {error}: {}", self.last_words()))?;
        let deadline = Instant::now() + LIMIT;
        while fs::read_to_string(self.folder.join("done")).ok().and_then(|text| text.trim().parse().ok())
            != Some(*given)
        {
            if let Ok(Some(_)) = supervisor.try_wait() {
                let mut reason = String::new();
                let stderr = supervisor.stderr.as_mut().map(|pipe| pipe.read_to_string(&mut reason));
                drop(stderr);
                return Err(format!("no namespaces for a private engine: {}", reason.trim()));
            }
            if Instant::now() > deadline {
                return Err(format!("{word} took too long: {}", self.last_words()));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn wait_until_it_answers(&self) -> Result<(), String> {
        let http = Http::new(&self.socket());
        let deadline = Instant::now() + LIMIT;
        while !http.send("GET", "/_ping", "", b"").is_ok_and(|answer| answer.status == 200) {
            // The pidfile goes when dockerd gives up, but only a log line says why.
            if Instant::now() > deadline || self.log().contains("failed to start daemon") {
                return Err(self.last_words());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The host's number of process 1 of the namespaces: the only child of `unshare`, itself the janitor's.
    fn process_one(&self) -> Option<String> {
        let janitor = self.control.lock().ok()?.supervisor.id().to_string();
        let child = |pid: &str| -> Option<String> {
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
            children.split_whitespace().next().map(str::to_owned)
        };
        child(&child(&janitor)?)
    }

    fn last_words(&self) -> String {
        let log = self.log();
        let line = log.lines().rev().find(|line| !line.contains("level=info")).unwrap_or("no message");
        line.to_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Ok(mut control) = self.control.lock() {
            drop(control.orders.take());
            // Waits for the janitor, so that nothing is left when the test ends.
            drop(control.supervisor.wait());
        }
    }
}

/// Removes what test processes that were killed together with their janitor left in the temp folder.
pub fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if super::scope::is_stale(&name) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// Process 1 has to reap the shims that containerd leaves behind, which a shell does not.
fn init_program(programs: &Programs) -> Option<PathBuf> {
    let path = programs.path();
    let folders = path.split(':').map(Path::new);
    folders
        .flat_map(|folder| ["tini-static", "docker-init"].map(|name| folder.join(name)))
        .find(|path| path.exists())
}

fn write_config(folder: &Path, config: &Value) -> Result<(), String> {
    fs::write(folder.join("daemon.json"), config.to_string()).map_err(|error| error.to_string())
}
