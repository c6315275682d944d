//! The client against real engines: every way to them, every step, and what is read back.

mod connections;
mod containers;
mod fixture;
mod images;
mod registry;
