//! Ranges of versions where a tag could stand: `web:~1.4` is the newest tag of `web` that fits.

use semver::{Version, VersionReq};

use super::ImageReference;

/// A range of versions, and the variant that every tag in it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange {
    versions: VersionReq,
    /// What tags have behind the version: `alpine` in `~1.4-alpine`.
    variant: Option<String>,
}

impl VersionRange {
    /// How ranges are written, as a hint.
    pub const SPELLINGS: &str =
        "ranges look like `~1.4`, `^1`, `>=1.4 <2`, `1.*`, or `~1.4-alpine` for tags that end with `-alpine`";

    /// Reads what stands where a tag could. Nothing if it is an ordinary tag: tags have none of `~^<>=*`.
    ///
    /// # Errors
    /// If it looks like a range and is none.
    pub fn parse(tag: &str) -> Option<Result<Self, String>> {
        if !tag.contains(['~', '^', '<', '>', '=', '*']) {
            return None;
        }
        let (range, variant) = match tag.split_once('-') {
            Some((range, variant)) => (range, Some(variant)),
            None => (tag, None),
        };
        // Comparisons are parted by commas, and people leave them out.
        let parts: Vec<_> = range.split([',', ' ']).filter(|part| !part.is_empty()).collect();
        let wrong = |reason: String| format!("`{tag}` is no range of versions: {reason}");
        if variant.is_some_and(|variant| variant.is_empty() || !variant.chars().all(is_of_tag)) {
            return Some(Err(wrong("behind `-` stands what all its tags end with".to_owned())));
        }
        let versions = VersionReq::parse(&parts.join(", ")).map_err(|error| wrong(error.to_string()));
        Some(versions.map(|versions| Self { versions, variant: variant.map(str::to_owned) }))
    }

    /// The range in a reference, if there is one.
    ///
    /// # Errors
    /// If it looks like a range and is none.
    pub fn of(reference: &ImageReference) -> Option<Result<Self, String>> {
        match reference {
            ImageReference::Named { tag: Some(tag), digest: None, .. } => Self::parse(tag),
            ImageReference::Named { .. } | ImageReference::Id(_) => None,
        }
    }

    /// The tag of the newest version that fits. Of `1.4.2` and `v1.4.2` the shorter.
    pub fn newest<'a>(&self, tags: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let fits = |tag: &'a str| {
            let version = self.version(tag)?;
            self.versions.matches(&version).then_some((version, std::cmp::Reverse(tag.len()), tag))
        };
        tags.into_iter().filter_map(fits).max().map(|(_, _, tag)| tag)
    }

    /// The newest version of this variant, whether it fits or not.
    pub fn newest_of_all<'a>(&self, tags: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        tags.into_iter().filter_map(|tag| Some((self.version(tag)?, tag))).max().map(|(_, tag)| tag)
    }

    /// The version that a tag stands for. Only whole ones count: `1.4` moves.
    fn version(&self, tag: &str) -> Option<Version> {
        let tag = match &self.variant {
            Some(variant) => tag.strip_suffix(variant.as_str())?.strip_suffix('-')?,
            None => tag,
        };
        let version = Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()?;
        version.pre.is_empty().then_some(version)
    }
}

fn is_of_tag(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> VersionRange {
        match VersionRange::parse(text) {
            Some(Ok(range)) => range,
            other => panic!("{text}: {other:?}"),
        }
    }

    const TAGS: [&str; 13] = [
        "latest",
        "1.3.9",
        "1.4",
        "1.4.2",
        "v1.4.10",
        "1.4.9",
        "1.5.0",
        "2.0.0-rc.1",
        "1.4.11-alpine",
        "1.4.3-alpine",
        "1.4.2-prod",
        "2.1.0",
        "20240105",
    ];

    #[test]
    fn the_newest_version_that_fits_is_chosen() {
        for (text, chosen) in [
            ("~1.4", Some("v1.4.10")),
            ("^1.4", Some("1.5.0")),
            ("^1", Some("1.5.0")),
            ("=1.4.2", Some("1.4.2")),
            (">=1.3, <1.4", Some("1.3.9")),
            (">=1.3 <1.5", Some("v1.4.10")),
            ("1.*", Some("1.5.0")),
            ("*", Some("2.1.0")),
            ("~1.4-alpine", Some("1.4.11-alpine")),
            ("*-prod", Some("1.4.2-prod")),
            ("~3", None),
        ] {
            assert_eq!(range(text).newest(TAGS), chosen, "{text}");
        }
        assert_eq!(range("~3").newest_of_all(TAGS), Some("2.1.0"));
        assert_eq!(range("*").newest(["v1.0.0", "1.0.0"]), Some("1.0.0"));
    }

    #[test]
    fn ordinary_tags_are_no_ranges() {
        for tag in ["1.4", "latest", "1.4.2-prod", "v1", "_x"] {
            assert_eq!(VersionRange::parse(tag), None, "{tag}");
        }
        let of = |text: &str| VersionRange::of(&ImageReference::parse(text)).is_some();
        assert!(of("reg.example:5000/shop/web:~1.4"));
        assert!(of("web:>=1.4 <2"));
        assert!(!of("reg.example:5000/shop/web"));
    }

    #[test]
    fn a_wrong_range_is_told() {
        for text in ["~", "~x", "~1.4-", "^1.4-a b", ">=", "=1.4.2.1", "~1.4 ^"] {
            assert!(matches!(VersionRange::parse(text), Some(Err(_))), "{text}");
        }
    }
}
