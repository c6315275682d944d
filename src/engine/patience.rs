//! How long an engine may take to answer: a bound for each sort of call, or one for all that the user sets.

use std::time::Duration;

use super::address::Environment;

/// Names the bound of all calls that are answered at once on an engine that is well.
pub(super) const VARIABLE: &str = "EVENKEEL_ENGINE_TIMEOUT";
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(86_400);

/// What the user says about it, if anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Patience(Option<Duration>);

impl Patience {
    /// Reads what the environment says.
    ///
    /// # Errors
    /// If that is no time that makes sense; the reason is one for people.
    pub(super) fn of(environment: &Environment) -> Result<Self, String> {
        let Some(text) = environment.var(VARIABLE) else { return Ok(Self::default()) };
        let bound = seconds(text).filter(|bound| (SHORTEST..=LONGEST).contains(bound));
        let wrong = || format!("{VARIABLE}={text}: it takes a time from 1s to 1d, such as `30s` or `5m`");
        bound.map(|bound| Self(Some(bound))).ok_or_else(wrong)
    }

    /// The bound of a call that usually has this one.
    pub(super) fn bound(self, usual: Duration) -> Duration {
        self.0.unwrap_or(usual)
    }
}

/// A time as in state files: `90`, `90s`, `1m30s`.
fn seconds(text: &str) -> Option<Duration> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    let span: jiff::SignedDuration = text.parse().ok()?;
    Duration::try_from(span).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<Duration, String> {
        let vars = [(VARIABLE.to_owned(), text.to_owned())].into_iter().collect();
        Patience::of(&Environment { home: None, vars }).map(|it| it.bound(Duration::from_secs(60)))
    }

    #[test]
    fn a_time_is_read_as_elsewhere() {
        for (text, seconds) in [("", 60), ("5", 5), ("90s", 90), ("1m30s", 90), ("2h", 7200)] {
            assert_eq!(told(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_told() {
        for text in ["soon", "0", "-5s", "48h", "5 apples"] {
            let reason = told(text).expect_err(text);
            assert!(reason.contains(VARIABLE) && reason.contains(text) && reason.contains("30s"), "{reason}");
        }
    }
}
