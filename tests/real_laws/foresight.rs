//! Law 4 as a whole: the world that a plan leads to is the world that is there afterwards.

use super::laws::steps;
use super::scene::{FILE, Scene};
use crate::laws::checks::prediction_holds;
use crate::rig::workspace::STATE;
use evenkeel::converge::{DataLoss, PlanInputs, PlanOptions, plan};
use evenkeel::engine::{Client, Environment, Observe, Wanted, connect};
use evenkeel::history::History;
use evenkeel::plan::Plan;
use evenkeel::run::{archives, due, facts, wanted};
use evenkeel::state::{Inputs, compile};
use evenkeel::world::World;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::runtime::Runtime;

/// What a run is going to do, and the world before it.
pub struct Foresight {
    runtime: Runtime,
    client: Client,
    wanted: Wanted,
    before: World,
    plan: Plan,
}

impl Foresight {
    /// Plans what the scene declares as the program does it, past the proxy.
    pub fn of(scene: &Scene<'_>, args: &[&str]) -> Self {
        let runtime = Runtime::new().expect("threads can be started");
        let host = scene.engine.host();
        let client = runtime.block_on(connect(Some(&host), &Environment::default())).expect("an engine");
        let graph = compile(&Inputs {
            files: vec![scene.workspace.path(FILE)],
            folder: scene.workspace.root().to_owned(),
            ..Inputs::default()
        });
        let graph = graph.unwrap_or_else(|wrong| {
            panic!("{}", wrong.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join("\n"))
        });
        let wanted = wanted(&graph);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut facts = facts(&graph, i64::try_from(now).expect("the year is near"));
        let mut before = runtime.block_on(client.world(&wanted)).expect("the engine answers");
        before.archives = archives(&graph);
        // Numbers that were given before are not given again.
        if let Ok(Some(history)) = History::read(&scene.workspace.path(STATE)) {
            let names = graph.graph.node_weights().map(|state| state.name.clone());
            let given = names.filter_map(|name| {
                let last = history.last_revision(&before.engine.id, &name).expect("a history");
                last.map(|last| (name, last))
            });
            facts.revisions = given.collect();
        }
        let asked = due(&graph, &before, &facts);
        before.remotes = runtime.block_on(client.remotes(&asked)).expect("the engine answers");
        let (guards, options) = (BTreeMap::new(), options(args));
        let inputs =
            PlanInputs { graph: &graph, world: &before, facts: &facts, guards: &guards, options: &options };
        let plan = plan(&inputs);
        Self { runtime, client, wanted, before, plan }
    }

    /// Compares with what is there after the run that gave this answer.
    pub fn came_true(&self, json: &Value) {
        let mut done = steps(json);
        let changes = self.plan.changes.iter();
        let mut foreseen: Vec<String> =
            changes.flat_map(|change| change.steps.iter().map(ToString::to_string)).collect();
        done.sort();
        foreseen.sort();
        assert_eq!(foreseen, done, "foreseen on the left, done on the right");
        let observed = self.runtime.block_on(self.client.world(&self.wanted)).expect("the engine answers");
        if let Err(wrong) = prediction_holds(&self.plan, &self.before, &observed) {
            panic!("{wrong}\nafter\n{}", self.plan.text());
        }
    }
}

fn options(args: &[&str]) -> PlanOptions {
    let data_loss = args.iter().find_map(|arg| arg.strip_prefix("--allow-data-loss"));
    PlanOptions {
        adopt: args.contains(&"--adopt"),
        prune: args.contains(&"--prune"),
        data_loss: match data_loss.map(|names| names.trim_start_matches('=')) {
            None => DataLoss::None,
            Some("") => DataLoss::All,
            Some(names) => DataLoss::Named(names.split(',').map(str::to_owned).collect()),
        },
        only: None,
        policy: evenkeel::state::Policy::default(),
    }
}
