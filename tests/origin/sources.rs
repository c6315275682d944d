//! The repository that a build's files come from.

use super::Tree;
use crate::rig::engines;
use std::path::Path;
use std::process::Command;

fn git(folder: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=ann", "-c", "user.email=ann@example", "-c", "init.defaultBranch=main"]);
    let output = command.args(words).current_dir(folder).output().expect("git is installed");
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn the_commit_and_the_remote_are_on_record_without_credentials() {
    engines::each(|engine| {
        let tree = Tree::new(engine);
        tree.dockerfile("image", "FROM scratch\nCOPY a /a\n");
        tree.workspace.file("image/a", "1").file(".gitignore", ".home\n");
        tree.declare("$app:1: {image.built: {context: image}}");
        let root = tree.workspace.root();
        git(root, &["init", "-q"]);
        git(root, &["add", "image"]);
        git(root, &["commit", "-q", "-m", "one"]);
        git(
            root,
            &["remote", "add", "origin", "https://me:s3cret-word@git.example/shop/web.git?key=s3cret-word"],
        );
        let first = git(root, &["rev-parse", "HEAD"]);
        tree.apply(&[]);
        let record = || tree.metadata("app:1")[0].clone();
        assert_eq!(record()["gitref"], first.as_str());
        assert_eq!(record()["git_remote"], "https://git.example/shop/web.git");
        let labels = tree.labels("app:1");
        assert_eq!(labels["org.opencontainers.image.revision"], first.as_str());
        assert_eq!(labels["org.opencontainers.image.source"], "https://git.example/shop/web.git");
        assert!(!labels.to_string().contains("s3cret-word"), "{labels}");
        // A commit alone changes nothing.
        git(root, &["commit", "-q", "--allow-empty", "-m", "two"]);
        tree.rests();
        assert_eq!(record()["gitref"], first.as_str());
        // What was changed and not committed is built, and said.
        tree.workspace.file("image/a", "2");
        tree.apply(&[]);
        let second = git(root, &["rev-parse", "HEAD"]);
        assert_eq!(record()["gitref"], format!("{second}-dirty"));
        git(root, &["commit", "-q", "-a", "-m", "three"]);
        tree.rests();
        assert_eq!(git(root, &["status", "--porcelain", "image"]), "");
    });
}

#[test]
fn what_a_maker_says_in_the_standards_words_stays() {
    engines::each(|engine| {
        let tree = Tree::new(engine);
        tree.dockerfile(
            "base",
            "FROM scratch\nLABEL org.opencontainers.image.source=https://base.example org.opencontainers.image.title=base\n",
        );
        tree.dockerfile("app", "FROM $base:1\nLABEL org.opencontainers.image.title=\"my own\"\n");
        tree.declare(
            "$base:1: {image.built: {context: base}}\n\
             $app:1: {image.built: {context: app, labels: {org.opencontainers.image.revision: mine, quote: \"it's\"}, metadata: {version: '1.4'}}}",
        );
        tree.apply(&[]);
        tree.rests();
        let labels = tree.labels("app:1");
        let said = |key: &str| labels[format!("org.opencontainers.image.{key}")].as_str().map(str::to_owned);
        assert_eq!(said("title").as_deref(), Some("my own"));
        assert_eq!(said("revision").as_deref(), Some("mine"));
        assert_eq!(said("version").as_deref(), Some("1.4"));
        // The base's repository is not where this comes from.
        assert_eq!(said("source").as_deref(), Some(""));
        assert_eq!(labels["quote"], "it's");
        assert_eq!(tree.labels("base:1")["org.opencontainers.image.source"], "https://base.example");
    });
}
