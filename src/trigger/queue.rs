//! One run at a time per environment. One more may wait: the newest.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};
use std::time::Duration;

use super::{Folders, Repository, TriggerError};

/// The right to run, until it is dropped or the process ends.
pub struct Turn {
    _file: File,
}

/// How waiting ended.
pub enum Waited {
    Turn(Turn),
    /// Another commit goes instead.
    Superseded(String),
}

const PAUSE: Duration = Duration::from_millis(200);

/// Waits until no other run is at work, unless a newer push comes.
///
/// # Errors
/// If files of the queue cannot be used.
pub async fn wait(
    folders: &Folders,
    repository: &Repository,
    commit: &str,
    tell: impl Fn(String),
) -> Result<Waited, TriggerError> {
    let mine = match announce(folders, repository, commit)? {
        Ok(mine) => mine,
        Err(newer) => return Ok(Waited::Superseded(newer)),
    };
    let turn = folders.open(&folders.turn())?;
    let mut is_told = false;
    loop {
        match turn.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(TriggerError::file(&folders.turn(), &error)),
        }
        if let Some(other) = waiting(folders).filter(|other| other != commit) {
            return Ok(Waited::Superseded(other));
        }
        if !is_told {
            tell("another run is at work; this one waits".to_owned());
            is_told = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let _order = locked(folders)?;
    if let Some(other) = waiting(folders).filter(|other| other != commit) {
        return Ok(Waited::Superseded(other));
    }
    // Nobody waits any more.
    _ = fs::remove_file(folders.waiting());
    drop(mine);
    Ok(Waited::Turn(Turn { _file: turn }))
}

/// Takes the turn if nobody has it.
///
/// # Errors
/// If files of the queue cannot be used.
pub fn take(folders: &Folders) -> Result<Option<Turn>, TriggerError> {
    let turn = folders.open(&folders.turn())?;
    match turn.try_lock() {
        Ok(()) => Ok(Some(Turn { _file: turn })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(TriggerError::file(&folders.turn(), &error)),
    }
}

/// True if a run is at work.
pub fn is_busy(folders: &Folders) -> bool {
    File::open(folders.turn())
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Says that a commit waits: the file, which is locked as long as somebody does. The commit that waits already,
/// if that is newer.
fn announce(
    folders: &Folders,
    repository: &Repository,
    commit: &str,
) -> Result<Result<File, String>, TriggerError> {
    let _order = locked(folders)?;
    let newer = waiting(folders).filter(|other| other != commit && repository.is_ancestor(commit, other));
    if let Some(newer) = newer {
        return Ok(Err(newer));
    }
    let path = folders.waiting();
    let new = path.with_extension(std::process::id().to_string());
    let failed = |error: std::io::Error| TriggerError::file(&path, &error);
    let mut file = folders.open(&new)?;
    file.set_len(0).map_err(failed)?;
    file.write_all(commit.as_bytes()).map_err(failed)?;
    file.lock().map_err(failed)?;
    fs::rename(&new, &path).map_err(failed)?;
    Ok(Ok(file))
}

/// The commit that waits, if whoever waits is still there.
fn waiting(folders: &Folders) -> Option<String> {
    let mut file = File::open(folders.waiting()).ok()?;
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let mut commit = String::new();
    file.read_to_string(&mut commit).ok()?;
    Some(commit)
}

fn locked(folders: &Folders) -> Result<File, TriggerError> {
    let file = folders.open(&folders.queue())?;
    file.lock().map_err(|error| TriggerError::file(&folders.queue(), &error))?;
    Ok(file)
}
