//! Whose things states may concern: their project, and the images that they make, push and remove.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::graph::{State, StateGraph};
use super::super::hooks::matches;
use crate::host::{ArchiveError, archive_names};
use crate::resource::image_reference;
use crate::source::{Diagnostic, Diagnostics};
use crate::world::ImageReference;

/// What states may concern on a host; nothing said: everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    pub projects: Option<Vec<String>>,
    /// Names of images without tags; `*` stands for anything.
    pub images: Option<Vec<String>>,
}

/// What makes a name mean another image on the host, or in a registry.
const CHANGING: [&str; 5] = ["built", "loaded", "tagged", "pushed", "absent"];

impl Scope {
    pub(super) fn check(&self, graph: &StateGraph) -> Diagnostics {
        let mut problems = Diagnostics::default();
        let project = &graph.owner.project;
        if let Some(projects) = &self.projects
            && !projects.contains(project)
        {
            let known = projects.join(", ");
            problems.push(
                Diagnostic::error_without_place(format!(
                    "the project `{project}` is not deployed from here; this is where {known} comes from"
                ))
                .note("another repository, or somebody at the host, may have that project")
                .hint("say so in evenkeel.yml; or who keeps the host allows it: `projects` in hooks.yml"),
            );
        }
        let Some(patterns) = &self.images else { return problems };
        for state in graph.graph.node_weights().filter(|state| state.kind.name() == "image" && !state.implied)
        {
            if !CHANGING.contains(&state.function.name) {
                continue;
            }
            let tags = state.spec.value("tags").and_then(serde_json::Value::as_array).into_iter().flatten();
            let further = tags.filter_map(serde_json::Value::as_str).map(str::to_owned);
            let loaded = match loaded_names(state) {
                Ok(names) => names,
                Err(error) => {
                    problems.push(
                        Diagnostic::error(&state.place, format!("{}: {error}", state.title()))
                            .note(format!("the host allows: {}", patterns.join(", ")))
                            .hint("save it anew with `docker save`"),
                    );
                    continue;
                }
            };
            let own = std::iter::once(image_reference(&state.name, &state.spec));
            for name in own.chain(further).chain(loaded).collect::<BTreeSet<_>>() {
                if !patterns.iter().any(|pattern| is_of(pattern, &name)) {
                    problems.push(
                        Diagnostic::error(
                            &state.place,
                            format!(
                                "{}: the image `{name}` is not for this repository to change",
                                state.title()
                            ),
                        )
                        .note(format!("the host allows: {}", patterns.join(", ")))
                        .hint("give it another name; `images` in the host's hooks.yml says which"),
                    );
                }
            }
        }
        problems
    }
}

/// Every name that the archive of a state gives to images: loading one loads all. One that is not there is told
/// elsewhere.
///
/// # Errors
/// If nobody can say which they are.
pub fn loaded_names(state: &State) -> Result<BTreeSet<String>, ArchiveError> {
    match state.spec.text("path").filter(|_| state.function.name == "loaded").map(Path::new) {
        Some(path) if path.exists() => archive_names(path),
        _ => Ok(BTreeSet::new()),
    }
}

/// True if an image is of a pattern, in whatever spelling of either.
fn is_of(pattern: &str, name: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let pattern = match ImageReference::parse(pattern) {
        ImageReference::Named { registry, repository, .. } => format!("{registry}/{repository}"),
        ImageReference::Id(_) => return false,
    };
    match ImageReference::parse(name) {
        ImageReference::Named { registry, repository, .. } => {
            matches(&pattern, &format!("{registry}/{repository}"))
        }
        // It could be any.
        ImageReference::Id(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_in_every_spelling() {
        for (pattern, name) in [
            ("web", "web:1"),
            ("docker.io/library/web", "web"),
            ("shop/*", "shop/a/b:2"),
            ("*", "0123456789ab"),
            (
                "reg.example:5000/shop/*",
                "reg.example:5000/shop/web@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            ),
        ] {
            assert!(is_of(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("web", "webs"),
            ("shop/*", "other.example/shop/web"),
            ("shop/*", "sha256:0000000000000000000000000000000000000000000000000000000000000000"),
            ("shop/*", "0123456789ab"),
        ] {
            assert!(!is_of(pattern, name), "{pattern} {name}");
        }
    }
}
