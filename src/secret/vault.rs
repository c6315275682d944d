//! The values of secrets, by name: from tokens to values where something is sent, and back where something is shown.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;
use zeroize::Zeroizing;

use super::spellings::spellings;
use crate::source::{Piece, Secrets, is_token_character, pieces, token, without_tokens};

/// What is shorter stands in too many texts that have nothing to do with it.
pub const SHORTEST: usize = 4;

/// Values by name. Cheap to clone; shows nothing of itself.
#[derive(Clone, Default)]
pub struct Vault(Arc<Inner>);

#[derive(Default)]
struct Inner {
    values: BTreeMap<String, Zeroizing<String>>,
    /// What nothing may show: the values as they are, and as others write them.
    hidden: Secrets,
}

/// Why a value cannot be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unfit {
    #[error("its value is empty")]
    Empty,
    #[error("its value has fewer than {SHORTEST} characters, which is too short to be kept out of outputs")]
    Short,
    #[error("its value is `true` or `false`, which stands in too many places to be kept out of outputs")]
    Common,
    #[error("its value is no text: it is not UTF-8, or has characters that no text has")]
    NoText,
}

/// A text names a secret whose value is not known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the value of the secret `{0}` was not read: no state of these files uses it any more")]
pub struct Unknown(pub String);

impl Vault {
    pub fn new(values: BTreeMap<String, Zeroizing<String>>) -> Self {
        let mut hidden = Secrets::default();
        for value in values.values() {
            hidden.add(value);
            spellings(value).iter().for_each(|spelling| hidden.add_whole(spelling));
        }
        Self(Arc::new(Inner { values, hidden }))
    }

    pub fn is_empty(&self) -> bool {
        self.0.values.is_empty()
    }

    pub fn knows(&self, name: &str) -> bool {
        self.0.values.contains_key(name)
    }

    /// The values as nothing may show them, in every spelling.
    pub fn hidden(&self) -> &Secrets {
        &self.0.hidden
    }

    /// What another program or an engine has said, fit to be shown: a token for each whole value, `***` for what
    /// else is left of one.
    pub fn heard(&self, text: &str) -> String {
        if self.is_empty() { text.to_owned() } else { self.0.hidden.hidden(&self.seal(text)) }
    }

    /// The text with a token in place of every value: the longest of those that begin first. Of two secrets with
    /// the same value it is the first by name. Whatever looks like a token in the text stays text, so that
    /// [`Self::resolve`] gives the text back.
    pub fn seal<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let values = &self.0.values;
        if !values.values().any(|value| text.contains(value.as_str())) {
            return without_tokens(text);
        }
        let mut sealed = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((at, name, value)) = self.first_in(rest) {
            sealed.push_str(&without_tokens(&rest[..at]));
            sealed.push_str(&token(name));
            rest = &rest[at + value.len()..];
        }
        sealed.push_str(&without_tokens(rest));
        Cow::Owned(sealed)
    }

    fn first_in(&self, text: &str) -> Option<(usize, &str, &str)> {
        let found =
            self.0.values.iter().filter_map(|(name, value)| Some((text.find(value.as_str())?, name, value)));
        // The first by name stays where two are the same.
        let first = found.min_by_key(|(at, name, value)| (*at, std::cmp::Reverse(value.len()), *name));
        first.map(|(at, name, value)| (at, name.as_str(), value.as_str()))
    }

    /// The same for what a file holds. A file that is no text stays as it is: no value is looked for in it.
    pub fn seal_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match std::str::from_utf8(bytes).map(|text| self.seal(text)) {
            Ok(Cow::Owned(sealed)) => Cow::Owned(sealed.into_bytes()),
            Ok(Cow::Borrowed(_)) | Err(_) => Cow::Borrowed(bytes),
        }
    }

    /// The text with the value in place of every token.
    ///
    /// # Errors
    /// If a token is of a secret that is not in here.
    pub fn resolve(&self, text: &str) -> Result<Zeroizing<String>, Unknown> {
        let mut resolved = Zeroizing::new(String::with_capacity(text.len()));
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => resolved.push_str(text),
                Piece::Secret(name) => {
                    resolved.push_str(self.0.values.get(&name).ok_or(Unknown(name))?);
                }
            }
        }
        Ok(resolved)
    }

    /// The text as [`Self::seal`] would give it for what it stands for, so that texts with the same value are the
    /// same text. What names an unknown secret stays as it is.
    pub fn canonical(&self, text: &str) -> String {
        self.resolve(text).map_or_else(|_| text.to_owned(), |value| self.seal(&value).into_owned())
    }

    /// Resolves every text of a value in place; keys stay as they are.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn resolve_value(&self, value: &mut Value) -> Result<(), Unknown> {
        each_text(value, &mut |text| {
            if text.contains(is_token_character) {
                *text = self.resolve(text)?.to_string();
            }
            Ok(())
        })
    }

    /// Seals every text of a value in place; keys stay as they are.
    pub fn seal_value(&self, value: &mut Value) {
        let sealed = each_text(value, &mut |text| {
            if let Cow::Owned(sealed) = self.seal(text) {
                *text = sealed;
            }
            Ok::<_, std::convert::Infallible>(())
        });
        match sealed {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    /// Makes every text of a value canonical.
    pub fn canonical_value(&self, value: &mut Value) {
        let done = each_text(value, &mut |text| {
            *text = self.canonical(text);
            Ok::<_, std::convert::Infallible>(())
        });
        match done {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.values.keys()).finish()
    }
}

/// Makes a secret of what a file, a command or a variable had: text, without the line break at its end.
///
/// # Errors
/// If that cannot be a secret.
pub fn fit(bytes: &[u8]) -> Result<Zeroizing<String>, Unfit> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unfit::NoText)?;
    let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    match text {
        "" => Err(Unfit::Empty),
        "true" | "false" => Err(Unfit::Common),
        text if text.contains('\0') || text.contains(is_token_character) => Err(Unfit::NoText),
        text if text.trim().chars().count() < SHORTEST => Err(Unfit::Short),
        text => Ok(Zeroizing::new(text.to_owned())),
    }
}

fn each_text<E>(value: &mut Value, change: &mut impl FnMut(&mut String) -> Result<(), E>) -> Result<(), E> {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().try_for_each(|item| each_text(item, change)),
        Value::Object(map) => map.values_mut().try_for_each(|item| each_text(item, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::source::{holds_token, shown_tokens};

    fn vault(pairs: &[(&str, &str)]) -> Vault {
        let values =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), Zeroizing::new((*value).to_owned())));
        Vault::new(values.collect())
    }

    #[test]
    fn the_longest_of_the_first_is_taken() {
        let vault = vault(&[("a", "hunter2"), ("b", "hunter2-long"), ("c", "hunter2"), ("d", "xhunt")]);
        let shown = |text: &str| shown_tokens(&vault.seal(text)).into_owned();
        assert_eq!(shown("is hunter2-long, not hunter2"), "is (secret b), not (secret a)");
        assert_eq!(shown("xhunter2"), "(secret d)er2");
        assert_eq!(shown("nothing"), "nothing");
        assert_eq!(vault.canonical(&token("c")), token("a"));
        assert_eq!(vault.canonical(&format!("{}-long", token("a"))), token("b"));
    }

    #[test]
    fn values_are_sealed_and_resolved_in_all_texts() {
        let vault = vault(&[("a", "hunter2")]);
        let told = json!({"Env": ["A=hunter2", "B=1"], "hunter2": 1, "n": null});
        let mut value = told.clone();
        vault.seal_value(&mut value);
        assert_eq!(value["Env"][0], json!(format!("A={}", token("a"))));
        assert_eq!(value["hunter2"], 1, "keys stay as they are");
        assert_eq!(vault.resolve_value(&mut value), Ok(()));
        assert_eq!(value, told);
        assert_eq!(vault.resolve(&token("b")), Err(Unknown("b".to_owned())));
        assert_eq!(*vault.seal_bytes(b"A=hunter2"), *format!("A={}", token("a")).as_bytes());
        assert_eq!(*vault.seal_bytes(b"\xffhunter2"), *b"\xffhunter2");
    }

    #[test]
    fn what_others_say_shows_no_part_of_a_value_that_is_a_line() {
        let vault = vault(&[("key", "first line\nlast \"line\""), ("plain", "p@ss/w\"rd")]);
        let shown = |text: &str| shown_tokens(&vault.heard(text)).into_owned();
        assert_eq!(shown("first line\nlast \"line\"!"), "(secret key)!");
        assert_eq!(shown("got: last \"line\""), "got: ***");
        assert_eq!(shown(r#"{"plain":"p@ss/w\"rd"}"#), r#"{"plain":"***"}"#);
        assert_eq!(shown("url=p%40ss%2Fw%22rd b64=cEBzcy93InJk"), "url=*** b64=***");
    }

    #[test]
    fn a_value_is_text_and_long_enough() {
        assert_eq!(fit(b"hunter2\n").as_ref().map(|text| text.as_str()), Ok("hunter2"));
        assert_eq!(fit(b"hunter2\r\n").as_ref().map(|text| text.as_str()), Ok("hunter2"));
        assert_eq!(fit(b"two\n\n").as_ref().map(|text| text.as_str()), Err(&Unfit::Short));
        assert_eq!(fit(b"four\n\n").as_ref().map(|text| text.as_str()), Ok("four\n"));
        for (bytes, why) in [
            (&b"\n"[..], Unfit::Empty),
            (b"abc", Unfit::Short),
            (b"a  \t\t", Unfit::Short),
            (b"true", Unfit::Common),
            (b"\xff\xff\xff\xff", Unfit::NoText),
            (b"abc\0def", Unfit::NoText),
            ("abcd\u{100000}".as_bytes(), Unfit::NoText),
        ] {
            assert_eq!(fit(bytes), Err(why), "{bytes:?}");
        }
    }

    #[test]
    fn it_shows_nothing_of_itself() {
        let vault = vault(&[("a", "hunter2")]);
        assert_eq!(format!("{vault:?}"), "[\"a\"]");
    }

    proptest! {
        #[test]
        fn no_spelling_of_a_value_is_left_of_what_others_say(
            values in proptest::collection::vec("[a-c0-2 '\"\\\\/%$&<>{}=+\n\t\u{fc}\u{20ac}\u{1f511}]{4,24}", 1..4),
            between in "[a-c \n]{0,6}",
        ) {
            let fit: Vec<_> = values.iter().filter_map(|value| fit(value.as_bytes()).ok()).collect();
            let named = fit.iter().enumerate().map(|(n, value)| (format!("s{n}"), value.clone()));
            let vault = Vault::new(named.collect());
            for spelling in fit.iter().flat_map(|value| spellings(value)) {
                let said = format!("{between}{}{between}{}", spelling.as_str(), spelling.as_str());
                let shown = shown_tokens(&vault.heard(&said)).into_owned();
                for spelling in fit.iter().flat_map(|value| spellings(value)) {
                    prop_assert!(!shown.contains(spelling.as_str()), "{spelling:?} is in {shown:?}");
                }
            }
        }

        #[test]
        fn what_is_sealed_resolves_to_what_it_was(
            values in proptest::collection::vec("[ab\u{fc}\"\n]{4,9}", 1..5),
            parts in proptest::collection::vec((0..6_usize, "[ab\u{100000}-\u{100003}\u{100161} \n]{0,5}"), 0..6),
        ) {
            let named = values.iter().enumerate().map(|(n, value)| (format!("s{n}"), Zeroizing::new(value.clone())));
            let vault = Vault::new(named.collect());
            let text: String = parts.iter().map(|(n, between)| {
                format!("{between}{}", values.get(*n).map_or("", String::as_str))
            }).collect();
            let sealed = vault.seal(&text).into_owned();
            let resolved = vault.resolve(&sealed).expect("it names what is in the vault");
            prop_assert_eq!(resolved.as_str(), text.as_str());
            // In what is shown of it no value stands any more, and what is canonical stays so.
            let between = pieces(&sealed).into_iter().any(|piece| {
                matches!(piece, Piece::Text(text) if values.iter().any(|value| text.contains(value)))
            });
            prop_assert!(!between);
            prop_assert_eq!(holds_token(&sealed), values.iter().any(|value| text.contains(value)));
            prop_assert_eq!(vault.canonical(&sealed), sealed);
        }
    }
}
