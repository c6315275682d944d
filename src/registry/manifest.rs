//! Manifests: an index of platforms, or one image. Pure.
//! Source: <https://github.com/opencontainers/image-spec>, and Docker's schema 2, which is alike.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// The sorts of manifests that are understood. All are named in every question, because a registry
/// that misses one may answer another representation, with another digest.
pub const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// A manifest as it came. Its digest is that of these very bytes, so they are never written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawManifest {
    pub bytes: Bytes,
    pub media_type: String,
    /// `sha256:…` of the bytes.
    pub digest: String,
}

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manifest {
    /// One manifest per platform; what is no image (attestations) is left out.
    Index(Vec<Entry>),
    Image {
        config: Descriptor,
        layers: Vec<Descriptor>,
    },
}

/// One platform of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub manifest: Descriptor,
    pub platform: Platform,
}

/// Something that a registry keeps by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Descriptor {
    #[serde(rename = "mediaType", default)]
    pub media_type: String,
    pub digest: String,
    /// In bytes.
    #[serde(default)]
    pub size: u64,
    /// Where it is, if not in the registry. Such layers are not copied.
    #[serde(default)]
    pub urls: Vec<String>,
}

/// What an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
pub struct Platform {
    #[serde(default)]
    pub os: String,
    #[serde(default)]
    pub architecture: String,
    #[serde(default)]
    pub variant: String,
}

/// The digest of bytes, as registries write it.
pub fn digest_of(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

impl RawManifest {
    /// Reads what it says.
    ///
    /// # Errors
    /// Says why it is no manifest that is understood.
    pub fn read(&self) -> Result<Manifest, String> {
        #[derive(Deserialize)]
        struct Any {
            #[serde(rename = "schemaVersion")]
            schema: u32,
            manifests: Option<Vec<Listed>>,
            config: Option<Descriptor>,
            #[serde(default)]
            layers: Vec<Descriptor>,
        }
        #[derive(Deserialize)]
        struct Listed {
            #[serde(flatten)]
            manifest: Descriptor,
            #[serde(default)]
            platform: Platform,
            #[serde(default)]
            annotations: std::collections::BTreeMap<String, String>,
        }
        let any: Any = serde_json::from_slice(&self.bytes).map_err(|error| error.to_string())?;
        if any.schema != 2 {
            return Err(format!("a manifest of schema {} is too old to be used", any.schema));
        }
        match (any.manifests, any.config) {
            (Some(listed), _) => {
                let is_image = |listed: &Listed| {
                    listed.platform.os != "unknown" && !listed.annotations.contains_key(ATTESTATION)
                };
                let images = listed.into_iter().filter(is_image);
                let entries =
                    images.map(|listed| Entry { manifest: listed.manifest, platform: listed.platform });
                Ok(Manifest::Index(entries.collect()))
            }
            (None, Some(config)) => Ok(Manifest::Image { config, layers: any.layers }),
            (None, None) => Err("it is neither an image nor an index of images".to_owned()),
        }
    }
}

impl RawManifest {
    /// The digests of everything that an index names, attestations included.
    pub fn children(&self) -> Vec<String> {
        let json: serde_json::Value = serde_json::from_slice(&self.bytes).unwrap_or_default();
        let listed = json["manifests"].as_array().into_iter().flatten();
        listed.filter_map(|entry| entry["digest"].as_str().map(str::to_owned)).collect()
    }
}

/// What BuildKit writes on entries of an index that are no images.
const ATTESTATION: &str = "vnd.docker.reference.type";

impl Manifest {
    /// Chooses the entry for a platform, as engines do.
    pub fn entry(entries: &[Entry], wanted: &Platform) -> Option<Entry> {
        let fits = |entry: &&Entry| entry.platform.fits(wanted);
        // Of several variants of arm the newest that was asked for, or the newest at all.
        entries.iter().filter(fits).max_by_key(|entry| entry.platform.variant.clone()).cloned()
    }
}

impl Platform {
    /// Reads `linux/arm64/v8`, of which parts may be left out; the rest is `default`'s.
    pub fn parse(text: &str, default: &Self) -> Self {
        let text = text.to_ascii_lowercase();
        let normal = |word: &str| match word {
            "x86_64" | "x86-64" => "amd64".to_owned(),
            "aarch64" => "arm64".to_owned(),
            word => word.to_owned(),
        };
        let mut platform = default.clone();
        match text.split('/').collect::<Vec<_>>().as_slice() {
            [""] => {}
            // One word alone may be either.
            [word] if matches!(*word, "linux" | "windows" | "freebsd") => platform.os = (*word).to_owned(),
            [architecture] => {
                platform.architecture = normal(architecture);
                platform.variant.clear();
            }
            [os, architecture, rest @ ..] => {
                platform.os = (*os).to_owned();
                platform.architecture = normal(architecture);
                platform.variant = rest.join("/");
            }
            [] => {}
        }
        platform
    }

    /// True if what is for this platform runs where `wanted` is asked for.
    pub fn fits(&self, wanted: &Self) -> bool {
        let variant = |platform: &Self| match (platform.architecture.as_str(), platform.variant.as_str()) {
            ("arm64", "v8") => String::new(),
            (_, variant) => variant.to_owned(),
        };
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && (variant(wanted).is_empty() || variant(self) == variant(wanted))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if self.variant.is_empty() { Ok(()) } else { write!(f, "/{}", self.variant) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn raw(json: &Value) -> RawManifest {
        let bytes = Bytes::from(json.to_string());
        let digest = digest_of(&bytes);
        RawManifest { bytes, media_type: String::new(), digest }
    }

    fn platform(text: &str) -> Platform {
        Platform::parse(text, &Platform::default())
    }

    #[test]
    fn attestations_are_no_platforms() {
        let entry = |digest: &str, os: &str, arch: &str| json!({"digest": digest, "size": 1, "platform": {"os": os, "architecture": arch}});
        let index = raw(&json!({"schemaVersion": 2, "manifests": [
            entry("sha256:a", "linux", "amd64"), entry("sha256:b", "unknown", "unknown"), entry("sha256:c", "linux", "arm64"),
        ]}));
        let Ok(Manifest::Index(entries)) = index.read() else { panic!("an index") };
        assert_eq!(entries.len(), 2);
        let chosen = |text: &str| Manifest::entry(&entries, &platform(text)).map(|it| it.manifest.digest);
        assert_eq!(chosen("linux/amd64").as_deref(), Some("sha256:a"));
        assert_eq!(chosen("linux/aarch64").as_deref(), Some("sha256:c"));
        assert_eq!(chosen("linux/arm64/v8").as_deref(), Some("sha256:c"));
        assert_eq!(chosen("linux/s390x"), None);
    }

    #[test]
    fn variants_of_arm_are_told_apart() {
        let entry = |variant: &str| Entry {
            manifest: Descriptor {
                media_type: String::new(),
                digest: variant.to_owned(),
                size: 0,
                urls: Vec::new(),
            },
            platform: Platform { os: "linux".into(), architecture: "arm".into(), variant: variant.into() },
        };
        let entries = [entry("v6"), entry("v7"), entry("v5")];
        let chosen = |text: &str| Manifest::entry(&entries, &platform(text)).map(|it| it.manifest.digest);
        assert_eq!(chosen("linux/arm/v6").as_deref(), Some("v6"));
        assert_eq!(chosen("linux/arm").as_deref(), Some("v7"));
    }

    #[test]
    fn a_part_of_a_platform_leaves_the_rest_as_it_is() {
        let here = platform("linux/amd64");
        assert_eq!(Platform::parse("arm64", &here).to_string(), "linux/arm64");
        assert_eq!(Platform::parse("windows", &here).to_string(), "windows/amd64");
        assert_eq!(Platform::parse("", &here), here);
    }

    #[test]
    fn what_is_no_manifest_is_said() {
        assert!(raw(&json!({"schemaVersion": 1, "fsLayers": []})).read().is_err());
        assert!(raw(&json!({"schemaVersion": 2})).read().is_err());
        assert!(raw(&json!([])).read().is_err());
    }

    #[test]
    fn digests_are_written_as_registries_write_them() {
        // Of the empty text: FIPS 180-4's well-known value.
        assert_eq!(digest_of(b""), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
