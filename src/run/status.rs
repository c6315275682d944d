//! How containers stand: what the engine says of them, and what is on record.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::methods::{key, state};
use super::record::recall;
use super::subject::Site;
use super::{Ambient, RunError};
use crate::history::{Entry, Kind};
use crate::plan::{ContainerStatus, Done, Method, StatusReport, Validity};
use crate::resource::is_kept;
use crate::world::{Container, label};

/// Which containers are to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusOptions {
    /// None: all that evenkeel made, and all that declare a method.
    pub names: Vec<String>,
    /// `--host` as it was typed.
    pub host: Option<String>,
}

/// So many entries about one name are looked through.
const MOST: u32 = 50;

/// Tells how containers stand. Changes nothing.
///
/// # Errors
/// If the engine cannot be reached.
pub async fn status(options: &StatusOptions, ambient: &Ambient) -> Result<StatusReport, RunError> {
    let mut site = Site::look(options.host.as_deref(), &options.names, ambient).await?;
    if options.names.is_empty() {
        let concerned = site.world.containers.values().filter(|container| concerns(container));
        let names: Vec<_> = concerned.map(|container| container.name.clone()).collect();
        site.look_at(&names).await?;
    }
    let (mut shown, mut missing) = (BTreeMap::new(), Vec::new());
    for name in &options.names {
        match site.container(name) {
            Some(container) => _ = shown.insert(container.name.clone(), container),
            None => missing.push(name.clone()),
        }
    }
    if options.names.is_empty() {
        let concerned = site.world.containers.values().filter(|container| concerns(container));
        shown = concerned.map(|container| (container.name.clone(), container)).collect();
    }
    let (records, unread) = match records(&site, shown.values().copied(), ambient).await {
        Ok(records) => (Some(records), None),
        Err(reason) => (None, Some(reason)),
    };
    let nothing = Records::default();
    let containers = shown.values().map(|container| {
        let records = records.as_ref().map(|records| records.get(&container.name).unwrap_or(&nothing));
        container_status(&site, container, records)
    });
    let now = Timestamp::try_from(ambient.now).unwrap_or_default();
    Ok(StatusReport { containers: containers.collect(), missing, unread, now })
}

/// True if the container is ours, or can be asked how it is. What is only kept is history.
fn concerns(container: &Container) -> bool {
    if is_kept(container) && container.labels().owner().is_some() {
        return false;
    }
    let labels = container.labels();
    let declares = [Method::Validate, Method::Update].into_iter().any(|method| declares(container, method));
    labels.get(label::TRIAL).is_none() && (labels.owner().is_some() || declares)
}

fn declares(container: &Container, method: Method) -> bool {
    container.labels().get(key(method)).is_some_and(|command| !command.trim().is_empty())
}

/// What is on record about the name of a container, the newest first.
#[derive(Default)]
struct Records {
    validated: Vec<Entry>,
    updated: Vec<Entry>,
}

async fn records<'a>(
    site: &Site,
    containers: impl Iterator<Item = &'a Container>,
    ambient: &Ambient,
) -> Result<BTreeMap<String, Records>, String> {
    let engine = site.engine();
    let wanted: Vec<_> =
        containers.map(|container| (container.name.clone(), Site::object(container))).collect();
    let read = recall(ambient, move |history| {
        let read = wanted.into_iter().map(|(name, object)| {
            let validated = history.of_object(Kind::Validated, &engine, &object, MOST)?;
            let updated = history.of_object(Kind::Updated, &engine, &object, MOST)?;
            Ok((name, Records { validated, updated }))
        });
        read.collect()
    });
    Ok(read.await?.unwrap_or_default())
}

fn container_status(site: &Site, container: &Container, records: Option<&Records>) -> ContainerStatus {
    let health = container.attributes.text("State.Health.Status").filter(|word| *word != "none");
    let is_own = |entry: &&Entry| entry.container.as_deref() == Some(container.id.to_string().as_str());
    ContainerStatus {
        subject: site.subject(container),
        state: state(container),
        health: health.map(str::to_owned),
        validation: match records {
            Some(records) => validity(container, &site.digests(container), &records.validated),
            None => Validity::Unknown,
        },
        // A replacement begins anew, without what the one before was updated with.
        update: records.and_then(|records| records.updated.iter().find(is_own)).map(done),
    }
}

/// What the results on record, the newest first, say of a container. One of another image says nothing.
fn validity(container: &Container, digests: &BTreeSet<String>, entries: &[Entry]) -> Validity {
    let owner = container.labels().owner();
    let id = container.id.to_string();
    let image = container.image.to_string();
    let entries = || entries.iter().filter(|entry| entry.owner == owner);
    let is_of_image = |entry: &&Entry| {
        entry.image_id.as_ref() == Some(&image) || entry.digests.iter().any(|digest| digests.contains(digest))
    };
    if let Some(own) = entries().find(|entry| entry.container.as_ref() == Some(&id)) {
        Validity::Own(done(own))
    } else if let Some(earlier) = entries().find(is_of_image) {
        Validity::Earlier(done(earlier))
    } else if !declares(container, Method::Validate) {
        Validity::Undeclared
    } else {
        entries().next().map_or(Validity::Never, |other| Validity::OtherImage(done(other)))
    }
}

fn done(entry: &Entry) -> Done {
    Done {
        result: entry.outcome.word(),
        when: entry.time,
        exit_code: entry.exit_code,
        revision: entry.revision,
        number: entry.detail["update"].as_u64().and_then(|number| number.try_into().ok()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::history::Outcome;
    use crate::world::{Attributes, Id, Owner, RunState};

    fn container(id: &str, image: &str, validates: bool) -> Container {
        let mut labels = json!({"io.evenkeel.project": "shop", "io.evenkeel.env": "qa"});
        if validates {
            labels["io.evenkeel.lifecycle.validate"] = json!("true");
        }
        Container {
            id: Id::Engine(id.to_owned()),
            name: "web".to_owned(),
            state: RunState::Running,
            image: Id::Engine(image.to_owned()),
            networks: BTreeMap::new(),
            attributes: Attributes::observed(json!({"Config": {"Labels": labels}})),
        }
    }

    fn entry(container: &str, image: &str, digests: &[&str], env: &str) -> Entry {
        Entry {
            time: Timestamp::UNIX_EPOCH,
            engine: None,
            owner: Some(Owner { project: "shop".to_owned(), env: env.to_owned() }),
            object: "web".to_owned(),
            container: Some(container.to_owned()),
            revision: Some(3),
            kind: Kind::Validated,
            image: None,
            image_id: Some(image.to_owned()),
            digests: digests.iter().map(|digest| (*digest).to_owned()).collect(),
            version: None,
            outcome: Outcome::Passed,
            exit_code: Some(0),
            took: Duration::ZERO,
            actor: String::new(),
            why: None,
            detail: json!({}),
        }
    }

    #[test]
    fn a_result_counts_for_its_own_container_and_image_only() {
        let passed = done(&entry("c1", "sha256:1", &[], "qa"));
        let of = |digests: &[&str], entries: &[Entry]| {
            let digests = digests.iter().map(|digest| (*digest).to_owned()).collect();
            validity(&container("c2", "sha256:2", true), &digests, entries)
        };
        assert_eq!(of(&[], &[]), Validity::Never);
        assert_eq!(of(&[], &[entry("c2", "sha256:2", &[], "qa")]), Validity::Own(passed.clone()));
        assert_eq!(of(&[], &[entry("c1", "sha256:2", &[], "qa")]), Validity::Earlier(passed.clone()));
        let known = entry("c1", "sha256:1", &["sha256:aa", "sha256:bb"], "qa");
        assert_eq!(of(&["sha256:bb"], std::slice::from_ref(&known)), Validity::Earlier(passed.clone()));
        assert_eq!(of(&["sha256:cc"], &[known]), Validity::OtherImage(passed.clone()));
        assert_eq!(of(&[], &[entry("c1", "sha256:2", &[], "prod")]), Validity::Never);
        // The newest may be of another image, and an older one of this.
        let back = [entry("c3", "sha256:9", &[], "qa"), entry("c1", "sha256:2", &[], "qa")];
        assert_eq!(of(&[], &back), Validity::Earlier(passed));
        let silent = container("c2", "sha256:2", false);
        let other = [entry("c1", "sha256:1", &[], "qa")];
        assert_eq!(validity(&silent, &BTreeSet::new(), &other), Validity::Undeclared);
    }
}
