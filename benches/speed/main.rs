//! How fast evenkeel is, beside the least that the engine takes for the same work:
//! `cargo bench --bench speed -- [noop] [first] [pulls] [push] [gap] [rollback] [compile] [--n N,…] [--rounds N]`.
//! Everything that is made begins with `ekbench-PID-` and is gone afterwards.

mod fleet;
mod pulls;
mod push;
mod raw;
mod replace;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use fleet::Fleet;
use raw::Engine;

const IMAGES: usize = 20;
/// Questions at once; more does not make an engine faster.
const AT_ONCE: usize = 8;

struct Options {
    parts: Vec<String>,
    sizes: Vec<usize>,
    rounds: Option<usize>,
}

fn main() {
    let options = options();
    let wants = |part: &str| options.parts.is_empty() || options.parts.iter().any(|named| named == part);
    if wants("compile") {
        compile(options.rounds.unwrap_or(5));
    }
    if !["noop", "first", "pulls", "push", "gap", "rollback"].iter().any(|part| wants(part)) {
        return;
    }
    let engine = match Engine::find() {
        Ok(engine) => engine,
        Err(reason) => return println!("skipped all but compile: {reason}"),
    };
    if wants("pulls") {
        pulls::pulls(&engine, options.rounds.unwrap_or(21));
    }
    if wants("push") {
        push::push(&engine, 10, options.rounds.unwrap_or(11));
    }
    if wants("gap") {
        replace::gap(&engine, options.rounds.unwrap_or(11));
    }
    if wants("rollback") {
        replace::rollback(&engine, options.rounds.unwrap_or(11));
    }
    if !wants("noop") && !wants("first") {
        return;
    }
    for &size in &options.sizes {
        let fleet = Fleet::new(&engine, size, IMAGES);
        let folder = tempfile::tempdir().expect("a temp folder can be made");
        fleet.write_states(folder.path());
        if wants("first") {
            first(&fleet, folder.path(), options.rounds.unwrap_or(2));
        } else {
            evenkeel(folder.path());
        }
        if wants("noop") {
            noop(&engine, &fleet, folder.path(), options.rounds.unwrap_or(21));
        }
    }
}

fn options() -> Options {
    let mut options = Options { parts: Vec::new(), sizes: vec![100, 300], rounds: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--n" => {
                let list = words.next().unwrap_or_default();
                options.sizes = list.split(',').map(|n| n.parse().expect("--n takes numbers")).collect();
            }
            "--rounds" => options.rounds = words.next().and_then(|n| n.parse().ok()),
            // Cargo adds it.
            "--bench" => {}
            _ => options.parts.push(word),
        }
    }
    options
}

/// A run of the program: how long it took, and what `--timings` says.
fn evenkeel(folder: &Path) -> (Duration, String) {
    let began = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
        .current_dir(folder)
        .env("EVENKEEL_STATE_DIR", folder.join("state"))
        .args(["apply", "states/fleet.yml", "--timings"])
        .output()
        .expect("the program starts");
    let took = began.elapsed();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{told}");
    (took, told)
}

fn noop(engine: &Engine, fleet: &Fleet<'_>, folder: &Path, rounds: usize) {
    let questions = fleet.questions();
    let (mut ours, mut concurrent, mut serial) = (Vec::new(), Vec::new(), Vec::new());
    let mut told = String::new();
    let before = children_cpu();
    for round in 0..rounds {
        let (took, timings) = evenkeel(folder);
        ours.push(took);
        told = timings;
        concurrent.push(timed(|| engine.all(&questions, AT_ONCE)));
        if round < 3 {
            serial.push(timed(|| engine.all(&questions, 1)));
        }
    }
    let cpu = children_cpu().saturating_sub(before) / u32::try_from(rounds).unwrap_or(1);
    let requests = told.lines().find_map(|line| line.trim().strip_prefix("requests"));
    let requests = requests.map_or("?", str::trim);
    let (n, m) = (fleet.containers, fleet.images);
    let (ours, raw, serial) = (median(ours), median(concurrent), median(serial));
    println!("\nno-op, N = {n} containers, M = {m} images, median of {rounds}");
    println!("  evenkeel apply          {}", shown(ours));
    println!("    of it on a processor  {}      (mean; steady where others use the machine)", shown(cpu));
    println!("  same GETs, {AT_ONCE} at once    {}", shown(raw));
    println!("  same GETs, one by one   {}", shown(serial));
    println!("  ratio                   {:>8.2}      (goal 1.30)", ours.as_secs_f64() / raw.as_secs_f64());
    println!("  requests                {requests:>8}      (limit N + M + 8 = {})", n + m + 8);
    for line in told.lines().skip_while(|line| *line != "timings").skip(1) {
        println!("  {line}");
    }
}

fn first(fleet: &Fleet<'_>, folder: &Path, rounds: usize) {
    let (mut ours, mut four, mut eight) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        four.push(timed(|| fleet.make_raw(4)));
        fleet.clear();
        eight.push(timed(|| fleet.make_raw(AT_ONCE)));
        fleet.clear();
        // The one look at the end, whether what was started still runs, is not part of the comparison.
        ours.push(evenkeel(folder).0);
        if ours.len() < rounds {
            fleet.clear();
        }
    }
    let (ours, four, eight) = (median(ours), median(four), median(eight));
    let best = four.min(eight);
    println!("\nfirst apply, N = {} containers, median of {rounds}", fleet.containers);
    println!("  evenkeel apply          {}", shown(ours));
    println!("  same calls, 4 at once   {}", shown(four));
    println!("  same calls, 8 at once   {}", shown(eight));
    println!("  ratio to the best       {:>8.2}      (goal 1.10)", ours.as_secs_f64() / best.as_secs_f64());
}

fn compile(rounds: usize) {
    println!("compile (load, render, parse, graph), median of {rounds}");
    for states in [1_000, 10_000] {
        let folder = tempfile::tempdir().expect("a temp folder can be made");
        std::fs::create_dir(folder.path().join("states")).expect("an own folder takes another");
        let template = format!(
            "{{% for n in range({states}) %}}\nweb-{{{{ n }}}}:\n  container.running:\n    image: nginx:1\n    \
             env: {{LEVEL: info, NUMBER: \"{{{{ n }}}}\"}}\n    ports: [\"{{{{ 20000 + n }}}}:80\"]\n    \
             memory: 64m\n    restart: unless-stopped\n{{% endfor %}}\n"
        );
        let plain: String = (0..states)
            .map(|n| {
                format!(
                    "web-{n}:\n  container.running:\n    image: nginx:1\n    env: {{LEVEL: info, NUMBER: \"{n}\"}}\n    \
                     ports: [\"{}:80\"]\n    memory: 64m\n    restart: unless-stopped\n",
                    20_000 + n
                )
            })
            .collect();
        for (name, text) in [("plain", plain), ("template", template)] {
            let file = folder.path().join(format!("states/{name}.yml"));
            std::fs::write(&file, text).expect("an own folder takes a file");
            let check = || {
                let output = Command::new(env!("CARGO_BIN_EXE_evenkeel")).arg("check").arg(&file).output();
                let output = output.expect("the program starts");
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            };
            let before = children_cpu();
            let took = median((0..rounds).map(|_| timed(check)).collect());
            let cpu = children_cpu().saturating_sub(before) / u32::try_from(rounds).unwrap_or(1);
            println!("  {states:>6} states, {name:<8}  {}   on a processor {}", shown(took), shown(cpu));
        }
    }
    println!("  goal: 10,000 in less than a second, ten times 1,000");
}

/// Processor time of the programs that were run so far.
fn children_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name in parentheses: the 14th and 15th field, in hundredths of a second.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(13).take(2);
    Duration::from_millis(fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10)
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn shown(time: Duration) -> String {
    format!("{:>8.1} ms", time.as_secs_f64() * 1000.0)
}
