//! `states/<env>.pins`: the digests that an environment uses, to be committed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use petgraph::graph::DiGraph;

use super::graph::{Edge, State};
use super::tree::{Plain, Tree};
use super::yaml;
use crate::resource::image_reference;
use crate::source::{Diagnostic, Diagnostics, Place, did_you_mean};
use crate::world::ImageReference;

/// What references are pinned to, by normalised reference.
pub type Pins = BTreeMap<String, Pin>;

/// What one reference is pinned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The digest that the tag pointed to, of an image or of an index.
    pub digest: String,
    /// The tag that a range of versions stood for.
    pub tag: Option<String>,
    /// The digest of each platform's own image.
    pub platforms: BTreeMap<String, String>,
}

const REMEDY: &str = "mend it, or remove the file and let `evenkeel pin` write it anew";
const HEAD: &str = "# Written by `evenkeel pin`; commit it. Each image here is used at this digest, wherever its tag points.\n";

/// Where the pins of an environment are.
pub fn path(states: &Path, env: &str) -> PathBuf {
    states.join(format!("{env}.pins"))
}

/// The pins of an environment, and where each of them stands.
#[derive(Debug, Default)]
pub(super) struct Pinned {
    pub pins: Pins,
    pub places: BTreeMap<String, Place>,
}

/// Reads the pins of an environment, if there are any.
pub(super) fn read(tree: &Tree, env: &str, problems: &mut Diagnostics) -> Pinned {
    let mut pinned = Pinned::default();
    let path = path(&tree.states, env);
    if !tree.is_file(&path) {
        return pinned;
    }
    let file = match tree.read(&path) {
        Ok(file) => file,
        Err(problem) => {
            problems.push(problem);
            return pinned;
        }
    };
    let mut garbled = Diagnostics::default();
    let root = yaml::load(&Plain(file), &mut garbled);
    problems.extend(garbled.into_iter().map(|problem| problem.hint(REMEDY)));
    let Some(root) = root else { return pinned };
    if root.as_map().is_none() && !root.is_null() {
        problems.push(
            Diagnostic::error(&root.place, format!("pins are a mapping of images, this is {}", root.sort()))
                .hint(REMEDY),
        );
    }
    for entry in root.as_map().unwrap_or_default() {
        let mut pin = Pin { digest: String::new(), tag: None, platforms: BTreeMap::new() };
        for part in entry.value.as_map().unwrap_or_default() {
            if part.key == "tag" {
                pin.tag = part.value.text().map(str::to_owned);
                continue;
            }
            let Some(digest) = part.value.text().filter(|text| is_digest(text)) else {
                problems.push(
                    Diagnostic::error(&part.value.place, "this is no digest")
                        .note("digests look like sha256:9af1…, with 64 digits")
                        .hint(REMEDY),
                );
                continue;
            };
            match part.key.as_str() {
                "digest" => digest.clone_into(&mut pin.digest),
                platform => _ = pin.platforms.insert(platform.to_owned(), digest.to_owned()),
            }
        }
        if pin.digest.is_empty() {
            problems.push(
                Diagnostic::error(&entry.key_place, format!("{} has no `digest`", entry.key)).hint(REMEDY),
            );
            continue;
        }
        let reference = ImageReference::parse(&entry.key).normal();
        pinned.places.insert(reference.clone(), entry.key_place.clone());
        pinned.pins.insert(reference, pin);
    }
    pinned
}

/// Tells of pins that no state uses. A pin is for what is pulled by a tag.
pub(super) fn unused(
    places: &BTreeMap<String, Place>,
    graph: &DiGraph<State, Edge>,
    problems: &mut Diagnostics,
) {
    let present = graph
        .node_weights()
        .filter(|state| state.kind.name() == "image" && state.function.name == "present")
        .map(|state| ImageReference::parse(&image_reference(&state.name, &state.spec)));
    let tags = present.filter(|it| matches!(it, ImageReference::Named { digest: None, .. }));
    let used: BTreeSet<String> = tags.map(|reference| reference.normal()).collect();
    for (pinned, place) in places.iter().filter(|(pinned, _)| !used.contains(*pinned)) {
        let nearest = did_you_mean(pinned, used.iter().map(String::as_str));
        let drops = "`evenkeel pin` drops it";
        let hint = match nearest {
            Some(nearest) => format!("did you mean `{nearest}`? {drops}"),
            None => drops.to_owned(),
        };
        let message = format!("no state uses the image {pinned} that is pinned here");
        problems.push(Diagnostic::warning(place, message).hint(hint));
    }
}

/// Pins as the file has them.
pub fn written(pins: &Pins) -> String {
    let mut text = HEAD.to_owned();
    for (reference, pin) in pins {
        _ = writeln!(text, "{reference}:\n  digest: {}", pin.digest);
        if let Some(tag) = &pin.tag {
            _ = writeln!(text, "  tag: {tag}");
        }
        for (platform, digest) in &pin.platforms {
            _ = writeln!(text, "  {platform}: {digest}");
        }
    }
    text
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Trust;

    fn tree(text: &str) -> (tempfile::TempDir, Tree) {
        let folder = tempfile::tempdir().expect("a folder");
        let states = folder.path().join("states");
        std::fs::create_dir(&states).expect("a folder");
        std::fs::write(states.join("prod.yml"), "").expect("a file");
        std::fs::write(states.join("prod.pins"), text).expect("a file");
        let tree = Tree::of(&[states.join("prod.yml")], folder.path(), &Trust::Own).expect("a tree");
        (folder, tree)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let digest = |byte: &str| format!("sha256:{}", byte.repeat(32));
        let platforms = [("linux/amd64".to_owned(), digest("bb"))].into();
        let pin = Pin { digest: digest("aa"), tag: None, platforms };
        let of_range = Pin { tag: Some("1.4.2".to_owned()), ..pin.clone() };
        let pins: Pins = [
            ("reg.example:5000/web:prod".to_owned(), pin),
            ("reg.example:5000/web:>=1.4 <2".to_owned(), of_range),
        ]
        .into();
        let (_folder, tree) = tree(&written(&pins));
        let mut problems = Diagnostics::default();
        assert_eq!(read(&tree, "prod", &mut problems).pins, pins);
        assert!(read(&tree, "qa", &mut problems).pins.is_empty());
        assert!(!problems.has_errors());
    }

    #[test]
    fn wrong_pins_are_told() {
        for text in [
            "- a\n",
            "web: sha256:00\n",
            "web: {digest: latest}\n",
            "web:prod:\n  linux/amd64: x\n",
            "web: {digest: [}\n",
        ] {
            let (_folder, tree) = tree(text);
            let mut problems = Diagnostics::default();
            read(&tree, "prod", &mut problems);
            let told: String = problems.iter().map(ToString::to_string).collect();
            assert!(problems.has_errors(), "{text}");
            assert!(
                told.contains("mend it, or remove the file and let `evenkeel pin` write it anew"),
                "{told}"
            );
        }
    }
}
