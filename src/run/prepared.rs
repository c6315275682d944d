//! Everything but the engine's state that a run depends on: the compiled tree, what was read for it, and whom
//! to ask.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use petgraph::graph::NodeIndex;

use super::error::unreachable;
use super::facts::{archives, due, facts, wanted};
use super::foretell::{not_asked, unknown_and_missing};
use super::machine::machine;
use super::origin::stamps;
use super::secrets::{self, hide_in_plan};
use super::stopwatch::Stopwatch;
use super::{
    Ambient, ApplyOptions, AskRegistries, DataLoss, Listener, Mode, RunError, Scope, guards, ranges, remotes,
    revisions,
};
use crate::converge::{
    self, Execution, Guard, PlanInputs, PlanOptions, execute, newcomer_differs, plan, remaining,
};
use crate::engine::{Client, Observe, Performer, Sealed, Survey, Wanted, seal_world};
use crate::plan::{Action, ChangeId, ChangeReport, Plan, RunReport, StateRef};
use crate::registry::Registries;
use crate::resource::{Facts, Machine, OBSERVED, gate};
use crate::secret::Vault;
use crate::source::Secrets;
use crate::state::StateGraph;
use crate::world::{ImageReference, Remote, Stamps, World};

/// The longest that first creations are waited for before the common look at them.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// How many log lines are told of a container that does not serve.
const LAST_WORDS: u32 = 10;

/// Everything but the engine's state that a plan depends on.
pub(super) struct Prepared {
    pub client: Client,
    pub graph: StateGraph,
    by_change: NodesByState,
    guards: BTreeMap<NodeIndex, Guard>,
    facts: Facts,
    options: PlanOptions,
    wanted: Wanted,
    pub secrets: Secrets,
    /// The values that the states' tokens stand for.
    vault: Vault,
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
    pub async fn new(
        options: &ApplyOptions,
        ambient: &Ambient,
        client: Client,
        (mut graph, vault): (StateGraph, Vault),
    ) -> Result<Self, RunError> {
        let only = match (options.scope, options.targets.as_slice()) {
            // Without its states everything would be an orphan.
            (Scope::Unfinished, _) => Some(BTreeSet::new()),
            (Scope::States, []) => None,
            (Scope::States, targets) => Some(graph.target(targets)?),
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
            secrets: secrets::declared(&graph, &vault),
            vault,
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
                policy: options.tree.policy.clone(),
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

    pub async fn plan(
        &self,
        survey: Survey,
        clock: &mut Stopwatch,
        ambient: &Ambient,
    ) -> Result<(World, Plan), RunError> {
        let mut world = self.client.world_after(survey, &self.wanted).await.map_err(unreachable)?;
        seal_world(&mut world, &self.vault, OBSERVED);
        clock.lap("observe");
        world.archives = archives(&self.graph);
        let asked = due(&self.graph, &world, &self.facts);
        if !asked.is_empty() {
            world.remotes = self.remotes(&asked, &world).await?;
            clock.lap("ask registries");
        }
        let mut plan = plan(&self.inputs(&world));
        let revisions = revisions::given(self, &plan, &world, ambient).await;
        let machine = machine(self, &plan, &world).await;
        if !revisions.is_empty() || machine != Machine::NotAsked {
            let jobs = revisions::ran(self, &plan, &world, ambient).await;
            let facts = Facts { revisions, jobs, machine, ..self.facts.clone() };
            plan = converge::plan(&PlanInputs { facts: &facts, ..self.inputs(&world) });
        }
        plan.warnings.extend(not_asked(&world));
        plan.warnings.extend(unknown_and_missing(&world));
        plan.warnings.extend(remotes::moved_away(&self.graph, &world));
        hide_in_plan(&self.secrets, &mut plan);
        clock.lap("plan");
        Ok((world, plan))
    }

    pub fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    /// The engine's own id. An engine that has none is known by its address.
    pub fn engine_of(&self, world: &World) -> String {
        match world.engine.id.as_str() {
            "" => self.client.address().to_string(),
            id => id.to_owned(),
        }
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

    pub async fn execute(
        &self,
        plan: &Plan,
        world: &World,
        listener: Listener<'_>,
        stop: &AtomicBool,
    ) -> Vec<ChangeReport> {
        let performer = Performer::new(self.client.clone()).stamped(self.stamps.clone());
        let performer = Sealed { inner: &performer, vault: &self.vault, places: OBSERVED };
        let observer = Sealed { inner: &self.client, vault: &self.vault, places: OBSERVED };
        let state = |id: ChangeId| {
            let change = plan.change(id);
            let node = self.by_change.get(&key_of(&change.state))?;
            (!change.state.file.is_empty()).then(|| &self.graph.graph[*node])
        };
        let execution = Execution {
            plan,
            owner: &self.graph.owner,
            observer: &observer,
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
    pub async fn last_words(&self, plan: &Plan, world: &World, changes: &mut Vec<ChangeReport>) {
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
        let asked = nodes.map(|node| gate(&self.graph.graph[*node].spec).stable_for);
        asked.max().unwrap_or_default().min(FIRST_LOOK)
    }

    pub fn report(
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
            unknown: unknown(world),
            registry_requests: self.registries.get().map_or(0, Registries::requests),
            dry_run: self.dry_run,
            host: world.engine.hostname.clone(),
            aborted,
        }
    }
}

/// Why registries did not say what they were asked.
fn unknown(world: &World) -> Vec<String> {
    let reasons = world.remotes.values().filter_map(|remote| match remote {
        Remote::Unknown(reason) => Some(reason.clone()),
        Remote::Found(_) | Remote::Missing | Remote::NotAsked => None,
    });
    reasons.collect()
}
