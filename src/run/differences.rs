//! What differs between two revisions, by what was declared of them.

use serde_json::Value;

use super::history::{ALL, Known, know, no_such_revision, nobody_knows, site};
use super::revision_name::RevisionName;
use super::subject::Site;
use super::{Ambient, RunError};
use crate::plan::{FieldDiff, Impact, RevisionDifferences, Whereabouts};
use crate::resource::{Recorded, recorded_differences};

/// Which two are to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferenceOptions {
    pub from: RevisionName,
    pub to: RevisionName,
    /// `--host` as it was typed.
    pub host: Option<String>,
}

/// Compares what was declared of two revisions. Changes nothing.
///
/// # Errors
/// If the engine cannot be reached, or nobody knows what was declared of one of them.
pub async fn differences(
    options: &DifferenceOptions,
    ambient: &Ambient,
) -> Result<RevisionDifferences, RunError> {
    let names = [options.from.name.clone(), options.to.name.clone()];
    let site = site(options.host.as_deref(), &names, ambient).await?;
    let from = find(&site, &options.from, ambient).await?;
    let to = find(&site, &options.to, ambient).await?;
    let differences = between(&from, &to)?;
    let hidden = hidden(&from, &to);
    Ok(RevisionDifferences { from: from.revision, to: to.revision, differences, hidden })
}

async fn find(site: &Site, name: &RevisionName, ambient: &Ambient) -> Result<Known, RunError> {
    let knowledge = know(site, Some(&name.name), ALL, ambient).await;
    let (known, record) = (knowledge.known, knowledge.record);
    if known.is_empty() {
        return Err(nobody_knows(site, name, &record));
    }
    let is_meant = |known: &&Known| match name.number {
        Some(number) => known.revision.number == Some(number),
        None => matches!(known.revision.whereabouts, Whereabouts::Current { .. }),
    };
    // Should two have the same number, the one that is there is meant.
    let meant = known.iter().filter(is_meant);
    let meant = meant.min_by_key(|known| known.revision.whereabouts == Whereabouts::Gone);
    match meant {
        Some(meant) => Ok(meant.clone()),
        None if name.number.is_none() => Err(RunError::Failed(format!(
            "there is no container {0} now; say which revision is meant, such as {1}",
            name.name,
            known[0].revision.label()
        ))),
        None => Err(no_such_revision(&name.typed, &known, &record)),
    }
}

/// What differs between two revisions, and between their images if both are called the same.
///
/// # Errors
/// If nobody knows what was declared of one of them.
pub(super) fn between(from: &Known, to: &Known) -> Result<Vec<FieldDiff>, RunError> {
    let mut differences = recorded_differences(declared(from)?, declared(to)?);
    if differences.iter().all(|diff| diff.field != "image") {
        differences.extend(image(from, to));
    }
    Ok(differences)
}

fn declared(known: &Known) -> Result<&Recorded, RunError> {
    known.state.as_ref().ok_or_else(|| {
        let reason = match known.revision.whereabouts {
            Whereabouts::Gone => "its container is gone, and it is not on record",
            _ => "its container was made by an evenkeel that did not write it down",
        };
        RunError::Failed(format!("what was declared of {} is not known: {reason}", known.revision.label()))
    })
}

/// The same name may have led to another image.
fn image(from: &Known, to: &Known) -> Option<FieldDiff> {
    let row = |field: &str, from: &str, to: &str| FieldDiff {
        field: field.to_owned(),
        from: Value::from(from),
        to: Value::from(to),
        impact: Impact::Note,
    };
    let (from_id, to_id) = (from.revision.image_id.as_ref()?, to.revision.image_id.as_ref()?);
    if from_id == to_id || from.digests.iter().any(|digest| to.digests.contains(digest)) {
        return None;
    }
    Some(match (from.digests.first(), to.digests.first()) {
        (Some(from), Some(to)) => row("image digest", from, to),
        _ => row("image id", from_id, to_id),
    })
}

/// Fields with values that neither has.
fn hidden(from: &Known, to: &Known) -> Vec<String> {
    let (Some(from), Some(to)) = (&from.state, &to.state) else { return Vec::new() };
    let hides = |value: &Value| value.to_string().contains("***");
    let both = from.iter().filter(|(field, value)| hides(value) && to.get(*field).is_some_and(hides));
    both.map(|(field, _)| field.clone()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::Revision;

    fn known(number: u32, state: Value, image_id: &str, digests: &[&str]) -> Known {
        let revision = Revision {
            name: "web".to_owned(),
            number: Some(number),
            image_id: Some(image_id.to_owned()),
            ..Revision::default()
        };
        let digests = digests.iter().map(|digest| (*digest).to_owned()).collect();
        Known { revision, state: state.as_object().cloned(), digests }
    }

    fn rows(from: &Known, to: &Known) -> Vec<String> {
        let rows = between(from, to).expect("both are known");
        rows.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_image_differs_by_its_digest_or_id_where_its_name_does_not() {
        let state = json!({"image": "shop:1"});
        let one = known(1, state.clone(), "sha256:1", &["sha256:aa"]);
        assert!(rows(&one, &known(2, state.clone(), "sha256:1", &[])).is_empty());
        // As another engine or another store has it.
        assert!(rows(&one, &known(2, state.clone(), "sha256:2", &["sha256:aa"])).is_empty());
        let other = known(2, state.clone(), "sha256:2", &["sha256:bb"]);
        assert_eq!(rows(&one, &other), ["image digest sha256:aa -> sha256:bb"]);
        assert_eq!(rows(&one, &known(2, state, "sha256:2", &[])), ["image id sha256:1 -> sha256:2"]);
        let renamed = known(2, json!({"image": "shop:2"}), "sha256:2", &[]);
        assert_eq!(rows(&one, &renamed), ["image shop:1 -> shop:2"]);
    }

    #[test]
    fn what_neither_has_is_named() {
        let state = json!({"image": "a:1", "env": {"DB_PASSWORD": "***"}, "labels": {"a": "b"}});
        assert_eq!(hidden(&known(1, state.clone(), "i", &[]), &known(2, state, "i", &[])), ["env"]);
        let lost = known(3, Value::Null, "i", &[]);
        let told = between(&lost, &lost).expect_err("unknown").to_string();
        assert!(told.contains("web@3 is not known: its container is gone"), "{told}");
    }
}
