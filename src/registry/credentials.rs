//! The user's credentials for registries, as Docker's client configuration has them. Never printed.

use std::fs::File;
use std::path::Path;

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};

/// The registry of images that name none.
pub const HUB: &str = "docker.io";
/// The name that Docker Hub has in configuration files, for historic reasons.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// What proves to a registry who asks. Not `Debug`: it is secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    Password {
        username: String,
        password: String,
    },
    /// A token that is exchanged for others.
    Identity(String),
}

/// What a registry is called in Docker's client configuration.
pub fn config_key(registry: &str) -> &str {
    if registry == HUB { HUB_KEY } else { registry }
}

/// Looks a registry up in `config.json` below `folder`, and asks the helper that it names; nothing
/// if nobody is logged in there. Helpers are processes, so this runs beside the async threads.
///
/// # Errors
/// Says why there is no answer, without what a helper gave.
pub async fn credential(registry: &str, folder: Option<&Path>) -> Result<Option<Credential>, String> {
    let Some(path) = folder.map(|folder| folder.join("config.json")) else { return Ok(None) };
    let key = config_key(registry).to_owned();
    let found = tokio::task::spawn_blocking(move || {
        let Ok(file) = File::open(path) else { return Ok(None) };
        match get_credential_from_reader(file, &key) {
            Ok(DockerCredential::UsernamePassword(username, password)) => {
                Ok(Some(Credential::Password { username, password }))
            }
            Ok(DockerCredential::IdentityToken(token)) => Ok(Some(Credential::Identity(token))),
            Err(error) => missing(&error).map(|()| None),
        }
    });
    match found.await {
        Ok(Ok(credential)) => Ok(credential),
        Ok(Err(reason)) => Err(format!("credentials for {registry}: {reason}")),
        Err(error) => Err(format!("credentials for {registry}: {error}")),
    }
}

/// Not to be logged in is no error: most images are public. What a helper wrote may be a secret.
fn missing(error: &CredentialRetrievalError) -> Result<(), String> {
    match error {
        CredentialRetrievalError::NoCredentialConfigured | CredentialRetrievalError::ConfigNotFound => Ok(()),
        CredentialRetrievalError::HelperFailure { stdout, .. }
            if stdout.contains("credentials not found") =>
        {
            Ok(())
        }
        CredentialRetrievalError::HelperFailure { helper, .. } => {
            Err(format!("{helper} failed; try: echo REGISTRY | {helper} get"))
        }
        CredentialRetrievalError::HelperCommunicationError => {
            Err("the credential helper named in Docker's config.json cannot be run".to_owned())
        }
        CredentialRetrievalError::MalformedHelperResponse => {
            Err("the credential helper's answer cannot be understood".to_owned())
        }
        CredentialRetrievalError::ConfigReadError => Err("Docker's config.json cannot be read".to_owned()),
        CredentialRetrievalError::CredentialDecodingError => {
            Err("what Docker's config.json has for it cannot be decoded".to_owned())
        }
        _ => Err("they cannot be read".to_owned()),
    }
}
