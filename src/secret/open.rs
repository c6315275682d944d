//! Reads the values of the secrets that are used, each once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::crypt::{CryptError, Identities, decrypt};
use super::declared::{Declarations, Origin};
use super::vault::{Vault, fit};
use crate::host::capture_command;
use crate::source::{Diagnostic, Diagnostics, Place, Secrets, did_you_mean, masked};

/// How long a command may take that prints a secret.
const BOUND: Duration = Duration::from_secs(60);
/// Names the files with identities, in place of those that are looked up otherwise; `:` separates several.
pub const VARIABLE: &str = "EVENKEEL_AGE_IDENTITY";

/// What of the surroundings decides which keys there are.
#[derive(Clone, Default)]
pub struct Lookup {
    /// Where relative paths of [`VARIABLE`] start.
    pub directory: PathBuf,
    pub home: Option<PathBuf>,
    pub variables: BTreeMap<String, String>,
}

/// Identities, and where they were looked for.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    pub identities: Identities,
    pub looked: Vec<PathBuf>,
}

/// An encrypted mapping of names to values.
pub struct AgeFile {
    pub values: BTreeMap<String, Zeroizing<Vec<u8>>>,
    /// SHA-256 of the file as it lies there, encrypted.
    pub hash: String,
}

impl Keys {
    /// Finds the identities: those that the environment names, else those of the tree and of this user.
    ///
    /// # Errors
    /// A fragment that says which file cannot be used. It holds nothing of the file.
    pub fn find(declarations: &Declarations, lookup: &Lookup) -> Result<Self, String> {
        let named = lookup.variables.get(VARIABLE).filter(|files| !files.is_empty());
        let mut keys = Self::default();
        match named {
            Some(files) => {
                keys.looked = std::env::split_paths(files).map(|file| lookup.directory.join(file)).collect();
            }
            None => {
                let home = |file: &String| match (file.strip_prefix("~/"), &lookup.home) {
                    (Some(rest), Some(home)) => home.join(rest),
                    _ => declarations.root.join(file),
                };
                keys.looked = declarations.identities.iter().map(home).collect();
                let config = lookup.variables.get("XDG_CONFIG_HOME").map(PathBuf::from);
                let config = config.filter(|folder| folder.is_absolute());
                let config = config.or_else(|| Some(lookup.home.as_ref()?.join(".config")));
                keys.looked.extend(config.map(|folder| folder.join("evenkeel/identity.txt")));
            }
        }
        for file in &keys.looked {
            let text = match std::fs::read_to_string(file) {
                Ok(text) => Zeroizing::new(text),
                Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(format!("cannot read the identity {}: {error}", file.display())),
            };
            keys.identities.add_lines(&text).map_err(|line| {
                format!("line {line} of {} is no identity of age (AGE-SECRET-KEY-1…)", file.display())
            })?;
        }
        Ok(keys)
    }
}

impl AgeFile {
    /// Reads an encrypted mapping.
    ///
    /// # Errors
    /// A fragment that says why not, and what to do about it. It holds nothing of the file.
    pub fn read(path: &Path, keys: &Keys) -> Result<Self, (String, Option<String>)> {
        let bytes = std::fs::read(path).map_err(|error| (error.to_string(), None))?;
        let plain =
            decrypt(&bytes, &keys.identities).map_err(|error| (error.to_string(), help(&error, keys)))?;
        let hash = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { values: mapping(&plain).map_err(|error| (error, None))?, hash })
    }
}

/// Reads `name: value` lines of YAML. What is wrong is told without the text, which nobody may see.
pub fn mapping(plain: &[u8]) -> Result<BTreeMap<String, Zeroizing<Vec<u8>>>, String> {
    use serde_yaml::Value;
    if plain.trim_ascii().is_empty() {
        return Ok(BTreeMap::new());
    }
    let value: Value = serde_yaml::from_slice(plain).map_err(|error| match error.location() {
        Some(at) => format!("line {} of what it holds is no YAML", at.line()),
        None => "what it holds is no YAML".to_owned(),
    })?;
    let Value::Mapping(map) = value else {
        return Err("what it holds is no mapping of names to values (`name: \"value\"`)".to_owned());
    };
    map.into_iter()
        .map(|(name, value)| match (name, value) {
            (Value::String(name), Value::String(value)) => Ok((name, Zeroizing::new(value.into_bytes()))),
            (Value::String(name), _) => Err(format!("`{name}` is no text in it: put its value into quotes")),
            _ => Err("a name in it is no text: put it into quotes".to_owned()),
        })
        .collect()
}

fn help(error: &CryptError, keys: &Keys) -> Option<String> {
    if *error != CryptError::WrongIdentity {
        return None;
    }
    let looked: Vec<_> = keys.looked.iter().map(|file| file.display().to_string()).collect();
    let ours: Vec<_> = keys.identities.recipients().iter().collect();
    Some(match ours.as_slice() {
        [] => format!(
            "there is no identity: looked for {}; {VARIABLE} names another file, and age-keygen makes one",
            looked.join(", ")
        ),
        ours => format!(
            "the identities here are those of {}: ask somebody who can read it to add one of these to `recipients` and \
             to run `evenkeel secret rotate`",
            ours.join(", ")
        ),
    })
}

/// Reads the values of all names that are used, at the place where each is used first.
///
/// # Errors
/// Every secret that cannot be had, with its place. Nothing that was read is told.
pub async fn open(
    used: &BTreeMap<String, Place>,
    declarations: &Declarations,
    lookup: &Lookup,
) -> Result<(Vault, BTreeMap<String, String>), Diagnostics> {
    let mut opener = Opener { declarations, lookup, keys: None, files: BTreeMap::new() };
    let mut problems = Diagnostics::default();
    let mut values = BTreeMap::new();
    for (name, place) in used {
        match opener.value(name, place).await {
            Ok(value) => drop(values.insert(name.clone(), value)),
            Err(problem) => problems.push(*problem),
        }
    }
    if problems.has_errors() {
        return Err(problems);
    }
    let hashes = opener
        .files
        .into_iter()
        .filter_map(|(path, file)| Some((declarations.shown(&path), file.ok()?.hash)));
    Ok((Vault::new(values), hashes.collect()))
}

/// Where a name comes from, in a few words. Reads nothing.
pub fn looked_up(name: &str, declarations: &Declarations) -> String {
    match declarations.named.get(name).map(|declared| &declared.origin) {
        Some(Origin::Age { file, key }) => format!("`{key}` in {}", declarations.shown(file)),
        Some(Origin::File(path)) => format!("file {}", declarations.shown(path)),
        Some(Origin::Variable(variable)) => format!("environment variable {variable}"),
        Some(Origin::Command(command)) => format!("command `{}`", masked(command)),
        None => {
            let files: Vec<_> =
                declarations.usual_files().iter().map(|file| declarations.shown(file)).collect();
            format!("`{name}` in {}", files.join(", then "))
        }
    }
}

type ReadFile = Result<AgeFile, (String, Option<String>)>;

struct Opener<'a> {
    declarations: &'a Declarations,
    lookup: &'a Lookup,
    /// Looked for when the first encrypted file is read.
    keys: Option<Result<Keys, String>>,
    files: BTreeMap<PathBuf, ReadFile>,
}

impl Opener<'_> {
    async fn value(&mut self, name: &str, place: &Place) -> Result<Zeroizing<String>, Box<Diagnostic>> {
        let declared = self.declarations.named.get(name);
        let problem = |message: String| {
            let problem = Diagnostic::error(place, message);
            match declared {
                Some(declared) => Box::new(problem.note(format!("it is declared at {}", declared.place))),
                None => Box::new(problem),
            }
        };
        let what = looked_up(name, self.declarations);
        let failed = |reason: String| problem(format!("the secret `{name}` cannot be had: {what}: {reason}"));
        let bytes = match declared.map(|declared| &declared.origin) {
            None => return self.usual(name, place),
            Some(Origin::Age { file, key }) => {
                let declarations = self.declarations;
                let read = self.file(file).as_ref().map_err(|(reason, hint)| {
                    let reason = format!("{}: {reason}", declarations.shown(file));
                    let told = problem(format!("the secret `{name}` cannot be had: {reason}"));
                    Box::new(told.maybe_hint(hint.clone()))
                });
                let file = match read {
                    Ok(file) => file,
                    Err(problem) => return Err(problem),
                };
                let known = file.values.keys().map(String::as_str);
                let Some(value) = file.values.get(key) else {
                    let meant = did_you_mean(key, known).map(|key| format!("did you mean `{key}`?"));
                    return Err(Box::new(failed(format!("there is no `{key}` in it")).maybe_hint(meant)));
                };
                value.clone()
            }
            Some(Origin::File(path)) => {
                Zeroizing::new(std::fs::read(path).map_err(|error| failed(error.to_string()))?)
            }
            Some(Origin::Variable(variable)) => match self.lookup.variables.get(variable) {
                Some(value) => Zeroizing::new(value.clone().into_bytes()),
                None => return Err(failed("it is not set".to_owned())),
            },
            Some(Origin::Command(command)) => said_by(command).await.map_err(failed)?,
        };
        fit(&bytes).map_err(|unfit| failed(unfit.to_string()))
    }

    /// A secret that no file declares, from the usual files.
    fn usual(&mut self, name: &str, place: &Place) -> Result<Zeroizing<String>, Box<Diagnostic>> {
        let declarations = self.declarations;
        let paths = declarations.usual_files();
        let mut known: Vec<String> = declarations.named.keys().cloned().collect();
        let mut looked = Vec::new();
        for path in &paths {
            let shown = declarations.shown(path);
            if !path.exists() {
                looked.push(format!("{shown} (there is no such file)"));
                continue;
            }
            let file = self.file(path).as_ref().map_err(|(reason, hint)| {
                let message = format!("the secret `{name}` cannot be had: {shown}: {reason}");
                Box::new(Diagnostic::error(place, message).maybe_hint(hint.clone()))
            })?;
            if let Some(value) = file.values.get(name) {
                return fit(value).map_err(|unfit| {
                    let message = format!("the secret `{name}` cannot be had: {shown}: {unfit}");
                    Box::new(Diagnostic::error(place, message))
                });
            }
            known.extend(file.values.keys().cloned());
            looked.push(shown);
        }
        looked.push("`from` of the secrets in evenkeel.yml".to_owned());
        let meant = did_you_mean(name, known.iter().map(String::as_str));
        let hint = meant.map(|name| format!("did you mean `{name}`?"));
        let edit = paths.first().map(|path| declarations.shown(path)).unwrap_or_default();
        Err(Box::new(
            Diagnostic::error(place, format!("there is no secret `{name}`"))
                .note(format!("looked for in {}", looked.join(", ")))
                .hint(format!("add it with: evenkeel secret edit {edit}"))
                .maybe_hint(hint),
        ))
    }

    fn file(&mut self, path: &Path) -> &ReadFile {
        let keys = self.keys.get_or_insert_with(|| Keys::find(self.declarations, self.lookup));
        self.files.entry(path.to_owned()).or_insert_with(|| match keys {
            Ok(keys) => AgeFile::read(path, keys),
            Err(reason) => Err((reason.clone(), None)),
        })
    }
}

/// What a command prints. One that fails tells what it wrote to standard error, without what it printed.
async fn said_by(command: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let captured = capture_command(command, BOUND).await.map_err(|error| error.to_string())?;
    if captured.code == Some(0) {
        return Ok(Zeroizing::new(captured.printed));
    }
    let mut printed = Secrets::default();
    let text = Zeroizing::new(String::from_utf8_lossy(&captured.printed).into_owned());
    text.split_whitespace().for_each(|word| printed.add_whole(word));
    printed.add(&text);
    let complaint = captured.complaints.last().map(|line| format!(": {}", masked(&printed.hidden(line))));
    Err(match captured.code {
        Some(code) => format!("it ended with exit code {code}{}", complaint.unwrap_or_default()),
        None => format!("it was ended by a signal{}", complaint.unwrap_or_default()),
    })
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
