//! A plan: for each state what differs, what will be done about it and at what cost.

use std::time::Duration;

use serde_json::Value;

use crate::world::{Owner, Step, Target};

/// Everything that a run will do, in an order that the graph allows.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub owner: Owner,
    pub changes: Vec<Change>,
    /// Objects of ours that no state declares, and that stay because nobody asked to prune them.
    pub orphans: Vec<(&'static str, Target)>,
    /// What a person should know although nothing is wrong.
    pub warnings: Vec<String>,
}

/// The n-th change of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeId(pub usize);

/// The state that a change serves, as reports name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRef {
    pub id: String,
    pub kind: &'static str,
    pub function: String,
    pub name: String,
    /// File and line of the state; empty and 0 for what no state declares (recovery, orphans).
    pub file: String,
    pub line: u32,
}

/// One state, compared with the world.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub id: ChangeId,
    pub state: StateRef,
    pub action: Action,
    pub diff: Vec<FieldDiff>,
    /// Why, in a few words. Where nothing will be done: why it was not looked at, or empty.
    pub cause: String,
    pub effect: Effect,
    /// What else a person should know of it.
    pub notes: Vec<String>,
    /// Why it cannot be done. Such a change has no steps and fails.
    pub blockers: Vec<String>,
    /// Why it will not even be tried: something that it waits for cannot be done.
    pub skipped: Option<String>,
    pub steps: Steps,
    /// Changes that have to go before it; if one fails, this one is skipped.
    pub after: Vec<ChangeId>,
    /// Groups of changes of which at least one has to succeed.
    pub after_any: Vec<Vec<ChangeId>>,
    pub when: When,
    pub retry: Option<Retry>,
    /// A failure of this change ends the run.
    pub failhard: bool,
}

/// When a change is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    Always,
    /// Only if one of these fails.
    OnFailure(Vec<ChangeId>),
}

/// How often a failed change is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    pub attempts: u32,
    pub interval: Duration,
    /// Up to so much, by chance, is added to each interval.
    pub splay: Duration,
}

/// What a change does, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    None,
    Create,
    Start,
    Stop,
    Rename,
    Signal,
    Update,
    Restart,
    Replace,
    Remove,
    Pull,
    Build,
    Load,
    Push,
    Save,
    Recover,
    Refuse,
    Tag,
    Run,
    Adopt,
}

impl Action {
    /// The word that reports, JSON and plan texts use.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Create => "create",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Rename => "rename",
            Self::Signal => "signal",
            Self::Update => "update",
            Self::Restart => "restart",
            Self::Replace => "replace",
            Self::Remove => "remove",
            Self::Pull => "pull",
            Self::Build => "build",
            Self::Load => "load",
            Self::Push => "push",
            Self::Save => "save",
            Self::Recover => "recover",
            Self::Refuse => "refuse",
            Self::Tag => "tag",
            Self::Run => "run",
            Self::Adopt => "adopt",
        }
    }
}

/// What a change means for those whom the object serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nobody notices.
    None,
    /// Away for a moment, between the stop of the old and the start of the new container.
    Brief,
    /// The same container is restarted.
    Restart,
    /// It serves no longer.
    Ends,
}

impl Effect {
    /// A few words for reports; nothing where nobody notices.
    pub fn words(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Brief => Some("brief interruption"),
            Self::Restart => Some("interrupted by a restart"),
            Self::Ends => Some("service ends"),
        }
    }
}

/// One field that differs, in the form that people write. Secrets are masked already.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDiff {
    /// Our name for the field, with a key behind a dot where one key of a map differs.
    pub field: String,
    /// What was observed; null if it was not set.
    pub from: Value,
    /// What is declared; null for going back to the default.
    pub to: Value,
    pub impact: Impact,
}

/// What a difference costs, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Impact {
    /// It is told, and nothing is done.
    Note,
    /// The engine changes it in place.
    Update,
    /// A signal makes the program take it over.
    Signal,
    /// It takes a restart.
    Restart,
    /// It takes a new object.
    Replace,
    /// It cannot be changed without losing something.
    Refuse,
}

impl Impact {
    /// The word that reports and JSON use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Update => "update",
            Self::Signal => "signal",
            Self::Restart => "restart",
            Self::Replace => "replace",
            Self::Refuse => "refuse",
        }
    }
}

/// The parts of a run. Each phase goes through all changes before the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Finishes or undoes what an earlier run left.
    Recover,
    /// Pulls, builds, creates: everything that can fail while nothing has stopped.
    Prepare,
    /// Stops containers that hand something to each other in a circle.
    Release,
    /// Stops, starts, renames, updates.
    Switch,
    /// Removes what is not needed any more.
    Retire,
}

impl Phase {
    pub const ALL: [Self; 5] = [Self::Recover, Self::Prepare, Self::Release, Self::Switch, Self::Retire];

    pub fn word(self) -> &'static str {
        match self {
            Self::Recover => "recover",
            Self::Prepare => "prepare",
            Self::Release => "release",
            Self::Switch => "switch",
            Self::Retire => "retire",
        }
    }
}

/// The steps of a change, by phase.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Steps {
    pub recover: Vec<Step>,
    pub prepare: Vec<Step>,
    pub release: Vec<Step>,
    pub switch: Vec<Step>,
    pub retire: Vec<Step>,
}

impl Steps {
    pub fn of(&self, phase: Phase) -> &[Step] {
        match phase {
            Phase::Recover => &self.recover,
            Phase::Prepare => &self.prepare,
            Phase::Release => &self.release,
            Phase::Switch => &self.switch,
            Phase::Retire => &self.retire,
        }
    }

    pub fn of_mut(&mut self, phase: Phase) -> &mut Vec<Step> {
        match phase {
            Phase::Recover => &mut self.recover,
            Phase::Prepare => &mut self.prepare,
            Phase::Release => &mut self.release,
            Phase::Switch => &mut self.switch,
            Phase::Retire => &mut self.retire,
        }
    }

    /// All steps in the order in which they are done.
    pub fn iter(&self) -> impl Iterator<Item = &Step> {
        Phase::ALL.into_iter().flat_map(|phase| self.of(phase))
    }

    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl Change {
    /// Why a guard or a requisite left the state out, if one did.
    pub fn not_looked_at(&self) -> Option<&str> {
        (self.action == Action::None && !self.cause.is_empty()).then_some(self.cause.as_str())
    }

    /// True if a run would do something, or would fail, because of it.
    pub fn is_pending(&self) -> bool {
        self.action != Action::None || self.skipped.is_some()
    }
}

impl Plan {
    /// True if a run would do nothing at all.
    pub fn is_empty(&self) -> bool {
        !self.changes.iter().any(|change| change.is_pending() && change.when == When::Always)
    }

    pub fn change(&self, id: ChangeId) -> &Change {
        &self.changes[id.0]
    }
}
