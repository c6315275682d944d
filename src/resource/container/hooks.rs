//! The hooks of a container as steps: those that a state declares, and those that stand in a container's label.

use serde_json::Value;

use super::copies;
use super::recorded::recorded;
use crate::resource::kind::Desired;
use crate::world::{Container, Hook, HookCommand, Id, Moment, Name, Step, Target, World};

/// Whom hooks are about.
#[derive(Debug, Clone)]
pub struct About {
    /// The name that the containers serve.
    pub name: Name,
    /// The one that is there, and whether a command can be run in it.
    pub old: Option<(Target, bool)>,
    pub new: Option<Target>,
}

/// What a container of its own is made of, if a hook wants one.
pub struct Fresh<'a> {
    pub image: &'a Id,
    pub body: &'a Value,
}

/// The hooks that a state declares for a moment. What is to be run in a container that there is none of is left out.
pub fn declared(
    desired: &Desired<'_>,
    moment: Moment,
    about: &About,
    fresh: Option<&Fresh<'_>>,
    world: &mut World,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for command in commands(desired.spec.value(moment.field())) {
        match (&command, fresh) {
            (HookCommand::Once(words), Some(fresh)) => {
                steps.extend(copies::once(desired, fresh, words, world));
            }
            (HookCommand::Once(_), None) => {}
            _ => steps.extend(hook(moment, command, about)),
        }
    }
    steps
}

/// The hooks that a container was made with, for a moment.
pub fn of_container(container: &Container, moment: Moment, about: &About) -> Vec<Step> {
    let record = recorded(container).unwrap_or_default();
    let commands = commands(record.get(moment.field()));
    commands.into_iter().filter_map(|command| hook(moment, command, about)).collect()
}

/// True if something is to be run when a container was started.
pub fn begins(container: &Container) -> bool {
    let record = recorded(container).unwrap_or_default();
    !commands(record.get(Moment::PostStart.field())).is_empty()
}

/// What is left to run when a container has taken over, and, if `old` still runs, before that one stops.
pub fn after_takeover(new: &Container, name: &str, old: Option<Target>) -> Vec<Step> {
    let old = old.map(|old| (old, true));
    let about = About { name: name.to_owned(), old, new: Some(Target::new(&new.id, name)) };
    let mut steps = of_container(new, Moment::PostReplace, &about);
    if about.old.is_some() {
        steps.extend(of_container(new, Moment::PreStop, &about));
    }
    steps
}

fn commands(declared: Option<&Value>) -> Vec<HookCommand> {
    declared.and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default()
}

fn hook(moment: Moment, command: HookCommand, about: &About) -> Option<Step> {
    let About { name, old, new } = about.clone();
    let is_possible = match command {
        HookCommand::Here(_) => true,
        HookCommand::Old(_) => old.as_ref().is_some_and(|(_, runs)| *runs),
        HookCommand::New(_) => new.is_some(),
        HookCommand::Once(_) => false,
    };
    let hook = Hook { moment, command, name, old: old.map(|(old, _)| old), new };
    is_possible.then(|| Step::RunHook { hook: Box::new(hook) })
}
