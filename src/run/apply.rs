//! The one use case that changes something: load, compile, observe, plan, execute, report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use petgraph::graph::NodeIndex;

use super::facts::{archives, due, facts, wanted};
use super::origin::stamps;
use super::secrets::{self, hide_in_event, hide_in_plan, hide_in_report};
use super::stopwatch::Stopwatch;
use super::tree::{check_without_engine, compile, environment};
use super::{
    Ambient, ApplyOptions, AskRegistries, DataLoss, Listener, Mode, RunError, guards, ranges, remotes, saved,
};
use crate::converge::{
    self, Execution, Guard, PlanInputs, PlanOptions, execute, gate, newcomer_differs, plan, remaining,
};
use crate::engine::{self, Client, Observe, ObserveError, Performer, Survey, Wanted};
use crate::lock::{Lock, LockKey};
use crate::plan::{Action, Change, ChangeId, ChangeReport, Ending, Event, Plan, RunReport, StateRef, When};
use crate::registry::Registries;
use crate::resource::Facts;
use crate::source::Secrets;
use crate::state::StateGraph;
use crate::world::{ImageReference, Remote, Stamps, World};

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

/// The longest that first creations are waited for before the common look at them.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// How many log lines are told of a container that does not serve.
const LAST_WORDS: u32 = 10;

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

/// Everything but the engine's state that a plan depends on.
struct Prepared {
    client: Client,
    graph: StateGraph,
    by_change: NodesByState,
    guards: BTreeMap<NodeIndex, Guard>,
    facts: Facts,
    options: PlanOptions,
    wanted: Wanted,
    secrets: Secrets,
    jobs: usize,
    dry_run: bool,
    ask_registries: AskRegistries,
    /// Where answers of registries are kept.
    cache_folder: Option<PathBuf>,
    stamps: Stamps,
    /// Made when the first of them is to be asked.
    registries: OnceLock<Registries>,
}

/// States by kind, function and name, to find the state that a change serves.
type NodesByState = BTreeMap<(&'static str, String, String), NodeIndex>;

fn key_of(state: &StateRef) -> (&'static str, String, String) {
    (state.kind, state.function.clone(), state.name.clone())
}

impl Prepared {
    async fn new(
        options: &ApplyOptions,
        ambient: &Ambient,
        client: Client,
        mut graph: StateGraph,
    ) -> Result<Self, RunError> {
        let only = match options.targets.as_slice() {
            [] => None,
            targets => Some(graph.target(targets)?),
        };
        let registries = OnceLock::new();
        let now = ambient.now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let cache_folder = ambient.cache_folder();
        ranges::settle(&mut graph, &client, options.registries, async |graph| {
            let engine = client.engine().await.map_err(unreachable)?;
            let cache = remotes::cache(options.registries, cache_folder.as_deref(), now);
            Ok(registries.get_or_init(|| remotes::registries(graph, &engine, &client, cache)).clone())
        })
        .await?;
        let by_change = graph
            .graph
            .node_indices()
            .map(|node| {
                let state = &graph.graph[node];
                ((state.kind.name(), state.function.name.to_owned(), state.name.clone()), node)
            })
            .collect();
        Ok(Self {
            guards: guards::ask(&graph).await,
            secrets: secrets::declared(&graph),
            facts: facts(&graph, i64::try_from(now).unwrap_or(i64::MAX)),
            wanted: wanted(&graph),
            options: PlanOptions {
                adopt: options.adopt,
                prune: options.prune,
                data_loss: match &options.data_loss {
                    DataLoss::Refuse => converge::DataLoss::None,
                    DataLoss::Of(names) => converge::DataLoss::Named(names.clone()),
                    DataLoss::Allow => converge::DataLoss::All,
                },
                only,
            },
            jobs: options.jobs.get(),
            dry_run: options.mode == Mode::Test,
            ask_registries: options.registries,
            registries,
            cache_folder,
            stamps: stamps(options, ambient),
            client,
            by_change,
            graph,
        })
    }

    async fn plan(&self, survey: Survey, clock: &mut Stopwatch) -> Result<(World, Plan), RunError> {
        let mut world = self.client.world_after(survey, &self.wanted).await.map_err(unreachable)?;
        clock.lap("observe");
        world.archives = archives(&self.graph);
        let asked = due(&self.graph, &world, &self.facts);
        if !asked.is_empty() {
            world.remotes = self.remotes(&asked, &world).await?;
            clock.lap("ask registries");
        }
        let mut plan = plan(&self.inputs(&world));
        plan.warnings.extend(not_asked(&world));
        plan.warnings.extend(remotes::moved_away(&self.graph, &world));
        hide_in_plan(&self.secrets, &mut plan);
        clock.lap("plan");
        Ok((world, plan))
    }

    async fn remotes(
        &self,
        asked: &BTreeSet<String>,
        world: &World,
    ) -> Result<BTreeMap<String, Remote>, RunError> {
        if self.ask_registries == AskRegistries::Never {
            let normal = |reference: &String| ImageReference::parse(reference).normal();
            return Ok(asked.iter().map(|reference| (normal(reference), Remote::NotAsked)).collect());
        }
        let cache = || {
            let now = u64::try_from(self.facts.now).unwrap_or_default();
            remotes::cache(self.ask_registries, self.cache_folder.as_deref(), now)
        };
        let registries = self
            .registries
            .get_or_init(|| remotes::registries(&self.graph, &world.engine, &self.client, cache()));
        let remotes = remotes::ask(asked, &self.graph, world, registries, &self.client).await?;
        if let Some(cache) = cache() {
            cache.keep(registries.asked());
        }
        Ok(remotes)
    }

    fn inputs<'a>(&'a self, world: &'a World) -> PlanInputs<'a> {
        PlanInputs {
            graph: &self.graph,
            world,
            facts: &self.facts,
            guards: &self.guards,
            options: &self.options,
        }
    }

    async fn execute(
        &self,
        plan: &Plan,
        world: &World,
        listener: Listener<'_>,
        stop: &AtomicBool,
    ) -> Vec<ChangeReport> {
        let performer = Performer::new(self.client.clone()).stamped(self.stamps.clone());
        let state = |id: ChangeId| {
            let change = plan.change(id);
            let node = self.by_change.get(&key_of(&change.state))?;
            (!change.state.file.is_empty()).then(|| &self.graph.graph[*node])
        };
        let execution = Execution {
            plan,
            owner: &self.graph.owner,
            observer: &self.client,
            performer: &performer,
            wanted: &self.wanted,
            jobs: self.jobs,
            first_look: self.first_look(plan),
            events: listener,
            stop,
            differs: &|id, container| {
                state(id)
                    .map(|state| newcomer_differs(state, &self.inputs(world), world, container))
                    .unwrap_or_default()
            },
            remaining: &|id, now| {
                state(id).map(|state| remaining(state, &self.inputs(now), now)).unwrap_or_default()
            },
        };
        execute(&execution).await
    }

    /// Adds the last log lines of containers that were left as they are although they do not serve.
    async fn last_words(&self, plan: &Plan, world: &World, changes: &mut Vec<ChangeReport>) {
        let failing =
            plan.changes.iter().zip(changes).filter(|(change, _)| change.cause == converge::FAILING);
        for (change, report) in failing {
            if let Some(container) = world.container(&change.state.name) {
                report.output = self.client.last_log_lines(&container.id.to_string(), LAST_WORDS).await;
            }
        }
    }

    /// The longest that a new container of the plan asks for, within the bound of a common look.
    fn first_look(&self, plan: &Plan) -> Duration {
        let new = plan.changes.iter().filter(|change| change.action == Action::Create);
        let nodes = new.filter_map(|change| self.by_change.get(&key_of(&change.state)));
        let asked = nodes.map(|node| gate(&self.graph.graph[*node]).stable_for);
        asked.max().unwrap_or_default().min(FIRST_LOOK)
    }

    fn report(
        &self,
        plan: Plan,
        changes: Vec<ChangeReport>,
        clock: Stopwatch,
        world: &World,
        aborted: Option<String>,
    ) -> RunReport {
        RunReport {
            plan,
            changes,
            timings: clock.laps,
            requests: self.client.requests(),
            registry_requests: self.registries.get().map_or(0, Registries::requests),
            dry_run: self.dry_run,
            host: world.engine.hostname.clone(),
            aborted,
        }
    }
}

/// What a change comes to if nothing is done.
fn foretold(change: &Change, plan: &Plan, mode: Mode) -> ChangeReport {
    let ending = match (&change.skipped, change.action) {
        (Some(because), _) => Ending::Skipped { because: because.clone() },
        (None, Action::Refuse) => Ending::Failed { reason: change.blockers.join("; "), hint: None },
        (None, Action::None) => Ending::Unchanged,
        (None, _) if mode == Mode::Apply => Ending::Unchanged,
        (None, _) => match &change.when {
            When::Always => Ending::Pending,
            When::OnFailure(causes) => {
                let causes = causes.iter().map(|id| &plan.change(*id).state);
                let names: Vec<_> = causes.map(|state| format!("{}.{}", state.kind, state.name)).collect();
                Ending::Conditional { only_if: format!("{} fails", names.join(" or ")) }
            }
        },
    };
    ChangeReport {
        ending,
        steps: change.steps.iter().map(ToString::to_string).collect(),
        started: None,
        duration: Duration::ZERO,
        output: Vec::new(),
        notes: Vec::new(),
    }
}

/// What `--offline` leaves open.
fn not_asked(world: &World) -> Option<String> {
    let open: Vec<&str> = world
        .remotes
        .iter()
        .filter(|(_, remote)| **remote == Remote::NotAsked)
        .map(|(name, _)| name.as_str())
        .collect();
    (!open.is_empty()).then(|| {
        format!(
            "no registry was asked (--offline), so it is not known whether there is a newer {}",
            open.join(", ")
        )
    })
}

pub(super) fn unreachable(error: ObserveError) -> RunError {
    match error {
        ObserveError::Unreachable { ref hint, .. } => {
            RunError::Unreachable { hint: hint.clone(), message: error.to_string() }
        }
        ObserveError::Answered { .. } | ObserveError::Garbled { .. } => {
            RunError::Unreachable { hint: None, message: error.to_string() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Owner;

    #[test]
    fn what_waits_for_a_failure_is_not_pending() {
        let mut plan = Plan {
            owner: Owner { project: "shop".to_owned(), env: "prod".to_owned() },
            changes: Vec::new(),
            orphans: Vec::new(),
            warnings: Vec::new(),
        };
        plan.changes.push(Change::undeclared(ChangeId(0), "container", "web"));
        let mut remedy = Change::undeclared(ChangeId(1), "container", "page");
        remedy.action = Action::Create;
        remedy.when = When::OnFailure(vec![ChangeId(0)]);
        plan.changes.push(remedy);
        let ending = |mode| foretold(&plan.changes[1], &plan, mode).ending;
        assert_eq!(ending(Mode::Test), Ending::Conditional { only_if: "container.web fails".to_owned() });
        assert_eq!(ending(Mode::Apply), Ending::Unchanged);
    }
}
