//! Commands that go along with the life of a container.

use serde_json::{Value, json};

use super::parts::{Read, each, entries, shell_command, text, unexpected, unknown_key, wrong};
use super::{Form, Sample, Samples};
use crate::resource::field::Reading;
use crate::source::{Diagnostics, Entry, Node};
use crate::world::HookCommand;

/// Hooks of one moment. Normal form: a list of `{here: [words]}`, as `world::HookCommand` is written as JSON.
pub struct Hooks {
    /// The places that make sense at this moment.
    places: &'static [&'static str],
    /// Where a command is run that says nothing of it.
    usual: Option<&'static str>,
    samples: Samples,
}

pub const PRE_REPLACE: Hooks = Hooks {
    places: &["here", "old", "once"],
    usual: None,
    samples: Samples::of(&[
        Sample { plain: &["{here: ./backup.sh}", "[{here: [/bin/sh, -c, ./backup.sh]}]"], salt: &[] },
        Sample {
            plain: &["[{old: save}, {once: [migrate, --all]}]", "{old: save, once: [migrate, --all]}"],
            salt: &[],
        },
    ]),
};

pub const POST_START: Hooks = Hooks {
    places: &["new", "here", "once"],
    usual: Some("new"),
    samples: Samples::of(&[
        Sample { plain: &["warm-up", "{new: warm-up}", "[{command: [/bin/sh, -c, warm-up]}]"], salt: &[] },
        Sample { plain: &["[{here: notify}, warm-up]"], salt: &[] },
    ]),
};

pub const PRE_STOP: Hooks = Hooks {
    places: &["old", "here"],
    usual: Some("old"),
    samples: Samples::of(&[
        Sample { plain: &["drain", "{old: drain}", "[{command: drain}]"], salt: &[] },
        Sample { plain: &["{here: notify}"], salt: &[] },
    ]),
};

pub const POST_REPLACE: Hooks = Hooks {
    places: &["here", "new"],
    usual: None,
    samples: Samples::of(&[
        Sample { plain: &["{here: notify}", "[{here: notify}]"], salt: &[] },
        Sample { plain: &["{new: forget-cache}"], salt: &[] },
    ]),
};

const EXPECTED: &str = "a command or a list of them, each with its place, such as `{here: ./notify.sh}`, `{old: CMD}`, `{new: CMD}` or `{once: CMD}`";

impl Form for Hooks {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        let hooks: Vec<HookCommand> = match node.as_list() {
            Some(items) => each(items, |item| self.one(item))?.into_iter().flatten().collect(),
            None => self.one(node)?,
        };
        Ok(hooks.iter().map(|hook| json!(hook)).collect())
    }

    fn observe(&self, shown: &Value) -> Value {
        if shown.is_null() { json!([]) } else { shown.clone() }
    }

    fn expects(&self) -> &'static str {
        EXPECTED
    }

    fn samples(&self) -> Samples {
        self.samples
    }
}

impl Hooks {
    fn one(&self, node: &Node) -> Read<Vec<HookCommand>> {
        if node.as_map().is_none() {
            return match self.usual {
                Some(place) => Ok(vec![placed(place, shell_command(node)?)]),
                None => {
                    text(node, EXPECTED)?;
                    let hint = format!("write {}", self.spellings());
                    Err(wrong(node, "it is not said where this command is to be run", hint))
                }
            };
        }
        let hooks = each(&entries(node, EXPECTED)?, |entry| self.entry(entry))?;
        if hooks.is_empty() { Err(unexpected(node, EXPECTED).into()) } else { Ok(hooks) }
    }

    fn entry(&self, entry: &Entry) -> Read<HookCommand> {
        let place = match entry.key.as_str() {
            // Compose's word.
            "command" => self.usual.unwrap_or("command"),
            "controller" | "host" => "here",
            key => key,
        };
        if !self.places.contains(&place) {
            if ["here", "old", "new", "once"].contains(&place) {
                let why = format!("`{place}` makes no sense at this moment");
                return Err(wrong(&entry.value, why, format!("write {}", self.spellings())));
            }
            return Err(unknown_key(entry, "a hook", self.places));
        }
        Ok(placed(place, shell_command(&entry.value)?))
    }

    fn spellings(&self) -> String {
        let spellings: Vec<_> = self.places.iter().map(|place| format!("`{{{place}: COMMAND}}`")).collect();
        spellings.join(" or ")
    }
}

fn placed(place: &str, words: Vec<String>) -> HookCommand {
    match place {
        "old" => HookCommand::Old(words),
        "new" => HookCommand::New(words),
        "once" => HookCommand::Once(words),
        _ => HookCommand::Here(words),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn hooks_obey_the_laws() {
        [&PRE_REPLACE, &POST_START, &PRE_STOP, &POST_REPLACE]
            .into_iter()
            .for_each(|form| obeys_the_laws(form));
    }

    #[test]
    fn wrong_hooks_are_refused() {
        assert!(refused(&PRE_REPLACE, "backup").contains("where this command is to be run"));
        assert!(refused(&PRE_REPLACE, "{new: x}").contains("makes no sense at this moment"));
        assert!(refused(&POST_START, "{hre: x}").contains("did you mean `here`?"));
        assert!(refused(&PRE_STOP, "{old: ''}").contains("a command"));
        assert!(refused(&POST_REPLACE, "{}").contains("each with its place"));
    }
}
