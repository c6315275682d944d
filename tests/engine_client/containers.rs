//! Containers, networks and volumes: steps done, and read back.

use std::time::{Duration, Instant};

use evenkeel::engine::{Observe, PerformError, Wanted};
use evenkeel::world::{Id, Owner, RunState, Step, Target, label};
use serde_json::json;

use super::fixture::{each, gate};
use crate::rig::numbers::free_subnet;
use crate::rig::waiting::LIMIT;

#[test]
fn a_container_goes_through_its_life() {
    each(async |fixture| {
        let web = fixture.create("web", json!({"Cmd": ["sh", "-c", "echo hello; exec sleep 1000"]})).await;

        let world = fixture.world(&[&web]).await;
        let seen = &world.containers[&web.id];
        assert_eq!((seen.state, seen.name.as_str()), (RunState::Created, web.name.as_str()));
        assert!(seen.attributes.is_complete());
        assert_eq!(world.image(&fixture.image()).map(|image| &image.id), Some(&seen.image));
        let Id::Engine(_) = seen.networks["bridge"].network.clone() else { panic!("no id") };
        assert_eq!(
            Some(&seen.networks["bridge"].network),
            world.network("bridge").map(|network| &network.id)
        );

        fixture.done(Step::StartContainer { container: web.clone() }).await;
        fixture.done(Step::StartContainer { container: web.clone() }).await;
        fixture.done(Step::Settle { container: web.clone(), gate: gate(300, 60_000) }).await;
        let logs = async || fixture.client.last_log_lines(&web.id.to_string(), 5).await;
        let deadline = Instant::now() + LIMIT;
        while logs().await.is_empty() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(logs().await, ["hello"]);

        let to = fixture.name("web2");
        fixture.done(Step::RenameContainer { container: web.clone(), to: to.clone() }).await;
        let body = json!({"Memory": 64 << 20, "MemorySwap": 128 << 20});
        fixture.done(Step::UpdateContainer { container: web.clone(), body }).await;
        let seen = fixture.client.container(&web.id.to_string()).await.expect("asked").expect("there");
        assert_eq!((seen.name, seen.state), (to, RunState::Running));
        assert_eq!(seen.attributes.at("HostConfig.Memory").known(), Some(&json!(64 << 20)));

        let refused = fixture.perform(Step::RemoveContainer { container: web.clone() }).await;
        assert!(matches!(refused, Err(PerformError::Refused { status: Some(409), .. })), "{refused:?}");
        fixture.done(Step::RestartContainer { container: web.clone(), timeout: Some(0) }).await;
        fixture.done(Step::SignalContainer { container: web.clone(), signal: "SIGCONT".to_owned() }).await;
        fixture.done(Step::StopContainer { container: web.clone(), timeout: Some(0) }).await;
        fixture.done(Step::StopContainer { container: web.clone(), timeout: None }).await;
        let states = fixture.client.states().await.expect("states");
        assert!(states.contains(&(web.id.to_string(), "exited".to_owned())));
        fixture.done(Step::RemoveContainer { container: web.clone() }).await;
        fixture.done(Step::RemoveContainer { container: web.clone() }).await;
        assert_eq!(fixture.client.container(&web.id.to_string()).await, Ok(None));
    });
}

#[test]
fn a_container_that_ends_is_not_settled() {
    each(async |fixture| {
        let bad = fixture.create("bad", json!({"Cmd": ["sh", "-c", "exit 7"]})).await;
        fixture.done(Step::StartContainer { container: bad.clone() }).await;
        let answer = fixture.perform(Step::Settle { container: bad, gate: gate(20_000, 60_000) }).await;
        let Err(PerformError::NotSettled { reason }) = answer else { panic!("{answer:?}") };
        assert!(reason.contains("exit code 7"), "{reason}");

        let sick = fixture
            .create(
                "sick",
                json!({"Healthcheck": {
            "Test": ["CMD-SHELL", "echo no luck; exit 1"], "Interval": 200_000_000, "Retries": 1}}),
            )
            .await;
        fixture.done(Step::StartContainer { container: sick.clone() }).await;
        let answer = fixture.perform(Step::Settle { container: sick, gate: gate(0, 60_000) }).await;
        assert!(
            matches!(&answer, Err(PerformError::NotSettled { reason }) if reason == "it is unhealthy: no luck"),
            "{answer:?}"
        );
    });
}

#[test]
fn what_the_owner_made_is_inspected_within_the_budget() {
    each(async |fixture| {
        let owner = Owner { project: fixture.name("p"), env: "e".to_owned() };
        for number in 0..5 {
            fixture.create(&format!("own{number}"), json!({"Labels": owner.labels("x")})).await;
        }
        let other = fixture.create("other", json!({"Labels": {label::ID: "x"}})).await;
        let before = fixture.client.requests();
        let wanted = Wanted { owner: Some(owner), ..Wanted::default() };
        let world = fixture.client.world(&wanted).await.expect("a world");
        assert!(fixture.client.requests() - before <= 5 + 1 + 7, "one more was the version");
        let complete = world.containers.values().filter(|container| container.attributes.is_complete());
        assert_eq!(complete.count(), 5);
        assert_eq!(world.containers[&other.id].labels().get(label::ID), Some("x"));
        assert!(!world.engine.id.is_empty() && !world.engine.version.is_empty());
    });
}

#[test]
fn networks_come_go_and_hold_containers() {
    each(async |fixture| {
        let net = free_subnet();
        let subnet = json!([{"Subnet": format!("{net}.0/28")}]);
        let front = fixture.network("front", json!({"Driver": "bridge", "IPAM": {"Config": subnet}})).await;
        let twin = fixture
            .perform(Step::CreateNetwork { network: front.clone(), body: json!({"Driver": "bridge"}) })
            .await;
        assert!(matches!(twin, Err(PerformError::Refused { status: Some(409), .. })), "{twin:?}");

        let web = fixture.create("web", json!({})).await;
        let endpoint = json!({"IPAMConfig": {"IPv4Address": format!("{net}.9")}, "Aliases": ["al"]});
        let connect = Step::Connect { network: front.clone(), container: web.clone(), endpoint };
        fixture.done(connect.clone()).await;
        fixture.done(Step::StartContainer { container: web.clone() }).await;
        let world = fixture.world(&[&web]).await;
        let attached = &world.containers[&web.id].networks[&front.name];
        assert_eq!(attached.network, front.id);
        assert_eq!(attached.settings["IPAddress"], format!("{net}.9"));
        let in_use = fixture.perform(Step::RemoveNetwork { network: front.clone() }).await;
        assert!(matches!(in_use, Err(PerformError::Refused { status: Some(403), .. })), "{in_use:?}");

        let disconnect = Step::Disconnect { network: front.clone(), container: web.clone() };
        fixture.done(disconnect.clone()).await;
        fixture.done(connect).await;
        fixture.done(Step::StopContainer { container: web.clone(), timeout: Some(0) }).await;
        fixture.done(Step::RemoveNetwork { network: front.clone() }).await;
        fixture.done(Step::RemoveNetwork { network: front.clone() }).await;
        // The engine lets a network go from under stopped containers, and they cannot start then.
        fixture.done(disconnect).await;
        fixture.done(Step::StartContainer { container: web }).await;
    });
}

#[test]
fn volumes_come_and_go() {
    each(async |fixture| {
        let name = fixture.name("data");
        fixture.done(Step::CreateVolume { name: name.clone(), body: json!({"Labels": {"a": "b"}}) }).await;
        let web = fixture.create("web", json!({"HostConfig": {"Binds": [format!("{name}:/data")]}})).await;
        let world = fixture.world(&[]).await;
        assert_eq!(world.volumes[&name].labels().get("a"), Some("b"));
        let mounts = world.containers[&web.id].attributes.at("Mounts").known().expect("known");
        assert_eq!(mounts[0]["Name"], json!(name));
        let in_use = fixture.perform(Step::RemoveVolume { name: name.clone() }).await;
        assert!(matches!(in_use, Err(PerformError::Refused { status: Some(409), .. })), "{in_use:?}");
        fixture.done(Step::RemoveContainer { container: web }).await;
        fixture.done(Step::RemoveVolume { name: name.clone() }).await;
        fixture.done(Step::RemoveVolume { name }).await;
    });
}

#[test]
fn a_planned_object_never_reaches_an_engine() {
    each(async |fixture| {
        let before = fixture.client.requests();
        let container = Target::new(&Id::Planned(1), &fixture.name("web"));
        assert!(fixture.perform(Step::StartContainer { container }).await.is_err());
        assert_eq!(fixture.client.requests(), before);
    });
}
