//! Collects what a run takes from its surroundings.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::run::{Ambient, Stop};

/// Looks around once; nobody else reads the clock or the environment.
pub(super) fn collect(args: &[OsString]) -> Result<Ambient, String> {
    let directory =
        std::env::current_dir().map_err(|error| format!("cannot tell the working directory: {error}"))?;
    let variables: BTreeMap<String, String> =
        std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
    let uid = rustix::process::getuid().as_raw();
    let login = ["USER", "LOGNAME"].into_iter().find_map(|name| variables.get(name).cloned());
    Ok(Ambient {
        directory,
        home: std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute()),
        variables,
        now: SystemTime::now(),
        user: login.filter(|user| !user.is_empty()).unwrap_or_else(|| format!("uid {uid}")),
        uid,
        machine: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        pid: std::process::id(),
        command: command(args),
        stop: Stop::default(),
    })
}

/// The command as others may read it: values of `--pillar` may be secrets.
fn command(args: &[OsString]) -> String {
    let mut shown = Vec::new();
    let mut is_pillar = false;
    for (number, arg) in args.iter().enumerate() {
        let arg = if number == 0 {
            Path::new(arg).file_name().unwrap_or(arg).to_string_lossy()
        } else {
            arg.to_string_lossy()
        };
        shown.push(match arg.strip_prefix("--pillar=") {
            Some(pair) => format!("--pillar={}", masked(pair)),
            None if is_pillar => masked(&arg),
            None => arg.clone().into_owned(),
        });
        is_pillar = arg == "--pillar";
    }
    shown.join(" ")
}

fn masked(pair: &str) -> String {
    let key = pair.split_once('=').map_or("", |(key, _)| key);
    format!("{key}=***")
}

fn text(text: OsString) -> Option<String> {
    text.into_string().ok()
}

/// Surroundings that are the same everywhere.
#[cfg(test)]
pub(super) fn for_tests(directory: &str) -> Ambient {
    Ambient {
        directory: directory.into(),
        home: None,
        variables: BTreeMap::new(),
        now: SystemTime::UNIX_EPOCH,
        user: "ann".to_owned(),
        uid: 1000,
        machine: "ship".to_owned(),
        pid: 7,
        command: String::new(),
        stop: Stop::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pillar_values_do_not_reach_the_lock_file() {
        let args = ["/usr/bin/evenkeel", "apply", "--pillar", "db.password=x", "--pillar=k=y", "a.yml"];
        let shown = command(&args.map(OsString::from));
        assert_eq!(shown, "evenkeel apply --pillar db.password=*** --pillar=k=*** a.yml");
    }
}
