//! Telling a registry who asks: passwords, and tokens that are got with them.

use std::sync::atomic::Ordering;
use std::time::Instant;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode};
use tokio::sync::OnceCell;

use super::auth::{Challenge, Token};
use super::client::Registries;
use super::credentials::{Credential, credential};
use super::error::RegistryError;
use super::host::{Ask, Host, complaint};
use super::settings::Settings;

impl Registries {
    /// Asks a registry whether it takes a login; false if it did not want to know who asks.
    ///
    /// # Errors
    /// If it does not take it, or cannot be asked.
    pub async fn try_login(
        registry: &str,
        settings: &Settings,
        credential: Credential,
    ) -> Result<bool, RegistryError> {
        let mut host = Host::new(registry, settings)?;
        host.credential = OnceCell::new_with(Some(Some(credential)));
        let (path, what) = (String::new(), "this user with this password".to_owned());
        let root = Ask { method: Method::GET, path, scope: String::new(), accept: None, body: None, what };
        host.ask(&root).await?;
        Ok(host.requests() > 1)
    }
}

impl Host {
    pub(super) async fn authorization(&self, scope: &str) -> Result<Option<HeaderValue>, RegistryError> {
        let token = {
            let tokens = self.tokens.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            tokens.get(scope).filter(|token| token.holds(Instant::now())).map(|token| token.text.clone())
        };
        let text = match token {
            Some(token) => format!("Bearer {token}"),
            None if self.takes_passwords.load(Ordering::Relaxed) => match self.credential().await? {
                Some(Credential::Password { username, password }) => basic(username, password),
                Some(Credential::Identity(_)) | None => return Ok(None),
            },
            None => return Ok(None),
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            RegistryError::Here(format!("the credentials for {} do not fit a header", self.name))
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    pub(super) async fn credential(&self) -> Result<&Option<Credential>, RegistryError> {
        let folder = self.settings.docker_config.as_deref();
        self.credential
            .get_or_try_init(|| async { credential(&self.name, folder).await.map_err(RegistryError::Here) })
            .await
    }

    /// Gets what the registry asked for, so that the request can be sent again.
    pub(super) async fn log_in(&self, challenge: &Challenge, ask: &Ask) -> Result<(), RegistryError> {
        let _one = self.logging_in.lock().await;
        let Challenge::Bearer { realm, service } = challenge else {
            let is_known = self.credential().await?.is_some();
            let was_tried = self.takes_passwords.swap(true, Ordering::Relaxed);
            if is_known && !was_tried {
                return Ok(());
            }
            return if was_tried && is_known {
                Ok(())
            } else {
                Err(self.denied(ask, String::new(), is_known))
            };
        };
        let held = {
            let tokens = self.tokens.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            tokens.get(&ask.scope).is_some_and(|token| token.holds(Instant::now()))
        };
        if held {
            // Another question has logged in meanwhile.
            return Ok(());
        }
        if !self.is_plain && !realm.starts_with("https://") {
            return Err(self.denied(
                ask,
                format!("it sends logins to {realm}, which is not encrypted"),
                false,
            ));
        }
        let credential = self.credential().await?;
        let is_known = credential.is_some();
        let mut query: Vec<(&str, &str)> =
            ask.scope.split(' ').filter(|scope| !scope.is_empty()).map(|scope| ("scope", scope)).collect();
        query.extend(service.as_deref().map(|service| ("service", service)));
        let separator = if realm.contains('?') { '&' } else { '?' };
        let request = match credential {
            // OAuth 2: the password is exchanged for a token once, the token for others.
            Some(Credential::Identity(token)) => {
                let mut form = query.clone();
                form.extend([
                    ("grant_type", "refresh_token"),
                    ("client_id", "evenkeel"),
                    ("refresh_token", token),
                ]);
                let kind = "application/x-www-form-urlencoded";
                self.http.post(realm).header(CONTENT_TYPE, kind).body(encoded(&form))
            }
            Some(Credential::Password { username, password }) => {
                let url = format!("{realm}{separator}{}", encoded(&query));
                self.http.get(url).basic_auth(username, Some(password))
            }
            None => self.http.get(format!("{realm}{separator}{}", encoded(&query))),
        };
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        let body = self.bounded(answer, 1 << 20, &ask.what).await?;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => {
                Err(self.denied(ask, complaint(&body), is_known))
            }
            StatusCode::TOO_MANY_REQUESTS => {
                Err(RegistryError::Limited { registry: self.name.clone(), wait: None })
            }
            status if status.is_success() => {
                let token =
                    Token::read(&body, Instant::now()).map_err(|message| self.garbled(ask, message))?;
                let mut tokens = self.tokens.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                tokens.insert(ask.scope.clone(), token);
                Ok(())
            }
            status => Err(RegistryError::Answered {
                registry: self.name.clone(),
                what: "the login".to_owned(),
                status: status.as_u16(),
                message: complaint(&body),
            }),
        }
    }
}

fn basic(username: &str, password: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}")))
}

/// Pairs as a query or a form.
fn encoded(pairs: &[(&str, &str)]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}
