//! The words that belong to the language itself, whatever the kind of a state.

use super::graph::Relation;

/// Top-level keys that are no ids.
pub const RESERVED: [&str; 7] = ["include", "extend", "exclude", "project", "params", "defaults", "import"];

/// Arguments that `options` reads.
pub const OPTIONS: [&str; 10] = [
    "order",
    "failhard",
    "retry",
    "onlyif",
    "unless",
    "creates",
    "check_cmd",
    "was",
    "protect",
    "watch_action",
];

/// Salt's arguments that mean nothing here; they are accepted with a warning.
pub const NOISE: [&str; 12] = [
    "parallel",
    "fire_event",
    "reload_modules",
    "reload_grains",
    "reload_pillar",
    "runas",
    "runas_password",
    "umask",
    "saltenv",
    "provider",
    "aggregate",
    "cmd_opts_exclude",
];

/// A requisite as it is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requisite {
    pub word: &'static str,
    pub meaning: Meaning,
    pub direction: Direction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Each target counts.
    All(Relation),
    /// One of the targets is enough.
    Any(Relation),
    /// Arguments of the target are taken over.
    Use,
}

/// Which of the two has written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The state that waits.
    Own,
    /// The target of what is meant: `require_in`.
    In,
}

/// Finds a requisite by its word.
pub fn requisite(word: &str) -> Option<Requisite> {
    REQUISITES.iter().find(|known| known.word == word).copied()
}

const fn all(word: &'static str, relation: Relation) -> Requisite {
    Requisite { word, meaning: Meaning::All(relation), direction: Direction::Own }
}

const fn any(word: &'static str, relation: Relation) -> Requisite {
    Requisite { word, meaning: Meaning::Any(relation), direction: Direction::Own }
}

const fn all_in(word: &'static str, relation: Relation) -> Requisite {
    Requisite { word, meaning: Meaning::All(relation), direction: Direction::In }
}

static REQUISITES: [Requisite; 19] = [
    all("require", Relation::Require),
    any("require_any", Relation::Require),
    all_in("require_in", Relation::Require),
    all("watch", Relation::Watch),
    any("watch_any", Relation::Watch),
    all_in("watch_in", Relation::Watch),
    all("onchanges", Relation::OnChanges),
    any("onchanges_any", Relation::OnChanges),
    all_in("onchanges_in", Relation::OnChanges),
    // As in Salt, one failure is enough unless `onfail_all` is written.
    any("onfail", Relation::OnFail),
    any("onfail_any", Relation::OnFail),
    all("onfail_all", Relation::OnFail),
    Requisite { word: "onfail_in", meaning: Meaning::Any(Relation::OnFail), direction: Direction::In },
    all("prereq", Relation::Prereq),
    all_in("prereq_in", Relation::Prereq),
    // Salt reacts at the end of the run; here every reaction comes after all that is watched.
    all("listen", Relation::Watch),
    all_in("listen_in", Relation::Watch),
    Requisite { word: "use", meaning: Meaning::Use, direction: Direction::Own },
    Requisite { word: "use_in", meaning: Meaning::Use, direction: Direction::In },
];
