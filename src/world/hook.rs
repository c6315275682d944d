//! Commands that go along with the life of a container.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Name, Target};

/// When a hook is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before anything is stopped or started for a replacement.
    PreReplace,
    /// When a container was started, before it counts as good.
    PostStart,
    /// Before a container is stopped.
    PreStop,
    /// When a new container has taken over.
    PostReplace,
    /// When files of a container have changed.
    OnChange,
}

impl Moment {
    /// The field that declares it.
    pub fn field(self) -> &'static str {
        match self {
            Self::PreReplace => "pre_replace",
            Self::PostStart => "post_start",
            Self::PreStop => "pre_stop",
            Self::PostReplace => "post_replace",
            Self::OnChange => "on_change",
        }
    }
}

/// Where the command of a hook is run, and the command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookCommand {
    /// On this machine.
    Here(Vec<String>),
    /// In the container that is there.
    Old(Vec<String>),
    /// In the one that takes over.
    New(Vec<String>),
    /// In a container of its own, made of the new image.
    Once(Vec<String>),
}

impl HookCommand {
    pub fn words(&self) -> &[String] {
        match self {
            Self::Here(words) | Self::Old(words) | Self::New(words) | Self::Once(words) => words,
        }
    }
}

/// One hook that is run: `Once` is steps of its own, and never here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    pub moment: Moment,
    pub command: HookCommand,
    /// The name that the containers serve.
    pub name: Name,
    pub old: Option<Target>,
    pub new: Option<Target>,
}

impl Hook {
    /// The container that it is run in; nothing if it is run on this machine.
    pub fn container(&self) -> Option<&Target> {
        match self.command {
            HookCommand::Old(_) => self.old.as_ref(),
            HookCommand::New(_) | HookCommand::Once(_) => self.new.as_ref(),
            HookCommand::Here(_) => None,
        }
    }

    /// What a command on this machine finds in its environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        let text = |target: &Option<Target>| target.as_ref().map(|target| target.id.to_string());
        let all = [
            ("EVENKEEL_HOOK", Some(self.moment.field().to_owned())),
            ("EVENKEEL_NAME", Some(self.name.clone())),
            ("EVENKEEL_OLD", text(&self.old)),
            ("EVENKEEL_NEW", text(&self.new)),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {}", self.moment.field())?;
        match self.container() {
            Some(container) => write!(f, " in container {container}: `")?,
            None => write!(f, " here: `")?,
        }
        match self.command.words() {
            [shell, option, script] if shell == "/bin/sh" && option == "-c" => write!(f, "{script}`"),
            words => write!(f, "{}`", words.join(" ")),
        }
    }
}
