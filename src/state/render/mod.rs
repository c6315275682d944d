//! Templates: text in, text out, with the way back from rendered lines to template lines. Pure:
//! a template runs no command and reads nothing outside of the tree.

mod changeable;
mod data;
mod explain;
mod filters;
mod import;
mod limits;
mod markers;
mod rendered;
mod renderer;
mod rewrite;
mod scan;
mod secrets;
mod sources;
#[cfg(test)]
mod tests;

pub use rendered::Rendered;
pub use renderer::{Renderer, Subject, Surroundings};
