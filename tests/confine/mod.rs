//! Trees that others have written and pushed to a host: each attack, and what it is told.

mod commands;
mod limits;
mod policies;
mod reads;
mod runs;
mod tree;
