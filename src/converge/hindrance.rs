//! What keeps a change from going on, and what becomes of it then.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::execute::{Progress, Run};
use super::undo;
use super::work::makes;
use crate::plan::{Action, Change, ChangeId, Ending, Phase};
use crate::world::{NAMESPACES, Step};

impl Run<'_> {
    /// Why a change cannot go on: what it waits for came to nothing, or the run ends early.
    pub fn hindrance(&self, change: &Change) -> Option<String> {
        let progress = self.lock();
        let lost = |id: &ChangeId| self.lost(*id, &progress[id.0]);
        let hopeless = || change.after_any.iter().find_map(|group| group.iter().map(lost).collect());
        change.after.iter().find_map(lost).or_else(|| Some(all(hopeless()?))).or_else(|| self.ends_early())
    }

    /// Why a container is not replaced although its newcomer is there: no newcomer could be made of one that has a
    /// namespace of it, or of one that has, and the old one of that would be left without.
    pub fn bereaves(&self, change: &Change) -> Option<String> {
        let changes = &self.execution.plan.changes;
        let mut made: BTreeSet<String> = newcomers(change).collect();
        let progress = self.lock();
        // Those who have something of others come after them.
        for other in changes.iter().filter(|other| other.action == Action::Replace) {
            if !joins(other, &made) {
                continue;
            }
            if matches!(progress[other.id.0].ending, Some(Ending::Failed { .. })) {
                let (failed, own) = (other.state.title(), change.state.title());
                return Some(format!("{failed} failed, and would lose what it has of {own}"));
            }
            made.extend(newcomers(other));
        }
        None
    }

    /// Why nobody who waits for this change can go on.
    fn lost(&self, id: ChangeId, progress: &Progress) -> Option<String> {
        match &progress.ending {
            Some(Ending::Failed { .. }) => {
                Some(format!("{} failed", self.execution.plan.change(id).state.title()))
            }
            // It is not to blame itself.
            Some(Ending::Skipped { because }) => Some(because.clone()),
            Some(Ending::Unchanged | Ending::Changed | Ending::Pending | Ending::Conditional { .. })
            | None => None,
        }
    }

    /// Why nothing else begins in this run.
    fn ends_early(&self) -> Option<String> {
        if self.ended.load(Ordering::SeqCst) {
            return Some("a state that is `failhard` failed".to_owned());
        }
        let interrupted = self.execution.stop.load(Ordering::SeqCst);
        interrupted.then(|| "the run was interrupted".to_owned())
    }

    /// Leaves a change where it is, or takes back what it did. One that has come as far as its
    /// removals in a run that ends early is done but for them.
    pub async fn hold_back(&self, change: &Change, phase: Phase, because: String) {
        let has_begun = !self.lock()[change.id.0].steps.is_empty();
        if phase == Phase::Retire && has_begun && self.ends_early().as_ref() == Some(&because) {
            let left: Vec<String> = change.steps.retire.iter().map(ToString::to_string).collect();
            let note = format!("{because}; left for the next run: {}", left.join(", "));
            self.lock()[change.id.0].notes.push(note);
            return;
        }
        self.end(change.id, Ending::Skipped { because });
        undo::give_up(self, change).await;
    }
}

/// The containers that a change makes before anything is stopped, as modes name them.
fn newcomers(change: &Change) -> impl Iterator<Item = String> {
    change.steps.prepare.iter().filter_map(makes).map(|id| format!("container:{id}"))
}

/// True if what a change makes has a namespace of one of these.
fn joins(change: &Change, made: &BTreeSet<String>) -> bool {
    change.steps.prepare.iter().any(|step| match step {
        Step::CreateContainer { body, .. } => NAMESPACES.iter().any(|namespace| {
            let key = namespace.path.trim_start_matches("HostConfig.");
            body["HostConfig"][key].as_str().is_some_and(|mode| made.contains(mode))
        }),
        _ => false,
    })
}

/// Several reasons as one.
fn all(mut reasons: Vec<String>) -> String {
    reasons.dedup();
    reasons.join(" and ")
}
