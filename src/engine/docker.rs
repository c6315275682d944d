//! bollard's calls on our own connections: pull, build, load, tag, logs. Create, inspect and update stay raw JSON,
//! since bollard's types drop what they do not know.
//!
//! Mended here, of bollard 0.21.1: its paths bear no version, a request may bear two content types, its only bound
//! would drop a call that changes something, its encoding of credentials is not the one that engines read, and a
//! last line break that comes alone is an error. It writes bodies to `log`: Cargo.toml compiles that out.

use std::io;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::mpsc;

use super::transport::{Broken, Transport, encoded, told};

/// Seconds; the bounds are ours.
const NO_BOUND: u64 = u64::MAX;
/// What tokio-util says if an answer ends well but with bytes that are no message.
const LEFT_OVER: &str = "bytes remaining on stream";

/// What became of a call that did not end well.
#[derive(Debug)]
pub(super) enum Failure {
    /// The engine refused it from the start.
    Refused {
        status: u16,
        message: String,
    },
    /// The engine began, and said why it gave up.
    Failed {
        message: String,
    },
    Broken(Broken),
}

/// The messages of one call. Giving them up does not end the call.
pub(super) struct Messages<T> {
    /// Ends with a nothing, unless the call panicked.
    receiver: mpsc::UnboundedReceiver<Option<Result<T, Error>>>,
    silence: Duration,
    transport: Transport,
}

impl Transport {
    /// bollard's client; its requests go the same way as all others.
    pub(super) fn docker(&self) -> Result<Docker, Error> {
        let transport = self.clone();
        let pass_on = move |request| {
            let transport = transport.clone();
            async move { transport.pass_on(request).await }
        };
        // Neither this host nor this version is sent.
        Docker::connect_with_custom_transport(pass_on, Some("http://docker"), NO_BOUND, API_DEFAULT_VERSION)
    }

    async fn pass_on(&self, request: BollardRequest) -> Result<Response<Incoming>, Error> {
        let (mut head, body) = request.into_parts();
        head.uri = self.uri(head.uri.path_and_query().map_or("/", |path| path.as_str())).parse()?;
        // The call's own comes first, the second always says JSON.
        if let Some(first) = head.headers.get(CONTENT_TYPE).cloned() {
            head.headers.insert(CONTENT_TYPE, first);
        }
        let body = body.map_err(io::Error::other).boxed_unsync();
        self.send(Request::from_parts(head, body)).await.map_err(Error::from)
    }

    /// Makes a call that changes something, in the background.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Error>> + Send + 'static,
        bound: Duration,
    ) -> Result<T, Failure> {
        let answer = self.in_background(call, self.bound(bound)).await.map_err(Failure::Broken)?;
        answer.map_err(|error| self.failure(error))
    }

    /// Makes a call whose answer comes in messages. It is lost if there is silence for too long.
    pub(super) fn messages<T: Send + 'static>(
        &self,
        docker: Docker,
        call: impl FnOnce(&Docker) -> BoxStream<'_, Result<T, Error>> + Send + 'static,
        silence: Duration,
    ) -> Messages<T> {
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut messages = call(&docker);
            while let Some(message) = messages.next().await {
                // Nobody listens any more if the silence was too long.
                let _ = sender.send(Some(message));
            }
            let _ = sender.send(None);
        });
        Messages { receiver, silence, transport: self.clone() }
    }

    pub(super) fn failure(&self, error: Error) -> Failure {
        match error {
            Error::DockerResponseServerError { status_code, message } => {
                let status = StatusCode::from_u16(status_code).unwrap_or_default();
                Failure::Refused { status: status_code, message: told(status, message.as_bytes()) }
            }
            Error::DockerStreamError { error } => Failure::Failed { message: error.trim().to_owned() },
            Error::HyperLegacyError { err } => Failure::Broken(self.broken(&err)),
            Error::URLEncodedError { .. }
            | Error::URLParseError { .. }
            | Error::InvalidURIError { .. }
            | Error::HttpClientError { .. } => {
                Failure::Broken(Broken::NotSent { reason: self.deepest(&error), kind: None })
            }
            error => Failure::Broken(Broken::Lost { reason: self.deepest(&error) }),
        }
    }
}

impl<T> Messages<T> {
    /// The next message; nothing when the answer ended well.
    pub(super) async fn next(&mut self) -> Option<Result<T, Failure>> {
        let reason = match tokio::time::timeout(self.silence, self.receiver.recv()).await {
            Ok(Some(None)) => return None,
            Ok(Some(Some(Ok(message)))) => return Some(Ok(message)),
            // HTTP says that the answer is whole, so all that can be left is white space.
            Ok(Some(Some(Err(Error::IOError { err })))) if err.to_string() == LEFT_OVER => return None,
            Ok(Some(Some(Err(error)))) => return Some(Err(self.transport.failure(error))),
            Ok(None) => "internal error: the call panicked".to_owned(),
            Err(_) => format!("the engine said nothing for {} s", self.silence.as_secs()),
        };
        Some(Err(Failure::Broken(Broken::Lost { reason })))
    }
}

/// The same client with one more header on every request. bollard would put credentials into the usual alphabet of
/// base64, which engines take for no credentials as soon as there is a `+` or a `/`.
pub(super) fn with_header(docker: &Docker, header: Option<(HeaderName, HeaderValue)>) -> Docker {
    let docker = docker.clone();
    let Some((name, value)) = header else { return docker };
    docker.with_request_modifier(move |mut request| {
        request.headers_mut().insert(name.clone(), value.clone());
        request
    })
}

/// As `with_header`, and with more in the query of every request.
pub(super) fn with_query(
    docker: &Docker,
    header: Option<(HeaderName, HeaderValue)>,
    query: Vec<(String, String)>,
) -> Docker {
    let more: Vec<String> =
        query.iter().map(|(key, value)| format!("{}={}", encoded(key), encoded(value))).collect();
    let more = more.join("&");
    docker.clone().with_request_modifier(move |mut request| {
        if let Some((name, value)) = &header {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        let uri = request.uri().to_string();
        let joint = if uri.contains('?') { '&' } else { '?' };
        // What was encoded is a part of a URI.
        if !more.is_empty()
            && let Ok(uri) = format!("{uri}{joint}{more}").parse()
        {
            *request.uri_mut() = uri;
        }
        request
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::address::{Address, Environment};
    use bollard::models::BuildInfo;
    use bollard::query_parameters::{BuildImageOptions, TagImageOptions};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::task::JoinHandle;

    const PAUSE: Duration = Duration::from_millis(30);

    /// Answers one request with these pieces, and gives the request.
    struct Engine {
        _folder: tempfile::TempDir,
        transport: Transport,
        request: JoinHandle<String>,
    }

    fn engine(pieces: &'static [&'static str]) -> Engine {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let listener = tokio::net::UnixListener::bind(&path).expect("a socket");
        let request = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                assert!(stream.read_buf(&mut request).await.expect("a request") > 0);
            }
            for piece in pieces {
                stream.write_all(piece.as_bytes()).await.expect("somebody listens");
                tokio::time::sleep(PAUSE).await;
            }
            String::from_utf8(request).expect("text")
        });
        let transport = Transport::new(&Address::Unix(path), &Environment::default()).expect("a transport");
        Engine { _folder: folder, transport: transport.speaking((1, 41)), request }
    }

    async fn build(engine: &Engine, silence: Duration) -> Result<Vec<BuildInfo>, Failure> {
        let docker = engine.transport.docker().expect("a client");
        let header = (HeaderName::from_static("x-registry-config"), HeaderValue::from_static("a-b_"));
        let mut messages = engine.transport.messages(
            with_header(&docker, Some(header)),
            |docker| {
                let body = bollard::body_full(bytes::Bytes::from_static(b"tar"));
                docker.build_image(BuildImageOptions::default(), None, Some(body)).boxed()
            },
            silence,
        );
        let mut all = Vec::new();
        while let Some(message) = messages.next().await {
            all.push(message?);
        }
        Ok(all)
    }

    const LONG: Duration = Duration::from_secs(10);
    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n";

    #[tokio::test]
    async fn messages_are_whole_wherever_the_pieces_end() {
        let pieces: [&[&str]; 3] = [
            &[OK, "{\"stream\":\"a\\n\"}\r\n{\"stream\":\"b\",\"x\":[]}\r\n"],
            &[OK, "{\"stream\":\"a\\", "n\"}\r", "\n{\"stream\":\"b\",", "\"x\":[]}\r\n"],
            &[OK, "{\"stream\":\"a\\n\"}", "\r\n{\"stream\":\"b\",\"x\":[]}", "\r\n"],
        ];
        for pieces in pieces {
            let engine = engine(pieces);
            let told = build(&engine, LONG).await.expect("a good end");
            let told: Vec<_> = told.into_iter().filter_map(|message| message.stream).collect();
            assert_eq!(told, ["a\n", "b"], "{pieces:?}");
        }
    }

    #[tokio::test]
    async fn requests_bear_the_version_the_credentials_and_one_content_type() {
        let engine = engine(&["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]);
        build(&engine, LONG).await.expect("a good end");
        assert_eq!(engine.transport.requests(), 1);
        let request = engine.request.await.expect("a request").to_lowercase();
        assert!(request.starts_with("post /v1.41/build?"), "{request}");
        assert!(request.contains("x-registry-config: a-b_\r\n"), "{request}");
        let types: Vec<_> = request.lines().filter(|line| line.starts_with("content-type")).collect();
        assert_eq!(types, ["content-type: application/x-tar"]);
    }

    #[test]
    fn what_bollard_writes_of_requests_and_answers_is_compiled_out() {
        assert!(log::STATIC_MAX_LEVEL <= log::LevelFilter::Info, "see Cargo.toml");
    }

    #[tokio::test]
    async fn what_an_engine_refuses_gives_up_and_leaves_open_is_told_apart() {
        let refusing =
            engine(&["HTTP/1.1 409 Conflict\r\nContent-Length: 18\r\n\r\n{\"message\":\"no\\n\"}"]);
        let refused = build(&refusing, LONG).await.expect_err("a refusal");
        assert!(
            matches!(&refused, Failure::Refused { status: 409, message } if message == "no"),
            "{refused:?}"
        );
        let wordless = engine(&["HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n"]);
        let refused = build(&wordless, LONG).await.expect_err("a refusal");
        assert!(matches!(&refused, Failure::Refused { message, .. } if message == "conflict"), "{refused:?}");

        let failing = engine(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n",
            "{\"errorDetail\":{\"code\":3,\"message\":\"why\"}}\r\n",
        ]);
        let failed = build(&failing, LONG).await.expect_err("a failure");
        assert!(matches!(&failed, Failure::Failed { message } if message == "why"), "{failed:?}");

        let cut = engine(&["HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "{\"stream\":\"a\"}\r\n"]);
        let lost = build(&cut, LONG).await.expect_err("a cut");
        assert!(matches!(lost, Failure::Broken(Broken::Lost { .. })), "{lost:?}");
    }

    #[tokio::test]
    async fn a_silent_engine_is_given_up_but_not_cut_off() {
        let silent =
            engine(&["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "", "", "", "{}\r\n", "{}\r\n\n"]);
        let lost = build(&silent, PAUSE / 2).await.expect_err("silence");
        let Failure::Broken(Broken::Lost { reason }) = lost else { panic!("{lost:?}") };
        assert!(reason.contains("said nothing"), "{reason}");
        silent.request.await.expect("the engine could say all it had to say");
    }

    #[tokio::test]
    async fn a_change_that_takes_too_long_is_lost_and_goes_on() {
        let slow = engine(&["", "", "", "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"]);
        let docker = slow.transport.docker().expect("a client");
        let call = async move { docker.tag_image("x", None::<TagImageOptions>).await };
        let lost = slow.transport.change(call, PAUSE).await;
        assert!(matches!(lost, Err(Failure::Broken(Broken::Lost { .. }))), "{lost:?}");
        slow.request.await.expect("the engine could answer");
        let gone = Transport::new(&Address::Unix("/nowhere/socket".into()), &Environment::default());
        let gone = gone.expect("a transport");
        let docker = gone.docker().expect("a client");
        let call = async move { docker.tag_image("x", None::<TagImageOptions>).await };
        let not_sent = gone.change(call, LONG).await;
        assert!(matches!(not_sent, Err(Failure::Broken(Broken::NotSent { .. }))), "{not_sent:?}");
    }
}
