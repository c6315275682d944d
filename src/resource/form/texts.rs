//! Names that the engine knows what to do with, and what it is told in one word.

use super::scalar::{Choice, Text};
use super::{Sample, Samples};

const fn text<const N: usize>(samples: &'static [Sample; N]) -> Text {
    Text { samples: Samples::of(samples) }
}

pub const DOMAIN: Text = text(&[
    Sample { plain: &["shop.example", "'shop.example'"], salt: &[] },
    Sample { plain: &["example.org"], salt: &[] },
    Sample { plain: &["''"], salt: &[] },
]);

pub const RUNTIME: Text = text(&[
    Sample { plain: &["io.containerd.runc.v2", "'io.containerd.runc.v2'"], salt: &[] },
    Sample { plain: &["runc"], salt: &[] },
    Sample { plain: &["''"], salt: &[] },
]);

pub const CGROUP_PARENT: Text = text(&[
    Sample { plain: &["/evenkeel-a", "'/evenkeel-a'"], salt: &[] },
    Sample { plain: &["/evenkeel-b"], salt: &[] },
    Sample { plain: &["''"], salt: &[] },
]);

/// Engines know `host`; others have words of their own.
pub const NAMESPACE: Text =
    text(&[Sample { plain: &["host", "'host'"], salt: &[] }, Sample { plain: &["''"], salt: &[] }]);

pub const DRIVER_OF_VOLUMES: Text =
    text(&[Sample { plain: &["local", "'local'"], salt: &[] }, Sample { plain: &["''"], salt: &[] }]);

pub const CGROUP_NAMESPACE: Choice = Choice {
    words: &["private", "host"],
    default: "",
    expects: "`private` or `host`",
    samples: Samples::of(&[
        Sample { plain: &["private", "'private'"], salt: &[] },
        Sample { plain: &["host"], salt: &[] },
    ]),
};

/// `global` is the engine's other word for a whole swarm.
pub const NETWORK_SCOPE: Choice = Choice {
    words: &["local", "swarm", "global"],
    default: "",
    expects: "`local`, `swarm` or `global`",
    samples: Samples::of(&[
        Sample { plain: &["local", "'local'"], salt: &[] },
        Sample { plain: &["swarm"], salt: &[] },
    ]),
};

#[cfg(test)]
mod tests {
    use super::super::Form;
    use super::super::testing::obeys_the_laws;
    use super::*;

    #[test]
    fn words_obey_the_laws() {
        let texts: &[&dyn Form] = &[&DOMAIN, &RUNTIME, &CGROUP_PARENT, &NAMESPACE, &DRIVER_OF_VOLUMES];
        let choices: &[&dyn Form] = &[&CGROUP_NAMESPACE, &NETWORK_SCOPE];
        for form in texts.iter().chain(choices) {
            obeys_the_laws(*form);
        }
    }
}
