//! What a stage requires of the one before it, before an image comes there.

use std::collections::BTreeSet;

use super::promote::PromoteOptions;
use super::record::recall;
use super::stages::{Sought, Surveyed, running};
use super::{Ambient, RunError};
use crate::history::{Entry, Kind, Outcome};
use crate::plan::Promotion;
use crate::registry::{RawManifest, Registries};
use crate::state::{Pipeline, Requirement, Stage};
use crate::world::{ImageReference, Owner, label};

/// An image between two stages.
pub(super) struct Passage<'a> {
    pub pipeline: &'a Pipeline,
    /// Whose containers the stages run.
    pub project: &'a str,
    pub from: &'a Stage,
    pub to: &'a Stage,
    pub registries: &'a Registries,
    /// Where its manifest was read.
    pub source: &'a ImageReference,
    pub manifest: &'a RawManifest,
}

impl Passage<'_> {
    /// Says what stands against it; a note where that is overruled.
    pub(super) async fn guard(
        &self,
        promotion: &mut Promotion,
        options: &PromoteOptions,
        ambient: &Ambient,
    ) -> Result<(), RunError> {
        let mut against = Vec::new();
        let sought = Sought { registries: self.registries, image: self.source.at(&promotion.digest) };
        let runs = running(self.project, self.pipeline, self.from, Some(&sought), ambient).await;
        let runs = match runs {
            Ok(runs) => Some(runs),
            Err(error) if options.force => {
                against.push(error.to_string());
                None
            }
            Err(error) => return Err(error),
        };
        for requirement in &self.to.require {
            match (requirement, &runs) {
                (Requirement::Running, Some(runs)) => against.extend(self.not_running(runs)),
                (Requirement::Running, None) => {}
                (Requirement::Validated, runs) => {
                    let same = runs.as_ref().map_or(&[][..], |runs| &runs.same);
                    let known_as = runs.as_ref().map(|runs| runs.known_as.clone());
                    let known_as = known_as.unwrap_or_else(|| [promotion.digest.clone()].into());
                    match self.validated(known_as, same, ambient).await? {
                        Verdict::Fine => {}
                        Verdict::FineBut(note) => promotion.notes.push(note),
                        Verdict::Against(reason) => against.push(reason),
                    }
                }
            }
        }
        if options.force {
            let overruled = against.into_iter().map(|reason| format!("overruled by --force: {reason}"));
            promotion.notes.extend(overruled);
        } else {
            promotion.blockers.extend(against);
        }
        Ok(())
    }

    fn not_running(&self, Surveyed { same, other, .. }: &Surveyed) -> Option<String> {
        let (project, from) = (self.project, &self.from.name);
        match (same.is_empty(), other.is_empty()) {
            (false, _) => None,
            (true, true) => Some(format!("no container of {project}/{from} runs it")),
            (true, false) => {
                Some(format!("{project}/{from} does not run it, but something else: {}", other.join(", ")))
            }
        }
    }

    /// The newest result counts. An image that declares no validation cannot fail one.
    async fn validated(
        &self,
        known_as: BTreeSet<String>,
        same: &[String],
        ambient: &Ambient,
    ) -> Result<Verdict, RunError> {
        let key = label::LIFECYCLE_VALIDATE;
        let declared = self.registries.label(self.source, self.manifest, key).await?;
        if declared.is_none_or(|command| command.trim().is_empty()) {
            return Ok(Verdict::Fine);
        }
        let owner = Owner { project: self.project.to_owned(), env: self.from.name.clone() };
        let newest =
            recall(ambient, move |history| history.newest_of_image(Kind::Validated, &owner, &known_as)).await;
        let (place, remedy) = (format!("{}/{}", self.project, self.from.name), self.remedy(same));
        let not_passed = format!("its declared validation has not passed in {place}");
        Ok(match newest.map(Option::flatten) {
            Err(reason) => {
                let reason = reason.replace('\n', "; ");
                Verdict::Against(format!("it is not known whether it was validated in {place}: {reason}"))
            }
            Ok(None) => Verdict::Against(format!("{not_passed}: none is on record here{remedy}")),
            Ok(Some(entry)) => {
                let how = match (entry.outcome, entry.exit_code) {
                    (Outcome::Passed, _) => return Ok(passed(&entry)),
                    (Outcome::Failed, Some(code)) => format!("failed with exit code {code}"),
                    (Outcome::Failed, None) => "could not be run".to_owned(),
                    (Outcome::Unknown, _) => "was not waited for".to_owned(),
                };
                let (object, when) = (&entry.object, entry.time.strftime("%Y-%m-%d %H:%M UTC"));
                Verdict::Against(format!(
                    "{not_passed}: the newest one, of {object} at {when}, {how}{remedy}"
                ))
            }
        })
    }

    /// What to type.
    fn remedy(&self, same: &[String]) -> String {
        let host = self.from.host.as_ref().map(|host| format!(" --host {host}")).unwrap_or_default();
        match same.first() {
            Some(name) => format!("; type: evenkeel validate {name}{host}"),
            None => "; apply it there, and type: evenkeel validate NAME".to_owned() + &host,
        }
    }
}

/// What the record says.
enum Verdict {
    Fine,
    /// Something that a person should know.
    FineBut(String),
    Against(String),
}

/// What was validated may have been more than the image.
fn passed(entry: &Entry) -> Verdict {
    match entry.detail["updates"].as_u64() {
        Some(updates @ 1..) => {
            let (object, times) = (&entry.object, if updates == 1 { "once" } else { "several times" });
            Verdict::FineBut(format!(
                "when {object} was validated it had been updated {times}; what the updates fetched is not in the image"
            ))
        }
        Some(0) | None => Verdict::Fine,
    }
}
