//! What goes wrong, and when; and what was asked for meanwhile.

use std::collections::BTreeMap;

use crate::world::Step;

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The engine says no, and leaves the traces that it leaves then.
    Refuse,
    /// The call does not reach the engine.
    NotSent,
    /// It is done, and the answer is lost.
    LoseAnswer,
    /// It is not done, and nobody learns that.
    LoseCall,
    /// The process that talks to the engine dies before the call.
    DieBefore,
    /// It dies as soon as the call is done.
    DieAfter,
}

impl Fault {
    pub const ALL: [Self; 6] =
        [Self::Refuse, Self::NotSent, Self::LoseAnswer, Self::LoseCall, Self::DieBefore, Self::DieAfter];

    pub fn kills(self) -> bool {
        matches!(self, Self::DieBefore | Self::DieAfter)
    }
}

/// One call.
#[derive(Debug, Clone)]
pub struct Record {
    pub step: Step,
    /// When it began and when it was answered, by a count of all such moments.
    pub began: u64,
    pub ended: Option<u64>,
    /// True if the engine did it.
    pub done: bool,
    /// Id of the object that it made.
    pub made: Option<String>,
}

#[derive(Clone, Default)]
pub(super) struct Faults {
    planned: BTreeMap<usize, Fault>,
    pub records: Vec<Record>,
    moments: u64,
    pub is_dead: bool,
}

impl Faults {
    pub fn new(planned: &[(usize, Fault)]) -> Self {
        Self { planned: planned.iter().copied().collect(), ..Self::default() }
    }

    /// Takes note of a call that begins; gives its number and what is to become of it.
    pub fn begin(&mut self, step: &Step) -> (usize, Option<Fault>) {
        let number = self.records.len();
        let began = self.moment();
        self.records.push(Record { step: step.clone(), began, ended: None, done: false, made: None });
        (number, self.planned.get(&number).copied())
    }

    pub fn done(&mut self, number: usize, made: Option<String>) {
        self.records[number].done = true;
        self.records[number].made = made;
    }

    pub fn end(&mut self, number: usize) {
        self.records[number].ended = Some(self.moment());
    }

    fn moment(&mut self) -> u64 {
        self.moments += 1;
        self.moments
    }
}
