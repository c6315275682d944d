//! The world as a plan leaves it, step by step in the order in which they are done.

use crate::plan::{Phase, Plan, When};
use crate::world::{Refusal, Step, World};

/// Advances the world by every step of a plan, phase by phase.
///
/// # Errors
/// The first step that the engine would refuse in that order: the plan is wrong then.
pub fn foretell(plan: &Plan, world: &World) -> Result<World, Box<(Step, Refusal)>> {
    let mut world = world.clone();
    for phase in Phase::ALL {
        for change in plan.changes.iter().filter(|change| change.when == When::Always) {
            for step in change.steps.of(phase) {
                world.predict(step).map_err(|refusal| Box::new((step.clone(), refusal)))?;
            }
        }
    }
    Ok(world)
}
