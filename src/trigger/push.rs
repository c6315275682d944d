//! What git tells a hook: refs that move, and options of the push.

use std::collections::{BTreeMap, BTreeSet};

use super::TriggerError;

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
}
