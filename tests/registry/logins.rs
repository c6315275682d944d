//! Logging in and out, at a real registry that wants to know who asks.

use crate::rig::registry::{Access, Registry};
use crate::rig::workspace::{Run, Workspace};

struct Case {
    workspace: Workspace,
}

impl Case {
    fn new() -> Self {
        let workspace = Workspace::without_engine();
        let docker = workspace.path("docker");
        Self { workspace: workspace.env("DOCKER_CONFIG", &docker.display().to_string()) }
    }

    /// Runs evenkeel with something on its standard input.
    fn run(&self, words: &str, input: &str) -> Run {
        self.workspace.run_with(words.split_whitespace(), input)
    }

    fn config(&self) -> String {
        std::fs::read_to_string(self.workspace.path("docker/config.json")).unwrap_or_default()
    }

    /// A credential helper that keeps what it is told in a file.
    fn helper(&self) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let script = "#!/bin/sh\nkept=$(dirname \"$0\")/kept\ncase $1 in\nstore) cat >\"$kept\";;\nget) [ -e \"$kept\" ] && cat \"$kept\" || { echo credentials not found in native keychain; exit 1; };;\nerase) rm -f \"$kept\";;\nesac\n";
        self.workspace.file("bin/docker-credential-test", script);
        let path = self.workspace.path("bin/docker-credential-test");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
            .expect("it can be made a program");
        let path = std::env::var("PATH").unwrap_or_default();
        format!("{}:{path}", self.workspace.path("bin").display())
    }
}

fn registry(access: Access) -> Option<Registry> {
    match Registry::start_for(access) {
        Ok(registry) => Some(registry),
        Err(reason) => {
            println!("skipped: logins: {reason}");
            None
        }
    }
}

#[test]
fn a_login_is_tried_kept_used_and_forgotten() {
    let Some(registry) = registry(Access::Password) else { return };
    let (case, host) = (Case::new(), registry.host());
    let wrong = case.run(&format!("login -u ships --password-stdin {host}"), "close sesame\n");
    assert_eq!(wrong.code(), Some(1), "{wrong}");
    assert!(wrong.stderr.contains("does not take this user with this password"), "{wrong}");
    assert!(!wrong.to_string().contains("close sesame"), "{wrong}");
    assert_eq!(case.config(), "");

    let right = case.run(&format!("login -u ships --password-stdin {host}"), "open sesame\n");
    assert_eq!(right.code(), Some(0), "{right}");
    assert!(right.stdout.contains("as ships") && right.stdout.contains("unencrypted"), "{right}");
    assert!(case.config().contains(&host) && !case.config().contains("sesame"), "{}", case.config());

    // It opens what was closed.
    case.workspace.file(
        "states/pipeline.yml",
        format!("pipeline: {{image: '{}', stages: [dev]}}\n", registry.name("web")),
    );
    assert!(case.run("pipeline", "").stdout.contains("(no tag yet)"));
    let out = case.run(&format!("logout {host}"), "");
    assert!(out.stdout.contains("logged out"), "{out}");
    let closed = case.run("pipeline", "");
    assert!(
        closed.stdout.contains(&format!("evenkeel login {host}")) || closed.stdout.contains("refuses access"),
        "{closed}"
    );
    assert!(case.run(&format!("logout {host}"), "").stdout.contains("nobody was logged in"));
}

#[test]
fn a_helper_keeps_what_is_not_to_stand_in_a_file() {
    let Some(registry) = registry(Access::Password) else { return };
    let case = Case::new();
    let path = case.helper();
    let case = Case { workspace: case.workspace.env("PATH", &path) };
    case.workspace.file("docker/config.json", "{\"credsStore\": \"test\"}");
    let host = registry.host();
    let right = case.run(&format!("login -u ships --password-stdin http://{host}/"), "open sesame");
    assert_eq!(right.code(), Some(0), "{right}");
    assert!(right.stdout.contains("kept by docker-credential-test"), "{right}");
    assert!(!case.config().contains("auth\""), "{}", case.config());
    case.workspace.file(
        "states/pipeline.yml",
        format!("pipeline: {{image: '{}', stages: [dev]}}\n", registry.name("web")),
    );
    let shown = case.run("pipeline", "");
    assert!(shown.stdout.contains("(no tag yet)"), "{shown}");
    assert!(case.run(&format!("logout {host}"), "").stdout.contains("removed from docker-credential-test"));
    assert!(!case.workspace.path("bin/kept").exists());
}

#[test]
fn a_registry_for_anybody_says_so_and_a_dead_one_keeps_nothing() {
    let Some(mut registry) = registry(Access::Anyone) else { return };
    let (case, host) = (Case::new(), registry.host());
    let open = case.run(&format!("login -u me --password-stdin {host}"), "x");
    assert_eq!(open.code(), Some(0), "{open}");
    assert!(open.stderr.contains("lets in anybody"), "{open}");
    let before = case.config();
    registry.stop();
    let dead = case.run(&format!("login -u other --password-stdin {host}"), "x");
    assert_eq!(dead.code(), Some(1), "{dead}");
    assert_eq!(case.config(), before);
}

#[test]
fn what_is_missing_is_asked_for_by_name() {
    let case = Case::new();
    for (words, said) in [
        ("login reg.example", "--username"),
        ("login -u me reg.example", "--password-stdin"),
        ("login -u me:you --password-stdin reg.example", "has no `:`"),
        ("login -u me --password-stdin a?b", "is no registry"),
    ] {
        let run = case.run(words, "");
        assert_eq!(run.code(), Some(64), "{words}: {run}");
        assert!(run.stderr.contains(said), "{words}: {run}");
    }
}
