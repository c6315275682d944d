//! What a requisite points at: `kind: ID-or-name`, a bare id, `sls:`, `module:`, with globs.

use super::parse::{function_called, kind_words};
use crate::resource::Kind;
use crate::source::{Diagnostic, Diagnostics, Entry, Node, NodeValue, Place};

/// A target as it was written.
#[derive(Clone)]
pub struct Wanted {
    pub among: Among,
    /// An id, a name, a dotted file name: may hold `*`, `?` and `[…]`.
    pub pattern: String,
    /// What the target has to be beyond having been applied.
    pub condition: Condition,
}

/// What whoever requires a container waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition {
    /// It was started: what every requisite means.
    #[default]
    Started,
    /// Its healthcheck says that it is well.
    Healthy,
    /// It has come to its end, and to a good one: a job.
    Completed,
}

impl Condition {
    /// Reads ours and Compose's words.
    fn named(word: &str) -> Option<Self> {
        match word {
            "started" | "service_started" => Some(Self::Started),
            "healthy" | "service_healthy" => Some(Self::Healthy),
            "completed" | "service_completed_successfully" => Some(Self::Completed),
            _ => None,
        }
    }
}

/// Where to look for a target.
#[derive(Clone)]
pub enum Among {
    Everything,
    Kind(&'static dyn Kind),
    /// Only states with that function.
    Function(&'static dyn Kind, &'static str),
    Sls,
    Module,
}

impl Wanted {
    pub fn kind(kind: &'static dyn Kind, pattern: &str) -> Self {
        Self { among: Among::Kind(kind), pattern: pattern.to_owned(), condition: Condition::Started }
    }

    pub fn is_glob(&self) -> bool {
        is_glob(&self.pattern)
    }

    /// As it would be written.
    pub fn shown(&self) -> String {
        match self.among {
            Among::Everything => self.pattern.clone(),
            Among::Kind(kind) => format!("{}: {}", kind.name(), self.pattern),
            Among::Function(kind, function) => format!("{}.{function}: {}", kind.name(), self.pattern),
            Among::Sls => format!("sls: {}", self.pattern),
            Among::Module => format!("module: {}", self.pattern),
        }
    }
}

/// Reads one item of a requisite's list.
pub fn wanted(node: &Node, word: &str, problems: &mut Diagnostics) -> Vec<(Wanted, Place)> {
    let mut found = Vec::new();
    match &node.value {
        NodeValue::Scalar { text, .. } if !node.is_null() => {
            found.push((
                Wanted { among: Among::Everything, pattern: text.clone(), condition: Condition::Started },
                node.place.clone(),
            ));
        }
        NodeValue::Map(entries) => {
            for entry in entries {
                let among = match entry.key.as_str() {
                    "sls" => Among::Sls,
                    "module" => Among::Module,
                    "id" => Among::Everything,
                    spelled => match function_called(spelled, &entry.key_place, problems) {
                        Some(named) => match named.function {
                            Some(function) => Among::Function(named.kind, function.name),
                            None => Among::Kind(named.kind),
                        },
                        None => continue,
                    },
                };
                let values = entry.value.as_list().unwrap_or(std::slice::from_ref(&entry.value));
                for value in values {
                    let is_container = matches!(&among, Among::Kind(kind) | Among::Function(kind, _) if kind.name() == "container");
                    if let (Some(conditions), true) = (value.as_map(), is_container) {
                        found.extend(with_conditions(conditions, &among, word, problems));
                        continue;
                    }
                    match value.text().filter(|_| !value.is_null()) {
                        Some(text) => found.push((
                            Wanted {
                                among: among.clone(),
                                pattern: text.to_owned(),
                                condition: Condition::Started,
                            },
                            value.place.clone(),
                        )),
                        None => problems.push(Diagnostic::error(
                            &value.place,
                            format!(
                                "`{}` in `{word}` takes an id or a name, this is {}",
                                entry.key,
                                value.sort()
                            ),
                        )),
                    }
                }
            }
        }
        NodeValue::Scalar { .. } | NodeValue::List(_) => problems.push(
            Diagnostic::error(&node.place, format!("`{word}` lists targets, this is {}", node.sort())).hint(
                format!(
                    "write `{word}: [container: web]`; a target begins with one of {}, sls or is an id",
                    kind_words().take(5).collect::<Vec<_>>().join(", ")
                ),
            ),
        ),
    }
    found
}

/// Reads `{db: healthy}`, and Compose's `{db: {condition: service_healthy}}`.
fn with_conditions(
    entries: &[Entry],
    among: &Among,
    word: &str,
    problems: &mut Diagnostics,
) -> Vec<(Wanted, Place)> {
    let mut found = Vec::new();
    for entry in entries {
        let value = entry.value.get("condition").unwrap_or(&entry.value);
        let said = value.text().unwrap_or_default();
        if !matches!(word, "require" | "require_in") {
            problems.push(Diagnostic::error(&entry.key_place, format!("`{word}` takes no condition")).hint(
                format!("write `{word}: [container: {}]`, and `require` with the condition", entry.key),
            ));
            continue;
        }
        let Some(condition) = Condition::named(said) else {
            let problem =
                format!("a container is required `started`, `healthy` or `completed`, this is `{said}`");
            problems.push(Diagnostic::error(&value.place, problem));
            continue;
        };
        let wanted = Wanted { among: among.clone(), pattern: entry.key.clone(), condition };
        found.push((wanted, entry.key_place.clone()));
    }
    found
}

/// True if the text holds a character that makes it a pattern.
pub fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Matches as Python's `fnmatchcase`: `*`, `?`, `[a-z]`, `[!a]`.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some('?') => {
                p += 1;
                t += 1;
                continue;
            }
            Some('[') => {
                if let Some((holds, next)) = class(&pattern, p, text[t]) {
                    if holds {
                        p = next;
                        t += 1;
                        continue;
                    }
                } else if text[t] == '[' {
                    p += 1;
                    t += 1;
                    continue;
                }
            }
            Some(c) if *c == text[t] => {
                p += 1;
                t += 1;
                continue;
            }
            Some(_) | None => {}
        }
        match star {
            Some((at, from)) => {
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
            None => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether a character is in the class that begins at `[`, and what comes behind it; nothing if
/// the bracket is never closed.
fn class(pattern: &[char], open: usize, c: char) -> Option<(bool, usize)> {
    let mut at = open + 1;
    let negated = pattern.get(at) == Some(&'!');
    if negated {
        at += 1;
    }
    let first = at;
    let mut holds = false;
    loop {
        let low = *pattern.get(at)?;
        if low == ']' && at > first {
            return Some((holds != negated, at + 1));
        }
        if pattern.get(at + 1) == Some(&'-') && pattern.get(at + 2).is_some_and(|high| *high != ']') {
            let high = pattern[at + 2];
            holds |= (low..=high).contains(&c);
            at += 3;
        } else {
            holds |= low == c;
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_in_python() {
        for (pattern, text, expected) in [
            ("web", "web", true),
            ("web*", "web-1", true),
            ("*-1", "web-1", true),
            ("w?b", "web", true),
            ("w?b", "wb", false),
            ("web-[0-9]", "web-7", true),
            ("web-[!0-9]", "web-7", false),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxcxxb", false),
            ("[", "[", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
