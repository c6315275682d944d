//! Where a hook keeps what outlives it: logs, saved plans and their trees, who waits. All of it lies in the
//! repository, so that everybody who pushes there meets the same.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::{Repository, TriggerError};

/// The folders of one environment of one repository.
#[derive(Debug, Clone)]
pub struct Folders {
    repository: PathBuf,
    root: PathBuf,
    /// Whether others of the repository's group may write there.
    is_shared: bool,
}

/// In a repository.
const FOLDER: &str = "evenkeel";
const PARTS: [&str; 3] = ["logs", "plans", "trees"];
/// So many runs are remembered.
const KEPT: usize = 20;
/// So many plans may still be applied.
const KEPT_PLANS: usize = 5;

impl Folders {
    /// Names them; they need not be there.
    pub fn new(repository: &Repository, environment: &str) -> Self {
        Self {
            repository: repository.path().to_owned(),
            root: repository.path().join(FOLDER).join(environment),
            is_shared: is_shared(repository.configured("core.sharedRepository").as_deref()),
        }
    }

    pub fn waiting(&self) -> PathBuf {
        self.root.join("waiting")
    }

    pub fn turn(&self) -> PathBuf {
        self.root.join("turn")
    }

    pub fn queue(&self) -> PathBuf {
        self.root.join("queue")
    }

    /// The log of the run of a commit.
    pub fn log(&self, commit: &str) -> PathBuf {
        self.root.join("logs").join(format!("{commit}.log"))
    }

    /// The newest log, if there is one.
    pub fn newest_log(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(self.root.join("logs")).ok()?.filter_map(Result::ok);
        entries
            .max_by_key(|entry| entry.metadata().and_then(|file| file.modified()).ok())
            .map(|entry| entry.path())
    }

    pub fn plan(&self, commit: &str) -> PathBuf {
        self.root.join("plans").join(format!("{commit}.json"))
    }

    /// The files of a commit, as long as a run or a saved plan needs them.
    pub fn tree(&self, commit: &str) -> PathBuf {
        self.root.join("trees").join(commit)
    }

    /// Makes the folders, for nobody else to look into than whom the repository is shared with.
    ///
    /// # Errors
    /// If they cannot be made.
    pub fn make(&self) -> Result<(), TriggerError> {
        let above = self.root.parent().into_iter().chain([self.root.as_path()]).map(Path::to_owned);
        for folder in above.chain(PARTS.map(|part| self.root.join(part))) {
            self.make_one(&folder).map_err(|error| TriggerError::file(&folder, &error))?;
        }
        Ok(())
    }

    /// Makes one folder, or leaves it as it is.
    pub(super) fn make_one(&self, folder: &Path) -> io::Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => self.share(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Opens a file, which is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be.
    pub fn open(&self, path: &Path) -> Result<File, TriggerError> {
        let failed = |error: io::Error| TriggerError::file(path, &error);
        let is_new = path.symlink_metadata().is_err();
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = opened.map_err(failed)?;
        if is_new {
            self.share(path).map_err(failed)?;
        }
        Ok(file)
    }

    /// Lets those into a folder or file with whom the repository is shared, and gives what root has made to
    /// whom the repository belongs to.
    pub(super) fn share(&self, path: &Path) -> io::Result<()> {
        if rustix::process::getuid().is_root() {
            let owner = fs::metadata(&self.repository)?;
            std::os::unix::fs::lchown(path, Some(owner.uid()), Some(owner.gid()))?;
        }
        if !self.is_shared {
            return Ok(());
        }
        let now = path.symlink_metadata()?;
        let mode = match now.is_dir() {
            true => 0o2770,
            // A program stays one.
            false if now.mode() & 0o100 != 0 => 0o770,
            false => 0o660,
        };
        if now.is_symlink() { Ok(()) } else { fs::set_permissions(path, fs::Permissions::from_mode(mode)) }
    }

    /// The same with everything below, so that another user can remove it.
    pub(super) fn share_all(&self, folder: &Path) -> io::Result<()> {
        for entry in walkdir::WalkDir::new(folder) {
            self.share(entry?.path())?;
        }
        Ok(())
    }

    /// Notes that a run of a commit has begun; a note that is there while nobody works is of one that died.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(&self, commit: &str) -> Result<(), TriggerError> {
        let path = self.begun();
        let file = self.open(&path)?;
        let written = file.set_len(0).and_then(|()| io::Write::write_all(&mut &file, commit.as_bytes()));
        written.map_err(|error| TriggerError::file(&path, &error))
    }

    /// The commit whose run has begun and not ended.
    pub fn unfinished(&self) -> Option<String> {
        fs::read_to_string(self.begun()).ok().filter(|commit| !commit.is_empty())
    }

    pub fn end(&self) {
        // That it stays is told by the next look at it.
        _ = fs::remove_file(self.begun());
    }

    fn begun(&self) -> PathBuf {
        self.root.join("begun")
    }

    /// Keeps the newest logs and plans, and the trees of plans alone. Only for whoever has the turn.
    pub fn tidy(&self) {
        for (part, kept) in [("logs", KEPT), ("plans", KEPT_PLANS)] {
            let Ok(entries) = fs::read_dir(self.root.join(part)) else { continue };
            let mut found: Vec<_> = entries
                .filter_map(Result::ok)
                .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
                .collect();
            found.sort();
            let old = found.len().saturating_sub(kept);
            // What cannot be removed now is removed the next time.
            found.into_iter().take(old).for_each(|(_, path)| _ = fs::remove_file(path));
        }
        let trees = fs::read_dir(self.root.join("trees")).into_iter().flatten().filter_map(Result::ok);
        for tree in trees.filter(|tree| !self.plan(&tree.file_name().to_string_lossy()).exists()) {
            _ = fs::remove_dir_all(tree.path());
        }
    }
}

/// True if `core.sharedRepository` lets the group write.
/// Source: git-config(1).
fn is_shared(value: Option<&str>) -> bool {
    match value.map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "umask" | "false" | "no" | "off" | "0") => false,
        Some(octal) if octal.starts_with('0') => {
            u32::from_str_radix(octal, 8).is_ok_and(|mode| mode & 0o020 != 0)
        }
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_shared_as_git_says() {
        for yes in ["group", "true", "1", "all", "World", "2", "0660", "0664"] {
            assert!(is_shared(Some(yes)), "{yes}");
        }
        for no in ["umask", "false", "0", "0640", "0600"] {
            assert!(!is_shared(Some(no)), "{no}");
        }
        assert!(!is_shared(None));
    }
}
