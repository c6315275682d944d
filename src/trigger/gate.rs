//! Before a push is accepted: may they, is the tree right, and would it work? Changes nothing.

use super::site::{Follower, Site, Wish, plain, short};
use super::{PushOptions, Pushed, TriggerError};
use crate::host::bound_memory;
use crate::plan::{Ending, RunReport};
use crate::run::{Listener, Mode, RunError};
use crate::state::OnUnknown;

/// The address space of a look at a push, in bytes. Programs that it starts count for themselves.
const MOST_MEMORY: u64 = 8 << 30;

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
}

/// What the pusher is told on the way.
pub enum Told {
    Line(String),
    /// What would be done.
    Plan(Box<RunReport>),
}

/// Looks at everything that a push moves.
///
/// # Errors
/// If the hook itself cannot do its part; then the push is refused as well.
pub async fn gate(
    site: &Site<'_>,
    pushed: &[Pushed],
    tell: &(dyn Fn(Told) + Send + Sync),
) -> Result<Verdict, TriggerError> {
    let followers = site.followers(pushed);
    // Who may not push learns nothing else.
    for follower in &followers {
        if let Some(reason) = site.pusher.is_kept_out_of(follower.environment) {
            return Ok(refused(Some(follower), reason, None));
        }
    }
    let options = match PushOptions::read(&site.ambient.variables) {
        Ok(options) => options,
        Err(error) => return Ok(refused(None, error.to_string(), None)),
    };
    for (number, follower) in followers.iter().enumerate() {
        let is_same = |other: &&Follower<'_>| other.environment.name == follower.environment.name;
        if let Some(other) = followers[..number].iter().find(is_same) {
            let (one, two) = (plain(&other.pushed.reference), plain(&follower.pushed.reference));
            let reason = format!("{one} and {two} would both go to {}", follower.environment.name);
            return Ok(refused(Some(follower), reason, Some("push one of them, then the other".to_owned())));
        }
    }
    for follower in &followers {
        if let Verdict::Refused(refusal) = look(site, follower, &options, tell).await? {
            return Ok(Verdict::Refused(refusal));
        }
    }
    for pushed in pushed.iter().filter(|pushed| !followers.iter().any(|it| it.pushed == *pushed)) {
        tell(Told::Line(format!("{}: no environment follows it", plain(&pushed.reference))));
    }
    Ok(Verdict::Accepted)
}

async fn look(
    site: &Site<'_>,
    follower: &Follower<'_>,
    options: &PushOptions,
    tell: &(dyn Fn(Told) + Send + Sync),
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
        site.pusher.user,
        commit.subject
    )));
    let folder = tempfile::Builder::new().prefix("evenkeel-push-").tempdir();
    let folder = folder.map_err(|error| TriggerError::file(&std::env::temp_dir(), &error))?;
    let tree = folder.path().join("tree");
    std::fs::create_dir(&tree).map_err(|error| TriggerError::file(&tree, &error))?;
    match site.export(&commit.id, &tree).await {
        Ok(()) => {}
        Err(error @ (TriggerError::Tree { .. } | TriggerError::TooLarge(_))) => {
            return Ok(refused(Some(follower), error.to_string(), error.hint()));
        }
        Err(error) => return Err(error),
    }
    let nothing: Listener<'_> = &|_| {};
    // A template may ask for more memory than there is; the end of this process refuses the push.
    let _bound = bound_memory(MOST_MEMORY);
    let wish = Wish { mode: Mode::Test, save: None, options };
    // This only looks, so it may be given up.
    let run =
        tokio::time::timeout(environment.timeout, site.run(environment, &commit, &tree, wish, nothing)).await;
    let unknown = match run {
        Ok(Ok(report)) => {
            let failing = failing(&report);
            let unknown = report.unknown.first().cloned();
            let is_known =
                |reason: &&String| !report.unknown.iter().any(|unknown| reason.contains(unknown.as_str()));
            let wrong = failing.iter().find(is_known).cloned();
            tell(Told::Plan(Box::new(report)));
            match (wrong, unknown) {
                (Some(reason), _) => {
                    let hint = reason
                        .contains("--allow-data-loss")
                        .then(|| "a push allows it with: git push -o allow-data-loss=NAME".to_owned());
                    return Ok(refused(Some(follower), reason, hint));
                }
                (None, unknown) => unknown,
            }
        }
        Ok(Err(RunError::Unreachable { message, .. })) => Some(message),
        Ok(Err(RunError::Registry(error))) => Some(error.to_string()),
        Ok(Err(error)) => {
            return Ok(Verdict::Refused(Refusal::Wrong { environment: environment.name.clone(), error }));
        }
        Err(_) => Some(format!("the dry run takes longer than {} s", environment.timeout.as_secs())),
    };
    match (unknown, environment.on_unknown) {
        (None, _) => Ok(Verdict::Accepted),
        (Some(reason), OnUnknown::Warn) => {
            tell(Told::Line(format!("warning: nobody knows whether it would work: {reason}")));
            Ok(Verdict::Accepted)
        }
        (Some(reason), OnUnknown::Refuse) => {
            let reason = format!("nobody knows whether it would work: {reason}");
            let hint =
                "try again later; `gate_on_unknown: warn` in the host's hooks.yml lets such pushes through";
            Ok(refused(Some(follower), reason, Some(hint.to_owned())))
        }
    }
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

fn refused(follower: Option<&Follower<'_>>, reason: String, hint: Option<String>) -> Verdict {
    let environment = follower.map(|follower| follower.environment.name.clone());
    Verdict::Refused(Refusal::Because { environment, reason, hint })
}
