//! What tags pointed to a moment ago, kept between runs. It may be lost at any time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::client::Head;

/// Answers of registries in a file, none of them older than its owner wants.
pub struct Cache {
    path: PathBuf,
    /// How long an answer holds.
    ttl: Duration,
    /// Seconds since 1970.
    now: u64,
    kept: BTreeMap<String, Kept>,
}

#[derive(Serialize, Deserialize, Clone)]
struct Kept {
    digest: String,
    media_type: String,
    /// When it was asked, in seconds since 1970.
    asked: u64,
}

/// The file's layout.
#[derive(Serialize, Deserialize)]
struct Layout {
    version: u32,
    tags: BTreeMap<String, Kept>,
}

const VERSION: u32 = 1;
/// The longest file that is read, in bytes.
const LONGEST: u64 = 16 << 20;

impl Cache {
    /// Reads what was kept in a folder. A file that cannot be read or understood counts as none.
    pub fn read(folder: &Path, ttl: Duration, now: u64) -> Self {
        let path = folder.join("registry.json");
        let is_small = std::fs::metadata(&path).is_ok_and(|file| file.len() <= LONGEST);
        let text = if is_small { std::fs::read(&path).unwrap_or_default() } else { Vec::new() };
        let layout: Option<Layout> = serde_json::from_slice(&text).ok();
        let mut kept = layout.filter(|it| it.version == VERSION).map(|it| it.tags).unwrap_or_default();
        // What comes from the future was asked by another clock.
        kept.retain(|_, it| it.asked <= now && now - it.asked < ttl.as_secs());
        Self { path, ttl, now, kept }
    }

    /// The answers that still hold, by normalised reference.
    pub fn heads(&self) -> BTreeMap<String, Head> {
        let head = |kept: &Kept| Head { digest: kept.digest.clone(), media_type: kept.media_type.clone() };
        self.kept.iter().map(|(reference, kept)| (reference.clone(), head(kept))).collect()
    }

    /// Keeps answers for the next run. That they cannot be kept costs no more than asking again, so it is
    /// no error.
    pub fn keep(mut self, asked: BTreeMap<String, Head>) {
        if asked.is_empty() || self.ttl.is_zero() {
            return;
        }
        for (reference, Head { digest, media_type }) in asked {
            self.kept.insert(reference, Kept { digest, media_type, asked: self.now });
        }
        let layout = Layout { version: VERSION, tags: self.kept };
        let Ok(text) = serde_json::to_vec(&layout) else { return };
        let new = self.path.with_extension(format!("json.{}", std::process::id()));
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&new, text))
            .and_then(|()| std::fs::rename(&new, &self.path));
        if written.is_err() {
            _ = std::fs::remove_file(&new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(digest: &str) -> BTreeMap<String, Head> {
        let head = Head { digest: digest.to_owned(), media_type: "x".to_owned() };
        BTreeMap::from([("reg.example/web:dev".to_owned(), head)])
    }

    #[test]
    fn answers_hold_as_long_as_they_are_wanted() {
        let folder = tempfile::tempdir().expect("a folder");
        let read = |ttl, now| Cache::read(&folder.path().join("new"), Duration::from_secs(ttl), now);
        read(60, 1000).keep(heads("sha256:aa"));
        assert_eq!(read(60, 1059).heads(), heads("sha256:aa"));
        assert_eq!(read(60, 1060).heads(), BTreeMap::new());
        assert_eq!(read(10, 1010).heads(), BTreeMap::new());
        assert_eq!(read(60, 999).heads(), BTreeMap::new(), "from the future");
        read(60, 1030).keep(heads("sha256:bb"));
        assert_eq!(read(60, 1070).heads(), heads("sha256:bb"));
        read(0, 1071).keep(heads("sha256:cc"));
        assert_eq!(read(60, 1072).heads(), heads("sha256:bb"), "nothing is kept for nobody");
    }

    #[test]
    fn what_cannot_be_understood_counts_as_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        for text in ["", "{", "[]", r#"{"version": 2, "tags": {}}"#, r#"{"version": 1, "tags": {"a": 1}}"#] {
            std::fs::write(folder.path().join("registry.json"), text).expect("a file");
            let cache = Cache::read(folder.path(), Duration::from_secs(60), 5);
            assert_eq!(cache.heads(), BTreeMap::new(), "{text}");
            cache.keep(heads("sha256:aa"));
            let again = Cache::read(folder.path(), Duration::from_secs(60), 6);
            assert_eq!(again.heads(), heads("sha256:aa"), "{text}");
        }
    }
}
