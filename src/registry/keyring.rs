//! Writing credentials where Docker's client keeps them: its `config.json`, or the helper named there.
//! Source: <https://docs.docker.com/reference/cli/docker/login/>.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::credentials::config_key;

/// Where a credential was put, or taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeper {
    /// The file itself, in which passwords can be read by whoever can read it.
    File(PathBuf),
    /// A program that keeps them safe.
    Helper(String),
}

/// Keeps a credential for a registry, in `config.json` below `folder`.
///
/// # Errors
/// If the file or the helper does not take it; then the file is as it was.
pub fn keep(folder: &Path, registry: &str, username: &str, password: &str) -> Result<Keeper, String> {
    let file = File::read(folder)?;
    let key = config_key(registry);
    if let Some(helper) = file.helper(key) {
        let secret = json!({"ServerURL": key, "Username": username, "Secret": password});
        ask(&helper, "store", &secret.to_string())?;
        // The entry says that somebody is logged in, and nothing else.
        file.with_entry(key, json!({})).write()?;
        return Ok(Keeper::Helper(helper));
    }
    let text = format!("{username}:{password}");
    let auth = base64::engine::general_purpose::STANDARD.encode(text);
    let file = file.with_entry(key, json!({"auth": auth}));
    file.write()?;
    Ok(Keeper::File(file.path))
}

/// Forgets the credential of a registry. Nothing if there is none.
///
/// # Errors
/// If the file or the helper does not let go of it.
pub fn forget(folder: &Path, registry: &str) -> Result<Option<Keeper>, String> {
    let mut file = File::read(folder)?;
    let key = config_key(registry);
    let entry = file.auths().and_then(|auths| auths.shift_remove(key));
    let helper = file.helper(key);
    if entry.is_none() && helper.is_none() {
        return Ok(None);
    }
    if let Some(helper) = &helper {
        ask(helper, "erase", key)?;
    }
    if entry.is_some() {
        file.write()?;
    }
    Ok(Some(helper.map_or_else(|| Keeper::File(file.path.clone()), Keeper::Helper)))
}

/// Docker's configuration, of which only what is meant is changed.
struct File {
    path: PathBuf,
    content: Map<String, Value>,
}

impl File {
    fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join("config.json");
        // A link stays a link: what it leads to is written.
        let path = path.canonicalize().unwrap_or(path);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
        };
        if text.trim().is_empty() {
            return Ok(Self { path, content: Map::new() });
        }
        match serde_json::from_str(&text) {
            Ok(Value::Object(content)) => Ok(Self { path, content }),
            Ok(_) => Err(format!("{} is no mapping; mend it or move it away", path.display())),
            Err(error) => Err(format!("{} is not JSON: {error}; mend it or move it away", path.display())),
        }
    }

    /// The program that keeps the credentials of a registry.
    fn helper(&self, key: &str) -> Option<String> {
        let own = self.content.get("credHelpers").and_then(|helpers| helpers.get(key));
        let name = own.or_else(|| self.content.get("credsStore"))?.as_str()?;
        (!name.is_empty()).then(|| format!("docker-credential-{name}"))
    }

    fn auths(&mut self) -> Option<&mut Map<String, Value>> {
        self.content.get_mut("auths")?.as_object_mut()
    }

    fn with_entry(mut self, key: &str, entry: Value) -> Self {
        let auths = self.content.entry("auths").or_insert_with(|| json!({}));
        if !auths.is_object() {
            *auths = json!({});
        }
        auths[key] = entry;
        self
    }

    /// Writes the whole file or nothing of it, for nobody else to read.
    fn write(&self) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("cannot write {}: {error}", self.path.display());
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let text = serde_json::to_string_pretty(&self.content).map_err(|error| failed(error.into()))?;
        let new = self.path.with_extension(format!("json.{}", std::process::id()));
        let written = private(&new).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        });
        written.and_then(|()| fs::rename(&new, &self.path)).map_err(|error| {
            // What is half written is of no use to anybody.
            _ = fs::remove_file(&new);
            failed(error)
        })
    }
}

fn private(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // What an earlier process with this number left behind may be readable.
    _ = fs::remove_file(path);
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Asks a helper. What it says may hold a secret, so only that it failed is told.
fn ask(helper: &str, word: &str, input: &str) -> Result<(), String> {
    let mut child = Command::new(helper)
        .arg(word)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot run {helper}, which Docker's config.json names: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read says so by how it ends.
        _ = stdin.write_all(input.as_bytes());
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{helper} {word} failed ({status})")),
        Err(error) => Err(format!("{helper} {word}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn folder(config: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("config.json"), config).expect("a file");
        folder
    }

    fn content(folder: &Path) -> Value {
        let text = fs::read_to_string(folder.join("config.json")).expect("a file");
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn a_login_is_kept_beside_everything_else() {
        let folder = folder(r#"{"psFormat": "x", "auths": {"other": {"auth": "eA=="}}}"#);
        let keeper = keep(folder.path(), "reg.example", "me", "pass:word").expect("kept");
        assert!(matches!(keeper, Keeper::File(_)));
        let auths = json!({"other": {"auth": "eA=="}, "reg.example": {"auth": "bWU6cGFzczp3b3Jk"}});
        assert_eq!(content(folder.path()), json!({"psFormat": "x", "auths": auths}));
        let mode = fs::metadata(folder.path().join("config.json")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(forget(folder.path(), "reg.example").expect("forgotten").is_some());
        assert_eq!(content(folder.path())["auths"], json!({"other": {"auth": "eA=="}}));
        assert_eq!(forget(folder.path(), "reg.example"), Ok(None));
    }

    #[test]
    fn a_file_is_made_where_there_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let below = folder.path().join("new");
        keep(&below, "docker.io", "me", "x").expect("kept");
        assert_eq!(content(&below)["auths"]["https://index.docker.io/v1/"]["auth"], "bWU6eA==");
    }

    #[test]
    fn what_cannot_be_read_is_left_alone() {
        for text in ["[]", "{", "not json"] {
            let folder = folder(text);
            assert!(keep(folder.path(), "reg.example", "me", "x").is_err(), "{text}");
            assert_eq!(fs::read_to_string(folder.path().join("config.json")).expect("a file"), text);
        }
    }

    #[test]
    fn a_helper_that_is_not_there_is_named() {
        let folder = folder(r#"{"credsStore": "none-of-that-name"}"#);
        let told = keep(folder.path(), "reg.example", "me", "secret").expect_err("there is none");
        assert!(told.contains("docker-credential-none-of-that-name") && !told.contains("secret"), "{told}");
        assert_eq!(content(folder.path()), json!({"credsStore": "none-of-that-name"}));
    }
}
