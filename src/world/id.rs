//! What objects are called: by the engine, by a plan, by people.

use std::fmt;

/// The name that a person gave to an object.
pub type Name = String;

/// What an object is, whatever it is called. References between objects are ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// The engine's own id; for volumes, which have none, the name.
    Engine(String),
    /// The n-th object that the plan makes. It is replaced by the engine's id as soon as the
    /// object exists.
    Planned(u32),
}

impl Id {
    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix(PLANNED).and_then(|number| number.parse().ok()) {
            Some(number) => Self::Planned(number),
            None => Self::Engine(text.to_owned()),
        }
    }
}

/// No engine id contains a colon behind a word, apart from `sha256:…`.
pub(super) const PLANNED: &str = "planned:";

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(id) => f.write_str(id),
            Self::Planned(number) => write!(f, "{PLANNED}{number}"),
        }
    }
}

/// What a step acts on. An observed object is addressed by its engine id, so that a stranger who
/// took the name meanwhile is never touched; the name is for people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    pub id: Id,
    pub name: Name,
}

impl Target {
    pub fn new(id: &Id, name: &str) -> Self {
        Self { id: id.clone(), name: name.to_owned() }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
