//! `states/<env>.pins`: the digests that an environment uses, to be committed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::tree::{Plain, Tree};
use super::yaml;
use crate::source::{Diagnostic, Diagnostics};
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

const HEAD: &str = "# Written by `evenkeel pin`; commit it. Each image here is used at this digest, wherever its tag points.\n";

/// Where the pins of an environment are.
pub fn path(states: &Path, env: &str) -> PathBuf {
    states.join(format!("{env}.pins"))
}

/// Reads the pins of an environment, if there are any.
pub(super) fn read(tree: &Tree, env: &str, problems: &mut Diagnostics) -> Pins {
    let path = path(&tree.states, env);
    if !tree.is_file(&path) {
        return Pins::new();
    }
    let file = match tree.read(&path) {
        Ok(file) => file,
        Err(problem) => {
            problems.push(problem);
            return Pins::new();
        }
    };
    let mut pins = Pins::new();
    let Some(root) = yaml::load(&Plain(file), problems) else { return pins };
    if root.as_map().is_none() && !root.is_null() {
        problems.push(
            Diagnostic::error(&root.place, format!("pins are a mapping of images, this is {}", root.sort()))
                .hint("let `evenkeel pin` write it anew"),
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
                        .hint("digests look like sha256:9af1…, with 64 digits"),
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
                Diagnostic::error(&entry.key_place, format!("{} has no `digest`", entry.key))
                    .hint("let `evenkeel pin` write it anew"),
            );
            continue;
        }
        pins.insert(ImageReference::parse(&entry.key).normal(), pin);
    }
    pins
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
        assert_eq!(read(&tree, "prod", &mut problems), pins);
        assert!(read(&tree, "qa", &mut problems).is_empty());
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
            assert!(problems.has_errors(), "{text}");
        }
    }
}
