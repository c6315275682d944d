//! `evenkeel.yml`, the settings of a whole tree, and the name of the project.

use super::inputs::Inputs;
use super::parse::Defaults;
use super::reserved::defaults;
use super::tree::{Plain, Tree};
use super::yaml;
use crate::source::{Diagnostic, Diagnostics, did_you_mean};

/// Settings of a tree.
#[derive(Default)]
pub struct Settings {
    pub project: Option<String>,
    pub defaults: Vec<Defaults>,
}

/// Reads the settings, if there are any.
pub fn read(tree: &Tree, problems: &mut Diagnostics) -> Settings {
    let mut settings = Settings::default();
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
            other => problems.push(
                Diagnostic::error(&entry.key_place, format!("`{other}` is not a setting"))
                    .hint("it takes: project, defaults")
                    .maybe_hint(
                        did_you_mean(other, ["project", "defaults"])
                            .map(|word| format!("did you mean `{word}`?")),
                    ),
            ),
        }
    }
    settings
}

/// The project as templates see it: from a state file that says it outside of any expression,
/// else from the settings, else the root folder's name.
pub fn project(inputs: &Inputs, tree: &Tree, settings: &Settings, problems: &mut Diagnostics) -> String {
    for file in &inputs.files {
        let path = inputs.folder.join(file);
        let Ok(path) = path.canonicalize() else { continue };
        match tree.read(&path) {
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
    settings.project.clone().or(folder).unwrap_or_else(|| "evenkeel".to_owned())
}
