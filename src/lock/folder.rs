//! Where locks lie: the same folder for every run of a user, whether it comes from a login, a cron
//! job or a git hook, and out of reach for other users.

use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::LockError;

/// Names the folder for locks, in front of all others.
pub(super) const VARIABLE: &str = "EVENKEEL_LOCK_DIR";

/// The places that a run may choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// `$EVENKEEL_LOCK_DIR`.
    pub chosen: Option<PathBuf>,
    /// `$HOME`.
    pub home: Option<PathBuf>,
    /// `$XDG_RUNTIME_DIR`.
    pub runtime: Option<PathBuf>,
    /// The folder for temporary files.
    pub temp: PathBuf,
    /// The user who may use the folder.
    pub uid: u32,
}

/// Gives the folder for locks, made if need be.
///
/// # Errors
/// If it cannot be made, or if another user could meddle with it.
pub fn folder(places: &Places) -> Result<PathBuf, LockError> {
    let folder = place(places);
    let refused = |reason: String| LockError::Folder { folder: folder.clone(), reason };
    let parents = folder.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(parents).map_err(|error| refused(error.to_string()))?;
    match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(refused(error.to_string())),
    }
    let there = std::fs::symlink_metadata(&folder).map_err(|error| refused(error.to_string()))?;
    if !there.is_dir() {
        return Err(refused("it is not a folder".to_owned()));
    }
    if there.uid() != places.uid {
        return Err(refused(format!("it belongs to another user (uid {})", there.uid())));
    }
    if there.mode() & 0o022 != 0 {
        return Err(refused("others can write to it".to_owned()));
    }
    Ok(folder)
}

/// The home folder goes before the runtime folder: only logins have the latter, and a cron job of
/// the same user must meet the same lock.
pub(super) fn place(places: &Places) -> PathBuf {
    // Under `sudo` the home folder may be somebody else's; a lock of root's would stand in their way.
    let is_ours = |folder: &&PathBuf| {
        std::fs::metadata(folder).is_ok_and(|there| there.is_dir() && there.uid() == places.uid)
    };
    let home = places.home.as_ref().filter(is_ours);
    let runtime = places.runtime.as_ref().filter(is_ours);
    match (&places.chosen, home, runtime) {
        (Some(chosen), _, _) => chosen.clone(),
        (None, Some(home), _) => home.join(".cache/evenkeel/locks"),
        (None, None, Some(runtime)) => runtime.join("evenkeel"),
        (None, None, None) => places.temp.join(format!("evenkeel-{}", places.uid)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cron_job_without_a_login_uses_the_same_folder() {
        let home = tempfile::tempdir().expect("a folder");
        let login = Places {
            chosen: None,
            home: Some(home.path().into()),
            runtime: Some("/run".into()),
            temp: "/tmp".into(),
            uid: rustix::process::getuid().as_raw(),
        };
        let cron = Places { runtime: None, ..login.clone() };
        assert_eq!(place(&login), place(&cron));
        assert_eq!(place(&cron), home.path().join(".cache/evenkeel/locks"));
        let homeless = Places { home: Some("/nonexistent".into()), uid: 1000, ..cron.clone() };
        assert_eq!(place(&homeless), Path::new("/tmp/evenkeel-1000"));
        let under_sudo = Places { uid: cron.uid + 1, ..cron };
        assert_eq!(place(&under_sudo), Path::new(&format!("/tmp/evenkeel-{}", under_sudo.uid)));
    }
}
