//! Where images and containers come from: what is added to those that are made, and what those that are there say.

use std::time::SystemTime;

use super::error::unreachable;
use super::tree::environment;
use super::{Ambient, ApplyOptions, RunError};
use crate::engine::{self, Observe};
use crate::plan::OriginReport;
use crate::source::masked;
use crate::world::Stamps;

/// Whose origin is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginOptions {
    /// A container or an image, by name or id.
    pub name: String,
    /// `--host` as it was typed.
    pub host: Option<String>,
}

/// Gathers what a container or an image says of where it comes from. A container goes before an image
/// of the same name.
///
/// # Errors
/// If the engine cannot be reached, or has neither.
pub async fn origin(options: &OriginOptions, ambient: &Ambient) -> Result<OriginReport, RunError> {
    let client =
        engine::connect(options.host.as_deref(), &environment(ambient)).await.map_err(unreachable)?;
    let name = options.name.as_str();
    let container = client.container(name).await.map_err(unreachable)?;
    let is_named = container.as_ref().is_some_and(|container| container.name == name);
    // The beginning of an id counts as well, but behind an image's name.
    if !is_named && let Some(image) = client.image(name).await.map_err(unreachable)? {
        return Ok(OriginReport::of_image(name, &image));
    }
    let Some(container) = container else {
        return Err(RunError::Failed(format!("the engine has no container and no image `{name}`")));
    };
    let image = client.image(&container.image.to_string()).await.map_err(unreachable)?;
    Ok(OriginReport::of_container(&container, image.as_ref()))
}

/// What is written into everything that a run makes.
pub(super) fn stamps(options: &ApplyOptions, ambient: &Ambient) -> Stamps {
    let build_tag =
        ["BUILD_TAG", "CI_JOB_ID", "GITHUB_RUN_ID"].iter().find_map(|name| ambient.variable(name));
    let says_ci = ambient.variable("CI").is_some_and(|ci| !matches!(ci, "false" | "0" | "no"));
    let behind_sudo = ambient.variable("SUDO_USER").filter(|_| ambient.uid == 0);
    let pusher = options.deployment.as_ref().map(|push| push.pusher.as_str());
    let begun = ambient.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Stamps {
        run: begun.as_nanos().to_string(),
        host: ambient.machine.clone(),
        actor: pusher.or(behind_sudo).unwrap_or(&ambient.user).to_owned(),
        cause: options.cause,
        why: options.why.as_deref().map(masked),
        commit: options.commit.clone(),
        is_ci: says_ci || build_tag.is_some() || ambient.variable("JENKINS_URL").is_some(),
        build_tag: build_tag.map(masked),
    }
}
