//! What a plan comes to if nothing is done, and what it leaves open.

use std::time::Duration;

use super::Mode;
use crate::plan::{Action, Change, ChangeReport, Ending, Plan, When};
use crate::world::{Remote, World};

/// What a change comes to if nothing is done.
pub(super) fn foretold(change: &Change, plan: &Plan, mode: Mode) -> ChangeReport {
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
        made: None,
        gap: None,
    }
}

/// What `--offline` leaves open.
pub(super) fn not_asked(world: &World) -> Option<String> {
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

/// Images that the engine does not have, of which nobody says whether they can be had.
pub(super) fn unknown_and_missing(world: &World) -> Vec<String> {
    let told = |(name, remote): (&String, &Remote)| match remote {
        Remote::Unknown(reason) if world.image(name).is_none() => {
            Some(format!("nobody knows whether {name} can be pulled: {reason}"))
        }
        _ => None,
    };
    world.remotes.iter().filter_map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ChangeId;
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
