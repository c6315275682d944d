//! Opens streams to an engine: a socket, TCP, TLS, or a command over ssh.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::address::{Address, Environment, TlsFiles, authority};
use crate::host::{self, Shown, Trust};

/// How long it may take until a connection stands.
const CONNECT: Duration = Duration::from_secs(15);
/// The same, in the words of ssh, which also has to log in.
const SSH_CONNECT: &str = "ConnectTimeout=15";
/// How long ssh's complaints are waited for once it gave up. A connection that it shares with others
/// may keep its standard error open for good.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How many lines of ssh's complaints are kept for an error message.
const COMPLAINTS: usize = 5;

/// Opens one stream per call.
#[derive(Clone)]
pub(super) struct Connector(Arc<Way>);

struct Way {
    address: Address,
    tls: Option<Arc<ClientConfig>>,
    /// Where `ssh` is looked for.
    path: Option<String>,
    complaints: Mutex<Vec<String>>,
}

/// A stream to an engine.
pub(super) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// The child dies with the stream.
    Command {
        _child: Box<Child>,
        input: ChildStdin,
        output: ChildStdout,
        /// Done when the child has complained to the end; nothing when that was waited for.
        last_words: Option<LastWords>,
    },
}

type LastWords = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a connection by TLS trusts and shows.
fn tls(files: &TlsFiles) -> io::Result<ClientConfig> {
    let trust = files.ca.as_deref().map_or(Trust::System(&[]), Trust::Only);
    let shown =
        files.identity.as_ref().map(|identity| Shown { certificate: &identity.cert, key: &identity.key });
    host::client_config(&trust, shown.as_ref())
}

impl Connector {
    /// Prepares connections; reads certificates but opens nothing.
    pub(super) fn new(address: Address, environment: &Environment) -> io::Result<Self> {
        let tls = match &address {
            Address::Tcp { tls: Some(files), .. } => Some(Arc::new(tls(files)?)),
            Address::Tcp { tls: None, .. } | Address::Unix(_) | Address::Ssh { .. } => None,
        };
        let path = environment.var("PATH").map(str::to_owned);
        Ok(Self(Arc::new(Way { address, tls, path, complaints: Mutex::default() })))
    }

    /// What ssh wrote to its standard error lately.
    pub(super) fn complaints(&self) -> Vec<String> {
        self.0.complaints.lock().map(|lines| lines.clone()).unwrap_or_default()
    }

    async fn open(self) -> io::Result<Stream> {
        let way = &self.0;
        match &way.address {
            Address::Unix(path) => bounded(UnixStream::connect(path)).await.map(Stream::Unix),
            Address::Tcp { host, port, .. } => {
                let stream = bounded(TcpStream::connect(authority(host, *port))).await?;
                stream.set_nodelay(true)?;
                match &way.tls {
                    None => Ok(Stream::Tcp(stream)),
                    Some(config) => {
                        let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
                        let handshake = TlsConnector::from(Arc::clone(config)).connect(name, stream);
                        bounded(handshake).await.map(|stream| Stream::Tls(Box::new(stream)))
                    }
                }
            }
            Address::Ssh { .. } => self.spawn_ssh(),
        }
    }

    /// Starts `docker system dial-stdio` on the other side; its standard streams are the stream.
    fn spawn_ssh(&self) -> io::Result<Stream> {
        let mut command = Command::new("ssh");
        command.args(ssh_arguments(&self.0.address));
        if let Some(path) = &self.0.path {
            command.env("PATH", path);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // Ctrl-C at a terminal reaches a whole process group, and a step in hand is to be finished.
            .process_group(0)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("cannot start ssh: {error}")))?;
        let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(errors)) = streams else {
            return Err(io::Error::other("ssh has no standard streams"));
        };
        let connector = self.clone();
        let complaints = tokio::spawn(async move {
            let mut lines = BufReader::new(errors).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                connector.complain(line);
            }
        });
        let last_words = Box::pin(async move {
            // Whoever asks why a stream ended is told what is known by then.
            let _ = tokio::time::timeout(LAST_WORDS, complaints).await;
        });
        Ok(Stream::Command { _child: Box::new(child), input, output, last_words: Some(last_words) })
    }

    fn complain(&self, line: String) {
        if let Ok(mut lines) = self.0.complaints.lock() {
            if lines.len() == COMPLAINTS {
                lines.remove(0);
            }
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
}

/// The arguments that `docker` itself gives to ssh, and that nothing is asked of a person: several
/// connections at once cannot share a prompt.
fn ssh_arguments(address: &Address) -> Vec<String> {
    let Address::Ssh { user, host, port, socket } = address else { return Vec::new() };
    let mut arguments: Vec<String> =
        ["-o", SSH_CONNECT, "-o", "BatchMode=yes", "-T"].map(str::to_owned).to_vec();
    if let Some(user) = user {
        arguments.extend(["-l".to_owned(), user.clone()]);
    }
    if let Some(port) = port {
        arguments.extend(["-p".to_owned(), port.to_string()]);
    }
    arguments.extend(["--".to_owned(), host.clone(), "docker".to_owned()]);
    if let Some(socket) = socket {
        // The far side's shell reads this once more.
        arguments.extend(["--host".to_owned(), format!("'unix://{}'", socket.replace('\'', "'\\''"))]);
    }
    arguments.extend(["system".to_owned(), "dial-stdio".to_owned()]);
    arguments
}

async fn bounded<T>(connecting: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(CONNECT, connecting).await {
        Ok(answer) => answer,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no connection within {} s", CONNECT.as_secs()),
        )),
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Stream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.open().await.map(TokioIo::new) })
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

/// Waits until a command that ended has said why.
fn heard(last_words: &mut Option<LastWords>, cx: &mut Context<'_>) -> Poll<()> {
    if let Some(waiting) = last_words {
        ready!(waiting.as_mut().poll(cx));
        *last_words = None;
    }
    Poll::Ready(())
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Command { output, last_words, .. } => {
                let before = buffer.filled().len();
                let read = ready!(Pin::new(output).poll_read(cx, buffer));
                if read.is_err() || buffer.filled().len() == before {
                    ready!(heard(last_words, cx));
                }
                Poll::Ready(read)
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Command { input, last_words, .. } => {
                let written = ready!(Pin::new(input).poll_write(cx, bytes));
                if written.is_err() {
                    ready!(heard(last_words, cx));
                }
                Poll::Ready(written)
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Command { input, .. } => Pin::new(input).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Command { input, .. } => Pin::new(input).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_is_called_as_docker_calls_it() {
        let address = Address::Ssh {
            user: Some("me".to_owned()),
            host: "h".to_owned(),
            port: Some(2222),
            socket: Some("/run/d.sock".to_owned()),
        };
        assert_eq!(
            ssh_arguments(&address).join(" "),
            "-o ConnectTimeout=15 -o BatchMode=yes -T -l me -p 2222 -- h docker --host 'unix:///run/d.sock' system \
             dial-stdio"
        );
    }
}
