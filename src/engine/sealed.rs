//! The boundary where secrets are: what an engine shows has tokens in place of their values, and what it is sent has
//! the values. On this side of it nobody sees one.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::Value;

use super::{Answer, Observe, ObserveError, Perform, PerformError, Progress, Wanted};
use crate::secret::{Unknown, Vault};
use crate::world::{
    Attributes, Container, FileContent, Gate, Hook, HookCommand, Probe, Remote, Seen, SeenFile, Step, World,
    label,
};

/// Paths in inspect JSON where values of secrets may stand, by kind of object.
pub type Places = &'static [(&'static str, &'static [&'static str])];

/// Besides those places: what nobody compares, and somebody may show.
const TOLD: [&str; 4] = ["Path", "Args", "State.Error", "State.Health"];

/// What looks at an engine, or changes it, for those who must not see values.
pub struct Sealed<'a, T> {
    pub inner: &'a T,
    pub vault: &'a Vault,
    pub places: Places,
}

/// Puts tokens in place of values in a world.
pub fn seal_world(world: &mut World, vault: &Vault, places: Places) {
    if vault.is_empty() {
        return;
    }
    world.containers.values_mut().for_each(|container| seal_container(container, vault, places));
    world.images.values_mut().for_each(|image| seal(&mut image.attributes, "image", vault, places));
    world.networks.values_mut().for_each(|network| seal(&mut network.attributes, "network", vault, places));
    world.files.values_mut().flat_map(BTreeMap::values_mut).for_each(|seen| seal_file(seen, vault));
    world.volumes.values_mut().for_each(|volume| seal(&mut volume.attributes, "volume", vault, places));
}

fn seal_container(container: &mut Container, vault: &Vault, places: Places) {
    seal(&mut container.attributes, "container", vault, places);
    TOLD.iter().for_each(|path| seal_at(&mut container.attributes, path, vault));
}

fn seal_file(seen: &mut SeenFile, vault: &Vault) {
    if let SeenFile::Found { content: FileContent::Text(text), .. } = seen {
        *text = vault.seal(text).into_owned();
    }
}

fn seal(attributes: &mut Attributes, kind: &str, vault: &Vault, places: Places) {
    let paths = places.iter().filter(|(of, _)| *of == kind).flat_map(|(_, paths)| paths.iter());
    paths.for_each(|path| seal_at(attributes, path, vault));
}

fn seal_at(attributes: &mut Attributes, path: &str, vault: &Vault) {
    let Seen::Known(shown) = attributes.at(path) else { return };
    if shown.is_null() {
        return;
    }
    let mut sealed = shown.clone();
    vault.seal_value(&mut sealed);
    if path.ends_with("Labels") {
        // Our own say what was declared, with tokens.
        own_labels(shown, &mut sealed);
    }
    if sealed != *shown {
        attributes.set(path, sealed);
    }
}

/// Copies our own labels as they are.
fn own_labels(from: &Value, to: &mut Value) {
    let ours = from.as_object().into_iter().flatten().filter(|(key, _)| key.starts_with(label::PREFIX));
    ours.for_each(|(key, value)| to[key.as_str()] = value.clone());
}

#[async_trait]
impl<T: Observe> Observe for Sealed<'_, T> {
    async fn world(&self, wanted: &Wanted) -> Result<World, ObserveError> {
        let mut world = self.inner.world(wanted).await.map_err(|error| unseen(error, self.vault))?;
        seal_world(&mut world, self.vault, self.places);
        Ok(world)
    }

    async fn remotes(&self, references: &BTreeSet<String>) -> Result<BTreeMap<String, Remote>, ObserveError> {
        self.inner.remotes(references).await.map_err(|error| unseen(error, self.vault))
    }

    async fn container(&self, id: &str) -> Result<Option<Container>, ObserveError> {
        let mut found = self.inner.container(id).await.map_err(|error| unseen(error, self.vault))?;
        if let Some(container) = found.as_mut().filter(|_| !self.vault.is_empty()) {
            seal_container(container, self.vault, self.places);
        }
        Ok(found)
    }

    async fn files(&self, id: &str, paths: &[String]) -> Result<BTreeMap<String, SeenFile>, ObserveError> {
        let files = self.inner.files(id, paths).await.map_err(|error| unseen(error, self.vault))?;
        let sealed = |(path, mut seen)| {
            seal_file(&mut seen, self.vault);
            (path, seen)
        };
        Ok(files.into_iter().map(sealed).collect())
    }

    async fn states(&self) -> Result<Vec<(String, String)>, ObserveError> {
        self.inner.states().await.map_err(|error| unseen(error, self.vault))
    }

    async fn last_log_lines(&self, id: &str, lines: u32) -> Vec<String> {
        let lines = self.inner.last_log_lines(id, lines).await;
        lines.iter().map(|line| self.vault.heard(line)).collect()
    }

    fn requests(&self) -> u64 {
        self.inner.requests()
    }
}

#[async_trait]
impl<T: Perform> Perform for Sealed<'_, T> {
    async fn perform(&self, step: &Step, progress: Progress<'_>) -> Result<Answer, PerformError> {
        let resolved = resolved(step, self.vault)
            .map_err(|unknown| PerformError::Refused { status: None, message: unknown.to_string() })?;
        let heard = |text: &String| self.vault.heard(text);
        let progress = |text: String| progress(self.vault.heard(&text));
        match self.inner.perform(&resolved, &progress).await {
            Ok(Answer { id, warnings, notes }) => Ok(Answer {
                id,
                warnings: warnings.iter().map(heard).collect(),
                notes: notes.iter().map(heard).collect(),
            }),
            Err(error) => Err(match error {
                PerformError::Refused { status, message } => {
                    PerformError::Refused { status, message: heard(&message) }
                }
                PerformError::NotSettled { reason } => PerformError::NotSettled { reason: heard(&reason) },
                PerformError::Lost { reason } => PerformError::Lost { reason: heard(&reason) },
                PerformError::Failed { message, output } => PerformError::Failed {
                    message: heard(&message),
                    output: output.iter().map(heard).collect(),
                },
            }),
        }
    }
}

fn unseen(error: ObserveError, vault: &Vault) -> ObserveError {
    match error {
        ObserveError::Unreachable { address, reason, hint } => {
            ObserveError::Unreachable { address, reason: vault.heard(&reason), hint }
        }
        ObserveError::Answered { what, status, message } => {
            ObserveError::Answered { what, status, message: vault.heard(&message) }
        }
        ObserveError::Garbled { what, reason } => {
            ObserveError::Garbled { what, reason: vault.heard(&reason) }
        }
    }
}

/// The step as it is to be sent.
fn resolved<'a>(step: &'a Step, vault: &Vault) -> Result<Cow<'a, Step>, Unknown> {
    let mut step = step.clone();
    match &mut step {
        Step::CreateNetwork { body, .. }
        | Step::CreateVolume { body, .. }
        | Step::CreateContainer { body, .. }
        | Step::UpdateContainer { body, .. } => {
            let declared = body.clone();
            vault.resolve_value(body)?;
            if let Some(labels) = body.get_mut("Labels") {
                own_labels(&declared["Labels"], labels);
            }
        }
        Step::Connect { endpoint, .. } => vault.resolve_value(endpoint)?,
        Step::Settle { gate, .. } => resolve_gate(gate, vault)?,
        Step::RunHook { hook } => resolve_hook(hook, vault)?,
        Step::PutFiles { files, .. } => files.iter_mut().try_for_each(|file| match &mut file.content {
            FileContent::Text(text) => resolve(text, vault),
            FileContent::Bytes(_) => Ok(()),
        })?,
        Step::CheckCommand { command } => resolve(command, vault)?,
        Step::PullImage { .. }
        | Step::BuildImage { .. }
        | Step::LoadImage { .. }
        | Step::TagImage { .. }
        | Step::PushImage { .. }
        | Step::SaveImage { .. }
        | Step::RemoveImage { .. }
        | Step::RemoveNetwork { .. }
        | Step::Disconnect { .. }
        | Step::RemoveVolume { .. }
        | Step::CreateTrial { .. }
        | Step::RemoveTrial { .. }
        | Step::AwaitEnd { .. }
        | Step::StartContainer { .. }
        | Step::StopContainer { .. }
        | Step::RestartContainer { .. }
        | Step::SignalContainer { .. }
        | Step::UnpauseContainer { .. }
        | Step::RenameContainer { .. }
        | Step::AwaitHealthy { .. }
        | Step::Watch { .. }
        | Step::RemoveContainer { .. } => {}
    }
    Ok(Cow::Owned(step))
}

fn resolve(text: &mut String, vault: &Vault) -> Result<(), Unknown> {
    *text = vault.resolve(text)?.to_string();
    Ok(())
}

fn resolve_gate(gate: &mut Gate, vault: &Vault) -> Result<(), Unknown> {
    gate.wait.iter_mut().try_for_each(|probe| match probe {
        Probe::Exec { command } => command.iter_mut().try_for_each(|word| resolve(word, vault)),
        Probe::Log { text } => resolve(text, vault),
        Probe::Http { path, .. } => resolve(path, vault),
        Probe::Tcp { .. } | Probe::Validate | Probe::Healthy => Ok(()),
    })
}

fn resolve_hook(hook: &mut Hook, vault: &Vault) -> Result<(), Unknown> {
    let (HookCommand::Here(words)
    | HookCommand::Old(words)
    | HookCommand::New(words)
    | HookCommand::Once(words)) = &mut hook.command;
    words.iter_mut().try_for_each(|word| resolve(word, vault))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zeroize::Zeroizing;

    use super::*;
    use crate::source::token;
    use crate::world::{Id, Target};

    fn vault() -> Vault {
        Vault::new([("db".to_owned(), Zeroizing::new("hunter2".to_owned()))].into())
    }

    fn target() -> Target {
        Target { id: Id::Planned(1), name: "web".to_owned() }
    }

    #[test]
    fn what_is_sent_has_values_and_our_own_labels_have_tokens() {
        let body = |value: &str| json!({"Env": [format!("A={value}")], "Labels": {"plain": value, "io.evenkeel.state": token("db")}});
        let step =
            Step::CreateContainer { container: target(), image: Id::Planned(0), body: body(&token("db")) };
        let Ok(Cow::Owned(Step::CreateContainer { body: sent, .. })) = resolved(&step, &vault()) else {
            panic!("it is sent")
        };
        assert_eq!(sent, body("hunter2"));
        assert!(resolved(&step, &Vault::default()).is_err());
        let plain = Step::CreateVolume { name: "v".to_owned(), body: json!({"Driver": "local"}) };
        assert_eq!(resolved(&plain, &vault()).map(Cow::into_owned), Ok(plain));
        let gate = Gate {
            wait: vec![Probe::Exec { command: vec!["check".to_owned(), token("db")] }],
            ..Gate::default()
        };
        let Ok(Cow::Owned(Step::Settle { gate, .. })) =
            resolved(&Step::Settle { container: target(), gate }, &vault())
        else {
            panic!("it is sent")
        };
        assert_eq!(gate.wait, [Probe::Exec { command: vec!["check".to_owned(), "hunter2".to_owned()] }]);
    }

    #[test]
    fn what_is_shown_has_tokens_where_secrets_may_be_and_nowhere_else() {
        const PLACES: Places = &[("container", &["Config.Env", "Config.Labels"])];
        let shown = json!({
            "Id": "hunter2",
            "Config": {
                "Image": "hunter2",
                "Env": ["A=pg://hunter2@db", "B=1"],
                "Labels": {"x": "hunter2", "io.evenkeel.state": token("db")},
            },
            "State": {"Error": "exec: hunter2: not found"},
        });
        let mut attributes = Attributes::observed(shown);
        seal(&mut attributes, "container", &vault(), PLACES);
        TOLD.iter().for_each(|path| seal_at(&mut attributes, path, &vault()));
        let db = token("db");
        let expected = json!({
            "Id": "hunter2",
            "Config": {
                "Image": "hunter2",
                "Env": [format!("A=pg://{db}@db"), "B=1"],
                "Labels": {"x": db, "io.evenkeel.state": db},
            },
            "State": {"Error": format!("exec: {db}: not found")},
        });
        assert_eq!(attributes.json(), &expected);
    }
}
