//! `evenkeel.yml`, the settings of a whole tree, and the name of the project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::confine;
use super::inputs::Inputs;
use super::parse::Defaults;
use super::reserved::defaults;
use super::tree::{Plain, Tree};
use super::yaml;
use crate::resource::whole_seconds;
use crate::secret::{Declarations, declarations};
use crate::source::{Diagnostic, Diagnostics, Node, did_you_mean};

/// Settings of a tree.
#[derive(Default)]
pub struct Settings {
    pub project: Option<String>,
    pub defaults: Vec<Defaults>,
    /// By host and port.
    pub registries: BTreeMap<String, RegistryOptions>,
    /// Where secrets come from.
    pub secrets: Declarations,
}

/// How a registry is spoken to, as `evenkeel.yml` has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegistryOptions {
    /// Without TLS.
    pub insecure: bool,
    /// A PEM file of certificates that are trusted besides the system's.
    pub ca: Option<PathBuf>,
    /// Registries that are asked where it cannot be reached.
    pub mirrors: Vec<String>,
    /// How many seconds it may be silent.
    pub timeout: Option<u64>,
}

const SETTINGS: [&str; 4] = ["project", "defaults", "registries", "secrets"];
const REGISTRY: [&str; 4] = ["insecure", "ca", "mirrors", "timeout"];

/// How registries are spoken to in the tree that a folder belongs to, if it belongs to one.
///
/// # Errors
/// If its settings are wrong.
pub fn registries_near(folder: &Path) -> Result<BTreeMap<String, RegistryOptions>, Diagnostics> {
    let Some(tree) = folder.ancestors().find_map(Tree::at) else { return Ok(BTreeMap::new()) };
    let mut problems = Diagnostics::default();
    let settings = read(&tree, &mut problems);
    if problems.has_errors() { Err(problems) } else { Ok(settings.registries) }
}

/// Where the secrets of the tree come from that a folder belongs to, if it belongs to one.
///
/// # Errors
/// If its settings are wrong.
pub fn secrets_near(folder: &Path) -> Result<Option<Declarations>, Diagnostics> {
    let Some(tree) = folder.ancestors().find_map(Tree::at) else { return Ok(None) };
    let mut problems = Diagnostics::default();
    let settings = read(&tree, &mut problems);
    if problems.has_errors() { Err(problems) } else { Ok(Some(settings.secrets)) }
}

/// Reads the settings, if there are any.
pub fn read(tree: &Tree, problems: &mut Diagnostics) -> Settings {
    let mut settings = Settings::default();
    settings.secrets.root.clone_from(&tree.root);
    let Some(path) = tree.settings() else { return settings };
    let file = match tree.read(&path) {
        Ok(file) => file,
        Err(problem) => {
            problems.push(problem);
            return settings;
        }
    };
    let Some(root) = yaml::load(&Plain(file), problems) else { return settings };
    if root.as_map().is_none() && !root.is_null() {
        problems.push(Diagnostic::error(
            &root.place,
            format!("the settings are a mapping, this is {}", root.sort()),
        ));
    }
    for entry in root.as_map().unwrap_or_default() {
        match entry.key.as_str() {
            "defaults" => settings.defaults = defaults(&entry.value, problems),
            "project" => match entry.value.text().filter(|_| !entry.value.is_null()) {
                Some(name) => settings.project = Some(name.to_owned()),
                None => problems.push(Diagnostic::error(
                    &entry.value.place,
                    format!("`project` takes a name, this is {}", entry.value.sort()),
                )),
            },
            "registries" => settings.registries = registries(&entry.value, tree, problems),
            "secrets" => settings.secrets = declarations(&entry.value, &tree.root, problems),
            other => problems.push(
                Diagnostic::error(&entry.key_place, format!("`{other}` is not a setting"))
                    .hint(format!("it takes: {}", SETTINGS.join(", ")))
                    .maybe_hint(did_you_mean(other, SETTINGS).map(|word| format!("did you mean `{word}`?"))),
            ),
        }
    }
    settings
}

/// Reads `registries: {reg.example:5000: {insecure: true, ca: ca.pem, mirrors: [mirror.example]}}`.
fn registries(node: &Node, tree: &Tree, problems: &mut Diagnostics) -> BTreeMap<String, RegistryOptions> {
    let mut registries = BTreeMap::new();
    let expected = |node: &Node, what: &str| {
        Diagnostic::error(&node.place, format!("{what}, this is {}", node.sort()))
            .hint("write `registries: {registry.example:5000: {ca: certs/ca.pem}}`")
    };
    let Some(entries) = node.as_map() else {
        problems.push(expected(node, "`registries` is a mapping of hosts"));
        return registries;
    };
    for entry in entries {
        let mut options = RegistryOptions::default();
        let Some(words) = entry.value.as_map() else {
            problems.push(expected(&entry.value, &format!("the options of {} are a mapping", entry.key)));
            continue;
        };
        for word in words {
            confine::registry(word, &tree.root, &tree.bounds, problems);
            let value = &word.value;
            let listed =
                value.as_list().map(|items| items.iter().map(Node::text).collect::<Option<Vec<_>>>());
            match (word.key.as_str(), value.text().filter(|_| !value.is_null()), listed) {
                ("insecure", Some("true"), _) => options.insecure = true,
                ("insecure", Some("false"), _) => {}
                ("ca", Some(path), _) => options.ca = Some(tree.root.join(path)),
                ("mirrors", _, Some(Some(hosts))) => {
                    options.mirrors = hosts.into_iter().map(str::to_owned).collect();
                }
                ("timeout", Some(time), _) if whole_seconds(time).is_some_and(|time| time > 0) => {
                    options.timeout = whole_seconds(time);
                }
                ("timeout", ..) => problems.push(expected(value, "`timeout` is a time such as `10s`")),
                ("insecure", ..) => problems.push(expected(value, "`insecure` is `true` or `false`")),
                ("ca", ..) => problems.push(expected(value, "`ca` is the path of a PEM file")),
                ("mirrors", ..) => problems.push(expected(value, "`mirrors` is a list of hosts")),
                (other, ..) => problems.push(
                    Diagnostic::error(&word.key_place, format!("`{other}` is no option of a registry"))
                        .hint(format!("it takes: {}", REGISTRY.join(", ")))
                        .maybe_hint(
                            did_you_mean(other, REGISTRY).map(|word| format!("did you mean `{word}`?")),
                        ),
                ),
            }
        }
        registries.insert(entry.key.clone(), options);
    }
    registries
}

/// The project as templates see it: from a state file that says it outside of any expression,
/// else from the settings, else what the caller calls it, else the root folder's name.
pub fn project(inputs: &Inputs, tree: &Tree, settings: &Settings, problems: &mut Diagnostics) -> String {
    for path in &tree.files {
        match tree.read(path) {
            Ok(file) => {
                let said = file.text.lines().find_map(|line| line.strip_prefix("project:"));
                let said = said.map(|name| name.split(" #").next().unwrap_or_default());
                let said = said.map(|name| name.trim().trim_matches(['"', '\'']));
                if let Some(name) = said.filter(|name| !name.is_empty() && !name.contains('{')) {
                    return name.to_owned();
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    let folder = tree.root.file_name().map(|name| name.to_string_lossy().into_owned());
    let fallback = inputs.project.clone().or(folder);
    settings.project.clone().or(fallback).unwrap_or_else(|| "evenkeel".to_owned())
}
