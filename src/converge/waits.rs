//! What has to be well before a state is applied: `require: [container: {db: healthy}]`.

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;

use super::plan::Planner;
use crate::resource::gate;
use crate::state::Condition;
use crate::world::{Step, Target};

impl Planner<'_> {
    /// The waits for containers that have to be healthy before.
    pub(super) fn waits(&self, node: NodeIndex) -> Vec<Step> {
        let graph = &self.inputs.graph.graph;
        let edges = graph.edges_directed(node, Direction::Incoming);
        let healthy = edges.filter(|edge| edge.weight().condition == Condition::Healthy);
        let mut waits: Vec<(String, Step)> = healthy
            .filter_map(|edge| {
                let needed = &graph[edge.source()];
                let found = self.world.container(&needed.name)?;
                let container = Target::new(&found.id, &needed.name);
                let gate = gate(&needed.spec);
                // What it is to answer says as much of it as a healthcheck.
                let wait = match gate.wait.is_empty() {
                    true => Step::AwaitHealthy { container, timeout: gate.timeout },
                    false => Step::Settle { container, gate },
                };
                Some((needed.name.clone(), wait))
            })
            .collect();
        waits.sort_by(|(a, _), (b, _)| a.cmp(b));
        waits.into_iter().map(|(_, wait)| wait).collect()
    }
}
