//! Promotion: an image reaches the next environment by a tag, with the same bytes.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::record::{Clock, record};
use super::remotes::registries_of;
use super::requirements::Passage;
use super::stages::version;
use super::{Ambient, Mode, RunError};
use crate::history::{Entry, Kind, Outcome};
use crate::plan::{Promotion, TagMove};
use crate::registry::{RawManifest, Registries, RegistryError};
use crate::state::{Pipeline, Pipelines, Stage, pipelines};
use crate::world::{ImageReference, Owner};

/// What is to be promoted, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromoteOptions {
    /// `pipeline.yml`.
    pub file: PathBuf,
    /// A pipeline's name or image, with `@1.4.2` or `@sha256:…` behind it for another version than
    /// the stage before has.
    pub image: String,
    /// The stage before `to` if it is not named.
    pub from: Option<String>,
    pub to: String,
    pub mode: Mode,
    /// The digest that the moving tag must have.
    pub expect: Option<String>,
    /// Whether guards are overruled.
    pub force: bool,
    /// For the record.
    pub why: Option<String>,
}

/// Plans a promotion, and carries it out unless it is only to be shown or something stands against it.
///
/// # Errors
/// If it cannot be planned, or a registry does not do its part. What was moved until then stays:
/// the same promotion goes on where it stopped.
pub async fn promote(options: &PromoteOptions, ambient: &Ambient) -> Result<Promotion, RunError> {
    let all = pipelines(&options.file, &ambient.directory)?;
    let registries = registries_of(&all.registries, ambient);
    let clock = Clock::of(ambient);
    let mut plan = Plan::new(options, &all, &registries, ambient).await?;
    let is_moved = plan.promotion.changes().next().is_some();
    if options.mode == Mode::Apply && plan.promotion.blockers.is_empty() {
        let begun = clock.elapsed();
        let performed = plan.perform(&registries).await;
        if is_moved {
            let entry = plan.entry(options, (&clock, begun), performed.is_ok(), ambient);
            plan.promotion.unrecorded = record(entry, ambient).await.err();
        }
        performed?;
    }
    Ok(plan.promotion)
}

struct Plan {
    promotion: Promotion,
    /// Whose containers the stage runs.
    owner: Owner,
    manifest: RawManifest,
    source: ImageReference,
}

impl Plan {
    async fn new(
        options: &PromoteOptions,
        all: &Pipelines,
        registries: &Registries,
        ambient: &Ambient,
    ) -> Result<Self, RunError> {
        let (name, wanted) = match options.image.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (options.image.as_str(), None),
        };
        let pipeline = all.find(name).ok_or_else(|| {
            let known: Vec<_> = all.pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect();
            RunError::Usage(format!(
                "there is no pipeline for `{name}` in {}; there are: {}",
                options.file.display(),
                known.join(", ")
            ))
        })?;
        refuse_tag(name, pipeline)?;
        if let Some(wanted) = wanted {
            is_version(wanted)?;
        }
        if let Some(expected) = &options.expect {
            is_digest_or_prefix(expected)?;
        }
        let stage = |name: &str| {
            pipeline.stage(name).ok_or_else(|| {
                let known: Vec<_> = pipeline.stages.iter().map(|stage| stage.name.as_str()).collect();
                RunError::Usage(format!(
                    "`{name}` is no stage of {}; they are: {}",
                    pipeline.name,
                    known.join(", ")
                ))
            })
        };
        let to = stage(&options.to)?;
        let from = match &options.from {
            Some(from) => Some(stage(from)?),
            None => pipeline.before(&to.name),
        };
        if from.is_some_and(|from| from.name == to.name) {
            return Err(RunError::Usage(format!("{} cannot be promoted to itself", to.name)));
        }
        let source = source(pipeline, from, wanted).map_err(RunError::Usage)?;
        let manifest = registries.manifest(&source).await?;
        // From here on only the digest counts, so that nothing slips in between.
        let source = source.at(&manifest.digest);
        let told = version(registries, &source, &manifest).await?;
        // A tag that was asked for is as good a name as the image's own label.
        let named = wanted.filter(|wanted| !wanted.contains(':')).map(str::to_owned);
        let found = told.clone().or(named);
        let mut promotion = Promotion {
            image: pipeline.name.clone(),
            from: from.map(|stage| stage.name.clone()),
            to: to.name.clone(),
            source: source.normal(),
            digest: manifest.digest.clone(),
            version: found,
            old_version: None,
            moves: Vec::new(),
            blockers: Vec::new(),
            notes: Vec::new(),
            unrecorded: None,
            dry_run: options.mode == Mode::Test,
        };
        tags(&mut promotion, pipeline, to, options, registries).await?;
        match from {
            Some(from) => {
                let project = pipeline.project.as_deref().unwrap_or(&all.project);
                let (source, manifest) = (&source, &manifest);
                let passage = Passage { pipeline, project, from, to, registries, source, manifest };
                passage.guard(&mut promotion, options, ambient).await?;
            }
            None => promotion.notes.push("it comes from no stage, so nothing says that it works".to_owned()),
        }
        let project = pipeline.project.as_ref().unwrap_or(&all.project).clone();
        let owner = Owner { project, env: to.name.clone() };
        Ok(Self { promotion, owner, manifest, source })
    }

    fn entry(
        &self,
        options: &PromoteOptions,
        (clock, begun): (&Clock, Duration),
        is_done: bool,
        ambient: &Ambient,
    ) -> Entry {
        let promotion = &self.promotion;
        let tags: Vec<_> = promotion.changes().map(|step| step.reference.as_str()).collect();
        // The moving tag is the last.
        let moving = promotion.moves.last();
        let detail = json!({
            "from": promotion.from, "to": promotion.to, "tags": tags, "before": moving.and_then(|step| step.from.as_ref()),
            "overruled": options.force,
        });
        Entry {
            time: clock.now(),
            engine: None,
            owner: Some(self.owner.clone()),
            object: promotion.image.clone(),
            container: None,
            revision: None,
            kind: Kind::Promoted,
            image: moving.map(|step| step.reference.clone()),
            image_id: None,
            digests: vec![promotion.digest.clone()],
            version: promotion.version.clone(),
            outcome: if is_done { Outcome::Passed } else { Outcome::Failed },
            exit_code: None,
            took: clock.elapsed().saturating_sub(begun),
            actor: ambient.actor(),
            why: options.why.clone(),
            detail,
        }
    }

    async fn perform(&self, registries: &Registries) -> Result<(), RunError> {
        for step in self.promotion.changes() {
            let target = ImageReference::parse(&step.reference);
            registries.copy_content(&self.manifest, &self.source, &target).await?;
            // The protocol cannot compare and swap; a look right before is the best there is.
            let now = digest(registries, &target).await?;
            if now != step.from && now.as_ref() != Some(&step.to) {
                return Err(RunError::Failed(format!(
                    "{} was moved by somebody else meanwhile: it pointed to {}, now to {}; promote again",
                    step.reference,
                    step.from.as_deref().unwrap_or("nothing"),
                    now.as_deref().unwrap_or("nothing")
                )));
            }
            registries.put_manifest(&target, &self.manifest).await?;
        }
        Ok(())
    }
}

/// Somebody who types a tag means another image than the one of the stage.
fn refuse_tag(typed: &str, pipeline: &Pipeline) -> Result<(), RunError> {
    match typed.rsplit('/').next().and_then(|last| last.split_once(':')) {
        Some((_, tag)) => Err(RunError::Usage(format!(
            "`{typed}` has a tag; an image is promoted from its stage, or by a version: {}@{tag}",
            pipeline.name
        ))),
        None => Ok(()),
    }
}

fn is_version(wanted: &str) -> Result<(), RunError> {
    let is_tag = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_sound = match wanted.strip_prefix("sha256:") {
        Some(hex) => hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => wanted.is_empty() || wanted.len() <= 128 && wanted.chars().all(is_tag),
    };
    let said =
        format!("`{wanted}` is neither a version, such as 1.4.2, nor a whole digest (sha256: and 64 digits)");
    if is_sound { Ok(()) } else { Err(RunError::Usage(said)) }
}

fn is_digest_or_prefix(expected: &str) -> Result<(), RunError> {
    let hex = expected.trim_start_matches("sha256:");
    let is_sound = (7..=64).contains(&hex.len()) && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let said = format!("--expect takes a digest, or at least 7 of its first digits, not `{expected}`");
    if is_sound { Ok(()) } else { Err(RunError::Usage(said)) }
}

/// Where the image is now: by its version, by its digest, or by the moving tag of its stage.
fn source(pipeline: &Pipeline, from: Option<&Stage>, wanted: Option<&str>) -> Result<ImageReference, String> {
    let image = from.map_or(pipeline.image.as_str(), |from| pipeline.image_of(from));
    match (wanted, from) {
        (Some(""), _) => Err("behind `@` stands a version or a digest".to_owned()),
        (Some(digest), _) if digest.starts_with("sha256:") => {
            Ok(ImageReference::parse(&format!("{image}@{digest}")))
        }
        (Some(version), _) => Ok(ImageReference::parse(&format!("{image}:{version}"))),
        (None, Some(from)) => {
            let tags = pipeline.tags_of(&from.name, None)?;
            let tag = tags.first().ok_or("the first of `tags` must not need a version")?;
            Ok(ImageReference::parse(&format!("{image}:{tag}")))
        }
        (None, None) => Err(format!(
            "no stage comes before the first one: name a version, such as `{}@1.4.2`",
            pipeline.name
        )),
    }
}

/// What each tag points to now, and what stands against moving it.
async fn tags(
    promotion: &mut Promotion,
    pipeline: &Pipeline,
    to: &Stage,
    options: &PromoteOptions,
    registries: &Registries,
) -> Result<(), RunError> {
    let tags = pipeline.tags_of(&to.name, promotion.version.as_deref()).map_err(RunError::Failed)?;
    if tags.len() < pipeline.tags.len() {
        let note =
            "the image has no version (label org.opencontainers.image.version), so it gets no tag of its own";
        promotion.notes.push(note.to_owned());
    }
    for (number, tag) in tags.iter().enumerate() {
        let reference = format!("{}:{tag}", pipeline.image_of(to));
        let now = digest(registries, &ImageReference::parse(&reference)).await?;
        let is_moving = number == 0;
        if is_moving {
            if let Some(old) = &now {
                let old = ImageReference::parse(&reference).at(old);
                promotion.old_version = version_behind(registries, &old).await;
            }
            let is_expected = |expected: &String| {
                let expected = expected.trim_start_matches("sha256:");
                now.as_ref().is_some_and(|now| now.trim_start_matches("sha256:").starts_with(expected))
            };
            if let Some(expected) = options.expect.as_ref().filter(|expected| !is_expected(expected)) {
                promotion.blockers.push(format!(
                    "{reference} points to {}, not to {expected} as expected",
                    now.as_deref().unwrap_or("nothing")
                ));
            }
        } else if now.as_ref().is_some_and(|now| *now != promotion.digest) {
            promotion.blockers.push(format!(
                "{reference} is there already, with another image ({}); such a tag is never moved: give the image \
                 another version",
                now.as_deref().unwrap_or_default()
            ));
        }
        promotion.moves.push(TagMove { reference, from: now, to: promotion.digest.clone() });
    }
    promotion.moves.reverse();
    Ok(())
}

async fn digest(registries: &Registries, reference: &ImageReference) -> Result<Option<String>, RunError> {
    match registries.head(reference).await {
        Ok(head) => Ok(Some(head.digest)),
        Err(RegistryError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The version of what a tag had; it is for people only, so that it cannot be had is no error.
async fn version_behind(registries: &Registries, reference: &ImageReference) -> Option<String> {
    let manifest = registries.manifest(reference).await.ok()?;
    version(registries, reference, &manifest).await.ok()?
}
