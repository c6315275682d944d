//! What a plan depends on: nothing else decides it.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graph::NodeIndex;

use crate::resource::{Desired, Facts, Found, gate};
use crate::state::{Policy, State, StateGraph};
use crate::world::{Owner, World};

/// Everything that a plan depends on.
pub struct PlanInputs<'a> {
    pub graph: &'a StateGraph,
    pub world: &'a World,
    pub facts: &'a Facts,
    /// What the guards said, by state; states without guards are not in it.
    pub guards: &'a BTreeMap<NodeIndex, Guard>,
    pub options: &'a PlanOptions,
}

/// What a person allowed, and what the run is limited to.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    pub adopt: bool,
    pub prune: bool,
    pub data_loss: DataLoss,
    /// The states that the run is limited to; all if there is none.
    pub only: Option<BTreeSet<NodeIndex>>,
    /// What containers may not have, as far as only the engine can say it.
    pub policy: Policy,
}

/// The volumes that may be lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DataLoss {
    #[default]
    None,
    All,
    Named(BTreeSet<String>),
}

impl DataLoss {
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Named(names) => names.contains(name),
        }
    }
}

/// What the guards of a state said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// The state is to be looked at.
    Open,
    /// It is not, for this reason.
    Closed(String),
    /// A guard could not be asked.
    Broken(String),
}

/// What a state wants, as its kind takes it.
pub fn desired<'a>(state: &'a State, inputs: &PlanInputs<'a>, owner: &'a Owner) -> Desired<'a> {
    Desired {
        id: state.label_id(),
        name: &state.name,
        function: &state.function,
        spec: &state.spec,
        owner,
        was: state.options.was.as_deref(),
        protect: state.options.protect,
        facts: inputs.facts,
        gate: gate(&state.spec),
        yields: false,
    }
}

/// Finds the object that a state means. An object that bears the name of another state is that one's,
/// whatever its labels say: it may have moved on to that name.
pub fn find(state: &State, desired: &Desired<'_>, inputs: &PlanInputs<'_>, world: &World) -> Option<Found> {
    let found = state.kind.find(desired, world)?;
    let name = found.target.name.as_str();
    let is_meant = name == state.name || desired.was == Some(name);
    let mut others = inputs.graph.graph.node_weights();
    let is_taken =
        !is_meant && others.any(|other| other.kind.name() == state.kind.name() && other.name == name);
    (!is_taken).then_some(found)
}
