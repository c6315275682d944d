//! Files and folders of this machine.

use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use super::{Form, Sample, Samples};
use crate::resource::field::Reading;
use crate::source::{Diagnostic, Diagnostics, Node};

/// A file or a folder, relative to the state file; the normal form is its full path.
pub struct LocalPath;

pub const LOCAL_PATH: LocalPath = LocalPath;

impl Form for LocalPath {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        match node.text() {
            Some(text) if text.starts_with('~') => Err(Diagnostic::error(&node.place, "`~` is not expanded")
                .hint("write the whole path, or one relative to the state file")
                .into()),
            Some(text) if !text.is_empty() => Ok(json!(clean(&reading.folder.join(text)).to_string_lossy())),
            _ => Err(Diagnostic::error(&node.place, format!("expected {}", self.expects())).into()),
        }
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.clone()
    }

    fn is_local(&self) -> bool {
        true
    }

    fn expects(&self) -> &'static str {
        "a path, relative to the state file"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["./app", "app", "x/../app"], salt: &["app"] },
            Sample { plain: &["/srv/app"], salt: &["/srv/app/"] },
        ])
    }
}

/// Takes `.` and `..` out of a path, without asking the file system.
pub fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => clean.push(part),
        }
    }
    clean
}
