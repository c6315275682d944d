//! Looking at a pushed tree, in a process of its own: what it asks for of time and memory ends that process, and
//! not the push, the hook, or this machine.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::TriggerError;
use crate::host::{MemoryBound, bound_memory};

/// The memory of a look at a push, in bytes. Programs that it starts count for themselves.
const MOST_MEMORY: u64 = 2 << 30;
/// What is told of a pushed tree, in bytes.
const LONGEST: u64 = 8 << 20;
/// How folders of pushed trees are called.
const PREFIX: &str = "evenkeel-push-";
/// A folder that is younger may be about to be locked.
const YOUNG: Duration = Duration::from_secs(60);

/// How a worker ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With this exit code; and it has told this: what would be done, and what is wrong.
    Exited {
        code: i32,
        plan: String,
        errors: String,
    },
    /// By this signal, which is what happens to one that takes too much.
    Died {
        signal: i32,
    },
    TooLong,
}

/// A folder for a pushed tree, until it is dropped. One whose process was killed is removed by the next.
pub(super) struct Folder {
    folder: TempDir,
    /// Locked, so that others know that somebody is there.
    _held: File,
}

impl Folder {
    pub(super) fn new() -> Result<Self, TriggerError> {
        let above = std::env::temp_dir();
        let failed = |error: std::io::Error| TriggerError::file(&above, &error);
        sweep(&above);
        let private = fs::Permissions::from_mode(0o700);
        let folder =
            tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir().map_err(failed)?;
        let held = File::open(folder.path()).map_err(failed)?;
        held.lock().map_err(failed)?;
        Ok(Self { folder, _held: held })
    }

    pub(super) fn tree(&self) -> PathBuf {
        self.folder.path().join("tree")
    }
}

/// Removes what hooks have left that were killed.
fn sweep(above: &Path) {
    let own = rustix::process::getuid().as_raw();
    for entry in fs::read_dir(above).into_iter().flatten().filter_map(Result::ok) {
        let Ok(there) = entry.path().symlink_metadata() else { continue };
        let is_left = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && there.is_dir()
            && there.uid() == own
            && there
                .modified()
                .is_ok_and(|then| SystemTime::now().duration_since(then).is_ok_and(|age| age > YOUNG));
        if is_left && File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok()) {
            // What cannot be removed now is removed the next time.
            _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Runs a worker to its end, or to the end of the time that it has.
pub(super) async fn watch(mut command: Command, limit: Duration) -> Result<Ended, TriggerError> {
    use std::os::unix::process::CommandExt as _;
    // Where it failed is for those who keep the host, and not for whoever pushes.
    command.env("RUST_BACKTRACE", "0").env_remove("RUST_LIB_BACKTRACE");
    // A group of its own, so that programs which it started end with it.
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut command = tokio::process::Command::from(command);
    let failed = |error: std::io::Error| TriggerError::Asked(format!("cannot look at the push: {error}"));
    let mut child = command.kill_on_drop(true).spawn().map_err(failed)?;
    let group = child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ended = tokio::time::timeout(limit, async {
        let (plan, errors) = tokio::try_join!(text(stdout), text(stderr))?;
        Ok((child.wait().await?, plan, errors))
    });
    let ended = ended.await;
    if let Some(group) = group {
        // Nobody may be left, and that is fine.
        _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let Ok(ended) = ended else {
        // So that its files are no longer written to.
        _ = child.wait().await;
        return Ok(Ended::TooLong);
    };
    let (status, plan, errors) = ended.map_err(failed)?;
    Ok(match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exited { code, plan, errors },
        (None, signal) => Ended::Died { signal: signal.unwrap_or_default() },
    })
}

/// The beginning of what comes out of a pipe, which is read to its end.
async fn text(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let Some(mut pipe) = pipe else { return Ok(String::new()) };
    let mut bytes = Vec::new();
    (&mut pipe).take(LONGEST).read_to_end(&mut bytes).await?;
    tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Prepares this process for being a worker: it ends with who started it, it is the first to go if the machine
/// is short of memory, and it has a bound.
pub fn become_worker() -> Option<MemoryBound> {
    // Each of these is a precaution, and the parent has a time limit.
    _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    _ = fs::write("/proc/self/oom_score_adj", "1000");
    looking()
}

/// Bounds the memory of this process as long as it only looks at a pushed tree.
pub(super) fn looking() -> Option<MemoryBound> {
    bound_memory(MOST_MEMORY).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_worker_ends_by_itself_or_is_ended() {
        let limit = Duration::from_secs(20);
        let ended = watch(shell("echo plan; echo why >&2; exit 3"), limit).await.expect("it starts");
        assert_eq!(ended, Ended::Exited { code: 3, plan: "plan\n".to_owned(), errors: "why\n".to_owned() });
        let ended = watch(shell("kill -ABRT $$"), limit).await.expect("it starts");
        assert_eq!(ended, Ended::Died { signal: 6 });
        // Also what it has started, which holds the pipe.
        let ended = watch(shell("sleep 1000 & wait"), Duration::from_millis(50)).await.expect("it starts");
        assert_eq!(ended, Ended::TooLong);
    }

    #[test]
    fn what_a_killed_hook_has_left_is_swept() {
        let above = tempfile::tempdir().expect("a folder");
        let old = SystemTime::now() - Duration::from_secs(600);
        let folder = |name: &str| {
            let path = above.path().join(name);
            fs::create_dir_all(path.join("tree")).expect("a folder");
            File::open(&path).and_then(|folder| folder.set_modified(old)).expect("a time");
            path
        };
        let (left, held, other) = (folder("evenkeel-push-a"), folder("evenkeel-push-b"), folder("other"));
        let young = above.path().join("evenkeel-push-c");
        fs::create_dir(&young).expect("a folder");
        let lock = File::open(&held).expect("it is there");
        lock.lock().expect("a lock");
        sweep(above.path());
        assert!(!left.exists() && held.exists() && other.exists() && young.exists());
    }
}
