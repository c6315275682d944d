//! The laws on real engines: scenarios for every kind and for combinations, deaths at every call,
//! and trees that nobody wrote.

mod builds;
mod containers;
mod drift;
mod failures;
mod foresight;
mod generator;
mod images;
mod laws;
mod matrix;
mod networks;
mod options;
mod random;
mod scene;
mod together;
mod trees;
mod values;
mod volumes;
