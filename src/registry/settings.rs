//! How each registry is spoken to.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How one registry is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegistrySettings {
    /// Spoken to without TLS.
    pub insecure: bool,
    /// Certificates that are trusted besides the system's, as PEM files.
    pub ca: Vec<PathBuf>,
    /// Registries that are asked, in this order, where it cannot be reached: `host[:port]`.
    pub mirrors: Vec<String>,
    /// How long it may be silent; without it 30 seconds.
    pub timeout: Option<Duration>,
}

/// How registries are spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    pub registries: BTreeMap<String, RegistrySettings>,
    /// The folder of Docker's client configuration, where credentials are.
    pub docker_config: Option<PathBuf>,
}

/// Where Docker's engine has a folder of certificates for each registry.
/// Source: <https://docs.docker.com/engine/security/certificates/>.
const CERTIFICATES: &str = "/etc/docker/certs.d";

impl Settings {
    /// Takes over which registries an engine speaks to without TLS, and its mirrors of Docker Hub:
    /// `RegistryConfig` of its facts (`GET /info`).
    pub fn with_engine(mut self, info: &serde_json::Value) -> Self {
        let config = &info["RegistryConfig"];
        for (name, index) in config["IndexConfigs"].as_object().into_iter().flatten() {
            if index["Secure"].as_bool() == Some(false) {
                self.registries.entry(name.clone()).or_default().insecure = true;
            }
            let mirrors = index["Mirrors"].as_array().into_iter().flatten().filter_map(|it| it.as_str());
            let host = |url: &str| {
                url.trim_start_matches("https://")
                    .trim_start_matches("http://")
                    .trim_end_matches('/')
                    .to_owned()
            };
            let known = &mut self.registries.entry(name.clone()).or_default().mirrors;
            for mirror in mirrors.map(host) {
                if !known.contains(&mirror) {
                    known.push(mirror);
                }
            }
        }
        self
    }

    /// The settings of one registry, with the certificates that Docker would trust for it.
    pub(super) fn of(&self, registry: &str) -> RegistrySettings {
        let mut settings = self.registries.get(registry).cloned().unwrap_or_default();
        settings.ca.extend(certificates(&Path::new(CERTIFICATES).join(registry)));
        settings
    }
}

impl RegistrySettings {
    /// True if TLS is left out: as configured, or on this machine's loopback unless a certificate
    /// is named, as Docker's engine has it.
    pub(super) fn is_plain(&self, registry: &str) -> bool {
        self.ca.is_empty() && (self.insecure || is_loopback(registry))
    }
}

fn certificates(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "crt"));
    files.sort();
    files
}

/// True for a registry on this machine, such as `localhost:5000`.
pub fn is_loopback(registry: &str) -> bool {
    let host = match registry.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => registry.rsplit_once(':').map_or(registry, |(host, _)| host),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:5000", "127.8.9.1", "[::1]:5000"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["docker.io", "localhost.example", "10.0.0.1:5000", "[2001:db8::1]:5000"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn an_engine_says_which_registries_have_no_tls() {
        let info = json!({"RegistryConfig": {"IndexConfigs": {
            "docker.io": {"Secure": true, "Mirrors": ["https://mirror.example/"]},
            "reg.lan:5000": {"Secure": false, "Mirrors": []},
        }}});
        let settings = Settings::default().with_engine(&info);
        assert!(settings.of("reg.lan:5000").is_plain("reg.lan:5000"));
        assert!(!settings.of("docker.io").is_plain("docker.io"));
        assert_eq!(settings.of("docker.io").mirrors, ["mirror.example"]);
        assert!(!settings.of("other.example").is_plain("other.example"));
    }

    #[test]
    fn a_named_certificate_asks_for_tls_on_loopback_too() {
        let settings = RegistrySettings { ca: vec!["ca.pem".into()], ..RegistrySettings::default() };
        assert!(!settings.is_plain("127.0.0.1:5000"));
        assert!(RegistrySettings::default().is_plain("127.0.0.1:5000"));
    }
}
