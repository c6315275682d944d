//! How a secret stands in a text whose value nobody may see: as a token that holds its name. Tokens are made of
//! private-use characters, which state files cannot hold otherwise.

use std::borrow::Cow;

use serde_json::Value;

/// A token begins with it.
const START: char = '\u{100000}';
/// A token ends with it.
const END: char = '\u{100001}';
/// May stand at the beginning of a token and means nothing there.
const PAD: char = '\u{100002}';
/// Alone in a token: the text has the first character itself.
const ITSELF: char = '\u{100003}';
/// Added to the number of each character of the name.
const LETTERS: u32 = 0x10_0100;
const LONGEST_NAME: usize = 128;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a str),
    /// The name of a secret.
    Secret(String),
}

/// True for names that secrets may have: letters, digits, `_`, `-` and `.`, first a letter or a digit.
pub fn is_secret_name(name: &str) -> bool {
    let mut characters = name.chars();
    name.len() <= LONGEST_NAME
        && characters.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// The token of the secret `name`.
pub fn token(name: &str) -> String {
    framed(name, "")
}

/// Another spelling of the same token. Who looks into it sees another text; [`unpadded`] takes that away.
pub fn padded_token(name: &str) -> String {
    framed(name, "\u{100002}\u{100002}\u{100002}")
}

fn framed(name: &str, pad: &str) -> String {
    let letters = name.bytes().filter_map(|byte| char::from_u32(LETTERS + u32::from(byte)));
    std::iter::once(START).chain(pad.chars()).chain(letters).chain([END]).collect()
}

/// The text with all whole tokens in their usual spelling.
pub fn unpadded(text: &str) -> String {
    let parts = pieces(text).into_iter().map(|piece| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Secret(name) => token(&name),
    });
    parts.collect()
}

/// True for the characters that tokens are made of.
pub fn is_token_character(c: char) -> bool {
    ('\u{100000}'..='\u{1001ff}').contains(&c)
}

/// True if a token stands in the text.
pub fn holds_token(text: &str) -> bool {
    text.contains(START) && pieces(text).iter().any(|piece| matches!(piece, Piece::Secret(_)))
}

/// True if a token stands in a text of the value; keys have none.
pub fn value_holds_token(value: &Value) -> bool {
    match value {
        Value::String(text) => holds_token(text),
        Value::Array(items) => items.iter().any(value_holds_token),
        Value::Object(map) => map.values().any(value_holds_token),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Calls `visit` for the name of every secret whose token stands in the value.
pub fn each_token(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) if text.contains(START) => {
            for piece in pieces(text) {
                if let Piece::Secret(name) = piece {
                    visit(&name);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each_token(item, visit)),
        Value::Object(map) => map.values().for_each(|item| each_token(item, visit)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The parts of a text. What only resembles a token is text.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(at) = rest[from..].find(START).map(|at| at + from) {
        let inside = &rest[at + START.len_utf8()..];
        let Some(length) = inside.find(END) else { break };
        let after = at + START.len_utf8() + length + END.len_utf8();
        match inside_of(&inside[..length]) {
            Some(piece) => {
                if at > 0 {
                    found.push(Piece::Text(&rest[..at]));
                }
                found.push(piece);
                (rest, from) = (&rest[after..], 0);
            }
            None => from = at + START.len_utf8(),
        }
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest));
    }
    found
}

fn inside_of(inside: &str) -> Option<Piece<'static>> {
    if inside.chars().eq([ITSELF]) {
        return Some(Piece::Text("\u{100000}"));
    }
    let letter = |c: char| char::from_u32((c as u32).checked_sub(LETTERS)?).filter(char::is_ascii);
    let name: Option<String> = inside.trim_start_matches(PAD).chars().map(letter).collect();
    name.filter(|name| is_secret_name(name)).map(Piece::Secret)
}

/// The text in which every first character of a token stands for itself, so that no token is in it.
pub fn without_tokens(text: &str) -> Cow<'_, str> {
    if !text.contains(START) {
        return Cow::Borrowed(text);
    }
    let itself: String = [START, ITSELF, END].into_iter().collect();
    Cow::Owned(text.replace(START, &itself))
}

/// The text as people read it: `(secret NAME)` in place of each token.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_token_character) {
        return Cow::Borrowed(text);
    }
    let parts = pieces(text).into_iter().map(|piece| match piece {
        Piece::Text(text) => text.replace(is_token_character, "\u{fffd}"),
        Piece::Secret(name) => format!("(secret {name})"),
    });
    Cow::Owned(parts.collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_found_wherever_it_stands() {
        let text = format!("pg://u:{}@db/{}", token("db.password"), padded_token("name"));
        assert_eq!(shown(&text), "pg://u:(secret db.password)@db/(secret name)");
        assert!(holds_token(&text) && !holds_token("(secret x)"));
        let mut names = Vec::new();
        each_token(&json!({"a": [text, 1], "b": "plain"}), &mut |name| names.push(name.to_owned()));
        assert_eq!(names, ["db.password", "name"]);
        assert_eq!(unpadded(&padded_token("a")), token("a"));
        assert_ne!(padded_token("a"), token("a"));
        let cut = |token: String| token.chars().skip(1).collect::<String>();
        assert_ne!(unpadded(&cut(padded_token("a"))), cut(token("a")), "what is left of one is no token");
    }

    #[test]
    fn what_resembles_a_token_is_text() {
        for text in ["\u{100000}", "\u{100000}\u{100001}", "\u{100000}x\u{100001}", "\u{100001}\u{100000}"] {
            assert!(!holds_token(text), "{text:?}");
            assert!(!shown(text).contains(is_token_character), "{text:?}");
            assert_eq!(pieces(text), [Piece::Text(text)]);
        }
        let both = format!("\u{100000}{}", token("a"));
        assert_eq!(pieces(&both), [Piece::Text("\u{100000}"), Piece::Secret("a".to_owned())]);
    }

    #[test]
    fn names_are_plain_words() {
        for name in ["db", "db_password", "a.b-c", "0"] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["", "-a", "a b", "ü", ".x", "a/b", "a\u{100100}", &"a".repeat(129)] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_text_hides_a_token_once_it_is_taken_literally(text in "[a\u{100000}-\u{100004}\u{100161}]{0,12}") {
            let literal = without_tokens(&text).into_owned();
            prop_assert!(!holds_token(&literal));
            let back: String = pieces(&literal).into_iter().map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Secret(name) => name,
            }).collect();
            prop_assert_eq!(back, text);
        }
    }
}
