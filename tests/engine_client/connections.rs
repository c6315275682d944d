//! Ways to an engine: plain TCP, TLS, ssh; and what is said where there is none.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use evenkeel::engine::{
    Environment, Observe, ObserveError, Perform, PerformError, Performer, Wanted, connect,
};
use evenkeel::world::{Id, Step, Target};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, UnixStream};

use super::fixture::{each, environment};
use crate::rig::numbers::closed_port;

fn plain_environment(vars: &[(&str, &str)]) -> Environment {
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Environment { home: None, vars }
}

async fn to_engine(socket: PathBuf, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    if let Ok(mut engine) = UnixStream::connect(socket).await {
        let _ = copy_bidirectional(&mut stream, &mut engine).await;
    }
}

/// Passes TCP on to the engine; a connection that sends a POST is cut before the engine answers.
async fn engine_that_loses_answers(socket: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let socket = socket.clone();
            tokio::spawn(async move {
                let mut seen = [0; 5];
                while let Ok(read) = stream.peek(&mut seen).await {
                    if read == 0 || &seen[..read.min(4)] == b"POST" {
                        return;
                    }
                    if read >= 4 {
                        break;
                    }
                }
                to_engine(socket, OneQuestion(stream)).await;
            });
        }
    });
    port
}

/// A stream that ends with the first POST that comes through it.
struct OneQuestion(tokio::net::TcpStream);

impl AsyncRead for OneQuestion {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = std::pin::Pin::new(&mut self.0).poll_read(cx, buffer);
        if buffer.filled()[before..].starts_with(b"POST") {
            return std::task::Poll::Ready(Err(std::io::ErrorKind::ConnectionReset.into()));
        }
        polled
    }
}

impl AsyncWrite for OneQuestion {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::pin::Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[test]
fn an_answer_that_is_cut_off_is_lost_and_a_closed_port_is_not() {
    each(async |fixture| {
        let port = engine_that_loses_answers(fixture.engine.socket().to_owned()).await;
        let client = connect(Some(&format!("tcp://127.0.0.1:{port}")), &plain_environment(&[]))
            .await
            .expect("a client");
        client.world(&Wanted::default()).await.expect("a world");
        let container = Target::new(&Id::Engine("ekeng-nobody".to_owned()), "nobody");
        let start = Step::StartContainer { container };
        let lost = Performer::new(client).perform(&start, &|_| {}).await;
        assert!(matches!(lost, Err(PerformError::Lost { .. })), "{lost:?}");

        let closed = closed_port();
        let address = format!("tcp://127.0.0.1:{}", closed.port);
        let error = connect(Some(&address), &plain_environment(&[])).await.err();
        assert!(matches!(error, Some(ObserveError::Unreachable { hint: Some(_), .. })), "{error:?}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_is_told_with_what_to_do() {
    let error = connect(Some("unix:///nowhere/docker.sock"), &plain_environment(&[])).await.err();
    let Some(ObserveError::Unreachable { address, hint: Some(hint), .. }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(address, "unix:///nowhere/docker.sock");
    assert!(hint.contains("is the engine running?"), "{hint}");
}

/// A program of its own writes it: a file that this process has open for writing would be open in
/// whatever another test starts at that moment, and then the kernel runs it for nobody.
fn script(folder: &Path, name: &str, text: &str) {
    let write = ["-c", "printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh"];
    let written = Command::new("sh").args(write).arg(folder.join(name)).arg(text).status();
    assert!(written.is_ok_and(|status| status.success()), "cannot write {name}");
}

#[test]
fn ssh_is_a_way_to_an_engine() {
    each(async |fixture| {
        let folder = tempfile::tempdir().expect("a folder");
        // Like ssh: what stands behind the host is read by a shell.
        script(
            folder.path(),
            "ssh",
            "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift 2\nexec sh -c \"$*\"\n",
        );
        let path = format!("{}:{}", folder.path().display(), environment().var("PATH").unwrap_or_default());
        let environment = plain_environment(&[("PATH", &path)]);
        let client =
            connect(Some(&format!("ssh://me@host{}", fixture.engine.socket().display())), &environment)
                .await
                .expect("a client");
        let world = client.world(&Wanted::default()).await.expect("a world");
        assert!(!world.engine.id.is_empty());

        script(
            folder.path(),
            "ssh",
            "#!/bin/sh\necho 'me@host: Permission denied (publickey).' >&2\nexit 255\n",
        );
        let error = connect(Some("ssh://me@host"), &environment).await.err();
        let Some(ObserveError::Unreachable { reason, hint: Some(hint), .. }) = error else {
            panic!("{error:?}")
        };
        assert!(reason.contains("Permission denied (publickey)"), "{reason}");
        assert!(hint.contains("ssh host docker version"), "{hint}");
    });
}

/// A certificate authority, and certificates for a server called 127.0.0.1 and for a client.
const CERTIFICATES: &str = r#"set -e; cd "$1"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca-key.pem -out ca.pem
    for who in server client; do
        file=$([ $who = client ] && echo . || echo server); mkdir -p $file
        openssl req -newkey rsa:2048 -nodes -subj /CN=$who -keyout $file/key.pem -out $who.csr
        printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' > ext
        openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -extfile ext -out $file/cert.pem
    done"#;

fn tls_server(folder: &Path) -> Arc<rustls::ServerConfig> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let certificates = |name: &str| -> Vec<CertificateDer<'static>> {
        let read = CertificateDer::pem_file_iter(folder.join(name)).expect("a file");
        read.collect::<Result<_, _>>().expect("certificates")
    };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates("ca.pem") {
        roots.add(certificate).expect("an authority");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .expect("a verifier");
    let key = PrivateKeyDer::from_pem_file(folder.join("server/key.pem")).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates("server/cert.pem"), key)
        .expect("a server");
    Arc::new(config)
}

#[test]
fn tls_shows_a_certificate_and_checks_the_engines() {
    each(async |fixture| {
        let folder = tempfile::tempdir().expect("a folder");
        let made = Command::new("sh").args(["-c", CERTIFICATES, "sh"]).arg(folder.path()).output();
        if !made.is_ok_and(|made| made.status.success()) {
            eprintln!("skipped: openssl is not there to make certificates");
            return;
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let acceptor = tokio_rustls::TlsAcceptor::from(tls_server(folder.path()));
        let socket = fixture.engine.socket().to_owned();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, socket) = (acceptor.clone(), socket.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        to_engine(socket, stream).await;
                    }
                });
            }
        });
        let address = format!("tcp://127.0.0.1:{port}");
        let files = folder.path().display().to_string();
        let trusting = plain_environment(&[("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", &files)]);
        let client = connect(Some(&address), &trusting).await.expect("a client");
        assert!(!client.engine().await.expect("facts").id.is_empty());

        // Without a certificate of its own, the client is not let in.
        std::fs::remove_file(folder.path().join("key.pem")).expect("removed");
        assert!(matches!(
            connect(Some(&address), &trusting).await.err(),
            Some(ObserveError::Unreachable { .. })
        ));
        // An engine whose certificate nobody knows is not trusted.
        let other = tempfile::tempdir().expect("a folder");
        let made = Command::new("sh").args(["-c", CERTIFICATES, "sh"]).arg(other.path()).output();
        assert!(made.is_ok_and(|made| made.status.success()));
        let files = other.path().display().to_string();
        let doubting = plain_environment(&[("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", &files)]);
        let error = connect(Some(&address), &doubting).await.err();
        let Some(ObserveError::Unreachable { reason, .. }) = error else { panic!("{error:?}") };
        assert!(reason.contains("certificate"), "{reason}");
    });
}
