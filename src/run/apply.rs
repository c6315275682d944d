//! The one use case that changes something: load, compile, observe, plan, execute, report.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::unreachable;
use super::foretell::foretold;
use super::prepared::Prepared;
use super::secrets::{hide_in_event, hide_in_report};
use super::stopwatch::Stopwatch;
use super::tree::{check_without_engine, compile, environment};
use super::{Ambient, ApplyOptions, Listener, Mode, RunError, saved};
use crate::engine;
use crate::lock::{Lock, LockKey};
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
    let (run, world, first) = until_stopped(ambient, look(options, ambient, &mut clock)).await?;
    if let Some(expected) = &options.expected {
        expected.holds((&run.graph, &world, &first), &run.secrets)?;
    }
    listener(Event::Planned { plan: Arc::new(first.clone()) });
    if let (Mode::Test, Some(path)) = (options.mode, &options.save) {
        saved::save(path, options, (&run.graph, &world, &first), &run.secrets, ambient)?;
    }
    if options.mode == Mode::Test || first.is_empty() {
        let mut changes =
            first.changes.iter().map(|change| foretold(change, &first, options.mode)).collect::<Vec<_>>();
        run.last_words(&first, &world, &mut changes).await;
        changes.iter_mut().for_each(|change| hide_in_report(&run.secrets, change));
        let report = run.report(first, changes, clock, &world, None);
        // It takes milliseconds to take a large world apart, and nobody has to wait for that.
        std::thread::spawn(move || drop(world));
        return Ok(report);
    }
    let key = LockKey { engine: world.engine.id.clone(), owner: run.graph.owner.clone() };
    let _lock = Lock::take(&ambient.lock_places(), &key, &ambient.lock_holder())?;
    // Another run may have been at work until a moment ago.
    let (world, second) = until_stopped(ambient, run.plan(run.client.survey(), &mut clock)).await?;
    if let Some(expected) = &options.expected {
        expected.holds((&run.graph, &world, &second), &run.secrets)?;
    }
    if second.text() != first.text() {
        let text = format!("the engine has changed meanwhile; the plan is now:\n{}", second.text());
        listener(Event::Message { text });
        listener(Event::Planned { plan: Arc::new(second.clone()) });
    }
    let stop = Arc::new(AtomicBool::new(false));
    let watcher = tokio::spawn({
        let (stop, wish) = (stop.clone(), ambient.stop.clone());
        async move {
            wish.wait().await;
            stop.store(true, Ordering::SeqCst);
        }
    });
    let mut changes =
        run.execute(&second, &world, &|event| listener(hide_in_event(&run.secrets, event)), &stop).await;
    run.last_words(&second, &world, &mut changes).await;
    changes.iter_mut().for_each(|change| hide_in_report(&run.secrets, change));
    watcher.abort();
    clock.lap("execute");
    let aborted = stop.load(Ordering::SeqCst).then(|| {
        "interrupted: what had begun was brought to its end, the rest was not begun; run it again to go on".to_owned()
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
    let graph = compile(&options.tree, ambient, Some(&client)).await?;
    clock.lap("compile");
    let run = Prepared::new(options, ambient, client, graph).await?;
    clock.lap("read files and ask guards");
    let (world, plan) = run.plan(survey, clock).await?;
    Ok((run, world, plan))
}

/// Gives up what only looks when a person asks to stop. Never for what changes something.
async fn until_stopped<T>(
    ambient: &Ambient,
    looking: impl Future<Output = Result<T, RunError>>,
) -> Result<T, RunError> {
    tokio::select! {
        biased;
        _ = ambient.stop.wait() => Err(RunError::Stopped),
        seen = looking => seen,
    }
}
