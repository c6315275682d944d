//! A pushed tree beside what it must not read.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use evenkeel::state::{Grains, Inputs, StateGraph, Trust, compile};

/// What stands in every file that no pushed tree may read.
pub const SECRET: &str = "s3cret-of-the-host";

/// `export/` is the pushed tree, and everything around it is the host.
pub struct Pushed {
    folder: tempfile::TempDir,
}

impl Pushed {
    /// A tree with files by name; what begins with `->` is a link. `HOST` stands for the folder around
    /// the tree.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let pushed = Self { folder: tempfile::tempdir().expect("a folder") };
        for name in [
            "secret.yml",
            "hidden.yml",
            "secrets/passwd.yml",
            "states/prod.yml",
            "context/Dockerfile",
            "image.tar",
        ] {
            write(&pushed.host().join(name), SECRET);
        }
        for (name, text) in files {
            let path = pushed.root().join(name);
            let text = text.replace("HOST", &pushed.host().to_string_lossy());
            match text.strip_prefix("->") {
                Some(to) => {
                    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
                    symlink(to.trim(), path).expect("a link");
                }
                None => write(&path, &text),
            }
        }
        pushed
    }

    /// A tree of one state file.
    pub fn states(text: &str) -> Self {
        Self::new(&[("states/prod.yml", text)])
    }

    pub fn host(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("a folder")
    }

    pub fn root(&self) -> PathBuf {
        self.host().join("export")
    }

    pub fn inputs(&self, trust: Trust) -> Inputs {
        Inputs {
            files: vec![self.root().join("states/prod.yml")],
            folder: "/".into(),
            env: Some("prod".to_owned()),
            grains: Grains::Lazy(std::sync::Arc::new(|| Err("nobody asks for grains here".to_owned()))),
            trust,
            ..Inputs::default()
        }
    }

    pub fn trust(&self) -> Trust {
        Trust::Pushed { root: self.root(), guards: false }
    }

    pub fn compiled(&self, trust: Trust) -> Result<StateGraph, String> {
        compile(&self.inputs(trust))
            .map_err(|problems| problems.iter().map(|problem| format!("{problem}\n")).collect())
    }

    /// What the pusher is told.
    pub fn refused(&self) -> String {
        let told = self.compiled(self.trust()).map(|graph| graph.text()).expect_err("it is refused");
        assert!(!told.contains(SECRET), "{told}");
        told
    }

    pub fn accepted(&self) -> StateGraph {
        self.compiled(self.trust()).expect("it is accepted")
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    fs::write(path, text).expect("a file");
}

/// That it is refused at a place, with these words.
pub fn assert_told(told: &str, words: &[&str]) {
    for word in words {
        assert!(told.contains(word), "`{word}` is missing in:\n{told}");
    }
}
