//! Pooled HTTP/1.1 to an engine: raw JSON, bodies as they come. Knows nothing of Docker's objects.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client as Http, Error as HttpError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::address::{Address, Environment, authority};
use super::connector::Connector;
use super::patience::Patience;

/// How many questions are asked at once; more does not make an engine faster.
pub(super) const AT_ONCE: usize = 8;
/// How long an engine may take to answer a question.
pub(super) const ANSWER: Duration = Duration::from_secs(60);
/// Connections that nobody used for so long are closed.
const IDLE: Duration = Duration::from_secs(30);
/// How the reason of an answer that did not come in time begins.
pub(super) const LATE: &str = "no answer within";
/// How much of a reason that may be a whole page is shown.
const SHOWN: usize = 1000;

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Speaks to one engine, in one version of its API.
#[derive(Clone)]
pub(super) struct Transport {
    wire: Arc<Wire>,
    /// `/v1.41`, or nothing before the version is negotiated.
    prefix: Arc<str>,
}

struct Wire {
    http: Http<Connector, Body>,
    connector: Connector,
    /// Host and port of the request's URL and `Host` header.
    authority: String,
    requests: AtomicU64,
    questions: Semaphore,
    patience: Patience,
}

/// A request that is not a question.
pub(super) struct Order {
    pub method: Method,
    /// Path and query, without the version.
    pub path: String,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Body,
    /// What the engine is asked to wait for; it may take so much longer.
    pub waits: Duration,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Broken {
    /// Nothing was sent.
    NotSent { reason: String, kind: Option<io::ErrorKind> },
    /// It was sent, or may have been, and no answer came.
    Lost { reason: String },
}

impl Transport {
    pub(super) fn new(address: &Address, environment: &Environment) -> io::Result<Self> {
        let patience = Patience::of(environment).map_err(io::Error::other)?;
        let connector = Connector::new(address.clone(), environment)?;
        let http = Http::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(AT_ONCE)
            .build(connector.clone());
        let authority = match address {
            Address::Tcp { host, port, .. } => authority(host, *port),
            Address::Unix(_) | Address::Ssh { .. } => "docker".to_owned(),
        };
        let questions = Semaphore::new(AT_ONCE);
        let wire = Wire { http, connector, authority, requests: AtomicU64::new(0), questions, patience };
        Ok(Self { wire: Arc::new(wire), prefix: Arc::from("") })
    }

    /// The same connections, with every path below a version of the API.
    pub(super) fn speaking(&self, (major, minor): (u32, u32)) -> Self {
        Self { wire: Arc::clone(&self.wire), prefix: Arc::from(format!("/v{major}.{minor}")) }
    }

    /// Requests that were sent so far.
    pub(super) fn requests(&self) -> u64 {
        self.wire.requests.load(Ordering::Relaxed)
    }

    /// How long a call may take that usually may take so long.
    pub(super) fn bound(&self, usual: Duration) -> Duration {
        self.wire.patience.bound(usual)
    }

    /// Asks a question. The bound is for the whole answer.
    pub(super) async fn get(&self, path: &str, bound: Duration) -> Result<Reply, Broken> {
        self.get_with(path, Vec::new(), bound).await
    }

    /// Asks for the headers of an answer alone.
    pub(super) async fn head(&self, path: &str, bound: Duration) -> Result<Reply, Broken> {
        self.question(Order::plain(Method::HEAD, path.to_owned()), bound).await
    }

    /// Asks a question with headers of its own.
    pub(super) async fn get_with(
        &self,
        path: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        bound: Duration,
    ) -> Result<Reply, Broken> {
        self.question(Order { headers, ..Order::plain(Method::GET, path.to_owned()) }, bound).await
    }

    async fn question(&self, order: Order, bound: Duration) -> Result<Reply, Broken> {
        let bound = self.bound(bound);
        let _permit = self.wire.questions.acquire().await;
        // A question changes nothing, so it may be given up.
        match tokio::time::timeout(bound, self.exchange(order)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.late(bound)),
        }
    }

    /// Gives an order and waits for the answer.
    pub(super) async fn order(&self, order: Order, bound: Duration) -> Result<Reply, Broken> {
        let bound = self.bound(bound) + order.waits;
        self.order_within(order, bound).await
    }

    /// The same with a bound that nobody changes.
    pub(super) async fn order_within(&self, order: Order, bound: Duration) -> Result<Reply, Broken> {
        let transport = self.clone();
        let call = async move { transport.exchange(order).await };
        self.in_background(call, bound).await?
    }

    /// Waits for a call that changes something. A bound that passes ends the waiting, not the call.
    pub(super) async fn in_background<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
        bound: Duration,
    ) -> Result<T, Broken> {
        match tokio::time::timeout(bound, tokio::spawn(call)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Broken::Lost { reason: error.to_string() }),
            Err(_) => Err(self.late(bound)),
        }
    }

    /// Sends a request and gives the answer's head; its body is still to be read.
    pub(super) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, HttpError> {
        self.wire.requests.fetch_add(1, Ordering::Relaxed);
        self.wire.http.request(request).await
    }

    /// Where a request for this path and query goes.
    pub(super) fn uri(&self, path: &str) -> String {
        format!("http://{}{}{path}", self.wire.authority, self.prefix)
    }

    async fn exchange(&self, order: Order) -> Result<Reply, Broken> {
        let mut request = Request::builder().method(order.method).uri(self.uri(&order.path));
        for (name, value) in order.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(order.body)
            .map_err(|error| Broken::NotSent { reason: error.to_string(), kind: None })?;
        let response = self.send(request).await.map_err(|error| self.broken(&error))?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| Broken::Lost { reason: self.deepest(&error) })?;
        Ok(Reply { status: head.status, headers: head.headers, body: body.to_bytes() })
    }

    fn late(&self, bound: Duration) -> Broken {
        Broken::Lost { reason: self.with_complaints(format!("{LATE} {} s", bound.as_secs())) }
    }

    pub(super) fn broken(&self, error: &HttpError) -> Broken {
        let reason = self.deepest(error);
        if error.is_connect() {
            Broken::NotSent { reason, kind: io_kind(error) }
        } else {
            Broken::Lost { reason }
        }
    }

    /// The innermost reason, and what ssh said to it.
    pub(super) fn deepest(&self, error: &dyn std::error::Error) -> String {
        let mut deepest = error;
        while let Some(source) = deepest.source() {
            deepest = source;
        }
        self.with_complaints(deepest.to_string())
    }

    fn with_complaints(&self, reason: String) -> String {
        let complaints = self.wire.connector.complaints();
        if complaints.is_empty() { reason } else { format!("{reason}; ssh says: {}", complaints.join(" / ")) }
    }
}

impl Order {
    /// An order without a body.
    pub(super) fn plain(method: Method, path: String) -> Self {
        Self { method, path, headers: Vec::new(), body: empty(), waits: Duration::ZERO }
    }

    /// A POST of JSON.
    pub(super) fn json(path: String, body: &Value) -> Self {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        Self { headers, body: full(body.to_string()), ..Self::plain(Method::POST, path) }
    }
}

impl Reply {
    /// A header that is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The time at the engine when it answered, in whole seconds; nothing if it does not say.
    pub(super) fn clock(&self) -> Option<Timestamp> {
        jiff::fmt::rfc2822::parse(self.header("date")?).ok().map(|time| time.timestamp())
    }

    /// The engine's own words for an error.
    pub(super) fn message(&self) -> String {
        let told_in_json = serde_json::from_slice::<Value>(&self.body).ok();
        match told_in_json.as_ref().and_then(|body| body["message"].as_str()) {
            Some(message) => message.trim().to_owned(),
            None => told(self.status, &self.body),
        }
    }
}

/// The reason in a plain text; some engines give none.
pub(super) fn told(status: StatusCode, text: &[u8]) -> String {
    match String::from_utf8_lossy(text).trim() {
        "" => status.canonical_reason().unwrap_or("no reason given").to_lowercase(),
        text => text.chars().take(SHOWN).collect(),
    }
}

impl Broken {
    pub(super) fn reason(&self) -> &str {
        match self {
            Self::NotSent { reason, .. } | Self::Lost { reason } => reason,
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

fn io_kind(error: &HttpError) -> Option<io::ErrorKind> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        source = inner.source();
    }
    None
}

pub(super) fn empty() -> Body {
    full(Bytes::new())
}

pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Makes a text fit for a path or a query, leaving the characters of image references as they are.
pub(super) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[test]
    fn names_with_odd_characters_are_encoded() {
        assert_eq!(encoded("reg:5000/a/b:1@sha256:0f"), "reg:5000/a/b:1@sha256:0f");
        assert_eq!(encoded("a b&c=ü"), "a%20b%26c%3D%C3%BC");
    }

    #[test]
    fn an_error_is_told_in_the_engines_words() {
        let reply = |body: &'static str| Reply {
            status: StatusCode::NOT_FOUND,
            headers: HeaderMap::new(),
            body: Bytes::from(body),
        };
        assert_eq!(reply(r#"{"message":"No such container: x"}"#).message(), "No such container: x");
        assert_eq!(reply("404 page not found\n").message(), "404 page not found");
        assert_eq!(reply("").message(), "not found");
    }

    /// An engine of one connection that has a request and answers as soon as it is told to.
    struct Stalling {
        _folder: tempfile::TempDir,
        transport: Transport,
        asked: oneshot::Receiver<()>,
        go_on: oneshot::Sender<()>,
        answered: oneshot::Receiver<()>,
    }

    fn stalling_engine() -> Stalling {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let listener = tokio::net::UnixListener::bind(&path).expect("a socket");
        let (has_request, asked) = oneshot::channel();
        let (go_on, told) = oneshot::channel();
        let (has_answered, answered) = oneshot::channel();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut buffer = [0; 1024];
            assert!(stream.read(&mut buffer).await.expect("a request") > 0);
            let _ = has_request.send(());
            told.await.expect("it is told to go on");
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.expect("an answer");
            let _ = has_answered.send(());
            let _ = stream.read(&mut buffer).await;
        });
        let transport = Transport::new(&Address::Unix(path), &Environment::default()).expect("a transport");
        Stalling { _folder: folder, transport, asked, go_on, answered }
    }

    #[tokio::test]
    async fn a_bound_that_passes_loses_the_answer_and_leaves_the_call_alone() {
        let engine = stalling_engine();
        let order = Order::plain(Method::POST, "/containers/x/start".to_owned());
        let answer = engine.transport.order(order, Duration::from_millis(50)).await;
        assert!(
            matches!(&answer, Err(Broken::Lost { reason }) if reason.contains("no answer within")),
            "{answer:?}"
        );
        engine.go_on.send(()).expect("the engine is still there");
        engine.answered.await.expect("the engine went on to answer");
    }

    #[tokio::test]
    async fn an_order_that_outlives_its_caller_is_not_cut_off() {
        let engine = stalling_engine();
        let order = Order::plain(Method::POST, "/containers/x/start".to_owned());
        let transport = engine.transport;
        let caller = tokio::spawn(async move { transport.order(order, ANSWER).await.is_ok() });
        engine.asked.await.expect("the order came");
        caller.abort();
        assert!(caller.await.is_err_and(|error| error.is_cancelled()));
        engine.go_on.send(()).expect("the engine is still there");
        engine.answered.await.expect("the engine could answer");
    }

    #[tokio::test]
    async fn what_was_never_sent_is_not_lost() {
        let nowhere = Address::Unix("/nowhere/socket".into());
        let transport = Transport::new(&nowhere, &Environment::default()).expect("a transport");
        let answer = transport.order(Order::plain(Method::POST, "/x".to_owned()), ANSWER).await;
        assert!(
            matches!(&answer, Err(Broken::NotSent { kind: Some(io::ErrorKind::NotFound), .. })),
            "{answer:?}"
        );
    }
}
