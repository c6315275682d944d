//! `evenkeel hook`: push to deploy.

mod after;
mod args;
mod gate;
mod manage;
mod place;

pub(super) use args::{HookArgs, run};
