//! Who pushes, by what git and the SSH server say, and where they may.

use std::collections::BTreeMap;

use base64::Engine as _;
use sha2::{Digest, Sha256};

use crate::state::Environment;

/// Who pushes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pusher {
    /// The account that the hook runs as.
    pub user: String,
    /// Fingerprints of the SSH keys that let them in: `SHA256:…`.
    pub keys: Vec<String>,
    pub signature: Signature,
}

/// What the signature of a push is worth.
/// Source: git-receive-pack(1), "PRE-RECEIVE HOOK"; the letters are those of `%G?` in git-log(1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    Missing,
    /// Of a key that this host knows, for this very push: the name that git has for it.
    By(String),
    /// Good, of a key that is on no list of this host.
    Stranger {
        key: String,
    },
    /// It was made for another push.
    Stale {
        nonce: String,
    },
    /// Wrong, expired, or of a key that this host cannot check.
    Unverifiable {
        status: String,
    },
}

/// Characters of a name that git or a key gives.
const LONGEST: usize = 100;

/// Why somebody is kept out, and what they can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptOut {
    pub reason: String,
    pub hint: Option<String>,
}

impl Pusher {
    /// Who pushes; `account` is the user of this process, by its number.
    pub fn read(variables: &BTreeMap<String, String>, account: &str) -> Self {
        let keys = variables.get("SSH_USER_AUTH").and_then(|file| std::fs::read_to_string(file).ok());
        Self {
            user: account.to_owned(),
            keys: keys.map(|text| fingerprints(&text)).unwrap_or_default(),
            signature: Signature::read(variables),
        }
    }

    /// Who it is for labels and the record: the account, and behind it the signer or the key, as many may share one.
    pub fn name(&self) -> String {
        let behind = match &self.signature {
            Signature::By(signer) => Some(signer),
            Signature::Missing
            | Signature::Stranger { .. }
            | Signature::Stale { .. }
            | Signature::Unverifiable { .. } => self.keys.first(),
        };
        behind.map_or_else(|| self.user.clone(), |behind| format!("{} ({behind})", self.user))
    }

    /// Says why this person may not push to an environment, if they may not.
    pub fn is_kept_out_of(&self, environment: &Environment) -> Option<KeptOut> {
        if environment.signed
            && let Some(reason) = self.signature.fault()
        {
            let reason = format!("{} takes signed pushes only, and {reason}", environment.name);
            return Some(KeptOut { reason, hint: Some(self.signature.remedy().to_owned()) });
        }
        let allow = environment.allow.as_ref()?;
        let is_allowed = |who: &String| match who.strip_prefix("key:") {
            Some(key) => self.keys.iter().any(|own| own == key),
            None => *who == self.user,
        };
        if allow.iter().any(is_allowed) {
            return None;
        }
        let key = self.keys.first().map(|key| format!(" with the key {key}")).unwrap_or_default();
        let reason = format!("{}{key} may not push to {}", self.user, environment.name);
        Some(KeptOut { reason, hint: Some("the host's hooks.yml says who may".to_owned()) })
    }
}

impl Signature {
    fn read(variables: &BTreeMap<String, String>) -> Self {
        let text = |name: &str| {
            let value = variables.get(name).map_or("", String::as_str);
            value.chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>().trim().to_owned()
        };
        let (status, signer, nonce) =
            (text("GIT_PUSH_CERT_STATUS"), text("GIT_PUSH_CERT_SIGNER"), text("GIT_PUSH_CERT_NONCE_STATUS"));
        let is_signed = variables.get("GIT_PUSH_CERT").is_some_and(|certificate| !certificate.is_empty());
        match (status.as_str(), nonce.as_str()) {
            ("" | "N", _) if !is_signed => Self::Missing,
            // Any SSH key makes a good signature; only one of the allowed signers has a name.
            ("G", _) if signer.is_empty() => Self::Stranger { key: text("GIT_PUSH_CERT_KEY") },
            ("G", "OK") => Self::By(signer),
            ("G", _) => Self::Stale { nonce },
            _ => Self::Unverifiable { status },
        }
    }

    fn fault(&self) -> Option<String> {
        match self {
            Self::By(_) => None,
            Self::Missing => Some("this one is not signed".to_owned()),
            Self::Stranger { key } => Some(format!("the key {key} is not one that this host trusts")),
            Self::Stale { nonce } => Some(format!("this signature is not of this push (nonce: {nonce})")),
            Self::Unverifiable { status } => Some(match status.as_str() {
                "B" => "the signature is wrong".to_owned(),
                "X" | "Y" => "the signature or its key has expired".to_owned(),
                "R" => "its key has been revoked".to_owned(),
                "" | "N" => {
                    "this host cannot check the signature: gpg.ssh.allowedSignersFile of the repository is not set, or \
                     there is no such file"
                        .to_owned()
                }
                "U" => "its key is not one that this host trusts".to_owned(),
                _ => format!("this host cannot check the signature (git says {status})"),
            }),
        }
    }

    fn remedy(&self) -> &'static str {
        match self {
            Self::By(_) | Self::Missing | Self::Stale { .. } => "git push --signed",
            Self::Stranger { .. } | Self::Unverifiable { .. } => {
                "who keeps the host can add the key: gpg.ssh.allowedSignersFile of the repository, or `gpg --import`"
            }
        }
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

    fn environment(allow: Option<&[&str]>, signed: bool) -> Environment {
        Environment {
            allow: allow.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            signed,
            ..Environment::named("prod")
        }
    }

    #[test]
    fn who_may_push_is_said_by_the_host() {
        let alice = Pusher {
            user: "alice".to_owned(),
            keys: vec!["SHA256:x".to_owned()],
            signature: Signature::Missing,
        };
        let is_out = |allow, signed| alice.is_kept_out_of(&environment(allow, signed)).is_some();
        assert!(!is_out(None, false));
        assert!(!is_out(Some(&["bob", "alice"]), false));
        assert!(!is_out(Some(&["key:SHA256:x"]), false));
        assert!(is_out(Some(&["bob", "key:SHA256:y"]), false));
        assert!(is_out(Some(&[]), false));
        assert!(is_out(None, true));
        let told = alice.is_kept_out_of(&environment(Some(&[]), false)).expect("kept out");
        assert_eq!(told.reason, "alice with the key SHA256:x may not push to prod");
    }

    #[test]
    fn a_signature_counts_if_its_key_is_known_and_it_is_of_this_push() {
        let read = |status: &str, signer: &str, nonce: &str| {
            let variables =
                [("STATUS", status), ("SIGNER", signer), ("NONCE_STATUS", nonce), ("KEY", "SHA256:k")];
            let variables =
                variables.map(|(name, value)| (format!("GIT_PUSH_CERT_{name}"), value.to_owned())).into();
            Pusher::read(&variables, "git")
        };
        let good = read("G", "ann@x", "OK");
        assert_eq!(good.is_kept_out_of(&environment(None, true)), None);
        assert_eq!(good.name(), "git (ann@x)");
        for (status, signer, nonce, said) in [
            ("", "", "", "is not signed"),
            ("G", "", "OK", "SHA256:k is not one that this host trusts"),
            ("G", "ann@x", "SLOP", "not of this push"),
            ("G", "ann@x", "", "not of this push"),
            ("B", "ann@x", "OK", "wrong"),
            ("E", "", "OK", "cannot check"),
            ("U", "ann@x", "OK", "trusts"),
        ] {
            let pusher = read(status, signer, nonce);
            let told = pusher.is_kept_out_of(&environment(None, true)).expect(said);
            assert!(told.reason.contains(said) && told.hint.is_some(), "{told:?}");
            assert_eq!(pusher.name(), "git");
        }
    }

    #[test]
    fn who_shares_an_account_is_known_by_the_key() {
        let git = Pusher {
            user: "git".to_owned(),
            keys: vec!["SHA256:x".to_owned()],
            signature: Signature::Missing,
        };
        assert_eq!(git.name(), "git (SHA256:x)");
    }

    #[test]
    fn keys_are_known_by_their_fingerprints() {
        let text = "publickey ssh-ed25519 AAAA\npassword\npublickey x !!\n";
        // printf '\0\0\0' | sha256sum | xxd -r -p | base64
        assert_eq!(fingerprints(text), ["SHA256:cJ6AyISHokEeHuTfufIqhhSS0gxHZRUMDHlKvXD4FHw"]);
    }
}
