//! A failure, a lost answer and a death at every call of a rollback. CI tries a sample; `EVENKEEL_MATRIX=full` tries all.

use crate::cases2::stage::{Stage, each};
use crate::rig::proxy::Fault;
use crate::rig::workspace::Victim;

const TROUBLES: [&str; 4] = ["refused", "answer lost", "killed before", "killed after"];

fn web(level: &str) -> String {
    format!(
        "@net: {{network.present: {{}}}}\n@web: {{container.running: {{BB, restart: always, env: {{LEVEL: {level}}}, \
         networks: {{'@net': {{aliases: [www]}}}}, drain: 0s}}}}"
    )
}

fn level(stage: &Stage<'_>) -> String {
    let env = stage.container("web")["Config"]["Env"].to_string();
    ["one", "two"]
        .into_iter()
        .find(|level| env.contains(&format!("LEVEL={level}")))
        .unwrap_or_default()
        .to_owned()
}

/// Somebody serves: under the name, or as a newcomer or the old one around it.
fn somebody_serves(stage: &Stage<'_>) -> bool {
    stage.containers().iter().any(|name| stage.is_running(name))
}

fn survives(stage: &Stage<'_>, k: usize, trouble: &str) {
    let point = format!("{trouble} at call {k}");
    stage.states(&web("two")).apply(&[]).expect(0);
    let name = stage.name("web");
    let victim = Victim::default();
    let killer = victim.clone();
    stage.proxy.clear();
    stage.proxy.fault_at(
        k,
        match trouble {
            "refused" => Fault::Refuse(500),
            "answer lost" => Fault::LoseAnswer,
            "killed before" => Fault::Instead(Box::new(move || killer.kill())),
            _ => Fault::After(Box::new(move || killer.kill())),
        },
    );
    let back = ["rollback", name.as_str(), "--to", "1"];
    let run = stage.tree.start(back, victim).wait();
    assert!(stage.proxy.faults_are_spent(), "{point}: {run}");
    assert!(somebody_serves(stage), "the old one is not stopped before the new one serves: {point}: {run}");
    let again = (0..2).map(|_| stage.tree.run(back)).find(|run| run.code() == Some(0));
    assert!(again.is_some(), "it does not converge: {point}: {run}");
    assert_eq!((level(stage).as_str(), stage.is_running("web")), ("one", true), "{point}: {run}");
    assert_eq!(stage.containers(), ["web"], "{point}: {run}");
    let web = stage.container("web");
    assert_eq!(web["HostConfig"]["RestartPolicy"]["Name"], "always", "{point}: {run}");
    assert!(web["NetworkSettings"]["Networks"].to_string().contains("www"), "{point}: {run}");
    stage.states(&self::web("one")).is_quiet();
}

#[test]
fn whatever_goes_wrong_at_any_call_of_a_rollback_it_serves_and_converges() {
    each(|stage| {
        stage.states(&web("one")).apply(&[]).expect(0);
        stage.states(&web("two")).apply(&[]).expect(0);
        stage.proxy.clear();
        stage.tree.run(["rollback", &stage.name("web"), "--to", "1"]).expect(0);
        let calls = stage.mutations().len();
        let is_full = std::env::var("EVENKEEL_MATRIX").is_ok_and(|wish| wish == "full");
        let all = (1..=calls).flat_map(|k| TROUBLES.map(|trouble| (k, trouble)));
        // Each call and each trouble is met by one sample or another.
        let sample = |(n, _): &(usize, (usize, &str))| is_full || n % 9 == 4;
        let points: Vec<_> = all.enumerate().filter(sample).map(|(_, point)| point).collect();
        for (k, trouble) in &points {
            survives(stage, *k, trouble);
        }
        println!("{} calls, {} points tried, all survived", calls, points.len());
    });
}
