//! Logging in to a registry and out again, as Docker's client does, and for it as well.

use std::path::PathBuf;

use super::remotes::settings_of;
use super::tree::environment;
use super::{Ambient, RunError};
use crate::registry::{Credential, Keeper, Registries, RegistryError, forget, keep};
use crate::state::registries_near;

/// A login as somebody typed it. Not `Debug`: it holds a password.
pub struct LoginOptions {
    /// Host and port of the registry.
    pub registry: String,
    pub username: String,
    pub password: String,
}

/// What came of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    pub keeper: Keeper,
    /// False if the registry lets in anybody, so that nobody knows whether the password is right.
    pub was_asked: bool,
}

/// Tries a login, and keeps it if the registry takes it.
///
/// # Errors
/// If the registry does not take it, or it cannot be kept; then everything is as it was.
pub async fn login(options: &LoginOptions, ambient: &Ambient) -> Result<LoggedIn, RunError> {
    let folder = folder(ambient)?;
    let registries = registries_near(&ambient.directory)?;
    let credential =
        Credential::Password { username: options.username.clone(), password: options.password.clone() };
    let settings = settings_of(&registries, ambient);
    let was_asked = match Registries::try_login(&options.registry, &settings, credential).await {
        Ok(was_asked) => was_asked,
        Err(RegistryError::Denied { registry, message, .. }) => {
            let reason = if message.is_empty() { String::new() } else { format!(": {message}") };
            let told = format!("{registry} does not take this user with this password{reason}");
            return Err(RunError::Failed(told));
        }
        Err(error) => return Err(error.into()),
    };
    let keeper =
        keep(&folder, &options.registry, &options.username, &options.password).map_err(RunError::Failed)?;
    Ok(LoggedIn { keeper, was_asked })
}

/// Forgets the login of a registry. Nothing if there was none.
///
/// # Errors
/// If it cannot be forgotten.
pub fn logout(registry: &str, ambient: &Ambient) -> Result<Option<Keeper>, RunError> {
    forget(&folder(ambient)?, registry).map_err(RunError::Failed)
}

fn folder(ambient: &Ambient) -> Result<PathBuf, RunError> {
    environment(ambient).docker_config().ok_or_else(|| {
        RunError::Usage("there is no home folder for Docker's config.json; set DOCKER_CONFIG".to_owned())
    })
}
