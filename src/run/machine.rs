//! What containers need of the engine's machine, looked at if that is this one and something is to be done.

use super::prepared::Prepared;
use crate::host::{Listener, listening};
use crate::plan::Plan;
use crate::resource::{Machine, mounted_sources, needed_paths};
use crate::world::{Claim, Step, World};

/// Looks at ports, and at the paths that the states name. Nobody is asked for a plan that makes and starts nothing.
pub(super) async fn machine(run: &Prepared, plan: &Plan, world: &World) -> Machine {
    let is_of_use = |step: &Step| matches!(step, Step::CreateContainer { .. } | Step::StartContainer { .. });
    if !plan.changes.iter().any(|change| change.steps.iter().any(is_of_use)) {
        return Machine::NotAsked;
    }
    if !run.client.is_here(&world.engine.hostname).await {
        return Machine::Elsewhere;
    }
    let Some(listeners) = listening() else { return Machine::Elsewhere };
    let listeners = listeners.into_iter().filter(|it| !is_of_container(it, world));
    let listening = listeners.map(|it| (it.protocol.to_owned(), it.address, it.port)).collect();
    let containers = run.graph.graph.node_weights().filter(|state| state.kind.name() == "container");
    let root = &run.graph.root;
    let is_own = |path: &String| !root.as_os_str().is_empty() && std::path::Path::new(path).starts_with(root);
    let paths = containers.flat_map(|state| {
        let needed = needed_paths(&state.spec).map(|(path, _)| path);
        needed.chain(mounted_sources(&state.spec).filter(is_own)).collect::<Vec<_>>()
    });
    // What may not be looked at may be there.
    let is_missing = |path: &String| matches!(std::path::Path::new(path).try_exists(), Ok(false));
    Machine::Here { listening, missing: paths.filter(is_missing).collect() }
}

/// True if a container holds it as things stand, or one shares the ports of the machine, so that its processes may.
fn is_of_container(listener: &Listener, world: &World) -> bool {
    let claim = Claim::Port {
        address: listener.address.to_string(),
        port: listener.port.to_string(),
        protocol: listener.protocol.to_owned(),
    };
    let mut up = world.containers.values().filter(|container| container.state.is_up());
    up.any(|container| {
        let is_host = container.attributes.text("HostConfig.NetworkMode") == Some("host");
        is_host || container.claims().iter().any(|held| held.excludes(&claim))
    })
}
