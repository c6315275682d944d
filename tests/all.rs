//! The one integration binary: scenarios on real engines, behind a recording proxy.
//! Every test owns a `Scope`, so all of them may run side by side in one process.

mod cases;
mod cases2;
mod confine;
mod demo;
mod engine_client;
mod hooks;
mod language;
mod laws;
mod lifecycle;
mod manual;
mod origin;
mod ready_states;
mod registry;
mod replacement;
mod revisions;
mod salt;
mod saved;
mod secrets;
mod structure;

#[allow(dead_code, reason = "the rig offers more than each state of the scenarios needs")]
mod rig;

mod real_laws;
