//! Collects what a run takes from its surroundings.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::run::{Ambient, Stop};

/// Looks around once; nobody else reads the clock or the environment.
pub(super) fn collect(args: &[OsString]) -> Result<Ambient, String> {
    let directory =
        std::env::current_dir().map_err(|error| format!("cannot tell the working directory: {error}"))?;
    let variables: BTreeMap<String, String> =
        std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
    let uid = rustix::process::getuid().as_raw();
    let account = account(uid);
    let login = ["USER", "LOGNAME"].into_iter().find_map(|name| variables.get(name).cloned());
    Ok(Ambient {
        directory,
        home: std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute()),
        variables,
        now: SystemTime::now(),
        user: login.filter(|user| !user.is_empty()).unwrap_or_else(|| account.clone()),
        account,
        uid,
        machine: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        boot: boot(),
        pid: std::process::id(),
        command: command(args),
        stop: Stop::default(),
    })
}

/// Linux names each boot at random. Source: random(4).
fn boot() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The name of an account: from the file of this machine's, else from whatever its name service asks.
fn account(uid: u32) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let asked = || {
        // By its whole name: who runs this may have chosen PATH.
        let mut getent = Command::new("/usr/bin/getent");
        let output = getent.env_clear().args(["passwd", &uid.to_string()]).output().ok()?;
        named(&String::from_utf8_lossy(&output.stdout), uid)
    };
    named(&passwd, uid).or_else(asked).unwrap_or_else(|| format!("uid {uid}"))
}

/// The first name of a number in lines of passwd(5).
fn named(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
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
        account: "ann".to_owned(),
        uid: 1000,
        machine: "ship".to_owned(),
        boot: None,
        pid: 7,
        command: String::new(),
        stop: Stop::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_the_name_of_its_number() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\n# x\nann:x:1000:1000::/home/ann:/bin/sh\ntoor:x:0:0::/:/bin/sh\n";
        assert_eq!(named(passwd, 0).as_deref(), Some("root"));
        assert_eq!(named(passwd, 1000).as_deref(), Some("ann"));
        assert_eq!(named(passwd, 10), None);
    }

    #[test]
    fn pillar_values_do_not_reach_the_lock_file() {
        let args = ["/usr/bin/evenkeel", "apply", "--pillar", "db.password=x", "--pillar=k=y", "a.yml"];
        let shown = command(&args.map(OsString::from));
        assert_eq!(shown, "evenkeel apply --pillar db.password=*** --pillar=k=*** a.yml");
    }
}
