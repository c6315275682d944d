//! A history that is gone is begun anew with what the labels of containers say.

use serde_json::{Value, json};

use super::Ambient;
use super::history::{Known, RESTORED, is_ours, of_labels, tell_differences};
use super::prepared::Prepared;
use super::record::{Clock, begin, is_missing};
use super::subject::Site;
use crate::history::{Entry, Kind, Outcome};
use crate::plan::RevisionResult;
use crate::world::World;

/// Puts every revision that is at the engine on record, if there is no record at all. What becomes of that is told by
/// whoever records something next: labels go on telling the same.
pub(super) async fn restore(run: &Prepared, world: &World, ambient: &Ambient) {
    if !world.containers.values().any(is_ours) || !is_missing(ambient).await {
        return;
    }
    let site = Site { client: run.client.clone(), world: world.clone() };
    let ours = world.containers.values().filter(|container| is_ours(container));
    let mut known: Vec<Known> = ours.map(|container| of_labels(container, &site)).collect();
    known.sort_by(|a, b| {
        let key = |known: &Known| (known.revision.name.clone(), std::cmp::Reverse(known.revision.number));
        key(a).cmp(&key(b))
    });
    tell_differences(&mut known);
    // Oldest first, as they would have come.
    known.sort_by_key(|known| (known.revision.when, known.revision.number));
    let clock = Clock::of(ambient);
    let entries: Vec<_> =
        known.into_iter().filter_map(|known| entry(known, &site.engine(), &clock)).collect();
    if !entries.is_empty() {
        _ = begin(entries, ambient).await;
    }
}

/// An entry of what labels tell. One that has not taken over yet is not told of before it has come to its end.
fn entry(known: Known, engine: &str, clock: &Clock) -> Option<Entry> {
    let Known { revision, state, digests } = known;
    let outcome = match revision.result {
        RevisionResult::Deployed => Outcome::Passed,
        RevisionResult::Failed => Outcome::Failed,
        RevisionResult::Unknown => Outcome::Unknown,
        RevisionResult::Unfinished => return None,
    };
    let mut detail = json!({
        "cause": revision.cause,
        "commit": revision.commit,
        "differences": revision.differences,
        "reason": revision.reason,
        "state": state.map(Value::Object),
    });
    detail[RESTORED] = true.into();
    let rest = digests.into_iter().filter(|digest| Some(digest) != revision.digest.as_ref());
    let digests = revision.digest.iter().cloned().chain(rest.collect::<Vec<_>>()).collect();
    Some(Entry {
        time: revision.when.unwrap_or_else(|| clock.now()),
        engine: Some(engine.to_owned()),
        owner: revision.owner,
        object: revision.name,
        container: revision.container,
        revision: revision.number,
        kind: Kind::Revised,
        image: Some(revision.image).filter(|image| !image.is_empty()),
        image_id: revision.image_id,
        digests,
        version: revision.version,
        outcome,
        exit_code: None,
        took: std::time::Duration::ZERO,
        actor: revision.by.unwrap_or_default(),
        why: revision.why,
        detail,
    })
}
