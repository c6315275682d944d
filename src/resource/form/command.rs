//! Command lines: a list of words, or a text that is split like a shell would.

use serde_json::{Value, json};

use super::parts::{each, text, unexpected, wrong};
use super::scalar::or_else;
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node, NodeValue};

/// A command. Normal form: a list of words; `null` for nothing and `[]`, which take the image's.
pub struct Command;

pub const COMMAND: Command = Command;

impl Form for Command {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        Ok(or_null(words(node, self.expects())?))
    }

    fn observe(&self, shown: &Value) -> Value {
        observed_words(shown)
    }

    fn over(&self, background: &Value, declared: &Value) -> Value {
        or_else(declared, background)
    }

    fn expects(&self) -> &'static str {
        "a command, such as `sleep 60` or `[sleep, '60']`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["sleep 60", "[sleep, 60]", "[sleep, '60']", "\"sleep '60'\""], salt: &[] },
            Sample {
                plain: &[r#"["sh", "-c", "echo 'a  b' $X"]"#, r#"'sh -c "echo ''a  b'' \$X"'"#],
                salt: &[],
            },
            Sample { plain: &["['']"], salt: &[] },
            Sample { plain: &["[]", "''"], salt: &[] },
        ])
    }
}

/// What a command is handed to. Normal form: a list of words; `null` for none, which also clears
/// the image's.
pub struct Entrypoint;

pub const ENTRYPOINT: Entrypoint = Entrypoint;

impl Form for Entrypoint {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        let words = words(node, self.expects())?;
        // The engine takes [""] for "none", shows it as null, and then drops the image's command.
        Ok(if words == [""] { Value::Null } else { or_null(words) })
    }

    fn observe(&self, shown: &Value) -> Value {
        observed_words(shown)
    }

    fn send(&self, normal: &Value) -> Value {
        if normal.is_null() { json!([]) } else { normal.clone() }
    }

    fn expects(&self) -> &'static str {
        "an entrypoint, such as `/bin/app` or `[/bin/app, --serve]`, or `[]` for none"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["/bin/app --serve", "[/bin/app, --serve]"], salt: &[] },
            Sample { plain: &["[]", "''", "['']"], salt: &[] },
        ])
    }
}

fn or_null(words: Vec<String>) -> Value {
    if words.is_empty() { Value::Null } else { json!(words) }
}

fn observed_words(shown: &Value) -> Value {
    match shown {
        Value::Array(words) if !words.is_empty() => shown.clone(),
        Value::String(word) if !word.is_empty() => json!([word]),
        _ => Value::Null,
    }
}

/// The words of a list or of a text. Also for the tests of healthchecks.
pub(super) fn words(node: &Node, expects: &str) -> Result<Vec<String>, Diagnostics> {
    match &node.value {
        NodeValue::List(items) => each(items, |item| text(item, "a word").map(str::to_owned)),
        _ if node.is_null() => Ok(Vec::new()),
        NodeValue::Scalar { text, .. } => split(text)
            .ok_or_else(|| wrong(node, "a quote is not closed", "close it, or write the words as a list")),
        NodeValue::Map(_) => Err(unexpected(node, expects).into()),
    }
}

/// Splits a text into words as a POSIX shell does, expanding nothing; nothing if a quote is open.
fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '"' => break,
                        '\\' => match rest.next()? {
                            '\n' => {}
                            c @ ('"' | '\\' | '$' | '`') => word.push(c),
                            c => word.extend(['\\', c]),
                        },
                        c => word.push(c),
                    }
                }
            }
            '\\' => match rest.next()? {
                '\n' => {}
                c => word.get_or_insert_default().push(c),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, plain, refused};
    use super::*;

    #[test]
    fn commands_obey_the_laws() {
        obeys_the_laws(&COMMAND);
        obeys_the_laws(&ENTRYPOINT);
    }

    #[test]
    fn a_text_is_split_as_a_shell_would() {
        for (text, words) in [
            (r"a\ b c", vec!["a b", "c"]),
            (r#"a "" ''"#, vec!["a", "", ""]),
            (r#"a"b c"'d e'f"#, vec!["ab cd ef"]),
            (r#""\n \$ \"""#, vec![r#"\n $ ""#]),
            ("a \\\n b", vec!["a", "b"]),
            ("echo $HOME | cat", vec!["echo", "$HOME", "|", "cat"]),
        ] {
            assert_eq!(
                split(text).as_deref(),
                Some(&words.into_iter().map(String::from).collect::<Vec<_>>()[..]),
                "{text}"
            );
        }
        assert!(refused(&COMMAND, r#"'echo "x'"#).contains("a quote is not closed"));
    }

    #[test]
    fn an_empty_command_is_the_images_and_an_empty_entrypoint_clears_it() {
        let image = json!(["sleep", "1000"]);
        assert_eq!(COMMAND.over(&image, &plain(&COMMAND, "[]")), image);
        assert_eq!(ENTRYPOINT.over(&image, &plain(&ENTRYPOINT, "[]")), Value::Null);
        assert_eq!(ENTRYPOINT.send(&Value::Null), json!([]));
    }

    #[test]
    fn words_of_a_list_keep_their_text() {
        assert_eq!(plain(&COMMAND, "[1_000, yes, 0o17, '']"), json!(["1_000", "yes", "0o17", ""]));
        assert!(refused(&COMMAND, "[a, [b]]").contains("expected a word, found a list"));
        assert!(refused(&COMMAND, "{a: b}").contains("expected a command"));
    }
}
