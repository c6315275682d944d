//! What keeps a change from going on, and what becomes of it then.

use std::sync::atomic::Ordering;

use super::execute::{Progress, Run};
use super::undo;
use crate::plan::{Change, ChangeId, Ending, Phase};

impl Run<'_> {
    /// Why a change cannot go on: what it waits for came to nothing, or the run ends early.
    pub fn hindrance(&self, change: &Change) -> Option<String> {
        let progress = self.lock();
        let lost = |id: &ChangeId| self.lost(*id, &progress[id.0]);
        let hopeless = || change.after_any.iter().find_map(|group| group.iter().map(lost).collect());
        change.after.iter().find_map(lost).or_else(|| Some(all(hopeless()?))).or_else(|| self.ends_early())
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

/// Several reasons as one.
fn all(mut reasons: Vec<String>) -> String {
    reasons.dedup();
    reasons.join(" and ")
}
