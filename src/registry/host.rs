//! One registry: requests with login, patience and bounds.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Method, Response, StatusCode};
use tokio::sync::{OnceCell, Semaphore};

use super::auth::{Challenge, Token};
use super::credentials::{Credential, HUB};
use super::error::{RegistryError, SILENCE as SILENT};
use super::settings::{RegistrySettings, Settings};
use crate::host::{self, Trust};

/// Questions that one registry gets side by side.
const AT_ONCE: usize = 8;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may be silent, if nobody says otherwise.
const SILENCE: Duration = Duration::from_secs(30);
/// The longest that a registry is waited for when it asks for patience, altogether.
const PATIENCE: Duration = Duration::from_secs(15);
/// Further tries when a registry has an error of its own.
const TRIES: u32 = 2;
/// How much of a registry's complaint is shown.
const SHOWN: usize = 300;

/// Docker Hub's own name is not where its registry is.
const HUB_HOST: &str = "registry-1.docker.io";

/// One registry, or one mirror of it.
pub(super) struct Host {
    pub name: String,
    base: String,
    pub(super) is_plain: bool,
    /// How long an answer may be silent.
    silence: Duration,
    pub(super) http: reqwest::Client,
    pub(super) settings: Settings,
    pub(super) credential: OnceCell<Option<Credential>>,
    /// True once it was found to take passwords.
    pub(super) takes_passwords: AtomicBool,
    pub(super) tokens: Mutex<BTreeMap<String, Token>>,
    /// One login at a time, so that many questions do not ask for many tokens.
    pub(super) logging_in: tokio::sync::Mutex<()>,
    permits: Semaphore,
    pub(super) requests: AtomicU64,
}

/// A request to a registry.
pub(super) struct Ask {
    pub method: Method,
    /// What stands behind `/v2/`, or a whole URL that the registry gave.
    pub path: String,
    /// What the request needs access to: `repository:NAME:pull`, several with spaces between.
    pub scope: String,
    pub accept: Option<&'static str>,
    /// The body and its type.
    pub body: Option<(String, Bytes)>,
    /// What it is about, for messages: `manifest web:1`.
    pub what: String,
}

impl Host {
    pub(super) fn new(name: &str, settings: &Settings) -> Result<Self, RegistryError> {
        let own: RegistrySettings = settings.of(name);
        let is_plain = own.is_plain(name);
        let silence = own.timeout.unwrap_or(SILENCE);
        let trust = Trust::System(&own.ca);
        let here = |reason: String| RegistryError::Here(format!("cannot speak to {name}: {reason}"));
        let http = reqwest::Client::builder()
            .user_agent(concat!("evenkeel/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT.min(silence))
            .read_timeout(silence)
            .pool_max_idle_per_host(AT_ONCE)
            // Certificates are looked for even where they are not needed: a login may lead elsewhere.
            .tls_backend_preconfigured(match host::client_config(&trust, None) {
                Ok(config) => config,
                Err(error) if is_plain => {
                    drop(error);
                    host::trust_nobody()
                }
                Err(error) => return Err(here(error.to_string())),
            })
            .build()
            .map_err(|error| here(deepest(&error)))?;
        let scheme = if is_plain { "http" } else { "https" };
        let address = if name == HUB { HUB_HOST } else { name };
        Ok(Self {
            name: name.to_owned(),
            base: format!("{scheme}://{address}/v2/"),
            is_plain,
            silence,
            http,
            settings: settings.clone(),
            credential: OnceCell::new(),
            takes_passwords: false.into(),
            tokens: Mutex::default(),
            logging_in: tokio::sync::Mutex::default(),
            permits: Semaphore::new(AT_ONCE),
            requests: AtomicU64::new(0),
        })
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Sends a request, logs in if the registry asks for it, and waits if it asks for patience.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Response, RegistryError> {
        let _permit = self.permits.acquire().await;
        let began = Instant::now();
        let mut tries = 0;
        let mut has_logged_in = false;
        loop {
            let answer = self.send(ask).await?;
            let status = answer.status();
            let wait = match status {
                StatusCode::UNAUTHORIZED if !has_logged_in => {
                    has_logged_in = true;
                    let challenges = answer.headers().get_all(WWW_AUTHENTICATE);
                    let challenge = Challenge::find(challenges.iter().filter_map(|it| it.to_str().ok()));
                    match challenge {
                        Some(challenge) => self.log_in(&challenge, ask).await?,
                        None => return Err(self.refused(ask, answer).await),
                    }
                    continue;
                }
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                    match (retry_after(answer.headers()), status) {
                        (Some(wait), _) => wait,
                        (None, StatusCode::TOO_MANY_REQUESTS) => Duration::from_secs(1 << tries.min(4)),
                        (None, _) => pause(tries),
                    }
                }
                StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
                    pause(tries)
                }
                status if status.is_success() || status == StatusCode::ACCEPTED => return Ok(answer),
                _ => return Err(self.refused(ask, answer).await),
            };
            tries += 1;
            if tries > TRIES || began.elapsed() + wait > PATIENCE {
                return Err(self.refused(ask, answer).await);
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn send(&self, ask: &Ask) -> Result<Response, RegistryError> {
        let is_elsewhere = ask.path.contains("://") && !ask.path.starts_with(&self.origin());
        let url =
            if ask.path.contains("://") { ask.path.clone() } else { format!("{}{}", self.base, ask.path) };
        let mut request = self.http.request(ask.method.clone(), url);
        if let Some(accept) = ask.accept {
            request = request.header(ACCEPT, accept);
        }
        if let Some((kind, body)) = &ask.body {
            request = request.header(CONTENT_TYPE, kind).body(body.clone());
        }
        // Whoever a registry points to is not told who asks.
        if !is_elsewhere && let Some(authorization) = self.authorization(&ask.scope).await? {
            request = request.header(AUTHORIZATION, authorization);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        request.send().await.map_err(|error| self.unreachable(&error))
    }

    /// Sends a stream, which cannot be sent twice.
    pub(super) async fn upload(&self, ask: &Ask, body: reqwest::Body) -> Result<Response, RegistryError> {
        let is_elsewhere = ask.path.contains("://") && !ask.path.starts_with(&self.origin());
        let mut request = self.http.request(ask.method.clone(), &ask.path);
        if let Some((kind, _)) = &ask.body {
            request = request.header(CONTENT_TYPE, kind);
        }
        if !is_elsewhere && let Some(authorization) = self.authorization(&ask.scope).await? {
            request = request.header(AUTHORIZATION, authorization);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let answer = request.body(body).send().await.map_err(|error| self.unreachable(&error))?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.refused(ask, answer).await) }
    }

    /// Scheme and host, with a slash behind: what begins every URL of this registry.
    pub(super) fn origin(&self) -> String {
        self.base.trim_end_matches("v2/").to_owned()
    }

    /// Reads a body that must not be longer than `limit` bytes.
    pub(super) async fn bounded(
        &self,
        mut answer: Response,
        limit: usize,
        what: &str,
    ) -> Result<Bytes, RegistryError> {
        let mut body = Vec::new();
        // One that sends a byte now and then is never silent, and never ready.
        let until = Instant::now() + 2 * self.silence;
        while let Some(part) = answer.chunk().await.map_err(|error| self.broken_off(&error, what))? {
            if Instant::now() > until {
                let message = format!("its answer takes longer than {} s", 2 * self.silence.as_secs());
                return Err(RegistryError::Unreachable { registry: self.name.clone(), message });
            }
            if body.len() + part.len() > limit {
                let message = format!("it is longer than {limit} bytes");
                let (registry, what) = (self.name.clone(), what.to_owned());
                return Err(RegistryError::Garbled { registry, what, message });
            }
            body.extend_from_slice(&part);
        }
        Ok(body.into())
    }

    async fn refused(&self, ask: &Ask, answer: Response) -> RegistryError {
        let (status, wait) = (answer.status(), retry_after(answer.headers()));
        let message = match self.bounded(answer, 1 << 20, &ask.what).await {
            Ok(body) => complaint(&body),
            Err(_) => String::new(),
        };
        let (registry, what) = (self.name.clone(), ask.what.clone());
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                self.denied(ask, message, matches!(self.credential().await, Ok(Some(_))))
            }
            StatusCode::NOT_FOUND => RegistryError::Missing { registry, what, message },
            StatusCode::TOO_MANY_REQUESTS => RegistryError::Limited { registry, wait },
            status => RegistryError::Answered { registry, what, status: status.as_u16(), message },
        }
    }

    pub(super) fn denied(&self, ask: &Ask, message: String, logged_in: bool) -> RegistryError {
        RegistryError::Denied { registry: self.name.clone(), what: ask.what.clone(), message, logged_in }
    }

    pub(super) fn garbled(&self, ask: &Ask, message: String) -> RegistryError {
        RegistryError::Garbled { registry: self.name.clone(), what: ask.what.clone(), message }
    }

    pub(super) fn unreachable(&self, error: &reqwest::Error) -> RegistryError {
        let message = if error.is_timeout() {
            format!(
                "{SILENT} {} s",
                if error.is_connect() { CONNECT.min(self.silence) } else { self.silence }.as_secs()
            )
        } else {
            deepest(error)
        };
        RegistryError::Unreachable { registry: self.name.clone(), message }
    }

    fn broken_off(&self, error: &reqwest::Error, what: &str) -> RegistryError {
        if error.is_timeout() {
            return self.unreachable(error);
        }
        let message = format!("it breaks off: {}", deepest(error));
        RegistryError::Garbled { registry: self.name.clone(), what: what.to_owned(), message }
    }
}

/// The innermost reason.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// A short pause that grows.
fn pause(tries: u32) -> Duration {
    Duration::from_millis(250 << tries.min(4))
}

/// How long the registry wants to be left alone: seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(until.duration_since(jiff::Timestamp::now()).try_into().unwrap_or_default())
}

/// What a registry says is wrong, in one line.
pub(super) fn complaint(body: &[u8]) -> String {
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let told = json["errors"].as_array().and_then(|errors| errors.first());
    let message = told
        .and_then(|error| error["message"].as_str().filter(|it| !it.is_empty()).or(error["code"].as_str()));
    let message = message.or(json["details"].as_str()).or(json["error"].as_str());
    message.unwrap_or_default().chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}
