//! `evenkeel secret`: the files themselves. Needs no engine.

use std::os::unix::fs::PermissionsExt as _;

use super::{IDENTITY, OTHER_IDENTITY, clean_folder, clean_run, encrypt, recipient, settings};
use crate::rig::workspace::{Run, Workspace};

const VALUES: [&str; 2] = ["value-one-of-it", "value-two-of-it"];
const FILE: &str = "secrets/prod.age";

fn workspace() -> Workspace {
    let workspace = Workspace::without_engine();
    workspace.file("evenkeel.yml", settings("none", "")).file("id.txt", IDENTITY);
    workspace.file("other.txt", OTHER_IDENTITY);
    workspace
}

/// Edits with a script of the shell, which has the file as `$1`.
fn edit(workspace: &Workspace, script: &str) -> Run {
    workspace.file("editor", format!("#!/bin/sh\nset -e\n{script}\n"));
    let path = workspace.path("editor");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    let editor = format!("EDITOR={}", path.display());
    let program = env!("CARGO_BIN_EXE_evenkeel");
    let run = std::process::Command::new("env")
        .args([&editor, "VISUAL=", program, "secret", "edit", FILE])
        .current_dir(workspace.root())
        .env("HOME", workspace.path(".home"))
        .output()
        .expect("it runs");
    Run {
        status: run.status,
        stdout: String::from_utf8_lossy(&run.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&run.stderr).into_owned(),
    }
}

#[test]
fn a_file_is_edited_in_a_private_place_and_nothing_is_lost() {
    let workspace = workspace();
    let bytes = || std::fs::read(workspace.path(FILE)).expect("it is there");
    let seen = workspace.path("seen");
    let note = format!("stat -c '%a %n' \"$1\" \"$(dirname \"$1\")\" > {}", seen.display());
    let made = edit(&workspace, &format!("{note}; echo 'one: value-one-of-it' > \"$1\"")).expect(0);
    assert!(made.stdout.contains("secrets/prod.age is encrypted"), "{made}");
    let note = std::fs::read_to_string(&seen).expect("the editor ran");
    let mut lines = note.lines().filter_map(|line| line.split_once(' '));
    let ((file, path), (folder, _)) = (lines.next().expect("a file"), lines.next().expect("a folder"));
    assert_eq!((file, folder), ("600", "700"));
    assert!(!std::path::Path::new(path).exists(), "it is gone");

    // What is not changed is not encrypted anew, and no failure changes or loses anything.
    let before = bytes();
    let same = edit(&workspace, "grep -q value-one-of-it \"$1\"").expect(0);
    assert!(same.stdout.contains("is as it was"), "{same}");
    let failed = clean_run(edit(&workspace, "exit 7"), &VALUES).expect(1);
    assert!(failed.stderr.contains("ended with exit code 7"), "{failed}");
    for (script, told) in [
        ("echo 'two: value-two-of-it' >> \"$1\"; exit 7", "ended with exit code 7"),
        ("echo 'two: [value-two-of-it' >> \"$1\"", "is no YAML"),
        ("echo 'two: abc' >> \"$1\"", "`two`: its value has fewer than 4"),
    ] {
        let failed = clean_run(edit(&workspace, script), &VALUES).expect(1);
        let kept = "what was typed is kept, encrypted, in secrets/prod.age.draft";
        assert!(failed.stderr.contains(told) && failed.stderr.contains(kept), "{failed}");
        assert_eq!(bytes(), before);
        std::fs::remove_file(workspace.path("secrets/prod.age.draft")).expect("it is there");
    }
    workspace.remove("editor");
    clean_folder(workspace.root(), &[], &VALUES);
}

#[test]
fn files_are_encrypted_anew_for_others() {
    let workspace = workspace();
    let run = |words: &str| clean_run(workspace.run(words.split_whitespace()), &VALUES);
    encrypt(&workspace, FILE, "one: value-one-of-it\n");
    let there = workspace.run_with(["secret", "encrypt", "-o", FILE], "one: value-two-of-it\n").expect(64);
    assert!(there.stderr.contains("is there already; --force"), "{there}");
    let printed = workspace.run_with(["secret", "encrypt"], "one: value-one-of-it\n").expect(0);
    assert!(printed.stdout.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"), "{printed}");

    let list = run("secret list --env prod").expect(0);
    assert_eq!(list.stdout, "one  `one` in secrets/prod.age\n");
    run("secret check --env prod").expect(0);
    let theirs = run("secret check --env prod -i other.txt").expect(3);
    assert!(theirs.stderr.contains("none of the identities can decrypt it"), "{theirs}");
    let theirs = run("secret list --env prod -i other.txt").expect(1);
    assert!(theirs.stderr.contains("none of the identities"), "{theirs}");

    let both = format!("{}, {}", recipient(IDENTITY), recipient(OTHER_IDENTITY));
    let text = settings("none", "").replace(recipient(IDENTITY), &both);
    workspace.file("evenkeel.yml", text);
    let rotated = run("secret rotate").expect(0);
    assert_eq!(rotated.stdout, "secrets/prod.age is encrypted anew\n");
    run("secret check --env prod -i other.txt").expect(0);
    run("secret check --env prod").expect(0);

    // Nothing is written where one cannot be read, or nobody is there to encrypt for.
    workspace.file("secrets/damaged.age", "no age");
    let before = std::fs::read(workspace.path(FILE)).expect("it is there");
    let failed = run("secret rotate").expect(1);
    assert!(failed.stderr.contains("secrets/damaged.age: it is not encrypted with age"), "{failed}");
    workspace.file("evenkeel.yml", "project: none\nsecrets: {identities: id.txt}\n");
    let failed = run("secret rotate secrets/prod.age").expect(1);
    assert!(failed.stderr.contains("there is nobody to encrypt for"), "{failed}");
    assert_eq!(std::fs::read(workspace.path(FILE)).expect("it is there"), before);
    workspace.file(
        "evenkeel.yml",
        "secrets: {recipient: x, from: {a b: {env: X}, c: value, d: {file: a, env: b}, e: {url: x}}}\n",
    );
    let wrong = run("secret list").expect(3);
    for told in [
        "`recipient` is no setting of secrets",
        "did you mean `recipients`?",
        "`a b` cannot be the name of a secret",
        "it is not said where `c` comes from",
        "`d` comes from several places",
        "`url` is nothing that a secret comes from",
    ] {
        assert!(wrong.stderr.contains(told), "{told} is missing: {wrong}");
    }
}

#[test]
fn a_secret_stands_where_its_value_is_only_handed_on() {
    let workspace = workspace();
    let run = |states: &str| {
        workspace.file("states/prod.yml", states);
        clean_run(workspace.run(["check", "states/prod.yml"]), &[])
    };
    let web = |options: &str| format!("web:\n  container.running:\n    image: a:1\n    {options}\n");
    let secret = "\"x{{ secret('one') }}\"";
    for (options, told) in [
        ("name: S", "a secret cannot stand in the name of a state: x(secret one)"),
        ("image: S", "`image` cannot hold a secret"),
        ("hostname: S", "`hostname` cannot hold a secret"),
        ("memory: S", "`memory` cannot hold a secret"),
        ("volumes: [S]", "`volumes` cannot hold a secret"),
        ("raw: {Domainname: S}", "`raw` cannot hold a secret"),
        ("onlyif: S", "let the command read the secret itself"),
        ("env: {S: a}", "a secret cannot stand in a key"),
        ("wait: {log: S}", "at this place of `wait`, only in commands"),
        ("healthcheck: {test: 'true', interval: S}", "at this place of `healthcheck`, only in commands"),
    ] {
        let options = options.replace('S', secret);
        let text = web(&options).replace(&format!("    image: a:1\n    {}", "image"), "    image");
        let told_of = run(&text).expect(3);
        assert!(told_of.stderr.contains(told), "{told} is missing: {told_of}");
        assert!(told_of.stderr.contains("states/prod.yml:"), "{told_of}");
    }
    let build = "app:1:\n  image.built:\n    context: ../app\n    args: {A: \"{{ secret('one') }}\"}\n";
    let told = run(build).expect(3);
    assert!(told.stderr.contains("arguments of a build stand in the image's history"), "{told}");
    let id = run("\"web{{ secret('one') }}\":\n  container.running: {image: a:1}\n").expect(3);
    assert!(id.stderr.contains("the id of a state: web(secret one)"), "{id}");
    // Pillar hands it on as well, and lets nobody look into it either.
    workspace.file("states/pillar/prod.yml", "db: \"{{ secret('one') }}\"\n");
    run(&web("env: {A: \"pg://{{ pillar.db }}@db\"}")).expect(0);
    for (expression, told) in [
        ("pillar.db[:3]", "an expression has cut a secret into pieces"),
        ("pillar.db | length", "the filter `length` would have to look into a secret"),
    ] {
        let cut = run(&web(&format!("env: {{A: \"{{{{ {expression} }}}}\"}}"))).expect(3);
        assert!(cut.stderr.contains(told) && cut.stderr.contains("states/prod.yml:4"), "{cut}");
    }
    // What may be is fine, and warned of where others see it.
    let fine =
        run(&web(&format!("env: [A={}]\n    command: [run, {secret}]", "{{ secret('one') }}"))).expect(0);
    assert!(fine.stdout.contains("fine") || fine.stderr.contains("1 warning"), "{fine}");
    assert!(fine.stderr.contains("`command` holds the secret `one`"), "{fine}");
}
