//! One state against the world: what differs, and which transition follows from it. This is the
//! only place that picks a transition, so no kind can show a difference and do nothing, nor act
//! without one.

use petgraph::graph::NodeIndex;

use super::inputs::{Guard, PlanInputs, desired, find};
use super::plan::Planner;
use super::reaction;
use crate::plan::{Action, FieldDiff, Impact};
use crate::resource::{Desired, Found, Planned, Presence, Transition};
use crate::state::State;
use crate::world::{Container, Step, Target, World};

/// What became of a comparison.
pub struct Verdict {
    pub diff: Vec<FieldDiff>,
    pub cause: String,
    pub planned: Planned,
}

impl Verdict {
    fn nothing(diff: Vec<FieldDiff>) -> Self {
        Self {
            diff,
            cause: String::new(),
            planned: Planned::new(Action::None, crate::plan::Steps::default()),
        }
    }

    fn refused(diff: Vec<FieldDiff>, blocker: String) -> Self {
        Self { diff, cause: String::new(), planned: Planned::refused(vec![blocker]) }
    }
}

/// Compares a state with the planner's world.
pub fn compare(planner: &mut Planner<'_>, node: NodeIndex, state: &State) -> Verdict {
    let inputs = planner.inputs;
    let desired = desired(state, inputs, &inputs.graph.owner);
    if let Some(Guard::Broken(reason)) = inputs.guards.get(&node) {
        return Verdict::refused(Vec::new(), reason.clone());
    }
    let found = find(state, &desired, inputs, &planner.world);
    if let Some(found) = &found {
        planner.matched.insert(found.target.id.clone());
    }
    let mut blockers = state.kind.blockers(&desired, &planner.world);
    blockers.extend(inputs.options.policy.strangers(state, &inputs.graph.owner, &planner.world));
    if !blockers.is_empty() {
        return Verdict { diff: Vec::new(), cause: String::new(), planned: Planned::refused(blockers) };
    }
    match (state.function.presence, found) {
        (Presence::Absent, None) => Verdict::nothing(Vec::new()),
        (Presence::Absent, Some(found)) => removal(planner, state, &desired, &found),
        (Presence::Present, None) => Verdict {
            diff: Vec::new(),
            cause: "it does not exist".to_owned(),
            planned: state.kind.steps(&desired, &Transition::Create, &mut planner.world),
        },
        (Presence::Present, Some(found)) => mending(planner, node, state, &desired, &found),
    }
}

fn removal(planner: &mut Planner<'_>, state: &State, desired: &Desired<'_>, found: &Found) -> Verdict {
    let title = format!("{} {}", state.kind.name(), found.target.name);
    if let Some(blocker) = foreign(planner, state, desired, found) {
        return Verdict::refused(Vec::new(), blocker);
    }
    if state.options.protect {
        return Verdict::refused(Vec::new(), format!("{title} is protected (`protect: true`) and stays"));
    }
    if state.kind.name() == "volume" && !planner.inputs.options.data_loss.allows(&state.name) {
        return Verdict::refused(
            Vec::new(),
            format!(
                "removing {title} loses its data; if that is meant, add --allow-data-loss={}",
                state.name
            ),
        );
    }
    Verdict {
        diff: Vec::new(),
        cause: "it is to be absent".to_owned(),
        planned: state.kind.steps(desired, &Transition::Remove { found }, &mut planner.world),
    }
}

fn mending(
    planner: &mut Planner<'_>,
    node: NodeIndex,
    state: &State,
    desired: &Desired<'_>,
    found: &Found,
) -> Verdict {
    let mut diff = state.kind.diff(desired, found, &planner.world);
    if planner.handovers.releases.contains_key(&node) {
        diff.retain(|row| row.field != "status");
    }
    let reaction = reaction::reaction(planner, node, state, found);
    let signal = reaction.signal;
    diff.extend(reaction.rows);
    let Some(strongest) = diff.iter().map(|row| row.impact).max().filter(|impact| *impact > Impact::Note)
    else {
        return match state.kind.ailment(desired, found, &planner.world) {
            Some(ailment) => failing(diff, &format!("{} {}", state.kind.name(), found.target.name), &ailment),
            None => Verdict::nothing(diff),
        };
    };
    if let Some(blocker) = foreign(planner, state, desired, found) {
        return Verdict::refused(diff, blocker);
    }
    let transition = match strongest {
        Impact::Note | Impact::Update => Transition::Update { found, diff: &diff },
        Impact::Signal => {
            Transition::Signal { found, diff: &diff, signal: signal.unwrap_or_else(|| "SIGHUP".to_owned()) }
        }
        Impact::Restart => Transition::Restart { found, diff: &diff },
        Impact::Replace | Impact::Refuse => Transition::Replace { found, diff: &diff },
    };
    let replaces = matches!(strongest, Impact::Replace | Impact::Refuse);
    if replaces && state.options.protect && state.kind.name() != "image" {
        let blocker = format!(
            "{} {} is protected (`protect: true`) and is not replaced",
            state.kind.name(),
            state.name
        );
        return Verdict::refused(diff, blocker);
    }
    let yields = planner.handovers.early.iter().any(|(giver, _)| *giver == node)
        || planner.handovers.releases.contains_key(&node) && state.kind.name() == "container";
    let desired = &Desired { yields, ..desired.clone() };
    let mut planned = state.kind.steps(desired, &transition, &mut planner.world);
    if planner.handovers.releases.contains_key(&node) && !replaces && state.function.name != "stopped" {
        start_again(&mut planned, found, desired.name);
    }
    let cause = cause(&diff);
    Verdict { diff, cause, planned }
}

/// The cause of a refusal that is about what an object does, not about what is to be done to it.
pub const FAILING: &str = "it does not serve";

/// What is as declared and fails all the same is told, not tried again.
fn failing(diff: Vec<FieldDiff>, title: &str, ailment: &str) -> Verdict {
    let mut verdict = Verdict::refused(diff, format!("{title} is as declared and {ailment}"));
    FAILING.clone_into(&mut verdict.cause);
    let note = "nothing is changed, because it would only be the same again: mend what is declared, or what it needs";
    verdict.planned.notes.push(note.to_owned());
    verdict
}

/// A container that was stopped only to hand something over, and stays, is started again.
fn start_again(planned: &mut Planned, found: &Found, name: &str) {
    if !planned.steps.iter().any(|step| matches!(step, Step::StartContainer { .. })) {
        let container = Target::new(&found.target.id, name);
        planned.steps.switch.push(Step::StartContainer { container });
    }
}

/// Why an object that is not ours stays as it is. Images belong to nobody.
fn foreign(planner: &Planner<'_>, state: &State, desired: &Desired<'_>, found: &Found) -> Option<String> {
    if state.kind.name() == "image"
        || planner.inputs.options.adopt
        || found.owner.as_ref() == Some(desired.owner)
    {
        return None;
    }
    let whose = match &found.owner {
        Some(owner) => format!("belongs to project `{}`, env `{}`", owner.project, owner.env),
        None => "was not made by evenkeel".to_owned(),
    };
    Some(format!(
        "{} `{}` {whose}; to let this state have it all the same, add --adopt",
        state.kind.name(),
        found.target.name
    ))
}

fn cause(diff: &[FieldDiff]) -> String {
    let mut fields: Vec<&str> =
        diff.iter().map(|row| row.field.split('.').next().unwrap_or(&row.field)).collect();
    fields.dedup();
    match fields.as_slice() {
        [only] => format!("{only} differs"),
        several => format!("{} differ", several.join(", ")),
    }
}

/// Compares a state with a world that has just been observed: what is left to do after all was
/// done. Used to read back what a change made.
pub fn remaining(state: &State, inputs: &PlanInputs<'_>, world: &World) -> Vec<FieldDiff> {
    let desired = desired(state, inputs, &inputs.graph.owner);
    match find(state, &desired, inputs, world) {
        Some(found) => state.kind.diff(&desired, &found, world),
        None if state.function.presence == Presence::Absent => Vec::new(),
        None => vec![FieldDiff {
            field: "status".to_owned(),
            from: "gone".into(),
            to: state.function.name.into(),
            impact: Impact::Replace,
        }],
    }
}

/// Which declared fields a container that was just made does not show, although it was made with
/// them. Its name, its state and what it is attached to are still to come.
pub fn newcomer_differs(
    state: &State,
    inputs: &PlanInputs<'_>,
    world: &World,
    newcomer: &Container,
) -> Vec<FieldDiff> {
    let desired = desired(state, inputs, &inputs.graph.owner);
    let mut world = world.clone();
    world.containers.insert(newcomer.id.clone(), newcomer.clone());
    let found = Found { target: Target::new(&newcomer.id, &newcomer.name), owner: newcomer.labels().owner() };
    let mut diff = state.kind.diff(&desired, &found, &world);
    diff.retain(|row| {
        let field = row.field.split('.').next().unwrap_or(&row.field);
        !matches!(field, "name" | "status" | "image" | "networks" | "network_mode" | "links")
            && !matches!(field, "pid" | "ipc" | "volumes_from")
    });
    diff
}
