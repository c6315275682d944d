//! Runs what containers declare: their validation, and their update. Knows containers by their labels alone, so
//! whoever made them is no matter. What came of it is put on record.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::record::{Clock, recall, record};
use super::subject::Site;
use super::{Ambient, Listener, RunError};
use crate::engine::{PerformError, Performer};
use crate::history::{Entry, Kind, Outcome};
use crate::plan::{Event, Method, MethodEnding, MethodReport, MethodRun, Subject};
use crate::resource::is_kept;
use crate::world::{Container, Id, RunState, label};

/// Whose methods are to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodOptions {
    pub which: Which,
    /// `--host` as it was typed.
    pub host: Option<String>,
    /// How long each of them is waited for.
    pub timeout: Duration,
    pub why: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Every running container that declares the method, of whatever project.
    All,
    /// In this order.
    Named(Vec<String>),
}

/// Runs the validations of containers, one after the other.
///
/// # Errors
/// If the engine cannot be reached. What the containers do is in the answer.
pub async fn validate(
    options: &MethodOptions,
    ambient: &Ambient,
    listener: Listener<'_>,
) -> Result<MethodReport, RunError> {
    let mut runner = Runner::new(options, ambient, listener).await?;
    for target in runner.targets(Method::Validate) {
        if runner.goes_on_to(&target) {
            runner.run(&target, Method::Validate).await;
        }
    }
    Ok(runner.report)
}

/// Runs the updates of containers, one after the other, and behind each that passes its validation.
///
/// # Errors
/// If the engine cannot be reached. What the containers do is in the answer.
pub async fn update(
    options: &MethodOptions,
    ambient: &Ambient,
    listener: Listener<'_>,
) -> Result<MethodReport, RunError> {
    let mut runner = Runner::new(options, ambient, listener).await?;
    for target in runner.targets(Method::Update) {
        if !runner.goes_on_to(&target) {
            continue;
        }
        let is_updated = runner.run(&target, Method::Update).await;
        if is_updated && target.declares(Method::Validate) && runner.goes_on_to(&target) {
            runner.run(&target, Method::Validate).await;
        }
    }
    Ok(runner.report)
}

struct Runner<'a> {
    site: Site,
    performer: Performer,
    options: &'a MethodOptions,
    ambient: &'a Ambient,
    listener: Listener<'a>,
    clock: Clock,
    report: MethodReport,
}

/// A name, and what carries it.
struct Target {
    subject: Subject,
    container: Option<Container>,
}

impl Target {
    fn command(&self, method: Method) -> Option<&str> {
        let command = self.container.as_ref()?.labels().get(key(method));
        command.filter(|command| !command.trim().is_empty())
    }

    fn declares(&self, method: Method) -> bool {
        self.command(method).is_some()
    }
}

/// The label that declares a method.
pub(super) fn key(method: Method) -> &'static str {
    match method {
        Method::Validate => label::LIFECYCLE_VALIDATE,
        Method::Update => label::LIFECYCLE_UPDATE,
    }
}

impl<'a> Runner<'a> {
    async fn new(
        options: &'a MethodOptions,
        ambient: &'a Ambient,
        listener: Listener<'a>,
    ) -> Result<Self, RunError> {
        let names = match &options.which {
            Which::All => &[],
            Which::Named(names) => names.as_slice(),
        };
        let site = Site::look(options.host.as_deref(), names, ambient).await?;
        let performer = Performer::new(site.client.clone());
        let (clock, report) = (Clock::of(ambient), MethodReport::default());
        Ok(Self { site, performer, options, ambient, listener, clock, report })
    }

    /// The containers that are meant. Of all, those that are left out are told.
    fn targets(&mut self, method: Method) -> Vec<Target> {
        let target = |container: &Container| Target {
            subject: self.site.subject(container),
            container: Some(container.clone()),
        };
        match &self.options.which {
            Which::Named(names) => {
                let mut seen = BTreeSet::new();
                let names = names.iter().filter(|name| seen.insert(name.as_str()));
                let missing = |name: &String| Target {
                    subject: Subject { name: name.clone(), ..Subject::default() },
                    container: None,
                };
                names.map(|name| self.site.container(name).map_or_else(|| missing(name), target)).collect()
            }
            Which::All => {
                let there = self.site.world.containers.values();
                let is_history =
                    |container: &Container| is_kept(container) && container.labels().owner().is_some();
                let mut all: Vec<_> = there.filter(|container| !is_history(container)).map(target).collect();
                all.sort_by(|a, b| a.subject.name.cmp(&b.subject.name));
                let (chosen, others): (Vec<_>, Vec<_>) =
                    all.into_iter().partition(|target| left_out(target, method).is_none());
                let others = others.into_iter();
                self.report.left_out = others
                    .filter_map(|target| Some((target.subject.name.clone(), left_out(&target, method)?)))
                    .collect();
                chosen
            }
        }
    }

    /// False if a person asked to stop; what is not begun then is told.
    fn goes_on_to(&mut self, target: &Target) -> bool {
        let is_stopped = self.ambient.stop.requested().is_some();
        if is_stopped {
            self.report.left_out.push((target.subject.name.clone(), "stopped before".to_owned()));
        }
        !is_stopped
    }

    /// Runs one method, and puts it on record; true if it passed.
    async fn run(&mut self, target: &Target, method: Method) -> bool {
        let name = &target.subject.name;
        let (Some(container), Some(command)) = (&target.container, target.command(method)) else {
            let ending = if target.container.is_some() { undeclared(method, name) } else { missing() };
            self.add(target, method, None, (ending, Duration::ZERO), false);
            return false;
        };
        let updates = self.updates(container).await;
        let number = updates.filter(|_| method == Method::Update).map(|before| before + 1);
        let begun = self.clock.elapsed();
        let ending = if container.state == RunState::Running {
            (self.listener)(Event::Message { text: format!("{} container {name}", method.word()) });
            self.exec(container, command).await
        } else {
            let hint = format!("start it first; what it said: docker logs {name}");
            MethodEnding::NotRun {
                reason: format!("it does not run: it is {}", state(container)),
                hint: Some(hint),
            }
        };
        let took = self.clock.elapsed().saturating_sub(begun);
        let is_passed = ending.is_passed();
        let entry = self.entry(target, container, (method, updates), &ending, took);
        let recorded = record(entry, self.ambient).await;
        if let Err(reason) = &recorded {
            self.report.warnings.push(format!("this {} of {name} is not on record: {reason}", noun(method)));
        }
        self.add(target, method, number, (ending, took), recorded.is_ok());
        is_passed
    }

    fn add(
        &mut self,
        target: &Target,
        method: Method,
        number: Option<u32>,
        (ending, took): (MethodEnding, Duration),
        is_on_record: bool,
    ) {
        let subject = target.subject.clone();
        self.report.runs.push(MethodRun { subject, method, number, ending, took, is_on_record });
    }

    /// Waits for a command. Giving up ends the waiting and not the command: the engine runs it in any case.
    async fn exec(&self, container: &Container, command: &str) -> MethodEnding {
        let words = ["/bin/sh", "-c", command].map(str::to_owned);
        let id = container.id.to_string();
        let name = &container.name;
        let tell = |line: String| (self.listener)(Event::Message { text: format!("{name} | {line}") });
        let ended = tokio::select! {
            biased;
            ended = self.performer.exec_telling(&id, &words, self.options.timeout, &tell) => ended,
            _ = self.ambient.stop.wait() => return MethodEnding::Stopped,
        };
        match ended {
            Ok(Some(code)) => MethodEnding::Exited(code),
            Ok(None) => MethodEnding::TimedOut(self.options.timeout),
            Err(PerformError::Lost { reason }) => MethodEnding::Lost(reason),
            Err(error) => MethodEnding::NotRun { reason: error.to_string(), hint: None },
        }
    }

    /// How often this container was updated, as far as that is on record.
    async fn updates(&self, container: &Container) -> Option<u32> {
        let id = container.id.to_string();
        let counted = recall(self.ambient, move |history| history.count(Kind::Updated, &id)).await;
        // That it cannot be read is told when this one cannot be written.
        Some(counted.ok()?.unwrap_or(0))
    }

    fn entry(
        &self,
        target: &Target,
        container: &Container,
        (method, updates): (Method, Option<u32>),
        ending: &MethodEnding,
        took: Duration,
    ) -> Entry {
        let Subject { name: _, owner, revision, image, digest: _, version } = target.subject.clone();
        let count = match method {
            Method::Update => updates.map(|before| ("update", before + 1)),
            // What was validated is the image with what was fetched since.
            Method::Validate => updates.filter(|updates| *updates > 0).map(|updates| ("updates", updates)),
        };
        let mut detail = Map::new();
        detail.extend(count.map(|(key, count)| (key.to_owned(), json!(count))));
        detail.extend(reason(ending).map(|reason| ("reason".to_owned(), json!(reason))));
        let engine_id = |id: &Id| matches!(id, Id::Engine(_)).then(|| id.to_string());
        Entry {
            time: self.clock.now(),
            engine: Some(self.site.engine()),
            owner,
            object: Site::object(container),
            container: engine_id(&container.id),
            revision,
            kind: match method {
                Method::Validate => Kind::Validated,
                Method::Update => Kind::Updated,
            },
            image: Some(image),
            image_id: engine_id(&container.image),
            digests: self.site.digests(container).into_iter().collect(),
            version,
            outcome: outcome(ending),
            exit_code: ending.exit_code(),
            took,
            actor: self.ambient.actor(),
            why: self.options.why.clone(),
            detail: Value::Object(detail),
        }
    }
}

/// Why a container is not among all.
fn left_out(target: &Target, method: Method) -> Option<String> {
    let container = target.container.as_ref()?;
    if container.labels().get(label::TRIAL).is_some() {
        Some("it is a trial".to_owned())
    } else if !target.declares(method) {
        Some(format!("declares no {}", noun(method)))
    } else if container.state != RunState::Running {
        Some(format!("is {}", state(container)))
    } else {
        None
    }
}

fn undeclared(method: Method, name: &str) -> MethodEnding {
    let (noun, word, key) = (noun(method), method.word(), key(method));
    let hint = format!(
        "declare it in its state, `lifecycle: {{{word}: COMMAND}}`, or in the image, `LABEL {key}=\"COMMAND\"`, and \
         apply; then: evenkeel {word} {name}"
    );
    MethodEnding::NotRun { reason: format!("it declares no {noun}"), hint: Some(hint) }
}

fn missing() -> MethodEnding {
    let hint = "which are there? evenkeel status; another engine is named by --host".to_owned();
    MethodEnding::NotRun { reason: "there is no such container".to_owned(), hint: Some(hint) }
}

/// What a state is called, with the exit code of what has ended.
pub(super) fn state(container: &Container) -> String {
    match container.state {
        RunState::Exited { code } => format!("exited ({code})"),
        other => other.word().to_owned(),
    }
}

fn noun(method: Method) -> &'static str {
    match method {
        Method::Validate => "validation",
        Method::Update => "update",
    }
}

fn outcome(ending: &MethodEnding) -> Outcome {
    match ending {
        MethodEnding::Exited(0) => Outcome::Passed,
        MethodEnding::Exited(_) | MethodEnding::NotRun { .. } => Outcome::Failed,
        MethodEnding::TimedOut(_) | MethodEnding::Stopped | MethodEnding::Lost(_) => Outcome::Unknown,
    }
}

/// Why there is no exit code, in words of our own: others' may hold what is nobody's business.
fn reason(ending: &MethodEnding) -> Option<&'static str> {
    match ending {
        MethodEnding::Exited(_) => None,
        MethodEnding::NotRun { .. } => Some("not run"),
        MethodEnding::TimedOut(_) => Some("timed out"),
        MethodEnding::Stopped => Some("stopped"),
        MethodEnding::Lost(_) => Some("lost"),
    }
}
