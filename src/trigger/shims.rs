//! The two small scripts by which git calls evenkeel, and getting along with those of others.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Repository, TriggerError};

/// The hooks that are ours.
pub const HOOKS: [&str; 2] = ["pre-receive", "post-receive"];
/// How our scripts are known.
const MARK: &str = "# made by `evenkeel hook install`; `evenkeel hook uninstall` removes it";
/// What all other lines were when we wrote them.
const SUM: &str = "# sha256 ";
/// Where a hook that was there before goes on living.
const CHAINED: &str = "before-evenkeel";
/// Where one of ours that somebody has changed is kept.
const CHANGED: &str = "changed";

/// What there is at the place of a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shim {
    Missing,
    Ours,
    /// Ours, and it calls the one that was there before.
    Chained,
    /// Ours, and somebody has changed it.
    Changed,
    Foreign,
}

/// What becomes of hooks of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    Refuse,
    /// They are called first; what they refuse is refused.
    Chain,
}

/// What was done to the scripts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Written or removed.
    pub hooks: Vec<PathBuf>,
    /// Copies of those that somebody had changed.
    pub kept: Vec<PathBuf>,
}

/// Looks at the place of a hook.
pub fn shim(repository: &Repository, hook: &str) -> Shim {
    let path = repository.hooks().join(hook);
    match fs::read(&path) {
        Ok(text) if contains(&text, MARK) => {
            if !is_as_written(&String::from_utf8_lossy(&text)) {
                Shim::Changed
            } else if chained(&path).exists() {
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

/// The host's file that the scripts name, if they are there.
pub fn config(repository: &Repository) -> Option<PathBuf> {
    let text = fs::read_to_string(repository.hooks().join(HOOKS[0])).ok()?;
    if !text.contains(MARK) {
        return None;
    }
    let line = text.lines().find_map(|line| line.strip_prefix("config='"))?;
    Some(PathBuf::from(line.strip_suffix('\'')?.replace("'\\''", "'")))
}

/// Writes our scripts. Those of others are left alone, or moved aside and called.
///
/// # Errors
/// If there is one of somebody else and it is not to be called, if other repositories use them too, or
/// something cannot be written.
pub fn install(
    repository: &Repository,
    program: &Path,
    config: &Path,
    others: Others,
) -> Result<Touched, TriggerError> {
    let folder = repository.hooks();
    let real = folder.canonicalize().unwrap_or_else(|_| folder.clone());
    if !real.starts_with(repository.path()) {
        return Err(TriggerError::Shared { hooks: folder, repository: repository.path().to_owned() });
    }
    for hook in HOOKS {
        if shim(repository, hook) == Shim::Foreign && others == Others::Refuse {
            return Err(TriggerError::Foreign(folder.join(hook)));
        }
    }
    fs::create_dir_all(&folder).map_err(|error| TriggerError::file(&folder, &error))?;
    let mut touched = Touched::default();
    for hook in HOOKS {
        let path = folder.join(hook);
        match shim(repository, hook) {
            Shim::Foreign => {
                let aside = chained(&path);
                if aside.symlink_metadata().is_ok() {
                    return Err(TriggerError::Foreign(aside));
                }
                fs::rename(&path, &aside).map_err(|error| TriggerError::file(&path, &error))?;
            }
            Shim::Changed => touched.kept.push(keep(&path)?),
            Shim::Missing | Shim::Ours | Shim::Chained => {}
        }
        let text = script(hook, repository.path(), program, config, &chained(&path));
        write(&path, &text).map_err(|error| TriggerError::file(&path, &error))?;
        touched.hooks.push(path);
    }
    Ok(touched)
}

/// Removes our scripts, and puts back those that were there before.
///
/// # Errors
/// If something cannot be removed.
pub fn uninstall(repository: &Repository) -> Result<Touched, TriggerError> {
    let mut touched = Touched::default();
    for hook in HOOKS {
        let path = repository.hooks().join(hook);
        match shim(repository, hook) {
            Shim::Missing | Shim::Foreign => continue,
            Shim::Changed => touched.kept.push(keep(&path)?),
            Shim::Ours | Shim::Chained => {
                fs::remove_file(&path).map_err(|error| TriggerError::file(&path, &error))?;
            }
        }
        let before = chained(&path);
        if before.symlink_metadata().is_ok() {
            fs::rename(&before, &path).map_err(|error| TriggerError::file(&path, &error))?;
        }
        touched.hooks.push(path);
    }
    Ok(touched)
}

/// Moves a script aside that somebody has changed, so that their work is not lost.
fn keep(hook: &Path) -> Result<PathBuf, TriggerError> {
    let names = std::iter::once(CHANGED.to_owned()).chain((2..).map(|n| format!("{CHANGED}-{n}")));
    let free = names.map(|end| beside(hook, &end)).find(|path| path.symlink_metadata().is_err());
    let copy = free.unwrap_or_else(|| beside(hook, CHANGED));
    fs::rename(hook, &copy).map_err(|error| TriggerError::file(hook, &error))?;
    Ok(copy)
}

fn chained(hook: &Path) -> PathBuf {
    beside(hook, CHAINED)
}

fn beside(hook: &Path, end: &str) -> PathBuf {
    let mut name = hook.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{end}"));
    hook.with_file_name(name)
}

fn script(hook: &str, repository: &Path, program: &Path, config: &Path, chained: &Path) -> String {
    let (program, repository, config) = (quoted(program), quoted(repository), quoted(config));
    let old = quoted(chained);
    let (remains, after_others) = if hook == HOOKS[0] {
        ("refused; nothing was changed", "|| exit $?")
    } else {
        // It can refuse nothing any more, and what was pushed is to be deployed.
        (
            "the push was accepted, and nothing is deployed",
            "|| echo \"evenkeel: $before ended with exit code $?\" >&2",
        )
    };
    let call = format!("\"$program\" hook {hook} --repo \"$repository\" --config \"$config\"");
    let lines = format!(
        "program={program}\nrepository={repository}\nconfig={config}\nbefore={old}\n\
         if [ ! -x \"$program\" ]; then\n  \
         echo \"error: $program is gone\" >&2\n  \
         echo \"  hint: on the host: evenkeel hook install --repo $repository --config $config\" >&2\n  \
         echo \"evenkeel: {remains}\" >&2\n  exit 1\nfi\n\
         # A hook of somebody else gets the same lines, and before us.\n\
         if [ -x \"$before\" ]; then\n  pushed=$(cat)\n  \
         printf '%s\\n' \"$pushed\" | \"$before\" \"$@\" {after_others}\n  \
         printf '%s\\n' \"$pushed\" | {call}\n  exit $?\nfi\nexec {call}\n"
    );
    format!("#!/bin/sh\n{MARK}\n{SUM}{}\n{lines}", sum(&lines))
}

/// True if a script is as we wrote it, with whatever program and file.
fn is_as_written(text: &str) -> bool {
    let ours = text.strip_prefix("#!/bin/sh\n").and_then(|text| text.strip_prefix(MARK));
    let parts = ours.and_then(|text| text.strip_prefix('\n')?.strip_prefix(SUM)?.split_once('\n'));
    parts.is_some_and(|(written, lines)| written == sum(lines))
}

fn sum(lines: &str) -> String {
    Sha256::digest(lines).iter().map(|byte| format!("{byte:02x}")).collect()
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
