//! How a registry wants to be told who asks, and the tokens that it gives.
//! Source: <https://distribution.github.io/distribution/spec/auth/token/>.

use std::time::{Duration, Instant};

use serde::Deserialize;

/// What a registry says in `WWW-Authenticate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    Basic,
    /// A token from another server.
    Bearer {
        realm: String,
        service: Option<String>,
    },
}

/// A token and how long it holds. Not `Debug`: it is secret.
#[derive(Clone)]
pub struct Token {
    pub text: String,
    until: Instant,
}

/// The time that a token holds if its server does not say.
const DEFAULT: u64 = 60;
/// A token this close to its end is not used any more.
const MARGIN: Duration = Duration::from_secs(5);

impl Challenge {
    /// Reads the headers; the first one that is understood, tokens before passwords.
    pub fn find<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut found: Vec<Self> = headers.filter_map(Self::parse).collect();
        found.sort_by_key(|challenge| matches!(challenge, Self::Basic));
        found.into_iter().next()
    }

    fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut parameters = parameters(rest);
        let mut take = |name: &str| {
            let index = parameters.iter().position(|(key, _)| key.eq_ignore_ascii_case(name))?;
            Some(parameters.swap_remove(index).1)
        };
        Some(Self::Bearer { realm: take("realm")?, service: take("service") })
    }
}

/// `a="b",c=d` as pairs. Commas may stand in quotes.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_start_matches([',', ' ']).trim().to_owned();
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        pairs.push((key, value.trim().to_owned()));
        rest = tail;
    }
    pairs
}

impl Token {
    /// Reads the answer of a server of tokens.
    ///
    /// # Errors
    /// If there is no token in it.
    pub fn read(body: &[u8], now: Instant) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Answer {
            token: Option<String>,
            access_token: Option<String>,
            expires_in: Option<u64>,
        }
        // What came may hold a token, so it is not shown.
        let answer: Answer = serde_json::from_slice(body)
            .map_err(|_| "its server of tokens did not answer in JSON".to_owned())?;
        let text = answer.token.or(answer.access_token).filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| "its server of tokens gave none".to_owned())?;
        let holds = Duration::from_secs(answer.expires_in.unwrap_or(DEFAULT).min(86_400));
        Ok(Self { text, until: now + holds.saturating_sub(MARGIN) })
    }

    pub fn holds(&self, now: Instant) -> bool {
        now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) })
        };
        let find = |header: &str| Challenge::find(std::iter::once(header));
        assert_eq!(
            find(
                r#"Bearer realm="https://auth.example/token",service="registry, one",scope="repository:a/b:pull""#
            ),
            bearer("https://auth.example/token", Some("registry, one"))
        );
        assert_eq!(find("bearer realm=https://a/t, error=invalid_token"), bearer("https://a/t", None));
        assert_eq!(find(r#"Basic realm="Registry""#), Some(Challenge::Basic));
        for header in ["", "Negotiate", "Bearer", "Bearer service=x", "Digest realm=\"x\"", "Bearer realm"] {
            assert_eq!(find(header), None, "{header}");
        }
        let several = ["Basic realm=x", "Bearer realm=https://t/"];
        assert_eq!(Challenge::find(several.into_iter()), bearer("https://t/", None));
    }

    #[test]
    fn tokens_hold_as_long_as_their_server_says() {
        let now = Instant::now();
        let read = |body: &str| match Token::read(body.as_bytes(), now) {
            Ok(token) => token,
            Err(reason) => panic!("{reason}"),
        };
        let token = read(r#"{"access_token": "x", "expires_in": 300}"#);
        assert_eq!(token.text, "x");
        assert!(token.holds(now + Duration::from_secs(294)));
        assert!(!token.holds(now + Duration::from_secs(296)));
        let short = read(r#"{"token": "y", "expires_in": 1}"#);
        assert!(!short.holds(now));
        assert!(Token::read(b"{}", now).is_err());
        assert!(Token::read(b"<html>", now).is_err());
    }
}
