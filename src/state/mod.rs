//! State files become a graph of states: load, render, parse, compile. Reads files of the tree and
//! nothing else; what is ambient comes in as `Inputs`.

mod adjust;
mod again;
mod arguments;
mod bounds;
mod chunk;
mod compile;
mod confine;
mod cycles;
mod disputes;
mod draw;
mod gather;
mod graph;
mod hooks;
mod index;
mod inputs;
mod json;
mod line_files;
mod module;
mod options;
mod parse;
mod pillar;
mod pins;
mod pipeline;
mod policy;
mod ranges;
mod read_options;
mod references;
mod render;
mod requisites;
mod reserved;
mod select;
mod settings;
mod target;
#[cfg(test)]
mod tests;
mod tree;
mod warnings;
mod word;
mod yaml;

pub use again::{Again, Dependant};
pub use bounds::Bounds;
pub use compile::{compile, render};
pub use graph::{Edge, Relation, State, StateGraph};
pub use hooks::{Environment, Hooks, OnPush, OnUnknown, hooks};
pub use inputs::{Grains, Inputs, Trust};
pub use options::{Options, Order, Retry, WatchAction};
pub use pins::{Pin, Pins, path as pins_path, written as written_pins};
pub use pipeline::{Pipeline, Pipelines, Requirement, Stage, pipelines};
pub use policy::{Policy, Rule, Scope};
pub use ranges::WantedRange;
pub use render::Rendered;
pub use settings::{RegistryOptions, registries_near};
pub use target::Condition;
