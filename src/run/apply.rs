//! The one use case that changes something: load, compile, observe, plan, execute, report.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::unreachable;
use super::foretell::foretold;
use super::prepared::Prepared;
use super::secrets::{self, hide_in_event, hide_in_report};
use super::stopwatch::Stopwatch;
use super::tree::{check_without_engine, compile, environment};
use super::{Ambient, ApplyOptions, Listener, Mode, RunError, Scope, locked, restored, revisions, saved};
use crate::engine::{self, Observe as _};
use crate::lock::LockKey;
use crate::plan::{Event, Plan, RunReport};
use crate::world::World;

/// Brings the engine into the declared state, or says what that would take.
///
/// # Errors
/// If nothing could be planned or the run could not begin. What fails later is in the report.
pub async fn apply(
    options: &ApplyOptions,
    ambient: &Ambient,
    listener: Listener<'_>,
) -> Result<RunReport, RunError> {
    let mut clock = Stopwatch::default();
    let looked = until_stopped(ambient, look(options, ambient, &mut clock)).await?;
    carry_out(options, looked, ambient, listener, clock).await
}

/// Carries out what was planned, or tells of it, as the mode says.
///
/// # Errors
/// If the run could not begin. What fails later is in the report.
pub(super) async fn carry_out(
    options: &ApplyOptions,
    (run, world, first): (Prepared, World, Plan),
    ambient: &Ambient,
    listener: Listener<'_>,
    clock: Stopwatch,
) -> Result<RunReport, RunError> {
    if let Some(expected) = &options.expected {
        expected.holds((&run.graph, &world, &first), &run.secrets)?;
    }
    listener(Event::Planned { plan: Arc::new(first.clone()) });
    if let (Mode::Test, Some(path)) = (options.mode, &options.save) {
        saved::save(path, options, (&run.graph, &world, &first), &run.secrets, ambient)?;
    }
    if options.mode == Mode::Apply {
        restored::restore(&run, &world, ambient).await;
    }
    let key = LockKey { engine: world.engine.id.clone(), owner: run.graph.owner.clone() };
    if options.mode == Mode::Test || first.is_empty() {
        if options.mode == Mode::Apply && world.locks.contains(&key.container_name()) {
            locked::tidy(&key, &run.client, ambient, listener).await;
        }
        let mut changes =
            first.changes.iter().map(|change| foretold(change, &first, options.mode)).collect::<Vec<_>>();
        run.last_words(&first, &world, &mut changes).await;
        changes.iter_mut().for_each(|change| hide_in_report(&run.secrets, change));
        let mut report = run.report(first, changes, clock, &world, None);
        if options.mode == Mode::Test && world.locks.contains(&key.container_name()) {
            report.plan.warnings.push(
                "another run is at work on this project and environment, or was killed: this is how things stand at \
                 the moment; `evenkeel lock status` shows it"
                    .to_owned(),
            );
        }
        // It takes milliseconds to take a large world apart, and nobody has to wait for that.
        std::thread::spawn(move || drop(world));
        return Ok(report);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let held = locked::take(key, &run.client, (ambient, options.lock_wait), &stop, listener).await?;
    let outcome = under_lock((&run, options, &first), ambient, (&held, &stop), listener, clock).await;
    held.let_go(listener).await;
    outcome.map(|report| RunReport { requests: run.client.requests(), ..report })
}

/// Plans again, and carries that out.
async fn under_lock(
    (run, options, first): (&Prepared, &ApplyOptions, &Plan),
    ambient: &Ambient,
    (held, stop): (&locked::Held, &Arc<AtomicBool>),
    listener: Listener<'_>,
    mut clock: Stopwatch,
) -> Result<RunReport, RunError> {
    // Another run may have been at work until a moment ago.
    let (world, second) = until_stopped(ambient, run.plan(run.client.survey(), &mut clock, ambient)).await?;
    if let Some(expected) = &options.expected {
        expected.holds((&run.graph, &world, &second), &run.secrets)?;
    }
    if second.text() != first.text() {
        let text = format!("the engine has changed meanwhile; the plan is now:\n{}", second.text());
        listener(Event::Message { text });
        listener(Event::Planned { plan: Arc::new(second.clone()) });
    }
    let watcher = tokio::spawn({
        let (stop, wish) = (stop.clone(), ambient.stop.clone());
        async move {
            wish.wait().await;
            stop.store(true, Ordering::SeqCst);
        }
    });
    let mut changes =
        run.execute(&second, &world, &|event| listener(hide_in_event(&run.secrets, event)), stop).await;
    run.last_words(&second, &world, &mut changes).await;
    changes.iter_mut().for_each(|change| hide_in_report(&run.secrets, change));
    watcher.abort();
    clock.lap("execute");
    if let Err(reason) = revisions::record(run, (&second, &changes, &world), ambient).await {
        listener(Event::Message { text: format!("what was made is not on record: {reason}") });
    }
    let why = held.lost().unwrap_or("interrupted");
    let aborted = stop.load(Ordering::SeqCst).then(|| {
        format!("{why}: what had begun was brought to its end, the rest was not begun; run it again to go on")
    });
    Ok(run.report(second, changes, clock, &world, aborted))
}

/// Everything up to the first plan. Changes nothing.
async fn look(
    options: &ApplyOptions,
    ambient: &Ambient,
    clock: &mut Stopwatch,
) -> Result<(Prepared, World, Plan), RunError> {
    let host = options.tree.host.as_deref();
    let client = match engine::connect(host, &environment(ambient)).await {
        Ok(client) => client,
        Err(error) => {
            // Wrong files are wrong without an engine as well, and the first thing to mend.
            check_without_engine(&options.tree, ambient).await?;
            return Err(unreachable(error));
        }
    };
    clock.lap("connect");
    // The engine answers while the files are read.
    let survey = client.survey();
    let mut graph = compile(&options.tree, ambient, Some(&client)).await?;
    clock.lap("compile");
    let vault = match options.scope {
        Scope::States => secrets::open(&mut graph, ambient).await?,
        Scope::Unfinished => {
            // What it has to finish may ask with a secret, or may not; without one the step says so.
            let vault = secrets::open(&mut graph, ambient).await.unwrap_or_default();
            // So nothing is asked for that only a state needs: no guard, no registry.
            graph.graph.clear();
            vault
        }
    };
    let run = Prepared::new(options, ambient, client, (graph, vault)).await?;
    clock.lap("read files and ask guards");
    let (world, plan) = run.plan(survey, clock, ambient).await?;
    Ok((run, world, plan))
}

/// Gives up what only looks when a person asks to stop. Never for what changes something.
pub(super) async fn until_stopped<T>(
    ambient: &Ambient,
    looking: impl Future<Output = Result<T, RunError>>,
) -> Result<T, RunError> {
    tokio::select! {
        biased;
        _ = ambient.stop.wait() => Err(RunError::Stopped),
        seen = looking => seen,
    }
}
