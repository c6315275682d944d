//! An object's JSON as the engine shows it, with the knowledge of what is known of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

/// A value that is known, or that the engine chooses. Every decision on it is an explicit match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    Known(T),
    Chosen,
}

impl<T> Seen<T> {
    pub fn known(self) -> Option<T> {
        match self {
            Seen::Known(value) => Some(value),
            Seen::Chosen => None,
        }
    }
}

/// The engine's inspect JSON, as it came or as far as it can be foretold.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributes {
    /// Shared, because every plan begins with a copy of the world and changes little of it.
    json: Arc<Value>,
    knowledge: Knowledge,
    /// Paths whose value the engine will choose anew, although the object was observed.
    chosen: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knowledge {
    /// All of it was observed: a path that is not there is unset.
    All,
    /// Only what was sent is known: a path that is not there is the engine's choice.
    Sent,
}

static NULL: Value = Value::Null;

impl Attributes {
    /// What an engine showed of an object.
    pub fn observed(json: Value) -> Self {
        Self { json: Arc::new(json), knowledge: Knowledge::All, chosen: BTreeSet::new() }
    }

    /// What is known of an object that was made by sending `json` (in the shape of inspect), or
    /// that was only seen in a list.
    pub fn partial(json: Value) -> Self {
        Self { json: Arc::new(json), knowledge: Knowledge::Sent, chosen: BTreeSet::new() }
    }

    /// Reads the value at a dotted path such as `HostConfig.Memory`.
    pub fn at(&self, path: &str) -> Seen<&Value> {
        if self.chosen.iter().any(|chosen| covers(chosen, path)) {
            return Seen::Chosen;
        }
        let mut value = &*self.json;
        for part in path.split('.').filter(|part| !part.is_empty()) {
            match value.get(part) {
                Some(inner) => value = inner,
                None => {
                    return match self.knowledge {
                        Knowledge::All => Seen::Known(&NULL),
                        Knowledge::Sent => Seen::Chosen,
                    };
                }
            }
        }
        Seen::Known(value)
    }

    /// The text at a path; nothing where it is not known or no text.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.at(path).known()?.as_str()
    }

    /// Sets the value at a dotted path.
    pub fn set(&mut self, path: &str, value: Value) {
        self.chosen.retain(|chosen| !covers(path, chosen));
        let mut slot = Arc::make_mut(&mut self.json);
        for part in path.split('.').filter(|part| !part.is_empty()) {
            if !slot.is_object() {
                *slot = Value::Object(Map::new());
            }
            slot = &mut slot[part];
        }
        *slot = value;
    }

    /// Says that the engine will choose the value at a path.
    pub fn forget(&mut self, path: &str) {
        self.chosen.insert(path.to_owned());
    }

    /// True if all of the object was observed.
    pub fn is_complete(&self) -> bool {
        self.knowledge == Knowledge::All
    }

    pub fn json(&self) -> &Value {
        &self.json
    }
}

/// True if `path` is `prefix` itself or stands below it.
fn covers(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_missing_is_unset_if_observed_and_chosen_if_sent() {
        let json = json!({"HostConfig": {"Memory": 5}});
        let observed = Attributes::observed(json.clone());
        assert_eq!(observed.at("HostConfig.Memory"), Seen::Known(&json!(5)));
        assert_eq!(observed.at("HostConfig.CpuShares"), Seen::Known(&Value::Null));
        assert_eq!(Attributes::partial(json).at("HostConfig.CpuShares"), Seen::Chosen);
    }

    #[test]
    fn a_forgotten_path_is_chosen_until_it_is_set() {
        let mut attributes = Attributes::observed(json!({"A": {"B": 1, "C": 2}}));
        attributes.forget("A.B");
        assert_eq!(attributes.at("A.B"), Seen::Chosen);
        assert_eq!(attributes.at("A.C"), Seen::Known(&json!(2)));
        attributes.set("A.B", json!(7));
        assert_eq!(attributes.at("A.B"), Seen::Known(&json!(7)));
    }
}
