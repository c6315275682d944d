//! The revisions of containers: what is on record of them, and what the labels of those that are there say. Each of
//! the two is enough.

use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;

use super::differences::between;
use super::methods::state;
use super::record::recall;
use super::revision_name::RevisionName;
use super::subject::Site;
use super::{Ambient, RunError};
use crate::history::{Entry, Outcome};
use crate::plan::{HistoryRead, HistoryReport, Revision, RevisionResult, Whereabouts};
use crate::resource::{Recorded, plain_name, recorded};
use crate::world::{Container, Role, label};

/// Which revisions are to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryOptions {
    /// None: those of all containers.
    pub name: Option<RevisionName>,
    /// `--host` as it was typed.
    pub host: Option<String>,
    /// The newest so many.
    pub limit: u32,
}

/// A revision, and what was declared of it, if that is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    pub revision: Revision,
    pub state: Option<Recorded>,
    /// Every digest by which registries know its image.
    pub digests: Vec<String>,
}

/// All that is known of one container, or of all, on one engine.
pub(super) struct Knowledge {
    pub known: Vec<Known>,
    pub record: HistoryRead,
}

/// What is told of a container by its labels is on record with this mark: nobody measured how long it took.
pub(super) const RESTORED: &str = "from_labels";

/// So many revisions of one container are looked for.
pub(super) const ALL: u32 = 10_000;

/// Tells the revisions of a container, or the last of all containers. Changes nothing.
///
/// # Errors
/// If the engine cannot be reached, or nobody knows the container.
pub async fn history(options: &HistoryOptions, ambient: &Ambient) -> Result<HistoryReport, RunError> {
    let name = options.name.as_ref();
    let names: Vec<String> = name.map(|name| name.name.clone()).into_iter().collect();
    let site = site(options.host.as_deref(), &names, ambient).await?;
    // One more than is shown, so that the last one has something to differ from.
    let most = options.limit.saturating_add(1);
    let most = if name.is_some_and(|name| name.number.is_some()) { ALL } else { most };
    let Knowledge { mut known, record } =
        know(&site, name.map(|name| name.name.as_str()), most, ambient).await;
    tell_differences(&mut known);
    match name {
        Some(name) if known.is_empty() => return Err(nobody_knows(&site, name, &record)),
        Some(RevisionName { number: Some(number), .. }) => {
            let all = std::mem::take(&mut known);
            let (chosen, others) = all.into_iter().partition(|known| known.revision.number == Some(*number));
            known = chosen;
            if known.is_empty() {
                return Err(no_such_revision(name.map_or("", |name| &name.typed), &others, &record));
            }
        }
        Some(_) => {}
        None => known.sort_by_key(|known| Reverse(known.revision.when)),
    }
    known.truncate(usize::try_from(options.limit).unwrap_or(usize::MAX));
    Ok(HistoryReport {
        name: name.map(|name| name.name.clone()),
        revisions: known.into_iter().map(|known| known.revision).collect(),
        record,
        now: Timestamp::try_from(ambient.now).unwrap_or_default(),
    })
}

/// Looks at an engine; in full at the containers that are named, or at all current ones if none is.
pub(super) async fn site(host: Option<&str>, names: &[String], ambient: &Ambient) -> Result<Site, RunError> {
    let mut site = Site::look(host, names, ambient).await?;
    if names.is_empty() {
        // Health is told by nothing but an inspection.
        let ours = site.world.containers.values().filter(|container| is_ours(container));
        let current = ours.filter(|container| container.role() == Role::Current);
        let names: Vec<_> = current.map(|container| container.name.clone()).collect();
        site.look_at(&names).await?;
    }
    Ok(site)
}

/// Gathers what is known, by name and the newest first.
pub(super) async fn know(site: &Site, name: Option<&str>, most: u32, ambient: &Ambient) -> Knowledge {
    let ours = site.world.containers.values().filter(|container| is_ours(container));
    let mut containers: Vec<&Container> =
        ours.filter(|container| name.is_none_or(|name| plain_name(&container.name) == name)).collect();
    let ids: Vec<String> = containers.iter().map(|container| container.id.to_string()).collect();
    let (engine, object) = (site.engine(), name.map(str::to_owned));
    let read = recall(ambient, move |history| history.revisions(&engine, object.as_deref(), &ids, most));
    let (entries, record) = match read.await {
        Ok(Some(entries)) => (entries, HistoryRead::Read),
        Ok(None) => (Vec::new(), HistoryRead::Missing),
        Err(reason) => (Vec::new(), HistoryRead::Unreadable(reason)),
    };
    let mut known = Vec::new();
    for entry in &entries {
        let found = containers.iter().position(|container| is_about(entry, container));
        let container = found.map(|index| containers.remove(index));
        known.push(of_entry(entry, container, site));
    }
    known.extend(containers.into_iter().map(|container| of_labels(container, site)));
    known.sort_by_key(|Known { revision, .. }| {
        (revision.name.clone(), Reverse(revision.number), Reverse(revision.when))
    });
    Knowledge { known, record }
}

/// True if evenkeel made the container to stay.
pub(super) fn is_ours(container: &Container) -> bool {
    let labels = container.labels();
    labels.owner().is_some() && labels.get(label::TRIAL).is_none()
}

fn is_about(entry: &Entry, container: &Container) -> bool {
    match &entry.container {
        Some(id) => *id == container.id.to_string(),
        None => entry.object == plain_name(&container.name) && entry.revision == number(container),
    }
}

fn number(container: &Container) -> Option<u32> {
    container.labels().revision().or_else(|| Some(container.role().serves()?.1))
}

fn of_entry(entry: &Entry, container: Option<&Container>, site: &Site) -> Known {
    let told = |key: &str| entry.detail[key].as_str().map(str::to_owned);
    let differences = entry.detail["differences"].as_array().into_iter().flatten();
    let revision = Revision {
        name: container.map_or_else(|| entry.object.clone(), |container| plain_name(&container.name)),
        number: entry.revision,
        owner: entry.owner.clone(),
        container: entry.container.clone(),
        when: Some(entry.time),
        image: entry.image.clone().unwrap_or_default(),
        image_id: entry.image_id.clone(),
        digest: entry.digests.first().cloned(),
        version: entry.version.clone(),
        by: Some(entry.actor.clone()).filter(|by| !by.is_empty()),
        cause: told("cause"),
        why: entry.why.clone(),
        commit: told("commit"),
        took: (entry.detail[RESTORED] != true).then_some(entry.took),
        gap: entry.detail["gap_ms"].as_u64().map(Duration::from_millis),
        result: match entry.outcome {
            Outcome::Passed => RevisionResult::Deployed,
            Outcome::Failed => RevisionResult::Failed,
            Outcome::Unknown => RevisionResult::Unknown,
        },
        reason: told("reason"),
        whereabouts: container.map(whereabouts).unwrap_or_default(),
        is_on_record: true,
        differences: differences.filter_map(|text| text.as_str().map(str::to_owned)).collect(),
        plan: told("plan"),
    };
    let state = container.and_then(recorded).or_else(|| entry.detail["state"].as_object().cloned());
    let mut digests = entry.digests.clone();
    digests.extend(container.into_iter().flat_map(|container| site.digests(container)));
    Known { revision, state, digests }
}

pub(super) fn of_labels(container: &Container, site: &Site) -> Known {
    let labels = container.labels();
    let said = |key: &str| labels.get(key).filter(|text| !text.is_empty()).map(str::to_owned);
    let by = said(label::DEPLOY_BY).map(|by| match labels.get(label::DEPLOY_HOST) {
        Some(host) if !host.is_empty() => format!("{by}@{host}"),
        _ => by,
    });
    let subject = site.subject(container);
    let result = match container.role() {
        Role::Current | Role::Retired { .. } => RevisionResult::Deployed,
        Role::Failed { .. } => RevisionResult::Failed,
        Role::Newcomer { .. } => RevisionResult::Unfinished,
    };
    let revision = Revision {
        name: plain_name(&container.name),
        number: number(container),
        owner: labels.owner(),
        container: Some(container.id.to_string()),
        when: said(label::DEPLOY_TIME).and_then(|time| time.parse().ok()),
        image: subject.image,
        image_id: Some(container.image.to_string()).filter(|id| !id.is_empty()),
        digest: subject.digest,
        version: subject.version,
        by,
        cause: said(label::DEPLOY_CAUSE),
        why: said(label::DEPLOY_WHY),
        commit: said(label::DEPLOY_COMMIT),
        took: None,
        gap: None,
        result,
        reason: (result == RevisionResult::Failed).then(|| format!("it is {}", state(container))),
        whereabouts: whereabouts(container),
        is_on_record: false,
        differences: Vec::new(),
        plan: None,
    };
    Known { revision, state: recorded(container), digests: site.digests(container).into_iter().collect() }
}

fn whereabouts(container: &Container) -> Whereabouts {
    let (name, state) = (container.name.clone(), state(container));
    if container.role() == Role::Current {
        let health = container.attributes.text("State.Health.Status").filter(|word| *word != "none");
        return Whereabouts::Current { state, health: health.map(str::to_owned) };
    }
    if container.state.is_up() || matches!(container.role(), Role::Newcomer { .. }) {
        Whereabouts::Beside { name, state }
    } else {
        Whereabouts::Kept { name, state }
    }
}

/// Where only labels tell of a revision, what was declared says what differed from the one before.
pub(super) fn tell_differences(known: &mut [Known]) {
    for index in 0..known.len() {
        let (one, before) = known.split_at_mut(index + 1);
        let own = &mut one[index];
        let before = before.iter().find(|other| {
            let other = &other.revision;
            other.name == own.revision.name
                && other.number < own.revision.number
                && other.result == RevisionResult::Deployed
        });
        if let Some(before) = before.filter(|_| !own.revision.is_on_record) {
            let differences = between(before, own).unwrap_or_default();
            own.revision.differences = differences.iter().map(ToString::to_string).collect();
        }
    }
}

/// Neither the engine nor the history has anything of a name.
pub(super) fn nobody_knows(site: &Site, name: &RevisionName, record: &HistoryRead) -> RunError {
    let RevisionName { name, .. } = name;
    if site.world.container(name).is_some() {
        return RunError::Failed(format!(
            "container {name} was not made by evenkeel, so it has no revisions"
        ));
    }
    let recorded = match record {
        HistoryRead::Read => "none is on record".to_owned(),
        HistoryRead::Missing => "there is no history".to_owned(),
        HistoryRead::Unreadable(reason) => format!("the history cannot be read: {reason}"),
    };
    RunError::Failed(format!("no revision of `{name}` is known: the engine has none, and {recorded}"))
}

/// There are revisions of a name, but not this one.
pub(super) fn no_such_revision(typed: &str, known: &[Known], record: &HistoryRead) -> RunError {
    let known: Vec<String> = known.iter().map(|known| known.revision.label()).collect();
    let unread = match record {
        HistoryRead::Read | HistoryRead::Missing => String::new(),
        HistoryRead::Unreadable(reason) => format!("\nthe history cannot be read: {reason}"),
    };
    RunError::Failed(format!("`{typed}` is not known; these are: {}{unread}", known.join(", ")))
}
