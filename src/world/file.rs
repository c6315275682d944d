//! Files that are put into containers, and what is known of those that are there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    Text(String),
    /// What is no UTF-8 text.
    Bytes(Vec<u8>),
}

/// A file as it is to be in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Absolute, in the container.
    pub path: String,
    pub content: FileContent,
    /// Permission bits, setuid, setgid and sticky among them.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// True if nothing may be told of what stands in it, not even by its time.
    pub is_secret: bool,
}

/// A file of a container, as far as it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeenFile {
    Missing,
    /// It has the time, the size and the mode of the one that was asked for.
    AsWanted,
    Found {
        content: FileContent,
        mode: u32,
        uid: u32,
        gid: u32,
        /// It was put there, and the container has not been told of it.
        is_pending: bool,
    },
    /// The engine cannot say what is there, for this reason.
    Unreadable(String),
    /// It is there, and nothing that could be compared: a folder, or a file that is too large.
    Other(String),
}

/// How the time of a file is set when it is put into a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileTime {
    /// The container does not know of it yet: whoever finds that has to tell it.
    Pending,
    /// All is done.
    Settled,
}

/// A file that is larger is not read from a container, nor put into one. In bytes.
pub const LARGEST_FILE: u64 = 8 << 20;

/// A longer text is not shown line by line. In bytes.
const LONGEST_SHOWN: usize = 64 << 10;
/// The time of a file that the container does not know of yet, in seconds since 1970.
const PENDING: i64 = 1;
/// The time of a file of which nothing may be guessed.
const HIDDEN: i64 = 2;
/// Where the times begin that say what a file is: in 1985.
const FIRST: i64 = 500_000_000;
/// How many of them there are: up to 2002.
const SPAN: u64 = 1 << 29;

impl FileContent {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// Text, if it is UTF-8 without control characters but those of lines.
    pub fn of(bytes: Vec<u8>) -> Self {
        let is_strange = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{1b}' | '\u{c}');
        match String::from_utf8(bytes) {
            Ok(text) if text.contains(is_strange) => Self::Bytes(text.into_bytes()),
            Ok(text) => Self::Text(text),
            Err(error) => Self::Bytes(error.into_bytes()),
        }
    }

    /// What people are shown.
    pub fn shown(&self) -> Value {
        match self {
            Self::Text(text) if text.len() <= LONGEST_SHOWN => json!(text),
            Self::Text(text) => {
                let (lines, digest) = (text.lines().count(), self.digest());
                json!(format!("{lines} lines, {} bytes, sha256 {}", text.len(), &digest[..12]))
            }
            Self::Bytes(bytes) => json!(format!("{} bytes, sha256 {}", bytes.len(), &self.digest()[..12])),
        }
    }

    /// As JSON can hold it, whatever it is.
    pub fn base64(&self) -> String {
        BASE64.encode(self.bytes())
    }

    /// Reads what `base64` gives.
    pub fn from_base64(encoded: &str) -> Option<Self> {
        BASE64.decode(encoded).ok().map(Self::of)
    }

    /// SHA-256, in hexadecimal digits.
    pub fn digest(&self) -> String {
        Sha256::digest(self.bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl File {
    /// The time of the file, in seconds since 1970, which says what it is: one that was changed by hand has another.
    pub fn own_time(&self) -> i64 {
        let mut hash = Sha256::new();
        hash.update(format!("{:o} {}:{} ", self.mode, self.uid, self.gid));
        hash.update(self.content.bytes());
        let first: [u8; 8] = hash.finalize()[..8].try_into().unwrap_or_default();
        FIRST + i64::try_from(u64::from_be_bytes(first) % SPAN).unwrap_or_default()
    }

    /// The time that it gets in a container.
    pub fn time(&self, time: FileTime) -> i64 {
        match time {
            FileTime::Pending => PENDING,
            FileTime::Settled if self.is_secret => HIDDEN,
            FileTime::Settled => self.own_time(),
        }
    }

    /// True if a time says that the container has not been told of the file.
    pub fn is_pending(time: i64) -> bool {
        time == PENDING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str, mode: u32, uid: u32) -> File {
        let content = FileContent::Text(content.to_owned());
        File { path: "/etc/app.conf".to_owned(), content, mode, uid, gid: 0, is_secret: false }
    }

    #[test]
    fn the_time_of_a_file_says_what_it_is() {
        let first = file("a", 0o644, 0);
        assert_eq!(first.own_time(), file("a", 0o644, 0).own_time());
        for other in [file("b", 0o644, 0), file("a", 0o600, 0), file("a", 0o644, 7)] {
            assert_ne!(first.own_time(), other.own_time());
        }
        assert!((500_000_000..1_050_000_000).contains(&first.own_time()));
        assert!(File::is_pending(first.time(FileTime::Pending)) && !File::is_pending(first.own_time()));
    }

    #[test]
    fn what_is_no_text_is_shown_by_its_digest() {
        assert_eq!(FileContent::of(b"a\n".to_vec()).shown(), "a\n");
        assert_eq!(FileContent::of(vec![0xff, 0xfe]).shown(), "2 bytes, sha256 b3d510ef0427");
    }
}
