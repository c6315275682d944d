//! A push that changes nothing, beside a push to a repository without hooks.

use std::path::Path;
use std::process::{Command, Stdio};

use super::fleet::Fleet;
use super::raw::Engine;
use super::{evenkeel, median, shown, timed};

/// Measures `git push` of a commit that changes no state, for a fleet of containers.
pub fn push(engine: &Engine, containers: usize, rounds: usize) {
    if !Command::new("git")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
    {
        return println!("skipped push: there is no git");
    }
    let fleet = Fleet::new(engine, containers, containers.min(super::IMAGES));
    let folder = tempfile::tempdir().expect("a temp folder can be made");
    let root = folder.path();
    let git = |at: &str, words: &[&str]| {
        let mut command = Command::new("git");
        for who in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{who}_NAME"), "bench")
                .env(format!("GIT_{who}_EMAIL"), "bench@example.org");
        }
        command.env("EVENKEEL_STATE_DIR", root.join("state"));
        let output = command.current_dir(root.join(at)).args(words).output().expect("git runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    git("", &["init", "-q", "--bare", "hooked.git"]);
    git("", &["init", "-q", "--bare", "plain.git"]);
    git("", &["init", "-q", "-b", "main", "work"]);
    let work = root.join("work");
    fleet.write_states(&work);
    evenkeel(&work);
    install(root);
    let (mut hooked, mut plain) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        std::fs::write(work.join("words"), round.to_string()).expect("an own folder takes a file");
        git("work", &["add", "-A"]);
        git("work", &["commit", "-q", "-m", "words"]);
        let one = timed(|| git("work", &["push", "-q", "../hooked.git", "main"]));
        let other = timed(|| git("work", &["push", "-q", "../plain.git", "main"]));
        // The first push brings everything.
        if round > 0 {
            hooked.push(one);
            plain.push(other);
        }
    }
    let (hooked, plain) = (median(hooked), median(plain));
    println!("\npush that changes nothing, {containers} containers, median of {rounds}");
    println!("  git push with hooks     {}", shown(hooked));
    println!("  git push without        {}", shown(plain));
    println!(
        "  evenkeel's share        {}      (a dry run before, a run after)",
        shown(hooked.saturating_sub(plain))
    );
}

fn install(root: &Path) {
    let settings = std::fs::read_to_string(root.join("work/evenkeel.yml")).expect("the fleet is written");
    let project = settings.trim_start_matches("project:").trim();
    // It has containers already, which no push has made.
    let hooks = format!("environments:\n  fleet: {{ref: main, on_push: apply, projects: [{project}]}}\n");
    std::fs::write(root.join("hooks.yml"), hooks).expect("an own folder takes a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.current_dir(root).args(["hook", "install", "--repo", "hooked.git", "--config", "hooks.yml"]);
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
