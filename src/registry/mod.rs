//! Image registries, by the OCI distribution protocol: what a tag points to, what it holds, and
//! moving tags. HTTP is reqwest's; the protocol is our own, because what a run needs (status, waiting
//! time, media type of a HEAD, why a login failed) is lost in the clients that there are.

mod auth;
mod cache;
mod client;
mod credentials;
mod error;
mod host;
mod keyring;
mod login;
mod manifest;
mod resolve;
mod settings;

pub use cache::Cache;
pub use client::{Head, Registries};
pub use credentials::{Credential, HUB, config_key, credential};
pub use error::RegistryError;
pub use keyring::{Keeper, forget, keep};
pub use manifest::{Descriptor, Manifest, Platform, RawManifest};
pub use resolve::Question;
pub use settings::{RegistrySettings, Settings, is_loopback};
