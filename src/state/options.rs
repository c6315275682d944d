//! The arguments that every state takes, whatever its kind.

use std::time::Duration;

/// How a state is run, as opposed to what its object is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    pub order: Order,
    /// A failure of this state stops the run.
    pub failhard: bool,
    pub retry: Option<Retry>,
    /// Commands that must all succeed for the state to be applied.
    pub onlyif: Vec<String>,
    /// Commands of which one must fail for the state to be applied.
    pub unless: Vec<String>,
    /// Paths of the controller: if all exist, the state is not applied.
    pub creates: Vec<String>,
    /// Commands that decide whether the state has succeeded, after it was applied.
    pub check_cmd: Vec<String>,
    /// The name that the object had before.
    pub was: Option<String>,
    /// Refuses removal and replacement.
    pub protect: bool,
    /// Nothing if it is not said; then Salt's vocabulary means `Replace`, ours `Restart`.
    pub watch_action: Option<WatchAction>,
}

/// Where a state goes among those that no edge orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Order {
    First,
    /// Counted from the start, before the states that say nothing.
    FromStart(u32),
    /// Where it was declared.
    #[default]
    Declared,
    /// Counted from the end: `-1` is `FromEnd(-1)`.
    FromEnd(i32),
    Last,
}

/// How often a failing state is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all, the first included.
    pub attempts: u32,
    pub interval: Duration,
    /// Up to so much, by chance, is added to each interval.
    pub splay: Duration,
}

/// What a watcher does when something that it watches has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchAction {
    Restart,
    Replace,
    /// A signal by name or number, such as `SIGHUP`.
    Signal(String),
}
