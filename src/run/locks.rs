//! Who has locked what at an engine, and breaking a lock.

use super::error::unreachable;
use super::tree::environment;
use super::{Ambient, RunError};
use crate::engine::{self, Client, LockRefusal, Locker, SeenLock};
use crate::lock::{Home, Lease, Lock, LockError, LockKey, Standing, at_work, file_of, owner_of, standing};
use crate::plan::{LockContainer, LockHolder, LockReport, LockStanding, LockStatus};
use crate::world::Owner;

/// Which locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockOptions {
    /// `--host` as it was typed.
    pub host: Option<String>,
    /// Of this project only.
    pub project: Option<String>,
    /// Of this environment only.
    pub env: Option<String>,
}

/// Tells who has locked what. Changes nothing.
///
/// # Errors
/// If the engine cannot be reached.
pub async fn locks(options: &LockOptions, ambient: &Ambient) -> Result<LockReport, RunError> {
    let look = Look::at(options, ambient).await?;
    let mut locks: Vec<_> = look.seen.iter().map(|(owner, seen)| look.status(owner, seen)).collect();
    for (key, holder) in &look.at_work {
        if !look.seen.iter().any(|(owner, _)| *owner == key.owner) && options.means(&key.owner) {
            let (owner, holder) = (key.owner.clone(), Some(told(holder)));
            locks.push(LockStatus { owner, standing: LockStanding::AtWork, holder, container: None });
        }
    }
    locks.sort_by(|a, b| a.owner.cmp(&b.owner));
    Ok(LockReport { locks })
}

/// Removes a lock from an engine, and gives what it was; nothing if there is none.
///
/// A lock whose run is alive on this machine stays in any case. One that may be held by another machine goes only
/// by `force`; its run begins nothing more as soon as it finds out.
///
/// # Errors
/// If there are several, if it is held, or if the engine does not do it.
pub async fn unlock(
    options: &LockOptions,
    force: bool,
    ambient: &Ambient,
) -> Result<Option<LockStatus>, RunError> {
    let look = Look::at(options, ambient).await?;
    let owner = match look.seen.as_slice() {
        [] => return Ok(None),
        [(owner, _)] => owner,
        several => {
            let names: Vec<_> = several
                .iter()
                .map(|(owner, _)| format!("--project {} --env {}", owner.project, owner.env))
                .collect();
            return Err(RunError::Usage(format!(
                "there are several locks; say which: {}",
                names.join(", or ")
            )));
        }
    };
    let key = LockKey { engine: look.engine.clone(), owner: owner.clone() };
    // Whose run is alive on this machine has it, and no run of this machine begins meanwhile.
    let file = Lock::take(&ambient.lock_places(), &key, &ambient.lock_holder())?;
    let Some(seen) = look.client.lock(&key.container_name()).await.map_err(unreachable)? else {
        return Ok(None);
    };
    if !seen.is_lock {
        return Err(LockError::Foreign { key }.into());
    }
    let theirs = Lease::read(&seen.labels);
    let here = home(ambient, file.file().ok());
    let standing = standing(theirs.as_ref(), here.as_ref(), seen.left);
    if standing == Standing::Held && !force {
        let holder = theirs.map(|theirs| Box::new(theirs.holder));
        return Err(LockError::Held { key, holder, left: seen.left }.into());
    }
    let removed = Locker::new(look.client.clone()).remove(&seen.id).await;
    removed.map_err(|LockRefusal { what, reason }| LockError::Engine { key, what, reason })?;
    Ok(Some(LockStatus { standing: word(standing), ..look.status(owner, &seen) }))
}

impl LockOptions {
    fn means(&self, owner: &Owner) -> bool {
        self.project.as_ref().is_none_or(|project| *project == owner.project)
            && self.env.as_ref().is_none_or(|env| *env == owner.env)
    }
}

/// An engine, the locks there that are meant, and this machine's own.
struct Look<'a> {
    client: Client,
    engine: String,
    seen: Vec<(Owner, SeenLock)>,
    at_work: Vec<(LockKey, crate::lock::Holder)>,
    ambient: &'a Ambient,
}

impl<'a> Look<'a> {
    async fn at(options: &LockOptions, ambient: &'a Ambient) -> Result<Self, RunError> {
        let client =
            engine::connect(options.host.as_deref(), &environment(ambient)).await.map_err(unreachable)?;
        let engine = client.engine().await.map_err(unreachable)?.id;
        let seen = client.locks().await.map_err(unreachable)?;
        let seen = seen.into_iter().filter_map(|seen| Some((owner_of(&seen.labels)?, seen)));
        let seen = seen.filter(|(owner, _)| options.means(owner)).collect();
        let at_work = at_work(&ambient.lock_places(), &engine);
        Ok(Self { client, engine, seen, at_work, ambient })
    }

    fn status(&self, owner: &Owner, seen: &SeenLock) -> LockStatus {
        let lease = Lease::read(&seen.labels);
        let key = LockKey { engine: self.engine.clone(), owner: owner.clone() };
        let here = home(self.ambient, file_of(&self.ambient.lock_places(), &key));
        let is_at_work = self.at_work.iter().any(|(held, _)| *held == key);
        let standing = match word(standing(lease.as_ref(), here.as_ref(), seen.left)) {
            LockStanding::LeftBehind if is_at_work => LockStanding::AtWork,
            standing => standing,
        };
        LockStatus {
            owner: owner.clone(),
            standing,
            holder: lease.as_ref().map(|lease| told(&lease.holder)),
            container: Some(LockContainer {
                name: seen.name.clone(),
                id: seen.id.clone(),
                run: lease.map(|lease| lease.run),
                ends: seen.ends,
                left: seen.left,
            }),
        }
    }
}

/// Where a run of this machine would be that has locked this file.
pub(super) fn home(ambient: &Ambient, file: Option<String>) -> Option<Home> {
    let (boot, file) = ambient.boot.clone().zip(file)?;
    Some(Home { boot, host: ambient.machine.clone(), file })
}

fn word(standing: Standing) -> LockStanding {
    match standing {
        Standing::LeftBehind => LockStanding::LeftBehind,
        Standing::Expired => LockStanding::Expired,
        Standing::Held => LockStanding::Elsewhere,
    }
}

fn told(holder: &crate::lock::Holder) -> LockHolder {
    let crate::lock::Holder { pid, host, user, since, command } = holder.clone();
    LockHolder { pid, host, user, since, command }
}
