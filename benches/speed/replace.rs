//! How long nobody serves while a container with a published port is replaced, and how long the way back takes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::fleet::Fleet;
use super::raw::Engine;
use super::{evenkeel, median, shown, timed};

/// How long a request may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// The gap of a replacement, beside that of `docker stop` and `docker run` of the same.
pub fn gap(engine: &Engine, rounds: usize) {
    let fleet = Fleet::new(engine, 1, 1);
    let folder = tempfile::tempdir().expect("a temp folder can be made");
    let (ours, theirs) = (free_port(), free_port());
    let name = format!("{}web", fleet.prefix);
    let image = fleet.image(0);
    let state = |round: usize| {
        format!(
            "{name}:\n  container.running:\n    image: {image}\n    command: [serve, --port, \"80\"]\n    init: true\n    \
             env: {{ROUND: \"{round}\"}}\n    ports: [\"127.0.0.1:{ours}:80\"]\n    stable_for: 0s\n    keep_revisions: 0\n"
        )
    };
    fleet.write_states_of(folder.path(), &state(0));
    evenkeel(folder.path());
    let docker = |words: &[&str]| {
        let status = Command::new("docker").args(words).stdout(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()), "docker {words:?}");
    };
    let by_hand = |round: usize| format!("{name}-by-hand-{round}");
    let port = format!("127.0.0.1:{theirs}:80");
    let run = |round: usize| {
        let (name, round) = (by_hand(round), format!("ROUND={round}"));
        docker(&[
            "run", "-d", "--init", "--name", &name, "-e", &round, "-p", &port, &image, "serve", "--port",
            "80",
        ]);
    };
    run(0);
    let (mut of_ours, mut of_theirs) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        fleet.write_states_of(folder.path(), &state(round));
        of_ours.push(away(ours, || drop(evenkeel(folder.path()))));
        of_theirs.push(away(theirs, || {
            docker(&["stop", &by_hand(round - 1)]);
            run(round);
        }));
        docker(&["rm", &by_hand(round - 1)]);
    }
    let (of_ours, of_theirs) = (median(of_ours), median(of_theirs));
    println!("\nreplacement of a container with a published port: nobody answers for, median of {rounds}");
    println!("  evenkeel apply              {}", shown(of_ours));
    println!("  docker stop && docker run   {}", shown(of_theirs));
    println!(
        "  ratio                       {:>8.2}      (goal 1.00)",
        of_ours.as_secs_f64() / of_theirs.as_secs_f64()
    );
}

/// A rollback, beside the start of the same container.
pub fn rollback(engine: &Engine, rounds: usize) {
    let fleet = Fleet::new(engine, 1, 1);
    let folder = tempfile::tempdir().expect("a temp folder can be made");
    let (name, image) = (format!("{}web", fleet.prefix), fleet.image(0));
    let health = ["CMD", "/web", "health", "http://127.0.0.1:80/health"];
    for version in 1..=2 {
        let state = format!(
            "{name}:\n  container.running:\n    image: {image}\n    command: [serve, --port, \"80\"]\n    init: true\n    \
             env: {{VERSION: \"{version}\"}}\n    drain: 0s\n    healthcheck: {{test: {}, interval: 100ms}}\n",
            json!(health)
        );
        fleet.write_states_of(folder.path(), &state);
        evenkeel(folder.path());
    }
    let raw = format!("{name}-raw");
    let body = json!({
        "Image": image, "Cmd": ["serve", "--port", "80"], "HostConfig": {"Init": true},
        "Healthcheck": {"Test": health, "Interval": 100_000_000},
    });
    engine.all(&[vec![("POST", format!("/containers/create?name={raw}"), Some(body))]], 1);
    let (mut ours, mut start) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(timed(|| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
            command.current_dir(folder.path()).env("EVENKEEL_STATE_DIR", folder.path().join("state"));
            let output = command.args(["rollback", &name]).output();
            let output = output.expect("the program starts");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }));
        start.push(timed(|| {
            engine.one("POST", &format!("/containers/{raw}/start"), "", b"");
            while engine.json(&format!("/containers/{raw}/json"))["State"]["Health"]["Status"] != "healthy" {
                thread::sleep(Duration::from_millis(5));
            }
        }));
        engine.one("POST", &format!("/containers/{raw}/kill"), "", b"");
    }
    let (ours, start) = (median(ours), median(start));
    println!("\nrollback to the revision before, image at hand, no registry, median of {rounds}");
    println!("  evenkeel rollback           {}", shown(ours));
    println!("  the container's own start   {}      (until it is healthy)", shown(start));
    println!(
        "  ratio                       {:>8.2}      (goal 1.50)",
        ours.as_secs_f64() / start.as_secs_f64()
    );
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// The longest time between two answers while something is done.
fn away(port: u16, work: impl FnOnce()) -> Duration {
    let done = Arc::new(AtomicBool::new(false));
    let asking = thread::spawn({
        let done = done.clone();
        move || {
            let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
            loop {
                let answers = answers(port);
                let now = Instant::now();
                if answers {
                    longest = longest.max(now - last);
                    last = now;
                }
                // What comes back a moment after the work is part of it.
                if done.load(Ordering::SeqCst) && answers {
                    return longest;
                }
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
    thread::sleep(Duration::from_millis(50));
    work();
    done.store(true, Ordering::SeqCst);
    asking.join().expect("it only asks")
}

fn answers(port: u16) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        std::io::Result::Ok(answer.contains("200 OK"))
    };
    ask().unwrap_or(false)
}
