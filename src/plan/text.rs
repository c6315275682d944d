//! The compact text of plans and steps: stable, for tests, `--output` details and comparing plans.

use std::fmt;

use serde_json::Value;

use super::{Change, FieldDiff, Phase, Plan, When};
use crate::source::shown_tokens;
use crate::world::{FileTime, Step};

impl Plan {
    /// The whole plan as text: one line per change that does something, its steps below it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for change in self.changes.iter().filter(|change| change.is_pending()) {
            text.push_str(&change.text());
        }
        for (kind, target) in &self.orphans {
            text.push_str(&format!("orphan {kind} {target}\n"));
        }
        text
    }
}

impl Change {
    /// The change as text: one line, and its steps below it.
    pub fn text(&self) -> String {
        let condition = match &self.when {
            When::Always => "",
            When::OnFailure(_) => " on failure",
        };
        let mut text = format!("{}.{} {}{condition}", self.state.kind, self.state.name, self.action.word());
        let diff: Vec<_> = self.diff.iter().map(FieldDiff::to_string).collect();
        let why = if diff.is_empty() { self.cause.clone() } else { diff.join(", ") };
        if !why.is_empty() {
            text.push_str(": ");
            text.push_str(&why);
        }
        text.push('\n');
        for blocker in &self.blockers {
            text.push_str(&format!("  refused: {blocker}\n"));
        }
        for step in self.steps.iter() {
            text.push_str(&format!("  {step}\n"));
        }
        shown_tokens(&text).into_owned()
    }
}

impl Change {
    /// The change as it is put on record: what and why, what differs, what was said of it, and its steps by phase.
    pub fn record_text(&self) -> String {
        let mut lines = vec![format!("{} {}.{}", self.action.word(), self.state.kind, self.state.name)];
        if !self.cause.is_empty() {
            lines[0] += &format!(": {}", self.cause);
        }
        lines.extend(self.diff.iter().map(FieldDiff::to_string));
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        for phase in Phase::ALL {
            lines.extend(self.steps.of(phase).iter().map(|step| format!("{}: {step}", phase.word())));
        }
        shown_tokens(&lines.join("\n")).into_owned()
    }
}

impl fmt::Display for FieldDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> {}", self.field, shown(&self.from), shown(&self.to))
    }
}

/// Prints a value compactly: texts without quotes unless they would be ambiguous.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(unset)".to_owned(),
        Value::String(text) if text.is_empty() || text.contains(['\n', '"']) || text.trim() != text => {
            Value::String(text.clone()).to_string()
        }
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let pairs: Vec<_> = map.iter().map(|(key, value)| format!("{key}: {}", shown(value))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PullImage { reference, digest: Some(digest), .. } => {
                write!(f, "pull image {reference} ({digest})")
            }
            Self::PullImage { reference, digest: None, .. } => write!(f, "pull image {reference}"),
            Self::BuildImage { build, .. } => write!(f, "build image {}", build.tag),
            Self::LoadImage { reference, path, .. } => {
                write!(f, "load image {reference} from {}", path.display())
            }
            Self::TagImage { image, reference } => write!(f, "tag image {image} as {reference}"),
            Self::PushImage { reference, .. } => write!(f, "push image {reference}"),
            Self::SaveImage { reference, path, .. } => {
                write!(f, "save image {reference} to {}", path.display())
            }
            Self::RemoveImage { reference, .. } => write!(f, "remove image {reference}"),
            Self::CreateNetwork { network, .. } => write!(f, "create network {network}"),
            Self::RemoveNetwork { network } => write!(f, "remove network {network}"),
            Self::Connect { network, container, .. } => {
                write!(f, "connect container {container} to network {network}")
            }
            Self::Disconnect { network, container } => {
                write!(f, "disconnect container {container} from network {network}")
            }
            Self::CreateVolume { name, .. } => write!(f, "create volume {name}"),
            Self::RemoveVolume { name } => write!(f, "remove volume {name}"),
            Self::CreateContainer { container, .. } => write!(f, "create container {container}"),
            Self::CreateTrial { container, .. } => write!(f, "create container {container}"),
            Self::AwaitEnd { container, .. } => write!(f, "await the end of container {container}"),
            Self::PutFiles { container, files, time } => {
                let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
                match time {
                    FileTime::Settled => write!(f, "put {} into container {container}", paths.join(", ")),
                    FileTime::Pending => {
                        write!(
                            f,
                            "put {} into container {container}, which does not know yet",
                            paths.join(", ")
                        )
                    }
                }
            }
            Self::StartContainer { container } => write!(f, "start container {container}"),
            Self::StopContainer { container, .. } => write!(f, "stop container {container}"),
            Self::RestartContainer { container, .. } => write!(f, "restart container {container}"),
            Self::SignalContainer { container, signal } => {
                write!(f, "send {signal} to container {container}")
            }
            Self::UnpauseContainer { container } => write!(f, "unpause container {container}"),
            Self::RenameContainer { container, to } => write!(f, "rename container {container} -> {to}"),
            Self::UpdateContainer { container, body } => {
                write!(f, "update container {container}: {}", update_text(body))
            }
            Self::Settle { container, gate } => {
                write!(f, "settle container {container}")?;
                let probes: Vec<_> = gate.wait.iter().map(ToString::to_string).collect();
                // Where it failed, the probe that was not answered is told alone.
                if probes.is_empty() || f.alternate() {
                    Ok(())
                } else {
                    write!(f, " ({})", probes.join(", "))
                }
            }
            Self::AwaitHealthy { container, .. } => write!(f, "await that container {container} is healthy"),
            Self::Watch { container, lasts } => {
                write!(f, "watch container {container} for {} s", lasts.as_secs_f64())
            }
            Self::RemoveContainer { container } | Self::RemoveTrial { container } => {
                write!(f, "remove container {container}")
            }
            Self::RunHook { hook } => write!(f, "{hook}"),
            Self::CheckCommand { command } => write!(f, "check `{command}`"),
        }
    }
}

fn update_text(body: &Value) -> String {
    let Some(fields) = body.as_object() else { return shown(body) };
    let words: Vec<_> = fields
        .iter()
        .map(|(key, value)| match value.get("Name") {
            Some(name) => format!("{key} {}", shown(name)),
            None => format!("{key} {}", shown(value)),
        })
        .collect();
    words.join(", ")
}
