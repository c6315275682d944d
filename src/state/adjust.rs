//! What one state says about another one's declaration: `extend`, `exclude` and `use`.

use std::collections::HashMap;

use super::chunk::Chunk;
use super::gather::Gathered;
use super::index::Index;
use super::parse::{Declaration, Excluded};
use super::target::matches;
use super::word::{Direction, Meaning, OPTIONS};
use crate::source::{Diagnostic, Diagnostics, did_you_mean};

/// Puts the arguments of every `extend` on top of the states that it names, by id or by name.
pub fn apply_extends(gathered: &mut Gathered, problems: &mut Diagnostics) {
    if gathered.extends.is_empty() {
        return;
    }
    let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
    for (n, declaration) in gathered.declarations.iter().enumerate() {
        by_id.entry(declaration.id.clone()).or_default().push(n);
        let name = declaration.arguments.get("name").and_then(|entry| entry.value.text());
        if let Some(name) = name.filter(|name| *name != declaration.id) {
            by_id.entry(name.to_owned()).or_default().push(n);
        }
    }
    for extension in &gathered.extends {
        let pattern = &extension.target.pattern;
        let of_kind = |declaration: &Declaration| declaration.kind.name() == extension.kind.name();
        let candidates = [extension.origin.outer_id(pattern), pattern.clone()];
        let found = candidates.iter().filter_map(|id| by_id.get(id)).flatten();
        let Some(n) = found.copied().find(|n| of_kind(&gathered.declarations[*n])) else {
            let names = || by_id.keys().map(String::as_str);
            let other = by_id.get(pattern).and_then(|found| found.first());
            let hint = match other {
                Some(other) => {
                    let kind = gathered.declarations[*other].kind.name();
                    Some(format!("`{pattern}` is a {kind}: write `{kind}:` below it"))
                }
                None => did_you_mean(pattern, names()).map(|meant| format!("did you mean `{meant}`?")),
            };
            problems.push(
                Diagnostic::error(
                    &extension.place,
                    format!("there is no {} `{pattern}` to extend", extension.kind.name()),
                )
                .maybe_hint(hint.or_else(|| Some("include the file that declares it".to_owned()))),
            );
            continue;
        };
        let declaration = &mut gathered.declarations[n];
        declaration.arguments.extend(&extension.arguments);
        if let Some(function) = extension.function {
            declaration.function = function;
        }
    }
}

/// Takes out what is excluded; an exclusion that concerns nothing is an error.
pub fn apply_excludes(gathered: &mut Gathered, problems: &mut Diagnostics) {
    for exclusion in std::mem::take(&mut gathered.excludes) {
        let before = gathered.declarations.len();
        let (found, hint) = match &exclusion.what {
            Excluded::Sls(pattern) => {
                gathered.declarations.retain(|declaration| !matches(pattern, &declaration.origin.sls));
                let files = gathered.includes.keys();
                let found = gathered.includes.keys().any(|sls| matches(pattern, sls));
                (found, did_you_mean(pattern, files.map(String::as_str)))
            }
            Excluded::Id(id) => {
                let hint =
                    did_you_mean(id, gathered.declarations.iter().map(|d| d.id.as_str())).map(str::to_owned);
                gathered.declarations.retain(|declaration| declaration.id != *id);
                let found = gathered.declarations.len() < before;
                if !found {
                    report(&exclusion.place, id, hint.as_deref(), problems);
                }
                (true, None)
            }
        };
        if let Excluded::Sls(pattern) = &exclusion.what
            && !found
        {
            report(&exclusion.place, pattern, hint, problems);
        }
    }
}

fn report(place: &crate::source::Place, what: &str, meant: Option<&str>, problems: &mut Diagnostics) {
    problems.push(
        Diagnostic::error(place, format!("there is no `{what}` to exclude"))
            .maybe_hint(meant.map(|meant| format!("did you mean `{meant}`?"))),
    );
}

/// Copies the arguments that `use` and `use_in` ask for: not the requisites, not the name, and
/// nothing that a state says itself.
pub fn apply_uses(chunks: &mut [Chunk], index: &Index, problems: &mut Diagnostics) {
    let mut sources: HashMap<usize, Vec<usize>> = HashMap::new();
    for (n, chunk) in chunks.iter().enumerate() {
        for wish in chunk.wishes().filter(|wish| wish.requisite.meaning == Meaning::Use) {
            for found in index.find(&wish.target, &wish.origin) {
                let (user, source) = match wish.requisite.direction {
                    Direction::Own => (n, found),
                    Direction::In => (found, n),
                };
                if chunks[user].kind.name() != chunks[source].kind.name()
                    || chunks[user].vocabulary != chunks[source].vocabulary
                {
                    problems.push(Diagnostic::error(
                        &wish.place,
                        format!(
                            "{} cannot use the arguments of {}",
                            chunks[user].title(),
                            chunks[source].title()
                        ),
                    ));
                } else if user != source {
                    sources.entry(user).or_default().push(source);
                }
            }
        }
    }
    let mut done: HashMap<usize, bool> = HashMap::new();
    let mut users: Vec<_> = sources.keys().copied().collect();
    users.sort_unstable();
    for user in users {
        copy(user, &sources, &mut done, chunks, problems);
    }
}

/// Copies depth first, so that what a source uses itself comes along.
fn copy(
    user: usize,
    sources: &HashMap<usize, Vec<usize>>,
    done: &mut HashMap<usize, bool>,
    chunks: &mut [Chunk],
    problems: &mut Diagnostics,
) {
    match done.get(&user) {
        Some(true) => return,
        Some(false) => {
            let chunk = &chunks[user];
            problems
                .push(Diagnostic::error(&chunk.place, format!("{} uses its own arguments", chunk.title())));
            return;
        }
        None => done.insert(user, false),
    };
    for source in sources.get(&user).into_iter().flatten() {
        copy(*source, sources, done, chunks, problems);
        let given = chunks[*source].arguments.entries.clone();
        for entry in &given {
            let own = matches!(entry.key.as_str(), "name" | "names" | "was")
                || (OPTIONS.contains(&entry.key.as_str()) && entry.key == "order");
            if !own {
                chunks[user].arguments.add_default(entry);
            }
        }
    }
    done.insert(user, true);
}
