//! A registry of one image, in this process: enough of it for an engine to pull from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::rig::engines::Engine;

pub struct Registry {
    pub port: u16,
    content: Arc<Mutex<Content>>,
}

#[derive(Default)]
struct Content {
    /// Media type and bytes by path.
    paths: BTreeMap<String, (String, Vec<u8>)>,
    /// The `Authorization` that is asked for.
    login: Option<String>,
}

const TLS_HANDSHAKE: u8 = 0x16;
const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

impl Registry {
    /// Listens where the engine can reach it; needs a runtime.
    pub fn start(engine: &Engine) -> Self {
        let listener = engine.listen();
        listener.set_nonblocking(true).expect("a socket");
        let listener = TcpListener::from_std(listener).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let content = Arc::new(Mutex::new(Content::default()));
        let shared = Arc::clone(&content);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { port, content }
    }

    pub fn name(&self, repository: &str) -> String {
        format!("127.0.0.1:{}/{repository}", self.port)
    }

    /// Asks everybody for this login from now on.
    pub fn demand(&self, login: &str) {
        let demanded = format!("Basic {}", STANDARD.encode(login));
        self.content.lock().expect("content").login = Some(demanded);
    }

    /// Makes `repository:tag` an image whose only file says `text`; gives the manifest's digest.
    pub fn publish(&self, repository: &str, tag: &str, text: &str) -> String {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, "text", text.as_bytes()).expect("an entry");
        let layer = tar.into_inner().expect("a layer");
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {"Cmd": ["x"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
        })
        .to_string()
        .into_bytes();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": config.len(), "digest": digest(&config)},
            "layers": [{
                "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                "size": layer.len(), "digest": digest(&layer)}],
        })
        .to_string()
        .into_bytes();
        let manifest_digest = digest(&manifest);
        let mut content = self.content.lock().expect("content");
        let blob = "application/octet-stream";
        for bytes in [layer, config] {
            let path = format!("/v2/{repository}/blobs/{}", digest(&bytes));
            content.paths.insert(path, (blob.to_owned(), bytes));
        }
        for version in [tag, &manifest_digest] {
            let path = format!("/v2/{repository}/manifests/{version}");
            content.paths.insert(path, (MANIFEST.to_owned(), manifest.clone()));
        }
        manifest_digest
    }
}

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Answers one request per connection.
async fn serve(mut stream: TcpStream, content: Arc<Mutex<Content>>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            // The engine tries TLS first, and must see that this is not how one speaks here.
            Ok(_) if buffer[0] == TLS_HANDSHAKE => {
                let _ = stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n").await;
                return;
            }
            Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let mut words = request.split_whitespace();
    let is_head = words.next() == Some("HEAD");
    let path = words.next().unwrap_or_default().to_owned();
    let (head, body) = answer(&path, &request, &content.lock().expect("content"));
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    if !is_head {
        let _ = stream.write_all(&body).await;
    }
    let _ = stream.shutdown().await;
}

fn answer(path: &str, request: &str, content: &Content) -> (String, Vec<u8>) {
    let is_let_in = content.login.as_ref().is_none_or(|login| {
        let given = request.lines().filter_map(|line| line.split_once(": "));
        given.into_iter().any(|(key, value)| key.eq_ignore_ascii_case("authorization") && value == login)
    });
    if !is_let_in {
        let head =
            "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Type: application/json";
        return (head.to_owned(), br#"{"errors":[{"code":"UNAUTHORIZED","message":"log in"}]}"#.to_vec());
    }
    if path == "/v2/" {
        return ("200 OK\r\nDocker-Distribution-Api-Version: registry/2.0".to_owned(), b"{}".to_vec());
    }
    match content.paths.get(path) {
        Some((kind, bytes)) => {
            let head = format!("200 OK\r\nContent-Type: {kind}\r\nDocker-Content-Digest: {}", digest(bytes));
            (head, bytes.clone())
        }
        None => {
            let body = br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#.to_vec();
            ("404 Not Found\r\nContent-Type: application/json".to_owned(), body)
        }
    }
}
