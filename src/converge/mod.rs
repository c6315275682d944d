//! From states and a world to a plan, and from a plan to what was done. Planning is pure; the
//! executor may stop and wait, but chooses nothing.

mod claims;
mod compare;
mod execute;
mod first_look;
mod foretell;
mod hindrance;
mod hint;
mod hooks;
mod inputs;
mod kept;
mod orphans;
mod owed;
mod phases;
mod plan;
mod reaction;
mod read_back;
mod superseded;
mod undo;
mod unfinished;
mod waits;
mod work;

pub use compare::{FAILING, newcomer_differs, remaining};
pub use execute::{Execution, execute};
pub use foretell::foretell;
pub use inputs::{DataLoss, Guard, PlanInputs, PlanOptions};
pub use plan::plan;
