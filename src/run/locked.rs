//! The two locks of a run that changes something. First the one on a file of this machine: the system lets go of
//! it when the process ends, however it ends. Then one at the engine, which all machines see: a container that
//! never runs, whose name says project and environment (`engine::lock`).
//!
//! The lock at the engine outlives a killed run. Who finds it there may break it in two cases only:
//!
//! * Its holder is dead for sure: it held the lock on the file that is ours now, on the same boot of the same
//!   machine. Then at once.
//! * It has run out by the engine's clock. A run renews its lock five times as often as it would have to, and
//!   believes in it no longer than it can be sure: from when it sent the request, not from when the answer came. A
//!   run whose lock could not be renewed in time, or is gone, begins nothing any more.
//!
//! A lock is removed by its id, never by its name: whoever is late to break one meets nothing, and of those who
//! create one afterwards the engine lets one succeed.
//!
//! What this cannot do: a call that was on its way when its run was cut off from the engine may still be carried
//! out after the lock has run out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use super::apply::until_stopped;
use super::error::unreachable;
use super::locks::home;
use super::{Ambient, Listener, RunError};
use crate::engine::{Attempt, Client, LockRefusal, Locker, Renewal, TakenLock};
use crate::lock::{Lease, Lock, LockError, LockKey, Standing, standing};
use crate::plan::Event;

/// How often a lock that somebody has is looked at.
const PAUSE: Duration = Duration::from_millis(500);
/// Whoever looks at the locks of this machine holds them for a moment.
const MOMENT: Duration = Duration::from_millis(20);
/// How often a name may be taken and nobody have it: the engine is slow to remove.
const TRIES: u32 = 200;
/// How many renewals may fail.
const RENEWALS: u32 = 5;

/// Both locks, until they are let go.
pub(super) struct Held {
    locker: Locker,
    key: LockKey,
    id: String,
    renewing: JoinHandle<()>,
    lost: Arc<OnceLock<String>>,
    _file: Lock,
}

/// Takes both locks, or says who has one of them.
///
/// `wait` is how long somebody else is waited for. `stop` is set if the lock at the engine is lost.
///
/// # Errors
/// If they cannot be had, or a person asked to stop meanwhile.
pub(super) async fn take(
    key: LockKey,
    client: &Client,
    (ambient, wait): (&Ambient, Duration),
    stop: &Arc<AtomicBool>,
    listener: Listener<'_>,
) -> Result<Held, RunError> {
    let lease = ambient.lock_lease()?;
    let mut patience = Patience { ambient, wait, began: Instant::now(), listener, is_told: false };
    let file = take_file(&key, &mut patience).await?;
    let ours = our_lease(&key, &file, ambient);
    let locker = Locker::new(client.clone());
    let (lock, since) = take_at_engine((&key, &ours), &locker, (client, lease), &mut patience).await?;
    let lost = Arc::new(OnceLock::new());
    let term = Term { lease, since, clock: lock.clock.map(|clock| (clock, since)), begun: lock.clock };
    let renewing = tokio::spawn({
        let (locker, id, lost, stop) = (locker.clone(), lock.id.clone(), lost.clone(), stop.clone());
        async move {
            let reason = renew(&locker, &id, term).await;
            // There is only one renewal.
            _ = lost.set(format!("the lock at the engine was lost: {reason}"));
            stop.store(true, Ordering::SeqCst);
        }
    });
    Ok(Held { locker, key, id: lock.id, renewing, lost, _file: file })
}

impl Held {
    /// Why nothing may be begun any more, if the lock at the engine is lost.
    pub fn lost(&self) -> Option<&str> {
        self.lost.get().map(String::as_str)
    }

    /// Lets both locks go. If the one at the engine stays, that is told: it runs out, and is no obstacle to the next
    /// run of this machine.
    pub async fn let_go(self, listener: Listener<'_>) {
        self.renewing.abort();
        if let Err(LockRefusal { what, reason }) = self.locker.remove(&self.id).await {
            let name = self.key.container_name();
            let text = format!(
                "warning: the lock at the engine stays until it runs out (or: evenkeel unlock): {what} `{name}`: {reason}"
            );
            listener(Event::Message { text });
        }
    }
}

/// Removes a lock that is there for nothing: its run is no more, or it has run out. For a run that finds nothing to do,
/// which needs no lock; so whatever stands against it is no matter.
pub(super) async fn tidy(key: &LockKey, client: &Client, ambient: &Ambient, listener: Listener<'_>) {
    let Ok(file) = Lock::take(&ambient.lock_places(), key, &ambient.lock_holder()) else { return };
    let Ok(Some(seen)) = client.lock(&key.container_name()).await else { return };
    let (theirs, here) = (Lease::read(&seen.labels), home(ambient, file.file().ok()));
    let is_held = standing(theirs.as_ref(), here.as_ref(), seen.left) == Standing::Held;
    if !is_held && seen.is_lock && Locker::new(client.clone()).remove(&seen.id).await.is_ok() {
        let said = theirs.map_or("a run".to_owned(), |theirs| theirs.holder.to_string());
        let text = format!("removed the lock at the engine that was left by {said}");
        listener(Event::Message { text });
    }
}

/// What this run says of itself at the engine.
fn our_lease(key: &LockKey, file: &Lock, ambient: &Ambient) -> Lease {
    let holder = ambient.lock_holder();
    let home = home(ambient, file.file().ok());
    let mut hash = Sha256::new();
    hash.update(format!("{home:?} {holder:?} {:?}", SystemTime::now()));
    let run = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Lease { owner: key.owner.clone(), holder, run, home }
}

async fn take_file(key: &LockKey, patience: &mut Patience<'_>) -> Result<Lock, RunError> {
    let take = |ambient: &Ambient| Lock::take(&ambient.lock_places(), key, &ambient.lock_holder());
    match take(patience.ambient) {
        Err(LockError::Busy { .. }) => tokio::time::sleep(MOMENT).await,
        taken => return Ok(taken?),
    }
    loop {
        match take(patience.ambient) {
            Err(busy @ LockError::Busy { .. }) => patience.pause(busy, PAUSE).await?,
            taken => return Ok(taken?),
        }
    }
}

/// Takes the lock at the engine, and says when the request for it was sent.
async fn take_at_engine(
    (key, ours): (&LockKey, &Lease),
    locker: &Locker,
    (client, lease): (&Client, Duration),
    patience: &mut Patience<'_>,
) -> Result<(TakenLock, Instant), RunError> {
    let name = key.container_name();
    let failed =
        |LockRefusal { what, reason }| RunError::Lock(LockError::Engine { key: key.clone(), what, reason });
    let labels = ours.labels();
    for _ in 0..TRIES {
        let sent = Instant::now();
        let lost = match locker.take(&name, &labels, lease).await.map_err(failed)? {
            Attempt::Taken(lock) => return Ok((lock, sent)),
            Attempt::Busy => None,
            Attempt::Unknown { reason } => Some(reason),
        };
        loop {
            let Some(seen) = client.lock(&name).await.map_err(unreachable)? else {
                if let Some(reason) = lost {
                    return Err(failed(LockRefusal { what: "create container", reason }));
                }
                tokio::time::sleep(MOMENT).await;
                break;
            };
            if !seen.is_lock {
                return Err(LockError::Foreign { key: key.clone() }.into());
            }
            let theirs = Lease::read(&seen.labels);
            if theirs.as_ref().is_some_and(|theirs| theirs.run == ours.run) {
                return Ok((TakenLock { id: seen.id, clock: None }, sent));
            }
            let said = theirs.as_ref().map_or("a run".to_owned(), |theirs| theirs.holder.to_string());
            let why = match standing(theirs.as_ref(), ours.home.as_ref(), seen.left) {
                Standing::LeftBehind => "which has ended",
                Standing::Expired => "which has run out",
                Standing::Held => {
                    let holder = theirs.map(|theirs| Box::new(theirs.holder));
                    let busy = LockError::Held { key: key.clone(), holder, left: seen.left };
                    patience.pause(busy, PAUSE).await?;
                    continue;
                }
            };
            patience.tell(format!("taking over the lock at the engine of {said}, {why}"));
            locker.remove(&seen.id).await.map_err(failed)?;
            break;
        }
    }
    let reason = "its name is taken, and nothing has it".to_owned();
    Err(failed(LockRefusal { what: "create container", reason }))
}

/// How long somebody else is waited for.
struct Patience<'a> {
    ambient: &'a Ambient,
    wait: Duration,
    began: Instant,
    listener: Listener<'a>,
    is_told: bool,
}

impl Patience<'_> {
    /// Waits for a while, or gives up with the reason. Holds nothing at the engine meanwhile.
    async fn pause(&mut self, busy: LockError, longest: Duration) -> Result<(), RunError> {
        let left = self.wait.saturating_sub(self.began.elapsed());
        if left.is_zero() {
            return Err(busy.into());
        }
        if !self.is_told {
            self.is_told = true;
            self.tell(format!("waiting for up to {} s: {busy}", self.wait.as_secs()));
        }
        let nap = async {
            tokio::time::sleep(left.min(longest)).await;
            Ok(())
        };
        until_stopped(self.ambient, nap).await
    }

    fn tell(&self, text: String) {
        (self.listener)(Event::Message { text });
    }
}

/// How long the lock at the engine holds.
#[derive(Debug, Clone, Copy)]
struct Term {
    lease: Duration,
    /// Before it was made.
    since: Instant,
    /// When it was made, by the engine's clock.
    begun: Option<Timestamp>,
    /// What the engine's clock said last, and when that was.
    clock: Option<(Timestamp, Instant)>,
}

impl Term {
    /// So many seconds after its creation a lock that is renewed now should end. An engine whose clock was set
    /// forward counts more of them than this machine.
    fn seconds(&self, now: Instant) -> u64 {
        let here = now.duration_since(self.since);
        let there = self.begun.zip(self.clock).map(|(begun, (clock, when))| {
            Duration::try_from(clock.duration_since(begun)).unwrap_or_default() + now.duration_since(when)
        });
        (here.max(there.unwrap_or_default()) + self.lease).as_secs()
    }

    /// Until when a lock surely holds that was renewed by a request of this moment.
    fn end(&self, sent: Instant) -> Instant {
        // What is sent are whole seconds.
        sent + self.lease.saturating_sub(Duration::from_secs(1))
    }
}

/// Renews a lock until it is lost, and says why.
async fn renew(locker: &Locker, id: &str, mut term: Term) -> String {
    let every = term.lease / RENEWALS;
    let tick = (every / 4).clamp(Duration::from_millis(100), Duration::from_secs(1));
    let (mut renewed, mut on_the_wall) = (term.since, SystemTime::now());
    let mut end = term.end(term.since);
    let mut trouble = "the machine was too busy".to_owned();
    loop {
        tokio::time::sleep(tick).await;
        let sent = Instant::now();
        if sent >= end {
            return format!("it could not be renewed in time: {trouble}");
        }
        // A machine that was asleep knows it by its wall clock.
        let is_due = renewed.elapsed() >= every || on_the_wall.elapsed().is_ok_and(|passed| passed >= every);
        if !is_due {
            continue;
        }
        match locker.renew(id, term.seconds(sent)).await {
            Ok(Renewal::Gone) => return "somebody has removed it".to_owned(),
            // Somebody else may have found that it had run out.
            Ok(Renewal::Renewed { .. }) if Instant::now() >= end => {
                return "the engine took too long to renew it".to_owned();
            }
            Ok(Renewal::Renewed { clock }) => {
                (renewed, on_the_wall, end) = (sent, SystemTime::now(), term.end(sent));
                term.clock = clock.map(|clock| (clock, Instant::now())).or(term.clock);
                term.begun = term.begun.or(clock);
            }
            Err(LockRefusal { reason, .. }) => trouble = reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_renewed_by_the_clock_that_is_ahead() {
        let since = Instant::now();
        let begun: Timestamp = "2026-11-20T18:00:00Z".parse().expect("a time");
        let term = Term { lease: Duration::from_secs(300), since, begun: Some(begun), clock: None };
        let later = |seconds| since + Duration::from_secs(seconds);
        assert_eq!(term.seconds(later(60)), 360);
        let set_forward = begun + jiff::SignedDuration::from_secs(3600);
        let term = Term { clock: Some((set_forward, later(60))), ..term };
        assert_eq!(term.seconds(later(120)), 3600 + 60 + 300);
        let set_back = begun - jiff::SignedDuration::from_secs(3600);
        let term = Term { clock: Some((set_back, later(60))), ..term };
        assert_eq!(term.seconds(later(120)), 420);
        assert_eq!(term.end(since), later(299));
    }
}
