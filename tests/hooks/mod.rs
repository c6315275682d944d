//! Push to deploy, with real repositories, a real git and real engines.

mod attacks;
mod course;
mod example;
mod install;
mod refused;
mod signed;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::rig::engines::Engine;
use crate::rig::images;
use crate::rig::inspect;
use crate::rig::scope::Scope;
use crate::rig::workspace::{Run, Workspace};

/// A bare repository with hooks, somebody's clone of it, and an engine.
struct Case<'a> {
    engine: &'a Engine,
    scope: &'a Scope,
    workspace: Workspace,
}

const HOOKS: &str = "environments:\n  dev: {ref: main, on_push: apply}\n";

impl<'a> Case<'a> {
    fn new(engine: &'a Engine, scope: &'a Scope) -> Self {
        Self::with(engine, scope, HOOKS, &[])
    }

    fn with(engine: &'a Engine, scope: &'a Scope, hooks: &str, init: &[&str]) -> Self {
        let case = Self { engine, scope, workspace: Workspace::new(scope).on(engine.host()) };
        case.workspace.file("hooks.yml", hooks);
        let run = |folder: &str, words: &[&str]| case.git(folder, words).expect(0);
        std::fs::create_dir(case.workspace.path("work")).expect("a folder");
        run("", &[&["init", "-q", "--bare"], init, &["shop.git"]].concat());
        run("work", &[&["init", "-q", "-b", "main"], init, &["."]].concat());
        run("work", &["remote", "add", "origin", "../shop.git"]);
        case.evenkeel("hook install --repo shop.git --config hooks.yml").expect(0);
        case.write("evenkeel.yml", &format!("project: {}\n", scope.project()));
        case
    }

    fn evenkeel(&self, words: &str) -> Run {
        self.workspace.run(words.split_whitespace())
    }

    /// The command in the surroundings that the binary has in tests.
    fn command(&self, folder: &str, words: &[&str]) -> Command {
        let surroundings = self.workspace.command();
        let mut command = Command::new("git");
        command.env_clear();
        for (name, value) in surroundings.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@example.org");
        }
        command.current_dir(self.workspace.path(folder)).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn git(&self, folder: &str, words: &[&str]) -> Run {
        Run::of(self.command(folder, words).output().expect("git runs"))
    }

    fn write(&self, path: &str, text: &str) {
        self.workspace.file(&format!("work/{path}"), text);
    }

    /// A state of one container for an environment.
    fn state(&self, environment: &str, level: &str) {
        let (name, image) = (self.scope.name(environment), images::bb(self.engine));
        let text = format!(
            "{name}:\n  container.running:\n    image: {image}\n    command: [sleep, '1000']\n    \
             stop_signal: KILL\n    env: {{LEVEL: '{level}'}}\n"
        );
        self.write(&format!("states/{environment}.yml"), &text);
    }

    fn commit(&self, subject: &str) -> String {
        self.git("work", &["add", "-A"]).expect(0);
        self.git("work", &["commit", "-q", "--allow-empty", "-m", subject]).expect(0);
        self.head()
    }

    fn head(&self) -> String {
        self.git("work", &["rev-parse", "HEAD"]).expect(0).stdout.trim().to_owned()
    }

    fn push(&self, words: &str) -> Run {
        let words: Vec<_> = ["push", "-q"].into_iter().chain(words.split_whitespace()).collect();
        self.git("work", &words)
    }

    /// What a ref of the repository points to.
    fn at(&self, reference: &str) -> String {
        self.git("shop.git", &["rev-parse", "--verify", "-q", reference]).stdout.trim().to_owned()
    }

    fn deployed(&self, environment: &str) -> String {
        self.at(&format!("refs/evenkeel/deployed/{environment}"))
    }

    fn container(&self, environment: &str) -> Value {
        inspect::container(self.engine, &self.scope.name(environment))
    }

    fn exists(&self, environment: &str) -> bool {
        self.engine.http().get(&format!("/containers/{}/json", self.scope.name(environment))).is_ok()
    }

    fn level(&self, environment: &str) -> String {
        let env = self.container(environment)["Config"]["Env"].as_array().cloned().unwrap_or_default();
        let level = env.iter().filter_map(Value::as_str).find_map(|entry| entry.strip_prefix("LEVEL="));
        level.unwrap_or_default().to_owned()
    }

    fn path(&self, path: &str) -> PathBuf {
        self.workspace.path(path)
    }
}

fn with_case(case: impl Fn(&Case<'_>)) {
    crate::rig::engines::each(|engine| {
        let scope = Scope::new(engine);
        case(&Case::new(engine, &scope));
    });
}

/// The same where the engine does not matter, on this machine's.
fn with_one(hooks: &str, case: impl Fn(&Case<'_>)) {
    match crate::rig::engines::machine() {
        Ok(engine) => {
            let scope = Scope::new(&engine);
            case(&Case::with(&engine, &scope, hooks, &[]));
        }
        Err(reason) => crate::rig::engines::skip("machine", &reason),
    }
}
