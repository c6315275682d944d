//! What git has to be told for the hooks, in the repository's own configuration, and how it was before.

use std::path::Path;

use super::{Repository, TriggerError};
use crate::state::Hooks;

/// Our own refs: what a pusher neither sees nor moves. Fetching is not concerned.
/// Source: git-config(1), `receive.hideRefs`.
pub const OWN_REFS: &str = "refs/evenkeel";
const HIDDEN: &str = "receive.hideRefs";
const SEED: &str = "receive.certNonceSeed";
const SIGNERS: &str = "gpg.ssh.allowedSignersFile";
/// Remembers `KEY=VALUE` as it was before us; nothing behind `=` if it was not set.
const BEFORE: &str = "evenkeel.before";

/// Sets what the hooks need.
///
/// # Errors
/// If git does not take it.
pub fn configure(repository: &Repository, hooks: &Hooks) -> Result<(), TriggerError> {
    set(repository, "receive.advertisePushOptions", "true")?;
    if !repository.all_configured(HIDDEN).iter().any(|refs| refs == OWN_REFS) {
        repository.configure(["--add", HIDDEN, OWN_REFS])?;
    }
    // Without it git refuses every `git push --signed`.
    if hooks.environments.iter().any(|environment| environment.signed)
        && repository.configured(SEED).is_none()
    {
        set(repository, SEED, &seed()?)?;
    }
    Ok(())
}

/// Puts everything back as it was. What somebody else has changed since stays.
///
/// # Errors
/// If git does not take it.
pub fn restore(repository: &Repository) -> Result<(), TriggerError> {
    for before in repository.all_configured(BEFORE) {
        match before.split_once('=') {
            Some((name, "")) => _ = repository.configure(["--unset-all", name]),
            Some((name, value)) => repository.configure([name, value])?,
            None => {}
        }
    }
    // What is not there cannot be unset, and is right as it is.
    _ = repository.configure(["--unset-all", BEFORE]);
    _ = repository.configure(["--unset-all", HIDDEN, &format!("^{OWN_REFS}$")]);
    Ok(())
}

/// What keeps signed pushes from being taken, though an environment wants them.
pub fn faults(repository: &Repository, hooks: &Hooks) -> Vec<String> {
    let mut faults = Vec::new();
    if !hooks.environments.iter().any(|environment| environment.signed) {
        return faults;
    }
    if repository.configured(SEED).is_none() {
        faults.push(format!("git refuses signed pushes: {SEED} is not set; evenkeel hook install sets it"));
    }
    match repository.configured_path(SIGNERS) {
        None => {
            faults.push(format!("no SSH key is trusted: {SIGNERS} is not set; gpg's keys are not concerned"))
        }
        Some(file) if !Path::new(&file).is_file() => {
            faults.push(format!("no SSH key is trusted: there is no {file} ({SIGNERS})"));
        }
        Some(_) => {}
    }
    faults
}

fn set(repository: &Repository, name: &str, value: &str) -> Result<(), TriggerError> {
    let before = repository.all_configured(name).pop();
    if before.as_deref() == Some(value) {
        return Ok(());
    }
    repository.configure(["--add", BEFORE, &format!("{name}={}", before.unwrap_or_default())])?;
    repository.configure([name, value])
}

/// Something that nobody can guess.
fn seed() -> Result<String, TriggerError> {
    use std::io::Read as _;
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; 32];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|error| TriggerError::file(path, &error))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
