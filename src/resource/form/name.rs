//! Words that the engine gives a meaning: signals, users, host names and network modes.

use serde_json::{Value, json};

use super::parts::{text, unexpected, wrong};
use super::scalar::or_else;
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node, did_you_mean};

/// A signal. Normal form: its name with `SIG`; nothing is `SIGTERM`.
pub struct Signal;

pub const SIGNAL: Signal = Signal;

/// The names of signals 1 to 31.
const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

impl Form for Signal {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(self.observe(&Value::Null));
        }
        let written = text(node, self.expects())?;
        signal(written).map(|name| json!(name)).ok_or_else(|| {
            let upper = written.to_ascii_uppercase();
            let meant = did_you_mean(upper.strip_prefix("SIG").unwrap_or(&upper), SIGNALS);
            let hint = meant.map(|meant| format!("did you mean `SIG{meant}`?"));
            unexpected(node, self.expects()).maybe_hint(hint).into()
        })
    }

    fn observe(&self, shown: &Value) -> Value {
        match shown.as_str().filter(|shown| !shown.is_empty()) {
            Some(shown) => json!(signal(shown).unwrap_or_else(|| shown.to_owned())),
            None => json!("SIGTERM"),
        }
    }

    fn expects(&self) -> &'static str {
        "a signal, such as `SIGTERM`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["SIGQUIT", "QUIT", "quit", "3", "'3'"], salt: &[] },
            Sample { plain: &["SIGTERM", "TERM", "sigterm", "15"], salt: &[] },
            Sample { plain: &["SIGRTMIN+3", "RTMIN+3", "37"], salt: &[] },
        ])
    }
}

pub(super) fn signal(written: &str) -> Option<String> {
    let upper = written.to_ascii_uppercase();
    if let Ok(number) = upper.parse::<usize>() {
        return match number {
            1..=31 => Some(format!("SIG{}", SIGNALS[number - 1])),
            34 => Some("SIGRTMIN".to_owned()),
            35..=49 => Some(format!("SIGRTMIN+{}", number - 34)),
            50..=63 => Some(format!("SIGRTMAX-{}", 64 - number)),
            64 => Some("SIGRTMAX".to_owned()),
            _ => None,
        };
    }
    let name = match upper.strip_prefix("SIG").unwrap_or(&upper) {
        "IOT" => "ABRT",
        "CLD" => "CHLD",
        "POLL" => "IO",
        name => name,
    };
    (SIGNALS.contains(&name) || is_realtime(name)).then(|| format!("SIG{name}"))
}

fn is_realtime(name: &str) -> bool {
    let offset = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(""), _) | (_, Some("")) => return true,
        (Some(offset), _) => offset.strip_prefix('+').map(|offset| (offset, 15)),
        (_, Some(offset)) => offset.strip_prefix('-').map(|offset| (offset, 14)),
        (None, None) => None,
    };
    offset.is_some_and(|(offset, most)| (1..=most).any(|number: u8| number.to_string() == offset))
}

/// Who a program runs as. Normal form: the text; `null` takes the image's.
pub struct User;

pub const USER: User = User;

impl Form for User {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(Value::Null);
        }
        let user = text(node, self.expects())?;
        if user.chars().any(char::is_whitespace) || user.matches(':').count() > 1 || user.starts_with(':') {
            return Err(unexpected(node, self.expects()).into());
        }
        Ok(self.observe(&json!(user)))
    }

    fn observe(&self, shown: &Value) -> Value {
        super::TEXT.observe(shown)
    }

    fn send(&self, normal: &Value) -> Value {
        super::TEXT.send(normal)
    }

    fn over(&self, background: &Value, declared: &Value) -> Value {
        or_else(declared, background)
    }

    fn expects(&self) -> &'static str {
        "a user, such as `app`, `1000` or `1000:1000`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["1000", "'1000'"], salt: &[] },
            Sample { plain: &["app:app", "'app:app'"], salt: &[] },
        ])
    }
}

/// The name that a container sees as its own. Normal form: the text, `null` for the engine's
/// choice.
pub struct Hostname;

pub const HOSTNAME: Hostname = Hostname;

impl Form for Hostname {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(Value::Null);
        }
        let name = text(node, self.expects())?;
        if name.len() > 63 {
            return Err(wrong(node, "a host name has at most 63 characters", "shorten it"));
        }
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            return Err(unexpected(node, self.expects())
                .hint("letters, digits, `-`, `_` and `.` only")
                .into());
        }
        Ok(self.observe(&json!(name)))
    }

    fn observe(&self, shown: &Value) -> Value {
        super::TEXT.observe(shown)
    }

    fn send(&self, normal: &Value) -> Value {
        super::TEXT.send(normal)
    }

    fn expects(&self) -> &'static str {
        "a host name, such as `web-1`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["web-1", "'web-1'"], salt: &[] },
            Sample { plain: &["7"], salt: &[] },
        ])
    }
}

/// Whose network a container uses. Normal form: `bridge` (also for `default` and nothing),
/// `none`, `host`, `container:NAME` or the name of a network.
pub struct NetworkMode;

pub const NETWORK_MODE: NetworkMode = NetworkMode;

impl Form for NetworkMode {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(json!("bridge"));
        }
        let mode = text(node, self.expects())?;
        if let Some(service) = mode.strip_prefix("service:") {
            let hint = format!("write `container:{service}`, with the container's name");
            return Err(wrong(node, "there are no Compose services here", hint));
        }
        if mode == "container" || mode == "container:" {
            return Err(wrong(node, "the name of the container is missing", "write `container:NAME`"));
        }
        if mode.chars().any(char::is_whitespace) {
            return Err(unexpected(node, self.expects()).into());
        }
        Ok(self.observe(&json!(mode)))
    }

    fn observe(&self, shown: &Value) -> Value {
        match shown.as_str() {
            None | Some("" | "default") => json!("bridge"),
            Some(mode) => json!(mode),
        }
    }

    fn expects(&self) -> &'static str {
        "`bridge`, `none`, `host`, `container:NAME` or a network's name"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["bridge", "default", "''"], salt: &[] },
            Sample { plain: &["host"], salt: &[] },
            Sample { plain: &["container:db"], salt: &[] },
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn names_obey_the_laws() {
        let forms: &[&dyn Form] = &[&SIGNAL, &USER, &HOSTNAME, &NETWORK_MODE];
        for form in forms {
            obeys_the_laws(*form);
        }
    }

    #[test]
    fn an_unknown_signal_is_refused_with_a_guess() {
        assert!(refused(&SIGNAL, "SIGTREM").contains("did you mean `SIGTERM`?"));
        assert!(refused(&SIGNAL, "99").contains("a signal"));
        assert!(refused(&SIGNAL, "SIGRTMIN+16").contains("a signal"));
    }

    #[test]
    fn composes_services_are_explained() {
        assert!(refused(&NETWORK_MODE, "service:db").contains("write `container:db`"));
        assert!(refused(&NETWORK_MODE, "'container:'").contains("write `container:NAME`"));
    }
}
