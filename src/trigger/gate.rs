//! Before a push is accepted: may they, is the tree right, and would it work? Changes nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::queue::is_busy;
use super::settings::OWN_REFS;
use super::site::{Follower, Site, Wish, plain, short};
use super::worker::{Ended, Folder, watch};
use super::{PushOptions, Pushed, TriggerError};
use crate::plan::{Ending, RunReport};
use crate::run::{Deployment, Listener, Mode, RunError};
use crate::state::{Environment, OnUnknown};

/// What becomes of a push.
#[derive(Debug)]
pub enum Verdict {
    Accepted,
    /// The reason and the remedy, which the pusher reads last.
    Refused(Refusal),
}

/// Why a push is refused.
#[derive(Debug)]
pub enum Refusal {
    Because {
        environment: Option<String>,
        reason: String,
        hint: Option<String>,
    },
    /// Mistakes in the pushed files.
    Wrong {
        environment: String,
        error: RunError,
    },
    /// The reason has been told already; the exit code that goes with it.
    Told {
        environment: String,
        code: i32,
    },
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Git, for whoever pushes.
    Pusher,
    /// Who keeps the host and its file, and decides what others may.
    Host,
}

/// What is to be looked at, by a process of its own.
pub struct Look<'a> {
    pub environment: &'a Environment,
    pub commit: &'a str,
    /// An empty folder for its files.
    pub tree: &'a Path,
}

/// Starts a process that looks: `look` is what it has to do.
pub type Worker<'a> = &'a (dyn Fn(&Look<'_>) -> Result<Command, TriggerError> + Send + Sync);

/// What the pusher is told on the way.
pub enum Told {
    Line(String),
    /// What would be done.
    Plan(Box<RunReport>),
    /// The same, as a worker has written it, and what is wrong.
    Written {
        plan: String,
        errors: String,
    },
}

/// Looks at everything that a push moves.
///
/// # Errors
/// If the hook itself cannot do its part; then the push is refused as well.
pub async fn gate(
    site: &Site<'_>,
    pushed: &[Pushed],
    asking: Asking,
    tell: &(dyn Fn(Told) + Send + Sync),
    worker: Worker<'_>,
) -> Result<Verdict, TriggerError> {
    let followers = site.followers(pushed);
    // Who may not push learns nothing else.
    for follower in followers.iter().filter(|_| asking == Asking::Pusher) {
        if let Some(out) = site.pusher.is_kept_out_of(follower.environment) {
            return Ok(refused(&follower.environment.name, out.reason, out.hint));
        }
    }
    // What they say has to be true, whoever may push.
    let is_own = |it: &&Pushed| it.reference == OWN_REFS || it.reference.starts_with(&format!("{OWN_REFS}/"));
    if let Some(own) = pushed.iter().find(is_own) {
        let reason = format!("{} is not for pushing: evenkeel writes there what runs", own.reference);
        return Ok(refused_all(reason, Some(format!("leave {OWN_REFS}/ out of the push"))));
    }
    if let Err(error) = PushOptions::read(&site.ambient.variables) {
        return Ok(refused_all(error.to_string(), None));
    }
    for (number, follower) in followers.iter().enumerate() {
        let is_same = |other: &&Follower<'_>| other.environment.name == follower.environment.name;
        if let Some(other) = followers[..number].iter().find(is_same) {
            let (one, two) = (plain(&other.pushed.reference), plain(&follower.pushed.reference));
            let reason = format!("{one} and {two} would both go to {}", follower.environment.name);
            return Ok(refused(
                &other.environment.name,
                reason,
                Some("push one of them, then the other".to_owned()),
            ));
        }
    }
    for follower in &followers {
        if let Verdict::Refused(refusal) = watched(site, follower, tell, worker).await? {
            return Ok(Verdict::Refused(refusal));
        }
    }
    for pushed in pushed.iter().filter(|pushed| !followers.iter().any(|it| it.pushed == *pushed)) {
        tell(Told::Line(format!("{}: no environment follows it", plain(&pushed.reference))));
    }
    Ok(Verdict::Accepted)
}

/// Has one environment's share looked at by a worker, for as long as the host allows.
async fn watched(
    site: &Site<'_>,
    follower: &Follower<'_>,
    tell: &(dyn Fn(Told) + Send + Sync),
    worker: Worker<'_>,
) -> Result<Verdict, TriggerError> {
    let Follower { environment, pushed } = follower;
    let Some(new) = &pushed.new else {
        let line = format!("{} goes; {} stays as it is", plain(&pushed.reference), environment.name);
        tell(Told::Line(line));
        return Ok(Verdict::Accepted);
    };
    let commit = site.repository.commit(new)?;
    tell(Told::Line(format!(
        "{} {} -> {}  ({}, by {}, \"{}\")",
        plain(&pushed.reference),
        short(&commit.id),
        environment.name,
        environment.state,
        site.pusher.name(),
        commit.subject
    )));
    if is_busy(&site.folders(environment)) {
        let line = format!("a run of {} is at work; what it has under way shows as well", environment.name);
        tell(Told::Line(line));
    }
    let folder = Folder::new()?;
    let tree = folder.tree();
    std::fs::create_dir(&tree).map_err(|error| TriggerError::file(&tree, &error))?;
    let command = worker(&Look { environment, commit: &commit.id, tree: &tree })?;
    match watch(command, environment.timeout).await? {
        Ended::Exited { code, plan, errors } => {
            // Where the files lie for the moment is nothing to go by.
            let below = format!("{}/", tree.display());
            tell(Told::Written { plan: plan.replace(&below, ""), errors: errors.replace(&below, "") });
            Ok(match code {
                0 => Verdict::Accepted,
                code => Verdict::Refused(Refusal::Told { environment: environment.name.clone(), code }),
            })
        }
        Ended::Died { signal } => {
            let reason =
                format!("the state files take too much memory (what looked at them died by signal {signal})");
            let hint = "is there a text that doubles, or a loop that never ends?";
            Ok(refused(&environment.name, reason, Some(hint.to_owned())))
        }
        Ended::TooLong => {
            let reason = format!("the dry run takes longer than {} s", environment.timeout.as_secs());
            Ok(unknown(environment, &reason, tell))
        }
    }
}

/// Looks at what one environment would get. Done by a worker, in a folder of its own.
///
/// # Errors
/// If it cannot be looked at; then the push is refused as well.
pub async fn look(
    site: &Site<'_>,
    look: &Look<'_>,
    tell: &(dyn Fn(Told) + Send + Sync),
) -> Result<Verdict, TriggerError> {
    let Look { environment, commit, tree } = *look;
    let options = PushOptions::read(&site.ambient.variables)?;
    let commit = site.repository.commit(commit)?;
    match site.export(&commit.id, tree).await {
        Ok(()) => {}
        Err(error @ (TriggerError::Tree { .. } | TriggerError::TooLarge(_))) => {
            return Ok(refused(&environment.name, error.to_string(), error.hint()));
        }
        Err(error) => return Err(error),
    }
    if tree.join(&environment.state).symlink_metadata().is_err() {
        let reason = format!("the pushed tree has no {}", environment.state);
        let hint = "add it; or who keeps the host names another one: `state` in hooks.yml";
        return Ok(refused(&environment.name, reason, Some(hint.to_owned())));
    }
    let nothing: Listener<'_> = &|_| {};
    // Nothing of it is written anywhere: this only looks.
    let push = Deployment {
        repository: site.repository.path().to_owned(),
        environment: environment.name.clone(),
        reference: String::new(),
        why: options.why.clone().unwrap_or_else(|| commit.subject.clone()),
        commit: commit.id.clone(),
        pusher: site.pusher.name(),
        is_forced: false,
    };
    let wish = Wish { mode: Mode::Test, save: None, options: &options, push: &push };
    let cannot_be_asked = match site.run(environment, tree, wish, nothing).await {
        Ok(report) => {
            let project = report.plan.owner.project.clone();
            if let Ok(Some(stranger)) = site.stranger_in(&project, environment).await {
                return Ok(refused(&environment.name, stranger.to_string(), stranger.hint()));
            }
            let failing = failing(&report);
            let unknown = report.unknown.first().cloned();
            let is_known =
                |reason: &&String| !report.unknown.iter().any(|unknown| reason.contains(unknown.as_str()));
            let wrong = failing.iter().find(is_known).cloned();
            let unfit = unfit(&report, &options.data_loss);
            tell(Told::Plan(Box::new(report)));
            for name in unfit {
                tell(Told::Line(format!(
                    "warning: `-o allow-data-loss={name}` names no volume of these states"
                )));
            }
            match (wrong, unknown) {
                (Some(reason), _) => {
                    let hint = reason
                        .contains("--allow-data-loss")
                        .then(|| "a push allows it with: git push -o allow-data-loss=NAME".to_owned());
                    return Ok(refused(&environment.name, reason, hint));
                }
                (None, unknown) => unknown,
            }
        }
        Err(RunError::Unreachable { message, .. }) => Some(message),
        Err(RunError::Registry(error)) => Some(error.to_string()),
        Err(error) => {
            return Ok(Verdict::Refused(Refusal::Wrong { environment: environment.name.clone(), error }));
        }
    };
    Ok(cannot_be_asked.map_or(Verdict::Accepted, |reason| unknown(environment, &reason, tell)))
}

/// What becomes of a push of which nobody knows whether it would work.
fn unknown(environment: &Environment, reason: &str, tell: &(dyn Fn(Told) + Send + Sync)) -> Verdict {
    let reason = format!("nobody knows whether it would work: {reason}");
    match environment.on_unknown {
        OnUnknown::Warn => {
            tell(Told::Line(format!("warning: {reason}")));
            Verdict::Accepted
        }
        OnUnknown::Refuse => {
            let hint =
                "try again later; `gate_on_unknown: warn` in the host's hooks.yml lets such pushes through";
            refused(&environment.name, reason, Some(hint.to_owned()))
        }
    }
}

/// Names that were given for volumes and are none.
fn unfit(report: &RunReport, names: &BTreeSet<String>) -> Vec<String> {
    let is_volume = |name: &&String| {
        report.plan.changes.iter().any(|change| change.state.kind == "volume" && change.state.name == **name)
    };
    names.iter().filter(|name| !is_volume(name)).cloned().collect()
}

/// What stands against each change that cannot be done.
fn failing(report: &RunReport) -> Vec<String> {
    let reasons =
        report.plan.changes.iter().zip(&report.changes).filter_map(|(change, end)| match &end.ending {
            Ending::Failed { reason, .. } => {
                Some(format!("{}.{}: {reason}", change.state.kind, change.state.name))
            }
            _ => None,
        });
    reasons.collect()
}

fn refused(environment: &str, reason: String, hint: Option<String>) -> Verdict {
    Verdict::Refused(Refusal::Because { environment: Some(environment.to_owned()), reason, hint })
}

/// Refuses a push for what it is, whatever follows it.
fn refused_all(reason: String, hint: Option<String>) -> Verdict {
    Verdict::Refused(Refusal::Because { environment: None, reason, hint })
}
