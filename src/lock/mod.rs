//! One run at a time for an engine, a project and an environment: a lock on a file that the
//! operating system lets go of when the process ends, however it ends. Knows nothing of plans.

mod folder;
mod holder;
mod key;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use folder::{Places, folder};
pub use holder::Holder;
pub use key::LockKey;

/// A lock that is held until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Closing the file alone would not do: a child that was forked and is not yet another program has it open too.
    fn drop(&mut self) {
        // If that fails, the end of the process does it.
        let _ = self.file.unlock();
    }
}

#[derive(Debug, Error)]
pub enum LockError {
    /// Another run is at work on the same engine, project and environment.
    #[error("another run is at work on {key}: {}", said(holder.as_deref()))]
    Busy { key: LockKey, holder: Option<Box<Holder>> },
    /// The folder for locks cannot be used.
    #[error("cannot use `{}` for locks: {reason}", folder.display())]
    Folder { folder: PathBuf, reason: String },
    /// The file of the lock cannot be opened or locked.
    #[error("cannot lock `{}`: {reason}", file.display())]
    File { file: PathBuf, reason: String },
}

fn said(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "its lock does not say whose it is".to_owned(), Holder::to_string)
}

impl LockError {
    /// What to type next.
    pub fn hint(&self) -> String {
        match self {
            Self::Busy { holder: Some(holder), .. } => {
                format!(
                    "wait until it is done and try again; `ps -p {}` on {} shows it",
                    holder.pid, holder.host
                )
            }
            Self::Busy { holder: None, .. } => "wait until it is done and try again".to_owned(),
            Self::Folder { .. } | Self::File { .. } => {
                let variable = folder::VARIABLE;
                format!("make it a folder that only you can write to, or name another one in {variable}")
            }
        }
    }
}

impl Lock {
    /// Takes the lock without waiting, and writes down who holds it.
    ///
    /// # Errors
    /// If another process holds it, or if folder or file cannot be used.
    pub fn take(places: &Places, key: &LockKey, holder: &Holder) -> Result<Self, LockError> {
        let folder = folder(places)?;
        let path = folder.join(key.file_name());
        let failed =
            |error: std::io::Error| LockError::File { file: path.clone(), reason: error.to_string() };
        loop {
            let mut file = open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Busy {
                        key: key.clone(),
                        holder: read_holder(&mut file).map(Box::new),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            // Somebody may have removed the file meanwhile; then others would lock a new one.
            if is_still_there(&file, &path) {
                write_holder(&mut file, holder).map_err(failed)?;
                return Ok(Self { file });
            }
        }
    }
}

/// Opens the file, never through a symbolic link, and never what is not a plain file.
fn open(path: &Path) -> std::io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(std::io::Error::other("it is not a plain file")) }
}

fn is_still_there(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

fn write_holder(file: &mut File, holder: &Holder) -> std::io::Result<()> {
    file.rewind()?;
    file.set_len(0)?;
    file.write_all(holder.to_json().as_bytes())
}

/// Who holds the lock, if the file says so already.
fn read_holder(file: &mut File) -> Option<Holder> {
    const MOST: u64 = 64 * 1024;
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text).ok()?;
    Holder::from_json(&text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::world::Owner;

    fn places(folder: &Path) -> Places {
        Places {
            chosen: Some(folder.join("locks")),
            home: None,
            runtime: None,
            temp: folder.into(),
            uid: uid(),
        }
    }

    fn uid() -> u32 {
        rustix::process::getuid().as_raw()
    }

    fn key(env: &str) -> LockKey {
        LockKey { engine: "ABCD".into(), owner: Owner { project: "shop".into(), env: env.into() } }
    }

    fn holder() -> Holder {
        Holder {
            pid: 7,
            host: "ship".into(),
            user: "ann".into(),
            since: "2026-11-20T18:00:00Z".parse().expect("a time"),
            command: "evenkeel apply states/prod.yml".into(),
        }
    }

    #[test]
    fn a_second_run_is_told_who_holds_the_lock() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = places(folder.path());
        let lock = Lock::take(&places, &key("prod"), &holder()).expect("the lock is free");
        let error = Lock::take(&places, &key("prod"), &holder()).expect_err("it is held");
        assert_eq!(
            error.to_string(),
            "another run is at work on project `shop`, env `prod`: process 7 of ann on ship since \
             2026-11-20T18:00:00Z (`evenkeel apply states/prod.yml`)"
        );
        Lock::take(&places, &key("qa"), &holder()).expect("another environment is free");
        drop(lock);
        Lock::take(&places, &key("prod"), &holder()).expect("free again");
    }

    #[test]
    fn a_lock_that_is_let_go_is_free_although_a_child_has_its_file_open() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = places(folder.path());
        let lock = Lock::take(&places, &key("prod"), &holder()).expect("the lock is free");
        // What a fork gives to a child until it becomes another program.
        let _of_the_child = lock.file.try_clone().expect("another one of the same file");
        drop(lock);
        Lock::take(&places, &key("prod"), &holder()).expect("free again");
    }

    #[test]
    fn names_that_look_alike_have_locks_of_their_own() {
        let odd = LockKey { owner: Owner { project: "shop-a".into(), env: "b".into() }, ..key("") };
        let even = LockKey { owner: Owner { project: "shop".into(), env: "a-b".into() }, ..key("") };
        assert_ne!(odd.file_name(), even.file_name());
        let wild = LockKey { owner: Owner { project: "../../x".into(), env: "ü/".into() }, ..key("") };
        assert!(!wild.file_name().contains('/'));
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = places(folder.path());
        let locks = super::folder(&places).expect("a folder for locks");
        let victim = folder.path().join("victim");
        std::fs::write(&victim, "precious").expect("written");
        symlink(&victim, locks.join(key("prod").file_name())).expect("linked");
        let error = Lock::take(&places, &key("prod"), &holder()).expect_err("a link");
        assert!(matches!(error, LockError::File { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(&victim).expect("read"), "precious");
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = places(folder.path());
        let locks = super::folder(&places).expect("a folder for locks");
        std::fs::set_permissions(&locks, PermissionsExt::from_mode(0o777)).expect("opened up");
        let error = Lock::take(&places, &key("prod"), &holder()).expect_err("open to all");
        assert!(error.to_string().ends_with("others can write to it"), "{error}");
        assert!(error.hint().contains("EVENKEEL_LOCK_DIR"));
    }

    #[test]
    fn a_link_in_place_of_the_folder_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        symlink(folder.path(), folder.path().join("locks")).expect("linked");
        let error = Lock::take(&places(folder.path()), &key("prod"), &holder()).expect_err("a link");
        assert!(error.to_string().ends_with("it is not a folder"), "{error}");
    }
}
