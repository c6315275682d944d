//! The user's credentials for registries, as the engine takes them: in headers. Never printed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::address::Environment;
use crate::registry::{Credential, config_key, credential};
use crate::world::ImageReference;

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
    let Some(login) = login(&registry, environment).await? else { return Ok(None) };
    encode(ONE, &login).map(Some)
}

/// The header with which the engine pushes `reference`. Without one it refuses to push at all, so
/// nobody's login is an empty one.
///
/// # Errors
/// As `header`.
pub(super) async fn push_header(
    reference: &str,
    environment: &Environment,
) -> Result<(HeaderName, HeaderValue), String> {
    match header(reference, environment).await? {
        Some(header) => Ok(header),
        None => encode(ONE, &json!({})),
    }
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
        let key = config_key(&registry).to_owned();
        if !all.contains_key(&key)
            && let Some(login) = login(&registry, environment).await?
        {
            all.insert(key, login);
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

async fn login(registry: &str, environment: &Environment) -> Result<Option<Value>, String> {
    let key = config_key(registry);
    let found = credential(registry, environment.docker_config().as_deref()).await?;
    Ok(found.map(|credential| match credential {
        Credential::Password { username, password } => {
            json!({"username": username, "password": password, "serveraddress": key})
        }
        Credential::Identity(token) => json!({"identitytoken": token, "serveraddress": key}),
    }))
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
        let hub = config_key("docker.io");
        let config =
            format!(r#"{{"auths":{{"{hub}":{{"auth":"{auth}"}},"reg.example:5000":{{"auth":"{auth}"}}}}}}"#);
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
