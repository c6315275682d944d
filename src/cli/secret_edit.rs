//! A plain text in an editor for a moment: in a private folder, which is gone whatever happens.

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;
use tokio::signal::unix::{Signal, SignalKind, signal};
use zeroize::Zeroizing;

use crate::run::{Ambient, RunError, SecretFiles};

/// What a new file begins with.
const NEW: &str =
    "# One secret per line; in a state file: {{ secret('db_password') }}\n# db_password: \"…\"\n";

/// Opens a file in the editor and writes it anew if it was changed. Gives what is to be said of it.
pub(super) async fn edit(files: &SecretFiles, path: &Path, ambient: &Ambient) -> Result<String, RunError> {
    let shown = files.shown(path);
    let before = files.plain(path)?;
    // Whoever has no recipients shall know before anything is typed.
    files.encrypted(b"")?;
    let begun = before.clone().unwrap_or_else(|| Zeroizing::new(NEW.as_bytes().to_vec()));
    let opened = Opened::new(&begun, ambient)?;
    let ended = opened.in_editor(ambient).await;
    let typed = opened.text()?;
    drop(opened);
    if *typed == *begun {
        ended?;
        return Ok(format!("{shown} is as it was"));
    }
    let fits = match ended {
        Ok(()) => files.fits(&typed).map_err(|reason| format!("{shown} is as it was: {reason}")),
        Err(error) => Err(format!("{shown} is as it was: {error}")),
    };
    let encrypted = files.encrypted(&typed)?;
    if let Err(reason) = fits {
        let draft = draft_of(path);
        files.write(&draft, &encrypted)?;
        let draft = files.shown(&draft);
        return Err(RunError::Failed(format!(
            "{reason}; what was typed is kept, encrypted, in {draft}: evenkeel secret edit {draft}, and move it into place"
        )));
    }
    files.write(path, &encrypted)?;
    Ok(format!("{shown} is encrypted"))
}

fn draft_of(path: &Path) -> PathBuf {
    match path.extension() {
        Some(end) if end == "draft" => path.to_owned(),
        _ => {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(".draft");
            path.with_file_name(name)
        }
    }
}

/// The plain text in its folder, which goes with this value.
struct Opened {
    folder: TempDir,
    file: PathBuf,
}

impl Opened {
    fn new(plain: &[u8], ambient: &Ambient) -> Result<Self, RunError> {
        let failed =
            |error: std::io::Error| RunError::Failed(format!("cannot open it for the editor: {error}"));
        let runtime = ambient.variable("XDG_RUNTIME_DIR").map(PathBuf::from);
        // Both are kept in memory, as a rule.
        let places = [runtime, Some(PathBuf::from("/dev/shm")), Some(std::env::temp_dir())];
        let private = std::fs::Permissions::from_mode(0o700);
        let make = |place: PathBuf| {
            tempfile::Builder::new().prefix("evenkeel-").permissions(private.clone()).tempdir_in(place)
        };
        let mut made = Err(std::io::Error::from(std::io::ErrorKind::NotFound));
        for place in places.into_iter().flatten() {
            made = make(place);
            if made.is_ok() {
                break;
            }
        }
        let folder = made.map_err(failed)?;
        let file = folder.path().join("secrets.yml");
        let mut options = std::fs::OpenOptions::new();
        let mut open = options.write(true).create_new(true).mode(0o600).open(&file).map_err(failed)?;
        open.write_all(plain).map_err(failed)?;
        Ok(Self { folder, file })
    }

    async fn in_editor(&self, ambient: &Ambient) -> Result<(), RunError> {
        let editor = ambient.variable("VISUAL").or_else(|| ambient.variable("EDITOR")).unwrap_or("vi");
        let failed = |reason: String| RunError::Failed(format!("the editor `{editor}` {reason}"));
        // A signal must not end this process while the text lies there.
        let listen = |kind| signal(kind).map_err(|error| RunError::Failed(error.to_string()));
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut ends = [listen(SignalKind::terminate())?, listen(SignalKind::hangup())?];
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec {editor} \"$1\""), "sh"])
            .arg(&self.file)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(format!("cannot be started: {error}")))?;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status,
                // It is the editor's to deal with.
                _ = interrupt.recv() => {}
                () = any(&mut ends) => {
                    // What it leaves behind is looked at all the same.
                    _ = child.kill().await;
                    return Err(RunError::Stopped);
                }
            }
        };
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(failed(match status.code() {
                Some(code) => format!("ended with exit code {code}"),
                None => "was ended by a signal".to_owned(),
            })),
            Err(error) => Err(failed(format!("was lost: {error}"))),
        }
    }

    fn text(&self) -> Result<Zeroizing<Vec<u8>>, RunError> {
        let read = std::fs::read(&self.file);
        read.map(Zeroizing::new)
            .map_err(|error| RunError::Failed(format!("the editor has left nothing to encrypt: {error}")))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // What is removed may still lie on a disk; the folder itself goes with its own value.
        for entry in std::fs::read_dir(self.folder.path()).into_iter().flatten().filter_map(Result::ok) {
            let length = entry.metadata().map_or(0, |found| found.len());
            let zeros = vec![0; usize::try_from(length).unwrap_or_default()];
            _ = std::fs::OpenOptions::new().write(true).open(entry.path()).and_then(|mut file| {
                file.write_all(&zeros)?;
                file.sync_all()
            });
        }
    }
}

async fn any(signals: &mut [Signal; 2]) {
    let [one, other] = signals;
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
