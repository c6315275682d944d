//! What can be the name of an image.

use super::super::spec::Spec;
use super::{build, fields};
use crate::source::{Diagnostic, Diagnostics, Place};
use crate::world::{ImageReference, VersionRange};

/// Tells what no engine takes for a name, wherever a state says one.
pub fn check(name: &str, spec: &Spec, place: &Place) -> Diagnostics {
    let mut problems = Diagnostics::default();
    let mut tell = |name: &str, place: &Place| {
        if let Err(reason) = ImageReference::check(name) {
            problems.push(Diagnostic::error(place, reason).maybe_hint(ImageReference::remedy(name)));
        }
    };
    match spec.get("tag").filter(|_| ImageReference::check(name).is_ok()) {
        Some(tag) => tell(&fields::reference(name, spec), &tag.place),
        None => tell(name, place),
    }
    let mut ranges = Vec::new();
    let source = spec.text("source").map(str::to_owned);
    let tags = build::further_tags(spec).into_iter().map(|tag| ("tags", tag));
    for (field, name) in tags.chain(source.map(|source| ("source", source))) {
        let Some(declared) = spec.get(field) else { continue };
        tell(&name, &declared.place);
        if VersionRange::of(&ImageReference::parse(&name)).is_some() {
            let message = format!("`{name}` is a range of versions, and `{field}` takes none");
            ranges.push(Diagnostic::error(&declared.place, message).hint("name one tag"));
        }
    }
    problems.extend(ranges);
    problems
}
