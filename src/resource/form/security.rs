//! Security options: profiles, labels, and what a program may become.

use std::path::Path;

use serde_json::{Value, json};

use super::list::{set, texts};
use super::local::clean;
use super::parts::{Read, each, text, unexpected, wrong};
use super::{Form, Sample, Samples};
use crate::resource::{Reading, Vocabulary};
use crate::source::{Diagnostics, Node};

/// Security options. Normal form: a sorted list of `key=value`, and `no-new-privileges`.
///
/// `seccomp=./profile.json` names a file; whoever reads the tree puts its text in the place of
/// [`FROM_FILE`] and the path. The engine's own `label=disable` (of a privileged container, or one
/// that shares namespaces of the host) is no option that anybody asked for.
pub struct SecurityOptions;

pub const SECURITY_OPT: SecurityOptions = SecurityOptions;

/// What stands before the path of a profile until it is read.
pub const FROM_FILE: &str = "seccomp=file:";

const OPTION: &str = "a security option, such as `no-new-privileges` or `seccomp=./profile.json`";
const ENGINES_OWN: &str = "label=disable";

impl Form for SecurityOptions {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        // A profile may have commas, so a comma separates in Salt's words only where there is none.
        let whole;
        let items = match (node.as_list(), reading.vocabulary) {
            (Some(items), _) => items,
            (None, _) if node.is_null() => &[],
            (None, Vocabulary::Salt) if node.text().is_some_and(|text| !text.contains('{')) => {
                whole = super::parts::items(node, reading, self.expects())?;
                &whole
            }
            (None, _) => std::slice::from_ref(node),
        };
        let options = each(items, |item| option(item, reading))?;
        Ok(set(options.into_iter().flatten()))
    }

    fn observe(&self, shown: &Value) -> Value {
        set(texts(shown).filter_map(|option| known(option).unwrap_or_else(|| Some(option.to_owned()))))
    }

    fn differences(&self, from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
        let of = |options: &Value| -> Vec<String> { texts(options).map(str::to_owned).collect() };
        let (mut before, after) = (of(from), of(to));
        if !after.iter().any(|option| option == ENGINES_OWN) {
            before.retain(|option| option != ENGINES_OWN);
        }
        if before == after {
            Vec::new()
        } else {
            vec![(String::new(), self.show(&json!(before)), self.show(to))]
        }
    }

    /// Without the text of profiles.
    fn show(&self, normal: &Value) -> Value {
        let Some(options) = normal.as_array() else { return normal.clone() };
        let short = |option: &Value| match option.as_str().and_then(|text| text.strip_prefix("seccomp={")) {
            Some(profile) => json!(format!("seccomp=(a profile, {} bytes)", profile.len() + 1)),
            None => option.clone(),
        };
        options.iter().map(short).collect()
    }

    fn expects(&self) -> &'static str {
        "a list of security options, such as `[no-new-privileges, seccomp=./profile.json]`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &[
                    "[no-new-privileges, 'label=user:me']",
                    "['label:user:me', 'no-new-privileges:true']",
                    "['no-new-privileges=true', 'label=user:me', no-new-privileges]",
                ],
                salt: &["'no-new-privileges,label:user:me'", "['label=user:me', 'no-new-privileges:true']"],
            },
            Sample {
                plain: &[
                    "['seccomp=unconfined', 'apparmor=unconfined']",
                    "['apparmor:unconfined', 'seccomp:unconfined']",
                ],
                salt: &[],
            },
            Sample { plain: &["[]", "['no-new-privileges:false']"], salt: &[] },
        ])
    }
}

const KEYS: &[&str] = &["apparmor", "label", "no-new-privileges", "seccomp", "systempaths", "credentialspec"];

/// The normal form of an option; `Some(None)` for one that says nothing, `None` if it is unknown.
fn known(option: &str) -> Option<Option<String>> {
    let (key, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
    match (key, value) {
        ("no-new-privileges", "" | "true" | "1") => Some(Some("no-new-privileges".to_owned())),
        ("no-new-privileges", "false" | "0") => Some(None),
        ("apparmor" | "label" | "seccomp" | "credentialspec", "") => None,
        ("seccomp", text) if text.starts_with('{') => Some(Some(format!("seccomp={}", profile(text)?))),
        ("apparmor" | "label" | "seccomp" | "credentialspec", value) => Some(Some(format!("{key}={value}"))),
        _ => None,
    }
}

/// A profile without what only makes it readable, so that another layout is no difference.
pub fn profile(text: &str) -> Option<String> {
    serde_json::from_str::<Value>(text).ok().filter(Value::is_object).map(|profile| profile.to_string())
}

fn option(node: &Node, reading: &Reading) -> Read<Option<String>> {
    let text = text(node, OPTION)?.trim();
    let (key, value) = text.split_once(['=', ':']).unwrap_or((text, ""));
    if key == "systempaths" {
        let hint = "write `masked_paths: []` and `readonly_paths: []`";
        return Err(wrong(node, "the engine takes no `systempaths`; it is a word of its command line", hint));
    }
    if key == "seccomp" && !matches!(value, "" | "unconfined" | "builtin") && !value.starts_with('{') {
        if value.starts_with('~') {
            return Err(wrong(
                node,
                "`~` is not expanded",
                "write the path of the profile, relative to the state file",
            ));
        }
        let path = clean(&reading.folder.join(Path::new(value)));
        return Ok(Some(format!("{FROM_FILE}{}", path.to_string_lossy())));
    }
    if key == "seccomp" && value.starts_with('{') && profile(value).is_none() {
        return Err(wrong(
            node,
            "this seccomp profile is no JSON",
            "put it into a file: `seccomp=./profile.json`",
        ));
    }
    known(text).ok_or_else(|| unexpected(node, OPTION).hint(super::parts::suggestion(key, KEYS)).into())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, plain, refused};
    use super::*;

    #[test]
    fn security_options_obey_the_laws() {
        obeys_the_laws(&SECURITY_OPT);
    }

    #[test]
    fn what_the_engine_adds_is_no_difference() {
        let shown = SECURITY_OPT.observe(&json!(["label=disable", "no-new-privileges:true"]));
        assert_eq!(SECURITY_OPT.differences(&shown, &plain(&SECURITY_OPT, "[no-new-privileges]")), []);
        assert_eq!(SECURITY_OPT.differences(&json!([]), &plain(&SECURITY_OPT, "['label:disable']")).len(), 1);
    }

    #[test]
    fn a_profile_is_a_file_beside_the_state_file() {
        let normal = plain(&SECURITY_OPT, "['seccomp:./p.json']");
        assert_eq!(normal, json!(["seccomp=file:/srv/states/p.json"]));
        assert_eq!(plain(&SECURITY_OPT, "['seccomp={\"a\": 1}']"), json!(["seccomp={\"a\":1}"]));
    }

    #[test]
    fn wrong_options_are_refused() {
        assert!(refused(&SECURITY_OPT, "[no-new-privilege]").contains("did you mean `no-new-privileges`?"));
        assert!(refused(&SECURITY_OPT, "['systempaths=unconfined']").contains("masked_paths: []"));
        assert!(refused(&SECURITY_OPT, "['seccomp={']").contains("is no JSON"));
    }
}
