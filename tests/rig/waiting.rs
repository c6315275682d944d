//! Waiting for what has to come, however slow the machine is.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take: much longer than it does, for whoever waits goes on as soon as it is there.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Asks again and again until there is an answer; nothing when `LIMIT` has passed.
pub fn patiently<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let answer = ask();
        if answer.is_some() || Instant::now() > deadline {
            return answer;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until something is so; panics if it never comes to that.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    assert!(patiently(|| is_so().then_some(())).is_some(), "it never came to that: {what}");
}
