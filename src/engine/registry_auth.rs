//! The user's credentials for registries, as Docker's client configuration has them. Never printed.

use std::fs::File;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::address::Environment;
use crate::world::ImageReference;

const HUB: &str = "docker.io";
/// The name that Docker Hub has in configuration files, for historic reasons.
const HUB_KEY: &str = "https://index.docker.io/v1/";
const ONE: HeaderName = HeaderName::from_static("x-registry-auth");
const SEVERAL: HeaderName = HeaderName::from_static("x-registry-config");

/// The header with which the engine pulls `reference`; none if nobody is logged in there.
///
/// # Errors
/// Says why a credential helper gave nothing, without what it gave.
pub(super) async fn header(
    reference: &str,
    environment: &Environment,
) -> Result<Option<(HeaderName, HeaderValue)>, String> {
    let Some(registry) = registry_of(reference) else { return Ok(None) };
    let Some(credential) = credential(&registry, environment).await? else { return Ok(None) };
    encode(ONE, &credential).map(Some)
}

/// The header with which the engine pulls the images that a build starts from.
///
/// # Errors
/// As `header`.
pub(super) async fn build_header(
    references: &[String],
    environment: &Environment,
) -> Result<Option<(HeaderName, HeaderValue)>, String> {
    let mut all = serde_json::Map::new();
    for reference in references {
        let Some(registry) = registry_of(reference) else { continue };
        let key = key(&registry).to_owned();
        if !all.contains_key(&key)
            && let Some(credential) = credential(&registry, environment).await?
        {
            all.insert(key, credential);
        }
    }
    if all.is_empty() { Ok(None) } else { encode(SEVERAL, &Value::Object(all)).map(Some) }
}

fn registry_of(reference: &str) -> Option<String> {
    match ImageReference::parse(reference) {
        ImageReference::Named { registry, .. } => Some(registry),
        ImageReference::Id(_) => None,
    }
}

fn key(registry: &str) -> &str {
    if registry == HUB { HUB_KEY } else { registry }
}

/// Looks a registry up; helpers are processes, so this runs beside the async threads.
async fn credential(registry: &str, environment: &Environment) -> Result<Option<Value>, String> {
    let Some(path) = environment.docker_config().map(|folder| folder.join("config.json")) else {
        return Ok(None);
    };
    let key = key(registry).to_owned();
    let shown = registry.to_owned();
    let found = tokio::task::spawn_blocking(move || {
        let Ok(file) = File::open(path) else { return Ok(None) };
        match get_credential_from_reader(file, &key) {
            Ok(DockerCredential::UsernamePassword(username, password)) => {
                Ok(Some(json!({"username": username, "password": password, "serveraddress": key})))
            }
            Ok(DockerCredential::IdentityToken(token)) => {
                Ok(Some(json!({"identitytoken": token, "serveraddress": key})))
            }
            Err(error) => missing(&error).map(|()| None),
        }
    });
    match found.await {
        Ok(Ok(credential)) => Ok(credential),
        Ok(Err(reason)) => Err(format!("credentials for {shown}: {reason}")),
        Err(error) => Err(format!("credentials for {shown}: {error}")),
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

/// Docker wants the URL-safe alphabet, with padding.
fn encode(name: HeaderName, value: &Value) -> Result<(HeaderName, HeaderValue), String> {
    let text = URL_SAFE.encode(value.to_string());
    let mut value =
        HeaderValue::from_str(&text).map_err(|_| "the credentials do not fit a header".to_owned())?;
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(config: &str) -> (tempfile::TempDir, Environment) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("config.json"), config).expect("config.json");
        let vars = [("DOCKER_CONFIG".to_owned(), folder.path().display().to_string())].into();
        (folder, Environment { home: None, vars })
    }

    async fn decoded(reference: &str, environment: &Environment) -> Option<Value> {
        let (_, value) = header(reference, environment).await.expect("no error")?;
        serde_json::from_slice(&URL_SAFE.decode(value.as_bytes()).expect("base64")).ok()
    }

    #[tokio::test]
    async fn logins_are_found_by_registry() {
        let auth = base64::engine::general_purpose::STANDARD.encode("me:secret");
        let config = format!(
            r#"{{"auths":{{"{HUB_KEY}":{{"auth":"{auth}"}},"reg.example:5000":{{"auth":"{auth}"}}}}}}"#
        );
        let (_folder, environment) = environment(&config);
        for reference in ["nginx", "docker.io/library/nginx:1", "reg.example:5000/a/b"] {
            let found = decoded(reference, &environment).await.expect(reference);
            assert_eq!((&found["username"], &found["password"]), (&json!("me"), &json!("secret")));
        }
        assert_eq!(decoded("other.example/a", &environment).await, None);
    }

    #[tokio::test]
    async fn without_a_configuration_there_are_no_credentials() {
        assert_eq!(decoded("nginx", &Environment::default()).await, None);
        let (_folder, environment) = environment("{}");
        assert_eq!(decoded("nginx", &environment).await, None);
    }
}
