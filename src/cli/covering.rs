//! The last net under every output: texts go through `secret::covered`, and so does what a panic says.

use std::io::{self, Write};
use std::panic::PanicHookInfo;

use crate::secret::covered;

/// Writes texts without values of secrets. Each call has to bring whole lines.
pub(super) struct Covering<W>(pub W);

impl<W: Write> Write for Covering<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.write_all(text).map(|()| text.len())
    }

    fn write_all(&mut self, text: &[u8]) -> io::Result<()> {
        match std::str::from_utf8(text) {
            Ok(text) => self.0.write_all(covered(text).as_bytes()),
            Err(_) => self.0.write_all(covered(&String::from_utf8_lossy(text)).as_bytes()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Lets panics say what they have to without the values of secrets.
pub(super) fn cover_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let mut err = io::stderr().lock();
        // Nothing is left to be done if nobody hears it.
        _ = err.write_all(told(panic).as_bytes());
    }));
}

fn told(panic: &PanicHookInfo<'_>) -> String {
    let said = panic.payload_as_str().unwrap_or("no reason given");
    let place = panic.location().map(|place| format!(" ({place})")).unwrap_or_default();
    let trace = std::backtrace::Backtrace::capture();
    let trace = match trace.status() {
        std::backtrace::BacktraceStatus::Captured => format!("{trace}\n"),
        _ => String::new(),
    };
    covered(&format!("error: a bug in evenkeel: {said}{place}\n{trace}")).into_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use zeroize::Zeroizing;

    use super::*;
    use crate::secret::{Vault, watch_for};
    use crate::source::token;

    #[test]
    fn no_value_gets_out_of_a_writer_or_a_panic() {
        let value = Zeroizing::new("covering-of-tests-1".to_owned());
        watch_for(&Vault::new([("a".to_owned(), value)].into()));
        let mut out = Covering(Vec::new());
        write!(out, "is covering-of-tests-1").expect("a writer");
        out.write_all(token("b").as_bytes()).expect("a writer");
        assert_eq!(String::from_utf8_lossy(&out.0), "is ***(secret b)");

        let heard = Arc::new(Mutex::new(String::new()));
        let tell = heard.clone();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            *tell.lock().unwrap_or_else(PoisonError::into_inner) += &told(panic);
        }));
        let ended = std::thread::spawn(|| panic!("it was covering-of-tests-1")).join();
        std::panic::set_hook(before);
        assert!(ended.is_err());
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
        assert!(heard.contains("error: a bug in evenkeel: it was *** (src/cli/covering.rs:"), "{heard}");
        assert!(!heard.contains("covering-of-tests-1"), "{heard}");
    }
}
