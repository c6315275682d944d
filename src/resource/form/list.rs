//! Lists of texts, with and without order, and capabilities.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::parts::{each, items, suggestion, text, unexpected};
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node};

/// Texts whose order means nothing. Normal form: a sorted list without duplicates.
pub struct StringSet;

pub const STRING_SET: StringSet = StringSet;

impl Form for StringSet {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let texts = items(node, reading, self.expects())?;
        Ok(set(each(&texts, |item| text(item, "a text").map(str::to_owned))?))
    }

    fn observe(&self, shown: &Value) -> Value {
        set(texts(shown).map(str::to_owned))
    }

    fn expects(&self) -> &'static str {
        "a list of texts"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["[a, b]", "[b, a]", "[a, b, a]"], salt: &["[b, a]", "'a,b'", "b, a"] },
            Sample { plain: &["[a]", "a"], salt: &[] },
            Sample { plain: &["[]"], salt: &[] },
        ])
    }
}

/// Texts in an order that matters. Normal form: the list.
pub struct StringList;

pub const STRING_LIST: StringList = StringList;

impl Form for StringList {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let texts = items(node, reading, self.expects())?;
        Ok(json!(each(&texts, |item| text(item, "a text").map(str::to_owned))?))
    }

    fn observe(&self, shown: &Value) -> Value {
        texts(shown).map(|text| json!(text)).collect()
    }

    fn expects(&self) -> &'static str {
        "a list of texts, in order"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["[a, b]", "[a, 'b']"], salt: &["[a, b]", "'a,b'", "a, b"] },
            Sample { plain: &["[b, a]"], salt: &[] },
            Sample { plain: &["[a]", "a"], salt: &[] },
        ])
    }
}

/// What a container may do. Normal form: a sorted list of upper-case names without `CAP_`.
pub struct Capabilities;

pub const CAPABILITIES: Capabilities = Capabilities;

const KNOWN: &[&str] = &[
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

impl Form for Capabilities {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let names = each(&items(node, reading, self.expects())?, |item| {
            let name = bare_capability(text(item, "a capability, such as `NET_ADMIN`")?);
            if KNOWN.contains(&name.as_str()) {
                return Ok(name);
            }
            let hint = match suggestion(&name, KNOWN) {
                guess if guess.starts_with("did") => guess,
                _ => "`man 7 capabilities` lists them".to_owned(),
            };
            Err(unexpected(item, "a capability, such as `NET_ADMIN`").hint(hint).into())
        })?;
        Ok(set(names))
    }

    fn observe(&self, shown: &Value) -> Value {
        set(texts(shown).map(bare_capability))
    }

    fn expects(&self) -> &'static str {
        "a list of capabilities, such as `[NET_ADMIN]`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &["[NET_ADMIN, SYS_TIME]", "[sys_time, CAP_NET_ADMIN]", "[cap_net_admin, SYS_TIME]"],
                salt: &["[NET_ADMIN, SYS_TIME]", "'SYS_TIME,NET_ADMIN'"],
            },
            Sample { plain: &["[ALL]", "all"], salt: &[] },
            Sample { plain: &["[]"], salt: &[] },
        ])
    }
}

fn bare_capability(name: &str) -> String {
    let upper = name.trim().to_ascii_uppercase();
    upper.strip_prefix("CAP_").map_or_else(|| upper.clone(), str::to_owned)
}

/// A sorted JSON list without duplicates.
pub(super) fn set(texts: impl IntoIterator<Item = String>) -> Value {
    json!(texts.into_iter().collect::<BTreeSet<_>>())
}

/// The texts of a JSON list.
pub(super) fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn lists_obey_the_laws() {
        let forms: &[&dyn Form] = &[&STRING_SET, &STRING_LIST, &CAPABILITIES];
        for form in forms {
            obeys_the_laws(*form);
        }
    }

    #[test]
    fn every_wrong_item_is_told() {
        let told = refused(&CAPABILITIES, "[NET_ADMN, CHOWN, FLY_HIGH]");
        assert!(told.contains("did you mean `NET_ADMIN`?"), "{told}");
        assert!(told.contains("`FLY_HIGH`"), "{told}");
        assert!(refused(&STRING_SET, "{a: b}").contains("expected a list of texts, found a mapping"));
    }

    #[test]
    fn the_engines_spelling_does_not_matter() {
        let shown = json!(["CAP_NET_ADMIN", "net_admin", "NET_RAW"]);
        assert_eq!(CAPABILITIES.observe(&shown), json!(["NET_ADMIN", "NET_RAW"]));
    }
}
