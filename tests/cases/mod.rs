//! How other tools fail, case by case, on real engines: one file per family, one test per case, named by its number.
//! For every case its neighbours stand beside it.

mod background;
mod defaults;
mod fields;
mod identity;
mod matrix;
mod registries;
mod replaced;
mod resources;
mod scene;
mod spelling;
mod spelling_networks;
mod texts;
