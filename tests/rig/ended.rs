//! Containers that end by themselves, as soon as they are started. How soon that is depends on the machine: who looks
//! for it must not look before.

use super::engines::Engine;
use super::inspect;
use super::proxy::{Fault, Proxy, Request};
use super::waiting::until;
use std::sync::{Arc, Mutex};

/// The next start behind the proxy is answered when what was started has ended, for the first time at least.
pub fn at_its_start(engine: &Engine, proxy: &Proxy) {
    let started = Arc::new(Mutex::new(String::new()));
    let (seen, engine) = (started.clone(), engine.clone());
    let is_start = move |request: &Request| {
        let route = request.route();
        let id = route.strip_prefix("POST /containers/").and_then(|rest| rest.strip_suffix("/start"));
        if let Some(id) = id {
            id.clone_into(&mut seen.lock().expect("nobody panics with it"));
        }
        id.is_some()
    };
    let wait = move || {
        let id = started.lock().expect("nobody panics with it").clone();
        until("it has ended", || has_ended(&engine, &id));
    };
    proxy.fault_when(is_start, Fault::After(Box::new(wait)));
}

/// Whether a container ended by itself, be it that the engine started it again.
fn has_ended(engine: &Engine, id: &str) -> bool {
    let container = inspect::container(engine, id);
    let state = &container["State"];
    state["Running"] == false || state["Restarting"] == true || container["RestartCount"].as_u64() > Some(0)
}
