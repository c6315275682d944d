//! What was done to what, by whom, and how it ended: one database per user, kept through all runs. Reads no
//! clock and no environment. Whoever records is never stopped by an error of the history: it becomes a warning.

mod database;
mod entry;
mod error;
mod folder;
#[cfg(test)]
mod tests;

pub use database::History;
pub use entry::{Entry, Kind, Outcome};
pub use error::HistoryError;
pub use folder::StatePlaces;
