//! Single values: texts, truths, whole numbers, choices and paths.

use serde_json::{Value, json};

use super::parts::{Read, clean_path, suggestion, text, unexpected, whole_number, wrong};
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node};

/// Any text. Normal form: the text as written; nothing and `""` are `null`, which takes the
/// image's.
pub struct Text {
    pub(super) samples: Samples,
}

pub const TEXT: Text = Text {
    samples: Samples::of(&[
        Sample { plain: &["web", "'web'"], salt: &[] },
        Sample { plain: &["1_000", "'1_000'"], salt: &[] },
        Sample { plain: &["''"], salt: &[] },
    ]),
};

pub const LOG_DRIVER: Text = Text {
    samples: Samples::of(&[
        Sample { plain: &["local", "'local'"], salt: &[] },
        Sample { plain: &["json-file", "\"json-file\""], salt: &[] },
        Sample { plain: &["''"], salt: &[] },
    ]),
};

impl Form for Text {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(Value::Null);
        }
        Ok(self.observe(&json!(text(node, self.expects())?)))
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.as_str().filter(|text| !text.is_empty()).map_or(Value::Null, |text| json!(text))
    }

    fn send(&self, normal: &Value) -> Value {
        json!(normal.as_str().unwrap_or_default())
    }

    fn over(&self, background: &Value, declared: &Value) -> Value {
        or_else(declared, background)
    }

    fn expects(&self) -> &'static str {
        "a text"
    }

    fn samples(&self) -> Samples {
        self.samples
    }
}

/// What is declared, else what the image says.
pub(super) fn or_else(declared: &Value, background: &Value) -> Value {
    if declared.is_null() { background.clone() } else { declared.clone() }
}

/// A truth. Normal form: `true` or `false`.
pub struct Bool {
    /// What the engine takes where nothing was said.
    default: bool,
}

/// False where nothing was said.
pub const BOOL: Bool = Bool { default: false };
/// True where nothing was said.
pub const BOOL_ON: Bool = Bool { default: true };

impl Form for Bool {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(json!(self.default));
        }
        match text(node, self.expects())?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Ok(json!(true)),
            "false" | "no" | "off" => Ok(json!(false)),
            _ => Err(unexpected(node, self.expects()).hint("write `true` or `false`").into()),
        }
    }

    fn observe(&self, shown: &Value) -> Value {
        json!(shown.as_bool().unwrap_or(self.default))
    }

    fn expects(&self) -> &'static str {
        "`true` or `false`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["true", "yes", "on", "True", "'true'"], salt: &[] },
            Sample { plain: &["false", "no", "off", "FALSE", "'false'"], salt: &[] },
        ])
    }
}

/// A whole number within bounds. Normal form: the number, or `null` for what means "not set".
pub struct Integer {
    min: i64,
    max: i64,
    /// Numbers that mean the same as nothing at all.
    unset: &'static [i64],
    /// What going back to nothing is sent as.
    sent_if_unset: Option<i64>,
    expects: &'static str,
    samples: Samples,
}

const NUMBERS: Samples = Samples::of(&[
    Sample { plain: &["20", "'20'", "0x14"], salt: &[] },
    Sample { plain: &["100"], salt: &[] },
]);

/// Any whole number; 0 is a number like others.
pub const INTEGER: Integer = Integer {
    min: i64::MIN,
    max: i64::MAX,
    unset: &[],
    sent_if_unset: None,
    expects: "a whole number, such as `20`",
    samples: NUMBERS,
};

/// A whole number that is not negative; 0 is "not set".
pub const COUNT: Integer =
    Integer { min: 0, unset: &[0], expects: "a whole number from 0 up, such as `20`", ..INTEGER };

/// How many processes; 0, -1 and nothing are "no limit".
pub const PIDS_LIMIT: Integer = Integer {
    min: -1,
    unset: &[0, -1],
    sent_if_unset: Some(0),
    expects: "a number of processes, such as `100`, or `-1` for no limit",
    samples: Samples::of(&[
        Sample { plain: &["100", "'100'"], salt: &[] },
        Sample { plain: &["0", "-1"], salt: &[] },
    ]),
    ..INTEGER
};

pub const CPU_SHARES: Integer = Integer {
    min: 0,
    max: 262_144,
    unset: &[0],
    expects: "a weight from 2 to 262144, such as `512`",
    ..INTEGER
};

pub const BLKIO_WEIGHT: Integer =
    Integer { min: 0, max: 1000, unset: &[0], expects: "a weight from 10 to 1000, or 0", ..INTEGER };

/// The kernel's own period is 100 ms, which an engine shows once it was told.
pub const CPU_PERIOD: Integer = Integer {
    min: 0,
    max: 1_000_000,
    unset: &[0, 100_000],
    expects: "microseconds from 1000 to 1000000, such as `50000`",
    samples: Samples::of(&[
        Sample { plain: &["50000", "'50000'"], salt: &[] },
        Sample { plain: &["20000"], salt: &[] },
        Sample { plain: &["0", "100000"], salt: &[] },
    ]),
    ..INTEGER
};

/// -1 is no limit, and what engines are told to lift one.
pub const CPU_QUOTA: Integer = Integer {
    min: -1,
    unset: &[0, -1],
    expects: "microseconds of each period from 1000 up, such as `25000`, or `-1` for no limit",
    samples: Samples::of(&[
        Sample { plain: &["25000", "'25000'"], salt: &[] },
        Sample { plain: &["50000"], salt: &[] },
        Sample { plain: &["-1", "0"], salt: &[] },
    ]),
    ..INTEGER
};

/// Microseconds of real-time scheduling.
pub const REALTIME: Integer = Integer {
    min: 0,
    max: 1_000_000,
    unset: &[0],
    expects: "microseconds up to 1000000, such as `400000`",
    samples: Samples::of(&[
        Sample { plain: &["400000", "'400000'"], salt: &[] },
        Sample { plain: &["500000"], salt: &[] },
        Sample { plain: &["0"], salt: &[] },
    ]),
    ..INTEGER
};

pub const OOM_SCORE: Integer = Integer {
    min: -1000,
    max: 1000,
    unset: &[0],
    expects: "a number from -1000 to 1000",
    samples: Samples::of(&[
        Sample { plain: &["500", "'500'"], salt: &[] },
        Sample { plain: &["100"], salt: &[] },
        Sample { plain: &["0"], salt: &[] },
    ]),
    ..INTEGER
};

pub const SWAPPINESS: Integer = Integer {
    min: -1,
    max: 100,
    unset: &[-1],
    expects: "a number from 0 to 100, or -1",
    samples: Samples::of(&[
        Sample { plain: &["20", "'20'"], salt: &[] },
        Sample { plain: &["0"], salt: &[] },
        Sample { plain: &["-1"], salt: &[] },
    ]),
    ..INTEGER
};

impl Integer {
    fn normal(&self, number: i64) -> Value {
        if self.unset.contains(&number) { Value::Null } else { json!(number) }
    }
}

impl Form for Integer {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(Value::Null);
        }
        let number = whole(node, self.expects)?;
        if number < self.min || number > self.max {
            return Err(unexpected(node, self.expects).into());
        }
        Ok(self.normal(number))
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.as_i64().map_or(Value::Null, |number| self.normal(number))
    }

    fn send(&self, normal: &Value) -> Value {
        if normal.is_null() { json!(self.sent_if_unset) } else { normal.clone() }
    }

    fn expects(&self) -> &'static str {
        self.expects
    }

    fn samples(&self) -> Samples {
        self.samples
    }
}

/// Reads a whole number; `1_000` and the like are refused with the remedy.
pub(super) fn whole(node: &Node, expects: &str) -> Read<i64> {
    let text = text(node, expects)?;
    whole_number(text.trim()).ok_or_else(|| {
        let bare: String = text.chars().filter(|c| !matches!(c, '_' | '\'' | ' ')).collect();
        let hint = (bare != text && whole_number(&bare).is_some()).then(|| format!("write `{bare}`"));
        unexpected(node, expects).maybe_hint(hint).into()
    })
}

/// One of a few words. Normal form: the word.
pub struct Choice {
    pub words: &'static [&'static str],
    /// What the engine takes where nothing was said; `""` for nothing.
    pub default: &'static str,
    pub expects: &'static str,
    pub samples: Samples,
}

impl Form for Choice {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        let word = text(node, self.expects)?;
        if self.words.contains(&word) {
            return Ok(json!(word));
        }
        Err(unexpected(node, self.expects).hint(suggestion(word, self.words)).into())
    }

    fn observe(&self, shown: &Value) -> Value {
        match shown.as_str().filter(|word| !word.is_empty()) {
            Some(word) => json!(word),
            None if self.default.is_empty() => Value::Null,
            None => json!(self.default),
        }
    }

    fn expects(&self) -> &'static str {
        self.expects
    }

    fn samples(&self) -> Samples {
        self.samples
    }
}

pub const ON_UNKNOWN: Choice = Choice {
    words: &["run", "skip"],
    default: "run",
    expects: "`run` or `skip`",
    samples: Samples::of(&[Sample { plain: &["run"], salt: &[] }, Sample { plain: &["skip"], salt: &[] }]),
};

/// An absolute path in the container. Normal form: the path, cleaned.
pub struct ContainerPath;

pub const PATH: ContainerPath = ContainerPath;

impl Form for ContainerPath {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() || node.text() == Some("") {
            return Ok(Value::Null);
        }
        Ok(json!(container_path(node, text(node, self.expects())?)?))
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.as_str().filter(|path| !path.is_empty()).map_or(Value::Null, |path| json!(clean_path(path)))
    }

    fn send(&self, normal: &Value) -> Value {
        json!(normal.as_str().unwrap_or_default())
    }

    fn over(&self, background: &Value, declared: &Value) -> Value {
        or_else(declared, background)
    }

    fn expects(&self) -> &'static str {
        "an absolute path in the container, such as `/srv/app`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["/w", "/w/", "/w/.", "//w"], salt: &[] },
            Sample { plain: &["/srv/app", "/srv/x/../app"], salt: &[] },
        ])
    }
}

/// A cleaned absolute path, or an error at `node`.
pub(super) fn container_path(node: &Node, path: &str) -> Read<String> {
    if path.starts_with('/') {
        return Ok(clean_path(path));
    }
    Err(wrong(node, format!("`{path}` is not an absolute path in the container"), "begin it with `/`"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, plain, refused};
    use super::*;

    #[test]
    fn scalars_obey_the_laws() {
        let forms: &[&dyn Form] = &[
            &TEXT,
            &BOOL,
            &BOOL_ON,
            &INTEGER,
            &COUNT,
            &PIDS_LIMIT,
            &CPU_SHARES,
            &BLKIO_WEIGHT,
            &OOM_SCORE,
            &CPU_PERIOD,
            &CPU_QUOTA,
            &REALTIME,
            &SWAPPINESS,
            &PATH,
        ];
        for form in forms {
            obeys_the_laws(*form);
        }
    }

    #[test]
    fn a_choice_obeys_the_laws_and_guesses() {
        let choice = Choice {
            words: &["private", "host"],
            default: "private",
            expects: "`private` or `host`",
            samples: Samples::of(&[
                Sample { plain: &["host", "'host'"], salt: &[] },
                Sample { plain: &["private"], salt: &[] },
            ]),
        };
        obeys_the_laws(&choice);
        assert!(refused(&choice, "hots").contains("did you mean `host`?"));
        assert_eq!(choice.observe(&Value::Null), json!("private"));
    }

    #[test]
    fn a_text_is_kept_as_it_was_written() {
        for text in ["yes", "0o17", "1e3", "22:22"] {
            assert_eq!(plain(&TEXT, text), json!(text));
        }
        assert_eq!(TEXT.over(&json!("bob"), &plain(&TEXT, "''")), json!("bob"));
    }

    #[test]
    fn what_is_no_number_is_refused_with_the_remedy() {
        assert!(refused(&INTEGER, "1_000").contains("write `1000`"));
        assert!(refused(&COUNT, "-3").contains("from 0 up"));
        assert!(refused(&OOM_SCORE, "1001").contains("1000"));
        assert!(refused(&BOOL, "maybe").contains("hint: write `true` or `false`"));
        assert!(refused(&PATH, "srv").contains("begin it with `/`"));
    }
}
