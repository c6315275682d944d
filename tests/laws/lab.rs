//! A fake engine and a tree of state files, put together as `run::apply` does it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use evenkeel::converge::{
    DataLoss, Execution, PlanInputs, PlanOptions, execute, newcomer_differs, plan, remaining,
};
use evenkeel::engine::fake::{Fake, Fault, Record};
use evenkeel::engine::{Observe, Wanted};
use evenkeel::plan::{ChangeId, ChangeReport, Ending, Event, Plan};
use evenkeel::resource::Facts;
use evenkeel::run::{archive_paths, due, facts, wanted};
use evenkeel::state::{Inputs, Policy, StateGraph, compile};
use evenkeel::world::World;

/// What somebody typed besides the file's name.
#[derive(Clone, Default)]
pub struct Wish {
    pub adopt: bool,
    pub prune: bool,
    pub data_loss: bool,
    pub targets: Vec<String>,
}

/// A compiled tree, ready to be applied.
pub struct Compiled {
    pub graph: StateGraph,
    pub wanted: Wanted,
    sources: Facts,
    options: PlanOptions,
}

/// One run and everything that could be seen of it.
pub struct Run {
    pub before: World,
    pub plan: Plan,
    /// Nothing if the process died.
    pub reports: Option<Vec<ChangeReport>>,
    pub records: Vec<Record>,
    pub events: Vec<Event>,
}

/// Compiles a tree. `files` are the paths and texts of everything, `apply` the file that is meant.
pub fn compiled(folder: &Path, files: &[(String, String)], apply: &str, wish: &Wish) -> Compiled {
    std::fs::write(folder.join("evenkeel.yml"), "project: lab\n").expect("a temp folder takes files");
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a temp folder");
        std::fs::write(path, text).expect("a temp folder takes files");
    }
    let inputs = Inputs {
        files: vec![folder.join(apply)],
        folder: folder.to_owned(),
        env: Some("test".to_owned()),
        ..Inputs::default()
    };
    let graph = compile(&inputs).unwrap_or_else(|problems| {
        let told: Vec<String> = problems.into_iter().map(|problem| problem.to_string()).collect();
        panic!("{apply}: {}", told.join("\n"))
    });
    let only = (!wish.targets.is_empty()).then(|| graph.target(&wish.targets).expect("targets"));
    Compiled {
        wanted: wanted(&graph),
        sources: facts(&graph, 0),
        options: PlanOptions {
            adopt: wish.adopt,
            prune: wish.prune,
            data_loss: if wish.data_loss { DataLoss::All } else { DataLoss::None },
            only,
            policy: Policy::default(),
        },
        graph,
    }
}

impl Compiled {
    /// Looks at the engine and plans.
    pub async fn plan(&self, fake: &Fake) -> (World, Plan) {
        let facts = Facts { now: fake.now(), ..self.sources.clone() };
        let mut world = fake.world(&self.wanted).await.expect("the fake can be looked at");
        world.archives = fake.archives(&archive_paths(&self.graph));
        let asked = due(&self.graph, &world, &facts);
        if !asked.is_empty() {
            world.remotes = fake.remotes(&asked).await.expect("the fake can be asked");
        }
        let plan = plan(&self.inputs(&world, &facts, &BTreeMap::new()));
        (world, plan)
    }

    fn inputs<'a>(
        &'a self,
        world: &'a World,
        facts: &'a Facts,
        guards: &'a BTreeMap<petgraph::graph::NodeIndex, evenkeel::converge::Guard>,
    ) -> PlanInputs<'a> {
        PlanInputs { graph: &self.graph, world, facts, guards, options: &self.options }
    }

    /// Plans and applies, with faults on the way.
    pub async fn apply(&self, fake: &Fake, faults: &[(usize, Fault)]) -> Run {
        fake.arm(&[]);
        let (world, plan) = self.plan(fake).await;
        fake.arm(faults);
        let facts = Facts { now: fake.now(), ..self.sources.clone() };
        let guards = BTreeMap::new();
        let events = Arc::new(Mutex::new(Vec::new()));
        let state = |id: ChangeId| {
            let change = plan.change(id);
            let nodes = &self.graph.graph;
            let node = nodes.node_indices().find(|node| {
                nodes[*node].kind.name() == change.state.kind
                    && nodes[*node].function.name == change.state.function
                    && nodes[*node].name == change.state.name
            })?;
            (!change.state.file.is_empty()).then(|| &nodes[node])
        };
        let execution = Execution {
            plan: &plan,
            owner: &self.graph.owner,
            observer: fake,
            performer: fake,
            wanted: &self.wanted,
            jobs: 4,
            first_look: std::time::Duration::ZERO,
            events: &|event| events.lock().expect("no panic meanwhile").push(event),
            stop: &AtomicBool::new(false),
            differs: &|id, container| {
                state(id)
                    .map(|state| {
                        newcomer_differs(state, &self.inputs(&world, &facts, &guards), &world, container)
                    })
                    .unwrap_or_default()
            },
            remaining: &|id, now| {
                state(id)
                    .map(|state| remaining(state, &self.inputs(now, &facts, &guards), now))
                    .unwrap_or_default()
            },
        };
        let reports = tokio::select! {
            biased;
            reports = execute(&execution) => Some(reports),
            () = fake.death() => None,
        };
        let records = fake.records();
        let events = events.lock().expect("no panic meanwhile").clone();
        fake.arm(&[]);
        Run { before: world, plan, reports, records, events }
    }
}

impl Run {
    /// Why the run was not all well; nothing if it was.
    pub fn trouble(&self) -> Option<String> {
        let Some(reports) = &self.reports else { return Some("killed".to_owned()) };
        let told: Vec<String> = reports
            .iter()
            .zip(&self.plan.changes)
            .filter_map(|(report, change)| {
                let title = change.state.title();
                match &report.ending {
                    Ending::Failed { reason, .. } => {
                        Some(format!("{title} failed: {reason} {:?}", report.notes))
                    }
                    Ending::Skipped { because } => Some(format!("{title} skipped: {because}")),
                    Ending::Unchanged | Ending::Changed | Ending::Pending | Ending::Conditional { .. } => {
                        None
                    }
                }
            })
            .collect();
        (!told.is_empty()).then(|| told.join("\n"))
    }

    /// The steps that were asked for, in order, for messages.
    pub fn story(&self) -> String {
        let lines = self
            .records
            .iter()
            .map(|record| format!("  {} {}", if record.done { "did " } else { "MISS" }, record.step));
        lines.collect::<Vec<_>>().join("\n")
    }
}
