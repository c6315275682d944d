//! Where an engine is: from `--host`, the environment and Docker's contexts. Reads configuration
//! files, opens no connection.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::ObserveError;
use crate::source::did_you_mean;

/// What the surroundings of the program say. Made once, in `cli`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    pub home: Option<PathBuf>,
    pub vars: BTreeMap<String, String>,
}

/// Where an engine is and how to speak to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Unix(PathBuf),
    Tcp { host: String, port: u16, tls: Option<TlsFiles> },
    Ssh { user: Option<String>, host: String, port: Option<u16>, socket: Option<String> },
}

/// PEM files for TLS. Without `ca` the system's certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsFiles {
    pub ca: Option<PathBuf>,
    pub identity: Option<Identity>,
}

/// The client's certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub cert: PathBuf,
    pub key: PathBuf,
}

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
const DEFAULT_CONTEXT: &str = "default";
const ADDRESSES: &str =
    "an address looks like unix:///var/run/docker.sock, tcp://HOST:2376, ssh://USER@HOST or context:NAME";

impl Environment {
    /// A variable's value; an empty one counts as not set, as Docker has it.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The folder of Docker's client configuration.
    pub fn docker_config(&self) -> Option<PathBuf> {
        match self.var("DOCKER_CONFIG") {
            Some(folder) => Some(PathBuf::from(folder)),
            None => self.home.as_ref().map(|home| home.join(".docker")),
        }
    }
}

impl Address {
    /// Finds the engine: `host` (an address or the name of a context), else `DOCKER_HOST`, else `DOCKER_CONTEXT` or the current context,
    /// else the usual socket.
    ///
    /// # Errors
    /// If an address cannot be read or a context does not exist.
    pub fn find(host: Option<&str>, environment: &Environment) -> Result<Self, ObserveError> {
        match (host, environment.var("DOCKER_HOST")) {
            // An address has a scheme; what has none is the name of a context.
            (Some(name), _) if !name.contains(':') => return context(name, environment),
            (Some(host), _) | (None, Some(host)) => return Self::parse(host, environment),
            (None, None) => {}
        }
        if let Some(name) = environment.var("DOCKER_CONTEXT") {
            return context(name, environment);
        }
        match current_context(environment) {
            Some(name) => context(&name, environment),
            None => Ok(Self::Unix(PathBuf::from(DEFAULT_SOCKET))),
        }
    }

    /// Reads an address such as `unix:///run/docker.sock`, `tcp://host:2376`, `ssh://user@host`
    /// or `context:NAME`.
    ///
    /// # Errors
    /// If it is none of these.
    pub fn parse(text: &str, environment: &Environment) -> Result<Self, ObserveError> {
        if let Some(name) = text.strip_prefix("context:") {
            return context(name, environment);
        }
        let secure = environment.var("DOCKER_TLS_VERIFY").is_some();
        let Some((scheme, rest)) = text.split_once("://") else {
            let hint = if context_names(environment).iter().any(|name| name == text) {
                format!("for the context of this name: --host {text}")
            } else {
                ADDRESSES.to_owned()
            };
            return Err(unusable(text, "this is no address of an engine", Some(hint)));
        };
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(PathBuf::from(rest))),
            "unix" => Err(unusable(text, "the path of a socket begins with /", None)),
            "tcp" if secure => tcp(text, rest, Some(files_of_environment(environment))),
            "tcp" | "http" => tcp(text, rest, None),
            "https" => tcp(text, rest, Some(files_of_environment(environment))),
            "ssh" => ssh(text, rest),
            _ => Err(unusable(
                text,
                &format!("the scheme `{scheme}` is not known"),
                Some("one of unix, tcp, http, https, ssh, or context:NAME".to_owned()),
            )),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port, .. } => write!(f, "tcp://{}", authority(host, *port)),
            Self::Ssh { user, host, port, socket } => {
                f.write_str("ssh://")?;
                if let Some(user) = user {
                    write!(f, "{user}@")?;
                }
                f.write_str(host)?;
                if let Some(port) = port {
                    write!(f, ":{port}")?;
                }
                f.write_str(socket.as_deref().unwrap_or_default())
            }
        }
    }
}

/// Host and port as a URL has them: IPv6 addresses in brackets.
pub(super) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn tcp(text: &str, rest: &str, tls: Option<TlsFiles>) -> Result<Address, ObserveError> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !path.is_empty() {
        return Err(unusable(text, "an address has no path", None));
    }
    let (host, port) =
        host_and_port(authority).ok_or_else(|| unusable(text, "the port is no number", None))?;
    if host.is_empty() {
        return Err(unusable(text, "the host is missing", None));
    }
    let port = port.unwrap_or(if tls.is_some() { 2376 } else { 2375 });
    Ok(Address::Tcp { host, port, tls })
}

fn ssh(text: &str, rest: &str) -> Result<Address, ObserveError> {
    let (authority, socket) = match rest.find('/') {
        Some(slash) => (&rest[..slash], Some(rest[slash..].to_owned()).filter(|path| path != "/")),
        None => (rest, None),
    };
    let (user, authority) = match authority.rsplit_once('@') {
        Some((user, authority)) => (Some(user), authority),
        None => (None, authority),
    };
    if user.is_some_and(|user| user.contains(':')) {
        return Err(unusable(text, "a password cannot be part of an ssh address", None));
    }
    let (host, port) =
        host_and_port(authority).ok_or_else(|| unusable(text, "the port is no number", None))?;
    // A host or user that begins with a dash would be an option of ssh.
    if host.is_empty() || host.starts_with('-') || user.is_some_and(|user| user.starts_with('-')) {
        return Err(unusable(text, "the host is missing", None));
    }
    Ok(Address::Ssh { user: user.map(str::to_owned), host, port, socket })
}

/// Splits `host:port`, also `[::1]:port`; nothing if the port is no number.
fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        Some(port) => Some(port.parse().ok()?),
        None => None,
    };
    Some((host.to_owned(), port))
}

/// The PEM files that `DOCKER_CERT_PATH`, else Docker's configuration folder, holds.
fn files_of_environment(environment: &Environment) -> TlsFiles {
    match environment.var("DOCKER_CERT_PATH") {
        Some(folder) => files_in(Path::new(folder)),
        None => environment.docker_config().map(|folder| files_in(&folder)).unwrap_or_default(),
    }
}

fn files_in(folder: &Path) -> TlsFiles {
    let existing = |name: &str| Some(folder.join(name)).filter(|path| path.exists());
    let identity = match (existing("cert.pem"), existing("key.pem")) {
        (Some(cert), Some(key)) => Some(Identity { cert, key }),
        _ => None,
    };
    TlsFiles { ca: existing("ca.pem"), identity }
}

fn current_context(environment: &Environment) -> Option<String> {
    let text = std::fs::read_to_string(environment.docker_config()?.join("config.json")).ok()?;
    let config: Value = serde_json::from_str(&text).ok()?;
    config["currentContext"].as_str().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// Reads a context of `docker context`; `default` is `DOCKER_HOST` or the usual socket.
fn context(name: &str, environment: &Environment) -> Result<Address, ObserveError> {
    if name == DEFAULT_CONTEXT {
        return match environment.var("DOCKER_HOST") {
            Some(host) => Address::parse(host, environment),
            None => Ok(Address::Unix(PathBuf::from(DEFAULT_SOCKET))),
        };
    }
    let shown = format!("context:{name}");
    let key = context_key(name);
    let contexts = environment.docker_config().map(|folder| folder.join("contexts")).unwrap_or_default();
    let Ok(text) = std::fs::read_to_string(contexts.join("meta").join(&key).join("meta.json")) else {
        return Err(unusable(
            &shown,
            &format!(
                "there is no context `{name}`; there are: {}",
                [vec![DEFAULT_CONTEXT.to_owned()], context_names(environment)].concat().join(", ")
            ),
            Some(context_hint(name, environment)),
        ));
    };
    let meta: Value = serde_json::from_str(&text)
        .map_err(|error| unusable(&shown, &format!("its meta.json cannot be read: {error}"), None))?;
    let endpoint = &meta["Endpoints"]["docker"];
    let Some(host) = endpoint["Host"].as_str().filter(|host| !host.is_empty()) else {
        return Err(unusable(&shown, "the context has no address of an engine", None));
    };
    let files = files_in(&contexts.join("tls").join(&key).join("docker"));
    if endpoint["SkipTLSVerify"].as_bool() == Some(true) {
        return Err(unusable(
            &shown,
            "the context says not to verify the engine's certificate, which is not supported",
            Some(format!("docker context update {name} --docker host={host},ca=FILE,cert=FILE,key=FILE")),
        ));
    }
    let plain = Environment { home: environment.home.clone(), vars: BTreeMap::new() };
    match Address::parse(host, &plain)? {
        Address::Tcp { host, port, tls } => {
            let tls = if files == TlsFiles::default() { tls } else { Some(files) };
            Ok(Address::Tcp { host, port, tls })
        }
        address @ (Address::Unix(_) | Address::Ssh { .. }) => Ok(address),
    }
}

/// The folder name that Docker gives to a context.
fn context_key(name: &str) -> String {
    Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn context_names(environment: &Environment) -> Vec<String> {
    let Some(folder) = environment.docker_config() else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(folder.join("contexts").join("meta")) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("meta.json")).ok())
        .filter_map(|text| serde_json::from_str::<Value>(&text).ok()?["Name"].as_str().map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn context_hint(name: &str, environment: &Environment) -> String {
    let names = context_names(environment);
    match did_you_mean(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => ADDRESSES.to_owned(),
    }
}

fn unusable(address: &str, reason: &str, hint: Option<String>) -> ObserveError {
    ObserveError::Unreachable { address: address.to_owned(), reason: reason.to_owned(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(vars: &[(&str, &str)]) -> Environment {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Environment { home: None, vars }
    }

    fn found(host: Option<&str>, vars: &[(&str, &str)]) -> String {
        match Address::find(host, &environment(vars)) {
            Ok(address) => address.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_option_goes_before_the_environment_and_the_socket_is_last() {
        assert_eq!(found(None, &[]), "unix:///var/run/docker.sock");
        assert_eq!(found(None, &[("DOCKER_HOST", "tcp://a:1")]), "tcp://a:1");
        assert_eq!(found(Some("tcp://b:2"), &[("DOCKER_HOST", "tcp://a:1")]), "tcp://b:2");
        assert_eq!(found(None, &[("DOCKER_HOST", "")]), "unix:///var/run/docker.sock");
        assert_eq!(
            found(None, &[("DOCKER_HOST", "tcp://a:1"), ("DOCKER_CONTEXT", "none")]),
            "tcp://a:1",
            "docker lets DOCKER_HOST override contexts"
        );
    }

    #[test]
    fn addresses_are_read_as_docker_reads_them() {
        assert_eq!(found(Some("tcp://h"), &[]), "tcp://h:2375");
        assert_eq!(found(Some("https://h"), &[]), "tcp://h:2376");
        assert_eq!(found(Some("tcp://h"), &[("DOCKER_TLS_VERIFY", "1")]), "tcp://h:2376");
        assert_eq!(found(Some("http://[::1]:99"), &[]), "tcp://[::1]:99");
        assert_eq!(found(Some("ssh://me@h:22/run/d.sock"), &[]), "ssh://me@h:22/run/d.sock");
        assert_eq!(found(Some("ssh://h"), &[]), "ssh://h");
    }

    #[test]
    fn what_is_no_address_says_so() {
        for wrong in
            ["prod", "ftp://h", "unix://run/x", "tcp://", "tcp://h:x", "ssh://-oProxyCommand=x", "tcp://h/p"]
        {
            assert!(Address::find(Some(wrong), &environment(&[])).is_err(), "{wrong}");
        }
    }

    #[test]
    fn contexts_are_found_by_name_with_their_certificates() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = context_key("prod");
        let meta = folder.path().join("contexts/meta").join(&key);
        std::fs::create_dir_all(&meta).expect("meta");
        std::fs::write(
            meta.join("meta.json"),
            r#"{"Name":"prod","Endpoints":{"docker":{"Host":"tcp://p:2376","SkipTLSVerify":false}}}"#,
        )
        .expect("meta.json");
        let tls = folder.path().join("contexts/tls").join(&key).join("docker");
        std::fs::create_dir_all(&tls).expect("tls");
        std::fs::write(tls.join("ca.pem"), "").expect("ca");
        std::fs::write(folder.path().join("config.json"), r#"{"currentContext":"prod"}"#).expect("config");
        let config = folder.path().display().to_string();

        let environment = environment(&[("DOCKER_CONFIG", &config)]);
        let files = TlsFiles { ca: Some(tls.join("ca.pem")), identity: None };
        let expected = Address::Tcp { host: "p".to_owned(), port: 2376, tls: Some(files) };
        assert_eq!(Address::find(None, &environment), Ok(expected.clone()));
        assert_eq!(Address::find(Some("context:prod"), &environment), Ok(expected.clone()));
        assert_eq!(Address::find(Some("prod"), &environment), Ok(expected));
        let socket = Address::Unix(PathBuf::from(DEFAULT_SOCKET));
        assert_eq!(Address::find(Some("default"), &environment), Ok(socket));
        for unknown in ["context:prdo", "prdo"] {
            let Err(ObserveError::Unreachable { reason, hint, .. }) =
                Address::find(Some(unknown), &environment)
            else {
                panic!("found a context that is not there");
            };
            assert_eq!(reason, "there is no context `prdo`; there are: default, prod");
            assert_eq!(hint.as_deref(), Some("did you mean `prod`?"));
        }
    }
}
