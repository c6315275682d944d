//! The log of a revision, as its container wrote it.

use super::error::unreachable;
use super::history::{ALL, know, site};
use super::revision_name::RevisionName;
use super::subject::Site;
use super::{Ambient, RunError};
use crate::engine::{LogWish, ObserveError, TellLog};
use crate::resource::plain_name;
use crate::world::{Container, Role};

/// Whose log is to be shown, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    pub name: RevisionName,
    /// `--host` as it was typed.
    pub host: Option<String>,
    pub wish: LogWish,
}

/// Tells what a container wrote, piece by piece, until its end or until the listener has enough.
///
/// # Errors
/// If there is no such container, or its log cannot be read.
pub async fn logs(options: &LogOptions, ambient: &Ambient, tell: TellLog<'_>) -> Result<(), RunError> {
    let name = &options.name;
    let site = site(options.host.as_deref(), std::slice::from_ref(&name.name), ambient).await?;
    let Some(container) = find(&site, name) else { return Err(gone(&site, name, ambient).await) };
    site.client.logs(&container.id.to_string(), &options.wish, tell).await.map_err(|error| match error {
        ObserveError::Answered { status, message, .. } => RunError::Failed(format!(
            "the log of {} cannot be read: the engine answered {status}: {message}",
            container.name
        )),
        other => unreachable(other),
    })
}

/// The container that is meant: by its own name, whoever made it, or by its revision.
fn find<'a>(site: &'a Site, name: &RevisionName) -> Option<&'a Container> {
    let by_name = || site.container(&name.typed);
    let Some(number) = name.number else { return by_name() };
    let is_meant = |container: &&Container| {
        let role = container.role().serves().map(|(_, number)| number);
        plain_name(&container.name) == name.name
            && container.labels().owner().is_some()
            && container.labels().revision().or(role) == Some(number)
    };
    by_name().or_else(|| site.world.containers.values().find(is_meant))
}

async fn gone(site: &Site, name: &RevisionName, ambient: &Ambient) -> RunError {
    let containers = site.world.containers.values();
    let mut there: Vec<&Container> = containers
        .filter(|container| container.labels().owner().is_some() && plain_name(&container.name) == name.name)
        .collect();
    there.sort_by_key(|container| std::cmp::Reverse(container.labels().revision()));
    let there: Vec<String> = there.into_iter().map(told).collect();
    let there = match there.as_slice() {
        [] => String::new(),
        there => format!("; these are there: {}", there.join(", ")),
    };
    let known = know(site, Some(&name.name), ALL, ambient).await.known;
    let is_known = known.iter().any(|known| name.number.is_some() && known.revision.number == name.number);
    let what = match name.number {
        Some(number) if is_known => {
            format!("the container of {}@{number} is gone, and its log with it", name.name)
        }
        Some(number) => format!("there is no revision {}@{number}", name.name),
        None => format!("there is no container {}", name.name),
    };
    RunError::Failed(format!("{what}{there}"))
}

/// `web@3`, and the name of its container if that is another one.
fn told(container: &Container) -> String {
    let number = container.labels().revision();
    let plain = plain_name(&container.name);
    let label = number.map_or(plain.clone(), |number| format!("{plain}@{number}"));
    match container.role() {
        Role::Current => label,
        Role::Newcomer { .. } | Role::Retired { .. } | Role::Failed { .. } => {
            format!("{label} ({})", container.name)
        }
    }
}
