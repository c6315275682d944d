//! Looking at the locks of this machine without taking any.

use std::fs::{File, TryLockError};

use super::folder::{self, Places};
use super::holder::{Document, Holder};
use super::key::LockKey;
use super::{file_id, read_document};
use crate::world::Owner;

/// Who is at work from this machine on an engine, in order. A run that is told "busy" by this look tries again.
pub fn at_work(places: &Places, engine: &str) -> Vec<(LockKey, Holder)> {
    let Ok(entries) = std::fs::read_dir(folder::place(places)) else { return Vec::new() };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let held = files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "lock"));
    let held = held.filter_map(|path| {
        let mut file = super::open_to_read(&path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {}
            // The end of this look lets go.
            Ok(()) | Err(TryLockError::Error(_)) => return None,
        }
        let Document { holder, engine: of, project, env, .. } = read_document(&mut file)?;
        (of == engine).then_some((LockKey { engine: of, owner: Owner { project, env } }, holder))
    });
    held.collect()
}

/// Device and inode of the file of a lock, if this machine ever had it.
pub fn file_of(places: &Places, key: &LockKey) -> Option<String> {
    let file = File::open(folder::place(places).join(key.file_name())).ok()?;
    file_id(&file).ok()
}
