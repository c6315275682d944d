//! Image references: every spelling of one image is the same reference.

use std::fmt;

use super::{Id, Image, VersionRange};

/// A reference to an image, in parts. `nginx`, `docker.io/library/nginx:latest` and
/// `index.docker.io/nginx` are one reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageReference {
    /// An image by its (possibly shortened) id.
    Id(String),
    Named {
        /// Host and port of the registry.
        registry: String,
        repository: String,
        tag: Option<String>,
        digest: Option<String>,
    },
}

const HUB: &str = "docker.io";

/// A name as it is written.
struct Parts<'a> {
    host: Option<&'a str>,
    path: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        // Paths have no capital letters, so whatever has one before the first slash is a host.
        let is_host = |text: &str| {
            text.contains(['.', ':']) || text == "localhost" || text.chars().any(char::is_uppercase)
        };
        let (host, path) = match rest.split_once('/') {
            Some((host, path)) if is_host(host) => (Some(host), path),
            _ => (None, rest),
        };
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
            _ => (path, None),
        };
        Self { host, path, tag, digest }
    }
}

/// What is wrong with a name, and what to do about it.
struct Flaw {
    message: String,
    remedy: String,
}

/// Source: <https://github.com/distribution/reference/blob/main/reference.go>.
fn flaw(text: &str) -> Option<Flaw> {
    let flaw = |message: String, remedy: &str| Some(Flaw { message, remedy: remedy.to_owned() });
    if let Some((scheme, _)) = text.split_once("://") {
        return flaw(format!("`{scheme}://` is no part of an image's name"), "leave out the scheme");
    }
    if let Some(id) = text.strip_prefix("sha256:") {
        let is_id = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit());
        return if is_id { None } else { flaw(format!("`{text}` is no image id"), DIGEST) };
    }
    if matches!(ImageReference::parse(text), ImageReference::Id(_)) {
        return None;
    }
    let Parts { host, path, tag, digest } = Parts::of(text);
    if let Some(host) = host.filter(|host| !is_host(host)) {
        return flaw(format!("`{host}` cannot be the host of a registry"), "write `host` or `host:port`");
    }
    if path.is_empty() {
        return flaw(format!("`{text}` names no repository"), "write `repository:tag`");
    }
    if path.len() > LONGEST_PATH || !path.split('/').all(is_component) {
        let lower = path.to_lowercase();
        let is_case = lower != path && lower.split('/').all(is_component);
        let remedy = if is_case { format!("write it in lower case: `{lower}`") } else { PATH.to_owned() };
        return flaw(format!("`{path}` cannot be the name of a repository"), &remedy);
    }
    let range = tag.filter(|tag| VersionRange::parse(tag).is_some());
    if let (Some(range), Some(_)) = (range, digest) {
        return flaw(format!("the range `{range}` cannot stand beside a digest"), "keep one of them");
    }
    if let Some(tag) = tag.filter(|tag| range.is_none() && !is_tag(tag)) {
        return flaw(format!("`{tag}` cannot be a tag"), TAG);
    }
    let digest = digest.filter(|digest| !is_digest(digest))?;
    flaw(format!("`{digest}` is no digest"), DIGEST)
}

const LONGEST_PATH: usize = 255;
const PATH: &str =
    "a repository is made of a-z, 0-9 and, between them, `.`, `_`, `__` or `-`; parts are parted by `/`";
const TAG: &str = "a tag has up to 128 of a-z, A-Z, 0-9, `_`, `.`, `-`, and does not begin with `.` or `-`";
const DIGEST: &str = "write `sha256:` and 64 of 0-9, a-f, or leave it out";

fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (text, None),
    };
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty() && label.chars().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_name = match address {
        Some(address) => !address.is_empty() && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':'),
        None => name.split('.').all(label),
    };
    is_name && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

fn is_component(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separates = |it: &str| matches!(it, "" | "." | "_" | "__") || it.bytes().all(|b| b == b'-');
    text.starts_with(is_word) && text.ends_with(is_word) && text.split(is_word).all(separates)
}

fn is_tag(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let sound = text.chars().all(|c| is_word(c) || matches!(c, '.' | '-'));
    text.starts_with(is_word) && sound && text.len() <= 128
}

fn is_digest(text: &str) -> bool {
    let is_hex = |hex: &str| hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    text.split_once(':').is_some_and(|(algorithm, hex)| match algorithm {
        "sha256" => hex.len() == 64 && is_hex(hex),
        "sha512" => hex.len() == 128 && is_hex(hex),
        _ => false,
    })
}

impl ImageReference {
    /// Reads a reference; a missing tag is `latest` unless there is a digest.
    pub fn parse(text: &str) -> Self {
        if let Some(id) = text.strip_prefix("sha256:") {
            return Self::Id(format!("sha256:{id}"));
        }
        if text.len() >= 12
            && text.len() <= 64
            && text.bytes().all(|b| b.is_ascii_hexdigit())
            && text.len() != 40
        {
            return Self::Id(format!("sha256:{text}"));
        }
        let Parts { host, path, tag, digest } = Parts::of(text);
        let registry = host.filter(|host| *host != "index.docker.io").unwrap_or(HUB);
        let repository =
            if registry == HUB && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        let tag = tag.or(digest.is_none().then_some("latest")).map(str::to_owned);
        Self::Named { registry: registry.to_owned(), repository, tag, digest: digest.map(str::to_owned) }
    }

    /// Checks that engines take a text for a reference. A range of versions may stand for its tag.
    ///
    /// # Errors
    /// Names the part that is wrong.
    pub fn check(text: &str) -> Result<(), String> {
        flaw(text).map_or(Ok(()), |flaw| Err(flaw.message))
    }

    /// What to write instead of a text that fails the check.
    pub fn remedy(text: &str) -> Option<String> {
        flaw(text).map(|flaw| flaw.remedy)
    }

    /// True if a text says a tag or a digest, or is an id.
    pub fn is_fixed(text: &str) -> bool {
        let Parts { tag, digest, .. } = Parts::of(text);
        tag.is_some() || digest.is_some() || matches!(Self::parse(text), Self::Id(_))
    }

    /// One text for all spellings, to look references up by.
    pub fn normal(&self) -> String {
        match self {
            Self::Id(id) => id.clone(),
            Self::Named { registry, repository, tag, digest } => {
                let tag = tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
                let digest = digest.as_ref().map(|digest| format!("@{digest}")).unwrap_or_default();
                format!("{registry}/{repository}{tag}{digest}")
            }
        }
    }

    /// True if the reference names this image by id or digest.
    pub fn is_image(&self, image: &Image) -> bool {
        match self {
            Self::Id(id) => matches!(&image.id, Id::Engine(full) if full.starts_with(id.as_str())),
            Self::Named { registry, repository, digest: Some(digest), .. } => {
                image.digests.iter().any(|known| match Self::parse(known) {
                    Self::Named { registry: r, repository: p, digest: Some(d), .. } => {
                        r == *registry && p == *repository && d == *digest
                    }
                    Self::Named { .. } | Self::Id(_) => false,
                })
            }
            Self::Named { digest: None, .. } => false,
        }
    }

    /// The same repository, at a digest and nothing else. An id stays what it is.
    #[must_use]
    pub fn at(&self, digest: &str) -> Self {
        match self {
            Self::Named { registry, repository, .. } => Self::Named {
                registry: registry.clone(),
                repository: repository.clone(),
                tag: None,
                digest: Some(digest.to_owned()),
            },
            Self::Id(id) => Self::Id(id.clone()),
        }
    }

    /// The same repository, at a tag and nothing else. An id stays what it is.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> Self {
        match self {
            Self::Named { registry, repository, .. } => Self::Named {
                registry: registry.clone(),
                repository: repository.clone(),
                tag: Some(tag.to_owned()),
                digest: None,
            },
            Self::Id(id) => Self::Id(id.clone()),
        }
    }

    /// True if both name the same repository of the same registry.
    pub fn is_beside(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Named { registry, repository, .. },
                Self::Named { registry: other_registry, repository: other_repository, .. },
            ) => registry == other_registry && repository == other_repository,
            (Self::Id(_), _) | (_, Self::Id(_)) => false,
        }
    }

    /// The digest that the reference is fixed to, if it is.
    pub fn digest(&self) -> Option<&str> {
        match self {
            Self::Id(_) => None,
            Self::Named { digest, .. } => digest.as_deref(),
        }
    }
}

impl Image {
    /// The digests by which the image is known in the repository of a reference, in no order.
    pub fn digests_in(&self, reference: &ImageReference) -> Vec<&str> {
        let same = self.digests.iter().filter(|known| ImageReference::parse(known).is_beside(reference));
        same.filter_map(|known| known.split_once('@')).map(|(_, digest)| digest).collect()
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.normal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_image_is_one_reference() {
        let normal = |text: &str| ImageReference::parse(text).normal();
        for spelling in ["nginx", "nginx:latest", "docker.io/nginx", "index.docker.io/library/nginx:latest"] {
            assert_eq!(normal(spelling), "docker.io/library/nginx:latest");
        }
        assert_eq!(normal("localhost:5000/a/b:1"), "localhost:5000/a/b:1");
        assert_eq!(normal("localhost/b"), "localhost/b:latest");
        assert_eq!(normal("me/web@sha256:ab"), "docker.io/me/web@sha256:ab");
        assert_eq!(normal("reg.example:80/web"), "reg.example:80/web:latest");
    }

    #[test]
    fn ids_are_not_names() {
        let id = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        assert_eq!(ImageReference::parse(id), ImageReference::Id(id.to_owned()));
        assert!(matches!(ImageReference::parse("0123456789ab"), ImageReference::Id(_)));
        assert!(matches!(ImageReference::parse("web"), ImageReference::Named { .. }));
    }

    #[test]
    fn what_engines_take_for_a_name_is_fine() {
        let hex = "0123456789abcdef".repeat(4);
        for text in [
            "web",
            "a/b/c",
            "web:1.4",
            "web:_A.b-c",
            "web:>=1.4 <2",
            "web:~1.4-alpine",
            "x/a__b--c.d_e/f---g",
            "localhost:5000/a/b:1",
            "localhost/b",
            "[::1]:5000/x",
            "[fd00::7]/x:1",
            "Reg.Example:80/web",
            "HOST/web",
            "index.docker.io/web",
            "0123456789ab",
            "sha256:28a3",
            &hex,
            &format!("sha256:{hex}"),
            &format!("web@sha256:{hex}"),
            &format!("reg.example/web:1@sha256:{hex}"),
            &format!("web:{}", "t".repeat(128)),
        ] {
            assert_eq!(ImageReference::check(text), Ok(()), "{text}");
            assert_eq!(ImageReference::remedy(text), None, "{text}");
        }
        assert_eq!(ImageReference::parse("HOST/web").normal(), "HOST/web:latest");
    }

    #[test]
    fn the_wrong_part_of_a_name_is_told_with_a_remedy() {
        let hex = "ab".repeat(32);
        for (text, part, remedy) in [
            ("", "`` names no repository", "repository:tag"),
            ("localhost:5000/", "names no repository", "repository:tag"),
            ("http://host/web:dev", "`http://`", "leave out the scheme"),
            ("web:dev@sha256:28a3", "`sha256:28a3`", "64 of"),
            (&format!("web@sha256:{}", hex.to_uppercase()), "no digest", "64 of"),
            (&format!("web@md5:{hex}"), "no digest", "64 of"),
            (&format!("web:^1@sha256:{hex}"), "`^1`", "keep one"),
            ("sha256:xyz", "`sha256:xyz`", "64 of"),
            ("stranger C:1", "`stranger C`", "a-z, 0-9"),
            ("Shop:1", "`Shop`", "`shop`"),
            ("reg.example/Shop/web", "`Shop/web`", "`shop/web`"),
            ("wéb", "`wéb`", "a-z, 0-9"),
            ("web ", "`web `", "a-z, 0-9"),
            (" web", "` web`", "a-z, 0-9"),
            ("a//b", "`a//b`", "a-z, 0-9"),
            ("a..b", "`a..b`", "a-z, 0-9"),
            ("a___b", "`a___b`", "a-z, 0-9"),
            ("-a", "`-a`", "a-z, 0-9"),
            ("a:1:2", "`a:1`", "a-z, 0-9"),
            ("web:", "`` cannot be a tag", "up to 128"),
            ("web:-1", "`-1`", "up to 128"),
            ("web:a b", "`a b`", "up to 128"),
            ("web:ä", "`ä`", "up to 128"),
            (&format!("web:{}", "t".repeat(129)), "cannot be a tag", "up to 128"),
            ("ho_st.example/web", "`ho_st.example`", "host:port"),
            ("host:port/web", "`host:port`", "host:port"),
        ] {
            let told = ImageReference::check(text).expect_err(text);
            assert!(told.contains(part), "{text}: {told}");
            let told = ImageReference::remedy(text).expect(text);
            assert!(told.contains(remedy), "{text}: {told}");
        }
    }
}
