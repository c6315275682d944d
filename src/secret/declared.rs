//! What a tree says of its secrets: `secrets:` in `evenkeel.yml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::source::{Diagnostic, Diagnostics, Entry, Node, Place, did_you_mean, is_secret_name};

/// The folder where secrets are looked up that no file declares.
pub const FOLDER: &str = "secrets";
/// The file of all environments.
const COMMON: &str = "common";

/// Where a tree has its secrets. Holds no value.
#[derive(Debug, Clone, Default)]
pub struct Declarations {
    /// The folder of the tree.
    pub root: PathBuf,
    pub env: String,
    /// Whom files are encrypted for: keys, or paths of files that list them.
    pub recipients: Vec<(String, Place)>,
    /// Files with identities, as they are written; `~` stands for the home folder.
    pub identities: Vec<String>,
    pub named: BTreeMap<String, Declared>,
}

/// One secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub origin: Origin,
    pub place: Place,
}

/// Where a value comes from. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A key of a mapping that is encrypted as a whole.
    Age { file: PathBuf, key: String },
    /// The text of a file.
    File(PathBuf),
    /// A variable of the environment of this process.
    Variable(String),
    /// What a command of this machine's shell prints.
    Command(String),
}

const WORDS: [&str; 3] = ["recipients", "identities", "from"];
const ORIGINS: [&str; 5] = ["age", "key", "file", "env", "command"];
const SHAPE: &str =
    "write `{age: secrets/prod.age, key: NAME}`, `{file: PATH}`, `{env: VARIABLE}` or `{command: COMMAND}`";

impl Declarations {
    /// The files where a secret is looked up that is not declared: the first that has it counts.
    pub fn usual_files(&self) -> Vec<PathBuf> {
        let folder = self.root.join(FOLDER);
        let mut stems = vec![self.env.as_str(), COMMON];
        stems.retain(|stem| !stem.is_empty());
        stems.dedup();
        stems.into_iter().map(|stem| folder.join(format!("{stem}.age"))).collect()
    }

    /// What a person would call a file: its path from the root.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// Every encrypted file of the tree: those that are named, and those in the usual folder.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = self
            .named
            .values()
            .filter_map(|declared| match &declared.origin {
                Origin::Age { file, .. } => Some(file.clone()),
                Origin::File(_) | Origin::Variable(_) | Origin::Command(_) => None,
            })
            .collect();
        let inside = std::fs::read_dir(self.root.join(FOLDER)).into_iter().flatten().filter_map(Result::ok);
        files.extend(
            inside.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "age")),
        );
        files.sort();
        files.dedup();
        files
    }
}

/// Reads the mapping below `secrets:`.
pub fn declarations(node: &Node, root: &Path, problems: &mut Diagnostics) -> Declarations {
    let mut found = Declarations { root: root.to_owned(), ..Declarations::default() };
    let Some(entries) = node.as_map() else {
        let message = format!("`secrets` is a mapping, this is {}", node.sort());
        problems
            .push(Diagnostic::error(&node.place, message).hint(format!("it takes: {}", WORDS.join(", "))));
        return found;
    };
    for entry in entries {
        match entry.key.as_str() {
            "recipients" => {
                found.recipients = texts(entry, "a key such as `age1…`, or a file that lists some", problems);
            }
            "identities" => {
                let files = texts(entry, "a file with identities", problems);
                found.identities = files.into_iter().map(|(file, _)| file).collect();
            }
            "from" => match entry.value.as_map() {
                Some(secrets) => secrets.iter().for_each(|secret| {
                    if let Some(declared) = one(secret, root, problems) {
                        found.named.insert(secret.key.clone(), declared);
                    }
                }),
                None => problems.push(
                    Diagnostic::error(
                        &entry.value.place,
                        format!("`from` is a mapping of names, this is {}", entry.value.sort()),
                    )
                    .hint(format!("for each name {SHAPE}")),
                ),
            },
            other => problems.push(
                Diagnostic::error(&entry.key_place, format!("`{other}` is no setting of secrets"))
                    .hint(format!("it takes: {}", WORDS.join(", ")))
                    .maybe_hint(did_you_mean(other, WORDS).map(|word| format!("did you mean `{word}`?"))),
            ),
        }
    }
    found
}

/// One text or a list of them.
fn texts(entry: &Entry, what: &str, problems: &mut Diagnostics) -> Vec<(String, Place)> {
    let node = &entry.value;
    let items = node.as_list().unwrap_or(std::slice::from_ref(node));
    let mut found = Vec::new();
    for item in items {
        match item.text().filter(|text| !item.is_null() && !text.is_empty()) {
            Some(text) => found.push((text.to_owned(), item.place.clone())),
            None => problems.push(Diagnostic::error(
                &item.place,
                format!("`{}` takes {what}, or a list of those; this is {}", entry.key, item.sort()),
            )),
        }
    }
    found
}

fn one(secret: &Entry, root: &Path, problems: &mut Diagnostics) -> Option<Declared> {
    let name = &secret.key;
    if !is_secret_name(name) {
        problems.push(
            Diagnostic::error(&secret.key_place, format!("`{name}` cannot be the name of a secret"))
                .hint("names are letters, digits, `_`, `-` and `.`, and begin with a letter or a digit"),
        );
        return None;
    }
    let wrong = |place: &Place, message: String| Diagnostic::error(place, message).hint(SHAPE);
    let Some(words) = secret.value.as_map() else {
        let message = format!("it is not said where `{name}` comes from: this is {}", secret.value.sort());
        // A value that is written here is no secret, and shall not be shown for that.
        problems.push(wrong(&secret.key_place, message));
        return None;
    };
    let mut said: BTreeMap<&str, &str> = BTreeMap::new();
    for word in words {
        match word.value.text().filter(|text| !word.value.is_null() && !text.is_empty()) {
            _ if !ORIGINS.contains(&word.key.as_str()) => {
                let meant = did_you_mean(&word.key, ORIGINS).map(|word| format!("did you mean `{word}`?"));
                let message = format!("`{}` is nothing that a secret comes from", word.key);
                problems.push(wrong(&word.key_place, message).maybe_hint(meant));
                return None;
            }
            Some(text) => drop(said.insert(&word.key, text)),
            None => {
                let message = format!("`{}` takes a text, this is {}", word.key, word.value.sort());
                problems.push(wrong(&word.value.place, message));
                return None;
            }
        }
    }
    let key = said.remove("key");
    let origin = match (said.into_iter().collect::<Vec<_>>().as_slice(), key) {
        ([("age", file)], key) => {
            Origin::Age { file: root.join(file), key: key.unwrap_or(name.as_str()).to_owned() }
        }
        ([("file", path)], None) => Origin::File(root.join(path)),
        ([("env", variable)], None) => Origin::Variable((*variable).to_owned()),
        ([("command", command)], None) => Origin::Command((*command).to_owned()),
        (_, Some(_)) => {
            problems.push(wrong(&secret.key_place, "`key` goes with `age` and nothing else".to_owned()));
            return None;
        }
        (several, None) => {
            let message = match several {
                [] => format!("it is not said where `{name}` comes from"),
                _ => format!("`{name}` comes from several places"),
            };
            problems.push(wrong(&secret.key_place, message));
            return None;
        }
    };
    Some(Declared { origin, place: secret.key_place.clone() })
}
