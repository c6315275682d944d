//! Turns requisites into edges.

use std::collections::{HashMap, HashSet};

use super::chunk::Chunk;
use super::graph::{Edge, Relation};
use super::index::Index;
use super::target::Condition;
use super::word::{Direction, Meaning};
use crate::resource::is_job_state;
use crate::source::{Diagnostic, Diagnostics, Place};

/// Every edge that is declared, between numbers of chunks; a target that is not there is an
/// error.
pub fn requisite_edges(
    chunks: &[Chunk],
    index: &Index,
    problems: &mut Diagnostics,
) -> Vec<(usize, usize, Edge)> {
    let mut edges = Vec::new();
    let mut seen = HashSet::new();
    let mut groups: HashMap<(usize, Relation), u32> = HashMap::new();
    for (n, chunk) in chunks.iter().enumerate() {
        for wish in chunk.wishes() {
            let found = index.find(&wish.target, &wish.origin);
            if found.is_empty() && !index.exists(&wish.target, &wish.origin) {
                problems.push(
                    Diagnostic::error(
                        &wish.place,
                        format!(
                            "`{}` wants `{}`, and there is no such state",
                            wish.requisite.word,
                            wish.target.shown()
                        ),
                    )
                    .maybe_hint(index.suggest(&wish.target)),
                );
            }
            let (relation, is_any) = match wish.requisite.meaning {
                Meaning::All(relation) => (relation, false),
                Meaning::Any(relation) => (relation, true),
                Meaning::Use => continue,
            };
            let many = wish.target.is_glob() || found.len() > 1;
            for target in found {
                if let Some(problem) = cannot_be(wish.target.condition, &chunks[target], &wish.place) {
                    problems.push(problem);
                    continue;
                }
                // A pattern means the others.
                if target == n && many {
                    continue;
                }
                let (waiting, requisite) = match wish.requisite.direction {
                    Direction::Own => (n, target),
                    Direction::In => (target, n),
                };
                let next_group = u32::try_from(groups.len()).unwrap_or(u32::MAX);
                let any_group = is_any.then(|| *groups.entry((waiting, relation)).or_insert(next_group));
                // Who has written `prereq` goes before its target.
                let (from, to) =
                    if relation == Relation::Prereq { (waiting, requisite) } else { (requisite, waiting) };
                if seen.insert((from, to, relation, any_group)) {
                    let (condition, place) = (wish.target.condition, Some(wish.place.clone()));
                    edges.push((from, to, Edge { relation, any_group, condition, place }));
                } else if wish.target.condition != Condition::Started
                    && let Some((.., edge)) =
                        edges.iter_mut().find(|(f, t, edge): &&mut (usize, usize, Edge)| {
                            (*f, *t, edge.relation, edge.any_group) == (from, to, relation, any_group)
                        })
                {
                    // The same target twice: the stronger wish counts.
                    edge.condition = wish.target.condition;
                }
            }
        }
    }
    edges
}

/// Complains about a condition that the target never comes to.
fn cannot_be(condition: Condition, target: &Chunk, place: &Place) -> Option<Diagnostic> {
    let (id, function) = (&target.id, target.function.name);
    match (condition, is_job_state(function)) {
        (Condition::Completed, false) => Some(
            Diagnostic::error(
                place,
                format!("`{id}` never completes: it is `container.{function}` ({})", target.place),
            )
            .hint(format!("if it is to run to its end, declare it with `{id}: job.ran`")),
        ),
        (Condition::Healthy, true) => Some(
            Diagnostic::error(
                place,
                format!("`{id}` is a job, which is waited for until its end ({})", target.place),
            )
            .hint(format!("write `{id}: completed`")),
        ),
        _ => None,
    }
}
