//! A fake engine for tests: behaves as measured engines do, and otherwise as unpleasantly as it may.
//! It chooses ids, addresses and times of its own, answers in any order, refuses, loses answers and
//! dies when it is told to. It knows nothing of `World::predict`, so that the laws notice what the
//! planner believes wrongly.

mod chance;
mod config;
mod containers;
mod docker;
mod faults;
mod hands;
mod images;
mod lifecycle;
mod networks;
mod observe;
mod perform;
mod shown;

pub use docker::{Fake, Release};
pub use faults::{Fault, Record};
