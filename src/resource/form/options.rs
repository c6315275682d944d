//! Plain maps of texts: options of drivers, and settings of the kernel.

use serde_json::Value;

use super::map::{differences_by_key, object, sorted, text_entry, text_of, union};
use super::parts::{each, pairs};
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostic, Diagnostics, Node};

/// A map of texts, such as the options of a driver. The engine refuses numbers here, so that
/// `max-file: 3` is sent as a text.
pub struct StringMap {
    background: Background,
    samples: Samples,
}

/// What becomes of keys that the engine has of its own.
enum Background {
    /// What is declared is the whole map.
    Replaced,
    /// What is declared goes on top.
    Kept,
}

pub const STRING_MAP: StringMap = StringMap {
    background: Background::Replaced,
    samples: Samples::of(&[
        Sample {
            plain: &["{a: 1, b: x=y}", "[b=x=y, a=1]", "{a: '1', b: x=y}"],
            salt: &["{a: 1, b: x=y}", "'a=1,b=x=y'", "[{a: 1}, {b: x=y}]"],
        },
        Sample { plain: &["{a: true}", "[a=true]", "{a: 'true'}"], salt: &[] },
        Sample { plain: &["{}", "[]"], salt: &[] },
    ]),
};

/// The engine adds its configured options to those of the state.
pub const LOG_OPTIONS: StringMap = StringMap {
    background: Background::Kept,
    samples: Samples::of(&[
        Sample {
            plain: &[
                "{max-size: 5m, max-file: 2}",
                "[max-file=2, max-size=5m]",
                "{max-size: 5m, max-file: '2'}",
            ],
            salt: &[
                "{max-size: 5m, max-file: 2}",
                "'max-size=5m,max-file=2'",
                "[{max-size: 5m}, {max-file: 2}]",
            ],
        },
        Sample { plain: &["{labels: true}", "[labels=true]", "{labels: 'true'}"], salt: &[] },
        Sample { plain: &["{}", "[]"], salt: &[] },
    ]),
};

pub const BRIDGE_OPTIONS: StringMap = StringMap {
    background: Background::Replaced,
    samples: Samples::of(&[
        Sample {
            plain: &[
                "{com.docker.network.driver.mtu: 1400, com.docker.network.bridge.enable_icc: false}",
                "[com.docker.network.bridge.enable_icc=false, com.docker.network.driver.mtu=1400]",
            ],
            salt: &[
                "{com.docker.network.driver.mtu: 1400, com.docker.network.bridge.enable_icc: false}",
                "'com.docker.network.driver.mtu=1400,com.docker.network.bridge.enable_icc=false'",
                "[{com.docker.network.driver.mtu: 1400}, {com.docker.network.bridge.enable_icc: false}]",
            ],
        },
        Sample {
            plain: &["{com.docker.network.driver.mtu: 1300}", "[com.docker.network.driver.mtu=1300]"],
            salt: &[],
        },
        Sample { plain: &["{}", "[]"], salt: &[] },
    ]),
};

pub const VOLUME_OPTIONS: StringMap = StringMap {
    background: Background::Replaced,
    samples: Samples::of(&[
        Sample {
            plain: &["{type: tmpfs, device: tmpfs, o: size=64m}", "[o=size=64m, type=tmpfs, device=tmpfs]"],
            salt: &[
                "{type: tmpfs, device: tmpfs, o: size=64m}",
                "'type=tmpfs,device=tmpfs,o=size=64m'",
                "[{type: tmpfs}, {device: tmpfs}, {o: size=64m}]",
            ],
        },
        Sample {
            plain: &["{type: none, o: bind, device: /tmp}", "[type=none, o=bind, device=/tmp]"],
            salt: &[],
        },
        Sample { plain: &["{}", "[]"], salt: &[] },
    ]),
};

pub const SYSCTLS: StringMap = StringMap {
    background: Background::Replaced,
    samples: Samples::of(&[
        Sample {
            plain: &[
                "{net.core.somaxconn: 256, net.ipv4.ip_forward: 1}",
                "[net.ipv4.ip_forward=1, net.core.somaxconn=256]",
                "{net.core.somaxconn: '256', net.ipv4.ip_forward: '1'}",
            ],
            salt: &[
                "{net.core.somaxconn: 256, net.ipv4.ip_forward: 1}",
                "'net.core.somaxconn=256,net.ipv4.ip_forward=1'",
                "[{net.core.somaxconn: 256}, {net.ipv4.ip_forward: 1}]",
            ],
        },
        Sample { plain: &["{net.ipv4.ip_forward: 0}", "[net.ipv4.ip_forward=0]"], salt: &[] },
        Sample { plain: &["{}", "[]"], salt: &[] },
    ]),
};

impl Form for StringMap {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let entries = each(pairs(node, reading, self.expects())?, |pair| match &pair.value {
            Some(value) if !value.is_null() => Ok((pair.key.clone(), text_of(&pair, value)?)),
            Some(_) | None => {
                let hint = format!("write `{}: \"\"` for an empty one", pair.key);
                Err(Diagnostic::error(&pair.place, format!("`{}` has no value", pair.key)).hint(hint).into())
            }
        })?;
        Ok(object(entries))
    }

    fn observe(&self, shown: &Value) -> Value {
        object(sorted(shown).into_iter().map(text_entry))
    }

    fn over(&self, background: &Value, declared: &Value) -> Value {
        match self.background {
            Background::Replaced => declared.clone(),
            Background::Kept => union(background, declared),
        }
    }

    fn differences(&self, from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
        differences_by_key(from, to)
    }

    fn expects(&self) -> &'static str {
        "names with values: `{name: value}` or a list of `name=value`"
    }

    fn samples(&self) -> Samples {
        self.samples
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{obeys_the_laws, plain};
    use super::*;

    #[test]
    fn options_obey_the_laws() {
        for form in [STRING_MAP, LOG_OPTIONS, BRIDGE_OPTIONS, VOLUME_OPTIONS, SYSCTLS] {
            obeys_the_laws(&form);
        }
    }

    #[test]
    fn options_of_the_engine_stay_beneath_those_of_a_log() {
        let declared = plain(&LOG_OPTIONS, "{max-size: 10m}");
        let shown = json!({"max-size": "5m", "max-file": "3"});
        assert_eq!(LOG_OPTIONS.over(&shown, &declared), json!({"max-file": "3", "max-size": "10m"}));
        assert_eq!(VOLUME_OPTIONS.over(&shown, &declared), declared);
    }
}
