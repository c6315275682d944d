//! A build's context: which files are sent, in which order, and a hash that says whether anything of
//! it changed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use thiserror::Error;
use walkdir::WalkDir;

use super::dockerignore::{BadPattern, Ignore};
use crate::source::looks_secret;

/// The files of a build context, in a fixed order.
#[derive(Debug)]
pub struct Context {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// Relative to the context, with `/` between its parts.
    name: String,
    path: PathBuf,
    mode: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Folder,
    File { size: u64 },
    Link { to: PathBuf },
}

#[derive(Debug, Error)]
pub enum ContextError {
    #[error("there is no build context {}", .path.display())]
    NoContext { path: PathBuf },
    #[error("there is no Dockerfile {}", .path.display())]
    NoDockerfile { path: PathBuf },
    #[error("the Dockerfile `{dockerfile}` is not in the build context {}", .context.display())]
    DockerfileOutside { dockerfile: String, context: PathBuf },
    #[error("{}: {error}", .path.display())]
    Ignore { path: PathBuf, error: BadPattern },
    #[error("read {}: {error}", .path.display())]
    Read { path: PathBuf, error: io::Error },
}

/// A name that is never left out, since the engine reads it too.
const IGNORE_FILE: &str = ".dockerignore";
/// Changes when the hash is computed in another way.
const HASH_VERSION: &str = "evenkeel context 1";
const CHUNK: usize = 64 * 1024;

/// What decides what a build makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildInputs {
    /// Over everything: files, modes, links, arguments, target, labels and options.
    pub hash: String,
    /// Short digests by what they are of, to say later what has changed. Too short to guess a value by.
    pub parts: BTreeMap<String, String>,
}

/// Where there are more files than this, they have one digest together.
const MANY_FILES: usize = 50;
/// Digits of the digest of a part.
const SHORT: usize = 8;

/// Hashes all that decides what a build makes: files, modes, links, arguments, target and labels, and
/// `options` by name, which counts only if there are any.
///
/// # Errors
/// If the context or its Dockerfile is not there or cannot be read.
pub fn build_inputs(
    folder: &Path,
    dockerfile: &str,
    args: &BTreeMap<String, String>,
    target: Option<&str>,
    labels: &BTreeMap<String, String>,
    options: &BTreeMap<String, String>,
) -> Result<BuildInputs, ContextError> {
    let mut hash = Hash::default();
    hash.text(HASH_VERSION);
    hash.text(dockerfile);
    hash.pairs(args);
    hash.text(if target.is_some() { "target" } else { "" });
    hash.text(target.unwrap_or_default());
    hash.pairs(labels);
    let mut files = BTreeMap::new();
    for entry in Context::read(folder, dockerfile)?.entries {
        let mode = format!("{:o}", entry.mode);
        let (kind, content) = match &entry.kind {
            Kind::Folder => ("folder", String::new()),
            Kind::Link { to } => ("link", to.to_string_lossy().into_owned()),
            Kind::File { .. } => ("file", file_hash(&entry.path)?),
        };
        hash.text(&entry.name);
        hash.text(&mode);
        hash.text(kind);
        if !matches!(entry.kind, Kind::Folder) {
            hash.text(&content);
        }
        files.insert(entry.name, short(&[&mode, kind, &content]));
    }
    let mut hash = hash.finish();
    if !options.is_empty() {
        let mut more = Hash::default();
        more.text(&hash);
        more.pairs(options);
        hash = more.finish();
    }
    let all: Vec<&str> = files.iter().flat_map(|(name, digest)| [name.as_str(), digest]).collect();
    let together = short(&all);
    let mut parts: BTreeMap<String, String> =
        options.iter().map(|(name, value)| (name.clone(), short(&[value]))).collect();
    for (field, pairs) in [("args", args), ("labels", labels)] {
        // Not even a digest is kept of what may be a secret.
        let told = pairs.iter().filter(|(key, _)| !looks_secret(key));
        parts.extend(told.map(|(key, value)| (format!("{field}.{key}"), short(&[value]))));
    }
    if let Some(target) = target {
        parts.insert("target".to_owned(), short(&[target]));
    }
    if files.len() > MANY_FILES {
        parts.insert("files".to_owned(), together);
    } else {
        parts.extend(files.into_iter().map(|(name, digest)| (format!("files.{name}"), digest)));
    }
    Ok(BuildInputs { hash, parts })
}

fn short(texts: &[&str]) -> String {
    let mut hash = Hash::default();
    texts.iter().for_each(|text| hash.text(text));
    hash.finish().chars().take(SHORT).collect()
}

impl Context {
    /// Lists what is sent: all but what `.dockerignore` leaves out. The Dockerfile and
    /// `.dockerignore` themselves always are.
    ///
    /// # Errors
    /// If the context or its Dockerfile is not there or cannot be read.
    pub fn read(folder: &Path, dockerfile: &str) -> Result<Self, ContextError> {
        if !folder.is_dir() {
            return Err(ContextError::NoContext { path: folder.to_owned() });
        }
        let dockerfile = dockerfile.strip_prefix("./").unwrap_or(dockerfile);
        if dockerfile.starts_with('/') || dockerfile.split('/').any(|part| part == "..") {
            let context = folder.to_owned();
            return Err(ContextError::DockerfileOutside { dockerfile: dockerfile.to_owned(), context });
        }
        if !folder.join(dockerfile).is_file() {
            return Err(ContextError::NoDockerfile { path: folder.join(dockerfile) });
        }
        let mut ignore = ignore_file(&folder.join(IGNORE_FILE))?;
        let may_keep_inside = ignore.may_keep_inside();
        let dockerfile_folder = dockerfile.rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
        ignore.keep(IGNORE_FILE);
        ignore.keep(dockerfile);

        let mut entries = Vec::new();
        let mut walk = WalkDir::new(folder).min_depth(1).sort_by_file_name().into_iter();
        while let Some(found) = walk.next() {
            let found = found.map_err(|error| ContextError::Read {
                path: error.path().unwrap_or(folder).to_owned(),
                error: error.into(),
            })?;
            let name = relative_name(found.path(), folder);
            if !ignore.leaves_out(&name) {
                entries.extend(Entry::read(name, found.path())?);
            } else if found.file_type().is_dir() && !may_keep_inside {
                let holds_dockerfile =
                    dockerfile_folder.as_ref().is_some_and(|folder| folder.starts_with(&format!("{name}/")));
                if !holds_dockerfile {
                    walk.skip_current_dir();
                }
            }
        }
        Ok(Self { entries })
    }

    /// Writes the context as a tar archive that is the same for the same files: no times, no owners.
    ///
    /// # Errors
    /// If a file cannot be read any more, or `to` cannot be written.
    pub fn write_tar(&self, to: impl Write) -> io::Result<()> {
        let mut tar = tar::Builder::new(to);
        for entry in &self.entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(entry.mode);
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            header.set_size(0);
            match &entry.kind {
                Kind::Folder => {
                    header.set_entry_type(tar::EntryType::Directory);
                    tar.append_data(&mut header, format!("{}/", entry.name), io::empty())?;
                }
                Kind::Link { to } => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    tar.append_link(&mut header, &entry.name, to)?;
                }
                Kind::File { size } => {
                    header.set_entry_type(tar::EntryType::Regular);
                    header.set_size(*size);
                    let content = Exactly { file: File::open(&entry.path)?, left: *size, name: &entry.name };
                    tar.append_data(&mut header, &entry.name, content)?;
                }
            }
        }
        tar.into_inner()?.flush()
    }
}

/// A tar archive of a few texts by name, as a context that has no folder.
///
/// # Errors
/// If a name is too long for an archive.
pub fn packed(files: &[(String, String)]) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_size(text.len() as u64);
        tar.append_data(&mut header, name, text.as_bytes())?;
    }
    tar.into_inner()
}

impl Entry {
    /// Reads what is sent of a file; nothing of sockets, pipes and devices.
    fn read(name: String, path: &Path) -> Result<Option<Self>, ContextError> {
        let wrong = |error| ContextError::Read { path: path.to_owned(), error };
        let metadata = fs::symlink_metadata(path).map_err(wrong)?;
        let kind = if metadata.is_dir() {
            Kind::Folder
        } else if metadata.is_file() {
            Kind::File { size: metadata.len() }
        } else if metadata.is_symlink() {
            Kind::Link { to: fs::read_link(path).map_err(wrong)? }
        } else {
            return Ok(None);
        };
        // Links have no mode of their own; which one is shown depends on the system.
        let mode = match kind {
            Kind::Link { .. } => 0o777,
            Kind::Folder | Kind::File { .. } => metadata.permissions().mode() & 0o7777,
        };
        Ok(Some(Self { name, path: path.to_owned(), mode, kind }))
    }
}

/// Reads as much as the header promised, and fails if the file became shorter meanwhile.
struct Exactly<'a> {
    file: File,
    left: u64,
    name: &'a str,
}

impl Read for Exactly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if limit == 0 {
            return Ok(0);
        }
        match self.file.read(&mut buffer[..limit])? {
            0 => Err(io::Error::other(format!("{} changed while it was read", self.name))),
            read => {
                self.left -= read as u64;
                Ok(read)
            }
        }
    }
}

fn relative_name(path: &Path, folder: &Path) -> String {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

fn ignore_file(path: &Path) -> Result<Ignore, ContextError> {
    match fs::read(path) {
        Ok(bytes) => Ignore::parse(&String::from_utf8_lossy(&bytes))
            .map_err(|error| ContextError::Ignore { path: path.to_owned(), error }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ignore::default()),
        Err(error) => Err(ContextError::Read { path: path.to_owned(), error }),
    }
}

/// The SHA-256 of a file's content, in hexadecimal.
fn file_hash(path: &Path) -> Result<String, ContextError> {
    let wrong = |error| ContextError::Read { path: path.to_owned(), error };
    let mut file = File::open(path).map_err(wrong)?;
    let mut hash = Hash::default();
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer).map_err(wrong)? {
            0 => return Ok(hash.finish()),
            read => hash.0.update(&buffer[..read]),
        }
    }
}

#[derive(Default)]
struct Hash(Sha256);

impl Hash {
    /// Adds a text with its length, so that no two lists of texts are the same bytes.
    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn pairs(&mut self, pairs: &BTreeMap<String, String>) {
        self.0.update((pairs.len() as u64).to_be_bytes());
        for (key, value) in pairs {
            self.text(key);
            self.text(value);
        }
    }

    fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, text).expect("a file");
        }
        folder
    }

    fn names(folder: &Path, dockerfile: &str) -> Vec<String> {
        let context = Context::read(folder, dockerfile).expect("a context");
        context.entries.into_iter().map(|entry| entry.name).collect()
    }

    fn hash(folder: &Path) -> String {
        let none = BTreeMap::new();
        build_inputs(folder, "Dockerfile", &none, None, &none, &none).expect("a hash").hash
    }

    #[test]
    fn what_is_ignored_is_not_sent_but_dockerfile_and_ignore_file_are() {
        let files = [("Dockerfile", ""), (".dockerignore", "*\n!src"), ("src/a", ""), ("b/c", ""), ("z", "")];
        assert_eq!(
            names(folder(&files).path(), "Dockerfile"),
            [".dockerignore", "Dockerfile", "src", "src/a"]
        );
        let files = [("docker/web/Dockerfile", ""), (".dockerignore", "docker"), ("a", "")];
        assert_eq!(
            names(folder(&files).path(), "./docker/web/Dockerfile"),
            [".dockerignore", "a", "docker/web/Dockerfile"]
        );
    }

    #[test]
    fn the_archive_is_the_same_for_the_same_files() {
        let archive = |order: &[(&str, &str)]| {
            let folder = folder(order);
            std::os::unix::fs::symlink("../nowhere", folder.path().join("link")).expect("a link");
            let mut bytes = Vec::new();
            Context::read(folder.path(), "Dockerfile")
                .expect("a context")
                .write_tar(&mut bytes)
                .expect("a tar");
            bytes
        };
        let long = format!("deep/{}", "x".repeat(150));
        let first = archive(&[("Dockerfile", "FROM scratch"), (&long, "l"), ("b", "2")]);
        assert_eq!(first, archive(&[("b", "2"), (&long, "l"), ("Dockerfile", "FROM scratch")]));
        let mut read = tar::Archive::new(first.as_slice());
        let entries: Vec<(String, u64, Option<String>)> = read
            .entries()
            .expect("entries")
            .map(|entry| {
                let entry = entry.expect("an entry");
                let link = entry.link_name().expect("a link").map(|link| link.display().to_string());
                let header = entry.header();
                (entry.path().expect("a path").display().to_string(), header.mtime().expect("a time"), link)
            })
            .collect();
        assert_eq!(
            entries,
            [
                ("Dockerfile".to_owned(), 0, None),
                ("b".to_owned(), 0, None),
                ("deep/".to_owned(), 0, None),
                (long, 0, None),
                ("link".to_owned(), 0, Some("../nowhere".to_owned())),
            ]
        );
    }

    #[test]
    fn the_hash_sees_contents_modes_links_and_arguments_and_nothing_else() {
        let files = [("Dockerfile", ""), (".dockerignore", "ignored"), ("a", "1")];
        let context = folder(&files);
        let before = hash(context.path());
        assert_eq!(before, hash(folder(&files).path()));
        fs::write(context.path().join("ignored"), "x").expect("a file");
        assert_eq!(hash(context.path()), before);

        fs::set_permissions(context.path().join("a"), fs::Permissions::from_mode(0o755)).expect("a mode");
        let executable = hash(context.path());
        assert_ne!(executable, before);
        fs::write(context.path().join("a"), "2").expect("a file");
        assert_ne!(hash(context.path()), executable);

        let args = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        let of = |args: &BTreeMap<_, _>, target: Option<&str>, labels: &BTreeMap<_, _>| {
            let none = BTreeMap::new();
            build_inputs(context.path(), "Dockerfile", args, target, labels, &none).expect("a hash").hash
        };
        let none = BTreeMap::new();
        let all = [
            of(&none, None, &none),
            of(&args, None, &none),
            of(&none, Some(""), &none),
            of(&none, None, &args),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn what_is_missing_is_named() {
        let empty = folder(&[("a", "")]);
        let error = Context::read(empty.path(), "Dockerfile").expect_err("no Dockerfile").to_string();
        assert!(error.starts_with("there is no Dockerfile /"), "{error}");
        let error =
            Context::read(&empty.path().join("none"), "Dockerfile").expect_err("no context").to_string();
        assert!(error.starts_with("there is no build context /"), "{error}");
        assert!(Context::read(empty.path(), "../Dockerfile").is_err());
    }
}
