//! What a tree that others have written may not lead out of.

use std::io;
use std::path::{Path, PathBuf};

use super::inputs::Trust;
use crate::host::within;
use crate::source::Diagnostic;

pub const LEADS_OUT: &str = "a link leads out of the tree";

/// The folder that holds all that others gave; open for a tree of our own.
#[derive(Debug, Clone, Default)]
pub struct Bounds(Option<Folder>);

#[derive(Debug, Clone)]
struct Folder {
    /// As the caller names it.
    named: PathBuf,
    /// Without links.
    real: PathBuf,
}

impl Bounds {
    /// # Errors
    /// If there is no such folder.
    pub fn of(trust: &Trust) -> Result<Self, Diagnostic> {
        let Trust::Pushed { root, .. } = trust else { return Ok(Self::default()) };
        match root.canonicalize() {
            Ok(real) => Ok(Self(Some(Folder { named: root.clone(), real }))),
            Err(error) => {
                let shown = root.display();
                Err(Diagnostic::error_without_place(format!("cannot read {shown}: {error}")))
            }
        }
    }

    /// True of a tree of our own.
    pub fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// True of a path that is not inside, whether there is something or not.
    pub fn leave_out(&self, path: &Path) -> bool {
        self.0.as_ref().is_some_and(|folder| within(&folder.real, path).is_none())
    }

    /// What of a path is below the folder, as it is written.
    pub fn below<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        path.strip_prefix(&self.0.as_ref()?.real).ok()
    }

    /// The path without links, if it stays inside.
    ///
    /// # Errors
    /// If it does not, or if there is nothing.
    pub fn real(&self, path: &Path) -> io::Result<PathBuf> {
        match &self.0 {
            None => path.canonicalize(),
            Some(folder) => {
                within(&folder.real, path).ok_or_else(|| io::Error::other(LEADS_OUT))?.canonicalize()
            }
        }
    }

    /// As `real`, of a path that the caller names: the way to the folder may have links.
    ///
    /// # Errors
    /// As `real`.
    pub fn real_of_named(&self, path: &Path) -> io::Result<PathBuf> {
        let inside =
            self.0.as_ref().and_then(|folder| Some(folder.real.join(path.strip_prefix(&folder.named).ok()?)));
        self.real(inside.as_deref().unwrap_or(path))
    }
}
