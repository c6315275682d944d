//! The engine restarts when a run has died at any call: what has a restart policy comes back by itself. Of one that was
//! to be replaced and its successor, one may: both would write to the same volumes and want the same ports.

use std::collections::BTreeMap;

use evenkeel::engine::fake::Fault;
use evenkeel::world::{RunState, World};

use super::case::{Case, block_on, case, check, converges, laws};
use super::checks;

/// Volumes that two containers have that run, with their names.
fn written_by_two(world: &World) -> Result<(), String> {
    let mut writers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for container in world.containers.values().filter(|container| container.state == RunState::Running) {
        for mount in container.attributes.json()["Mounts"].as_array().into_iter().flatten() {
            let volume = mount["Name"].as_str().unwrap_or_default().to_owned();
            writers.entry(volume).or_default().push(container.name.clone());
        }
    }
    let twice = writers.iter().find(|(_, names)| names.len() > 1);
    twice.map_or(Ok(()), |(volume, names)| {
        Err(format!("{names:?} write to {volume}\n{}", checks::told(world)))
    })
}

fn survives(case: Case) {
    let ready = case.ready();
    block_on(async {
        let stage = ready.stage(0).await;
        let calls = laws(&ready, &stage, 0).await;
        for at in 0..calls {
            for fault in [Fault::DieBefore, Fault::DieAfter] {
                let stage = stage.fork();
                let run = ready.after.apply(&stage.fake, &[(at, fault)]).await;
                let context = || format!("{} {fault:?} at {at}\n{}", ready.name, run.story());
                // The next run dies as well while it goes on with that.
                for again in 0..3 {
                    let stage = stage.fork();
                    let second = ready.after.apply(&stage.fake, &[(again, fault)]).await;
                    stage.fake.by_hand("reboot").expect("it restarts");
                    let context = || format!("{}then at {again}\n{}", context(), second.story());
                    check(written_by_two(&stage.fake.look(&ready.after.wanted)), &context);
                    converges(&ready, &stage, &context).await;
                }
                stage.fake.by_hand("reboot").expect("it restarts");
                check(written_by_two(&stage.fake.look(&ready.after.wanted)), &context);
                converges(&ready, &stage, &context).await;
            }
        }
    });
}

/// A container of this policy that writes to an anonymous volume.
fn store(image: &str, policy: &str, more: &str) -> String {
    format!("store:\n  container.running:\n    image: {image}\n    restart: {policy}\n{more}")
}

#[test]
fn one_with_a_volume_comes_back_alone() {
    for policy in ["always", "unless-stopped"] {
        survives(
            case("a store")
                .drift(&["stop stranger"])
                .before(&store("store:1", policy, ""))
                .after(&store("store:2", policy, "")),
        );
    }
}

#[test]
fn one_with_a_port_comes_back_alone() {
    let port = "    ports: ['8080:80']\n";
    survives(
        case("a port")
            .drift(&["stop stranger"])
            .before(&store("store:1", "always", port))
            .after(&store("store:2", "always", port)),
    );
}

#[test]
fn one_that_gets_another_policy_comes_back_alone() {
    for (before, after) in [("always", "'no'"), ("'no'", "always")] {
        survives(
            case("a policy")
                .drift(&["stop stranger"])
                .before(&store("store:1", before, ""))
                .after(&store("store:2", after, "")),
        );
    }
}
