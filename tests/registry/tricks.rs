//! What a real registry cannot be made to do: a small server answers from a script.

use super::{parse, wait};
use evenkeel::registry::{Registries, RegistryError, RegistrySettings, Settings};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A server whose n-th answer is the n-th text; the last one again and again.
struct Script {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Script {
    fn new(answers: impl FnOnce(u16) -> Vec<String>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let answers = answers(port);
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&requests);
        // The thread ends with the process; a client that was dropped leaves it waiting.
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(mut stream) = stream else { return };
                let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
                seen.lock().expect("nobody panics").push(head);
                let answer = answers.get(number).or(answers.last()).expect("an answer");
                drop(stream.write_all(answer.as_bytes()));
            }
        });
        Self { port, requests }
    }

    fn name(&self, image: &str) -> String {
        format!("127.0.0.1:{}/{image}", self.port)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("nobody panics").clone()
    }

    fn first_lines(&self) -> Vec<String> {
        self.requests().iter().filter_map(|head| head.lines().next().map(str::to_owned)).collect()
    }
}

/// An answer that ends with the connection.
fn answer(status: &str, headers: &[&str], body: &str) -> String {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn found() -> String {
    let digest = format!("Docker-Content-Digest: sha256:{}", "ab".repeat(32));
    answer("200 OK", &["Content-Type: application/vnd.oci.image.manifest.v1+json", &digest], "")
}

fn anyone() -> Registries {
    Registries::new(Settings::default())
}

#[test]
fn a_busy_registry_is_left_alone_as_long_as_it_wants() {
    let script = Script::new(|_| vec![answer("429 Too Many Requests", &["Retry-After: 1"], ""), found()]);
    let head = wait(anyone().head(&parse(&script.name("web:1"))));
    assert!(head.is_ok(), "{head:?}");
    assert_eq!(script.requests().len(), 2);
    // Nobody waits for an hour.
    let script = Script::new(|_| vec![answer("429 Too Many Requests", &["Retry-After: 3600"], "")]);
    let head = wait(anyone().head(&parse(&script.name("web:1"))));
    let Err(RegistryError::Limited { wait: Some(wait), .. }) = head else { panic!("{head:?}") };
    assert_eq!((wait.as_secs(), script.requests().len()), (3600, 1));
}

#[test]
fn an_error_of_the_registry_is_tried_again_and_then_told() {
    let script = Script::new(|_| vec![answer("502 Bad Gateway", &[], ""), found()]);
    assert!(wait(anyone().head(&parse(&script.name("web:1")))).is_ok());
    let body = r#"{"errors":[{"code":"UNKNOWN","message":"the disk is full"}]}"#;
    let script = Script::new(|_| vec![answer("500 Internal Server Error", &[], body)]);
    let answer = wait(anyone().manifest(&parse(&script.name("web:1"))));
    let Err(error @ RegistryError::Answered { status: 500, .. }) = answer else { panic!("{answer:?}") };
    assert!(error.to_string().ends_with("answered 500 to image web:1: the disk is full"), "{error}");
    assert_eq!(script.requests().len(), 3);
}

#[test]
fn what_is_denied_is_not_tried_again() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let body = r#"{"errors":[{"code":"DENIED","message":"not for you"}]}"#;
        let script = Script::new(|_| vec![answer(status, &[], body)]);
        let answer = wait(anyone().manifest(&parse(&script.name("web:1"))));
        let Err(RegistryError::Denied { message, logged_in: false, .. }) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!((message.as_str(), script.requests().len()), ("not for you", 1));
    }
}

#[test]
fn bytes_that_do_not_fit_their_digest_are_refused() {
    let digest = format!("sha256:{}", "00".repeat(32));
    let script = Script::new(|_| vec![answer("200 OK", &[], r#"{"schemaVersion": 2}"#)]);
    let tampered = wait(anyone().manifest(&parse(&format!("{}@{digest}", script.name("web")))));
    let Err(RegistryError::Garbled { message, .. }) = tampered else { panic!("{tampered:?}") };
    assert!(message.contains("its digest is sha256:") && message.contains(&digest), "{message}");
    let cut =
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n{\"schemaVersion\"".to_owned();
    let script = Script::new(|_| vec![cut]);
    let truncated = wait(anyone().manifest(&parse(&script.name("web:1"))));
    assert!(matches!(truncated, Err(RegistryError::Garbled { .. })), "{truncated:?}");
    let script = Script::new(|_| vec![answer("200 OK", &[], &" ".repeat(5 << 20))]);
    let endless = wait(anyone().manifest(&parse(&script.name("web:1"))));
    assert!(matches!(endless, Err(RegistryError::Garbled { .. })), "{endless:?}");
}

#[test]
fn a_token_is_asked_for_once_and_for_no_more_than_needed() {
    let challenge = |port: u16| {
        format!(r#"WWW-Authenticate: Bearer realm="http://127.0.0.1:{port}/token?x=y",service="my registry""#)
    };
    let script = Script::new(|port| {
        vec![
            answer("401 Unauthorized", &[&challenge(port)], ""),
            answer("200 OK", &[], r#"{"token": "t0k3n", "expires_in": 300}"#),
            found(),
        ]
    });
    let registries = anyone();
    let name = parse(&script.name("shop/web:1"));
    wait(async {
        registries.head(&name).await.expect("a digest");
        registries.head(&name).await.expect("a digest");
    });
    assert_eq!(
        script.first_lines(),
        [
            "HEAD /v2/shop/web/manifests/1 HTTP/1.1",
            "GET /token?x=y&scope=repository%3Ashop%2Fweb%3Apull&service=my%20registry HTTP/1.1",
            "HEAD /v2/shop/web/manifests/1 HTTP/1.1",
            "HEAD /v2/shop/web/manifests/1 HTTP/1.1",
        ]
    );
    assert!(script.requests()[3].to_lowercase().contains("authorization: bearer t0k3n"));
}

#[test]
fn a_registry_that_sends_logins_elsewhere_gets_none() {
    let elsewhere = Script::new(|_| vec![found()]);
    let redirect = format!("Location: http://localhost:{}/v2/web/manifests/1", elsewhere.port);
    let script = Script::new(|port| {
        vec![
            answer(
                "401 Unauthorized",
                &[&format!(r#"WWW-Authenticate: Bearer realm="http://127.0.0.1:{port}/t""#)],
                "",
            ),
            answer("200 OK", &[], r#"{"token": "t0k3n"}"#),
            answer("307 Temporary Redirect", &[&redirect], ""),
        ]
    });
    drop(wait(anyone().head(&parse(&script.name("web:1")))));
    let seen = elsewhere.requests();
    assert!(seen.iter().all(|head| !head.to_lowercase().contains("authorization")), "{seen:?}");
}

#[test]
fn a_silent_registry_is_waited_for_no_longer_than_is_said() {
    // Connections are made, and nobody ever takes them.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let own = RegistrySettings { timeout: Some(Duration::from_secs(1)), ..RegistrySettings::default() };
    let settings = Settings { registries: [(host.clone(), own)].into(), docker_config: None };
    let answer = wait(Registries::new(settings).head(&parse(&format!("{host}/web:1"))));
    let Err(RegistryError::Unreachable { message, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(message, "no answer within 1 s");
}

#[test]
fn a_registry_that_never_comes_to_an_end_is_left() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    // A byte now and then; the thread ends when its client goes.
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
        let mut head = String::new();
        while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        while sent.is_ok() {
            thread::sleep(Duration::from_millis(100));
            sent = stream.write_all(b"x");
        }
    });
    let own = RegistrySettings { timeout: Some(Duration::from_secs(1)), ..RegistrySettings::default() };
    let settings = Settings { registries: [(host.clone(), own)].into(), docker_config: None };
    let answer = wait(Registries::new(settings).manifest(&parse(&format!("{host}/web:1"))));
    let Err(RegistryError::Unreachable { message, .. }) = answer else { panic!("{answer:?}") };
    assert!(message.contains("takes longer than 2 s"), "{message}");
}

#[test]
fn a_dead_registry_is_said_to_be_and_its_mirror_is_asked() {
    // Nothing listens on port 1 of this address, and nobody gets it by chance.
    let dead = "127.9.9.9:1".to_owned();
    let name = format!("{dead}/web:1");
    let answer = wait(anyone().head(&parse(&name)));
    let Err(RegistryError::Unreachable { registry, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(registry, dead);
    let mirror = Script::new(|_| vec![found()]);
    let own = RegistrySettings {
        mirrors: vec![format!("127.0.0.1:{}", mirror.port)],
        ..RegistrySettings::default()
    };
    let settings = Settings { registries: [(dead, own)].into(), docker_config: None };
    assert!(wait(Registries::new(settings).head(&parse(&name))).is_ok());
}
