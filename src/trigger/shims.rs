//! The two small scripts by which git calls evenkeel, and getting along with those of others.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::{Repository, TriggerError};

/// The hooks that are ours.
pub const HOOKS: [&str; 2] = ["pre-receive", "post-receive"];
/// How our scripts are known.
const MARK: &str = "# made by `evenkeel hook install`; `evenkeel hook uninstall` removes it";
/// Where a hook that was there before goes on living.
const CHAINED: &str = "before-evenkeel";

/// What there is at the place of a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shim {
    Missing,
    Ours,
    /// Ours, and it calls the one that was there before.
    Chained,
    Foreign,
}

/// What becomes of hooks of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    Refuse,
    /// They are called first; what they refuse is refused.
    Chain,
}

/// Looks at the place of a hook.
pub fn shim(repository: &Repository, hook: &str) -> Shim {
    let path = repository.hooks().join(hook);
    match fs::read(&path) {
        Ok(text) if contains(&text, MARK) => {
            if chained(&path).exists() {
                Shim::Chained
            } else {
                Shim::Ours
            }
        }
        Ok(_) => Shim::Foreign,
        Err(_) if path.symlink_metadata().is_ok() => Shim::Foreign,
        Err(_) => Shim::Missing,
    }
}

/// Writes our scripts. Those of others are left alone, or moved aside and called.
///
/// # Errors
/// If there is one of somebody else and it is not to be called, or something cannot be written.
pub fn install(
    repository: &Repository,
    program: &Path,
    config: &Path,
    others: Others,
) -> Result<Vec<PathBuf>, TriggerError> {
    let folder = repository.hooks();
    for hook in HOOKS {
        if shim(repository, hook) == Shim::Foreign && others == Others::Refuse {
            return Err(TriggerError::Foreign(folder.join(hook)));
        }
    }
    fs::create_dir_all(&folder).map_err(|error| TriggerError::file(&folder, &error))?;
    let mut written = Vec::new();
    for hook in HOOKS {
        let path = folder.join(hook);
        if shim(repository, hook) == Shim::Foreign {
            let aside = chained(&path);
            if aside.symlink_metadata().is_ok() {
                return Err(TriggerError::Foreign(aside));
            }
            fs::rename(&path, &aside).map_err(|error| TriggerError::file(&path, &error))?;
        }
        let text = script(hook, repository.path(), program, config, &chained(&path));
        write(&path, &text).map_err(|error| TriggerError::file(&path, &error))?;
        written.push(path);
    }
    Ok(written)
}

/// Removes our scripts, and puts back those that were there before.
///
/// # Errors
/// If something cannot be removed.
pub fn uninstall(repository: &Repository) -> Result<Vec<PathBuf>, TriggerError> {
    let mut removed = Vec::new();
    for hook in HOOKS {
        let path = repository.hooks().join(hook);
        let done = match shim(repository, hook) {
            Shim::Missing | Shim::Foreign => continue,
            Shim::Ours => fs::remove_file(&path),
            Shim::Chained => fs::rename(chained(&path), &path),
        };
        done.map_err(|error| TriggerError::file(&path, &error))?;
        removed.push(path);
    }
    Ok(removed)
}

fn chained(hook: &Path) -> PathBuf {
    let mut name = hook.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{CHAINED}"));
    hook.with_file_name(name)
}

fn script(hook: &str, repository: &Path, program: &Path, config: &Path, chained: &Path) -> String {
    let (program, repository, config) = (quoted(program), quoted(repository), quoted(config));
    let call = format!("{program} hook {hook} --repo {repository} --config {config}");
    let old = quoted(chained);
    // A hook of somebody else gets the same lines, and before us.
    format!(
        "#!/bin/sh\n{MARK}\nif [ -x {old} ]; then\n  pushed=$(cat)\n  printf '%s\\n' \"$pushed\" | {old} \"$@\" || exit $?\n  \
         printf '%s\\n' \"$pushed\" | {call}\n  exit $?\nfi\nexec {call}\n"
    )
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

/// Writes the whole script or nothing of it.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_extension(format!("new-{}", std::process::id()));
    // One of a killed run may be there.
    _ = fs::remove_file(&new);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(fs::Permissions::from_mode(0o755))?;
    drop(file);
    fs::rename(&new, path)
}

fn contains(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}
