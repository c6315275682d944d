//! Secrets and their files, without a run: what there is, whether it can be had, and files made anew for others.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::secrets::lookup;
use super::{Ambient, RunError};
use crate::secret::{
    AgeFile, Declarations, Keys, Origin, Recipients, decrypt, encrypt, is_encrypted, looked_up, mapping, open,
};
use crate::source::{Diagnostic, Diagnostics, Place};
use crate::state::secrets_near;

/// Which secrets.
#[derive(Debug, Clone, Default)]
pub struct SecretOptions {
    /// The environment whose file is looked at; without one, only `common` and what is declared.
    pub env: Option<String>,
    /// Files with identities, in place of those that are looked up.
    pub identities: Vec<PathBuf>,
    /// Keys, or files of keys, in place of those that the settings name.
    pub recipients: Vec<String>,
}

/// One secret, and where its value comes from. Not the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSecret {
    pub name: String,
    pub from: String,
}

/// What there is, and what could not be looked into.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecretList {
    pub secrets: Vec<ListedSecret>,
    /// Why a file could not be read, one line each.
    pub problems: Vec<String>,
}

impl SecretList {
    /// Names, and where their values come from.
    pub fn rows(&self) -> Vec<(&str, &str)> {
        self.secrets.iter().map(|secret| (secret.name.as_str(), secret.from.as_str())).collect()
    }
}

/// The files of secrets of a tree, and the keys for them.
pub struct SecretFiles {
    declarations: Declarations,
    options: SecretOptions,
    ambient: Ambient,
}

impl SecretFiles {
    /// Finds the tree that the working directory belongs to. Without one it is the directory itself.
    ///
    /// # Errors
    /// If the settings of the tree are wrong.
    pub fn find(options: SecretOptions, ambient: &Ambient) -> Result<Self, RunError> {
        let mut ambient = ambient.clone();
        let mut declarations = secrets_near(&ambient.directory)?
            .unwrap_or_else(|| Declarations { root: ambient.directory.clone(), ..Declarations::default() });
        declarations.env = options.env.clone().unwrap_or_default();
        if !options.identities.is_empty() {
            let files = std::env::join_paths(&options.identities);
            let files = files.map_err(|error| RunError::Usage(format!("--identity: {error}")))?;
            let files = files.to_string_lossy().into_owned();
            ambient.variables.insert("EVENKEEL_AGE_IDENTITY".to_owned(), files);
        }
        Ok(Self { declarations, options, ambient })
    }

    /// Every name that is known, and where its value comes from.
    pub fn list(&self) -> SecretList {
        let mut list = SecretList::default();
        let mut add =
            |name: &str, from: String| list.secrets.push(ListedSecret { name: name.to_owned(), from });
        self.declarations.named.keys().for_each(|name| add(name, looked_up(name, &self.declarations)));
        let keys = self.keys();
        for path in self.usual_files() {
            let shown = self.declarations.shown(&path);
            match keys.as_ref().map_err(ToString::to_string).and_then(|keys| read(&path, keys)) {
                Ok(file) => file.values.keys().for_each(|name| add(name, format!("`{name}` in {shown}"))),
                Err(reason) => list.problems.push(format!("{shown}: {reason}")),
            }
        }
        list
    }

    /// Reads every secret that is known, and says which cannot be had. Gives how many there are.
    ///
    /// # Errors
    /// Every secret that cannot be had, and every file that cannot be read.
    pub async fn check(&self) -> Result<usize, RunError> {
        let mut problems = Diagnostics::default();
        let mut used: BTreeMap<String, Place> = self
            .declarations
            .named
            .iter()
            .map(|(name, declared)| (name.clone(), declared.place.clone()))
            .collect();
        let keys = self.keys()?;
        for path in self.declarations.files() {
            let shown = self.declarations.shown(&path);
            match read(&path, &keys) {
                Ok(file) => {
                    for (name, value) in &file.values {
                        let place = Place::outside(&shown);
                        if self.usual_files().contains(&path) {
                            used.entry(name.clone()).or_insert(place);
                        } else if let Err(unfit) = crate::secret::fit(value) {
                            let message = format!("{shown}: `{name}`: {unfit}");
                            problems.push(Diagnostic::error_without_place(message));
                        }
                    }
                }
                Err(reason) => problems.push(Diagnostic::error_without_place(format!("{shown}: {reason}"))),
            }
        }
        if let Err(found) = open(&used, &self.declarations, &lookup(&self.ambient)).await {
            problems.extend(found);
        }
        if problems.has_errors() { Err(problems.into()) } else { Ok(used.len()) }
    }

    /// The file that a person means: by its path, or by the name of a secret in it.
    pub fn file_of(&self, named: &str) -> PathBuf {
        if named.contains('/') || named.ends_with(".age") || self.ambient.directory.join(named).exists() {
            return self.ambient.directory.join(named);
        }
        match self.declarations.named.get(named).map(|declared| &declared.origin) {
            Some(Origin::Age { file, .. }) => file.clone(),
            _ => {
                let usual = self.declarations.usual_files();
                let has_it = |path: &&PathBuf| {
                    self.keys().is_ok_and(|keys| {
                        AgeFile::read(path, &keys).is_ok_and(|file| file.values.contains_key(named))
                    })
                };
                let found = usual.iter().find(has_it).or(usual.first());
                found.cloned().unwrap_or_else(|| self.ambient.directory.join(named))
            }
        }
    }

    /// What a person would call a file.
    pub fn shown(&self, path: &Path) -> String {
        self.declarations.shown(path)
    }

    /// What a file holds; nothing if there is none yet.
    ///
    /// # Errors
    /// If it cannot be read or decrypted.
    pub fn plain(&self, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, RunError> {
        if !path.exists() {
            return Ok(None);
        }
        let failed = |reason: String| RunError::Failed(format!("{}: {reason}", self.shown(path)));
        let keys = self.keys()?;
        let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        decrypt(&bytes, &keys.identities).map(Some).map_err(|error| failed(error.to_string()))
    }

    /// Encrypts for the recipients of the tree.
    ///
    /// # Errors
    /// If there are none, or one is none.
    pub fn encrypted(&self, plain: &[u8]) -> Result<Vec<u8>, RunError> {
        let recipients = self.recipients()?;
        encrypt(plain, &recipients).map_err(|error| RunError::Failed(error.to_string()))
    }

    /// Says what is wrong with a mapping of secrets, if anything; without its text.
    ///
    /// # Errors
    /// What is wrong.
    pub fn fits(&self, plain: &[u8]) -> Result<(), String> {
        for (name, value) in mapping(plain)? {
            crate::secret::fit(&value).map_err(|unfit| format!("`{name}`: {unfit}"))?;
        }
        Ok(())
    }

    /// Encrypts every file of the tree anew, or those that are named, for the recipients of today. Nothing is written
    /// unless all can be decrypted.
    ///
    /// # Errors
    /// If one cannot be read or written.
    pub fn rotate(&self, named: &[String]) -> Result<Vec<String>, RunError> {
        let files = match named {
            [] => self.declarations.files(),
            named => named.iter().map(|name| self.file_of(name)).collect(),
        };
        let mut made = Vec::new();
        for path in files {
            let plain = self
                .plain(&path)?
                .ok_or_else(|| RunError::Failed(format!("{}: there is no such file", self.shown(&path))))?;
            made.push((self.encrypted(&plain)?, path));
        }
        for (bytes, path) in &made {
            self.write(path, bytes)?;
        }
        Ok(made.iter().map(|(_, path)| self.shown(path)).collect())
    }

    /// Writes an encrypted file: all of it, or nothing.
    ///
    /// # Errors
    /// If it is not encrypted, or cannot be written.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), RunError> {
        let failed =
            |reason: String| RunError::Failed(format!("cannot write {}: {reason}", self.shown(path)));
        if !is_encrypted(bytes) {
            return Err(failed("it is not encrypted".to_owned()));
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}", self.ambient.pid));
        let new = path.with_file_name(name);
        let mode = std::fs::metadata(path).map_or(0o644, |found| found.permissions().mode() & 0o777);
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| {
            let mut file =
                std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&new, path)
        });
        written.map_err(|error| {
            // What is half written is of no use to anybody.
            _ = std::fs::remove_file(&new);
            failed(error.to_string())
        })
    }

    fn usual_files(&self) -> Vec<PathBuf> {
        let mut files = self.declarations.usual_files();
        files.retain(|path| path.exists());
        files
    }

    fn keys(&self) -> Result<Keys, RunError> {
        Keys::find(&self.declarations, &lookup(&self.ambient)).map_err(RunError::Failed)
    }

    fn recipients(&self) -> Result<Recipients, RunError> {
        let mut recipients = Recipients::default();
        let given = self
            .options
            .recipients
            .iter()
            .map(|given| (given.clone(), "--recipient".to_owned(), &self.ambient.directory));
        let declared = self.declarations.recipients.iter();
        let declared =
            declared.map(|(said, place)| (said.clone(), place.to_string(), &self.declarations.root));
        let said: Vec<_> =
            if self.options.recipients.is_empty() { declared.collect() } else { given.collect() };
        for (said, place, folder) in said {
            if said.starts_with("age1") {
                recipients.add_lines(&said).map_err(|_| {
                    RunError::Failed(format!(
                        "{place}: `{said}` is no recipient of age (age1…, as age-keygen tells it)"
                    ))
                })?;
                continue;
            }
            let path = folder.join(&said);
            let text = std::fs::read_to_string(&path).map_err(|error| {
                RunError::Failed(format!("{place}: cannot read {}: {error}", path.display()))
            })?;
            recipients.add_lines(&text).map_err(|line| {
                RunError::Failed(format!("line {line} of {} is no recipient of age (age1…)", path.display()))
            })?;
        }
        if recipients.is_empty() {
            return Err(RunError::Failed(
                "there is nobody to encrypt for: name the public keys in evenkeel.yml (`secrets: {recipients: [age1…]}`), \
                 or with --recipient"
                    .to_owned(),
            ));
        }
        Ok(recipients)
    }
}

fn read(path: &Path, keys: &Keys) -> Result<AgeFile, String> {
    AgeFile::read(path, keys).map_err(|(reason, hint)| match hint {
        Some(hint) => format!("{reason}; {hint}"),
        None => reason,
    })
}
