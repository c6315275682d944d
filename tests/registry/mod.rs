//! The registry client, beside Debian's registry and beside one that plays tricks.

mod asking;
mod life;
mod logins;
mod moving;
mod ranges;
mod tricks;
mod whole;

use crate::rig::registry::{Access, Registry};
use evenkeel::registry::{Platform, Question, Registries, RegistrySettings, Settings};
use evenkeel::world::ImageReference;
use std::future::Future;

/// Runs to the end what asks a registry.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

fn parse(reference: &str) -> ImageReference {
    ImageReference::parse(reference)
}

/// A client that knows what the registry asks for.
fn client(registry: &Registry, access: Access) -> Registries {
    let mut settings = Settings::default();
    match access {
        Access::Anyone => {}
        Access::Password => settings.docker_config = Some(registry.docker_config()),
        Access::Tls => {
            let own = RegistrySettings { ca: vec![registry.authority()], ..RegistrySettings::default() };
            settings.registries.insert(registry.host(), own);
        }
    }
    Registries::new(settings)
}

fn question(reference: &str, platform: &str) -> Question {
    Question {
        reference: reference.to_owned(),
        known: std::collections::BTreeSet::new(),
        platform: Platform::parse(platform, &Platform::default()),
        is_declared: true,
    }
}
