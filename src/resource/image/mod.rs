//! Images: pulled, built or loaded, and found by what a tag points to.

mod build;
mod copies;
mod diff;
mod fields;
mod keep;
mod names;
mod steps;
mod transfer;
mod trial;

use super::field::{Field, Vocabulary};
use super::kind::{Desired, Found, Function, Kind, Planned, Presence, Reference, Transition};
use super::spec::Spec;
use crate::plan::FieldDiff;
use crate::source::{Diagnostic, Diagnostics, Place};
use crate::world::{ImageReference, Target, VersionRange, World};

pub struct ImageKind;

static FUNCTIONS: &[Function] = &[
    Function {
        name: "present",
        presence: Presence::Present,
        beside: false,
        doc: "The image is there, pulled if need be.",
    },
    Function {
        name: "built",
        presence: Presence::Present,
        beside: false,
        doc: "The image is built from a folder with a Dockerfile; again if a file or an argument changes, or a declared base image moves.",
    },
    Function {
        name: "loaded",
        presence: Presence::Present,
        beside: false,
        doc: "The image is loaded from an archive that `docker save` wrote.",
    },
    Function {
        name: "tagged",
        presence: Presence::Present,
        beside: false,
        doc: "The tag points to the image that another name points to.",
    },
    Function {
        name: "pushed",
        presence: Presence::Present,
        beside: true,
        doc: "The registry that the name begins with has under it what the engine has. Stands beside the state that makes the image; give it an id of its own and `name`.",
    },
    Function {
        name: "saved",
        presence: Presence::Present,
        beside: true,
        doc: "An archive on this machine holds the image, as `docker save` writes it. Stands beside the state that makes the image; give it an id of its own and `name`.",
    },
    Function {
        name: "absent",
        presence: Presence::Absent,
        beside: false,
        doc: "The tag is gone, and the image with its last tag.",
    },
];

impl Kind for ImageKind {
    fn name(&self) -> &'static str {
        "image"
    }

    fn spelling(&self, vocabulary: Vocabulary) -> &'static str {
        match vocabulary {
            Vocabulary::Plain => "image",
            Vocabulary::Salt => "docker_image",
        }
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }

    fn fields(&self, function: &str) -> &'static [Field] {
        fields::of(function)
    }

    fn instead_of(&self, word: &str) -> Option<&'static str> {
        Some(match word {
            "build" => "write `docker_image.built` with `build: folder`",
            "load" => "write `docker_image.loaded` with `load: archive`",
            "sls" | "base" | "saltenv" | "pillarenv" | "pillar" => {
                "no states run inside an image here: write a Dockerfile, and `docker_image.built`"
            }
            "kwargs" => "write the options of the build themselves, beside `build`",
            "images" => "write one `absent` state per image, or one with `names`",
            _ => return None,
        })
    }

    fn check(&self, function: &str, name: &str, spec: &Spec, place: &Place) -> Diagnostics {
        let mut problems = names::check(name, spec, place);
        let reference = ImageReference::parse(name);
        let made_here = matches!(function, "built" | "loaded" | "tagged" | "pushed" | "saved");
        let is_tag = matches!(&reference, ImageReference::Named { digest: None, .. });
        if made_here && !is_tag && !problems.has_errors() {
            problems.push(
                Diagnostic::error(
                    place,
                    format!("`{name}` cannot be the name of an image that is {function}"),
                )
                .hint("a name is `repository:tag`"),
            );
        }
        match VersionRange::of(&ImageReference::parse(&image_reference(name, spec))) {
            Some(Err(reason)) => {
                let place = spec.get("tag").map_or(place, |tag| &tag.place);
                problems.push(Diagnostic::error(place, reason).hint(VersionRange::SPELLINGS));
            }
            Some(Ok(_)) if function != "present" => problems.push(
                Diagnostic::error(
                    place,
                    format!("an image that is {function} cannot have a range of versions"),
                )
                .hint("name one tag"),
            ),
            Some(Ok(_)) | None => {}
        }
        if let Some(keep) = spec.get("keep").filter(|keep| keep.value.as_u64().is_none()) {
            let message = "`keep` takes how many superseded images stay, 0 or more";
            problems.push(Diagnostic::error(&keep.place, message).hint("to keep all of them, leave it out"));
        }
        let needed = match function {
            "built" => "context",
            "loaded" | "saved" => "path",
            "tagged" => "source",
            _ => return problems,
        };
        let says_itself =
            spec.text("source").is_some_and(|source| ImageReference::parse(source) == reference);
        if function == "tagged" && says_itself {
            problems.push(
                Diagnostic::error(place, format!("`{name}` cannot be its own `source`"))
                    .hint("name the image that the tag is to point to"),
            );
        }
        if !spec.contains(needed) {
            problems.push(Diagnostic::error(place, format!("image.{function} needs `{needed}`")).hint(
                match needed {
                    "source" => {
                        "add `source: repository:tag`, the image that the tag is to point to".to_owned()
                    }
                    _ => format!("add `{needed}: ./folder-or-file`, relative to this state file"),
                },
            ));
        }
        problems
    }

    fn references(&self, _function: &str, spec: &Spec) -> Vec<Reference> {
        copies::reference(spec).into_iter().collect()
    }

    fn also_called(&self, function: &str, spec: &Spec) -> Vec<String> {
        if function == "built" { build::further_tags(spec) } else { Vec::new() }
    }

    fn rename(&self, spec: &mut Spec, reference: &Reference, name: &str) {
        copies::rename(spec, reference, name);
    }

    fn find(&self, desired: &Desired<'_>, world: &World) -> Option<Found> {
        let reference = fields::reference(desired.name, desired.spec);
        let image = world.image(&reference).or_else(|| {
            // What is pushed or saved is found by the name that it has here.
            desired.function.beside.then(|| copies::source_of(desired, world)).flatten()
        })?;
        Some(Found { target: Target::new(&image.id, &reference), owner: image.labels().owner() })
    }

    fn diff(&self, desired: &Desired<'_>, found: &Found, world: &World) -> Vec<FieldDiff> {
        world.images.get(&found.target.id).map(|image| diff::diff(desired, image, world)).unwrap_or_default()
    }

    fn steps(&self, desired: &Desired<'_>, transition: &Transition<'_>, world: &mut World) -> Planned {
        steps::steps(desired, transition, world)
    }

    fn blockers(&self, desired: &Desired<'_>, world: &World) -> Vec<String> {
        diff::blockers(desired, world)
    }

    fn reacts(&self) -> bool {
        true
    }
}

pub use build::follows_base;
pub use diff::{at_pin, is_due};
pub use fields::{Pull, pull as pull_policy, reference as image_reference};
pub use keep::{kept, revision, revisions};
pub use trial::{end_of_trial, trials};
