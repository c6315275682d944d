//! A lock at an engine: a container that never runs, under a name of its own. Names are unique at an engine and
//! taken in one step, so whoever's creation succeeds has the lock. Decides nothing.
//!
//! How long it holds is written where it can be changed while the container is there: the restart policy's number of
//! retries is the number of seconds since the container's creation. Labels cannot be changed; a file within takes a
//! mount; a new container under the same name would leave a gap. The policy of one that never ran has no other
//! effect: an engine that is started anew does not start it (measured: 20.10, 26.1, 28.5, both image stores).
//! Creation and the `Date` of each answer come from the engine's own clock, so no other machine's counts.
//!
//! Its image is empty, made here, and always the same, byte for byte: two machines that load it at once have the
//! same one, and no registry is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use thiserror::Error;

use super::client::Client;
use super::empty_image::{self, IMAGE};
use super::shapes::{listed_name, text};
use super::transport::{Broken, Order, Reply, encoded};
use super::{ObserveError, performer::CHANGE};
use crate::world::label;

/// How often it is made, if it is gone again at once.
const IMAGES: u32 = 3;
/// How long a renewal may take.
const RENEWAL: Duration = Duration::from_secs(30);

/// Makes and removes locks. A dry run makes no such value.
#[derive(Clone)]
pub struct Locker {
    client: Client,
}

/// A lock that is there, or what has its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenLock {
    /// The container's id: what is removed is this one, whatever has the name by then.
    pub id: String,
    pub name: String,
    /// False if the container says nothing of being a lock.
    pub is_lock: bool,
    /// All labels.
    pub labels: BTreeMap<String, String>,
    /// When it ends unless it is renewed, by the engine's clock.
    pub ends: Option<Timestamp>,
    /// Until then; nothing if the engine did not tell the time.
    pub left: Option<Duration>,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    Taken(TakenLock),
    /// The name is taken.
    Busy,
    /// It may have been taken: the answer was lost.
    Unknown {
        reason: String,
    },
}

/// A lock of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenLock {
    pub id: String,
    /// What the engine's clock said then, if anything.
    pub clock: Option<Timestamp>,
}

/// What came of a renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// It holds until then, and this is what the engine's clock says, if anything.
    Renewed { clock: Option<Timestamp> },
    /// There is no such lock any more.
    Gone,
}

/// Why the engine did not do its part.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct LockRefusal {
    /// What it was to do.
    pub what: &'static str,
    pub reason: String,
}

impl Client {
    /// Looks at what has a lock's name.
    ///
    /// # Errors
    /// If the engine cannot be reached or understood.
    pub async fn lock(&self, name: &str) -> Result<Option<SeenLock>, ObserveError> {
        let path = format!("/containers/{}/json", encoded(name));
        let Some((json, clock)) = self.ask_with_clock(&path, "inspect a lock").await? else {
            return Ok(None);
        };
        // The engine takes a name for the beginning of an id as well.
        Ok(Some(seen(&json, clock)).filter(|seen| seen.name == name || seen.id == name))
    }

    /// All locks, by name.
    ///
    /// # Errors
    /// If the engine cannot be reached or understood.
    pub async fn locks(&self) -> Result<Vec<SeenLock>, ObserveError> {
        let filter = encoded(&json!({"label": [label::LOCK]}).to_string());
        let listed = self.ask(&format!("/containers/json?all=1&filters={filter}"), "list locks").await?;
        let mut names: Vec<_> = listed.as_array().into_iter().flatten().map(listed_name).collect();
        names.sort();
        let mut locks = Vec::new();
        for name in names {
            locks.extend(self.lock(&name).await?);
        }
        Ok(locks)
    }
}

impl Locker {
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Tries to take a lock that holds for `lease`. The first time at an engine, this makes the empty image.
    ///
    /// # Errors
    /// If the engine refuses it for another reason than that the name is taken.
    pub async fn take(
        &self,
        name: &str,
        labels: &BTreeMap<String, String>,
        lease: Duration,
    ) -> Result<Attempt, LockRefusal> {
        let mut loaded = String::new();
        // Somebody may remove unused images at any moment.
        for _ in 0..IMAGES {
            if let Some(attempt) = self.create(name, labels, lease).await? {
                return Ok(attempt);
            }
            loaded = empty_image::load(&self.client)
                .await
                .map_err(|reason| refused("load the empty image for container", &reason))?;
        }
        let reason = format!("the engine has no image {IMAGE} after it was loaded: {loaded}");
        Err(LockRefusal { what: "create container", reason })
    }

    /// Lets a lock hold until `seconds` after its creation.
    ///
    /// # Errors
    /// If the engine does not say that it does.
    pub async fn renew(&self, id: &str, seconds: u64) -> Result<Renewal, LockRefusal> {
        let body = json!({"RestartPolicy": policy(seconds)});
        let order = Order::json(format!("/containers/{}/update", encoded(id)), &body);
        let transport = self.client.transport();
        // Not longer, whatever is set: another one follows.
        let reply = transport.order_within(order, transport.bound(RENEWAL).min(RENEWAL)).await;
        let reply = reply.map_err(|broken| refused("renew container", broken.reason()))?;
        match reply.status {
            StatusCode::NOT_FOUND => Ok(Renewal::Gone),
            status if status.is_success() => Ok(Renewal::Renewed { clock: reply.clock() }),
            // One that is being removed cannot be changed any more.
            StatusCode::CONFLICT => Ok(Renewal::Gone),
            _ => Err(answered("renew container", &reply)),
        }
    }

    /// Removes a lock by its id. What is gone is fine.
    ///
    /// # Errors
    /// If the engine does not do it.
    pub async fn remove(&self, id: &str) -> Result<(), LockRefusal> {
        const WHAT: &str = "remove container";
        let order = Order::plain(Method::DELETE, format!("/containers/{}?force=1", encoded(id)));
        let reply = self.client.transport().order(order, CHANGE).await;
        let reply = reply.map_err(|broken| refused(WHAT, broken.reason()))?;
        match reply.status {
            // Somebody else removes it right now.
            StatusCode::NOT_FOUND | StatusCode::CONFLICT => Ok(()),
            status if status.is_success() => Ok(()),
            _ => Err(answered(WHAT, &reply)),
        }
    }

    /// Gives nothing if there is no image.
    async fn create(
        &self,
        name: &str,
        labels: &BTreeMap<String, String>,
        lease: Duration,
    ) -> Result<Option<Attempt>, LockRefusal> {
        const WHAT: &str = "create container";
        let body = json!({
            "Image": IMAGE,
            // The engine wants a command, and there is nothing to run.
            "Cmd": ["evenkeel-lock"],
            "Labels": labels,
            "HostConfig": {"NetworkMode": "none", "RestartPolicy": policy(lease.as_secs())},
        });
        let order = Order::json(format!("/containers/create?name={}", encoded(name)), &body);
        let reply = match self.client.transport().order(order, CHANGE).await {
            Ok(reply) => reply,
            Err(Broken::NotSent { reason, .. }) => return Err(refused(WHAT, &reason)),
            Err(Broken::Lost { reason }) => return Ok(Some(Attempt::Unknown { reason })),
        };
        match reply.status {
            StatusCode::CONFLICT => Ok(Some(Attempt::Busy)),
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => {
                let json: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
                let id = json["Id"].as_str().filter(|id| !id.is_empty());
                Ok(Some(match id {
                    Some(id) => Attempt::Taken(TakenLock { id: id.to_owned(), clock: reply.clock() }),
                    None => Attempt::Unknown { reason: "the answer has no id".to_owned() },
                }))
            }
            _ => Err(answered(WHAT, &reply)),
        }
    }
}

fn policy(seconds: u64) -> Value {
    json!({"Name": "on-failure", "MaximumRetryCount": seconds})
}

fn refused(what: &'static str, reason: &str) -> LockRefusal {
    LockRefusal { what, reason: reason.to_owned() }
}

fn answered(what: &'static str, reply: &Reply) -> LockRefusal {
    LockRefusal {
        what,
        reason: format!("the engine answered {}: {}", reply.status.as_u16(), reply.message()),
    }
}

/// A lock as its inspection shows it.
fn seen(json: &Value, clock: Option<Timestamp>) -> SeenLock {
    let labels = json["Config"]["Labels"].as_object();
    let labels: BTreeMap<_, _> =
        labels.into_iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect();
    let created: Option<Timestamp> = json["Created"].as_str().and_then(|time| time.parse().ok());
    let seconds = json["HostConfig"]["RestartPolicy"]["MaximumRetryCount"].as_i64().unwrap_or_default();
    let ends = created.and_then(|time| time.checked_add(jiff::SignedDuration::from_secs(seconds)).ok());
    let left = ends.zip(clock).map(|(ends, now)| {
        // What is negative has ended.
        Duration::try_from(ends.duration_since(now)).unwrap_or_default()
    });
    SeenLock {
        id: text(&json["Id"]),
        name: text(&json["Name"]).trim_start_matches('/').to_owned(),
        is_lock: labels.contains_key(label::LOCK),
        labels,
        ends,
        left,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_lock_holds_is_told_by_the_engine_alone() {
        let json = |seconds: i64| {
            json!({
                "Id": "1f", "Name": "/evenkeel.lock.a", "Created": "2026-11-20T18:00:00.5Z",
                "Config": {"Labels": {"io.evenkeel.lock": "1"}},
                "HostConfig": {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": seconds}},
            })
        };
        let clock: Timestamp = "2026-11-20T18:00:10Z".parse().expect("a time");
        let left = |seconds| seen(&json(seconds), Some(clock)).left.map(|left| left.as_millis());
        assert_eq!(left(60), Some(50_500));
        assert_eq!(left(9), Some(0), "it has ended");
        assert_eq!(left(-5), Some(0));
        assert_eq!(seen(&json(60), None).left, None);
        let lock = seen(&json(60), None);
        assert_eq!((lock.id.as_str(), lock.name.as_str(), lock.is_lock), ("1f", "evenkeel.lock.a", true));
        assert!(!seen(&json!({"Name": "/evenkeel.lock.a"}), None).is_lock);
    }
}
