//! TLS from this machine: which certificates are trusted and which are shown.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// Where distributions keep the certificates that a system trusts.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Whose certificates are trusted.
pub enum Trust<'a> {
    /// Only those of this file.
    Only(&'a Path),
    /// Those that the system trusts, and those of these files.
    System(&'a [PathBuf]),
}

/// A client's certificate and its key, as PEM files.
pub struct Shown<'a> {
    pub certificate: &'a Path,
    pub key: &'a Path,
}

/// Reads the PEM files. Certificates are always verified.
///
/// # Errors
/// If a file cannot be read or is no PEM, or if there is nothing to trust.
pub fn client_config(trust: &Trust<'_>, shown: Option<&Shown<'_>>) -> io::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots(trust)?);
    match shown {
        Some(shown) => {
            let key = PrivateKeyDer::from_pem_file(shown.key).map_err(|error| wrong(shown.key, &error))?;
            builder
                .with_client_auth_cert(certificates(shown.certificate)?, key)
                .map_err(|error| wrong(shown.certificate, &error))
        }
        None => Ok(builder.with_no_client_auth()),
    }
}

/// A client that trusts no certificate at all, for where none are used.
pub fn trust_nobody() -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has what TLS 1.2 and 1.3 need")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

fn roots(trust: &Trust<'_>) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let more = match trust {
        Trust::Only(file) => vec![*file],
        Trust::System(files) => {
            match SYSTEM_BUNDLES.iter().map(Path::new).find(|path| path.exists()) {
                Some(bundle) => {
                    roots.add_parsable_certificates(certificates(bundle)?);
                }
                None if files.is_empty() => {
                    return Err(io::Error::other(
                        "no ca.pem was found, and no certificates that this system trusts",
                    ));
                }
                None => {}
            }
            files.iter().map(PathBuf::as_path).collect()
        }
    };
    for path in more {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| wrong(path, &error))?;
        }
    }
    Ok(roots)
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(path, &error))
}

fn wrong(path: &Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
}
