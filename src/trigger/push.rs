//! What git tells a hook: refs that move, options of the push, and who pushes.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use sha2::{Digest, Sha256};

use super::TriggerError;
use crate::state::Environment;

/// A ref that moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Nothing if the ref is new.
    pub old: Option<String>,
    /// Nothing if the ref goes.
    pub new: Option<String>,
    /// `refs/heads/main`.
    pub reference: String,
}

/// What the pusher asked for with `git push -o`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PushOptions {
    pub why: Option<String>,
    /// Only the plan is shown.
    pub test: bool,
    /// Nothing is done after the push.
    pub skip: bool,
    /// Volumes that may be removed.
    pub data_loss: BTreeSet<String>,
}

/// Who pushes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pusher {
    pub user: String,
    /// Fingerprints of the SSH keys that let them in: `SHA256:…`.
    pub keys: Vec<String>,
    /// Who signed the push, if git found the signature good.
    pub signer: Option<String>,
}

/// Characters of `why`.
const LONGEST: usize = 1000;

/// Reads the lines that git gives a hook.
///
/// # Errors
/// If a line is not what git writes.
pub fn pushed(lines: &str) -> Result<Vec<Pushed>, TriggerError> {
    let read = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let (old, new, reference) = (words.next()?, words.next()?, words.next()?);
        let is_id = |id: &str| matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let some = |id: &str| (!id.bytes().all(|byte| byte == b'0')).then(|| id.to_owned());
        (is_id(old) && is_id(new) && reference.starts_with("refs/")).then(|| Pushed {
            old: some(old),
            new: some(new),
            reference: reference.to_owned(),
        })
    };
    let wrong = |line: &str| TriggerError::Asked(format!("`{line}` is no line of a hook: OLD NEW REF"));
    lines.lines().map(|line| read(line).ok_or_else(|| wrong(line))).collect()
}

impl PushOptions {
    /// Reads what git hands on in `GIT_PUSH_OPTION_…`.
    ///
    /// # Errors
    /// If there is one that nobody knows.
    pub fn read(variables: &BTreeMap<String, String>) -> Result<Self, TriggerError> {
        let count =
            variables.get("GIT_PUSH_OPTION_COUNT").and_then(|count| count.parse().ok()).unwrap_or(0_u32);
        let mut options = Self::default();
        for number in 0..count.min(100) {
            let option = variables.get(&format!("GIT_PUSH_OPTION_{number}")).map_or("", String::as_str);
            match option.split_once('=') {
                Some(("why", text)) => {
                    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
                    options.why =
                        Some(text.chars().take(LONGEST).collect()).filter(|text: &String| !text.is_empty());
                }
                Some(("allow-data-loss", names)) => {
                    options
                        .data_loss
                        .extend(names.split(',').map(str::to_owned).filter(|name| !name.is_empty()));
                }
                None if option == "test" => options.test = true,
                None if option == "skip" => options.skip = true,
                _ => {
                    return Err(TriggerError::Asked(format!(
                        "`-o {option}` is not known; there are: why=TEXT, test, skip, allow-data-loss=VOLUME"
                    )));
                }
            }
        }
        Ok(options)
    }
}

impl Pusher {
    /// Who pushes, by what git and the SSH server say.
    pub fn read(variables: &BTreeMap<String, String>, user: &str) -> Self {
        let keys = variables.get("SSH_USER_AUTH").and_then(|file| std::fs::read_to_string(file).ok());
        let is_good = variables.get("GIT_PUSH_CERT_STATUS").is_some_and(|status| status == "G");
        Self {
            user: user.to_owned(),
            keys: keys.map(|text| fingerprints(&text)).unwrap_or_default(),
            signer: variables.get("GIT_PUSH_CERT_SIGNER").filter(|_| is_good).cloned(),
        }
    }

    /// Says why this person may not push to an environment, if they may not.
    pub fn is_kept_out_of(&self, environment: &Environment) -> Option<String> {
        if environment.signed && self.signer.is_none() {
            return Some(format!("{} takes signed pushes only: git push --signed", environment.name));
        }
        let allow = environment.allow.as_ref()?;
        let is_allowed = |who: &String| match who.strip_prefix("key:") {
            Some(key) => self.keys.iter().any(|own| own == key),
            None => *who == self.user,
        };
        let told =
            format!("{} may not push to {}; the host's hooks.yml says who may", self.user, environment.name);
        (!allow.iter().any(is_allowed)).then_some(told)
    }
}

/// The fingerprints of the keys that `sshd` let somebody in with (`ExposeAuthInfo`).
fn fingerprints(text: &str) -> Vec<String> {
    let keys = text.lines().filter_map(|line| {
        let mut words = line.split(' ');
        (words.next() == Some("publickey")).then(|| words.nth(1)).flatten()
    });
    let print = |key: &str| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(key).ok()?;
        let hash = base64::engine::general_purpose::STANDARD_NO_PAD.encode(Sha256::digest(bytes));
        Some(format!("SHA256:{hash}"))
    };
    keys.filter_map(print).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_hooks_are_read() {
        let (zero, one) = ("0".repeat(40), "1".repeat(64));
        let read =
            pushed(&format!("{zero} {one} refs/heads/main\n{one} {zero} refs/tags/a b\n")).expect("fine");
        assert_eq!((read[0].old.as_deref(), read[0].new.as_deref()), (None, Some(one.as_str())));
        assert_eq!((read[1].new.as_deref(), read[1].reference.as_str()), (None, "refs/tags/a b"));
        for wrong in ["x", "1 2 refs/heads/a", &format!("{one} {one} main"), &format!("{one} {one}")] {
            assert!(pushed(wrong).is_err(), "{wrong}");
        }
    }

    fn options(list: &[&str]) -> Result<PushOptions, TriggerError> {
        let mut variables: BTreeMap<String, String> = list
            .iter()
            .enumerate()
            .map(|(number, option)| (format!("GIT_PUSH_OPTION_{number}"), (*option).to_owned()))
            .collect();
        variables.insert("GIT_PUSH_OPTION_COUNT".to_owned(), list.len().to_string());
        PushOptions::read(&variables)
    }

    #[test]
    fn options_of_a_push_are_read() {
        let read = options(&["why=new\n texts", "test", "allow-data-loss=a,b"]).expect("fine");
        assert_eq!((read.why.as_deref(), read.test, read.skip), (Some("new texts"), true, false));
        assert_eq!(read.data_loss.len(), 2);
        assert_eq!(PushOptions::read(&BTreeMap::new()).ok(), Some(PushOptions::default()));
        assert!(options(&["force"]).is_err_and(|error| error.to_string().contains("allow-data-loss=VOLUME")));
    }

    #[test]
    fn who_may_push_is_said_by_the_host() {
        let environment = |allow: Option<&[&str]>, signed: bool| Environment {
            name: "prod".to_owned(),
            refs: Vec::new(),
            state: String::new(),
            on_push: crate::state::OnPush::Test,
            on_unknown: crate::state::OnUnknown::Warn,
            allow: allow.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            signed,
            host: None,
            guards: false,
            timeout: std::time::Duration::ZERO,
        };
        let alice = Pusher { user: "alice".to_owned(), keys: vec!["SHA256:x".to_owned()], signer: None };
        let is_out = |allow, signed| alice.is_kept_out_of(&environment(allow, signed)).is_some();
        assert!(!is_out(None, false));
        assert!(!is_out(Some(&["bob", "alice"]), false));
        assert!(!is_out(Some(&["key:SHA256:x"]), false));
        assert!(is_out(Some(&["bob", "key:SHA256:y"]), false));
        assert!(is_out(Some(&[]), false));
        assert!(is_out(None, true));
    }

    #[test]
    fn keys_are_known_by_their_fingerprints() {
        let text = "publickey ssh-ed25519 AAAA\npassword\npublickey x !!\n";
        // printf '\0\0\0' | sha256sum | xxd -r -p | base64
        assert_eq!(fingerprints(text), ["SHA256:cJ6AyISHokEeHuTfufIqhhSS0gxHZRUMDHlKvXD4FHw"]);
    }
}
