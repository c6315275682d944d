//! The stages of pipelines: what their tags point to, and what their engines run.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;

use super::error::unreachable;
use super::record::recall;
use super::remotes::registries_of;
use super::tree::environment;
use super::{Ambient, RunError};
use crate::engine::{self, Observe, Wanted};
use crate::plan::{PipelineReport, PipelinesReport, StageContainers, StageReport, StageTag};
use crate::registry::{Platform, Question, RawManifest, Registries, RegistryError};
use crate::state::{Pipeline, Pipelines, Stage, pipelines};
use crate::world::{
    Container, Content, ImageReference, Owner, Remote, RemoteContent, RemoteImage, RunState, World, label,
};

/// Tells where each stage of each pipeline of a file is.
///
/// # Errors
/// If the file is wrong. What a registry or an engine does not say is told in its place.
pub async fn pipeline(file: &Path, ambient: &Ambient) -> Result<PipelinesReport, RunError> {
    let all = pipelines(file, &ambient.directory)?;
    let registries = registries_of(&all.registries, ambient);
    let mut report = PipelinesReport { pipelines: Vec::new(), unread: None };
    for pipeline in &all.pipelines {
        let mut stages: Vec<StageReport> = Vec::new();
        for stage in &pipeline.stages {
            let mut found = stage_report(pipeline, stage, &all, &registries, ambient).await?;
            found.waits = stages.last().and_then(|before| waits(before, &found));
            match promoted(&found, ambient).await {
                Ok(promoted) => found.promoted = promoted,
                Err(reason) => report.unread = Some(reason),
            }
            stages.push(found);
        }
        let (name, image) = (pipeline.name.clone(), pipeline.image.clone());
        report.pipelines.push(PipelineReport { name, image, stages });
    }
    Ok(report)
}

/// Since when the stage's tag points to what it points to, and by whom. Nothing if that was not the newest
/// promotion on record: then somebody else moved it.
async fn promoted(stage: &StageReport, ambient: &Ambient) -> Result<Option<(Timestamp, String)>, String> {
    let StageTag::Points { digest, .. } = &stage.tag else { return Ok(None) };
    let tag = stage.reference.clone();
    let newest = recall(ambient, move |history| history.newest_promotion(&tag)).await?.flatten();
    let newest = newest.filter(|entry| entry.digests.contains(digest));
    Ok(newest.map(|entry| (entry.time, entry.actor)))
}

async fn stage_report(
    pipeline: &Pipeline,
    stage: &Stage,
    all: &Pipelines,
    registries: &Registries,
    ambient: &Ambient,
) -> Result<StageReport, RunError> {
    let tags = pipeline.tags_of(&stage.name, None).map_err(RunError::Failed)?;
    let tag = tags.first().map_or("latest", String::as_str);
    let reference = format!("{}:{tag}", pipeline.image_of(stage));
    let parsed = ImageReference::parse(&reference);
    let tag = match registries.manifest(&parsed).await {
        Ok(manifest) => match version(registries, &parsed, &manifest).await {
            Ok(version) => StageTag::Points { digest: manifest.digest, version },
            Err(error) => StageTag::Unknown(error.to_string()),
        },
        Err(RegistryError::Missing { .. }) => StageTag::Missing,
        Err(error) => StageTag::Unknown(error.to_string()),
    };
    let project = pipeline.project.as_deref().unwrap_or(&all.project);
    let sought = match &tag {
        StageTag::Points { digest, .. } => Some(Sought { registries, image: parsed.at(digest) }),
        StageTag::Missing => None,
        StageTag::Unknown(reason) => {
            let containers = StageContainers::Unknown(reason.clone());
            let name = stage.name.clone();
            return Ok(StageReport { name, reference, tag, containers, promoted: None, waits: None });
        }
    };
    let containers = match running(project, pipeline, stage, sought.as_ref(), ambient).await {
        Ok(Surveyed { same, other, .. }) => StageContainers::Known { same, other },
        Err(error) => StageContainers::Unknown(error.to_string()),
    };
    Ok(StageReport { name: stage.name.clone(), reference, tag, containers, promoted: None, waits: None })
}

/// What the stage before has and this one does not.
fn waits(before: &StageReport, stage: &StageReport) -> Option<String> {
    let StageTag::Points { digest: there, version } = &before.tag else { return None };
    match &stage.tag {
        StageTag::Points { digest, .. } if digest == there => None,
        StageTag::Unknown(_) => None,
        StageTag::Points { .. } | StageTag::Missing => Some(version.clone().unwrap_or_else(|| there.clone())),
    }
}

/// The running containers of a stage: those of an image, and the others.
pub(super) struct Surveyed {
    pub same: Vec<String>,
    pub other: Vec<String>,
    /// The digests and ids by which the image is known there.
    pub known_as: BTreeSet<String>,
}

/// The image that is looked for, at its digest.
pub(super) struct Sought<'a> {
    pub registries: &'a Registries,
    pub image: ImageReference,
}

/// Looks at the engine of a stage.
pub(super) async fn running(
    project: &str,
    pipeline: &Pipeline,
    stage: &Stage,
    sought: Option<&Sought<'_>>,
    ambient: &Ambient,
) -> Result<Surveyed, RunError> {
    let client = engine::connect(stage.host.as_deref(), &environment(ambient)).await.map_err(unreachable)?;
    let owner = Owner { project: project.to_owned(), env: stage.name.clone() };
    let wanted = Wanted { owner: Some(owner.clone()), ..Wanted::default() };
    let world = client.world(&wanted).await.map_err(unreachable)?;
    let mut surveyed = Surveyed { same: Vec::new(), other: Vec::new(), known_as: BTreeSet::new() };
    let image = ImageReference::parse(pipeline.image_of(stage));
    let is_it = |container: &&Container| {
        let made_from = container.attributes.text("Config.Image").map(ImageReference::parse);
        let is_beside = made_from.is_some_and(|reference| reference.is_beside(&image));
        container.state == RunState::Running
            && container.labels().owner().as_ref() == Some(&owner)
            && is_beside
    };
    let ours: Vec<_> = world.containers.values().filter(is_it).collect();
    let content = match sought {
        Some(sought) if !ours.is_empty() => sought.content(&world).await?,
        _ => None,
    };
    for container in ours {
        let image = world.images.get(&container.image);
        let is_same = sought.and_then(|sought| sought.image.digest()).is_some_and(|digest| {
            container.labels().get(label::IMAGE_DIGEST) == Some(digest)
                || image
                    .is_some_and(|image| image.digests.iter().any(|it| it.ends_with(&format!("@{digest}"))))
                || image.zip(content.as_ref()).is_some_and(|(image, content)| content.is(image))
        });
        if is_same {
            surveyed.known_as.insert(container.image.to_string());
            surveyed.same.push(container.name.clone());
        } else {
            surveyed.other.push(container.name.clone());
        }
    }
    surveyed.same.sort();
    surveyed.other.sort();
    surveyed.known_as.extend(sought.and_then(|sought| sought.image.digest()).map(str::to_owned));
    Ok(surveyed)
}

impl Sought<'_> {
    /// What is behind the digest for an engine: of two indexes the image for one platform may be the same.
    async fn content(&self, world: &World) -> Result<Option<RemoteContent>, RunError> {
        let platform = Platform {
            os: world.engine.os.clone(),
            architecture: world.engine.architecture.clone(),
            variant: String::new(),
        };
        let reference = self.image.normal();
        let question = Question { reference, known: BTreeSet::new(), platform, is_declared: false };
        Ok(match self.registries.resolve(&self.image, &question).await? {
            Remote::Found(RemoteImage { content: Content::Image(content), .. }) => Some(*content),
            _ => None,
        })
    }
}

/// The version that an image is labelled with; of an index, the one of its first image.
pub(super) async fn version(
    registries: &Registries,
    reference: &ImageReference,
    manifest: &RawManifest,
) -> Result<Option<String>, RegistryError> {
    registries.label(reference, manifest, label::OCI_VERSION).await
}
