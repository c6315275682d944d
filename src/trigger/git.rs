//! A bare repository, asked by the `git` program; what a push brings is read from it and never run.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use super::TriggerError;

/// A repository.
#[derive(Debug, Clone)]
pub struct Repository {
    path: PathBuf,
    /// Where git keeps the objects of a push that is not accepted yet.
    quarantine: BTreeMap<String, String>,
}

/// A commit, as far as people want to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub id: String,
    pub subject: String,
}

/// How large a pushed tree may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub files: usize,
    pub bytes: u64,
}

/// Characters of a commit's first line that people want to read.
const LONGEST_SUBJECT: usize = 200;

pub const LIMITS: Limits = Limits { files: 20_000, bytes: 512 << 20 };

/// An option of ours in the repository's configuration.
const PROJECT: &str = "evenkeel.project";

/// Variables that a hook gets and that lead git to objects which are not accepted yet.
const QUARANTINE: [&str; 3] =
    ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"];

impl Repository {
    /// Opens a repository; `variables` are those of the hook, if one asks.
    ///
    /// # Errors
    /// If it is none.
    pub fn open(path: &Path, variables: &BTreeMap<String, String>) -> Result<Self, TriggerError> {
        let wrong =
            |reason: &str| TriggerError::Repository { path: path.to_owned(), reason: reason.to_owned() };
        let real = path.canonicalize().map_err(|error| wrong(&error.to_string()))?;
        let quarantine = QUARANTINE.iter().filter_map(|name| {
            let value = variables.get(*name)?;
            // Hooks begin in the repository's folder, and git's paths may start there.
            let value =
                if *name == QUARANTINE[1] { value.clone() } else { real.join(value).display().to_string() };
            Some(((*name).to_owned(), value))
        });
        let repository = Self { quarantine: quarantine.collect(), path: real };
        let is_bare = repository
            .ask(["rev-parse", "--is-bare-repository"])
            .map_err(|error| wrong(&error.to_string()))?;
        if is_bare != "true" {
            return Err(wrong("it has a working tree"));
        }
        Ok(repository)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What a tree that names no project belongs to: the repository's name without `.git`.
    pub fn project(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name =
            name.strip_suffix(".git").filter(|name| !name.is_empty()).map(str::to_owned).unwrap_or(name);
        name.chars()
            .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
            .collect()
    }

    /// The commit behind a revision; of a signed tag the one that it names.
    ///
    /// # Errors
    /// If there is none.
    pub fn commit(&self, revision: &str) -> Result<Commit, TriggerError> {
        let id = self.ask([
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &format!("{revision}^{{commit}}"),
        ]);
        let id = id.map_err(|error| match error {
            TriggerError::Git(_) => {
                TriggerError::Asked(format!("`{revision}` is no commit of the repository"))
            }
            other => other,
        })?;
        let subject = self.ask(["log", "-1", "--no-show-signature", "--format=%s", &id])?;
        let subject = match subject.char_indices().nth(LONGEST_SUBJECT) {
            Some((end, _)) => format!("{}…", &subject[..end]),
            None => subject,
        };
        Ok(Commit { id, subject })
    }

    /// The commit that a ref points to now, if there is one.
    pub fn tip(&self, reference: &str) -> Option<String> {
        self.commit(reference).ok().map(|commit| commit.id)
    }

    /// True if one commit is another, or comes before it.
    pub fn is_ancestor(&self, older: &str, newer: &str) -> bool {
        let mut command = self.git(["merge-base", "--is-ancestor", older, newer]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// Makes a ref of ours point to a commit.
    ///
    /// # Errors
    /// If git does not take it.
    pub fn point(&self, reference: &str, commit: &str) -> Result<(), TriggerError> {
        self.ask(["update-ref", reference, commit]).map(|_| ())
    }

    /// Removes a ref of ours, if it is there.
    pub fn forget(&self, reference: &str) {
        // That it is not there is no mistake.
        _ = self.ask(["update-ref", "-d", reference]);
    }

    /// Calls `git config` of the repository.
    ///
    /// # Errors
    /// If git does not take it.
    pub fn configure<const N: usize>(&self, words: [&str; N]) -> Result<(), TriggerError> {
        self.ask(["config", "--local"].into_iter().chain(words)).map(|_| ())
    }

    /// What an option is set to, here or for the whole account or machine.
    pub fn configured(&self, name: &str) -> Option<String> {
        self.ask(["config", "--get", name]).ok()
    }

    /// The same of a path, in which `~` is the home folder.
    pub fn configured_path(&self, name: &str) -> Option<String> {
        self.ask(["config", "--type=path", "--get", name]).ok()
    }

    /// Everything that an option is set to in the repository itself.
    pub fn all_configured(&self, name: &str) -> Vec<String> {
        let values = self.ask(["config", "--local", "--get-all", name]).unwrap_or_default();
        values.lines().map(str::to_owned).collect()
    }

    /// The project that was deployed from here first, and is this repository's since.
    pub fn deployed_project(&self) -> Option<String> {
        self.all_configured(PROJECT).pop()
    }

    /// Remembers a project as this repository's, if there is none yet.
    ///
    /// # Errors
    /// If git does not take it.
    pub fn take_project(&self, project: &str) -> Result<(), TriggerError> {
        if self.deployed_project().is_some() { Ok(()) } else { self.configure([PROJECT, project]) }
    }

    /// Where hooks are looked for.
    pub fn hooks(&self) -> PathBuf {
        match self.configured_path("core.hooksPath") {
            Some(path) => self.path.join(path),
            None => self.path.join("hooks"),
        }
    }

    /// Writes the files of a commit into an empty folder. Links that lead out of the tree are refused, and
    /// nothing is written but plain files, folders and links.
    ///
    /// # Errors
    /// If git fails, the tree is too large, or something in it is not allowed.
    pub fn export(&self, commit: &str, into: &Path, limits: Limits) -> Result<(), TriggerError> {
        let mut command = self.git(["archive", "--format=tar", commit]);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(TriggerError::NoGit)?;
        let mut stdout = child.stdout.take();
        let unpacked = stdout.as_mut().map_or(Ok(()), |stdout| unpack_all(stdout, into, limits));
        if unpacked.is_err() {
            // It would wait for somebody to read the rest.
            _ = child.kill();
        }
        let ended = child.wait_with_output().map_err(TriggerError::NoGit)?;
        unpacked?;
        if ended.status.success() {
            return Ok(());
        }
        let told = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        let unsaid = || format!("git archive {commit}: {}", ended.status);
        Err(TriggerError::Git(if told.is_empty() { unsaid() } else { told }))
    }

    fn ask<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> Result<String, TriggerError> {
        let words: Vec<_> = words.into_iter().collect();
        let output = self.git(&words).output().map_err(TriggerError::NoGit)?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(TriggerError::Git(if told.is_empty() {
                format!("git {}", words.join(" "))
            } else {
                told
            }));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned())
    }

    /// The program, with nothing of the hook's surroundings but where new objects are.
    fn git<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
            command.env_remove(name);
        }
        command.envs(&self.quarantine).env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C.UTF-8");
        command.arg("--git-dir").arg(&self.path).args(words).stdin(Stdio::null());
        command
    }
}

/// Unpacks what `git archive` writes, and reads it to its end: who writes the padding behind the end of an archive
/// would be killed if nobody read it.
fn unpack_all(mut archive: impl Read, into: &Path, limits: Limits) -> Result<(), TriggerError> {
    unpack(&mut archive, into, limits)?;
    match io::copy(&mut archive, &mut io::sink()) {
        Ok(_) => Ok(()),
        Err(error) => Err(TriggerError::Git(format!("the tree cannot be read: {error}"))),
    }
}

fn unpack(archive: impl Read, into: &Path, limits: Limits) -> Result<(), TriggerError> {
    let mut archive = tar::Archive::new(archive);
    let (mut files, mut bytes) = (0, 0);
    let broken = |error: io::Error| TriggerError::Git(format!("the tree cannot be read: {error}"));
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.into_owned();
        let refused = |reason: String| TriggerError::Tree { path: path.clone(), reason };
        if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(refused("it leads out of the tree".to_owned()));
        }
        files += 1;
        bytes += entry.size();
        if files > limits.files || bytes > limits.bytes {
            let (files, mega) = (limits.files, limits.bytes >> 20);
            return Err(TriggerError::TooLarge(format!("{files} files or {mega} MiB")));
        }
        let at = into.join(&path);
        let written = match entry.header().entry_type() {
            tar::EntryType::Directory => fs::create_dir_all(&at),
            tar::EntryType::Regular => {
                let mode = if entry.header().mode().unwrap_or(0) & 0o100 == 0 { 0o644 } else { 0o755 };
                folder_of(&at).and_then(|()| {
                    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&at)?;
                    io::copy(&mut entry, &mut file).map(|_| ())
                })
            }
            tar::EntryType::Symlink => {
                let target = entry.link_name().map_err(broken)?.unwrap_or_default().into_owned();
                if !stays_inside(&path, &target) {
                    return Err(refused(format!("it is a link to {}, out of the tree", target.display())));
                }
                folder_of(&at).and_then(|()| std::os::unix::fs::symlink(target, &at))
            }
            // The comment with the commit's id.
            tar::EntryType::XGlobalHeader => Ok(()),
            other => return Err(refused(format!("it is neither a file nor a link ({other:?})"))),
        };
        written.map_err(|error| refused(error.to_string()))?;
    }
    Ok(())
}

fn folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// True if a link at a path of the tree leads to a place in it. Links are not followed on the way: each one
/// is looked at where it stands, and one that passes through another may not go up.
fn stays_inside(link: &Path, target: &Path) -> bool {
    let mut depth = link.components().filter(|part| matches!(part, Component::Normal(_))).count() - 1;
    let mut has_gone_down = false;
    for part in target.components() {
        match part {
            Component::Normal(_) => {
                depth += 1;
                has_gone_down = true;
            }
            Component::CurDir => {}
            // Behind a name that may itself be a link, `..` leads nobody knows where.
            Component::ParentDir if has_gone_down => return false,
            Component::ParentDir => match depth.checked_sub(1) {
                Some(up) => depth = up,
                None => return false,
            },
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_read_to_the_end_of_its_padding() {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, "states/dev.yml", &b"a: "[..]).expect("memory takes it");
        let mut bytes = archive.into_inner().expect("memory takes it");
        bytes.extend([0; 100_000]);
        let folder = tempfile::tempdir().expect("a folder");
        let mut left = bytes.as_slice();
        let limits = Limits { files: 10, bytes: 1000 };
        unpack_all(&mut left, folder.path(), limits).expect("it is fine");
        assert_eq!(left.len(), 0, "what is not read kills who writes it");
        assert_eq!(fs::read_to_string(folder.path().join("states/dev.yml")).expect("it is there"), "a: ");
    }

    #[test]
    fn links_stay_inside() {
        let inside = |link: &str, target: &str| stays_inside(Path::new(link), Path::new(target));
        assert!(inside("a/b", "c"));
        assert!(inside("a/b", "../c"));
        assert!(inside("a/b/c", "../../x/y"));
        assert!(inside("a", "."));
        for (link, target) in
            [("a", "../x"), ("a/b", "../../x"), ("a", "/etc/passwd"), ("a/b", "x/../../.."), ("a", "b/../..")]
        {
            assert!(!inside(link, target), "{link} -> {target}");
        }
    }
}
