#![doc = include_str!("ARCHITECTURE.md")]

pub mod cli;
pub mod converge;
pub mod engine;
pub mod history;
pub mod host;
pub mod lock;
pub mod plan;
pub mod registry;
pub mod report;
pub mod resource;
pub mod run;
pub mod secret;
pub mod source;
pub mod state;
pub mod trigger;

pub mod world;
