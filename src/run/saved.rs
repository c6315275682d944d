//! Saved plans: what a run was asked for, what it read, and what it said it would do. Whoever applies one
//! plans again, under the lock, and goes on only if the plan is the same.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Ambient, ApplyOptions, AskRegistries, DataLoss, RunError, TreeOptions};
use crate::plan::Plan;
use crate::source::Secrets;
use crate::state::{Policy, StateGraph, Trust};
use crate::world::{Cause, World};

/// A plan in a file. It holds no values of `--pillar`, which may be secret: only their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    /// The layout of the file.
    version: u32,
    /// When it was planned, and by whom.
    pub made: String,
    pub by: String,
    files: Vec<PathBuf>,
    env: String,
    host: Option<String>,
    grains: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    /// Nothing if the tree is our own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pushed: Option<SavedTrust>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deployment: Option<Deployment>,
    /// Names of the values that were set on the command line.
    pub pillar: BTreeSet<String>,
    targets: Vec<String>,
    prune: bool,
    adopt: bool,
    offline: bool,
    data_loss: SavedLoss,
    expected: Expected,
}

/// What has to be as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The engine's own id.
    engine: String,
    /// SHA-256 of each file that was read, by its path from the root of the tree.
    inputs: BTreeMap<String, String>,
    /// The plan's compact text, secrets masked.
    text: String,
    /// SHA-256 of everything that the steps would send, secrets left out.
    steps: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedLoss {
    Refuse,
    Of(BTreeSet<String>),
    Allow,
}

/// What a tree that others have written may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedTrust {
    root: PathBuf,
    guards: bool,
}

/// A push: what it brought where, who and why. Written into what a run makes, and on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    pub repository: PathBuf,
    pub environment: String,
    /// The branch or tag.
    pub reference: String,
    pub commit: String,
    pub why: String,
    pub pusher: String,
    /// True if the branch or tag was moved to a commit that does not come after the one before.
    pub is_forced: bool,
}

const VERSION: u32 = 1;
/// The longest plan that is read, in bytes.
const LONGEST: u64 = 64 << 20;

impl SavedPlan {
    /// Reads a plan.
    ///
    /// # Errors
    /// If it cannot be read, or was not written by a program that is as old as this one at most.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let failed = |reason: String| RunError::Usage(format!("{}: {reason}", path.display()));
        let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
        if size > LONGEST {
            return Err(failed("it is too long to be a saved plan".to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let version = serde_json::from_str::<serde_json::Value>(&text)
            .map_err(|error| failed(format!("it is no saved plan: {error}")))?["version"]
            .as_u64();
        match version {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => {
                return Err(failed(format!(
                    "its layout is {version}, this program knows {VERSION}; plan again"
                )));
            }
            None => {
                return Err(failed(
                    "it is no saved plan; write one with: apply FILE --test --save PLAN".to_owned(),
                ));
            }
        }
        serde_json::from_str(&text).map_err(|error| failed(format!("it is no saved plan: {error}")))
    }

    /// What is to be done, with what a plan does not hold: `options` as they are, but for what was planned.
    ///
    /// # Errors
    /// If values of `--pillar` are missing, or there are others than when it was planned.
    pub fn resume(self, options: ApplyOptions) -> Result<ApplyOptions, RunError> {
        let given: BTreeSet<String> = options.tree.pillar.iter().map(|(name, _)| name.clone()).collect();
        if given != self.pillar {
            let wanted: Vec<_> = self.pillar.iter().map(|name| format!("--pillar {name}=…")).collect();
            return Err(RunError::Usage(if wanted.is_empty() {
                "it was planned without --pillar".to_owned()
            } else {
                format!("a plan does not keep values of the command line; give again: {}", wanted.join(" "))
            }));
        }
        if let Some(SavedTrust { root, .. }) = &self.pushed
            && !root.is_dir()
        {
            return Err(RunError::OutOfDate(
                "its files are gone: it was applied, or others came after it".to_owned(),
            ));
        }
        let (cause, why, commit) = match &self.deployment {
            Some(push) => {
                (Cause::Push, options.why.or_else(|| Some(push.why.clone())), Some(push.commit.clone()))
            }
            None => (options.cause, options.why, options.commit),
        };
        Ok(ApplyOptions {
            cause,
            why,
            commit,
            deployment: self.deployment.clone(),
            tree: self.tree(options.tree.pillar),
            targets: self.targets,
            prune: self.prune,
            adopt: self.adopt,
            data_loss: match self.data_loss {
                SavedLoss::Refuse => DataLoss::Refuse,
                SavedLoss::Of(names) => DataLoss::Of(names),
                SavedLoss::Allow => DataLoss::Allow,
            },
            registries: if self.offline { AskRegistries::Never } else { options.registries },
            expected: Some(self.expected),
            ..options
        })
    }

    /// Which state files, and with which data.
    fn tree(&self, pillar: Vec<(String, String)>) -> TreeOptions {
        TreeOptions {
            files: self.files.clone(),
            env: self.env.clone(),
            pillar,
            grains: self.grains.clone(),
            host: self.host.clone(),
            project: self.project.clone(),
            trust: match self.pushed.clone() {
                Some(SavedTrust { root, guards }) => Trust::Pushed { root, guards },
                None => Trust::Own,
            },
            // What it forbids was not in the plan when it was saved, and the plan has to be the same.
            policy: Policy::default(),
        }
    }

    fn of(options: &ApplyOptions, expected: Expected, ambient: &Ambient) -> Self {
        let tree = &options.tree;
        Self {
            version: VERSION,
            made: ambient.started().to_string(),
            by: ambient.actor(),
            files: tree.files.clone(),
            env: tree.env.clone(),
            host: tree.host.clone(),
            grains: tree.grains.clone(),
            project: tree.project.clone(),
            pushed: match tree.trust.clone() {
                Trust::Own => None,
                Trust::Pushed { root, guards } => Some(SavedTrust { root, guards }),
            },
            deployment: options.deployment.clone(),
            pillar: tree.pillar.iter().map(|(name, _)| name.clone()).collect(),
            targets: options.targets.clone(),
            prune: options.prune,
            adopt: options.adopt,
            offline: options.registries == AskRegistries::Never,
            data_loss: match &options.data_loss {
                DataLoss::Refuse => SavedLoss::Refuse,
                DataLoss::Of(names) => SavedLoss::Of(names.clone()),
                DataLoss::Allow => SavedLoss::Allow,
            },
            expected,
        }
    }
}

impl Expected {
    fn of(graph: &StateGraph, world: &World, plan: &Plan, secrets: &Secrets) -> Self {
        let steps: Vec<_> = plan.changes.iter().map(|change| &change.steps).collect();
        let steps = Sha256::digest(secrets.hidden(&format!("{steps:?}")));
        Self {
            engine: world.engine.id.clone(),
            inputs: graph.inputs.clone(),
            text: secrets.hidden(&plan.text()),
            steps: steps.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    /// Says what is not as it was, if anything.
    ///
    /// # Errors
    /// If anything is not.
    pub(super) fn holds(
        &self,
        (graph, world, plan): (&StateGraph, &World, &Plan),
        secrets: &Secrets,
    ) -> Result<(), RunError> {
        let now = Self::of(graph, world, plan, secrets);
        let reason = if now.engine != self.engine {
            format!("it was made for the engine {}, and this is {}", self.engine, now.engine)
        } else if let Some(changed) = self.changed_input(&now) {
            format!("{changed} is another file now")
        } else if now.text != self.text {
            let text = if now.text.is_empty() { "nothing to do\n" } else { &now.text };
            format!("what would be done is another by now; the plan would be:\n{}", text.trim_end())
        } else if now.steps != self.steps {
            "values that come from the command line or the environment are others now".to_owned()
        } else {
            return Ok(());
        };
        Err(RunError::OutOfDate(reason))
    }

    fn changed_input(&self, now: &Self) -> Option<String> {
        let names: BTreeSet<&String> = self.inputs.keys().chain(now.inputs.keys()).collect();
        names.into_iter().find(|name| self.inputs.get(*name) != now.inputs.get(*name)).cloned()
    }
}

/// Writes a plan to a file, for its owner alone. One against which something stands is not worth keeping.
///
/// # Errors
/// If something stands against it, or it cannot be written; then there is no such file, or the one that was.
pub(super) fn save(
    path: &Path,
    options: &ApplyOptions,
    (graph, world, plan): (&StateGraph, &World, &Plan),
    secrets: &Secrets,
    ambient: &Ambient,
) -> Result<(), RunError> {
    if plan.changes.iter().any(|change| !change.blockers.is_empty()) {
        return Ok(());
    }
    let saved = SavedPlan::of(options, Expected::of(graph, world, plan, secrets), ambient);
    let failed = |reason: String| RunError::Failed(format!("cannot write {}: {reason}", path.display()));
    let text = serde_json::to_string_pretty(&saved).map_err(|error| failed(error.to_string()))?;
    write(path, &text).map_err(|error| failed(error.to_string()))
}

/// Writes the whole file or nothing of it.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let new = path.with_file_name(name);
    let written =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new).and_then(
            |mut file| {
                file.write_all(text.as_bytes())?;
                file.write_all(b"\n")?;
                file.sync_all()
            },
        );
    written.and_then(|()| std::fs::rename(&new, path)).inspect_err(|_| {
        // What is half written is of no use to anybody.
        _ = std::fs::remove_file(&new);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(pushed: Option<SavedTrust>) -> SavedPlan {
        SavedPlan {
            version: VERSION,
            made: String::new(),
            by: String::new(),
            files: Vec::new(),
            env: "prod".to_owned(),
            host: None,
            grains: None,
            project: pushed.as_ref().map(|_| "shop".to_owned()),
            pushed,
            deployment: None,
            pillar: BTreeSet::new(),
            targets: Vec::new(),
            prune: false,
            adopt: false,
            offline: false,
            data_loss: SavedLoss::Refuse,
            expected: Expected {
                engine: String::new(),
                inputs: BTreeMap::new(),
                text: String::new(),
                steps: String::new(),
            },
        }
    }

    #[test]
    fn a_plan_remembers_that_its_tree_was_pushed() {
        let pushed = plan(Some(SavedTrust { root: "/srv/tree".into(), guards: false }));
        let text = serde_json::to_string(&pushed).expect("JSON");
        let read: SavedPlan = serde_json::from_str(&text).expect("a plan");
        assert_eq!(read, pushed);
        assert_eq!(read.tree(Vec::new()).trust, Trust::Pushed { root: "/srv/tree".into(), guards: false });
        assert_eq!(read.tree(Vec::new()).project.as_deref(), Some("shop"));
    }

    /// So that older programs read it.
    #[test]
    fn a_plan_of_our_own_tree_is_as_it_was() {
        let text = serde_json::to_string(&plan(None)).expect("JSON");
        assert!(!["pushed", "project", "deployment"].iter().any(|word| text.contains(word)), "{text}");
        let read: SavedPlan = serde_json::from_str(&text).expect("a plan");
        assert_eq!(read.tree(Vec::new()).trust, Trust::Own);
    }
}
