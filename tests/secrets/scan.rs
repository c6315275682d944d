//! Secrets at every place where they may stand, and a look at everything that any command writes anywhere.

use super::{IDENTITY, OTHER_IDENTITY, clean, clean_folder, clean_run, encrypt, settings};
use crate::rig::engines::Engine;
use crate::rig::scope::Scope;
use crate::rig::workspace::{Run, Workspace};
use crate::rig::{engines, images, inspect};

/// What programs write in their own ways.
const AGE: &str = "a/g+e $(value) \"quoted\" \\ 100% 'it' ü&<>";
const COMMON: &str = "-----BEGIN KEY-----\nbGluZSBvbmUgb2YgaXQ\n\nbGluZSB0d28gb2YgaXQ=\n-----END KEY-----";
const FILE: &str = "value-of-a-file: {x}";
const VARIABLE: &str = "value,of;a|variable?#";
const COMMAND: &str = "value of a `command` $HOME";
const VALUES: [&str; 5] = [AGE, COMMON, FILE, VARIABLE, COMMAND];

/// Files that hold values, as they have to.
const SOURCES: [&str; 2] = ["file-value", "command-value"];

struct Scene<'a> {
    engine: &'a Engine,
    workspace: Workspace,
    web: String,
    image: &'static str,
}

impl<'a> Scene<'a> {
    fn new(engine: &'a Engine, scope: &Scope) -> Self {
        let workspace = Workspace::new(scope).on(engine.host()).env("PLANTED", VARIABLE);
        let from = "  from:\n    file: {file: file-value}\n    variable: {env: PLANTED}\n    \
                    command: {command: cat \"$PWD/command-value\"}\n    \
                    broken: {command: 'cat \"$PWD/command-value\"; cat \"$PWD/command-value\" >&2; exit 3'}\n";
        workspace.file("evenkeel.yml", settings(scope.project(), from)).file("id.txt", IDENTITY);
        workspace.file("other.txt", OTHER_IDENTITY).file("file-value", format!("{FILE}\n"));
        workspace.file("command-value", COMMAND);
        let line = |name: &str, value: &str| format!("{name}: {}\n", serde_json::Value::from(value));
        encrypt(&workspace, "secrets/prod.age", &line("age", AGE));
        encrypt(&workspace, "secrets/common.age", &(line("common", COMMON) + &line("age", "another value")));
        Self { engine, workspace, web: scope.name("web"), image: images::bb(engine) }
    }

    /// A container with some more options.
    fn state(&self, options: &str) {
        let (web, image) = (&self.web, self.image);
        let text = format!(
            "{web}:\n  container.running:\n    image: {image}\n    stop_signal: KILL\n    soak: 0s\n    \
             timeout: 5s\n    stable_for: 1s\n{options}"
        );
        self.workspace.file("states/prod.yml", text);
    }

    fn run(&self, words: &str) -> Run {
        clean_run(self.workspace.run(words.split_whitespace()), &VALUES)
    }

    /// Own labels of the container hold no value, although others do.
    fn labels(&self) {
        let labels = inspect::container(self.engine, &self.web)["Config"]["Labels"].clone();
        for (key, value) in labels.as_object().into_iter().flatten() {
            let is_ours = key.starts_with("io.evenkeel.");
            if is_ours {
                clean(key, value.as_str().unwrap_or_default().as_bytes(), &VALUES);
            }
            assert!(is_ours || key != "who" || value == VARIABLE, "the container has it: {value}");
        }
    }
}

/// Every place that may hold a secret.
const EVERYWHERE: &str = r#"    command: [sh, -c, "sleep 1000 # $0", "{{ secret('command') }}"]
    env:
      URL: "pg://u:{{ secret('age') }}@db"
      DB_PASSWORD: "{{ secret('file') }}"
      KEY: {{ secret('common') | json }}
      BOTH: "{{ secret('age') ~ '-' ~ secret('variable') }}"
    labels: {who: "{{ secret('variable') }}"}
    log_opt: {tag: "{{ secret('file') }}"}
    healthcheck: {test: [CMD, test, "{{ secret('common') }}", "!=", ""], interval: 100ms}
    wait: {exec: [test, "{{ secret('age') }}", "!=", ""]}
    post_start: {new: [test, "{{ secret('command') }}", "!=", ""]}
    pre_replace: {here: [test, "{{ secret('file') }}", "!=", ""]}
"#;

#[test]
fn no_command_shows_a_secret() {
    engines::in_turn(|engine| {
        let scope = Scope::new(engine);
        let scene = Scene::new(engine, &scope);
        let network = format!(
            "{}:\n  network.present:\n    driver_opts: {{com.example.a: \"{{{{ secret('age') }}}}\"}}\n",
            scope.name("net")
        );
        scene.state(&format!("{EVERYWHERE}{network}"));
        for words in [
            "render states/prod.yml",
            "check states/prod.yml",
            "graph states/prod.yml",
            "graph states/prod.yml --format dot",
            "apply states/prod.yml --test -v",
            "apply states/prod.yml --test --output json",
            "apply states/prod.yml --test --output highstate",
            "apply states/prod.yml --test --save plan.json --timings",
            "apply states/prod.yml -v",
        ] {
            scene.run(words).expect(0);
        }
        scene.labels();
        let again = scene.run("apply states/prod.yml -v").expect(0);
        assert!(again.stdout.contains("0 changed"), "{again}");
        // By hand, and with another value that was a secret before.
        scene.workspace.file("command-value", "another value of it");
        let test = scene.run("apply states/prod.yml --test -v").expect(0);
        assert!(test.stdout.contains("command: (secret) → (secret)"), "{test}");
        scene.run("apply states/prod.yml --output json").expect(0);
        let web = &scene.web;
        for words in [
            "history",
            "history -v",
            "history --json",
            "status",
            "status --json",
            "status -v",
            "lock status",
            "secret list --env prod",
            "secret list --env prod --json",
            "secret rotate",
        ] {
            scene.run(words).expect(0);
        }
        for words in
            ["diff", "diff --json", "metadata", "examine", "validate", "update", "verify", "rollback"]
        {
            let rest = if words.starts_with("diff") { " 1 2" } else { "" };
            let (word, more) = words.split_once(' ').unwrap_or((words, ""));
            scene.run(&format!("{word} {web}{rest} {more}"));
        }
        scene.run("repair states/prod.yml");
        // `broken` cannot be had, and that is told without it.
        let broken = scene.run("secret check --env prod").expect(3);
        assert!(broken.stderr.contains("it ended with exit code 3: ***"), "{broken}");
        clean_folder(scene.workspace.root(), &SOURCES, &VALUES);
    });
}

#[test]
fn no_failure_shows_a_secret() {
    engines::in_turn(|engine| {
        let scope = Scope::new(engine);
        let scene = Scene::new(engine, &scope);
        let fails = |options: &str, code: i32, told: &str| {
            scene.state(options);
            let test = scene.run("apply states/prod.yml --test -v");
            let run = scene.run("apply states/prod.yml -v");
            let run = if told.is_empty() { run } else { run.expect(code) };
            assert!(format!("{test}{run}").contains(told), "{told} is missing: {run}");
        };
        let said = "printf '%s\\\\n' \\\"$S\\\"; printf '%s' \\\"$S\\\" >&2";
        let env = "    env: {S: {{ (secret('age') ~ secret('common')) | json }}}\n";
        // The container, the engine, a gate, and hooks say it.
        fails(&format!("{env}    command: [sh, -c, \"{said}; exit 3\"]\n"), 1, "(secret age)");
        fails("    command: [\"/no/such/{{ secret('file') }}\"]\n", 1, "(secret file)");
        let up = "    command: [sleep, '1000']\n";
        fails(&format!("{env}{up}    timeout: 1s\n    stable_for: 0s\n    wait: {{exec: [sh, -c, \"{said}; exit 1\"]}}\n").replace("    timeout: 5s\n", ""), 3, "");
        fails(
            &format!(
                "{up}    post_start: [[sh, -c, \"echo $0; exit 1\", \"{{{{ secret('variable') }}}}\"]]\n"
            ),
            1,
            "(secret variable)",
        );
        fails(
            &format!(
                "{up}    post_start: {{here: [sh, -c, \"echo $0; exit 1\", \"{{{{ secret('command') }}}}\"]}}\n"
            ),
            1,
            "(secret command)",
        );
        // So do mistakes around it.
        fails("    env: {A: \"{{ secret('file') }}\", B: [}\n", 3, "error");
        fails("    ports: [\"{{ secret('file') }}\"]\n", 3, "`ports` cannot hold a secret");
        fails("    env: {A: \"{{ secret('broken') }}\"}\n", 3, "it ended with exit code 3: ***");
        fails("    env: {A: \"{{ secret('age') | base64_encode }}\"}\n", 3, "look into a secret");
        fails("    env: {A: \"{{ secret('agee') }}\"}\n", 3, "did you mean `age`?");

        let other = scene.workspace.run(["secret", "check", "--env", "prod", "--identity", "other.txt"]);
        let other = clean_run(other, &VALUES).expect(3);
        assert!(other.stderr.contains("secrets/prod.age: none of the identities can decrypt it"), "{other}");
        assert!(!other.stderr.contains("AGE-SECRET"), "{other}");
        encrypt(&scene.workspace, "secrets/prod.age", &format!("age: [{FILE}\n"));
        fails("    env: {A: \"{{ secret('age') }}\"}\n", 3, "of what it holds is no YAML");
        clean_folder(scene.workspace.root(), &SOURCES, &VALUES);
    });
}
