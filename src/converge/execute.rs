//! The executor: goes through the changes once per phase, side by side where the graph allows.
//! It branches on no resource's state; after a failure it looks again and does what `recover` says.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::first_look::wait_for_first_look;
use super::hint::hint;
use super::hooks::{AfterFailure, after, is_of_copy};
use super::owed::note_owed;
use super::read_back::{ENGINE_SAYS, did_not_take, read_back};
use super::undo;
use super::work::{Bindings, container_of, makes, pause};
use crate::engine::{Observe, Perform, PerformError, Wanted};
use crate::plan::{Action, Change, ChangeId, ChangeReport, Ending, Event, FieldDiff, Phase, Plan, When};
use crate::world::{Container, Owner, Step, World};

/// Everything that carrying out a plan takes.
pub struct Execution<'a> {
    pub plan: &'a Plan,
    pub owner: &'a Owner,
    pub observer: &'a dyn Observe,
    pub performer: &'a dyn Perform,
    /// What has to be looked at after a failure and at the end.
    pub wanted: &'a Wanted,
    /// How many changes are carried out side by side.
    pub jobs: usize,
    /// How long first creations get to show that they do not end at once, all of them together.
    pub first_look: Duration,
    pub events: &'a (dyn Fn(Event) + Send + Sync),
    /// Set when a person asked to stop: what has begun is finished, nothing else begins.
    pub stop: &'a AtomicBool,
    /// Which declared fields still differ on a container that was just made for a change.
    pub differs: &'a (dyn Fn(ChangeId, &Container) -> Vec<FieldDiff> + Send + Sync),
    /// Which declared fields still differ when all is done.
    pub remaining: &'a (dyn Fn(ChangeId, &World) -> Vec<FieldDiff> + Send + Sync),
}

/// What became of one change so far.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    pub ending: Option<Ending>,
    pub steps: Vec<String>,
    pub started: Option<SystemTime>,
    pub duration: Duration,
    pub output: Vec<String>,
    pub notes: Vec<String>,
    pub made: Option<String>,
    /// When the container was stopped that the change replaces, and how long nothing served.
    pub stopped: Option<Instant>,
    pub gap: Option<Duration>,
}

/// Carries out a plan and says what became of each change.
pub async fn execute(execution: &Execution<'_>) -> Vec<ChangeReport> {
    let progress = execution.plan.changes.iter().map(beginning).collect();
    let run = Run {
        execution,
        bindings: Mutex::default(),
        progress: Mutex::new(progress),
        ended: AtomicBool::new(false),
    };
    for phase in Phase::ALL {
        if execution.plan.changes.iter().any(|change| !change.steps.of(phase).is_empty()) {
            (execution.events)(Event::PhaseStarted { phase });
            run.phase(phase).await;
        }
    }
    wait_for_first_look(&run).await;
    // What has ended already is only seen here, and may be what others wait to answer.
    read_back(&run).await;
    if run.answer_failures().await {
        read_back(&run).await;
    }
    note_owed(&run);
    run.reports()
}

fn beginning(change: &Change) -> Progress {
    let ending = match &change.skipped {
        Some(because) => Some(Ending::Skipped { because: because.clone() }),
        None if !change.blockers.is_empty() => {
            Some(Ending::Failed { reason: change.blockers.join("; "), hint: None })
        }
        None => None,
    };
    Progress {
        ending,
        steps: Vec::new(),
        started: None,
        duration: Duration::ZERO,
        output: Vec::new(),
        notes: Vec::new(),
        made: None,
        stopped: None,
        gap: None,
    }
}

impl Progress {
    /// Takes note of what a step that was done means for whom the container serves.
    fn note(&mut self, change: &Change, step: &Step, began: Instant, id: Option<String>) {
        match step {
            _ if is_of_copy(change, step) => {}
            Step::CreateContainer { .. } => self.made = id,
            Step::StopContainer { .. } if change.action == Action::Replace => {
                self.stopped.get_or_insert(began);
            }
            // The last one counts: it may be the old one again.
            Step::StartContainer { .. } => self.gap = self.stopped.map(|stopped| stopped.elapsed()),
            _ => {}
        }
    }
}

pub(super) struct Run<'a> {
    pub execution: &'a Execution<'a>,
    pub bindings: Mutex<Bindings>,
    pub progress: Mutex<Vec<Progress>>,
    /// A `failhard` change failed.
    pub ended: AtomicBool,
}

impl Run<'_> {
    /// Does the steps of one phase, each change behind those that it waits for.
    async fn phase(&self, phase: Phase) {
        let plan = self.execution.plan;
        let mut waiting: VecDeque<ChangeId> = plan
            .changes
            .iter()
            .filter(|change| change.when == When::Always)
            .map(|change| change.id)
            .collect();
        let mut finished: BTreeSet<ChangeId> = plan
            .changes
            .iter()
            .filter(|change| change.when != When::Always)
            .map(|change| change.id)
            .collect();
        let mut running = FuturesUnordered::new();
        loop {
            let mut moved = true;
            while moved {
                moved = false;
                for _ in 0..waiting.len() {
                    let Some(id) = waiting.pop_front() else { break };
                    let change = plan.change(id);
                    let awaited = change.after.iter().chain(change.after_any.iter().flatten());
                    if !awaited.into_iter().all(|earlier| finished.contains(earlier)) {
                        waiting.push_back(id);
                    } else if change.steps.of(phase).is_empty() || self.has_ended(change) {
                        finished.insert(id);
                        moved = true;
                    } else if running.len() < self.execution.jobs.max(1) {
                        running.push(async move {
                            let bereaves =
                                || (phase == Phase::Switch).then(|| self.bereaves(change)).flatten();
                            match self.hindrance(change).or_else(bereaves) {
                                None => self.change(change, phase).await,
                                Some(because) => self.hold_back(change, phase, because).await,
                            }
                            id
                        });
                    } else {
                        waiting.push_back(id);
                    }
                }
            }
            match running.next().await {
                Some(id) => {
                    finished.insert(id);
                }
                None => return,
            }
        }
    }

    fn has_ended(&self, change: &Change) -> bool {
        self.lock()[change.id.0].ending.is_some()
    }

    /// Does the steps that a change has in one phase, one after the other.
    async fn change(&self, change: &Change, phase: Phase) {
        let began = Instant::now();
        self.lock()[change.id.0].started.get_or_insert_with(SystemTime::now);
        let mut failed_hook = None;
        for step in change.steps.of(phase) {
            let Err(error) = self.step_with_retries(change, step).await else { continue };
            match after(change, step, phase, &error) {
                AfterFailure::GoOn => self.lock()[change.id.0].notes.push(format!("{step}: {error}")),
                AfterFailure::GoOnAndFail => failed_hook = failed_hook.or(Some(format!("{step}: {error}"))),
                AfterFailure::TakeBack => {
                    self.fail(change, step, &error).await;
                    break;
                }
            }
        }
        if let Some(reason) = failed_hook.filter(|_| self.lock()[change.id.0].ending.is_none()) {
            self.end(change.id, Ending::Failed { reason, hint: None });
        }
        let alive = self.lock()[change.id.0].ending.is_none();
        if alive && phase == Phase::Prepare {
            self.prove_newcomer(change).await;
        }
        self.lock()[change.id.0].duration += began.elapsed();
    }

    async fn step_with_retries(&self, change: &Change, step: &Step) -> Result<(), PerformError> {
        let attempts = change.retry.map_or(1, |retry| retry.attempts);
        let mut tried = 1;
        loop {
            match self.step(change, step).await {
                Ok(()) => return Ok(()),
                Err(PerformError::Lost { reason }) => return Err(PerformError::Lost { reason }),
                Err(error) if tried >= attempts => return Err(error),
                Err(error) => {
                    let text = format!("attempt {tried} of {attempts} failed: {error}");
                    (self.execution.events)(Event::StepProgress { change: change.id, text });
                    tokio::time::sleep(change.retry.map_or(Duration::ZERO, pause)).await;
                    tried += 1;
                }
            }
        }
    }

    /// Does one step, and learns the id of what it made.
    pub(super) async fn step(&self, change: &Change, step: &Step) -> Result<(), PerformError> {
        let id = change.id;
        let events = self.execution.events;
        let text = step.to_string();
        events(Event::StepStarted { change: id, step: text.clone() });
        let began = Instant::now();
        let bound = self.bindings.lock().unwrap_or_else(std::sync::PoisonError::into_inner).bind(step);
        let progress = move |text: String| events(Event::StepProgress { change: id, text });
        let answer = self.execution.performer.perform(&bound, &progress).await;
        match answer {
            Ok(answer) => {
                if let (Some(planned), Some(engine)) = (makes(step), &answer.id) {
                    self.bindings
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .learn(planned, engine);
                }
                let mut progress = self.lock();
                progress[id.0].note(change, step, began, answer.id);
                progress[id.0].steps.push(text.clone());
                progress[id.0].notes.extend(answer.notes);
                progress[id.0]
                    .notes
                    .extend(answer.warnings.iter().map(|warning| format!("{ENGINE_SAYS}{warning}")));
                drop(progress);
                events(Event::StepDone { change: id, step: text, took: began.elapsed() });
                Ok(())
            }
            Err(error) => {
                events(Event::StepFailed { change: id, step: text, reason: error.to_string() });
                Err(error)
            }
        }
    }

    /// Ends a change that failed, with the last words of the container that it is about.
    async fn fail(&self, change: &Change, step: &Step, error: &PerformError) {
        let mut output = match error {
            PerformError::Failed { output, .. } => output.clone(),
            _ => Vec::new(),
        };
        let starts = matches!(
            step,
            Step::StartContainer { .. }
                | Step::Settle { .. }
                | Step::Watch { .. }
                | Step::AwaitHealthy { .. }
                | Step::RestartContainer { .. }
                | Step::AwaitEnd { .. }
        );
        let started = container_of(step).filter(|_| starts).map(|container| {
            let bindings = self.bindings.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            bindings.id(&container.id).to_string()
        });
        if let Some(id) = &started {
            output.extend(self.execution.observer.last_log_lines(id, 20).await);
        }
        self.lock()[change.id.0].output = output;
        // Others that wait for this one see that it failed only when it is over.
        if !undo::undo(self, change, error).await {
            let reason = format!("{step:#}: {error}");
            let left = match &started {
                Some(id) => self.execution.observer.container(id).await.ok().flatten(),
                None => None,
            };
            let hint = hint(step, error, left.as_ref().map(|container| container.name.as_str()));
            self.end(change.id, Ending::Failed { reason, hint });
        }
    }

    /// Reads a replacement back before anything is stopped for it.
    async fn prove_newcomer(&self, change: &Change) {
        let replaces = change.steps.switch.iter().any(|step| matches!(step, Step::RenameContainer { .. }));
        let created = change.steps.prepare.iter().find_map(|step| match step {
            Step::CreateContainer { container, .. } => Some((container, step)),
            _ => None,
        });
        let Some((container, step)) = created.filter(|_| replaces) else { return };
        let id = self.bindings.lock().unwrap_or_else(std::sync::PoisonError::into_inner).id(&container.id);
        let Ok(Some(observed)) = self.execution.observer.container(&id.to_string()).await else { return };
        let diff = (self.execution.differs)(change.id, &observed);
        if !diff.is_empty() {
            let message = did_not_take(&diff, &self.lock()[change.id.0].notes);
            let error = PerformError::Refused { status: None, message };
            self.fail(change, step, &error).await;
        }
    }

    /// Does the changes that wait for a failure, all their phases in a row; true if there were some.
    async fn answer_failures(&self) -> bool {
        let mut answered = false;
        for change in &self.execution.plan.changes {
            let When::OnFailure(causes) = &change.when else { continue };
            let wanted = {
                let progress = self.lock();
                progress[change.id.0].ending.is_none()
                    && causes.iter().any(|id| matches!(progress[id.0].ending, Some(Ending::Failed { .. })))
            };
            if wanted {
                answered = true;
                for phase in Phase::ALL {
                    if self.lock()[change.id.0].ending.is_none() && !change.steps.of(phase).is_empty() {
                        self.change(change, phase).await;
                    }
                }
            }
        }
        answered
    }

    pub(super) fn end(&self, id: ChangeId, ending: Ending) {
        if matches!(ending, Ending::Failed { .. }) && self.execution.plan.change(id).failhard {
            self.ended.store(true, Ordering::SeqCst);
        }
        self.lock()[id.0].ending = Some(ending);
        (self.execution.events)(Event::ChangeDone { change: id });
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Progress>> {
        self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn reports(&self) -> Vec<ChangeReport> {
        let progress = self.lock();
        let ending = |progress: &Progress| match &progress.ending {
            Some(ending) => ending.clone(),
            None if progress.steps.is_empty() => Ending::Unchanged,
            None => Ending::Changed,
        };
        progress
            .iter()
            .map(|progress| ChangeReport {
                ending: ending(progress),
                steps: progress.steps.clone(),
                started: progress.started,
                duration: progress.duration,
                output: progress.output.clone(),
                notes: progress.notes.clone(),
                made: progress.made.clone(),
                gap: progress.gap,
            })
            .collect()
    }
}
