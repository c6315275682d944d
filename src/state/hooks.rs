//! `hooks.yml`: which environment follows which branch or tag, and who may push there. A file of the host, never of
//! a pushed tree.

use std::path::{Component, Path};
use std::sync::Arc;
use std::time::Duration;

use super::decode::decode;
use super::policy::Scope;
use super::tree::Plain;
use super::yaml;
use crate::resource::whole_seconds;
use crate::source::{Diagnostic, Diagnostics, Entry, Node, Place, did_you_mean};

/// What the host says about pushes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hooks {
    pub environments: Vec<Environment>,
    /// What no pushed tree may declare.
    pub policy: Vec<String>,
}

/// One environment that follows a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    pub name: String,
    /// Whole names of branches or tags; `*` stands for anything.
    pub refs: Vec<String>,
    /// The state file in the pushed tree.
    pub state: String,
    pub on_push: OnPush,
    /// What becomes of a push of which nobody can say whether it would work.
    pub on_unknown: OnUnknown,
    /// Who may push there: names of users, `key:SHA256:…`; nobody else. Nothing: whoever may push to the repository.
    pub allow: Option<Vec<String>>,
    /// Whether the push has to be signed by a key that git trusts.
    pub signed: bool,
    /// Where its engine is; nothing for this machine's.
    pub host: Option<String>,
    /// Whether commands that the tree declares are run on this machine.
    pub guards: bool,
    /// How long a push waits for the dry run.
    pub timeout: Duration,
    /// What states may concern here.
    pub scope: Scope,
}

/// What is done with a push that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnPush {
    /// Its plan is shown.
    Test,
    /// Its plan is saved.
    Plan,
    Apply,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    Refuse,
    Warn,
}

const WORDS: [&str; 2] = ["environments", "policy"];
const ENVIRONMENT: [&str; 11] = [
    "ref",
    "state",
    "on_push",
    "gate_on_unknown",
    "allow",
    "signed",
    "host",
    "guards",
    "timeout",
    "projects",
    "images",
];
const EXAMPLE: &str = "write `environments: {prod: {ref: main, state: states/prod.yml}}`";
/// Ways to an engine.
const SCHEMES: [&str; 5] = ["unix", "tcp", "ssh", "http", "https"];
/// Where evenkeel writes what runs.
const OWN_REFS: &str = "refs/evenkeel";
const TIMEOUT: Duration = Duration::from_secs(30);

impl Environment {
    /// One with nothing but its name: everything else is as the host has not said otherwise.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            refs: Vec::new(),
            state: format!("states/{name}.yml"),
            on_push: OnPush::Test,
            on_unknown: OnUnknown::Refuse,
            allow: None,
            signed: false,
            host: None,
            guards: false,
            timeout: TIMEOUT,
            scope: Scope::default(),
        }
    }

    /// True if the environment follows this branch or tag.
    pub fn follows(&self, reference: &str) -> bool {
        self.refs.iter().any(|pattern| matches(pattern, reference))
    }
}

/// Reads the host's file. `policies` are the words that `policy` takes.
///
/// # Errors
/// Every mistake in it, or why it cannot be read.
pub fn hooks(path: &Path, policies: &[&'static str]) -> Result<Hooks, Diagnostics> {
    let mut problems = Diagnostics::default();
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        Diagnostic::error_without_place(format!("cannot read {name}: {error}")).hint(EXAMPLE)
    })?;
    let file = Plain(Arc::clone(&decode(&name, bytes)?));
    let mut hooks = Hooks::default();
    if let Some(root) = yaml::load(&file, &mut problems) {
        let mut reader = Reader { problems: &mut problems };
        for entry in reader.entries(&root, "the file of hooks", &WORDS) {
            match entry.key.as_str() {
                "environments" => hooks.environments = reader.environments(&entry.value),
                _ => hooks.policy = reader.policy(&entry.value, policies),
            }
        }
    }
    if hooks.environments.is_empty() && !problems.has_errors() {
        let place = Place::in_file(&file.0, 1, 1);
        problems.push(Diagnostic::error(&place, "no environment follows anything").hint(EXAMPLE));
    }
    if problems.has_errors() { Err(problems) } else { Ok(hooks) }
}

struct Reader<'a> {
    problems: &'a mut Diagnostics,
}

impl Reader<'_> {
    /// The entries of a mapping whose keys are known; others are told.
    fn entries<'n>(&mut self, node: &'n Node, what: &str, words: &[&'static str]) -> Vec<&'n Entry> {
        let Some(entries) = node.as_map() else {
            let message = format!("{what} is a mapping, this is {}", node.sort());
            self.problems.push(Diagnostic::error(&node.place, message));
            return Vec::new();
        };
        let (known, unknown): (Vec<_>, Vec<_>) =
            entries.iter().partition(|entry| words.contains(&entry.key.as_str()));
        for entry in unknown {
            let meant = did_you_mean(&entry.key, words.iter().copied());
            self.problems.push(
                Diagnostic::error(&entry.key_place, format!("`{}` is no option of {what}", entry.key))
                    .hint(format!("it takes: {}", words.join(", ")))
                    .maybe_hint(meant.map(|word| format!("did you mean `{word}`?"))),
            );
        }
        known
    }

    fn environments(&mut self, node: &Node) -> Vec<Environment> {
        let Some(entries) = node.as_map() else {
            let message = format!("`environments` is a mapping of names, this is {}", node.sort());
            self.problems.push(Diagnostic::error(&node.place, message));
            return Vec::new();
        };
        entries.iter().map(|entry| self.environment(entry)).collect()
    }

    fn environment(&mut self, entry: &Entry) -> Environment {
        let mut environment = Environment::named(&entry.key);
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        // It is a part of the names of refs.
        if entry.key.is_empty() || !entry.key.chars().all(is_name) || ref_flaw(&entry.key).is_some() {
            self.problems.push(
                Diagnostic::error(&entry.key_place, format!("`{}` cannot be an environment", entry.key))
                    .hint("use letters, digits, `-`, `_` and `.`, as git takes them in a branch's name"),
            );
        }
        for word in self.entries(&entry.value, "an environment", &ENVIRONMENT) {
            let value = &word.value;
            match word.key.as_str() {
                "ref" => {
                    environment.refs = self.checked(value, ref_fault).iter().map(|it| whole(it)).collect()
                }
                "state" => {
                    if let Some(state) = self.checked(value, state_fault).pop() {
                        environment.state = state;
                    }
                }
                "on_push" => {
                    let words = [("test", OnPush::Test), ("plan", OnPush::Plan), ("apply", OnPush::Apply)];
                    environment.on_push = self.one_of(word, &words).unwrap_or(environment.on_push);
                }
                "gate_on_unknown" => {
                    let words = [("refuse", OnUnknown::Refuse), ("warn", OnUnknown::Warn)];
                    environment.on_unknown = self.one_of(word, &words).unwrap_or(environment.on_unknown);
                }
                "allow" => environment.allow = Some(self.checked(value, allow_fault)),
                "signed" => environment.signed = self.is_true(word),
                "guards" => environment.guards = self.is_true(word),
                "host" => environment.host = self.checked(value, host_fault).pop(),
                "projects" => environment.scope.projects = Some(self.words(value)),
                "images" => environment.scope.images = Some(self.words(value)),
                _ => match value.text().and_then(whole_seconds).filter(|seconds| (1..=600).contains(seconds))
                {
                    Some(seconds) => environment.timeout = Duration::from_secs(seconds),
                    None => self
                        .problems
                        .push(Diagnostic::error(&value.place, "`timeout` takes a time from `1s` to `10m`")),
                },
            }
        }
        if environment.refs.is_empty() {
            self.problems.push(
                Diagnostic::error(&entry.key_place, format!("{} follows no branch and no tag", entry.key))
                    .hint("write `ref: main`, `ref: release/*` or `ref: refs/tags/v*`"),
            );
        }
        environment
    }

    /// A list of texts, or one, of which `fault` says what is wrong.
    fn checked(&mut self, node: &Node, fault: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let words = self.words(node);
        for fault in words.iter().filter_map(|word| fault(word)) {
            self.problems.push(Diagnostic::error(&node.place, fault));
        }
        words
    }

    fn is_true(&mut self, entry: &Entry) -> bool {
        self.one_of(entry, &[("true", true), ("false", false)]).unwrap_or(false)
    }

    fn policy(&mut self, node: &Node, policies: &[&'static str]) -> Vec<String> {
        let words = self.words(node);
        for word in words.iter().filter(|word| !policies.contains(&word.as_str())) {
            let meant = did_you_mean(word, policies.iter().copied());
            self.problems.push(
                Diagnostic::error(&node.place, format!("`{word}` is no policy"))
                    .hint(format!("it takes: {}", policies.join(", ")))
                    .maybe_hint(meant.map(|word| format!("did you mean `{word}`?"))),
            );
        }
        words
    }

    fn one_of<T: Copy>(&mut self, entry: &Entry, words: &[(&str, T)]) -> Option<T> {
        let found = entry.value.text().and_then(|text| words.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            let message = format!("`{}` takes {}", entry.key, known.join(", "));
            self.problems.push(Diagnostic::error(&entry.value.place, message));
        }
        found.map(|(_, value)| *value)
    }

    fn text(&mut self, node: &Node) -> Option<String> {
        let text = node.text().filter(|text| !node.is_null() && !text.trim().is_empty());
        if text.is_none() {
            self.problems
                .push(Diagnostic::error(&node.place, format!("a text belongs here, not {}", node.sort())));
        }
        text.map(str::to_owned)
    }

    /// A list of texts, or one.
    fn words(&mut self, node: &Node) -> Vec<String> {
        match node.as_list() {
            Some(items) => items.iter().filter_map(|item| self.text(item)).collect(),
            None => self.text(node).into_iter().collect(),
        }
    }
}

/// The whole name of a branch or a tag.
fn whole(name: &str) -> String {
    if name.starts_with("refs/") { name.to_owned() } else { format!("refs/heads/{name}") }
}

/// What git does not take in the name of a ref.
/// Source: git-check-ref-format(1).
fn ref_flaw(name: &str) -> Option<&'static str> {
    let is_bad = |c: char| c.is_ascii_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '[' | '\\');
    let part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    if name.chars().any(is_bad) {
        Some("blanks, `~`, `^`, `:`, `?`, `[` and `\\` do not belong there")
    } else if name.contains("..") || name.contains("@{") || name == "@" || name.ends_with('.') {
        Some("neither do `..`, `@{` and a dot at the end")
    } else if name.split('/').any(part) {
        Some("a part of it is empty, begins with a dot or ends with `.lock`")
    } else {
        None
    }
}

fn ref_fault(name: &str) -> Option<String> {
    let whole = whole(name);
    if whole == OWN_REFS || whole.starts_with(&format!("{OWN_REFS}/")) {
        return Some(format!("`{name}` cannot be followed: evenkeel writes there what runs"));
    }
    ref_flaw(&whole).map(|flaw| format!("`{name}` is no name of a branch or tag: {flaw}"))
}

fn state_fault(path: &str) -> Option<String> {
    let is_inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    (!is_inside)
        .then(|| format!("`{path}` is not in the pushed tree; write a path such as `states/prod.yml`"))
}

fn allow_fault(who: &str) -> Option<String> {
    let key = who.strip_prefix("key:")?;
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let hash = key.strip_prefix("SHA256:").unwrap_or_default();
    (hash.is_empty() || !hash.chars().all(is_base64))
        .then(|| format!("`{who}` is no fingerprint: `key:SHA256:…`, as `ssh-keygen -lf KEY.pub` prints it"))
}

fn host_fault(host: &str) -> Option<String> {
    let is_known = match host.split_once("://") {
        Some((scheme, _)) => SCHEMES.contains(&scheme),
        None => host.starts_with("context:"),
    };
    (!is_known).then(|| {
        format!("`{host}` is no engine: it takes `unix://…`, `tcp://…`, `ssh://…`, or `context:NAME`")
    })
}

/// True if a name is of a pattern, in which `*` stands for anything, slashes included.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| matches(after, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Hooks, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hooks.yml");
        std::fs::write(&path, text).expect("a file");
        hooks(&path, &["no_latest", "no_privileged"])
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn an_environment_has_defaults() {
        let hooks = read("environments:\n  prod: {ref: main}\n").expect("fine");
        let prod = &hooks.environments[0];
        assert_eq!(
            (prod.state.as_str(), prod.on_push, prod.guards),
            ("states/prod.yml", OnPush::Test, false)
        );
        assert_eq!(prod.refs, ["refs/heads/main"]);
        assert_eq!((prod.on_unknown, prod.timeout.as_secs()), (OnUnknown::Refuse, 30));
    }

    #[test]
    fn everything_can_be_said() {
        let hooks = read(
            "policy: [no_latest]\nenvironments:\n  qa:\n    ref: ['release/*', refs/tags/v*]\n    state: qa.yml\n    \
             on_push: apply\n    gate_on_unknown: warn\n    allow: [alice, 'key:SHA256:x']\n    signed: true\n    \
             host: ssh://x\n    guards: true\n    timeout: 1m\n",
        );
        let hooks = hooks.expect("fine");
        let qa = &hooks.environments[0];
        assert!(
            qa.follows("refs/heads/release/1.4")
                && qa.follows("refs/tags/v1")
                && !qa.follows("refs/heads/main")
        );
        assert!(!qa.follows("refs/heads/xrelease/1"));
        assert_eq!(
            (qa.on_push, qa.on_unknown, qa.signed, qa.guards),
            (OnPush::Apply, OnUnknown::Warn, true, true)
        );
        assert_eq!((qa.timeout.as_secs(), hooks.policy), (60, vec!["no_latest".to_owned()]));
    }

    #[test]
    fn mistakes_are_told_all_at_once() {
        for (text, said) in [
            ("- a\n", "is a mapping"),
            ("environments: {}\n", "no environment"),
            ("environments: {prod: {}}\n", "follows no branch"),
            ("environments: {prod: {ref: main, on_push: deploy}}\n", "`on_push` takes"),
            ("environments: {prod: {ref: main, timeout: 0s}}\n", "`timeout` takes"),
            ("environments: {prod: {ref: main, onpush: apply}}\n", "did you mean `on_push`"),
            ("environments: {../x: {ref: main}}\n", "cannot be an environment"),
            ("", "no environment"),
            ("environments: {a.lock: {ref: main}, x..y: {ref: main}}\n", "`x..y` cannot be an environment"),
            ("environments: {prod: {ref: 'ma..in'}}\n", "no name of a branch"),
            ("environments: {prod: {ref: 'main['}}\n", "no name of a branch"),
            ("environments: {prod: {ref: refs/evenkeel/x}}\n", "cannot be followed"),
            (
                "environments: {prod: {ref: main, allow: ['key:', 'key:abc']}}\n",
                "`key:abc` is no fingerprint",
            ),
            ("environments: {prod: {ref: main, state: /etc/passwd}}\n", "not in the pushed tree"),
            ("environments: {prod: {ref: main, state: ../x.yml}}\n", "not in the pushed tree"),
            ("environments: {prod: {ref: main, host: 'foo://x'}}\n", "is no engine"),
            // Of several mistakes each is told.
            ("environments: {prod: {ref: main, on_push: x, signed: y}}\n", "`signed` takes"),
            ("policy: [no_latests]\nenvironments: {prod: {ref: main}}\n", "did you mean `no_latest`"),
        ] {
            let told = read(text).expect_err(text);
            assert!(told.contains(said), "{text}: {told}");
        }
    }

    #[test]
    fn patterns_match_whole_names() {
        assert!(matches("refs/tags/v*", "refs/tags/v1.4.2"));
        assert!(matches("refs/heads/*", "refs/heads/a/b"));
        assert!(matches("*", "refs/heads/a"));
        assert!(!matches("refs/heads/main", "refs/heads/main2"));
        assert!(matches("refs/heads/r*-x", "refs/heads/r-1-x"));
    }
}
