//! One run at a time for an engine, a project and an environment: a lock on a file that the operating system lets
//! go of when the process ends, however it ends; and the value of a lock at the engine, which keeps out runs of other
//! machines (`run::locked` takes both). Knows nothing of plans.

mod error;
mod folder;
mod holder;
mod key;
mod lease;
mod look;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

pub use error::LockError;
pub use folder::{Places, folder};
use holder::Document;
pub use holder::Holder;
pub use key::LockKey;
pub use lease::{Home, Lease, Standing, owner_of, standing};
pub use look::{at_work, file_of};

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
                        holder: read_document(&mut file).map(|said| Box::new(said.holder)),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            // Somebody may have removed the file meanwhile; then others would lock a new one.
            if is_still_there(&file, &path) {
                write_document(&mut file, &Document::new(key, holder)).map_err(failed)?;
                return Ok(Self { file });
            }
        }
    }

    /// Device and inode of the file: nobody else has it locked as long as this lives.
    ///
    /// # Errors
    /// If the file system does not say.
    pub fn file(&self) -> std::io::Result<String> {
        file_id(&self.file)
    }
}

fn file_id(file: &File) -> std::io::Result<String> {
    let there = file.metadata()?;
    let (major, minor) = (rustix::fs::major(there.dev()), rustix::fs::minor(there.dev()));
    Ok(format!("{major}:{minor}:{}", there.ino()))
}

/// Opens the file, never through a symbolic link, and never what is not a plain file.
fn open(path: &Path) -> std::io::Result<File> {
    open_with(OpenOptions::new().write(true).create(true).truncate(false).mode(0o600), path)
}

/// The same for a file that has to be there, to look at.
fn open_to_read(path: &Path) -> std::io::Result<File> {
    open_with(&mut OpenOptions::new(), path)
}

fn open_with(options: &mut OpenOptions, path: &Path) -> std::io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = options.read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(std::io::Error::other("it is not a plain file")) }
}

fn is_still_there(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

fn write_document(file: &mut File, document: &Document) -> std::io::Result<()> {
    file.rewind()?;
    file.set_len(0)?;
    file.write_all(document.to_json().as_bytes())
}

/// What the file says of who holds the lock, if it does already.
fn read_document(file: &mut File) -> Option<Document> {
    const MOST: u64 = 64 * 1024;
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text).ok()?;
    Document::from_json(&text)
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
        assert_eq!(at_work(&places, "ABCD"), [(key("prod"), holder())]);
        assert_eq!(at_work(&places, "another engine"), []);
        assert_eq!(file_of(&places, &key("prod")), lock.file().ok());
        drop(lock);
        assert_eq!(at_work(&places, "ABCD"), []);
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
        assert!(wild.container_name().starts_with("evenkeel.lock."));
        assert_ne!(odd.container_name(), even.container_name());
        let elsewhere = LockKey { engine: "another way to say it".into(), ..odd.clone() };
        assert_eq!(elsewhere.container_name(), odd.container_name());
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
