//! Where values come from, on folders of files.

use std::fs;

use tempfile::TempDir;

use super::super::crypt::{Identities, encrypt};
use super::*;
use crate::secret::{Declared, Recipients};

const IDENTITY: &str = include_str!("fixtures/identity.txt");
const OTHER: &str = include_str!("fixtures/other.txt");

struct Tree {
    folder: TempDir,
    declarations: Declarations,
    lookup: Lookup,
}

fn recipients(identity: &str) -> Recipients {
    let mut identities = Identities::default();
    identities.add_lines(identity).expect("identities");
    identities.recipients()
}

impl Tree {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().to_owned();
        fs::create_dir(root.join("secrets")).expect("a folder");
        fs::write(root.join("id.txt"), IDENTITY).expect("a file");
        let declarations = Declarations {
            root: root.clone(),
            env: "prod".to_owned(),
            identities: vec!["nowhere.txt".to_owned(), "id.txt".to_owned()],
            ..Declarations::default()
        };
        Self { folder, declarations, lookup: Lookup { directory: root, ..Lookup::default() } }
    }

    fn encrypted(&self, name: &str, identity: &str, plain: &str) {
        let bytes = encrypt(plain.as_bytes(), &recipients(identity)).expect("a file");
        fs::write(self.folder.path().join("secrets").join(name), bytes).expect("a file");
    }

    fn declare(&mut self, name: &str, origin: Origin) {
        let declared = Declared { origin, place: Place::outside("evenkeel.yml") };
        self.declarations.named.insert(name.to_owned(), declared);
    }

    async fn open(&self, names: &[&str]) -> Result<Vec<String>, String> {
        let used = names.iter().map(|name| ((*name).to_owned(), Place::outside("states/prod.yml")));
        match open(&used.collect(), &self.declarations, &self.lookup).await {
            Ok((vault, _)) => {
                let token = |name: &&str| crate::source::token(name);
                let values =
                    names.iter().map(|name| vault.resolve(&token(name)).map(|value| value.to_string()));
                values.collect::<Result<_, _>>().map_err(|unknown| unknown.to_string())
            }
            Err(problems) => {
                let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
                Err(told.join("\n"))
            }
        }
    }
}

#[tokio::test]
async fn the_file_of_the_environment_comes_before_the_common_one() {
    let tree = Tree::new();
    tree.encrypted("prod.age", IDENTITY, "a: of-prod\n");
    tree.encrypted("common.age", IDENTITY, "a: of-common\nb: of-common\n");
    assert_eq!(tree.open(&["a", "b"]).await, Ok(vec!["of-prod".to_owned(), "of-common".to_owned()]));
    let used = [("a".to_owned(), Place::outside("x"))].into();
    let (_, files) = open(&used, &tree.declarations, &tree.lookup).await.expect("it is there");
    assert_eq!(files.keys().collect::<Vec<_>>(), ["secrets/prod.age"], "only what was needed is read");
}

#[tokio::test]
async fn a_secret_comes_from_where_it_is_declared() {
    let mut tree = Tree::new();
    let root = tree.folder.path().to_owned();
    tree.encrypted("other.age", IDENTITY, "key: of-a-key\nsame: of-a-name\n");
    fs::write(root.join("value"), "of-a-file\n").expect("a file");
    tree.lookup.variables.insert("VALUE".to_owned(), "of-a-variable".to_owned());
    let file = root.join("secrets/other.age");
    tree.declare("aged", Origin::Age { file: file.clone(), key: "key".to_owned() });
    tree.declare("same", Origin::Age { file, key: "same".to_owned() });
    tree.declare("file", Origin::File(root.join("value")));
    tree.declare("variable", Origin::Variable("VALUE".to_owned()));
    tree.declare("command", Origin::Command("echo of-a-command; echo else >&2".to_owned()));
    let expected = ["of-a-key", "of-a-name", "of-a-file", "of-a-variable", "of-a-command"];
    let found = tree.open(&["aged", "same", "file", "variable", "command"]).await;
    assert_eq!(found, Ok(expected.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn what_cannot_be_had_is_told_with_place_reason_and_remedy_and_without_values() {
    let mut tree = Tree::new();
    let root = tree.folder.path().to_owned();
    tree.encrypted("prod.age", IDENTITY, "password: value-of-it\n");
    tree.encrypted("theirs.age", OTHER, "a: value-of-it\n");
    tree.encrypted("broken.age", IDENTITY, "a: [value-of-it\n");
    tree.encrypted("list.age", IDENTITY, "[value-of-it]\n");
    fs::write(root.join("secrets/plain.age"), "a: value-of-it\n").expect("a file");
    fs::write(root.join("empty"), "\n").expect("a file");
    let age = |file: &str| Origin::Age { file: root.join("secrets").join(file), key: "a".to_owned() };
    for (name, origin) in [
        ("theirs", age("theirs.age")),
        ("broken", age("broken.age")),
        ("list", age("list.age")),
        ("plain", age("plain.age")),
        ("gone", age("gone.age")),
        ("nokey", age("prod.age")),
        ("empty", Origin::File(root.join("empty"))),
        ("unset", Origin::Variable("NONE".to_owned())),
        ("fails", Origin::Command("echo value-of-it; echo no value-of-it here >&2; exit 4".to_owned())),
    ] {
        tree.declare(name, origin);
    }
    for (name, told) in [
        (
            "pasword",
            &[
                "there is no secret `pasword`",
                "did you mean `password`?",
                "secrets/common.age (there is no such",
            ][..],
        ),
        (
            "theirs",
            &[
                "secrets/theirs.age: none of the identities",
                "age1",
                "evenkeel secret rotate",
                "declared at evenkeel.yml",
            ],
        ),
        ("broken", &["line 2 of what it holds is no YAML"]),
        ("list", &["no mapping of names to values"]),
        ("plain", &["it is not encrypted with age"]),
        ("gone", &["secrets/gone.age: No such file"]),
        ("nokey", &["there is no `a` in it"]),
        ("number", &["`number` is no text in it: put its value into quotes"]),
        ("empty", &["its value is empty"]),
        ("unset", &["environment variable NONE: it is not set"]),
        ("fails", &["it ended with exit code 4: no *** here"]),
    ] {
        if name == "number" {
            // One value that is no text spoils its file.
            tree.encrypted("prod.age", IDENTITY, "number: 123456\n");
        }
        let problem = tree.open(&[name]).await.expect_err(name);
        for part in told {
            assert!(problem.contains(part), "{part} is missing: {problem}");
        }
        assert!(problem.contains("states/prod.yml"), "{problem}");
        // The command of `fails` is the tree's own text.
        assert!(name == "fails" || !problem.contains("value-of-it"), "{problem}");
        tree.encrypted("prod.age", IDENTITY, "password: value-of-it\n");
    }
}

#[tokio::test]
async fn the_environment_names_the_identity_before_the_tree_does() {
    let mut tree = Tree::new();
    tree.encrypted("prod.age", OTHER, "a: value-of-it\n");
    assert!(tree.open(&["a"]).await.is_err());
    fs::write(tree.folder.path().join("other.txt"), OTHER).expect("a file");
    tree.lookup.variables.insert(VARIABLE.to_owned(), "other.txt".to_owned());
    assert_eq!(tree.open(&["a"]).await, Ok(vec!["value-of-it".to_owned()]));
    tree.lookup.variables.insert(VARIABLE.to_owned(), "nowhere.txt".to_owned());
    let problem = tree.open(&["a"]).await.expect_err("it was named");
    assert!(problem.contains("cannot read the identity") && problem.contains("nowhere.txt"), "{problem}");

    // One of this user's own is found without being named.
    tree.lookup.variables.clear();
    let home = tree.folder.path().join("home");
    fs::create_dir_all(home.join(".config/evenkeel")).expect("a folder");
    fs::write(home.join(".config/evenkeel/identity.txt"), OTHER).expect("a file");
    tree.lookup.home = Some(home);
    assert_eq!(tree.open(&["a"]).await, Ok(vec!["value-of-it".to_owned()]));
}
