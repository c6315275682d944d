//! Keys whose values are nobody's business, and texts without those values.

use std::cmp::Reverse;
use std::collections::BTreeSet;

/// True for keys such as `DB_PASSWORD`, `API_TOKEN` or `secretKey`.
pub fn looks_secret(key: &str) -> bool {
    let key = key.to_ascii_uppercase();
    [
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "SECRET",
        "TOKEN",
        "CREDENTIAL",
        "PRIVATE_KEY",
        "API_KEY",
        "APIKEY",
        "ACCESS_KEY",
    ]
    .iter()
    .any(|word| key.contains(word))
        || ["PASS", "AUTH"].iter().any(|word| key.ends_with(word))
}

/// Values that nothing may show, wherever they turn up.
#[derive(Default)]
pub struct Secrets(BTreeSet<(Reverse<usize>, String)>);

/// What is shorter stands in too many texts that have nothing to do with it.
const SHORTEST_SECRET: usize = 4;

impl Secrets {
    /// Takes note of a value, line by line, since output comes in lines.
    pub fn add(&mut self, value: &str) {
        for line in value.lines().map(str::trim) {
            if line.chars().count() >= SHORTEST_SECRET && !matches!(line, "true" | "false") {
                self.0.insert((Reverse(line.len()), line.to_owned()));
            }
        }
    }

    /// Takes note of a value as a whole.
    pub fn add_whole(&mut self, value: &str) {
        if value.chars().count() >= SHORTEST_SECRET {
            self.0.insert((Reverse(value.len()), value.to_owned()));
        }
    }

    /// Takes note of all that another has.
    pub fn add_all(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    /// True if one of the values stands in the text.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.iter().any(|(_, secret)| text.contains(secret))
    }

    /// The text without the values, and without passwords in URLs.
    pub fn hidden(&self, text: &str) -> String {
        self.replaced_in(&without_url_passwords(text))
    }

    /// The text without the values.
    pub fn replaced_in(&self, text: &str) -> String {
        // Longest first, since one may be part of another.
        self.0.iter().fold(text.to_owned(), |text, (_, secret)| text.replace(secret, "***"))
    }
}

/// Gives `scheme://user:***@host` for `scheme://user:password@host`.
pub fn without_url_passwords(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        shown.push_str(before);
        rest = after;
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '`' | '<' | '>');
        let authority = after.split(ends).next().unwrap_or(after);
        if let Some((credentials, _)) = authority.rsplit_once('@')
            && let Some((user, _)) = credentials.split_once(':')
        {
            shown.push_str(user);
            shown.push_str(":***");
            rest = &after[credentials.len()..];
        }
    }
    shown + rest
}

/// Gives a line of YAML, or of any text with `KEY=value` in it, with `***` in place of what follows
/// a secret key. In doubt it hides more rather than less.
pub fn masked(line: &str) -> String {
    let line = without_url_passwords(line);
    let mut shown = String::new();
    let mut rest = line.as_str();
    while let Some((key_end, value_start)) = secret_key(rest) {
        let opener = rest[..key_end].trim_end_matches(is_word).chars().next_back();
        let (before, value) = rest.split_at(value_start);
        shown.push_str(before);
        // A comma ends a value only inside of brackets or between quoted keys.
        let is_flow = shown.contains(['{', '[', '"']);
        let length = value_length(value, opener.filter(|c| matches!(c, '"' | '\'' | '`')), is_flow);
        if length > 0 {
            shown.push_str("***");
        }
        rest = &value[length..];
    }
    shown + rest
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Where the first secret key ends and where its value begins.
fn secret_key(text: &str) -> Option<(usize, usize)> {
    for (at, separator) in text.match_indices([':', '=']) {
        let before = text[..at].trim_end_matches(['"', '\'', ' ']);
        let key = &before[before.trim_end_matches(is_word).len()..];
        let after = &text[at + separator.len()..];
        let value = after.trim_start_matches(' ');
        // `token: ` at the end of a phrase hides nothing; a mapping below hides itself line by line.
        if !key.is_empty() && looks_secret(key) && !value.is_empty() {
            return Some((before.len(), text.len() - value.len()));
        }
    }
    None
}

/// How much of the text is the value. `opener` is the quote that stands before the key.
fn value_length(value: &str, opener: Option<char>, is_flow: bool) -> usize {
    let end = |close: char| value.find(close).unwrap_or(value.len());
    let first = value.chars().next();
    match (opener, first) {
        (Some(quote), _) if value.contains(quote) && first != Some(quote) => end(quote),
        (_, Some(quote @ ('"' | '\'' | '`'))) => {
            value.rfind(quote).filter(|at| *at > 0).map_or(value.len(), |last| {
                // In a flow mapping the next quote of this sort that something follows is the end.
                let inner = value[1..].match_indices(quote).map(|(at, _)| at + 2);
                let closes = |at: &usize| value[*at..].trim_start().starts_with([',', '}', ']']);
                if is_flow { inner.clone().find(closes).unwrap_or(last + 1) } else { last + 1 }
            })
        }
        (_, Some('[')) => value.find(']').map_or(value.len(), |at| at + 1),
        (_, Some('{')) => value.find('}').map_or(value.len(), |at| at + 1),
        _ if is_flow => value.find([',', '}', ']']).unwrap_or(value.len()),
        _ => value.find(" #").unwrap_or(value.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_secret_key_is_hidden() {
        for (line, shown) in [
            ("DB_PASSWORD: hunter2", "DB_PASSWORD: ***"),
            ("  DB_PASSWORD: \"a, b\" # why", "  DB_PASSWORD: *** # why"),
            ("  DB_PASSWORD: a, b # why", "  DB_PASSWORD: *** # why"),
            ("env: {A: 1, DB_PASSWORD: x, B: 2}", "env: {A: 1, DB_PASSWORD: ***, B: 2}"),
            ("env: {DB_PASSWORD: 'x, y', apiToken: z}", "env: {DB_PASSWORD: ***, apiToken: ***}"),
            ("env: [DB_PASSWORD=x, 'TOKEN=a b', B=1]", "env: [DB_PASSWORD=***, 'TOKEN=***', B=1]"),
            ("`DB_TOKEN:x y` has no value", "`DB_TOKEN:***` has no value"),
            ("env: {DB_PASSWORD: [x, y], B: 2}", "env: {DB_PASSWORD: ***, B: 2}"),
            ("\"my.secret\": \"x\", \"n\": 1", "\"my.secret\": ***, \"n\": 1"),
            ("PASSWORD:", "PASSWORD:"),
            ("PLAIN: x", "PLAIN: x"),
            ("DB_PASS: x", "DB_PASS: ***"),
            ("REGISTRY_AUTH: x", "REGISTRY_AUTH: ***"),
            ("PASSENGERS: 3", "PASSENGERS: 3"),
            ("DB_URL: pg://me:x@db/shop", "DB_URL: pg://me:***@db/shop"),
        ] {
            assert_eq!(masked(line), shown);
        }
    }

    #[test]
    fn passwords_in_urls_are_hidden() {
        for (text, shown) in [
            ("at pg://me:p@w@db:5/x and redis://:pw@r", "at pg://me:***@db:5/x and redis://:***@r"),
            ("https://host:80/a@b ssh://me@host", "https://host:80/a@b ssh://me@host"),
            ("://", "://"),
        ] {
            assert_eq!(without_url_passwords(text), shown);
        }
    }

    #[test]
    fn secrets_are_hidden_wherever_they_turn_up() {
        let mut secrets = Secrets::default();
        ["hunter2", "hunter2-long", "abc", "true", "first line\nlast line"]
            .iter()
            .for_each(|value| secrets.add(value));
        assert_eq!(secrets.hidden("db is hunter2-long, not hunter2"), "db is ***, not ***");
        assert_eq!(secrets.hidden("abc is true; last line"), "abc is true; ***");
    }

    #[test]
    fn no_text_makes_it_panic() {
        for line in ["", "ü: =", "TOKEN='", "TOKEN=\"ü", "{TOKEN: `ü", "TOKEN==", ":TOKEN:ü:", "TOKEN: {[ü"]
        {
            masked(line);
            without_url_passwords(line);
        }
    }
}
