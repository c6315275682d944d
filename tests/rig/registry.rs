//! A registry on loopback: Debian's `docker-registry` as a process of the test, with a storage folder of its own.
//! Engines take 127.0.0.0/8 for insecure by default, so no certificate is needed; a private engine has a loopback of
//! its own and cannot reach it.

use super::engines::Engine;
use super::http::query;
use super::numbers::free_port;
use super::scope::{Scope, temp_folder};
use super::waiting::LIMIT;
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub struct Registry {
    folder: TempDir,
    port: u16,
    access: Access,
    process: Option<Process>,
}

/// Whom a registry lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Anyone,
    /// Only `USER` with `PASSWORD`.
    Password,
    /// Anyone, over TLS; its authority's certificate is `Registry::authority`.
    Tls,
}

pub const USER: &str = "ships";
pub const PASSWORD: &str = "open sesame";
/// `PASSWORD`, as bcrypt has it.
const HASH: &str = "$2b$05$KbQi9p1zYxWvUtSrQpOnMeDtU4RgDDY..3SauensdxRL8YKEsrbaG";
/// `USER:PASSWORD` in base64.
const BASIC: &str = "c2hpcHM6b3BlbiBzZXNhbWU=";

/// A certificate authority, and a certificate for a server called 127.0.0.1: $1 folder.
const CERTIFICATES: &str = r#"set -e; cd "$1"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca-key.pem -out ca.pem
    openssl req -newkey rsa:2048 -nodes -subj /CN=registry -keyout key.pem -out request.pem
    printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' > ext
    openssl x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -extfile ext -out cert.pem"#;

struct Process {
    keeper: Child,
    /// Its end is the end of the registry, however this process ends.
    life: ChildStdin,
}

/// Runs the registry until its input ends: $1 configuration.
const KEEPER: &str =
    r#"docker-registry serve "$1" >"$1.log" 2>&1 & registry=$!; read -r _; kill -KILL $registry"#;

/// The headers by which a registry tells of manifests of every sort.
const ACCEPT: &str = "application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.oci.image.index.v1+json";

impl Registry {
    /// Starts a registry that lets anyone in, or says why there is none.
    pub fn start() -> Result<Self, String> {
        Self::start_for(Access::Anyone)
    }

    /// Starts a registry, or says why there is none.
    pub fn start_for(access: Access) -> Result<Self, String> {
        let mut registry = Self { folder: temp_folder(), port: free_port(), access, process: None };
        let folder = registry.folder.path();
        let storage = folder.join("storage");
        let more = match access {
            Access::Anyone => String::new(),
            Access::Password => {
                let file = folder.join("htpasswd");
                fs::write(&file, format!("{USER}:{HASH}\n")).map_err(|error| error.to_string())?;
                format!("auth:\n  htpasswd: {{realm: test, path: '{}'}}\n", file.display())
            }
            Access::Tls => {
                let made = Command::new("sh").args(["-c", CERTIFICATES, "sh"]).arg(folder).output();
                if !made.is_ok_and(|made| made.status.success()) {
                    return Err("openssl is not there to make certificates".to_owned());
                }
                String::new()
            }
        };
        let tls = match access {
            Access::Tls => {
                let file = |name: &str| folder.join(name).display().to_string();
                format!(", tls: {{certificate: '{}', key: '{}'}}", file("cert.pem"), file("key.pem"))
            }
            Access::Anyone | Access::Password => String::new(),
        };
        let config = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage:\n  filesystem: {{rootdirectory: '{}'}}\n  delete: {{enabled: true}}\n\
             http: {{addr: '127.0.0.1:{}'{tls}}}\n{more}",
            storage.display(),
            registry.port
        );
        fs::write(registry.folder.path().join("config.yml"), config).map_err(|error| error.to_string())?;
        registry.resume()?;
        Ok(registry)
    }

    /// `127.0.0.1:PORT`: what the names of its images begin with.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The name of an image in this registry.
    pub fn name(&self, image: &str) -> String {
        format!("{}/{image}", self.host())
    }

    /// The certificate to trust, as a PEM file.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A folder for Docker's client configuration, with the login.
    pub fn docker_config(&self) -> PathBuf {
        let folder = self.folder.path().join("docker");
        let config = format!(r#"{{"auths":{{"{}":{{"auth":"{BASIC}"}}}}}}"#, self.host());
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join("config.json"), config))
            .expect("an own folder");
        folder
    }

    /// Stops it; what was pushed stays.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again after `stop`.
    pub fn resume(&mut self) -> Result<(), String> {
        let config = self.folder.path().join("config.yml");
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(&config).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut keeper = command.spawn().map_err(|error| format!("sh: {error}"))?;
        let life = keeper.stdin.take().ok_or("the keeper has no input")?;
        self.process = Some(Process { keeper, life });
        let deadline = Instant::now() + LIMIT;
        // Over TLS, a server that answers at all is ready.
        let is_ready = |(status, _): (u16, Vec<u8>)| status == 200 || self.access == Access::Tls;
        while !self.request("GET", "/v2/", "", b"").is_ok_and(is_ready) {
            if Instant::now() > deadline {
                let log = fs::read_to_string(config.with_extension("yml.log")).unwrap_or_default();
                return Err(format!("docker-registry does not answer: {}", log.lines().last().unwrap_or("")));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Puts an image of the engine into the registry under `repository:tag`, and forgets the name on the engine.
    /// Gives the whole name.
    pub fn push(&self, engine: &Engine, image: &str, as_name: &str) -> String {
        let name = self.name(as_name);
        super::images::tag(engine, image, &name);
        let (repository, tag) = name.rsplit_once(':').expect("a name with a tag");
        let path = format!("/images/{repository}/push?tag={}", query(tag));
        let login = match self.access {
            // An empty login, in base64; without the header the engine answers 400.
            Access::Anyone | Access::Tls => "e30=",
            Access::Password => "eyJ1c2VybmFtZSI6InNoaXBzIiwicGFzc3dvcmQiOiJvcGVuIHNlc2FtZSJ9",
        };
        let answer = engine.http().send_with("POST", &path, &[("X-Registry-Auth", login)], b"");
        let answer = answer.expect("the engine answers").ok();
        assert!(!answer.text().contains("errorDetail"), "push of {name}: {}", answer.text());
        engine.http().delete(&format!("/images/{name}")).ok();
        name
    }

    /// A manifest and its type.
    pub fn manifest(&self, repository: &str, reference: &str) -> Value {
        let (status, body) = self
            .request("GET", &format!("/v2/{repository}/manifests/{reference}"), "", b"")
            .expect("it answers");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).expect("a manifest is JSON")
    }

    /// Writes a manifest, such as an index of several platforms.
    pub fn put_manifest(&self, repository: &str, reference: &str, manifest: &Value) {
        let kind = manifest["mediaType"].as_str().expect("a manifest says its type");
        let body = serde_json::to_vec(manifest).expect("JSON can be written");
        let path = format!("/v2/{repository}/manifests/{reference}");
        let (status, answer) = self.request("PUT", &path, kind, &body).expect("it answers");
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
    }

    /// The digest behind a tag.
    pub fn digest(&self, repository: &str, reference: &str) -> String {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let head = self.exchange("HEAD", &path, "", b"").expect("it answers");
        let head = String::from_utf8_lossy(&head).into_owned();
        let line = head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("docker-content-digest: ").map(str::to_owned)
        });
        line.unwrap_or_else(|| panic!("no digest of {repository}:{reference}: {head}"))
    }

    /// The requests that have come so far, such as `GET /v2/web/manifests/1`.
    pub fn requests(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join("config.yml.log")).unwrap_or_default();
        let lines = log.lines().filter(|line| line.contains("HTTP/1.1\" "));
        lines
            .filter_map(|line| line.split('"').nth(1))
            .map(|line| line.trim_end_matches(" HTTP/1.1").to_owned())
            .collect()
    }

    fn request(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> std::io::Result<(u16, Vec<u8>)> {
        let answer = self.exchange(method, path, kind, body)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Ok((status, answer[(end + 4).min(answer.len())..].to_vec()))
    }

    /// HTTP/1.0: the answer ends with the connection, and no part of it is chunked.
    fn exchange(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        let mut head = format!("{method} {path} HTTP/1.0\r\nHost: {}\r\nAccept: {ACCEPT}\r\n", self.host());
        if !kind.is_empty() {
            head += &format!("Content-Type: {kind}\r\n");
        }
        if self.access == Access::Password {
            head += &format!("Authorization: Basic {BASIC}\r\n");
        }
        write!(stream, "{head}Content-Length: {}\r\n\r\n", body.len())?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A whole line as well as the end of input ends it; the process must be gone before its port is asked for again.
        drop(self.life.write_all(b"end\n"));
        drop(self.keeper.wait());
    }
}

/// A registry for a case on this machine's engine, or a line that says why it was skipped.
pub fn with_registry(case: impl FnOnce(&Engine, &Scope, &mut Registry)) {
    match (super::engines::machine(), Registry::start()) {
        (Ok(engine), Ok(mut registry)) => {
            let scope = Scope::new(&engine);
            let host = registry.host();
            let _names = Names { engine: engine.clone(), host };
            case(&engine, &scope, &mut registry);
        }
        (Err(reason), _) | (_, Err(reason)) => super::engines::skip("machine", &reason),
    }
    super::engines::skip("newest", "a private engine cannot reach a registry on this machine's loopback");
}

/// Removes the names that images of the registry have on the engine.
struct Names {
    engine: Engine,
    host: String,
}

impl Drop for Names {
    fn drop(&mut self) {
        let Ok(answer) = self.engine.http().send("GET", "/images/json", "", b"") else { return };
        let images: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        for image in images.as_array().into_iter().flatten() {
            for key in ["RepoTags", "RepoDigests"] {
                for name in image[key].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if name.starts_with(&self.host) {
                        drop(self.engine.http().send("DELETE", &format!("/images/{name}?force=1"), "", b""));
                    }
                }
            }
        }
    }
}
