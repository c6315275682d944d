//! Every fault at every call: then the laws, another run, and nothing left over.

use evenkeel::engine::fake::Fault;

use super::case::{Case, Ready, Stage, block_on, check, converges, laws, word};
use super::checks;
use super::lab::Run;
use super::seeds;
use evenkeel::world::Step;

/// All laws on a scenario: in several orders without a fault, and with every fault at every call.
pub fn holds(case: Case) {
    let ready = case.ready();
    block_on(async {
        let stage = ready.stage(0).await;
        let calls = laws(&ready, &stage, 0).await;
        for seed in 1..seeds(8) {
            // Every other time with other ids from the beginning.
            let other = if seed % 2 == 0 { ready.stage(seed).await } else { stage.fork() };
            laws(&ready, &other, seed).await;
        }
        let mut tried = 0;
        for seed in 0..seeds(1).min(20) {
            stage.fake.reseed(seed);
            for at in 0..calls {
                for fault in Fault::ALL {
                    tried += one(&ready, &stage, at, fault).await;
                }
            }
        }
        println!("{}: {calls} calls, {tried} runs with faults", ready.name);
    });
}

/// A scenario that fails whatever is done: what served before serves all the same.
pub fn fails(case: Case) {
    let ready = case.ready();
    block_on(async {
        let stage = ready.stage(0).await;
        let calls = hopeless(&ready, &stage, &[]).await;
        let mut tried = 0;
        for seed in 1..seeds(6) {
            hopeless(&ready, &ready.stage(seed).await, &[]).await;
        }
        for at in 0..calls {
            for fault in Fault::ALL {
                hopeless(&ready, &stage, &[(at, fault)]).await;
                tried += 1;
            }
        }
        println!("{}: {calls} calls, {tried} runs with faults", ready.name);
    });
}

/// As `fails`, for what only holds as long as nothing else goes wrong as well.
pub fn fails_alone(case: Case) {
    let ready = case.ready();
    block_on(async {
        for seed in 0..seeds(6).max(1) {
            hopeless(&ready, &ready.stage(seed).await, &[]).await;
        }
    });
}

async fn hopeless(ready: &Ready, stage: &Stage, faults: &[(usize, Fault)]) -> usize {
    let stage = stage.fork();
    let run = ready.after.apply(&stage.fake, faults).await;
    let context = || context_of(ready, &stage, &[(faults.to_vec(), &run)]);
    check(stage.treasure.is_kept(&stage.fake, &stage.licence, &ready.after.wanted), &context);
    if faults.is_empty() {
        check(stage.treasure.serves(&stage.fake, &stage.licence, &ready.after.wanted), &context);
        assert!(run.trouble().is_some(), "it did not fail\n{}", context());
        check(checks::steps_are_a_prefix(&run), &context);
    }
    for _ in 0..2 {
        let again = ready.after.apply(&stage.fake, &[]).await;
        let context = || context_of(ready, &stage, &[(faults.to_vec(), &run), (Vec::new(), &again)]);
        assert!(again.trouble().is_some(), "it did not fail again\n{}", context());
        check(stage.treasure.is_kept(&stage.fake, &stage.licence, &ready.after.wanted), &context);
        check(stage.treasure.serves(&stage.fake, &stage.licence, &ready.after.wanted), &context);
    }
    run.records.len()
}

/// One fault, and what may come of it; gives the number of runs.
async fn one(ready: &Ready, stage: &Stage, at: usize, fault: Fault) -> usize {
    let calls = faulty(ready, stage, &[&[(at, fault)]]).await;
    let mut tried = 1;
    if fault.kills() {
        // A kill while the next run recovers.
        for again in (0..calls).filter(|again| is_wide() || *again == (at * 5 + 3) % calls) {
            for second in [Fault::DieAfter, Fault::DieBefore] {
                if is_wide() || at.is_multiple_of(2) == (second == fault) {
                    faulty(ready, stage, &[&[(at, fault)], &[(again, second)]]).await;
                    tried += 1;
                }
            }
        }
    } else {
        // Another fault while this run recovers.
        for (number, second) in Fault::ALL.into_iter().enumerate() {
            for distance in 1..=3 {
                if is_wide() || number * 3 + distance == 1 + (at * 7 + fault as usize * 5) % 18 {
                    faulty(ready, stage, &[&[(at, fault), (at + distance, second)]]).await;
                    tried += 1;
                }
            }
        }
    }
    tried
}

/// True if somebody asked for all pairs of faults, and not for a sample of them.
fn is_wide() -> bool {
    seeds(0) > 0
}

/// Several runs with faults, and one without; gives how many calls the last one took.
async fn faulty(ready: &Ready, stage: &Stage, faults: &[&[(usize, Fault)]]) -> usize {
    let stage = stage.fork();
    let mut runs: Vec<(Vec<(usize, Fault)>, Run)> = Vec::new();
    for faults in faults {
        let run = ready.after.apply(&stage.fake, faults).await;
        runs.push((faults.to_vec(), run));
        let told: Vec<_> = runs.iter().map(|(faults, run)| (faults.clone(), run)).collect();
        let context = || context_of(ready, &stage, &told);
        let run = &runs[runs.len() - 1].1;
        check(stage.treasure.is_kept(&stage.fake, &stage.licence, &ready.after.wanted), &context);
        if run.reports.is_some() {
            check(checks::steps_are_a_prefix(run), &context);
            let hit = run.records.get(faults[0].0).map(|record| &record.step);
            // A restart that fails half-way is made good by the next run.
            let is_restart = matches!(hit, Some(Step::RestartContainer { .. }));
            if faults.len() == 1 && !is_restart {
                check(stage.treasure.serves_soon(&stage.fake, &stage.licence, &ready.after.wanted), &context);
            }
        }
    }
    let told: Vec<_> = runs.iter().map(|(faults, run)| (faults.clone(), run)).collect();
    let context = || context_of(ready, &stage, &told);
    converges(ready, &stage, &context).await
}

fn context_of(ready: &Ready, stage: &Stage, runs: &[(Vec<(usize, Fault)>, &Run)]) -> String {
    let mut text = format!("{}\n", ready.name);
    for (faults, run) in runs {
        let faults: Vec<_> = faults.iter().map(|(at, fault)| format!("{} at {at}", word(*fault))).collect();
        text.push_str(&format!("plan:\n{}faults: {}\n{}\n", run.plan.text(), faults.join(", "), run.story()));
        text.push_str(&format!("trouble: {}\n", run.trouble().unwrap_or_default()));
    }
    text.push_str(&format!("now:\n{}", checks::told(&stage.fake.look(&ready.after.wanted))));
    text
}
