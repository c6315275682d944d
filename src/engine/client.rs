//! A connection to one engine: the version of its API that is spoken, and its facts.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::ObserveError;
use super::address::{Address, Environment};
use super::patience::VARIABLE;
use super::transport::{ANSWER, Broken, LATE, Reply, Transport};
use crate::world::Engine;

/// The oldest API that is spoken: Docker 20.10.
const OLDEST: (u32, u32) = (1, 41);
/// The newest API that is known here. A newer engine is spoken to in this version.
const NEWEST: (u32, u32) = (1, 53);

/// Reads an engine. Cheap to clone; all clones share their connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    transport: Transport,
    /// The calls that bollard makes, over the same transport.
    docker: Docker,
    address: Address,
    environment: Environment,
    api: (u32, u32),
    info: OnceCell<Value>,
}

/// Connects to the engine that `host`, the environment and Docker's contexts name.
///
/// # Errors
/// If there is none, or none that speaks a version of the API that is known here.
pub async fn connect(host: Option<&str>, environment: &Environment) -> Result<Client, ObserveError> {
    Client::connect(Address::find(host, environment)?, environment).await
}

impl Client {
    /// Connects to the engine at an address.
    ///
    /// # Errors
    /// If it cannot be reached, or speaks no version of the API that is known here.
    pub async fn connect(address: Address, environment: &Environment) -> Result<Self, ObserveError> {
        let unusable =
            |reason: String| ObserveError::Unreachable { address: address.to_string(), reason, hint: None };
        let transport = Transport::new(&address, environment).map_err(|error| unusable(error.to_string()))?;
        // `/version` would do as well, and takes the engine fifty times as long: it runs other programs.
        let reply = transport.get("/_ping", ANSWER).await.map_err(|broken| unreachable(&address, &broken))?;
        let newest = environment.var("DOCKER_API_VERSION").and_then(parse_version).unwrap_or(NEWEST);
        let api = negotiate(reply.header("api-version"), newest)?;
        let transport = transport.speaking(api);
        let docker = transport.docker().map_err(|error| unusable(error.to_string()))?;
        Ok(Self(Arc::new(Inner {
            transport,
            docker,
            address,
            environment: environment.clone(),
            api,
            info: OnceCell::new(),
        })))
    }

    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// The version of the API that is spoken.
    pub fn api(&self) -> (u32, u32) {
        self.0.api
    }

    /// The surroundings that this connection was made in.
    pub fn environment(&self) -> &Environment {
        &self.0.environment
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.0.transport
    }

    pub(super) fn docker(&self) -> &Docker {
        &self.0.docker
    }

    /// The engine's facts; asked for once.
    ///
    /// # Errors
    /// If the engine cannot be reached or understood.
    pub async fn engine(&self) -> Result<Engine, ObserveError> {
        let info = self.0.info.get_or_try_init(|| self.ask("/info", "ask for the engine's facts")).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Engine {
            id: text(&info["ID"]),
            version: text(&info["ServerVersion"]),
            api: self.0.api,
            os: text(&info["OSType"]),
            architecture: architecture(&text(&info["Architecture"])).to_owned(),
            hostname: text(&info["Name"]),
            info: info.clone(),
        })
    }

    /// Asks for JSON that must be there.
    pub(super) async fn ask(&self, path: &str, what: &str) -> Result<Value, ObserveError> {
        json(self.get(path, ANSWER).await?, what)
    }

    /// Asks for JSON that may not be there (any more).
    pub(super) async fn ask_if_there(&self, path: &str, what: &str) -> Result<Option<Value>, ObserveError> {
        let reply = self.get(path, ANSWER).await?;
        if reply.status == StatusCode::NOT_FOUND { Ok(None) } else { json(reply, what).map(Some) }
    }

    /// Asks for JSON that may not be there (any more), and what the engine's clock says, if anything.
    pub(super) async fn ask_with_clock(
        &self,
        path: &str,
        what: &str,
    ) -> Result<Option<(Value, Option<Timestamp>)>, ObserveError> {
        let reply = self.get(path, ANSWER).await?;
        let clock = reply.clock();
        let is_missing = reply.status == StatusCode::NOT_FOUND;
        if is_missing { Ok(None) } else { json(reply, what).map(|json| Some((json, clock))) }
    }

    /// Asks for JSON where any other answer than a good one says nothing.
    pub(super) async fn ask_if_fine(&self, path: &str, what: &str) -> Result<Option<Value>, ObserveError> {
        let reply = self.get(path, ANSWER).await?;
        if reply.status.is_success() { json(reply, what).map(Some) } else { Ok(None) }
    }

    async fn get(&self, path: &str, bound: Duration) -> Result<Reply, ObserveError> {
        self.transport().get(path, bound).await.map_err(|broken| unreachable(self.address(), &broken))
    }
}

fn json(reply: Reply, what: &str) -> Result<Value, ObserveError> {
    let what = what.to_owned();
    if !reply.status.is_success() {
        return Err(ObserveError::Answered { what, status: reply.status.as_u16(), message: reply.message() });
    }
    serde_json::from_slice(&reply.body)
        .map_err(|error| ObserveError::Garbled { what, reason: error.to_string() })
}

/// The newest version that both sides know. An engine that does not speak one so old says so itself.
fn negotiate(theirs: Option<&str>, newest: (u32, u32)) -> Result<(u32, u32), ObserveError> {
    let garbled =
        |reason: String| ObserveError::Garbled { what: "negotiate the API's version".to_owned(), reason };
    let Some(theirs) = theirs.and_then(parse_version) else {
        return Err(garbled("what answers there is no Docker engine".to_owned()));
    };
    let api = theirs.min(newest);
    if api < OLDEST {
        return Err(garbled(format!(
            "it would have to speak API {}.{} and evenkeel needs {}.{} (Docker 20.10) or newer",
            api.0, api.1, OLDEST.0, OLDEST.1
        )));
    }
    Ok(api)
}

/// The name that images use for an architecture: the engine's facts name it as the kernel does.
fn architecture(machine: &str) -> &str {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "armv6l" | "armv7l" | "armv8l" => "arm",
        "i386" | "i486" | "i586" | "i686" => "386",
        other => other,
    }
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Says what is in the way, and what to type.
pub(super) fn unreachable(address: &Address, broken: &Broken) -> ObserveError {
    let kind = match broken {
        Broken::NotSent { kind, .. } => *kind,
        Broken::Lost { .. } => None,
    };
    let is_late = matches!(broken, Broken::Lost { reason } if reason.starts_with(LATE));
    let hint = match (address, kind) {
        _ if is_late => Some(format!(
            "does it answer at all? `docker info` shows it; if it is only slow, {VARIABLE}=5m waits longer"
        )),
        (Address::Unix(_), Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)) => {
            Some("is the engine running? systemctl start docker; another one is named by --host".to_owned())
        }
        (Address::Unix(path), Some(io::ErrorKind::PermissionDenied)) => Some(format!(
            "you may not open {}: join the docker group (sudo usermod -aG docker $USER, then log in again) or use sudo",
            path.display()
        )),
        (Address::Tcp { tls: None, port: 2376, .. }, _) => {
            Some("port 2376 speaks TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH".to_owned())
        }
        (Address::Tcp { .. }, Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::TimedOut)) => {
            Some("is the engine running there, and does it listen on this port?".to_owned())
        }
        (Address::Ssh { .. }, Some(io::ErrorKind::NotFound)) => Some("install an ssh client".to_owned()),
        (Address::Ssh { host, .. }, _) => {
            Some(format!("try it by hand, without a password: ssh {host} docker version"))
        }
        (Address::Unix(_) | Address::Tcp { .. }, _) => None,
    };
    ObserveError::Unreachable { address: address.to_string(), reason: broken.reason().to_owned(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_that_both_know_is_spoken() {
        assert_eq!(negotiate(Some("1.41"), NEWEST), Ok((1, 41)));
        assert_eq!(negotiate(Some("1.99"), NEWEST), Ok(NEWEST));
        assert_eq!(negotiate(Some("1.50"), (1, 44)), Ok((1, 44)));
    }

    #[test]
    fn versions_that_do_not_meet_are_both_named() {
        let old = negotiate(Some("1.39"), NEWEST).expect_err("too old").to_string();
        assert!(old.contains("1.39") && old.contains("1.41"), "{old}");
        assert!(negotiate(None, NEWEST).is_err());
        assert!(negotiate(Some("x"), NEWEST).is_err());
    }

    #[test]
    fn architectures_are_named_as_images_name_them() {
        assert_eq!(["x86_64", "aarch64", "riscv64"].map(architecture), ["amd64", "arm64", "riscv64"]);
    }
}
