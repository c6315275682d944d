//! Steps with real ids: what a plan calls `planned:3` is called by the engine's id once it exists. And pauses.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use serde_json::Value;

use crate::plan::Retry;
use crate::world::{Id, Step, Target, label};

/// The engine's ids of the objects that a plan made so far.
#[derive(Debug, Default)]
pub struct Bindings(BTreeMap<u32, String>);

impl Bindings {
    /// Takes note of the id of a new object.
    pub fn learn(&mut self, planned: &Id, engine: &str) {
        if let Id::Planned(number) = planned {
            self.0.insert(*number, engine.to_owned());
        }
    }

    /// The engine's id of an object; an object that was not made keeps its number.
    pub fn id(&self, id: &Id) -> Id {
        match id {
            Id::Planned(number) => self.0.get(number).map_or_else(|| id.clone(), |id| Id::Engine(id.clone())),
            Id::Engine(_) => id.clone(),
        }
    }

    fn target(&self, target: &Target) -> Target {
        Target { id: self.id(&target.id), name: target.name.clone() }
    }

    /// A text in which an id may stand behind a prefix, such as `container:planned:3`, or in front
    /// of an alias, such as `planned:3:db`.
    fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (number, id) in self.0.iter().rev() {
            text = text.replace(&Id::Planned(*number).to_string(), id);
        }
        text
    }

    fn replace(&self, value: &mut Value) {
        if let Value::String(text) = value {
            *text = self.text(text);
        }
    }

    /// The same step with the engine's ids.
    pub fn bind(&self, step: &Step) -> Step {
        let mut step = step.clone();
        match &mut step {
            Step::PullImage { .. } | Step::LoadImage { .. } => {}
            Step::BuildImage { build, .. } => {
                if let Some(base) = build.labels.get_mut(label::BUILD_BASE) {
                    *base = self.text(base);
                }
            }
            Step::TagImage { image, .. }
            | Step::PushImage { image, .. }
            | Step::SaveImage { image, .. }
            | Step::RemoveImage { image, .. } => *image = self.target(image),
            Step::CreateNetwork { .. } | Step::CreateVolume { .. } | Step::RemoveVolume { .. } => {}
            Step::RemoveNetwork { network } => *network = self.target(network),
            Step::Connect { network, container, .. } | Step::Disconnect { network, container } => {
                *network = self.target(network);
                *container = self.target(container);
            }
            Step::CreateContainer { image, body, .. } => {
                *image = self.id(image);
                for mode in ["/HostConfig/NetworkMode", "/HostConfig/PidMode", "/HostConfig/IpcMode"] {
                    body.pointer_mut(mode).into_iter().for_each(|mode| self.replace(mode));
                }
                for list in ["/HostConfig/Links", "/HostConfig/VolumesFrom"] {
                    let list = body.pointer_mut(list).and_then(Value::as_array_mut);
                    list.into_iter().flatten().for_each(|reference| self.replace(reference));
                }
            }
            Step::CreateTrial { image, .. } => *image = self.id(image),
            Step::AwaitEnd { container, .. }
            | Step::RemoveTrial { container }
            | Step::PutFiles { container, .. }
            | Step::StartContainer { container }
            | Step::StopContainer { container, .. }
            | Step::RestartContainer { container, .. }
            | Step::SignalContainer { container, .. }
            | Step::UnpauseContainer { container }
            | Step::RenameContainer { container, .. }
            | Step::UpdateContainer { container, .. }
            | Step::Settle { container, .. }
            | Step::Watch { container, .. }
            | Step::AwaitHealthy { container, .. }
            | Step::RemoveContainer { container } => *container = self.target(container),
            Step::RunHook { hook } => {
                for target in [&mut hook.old, &mut hook.new].into_iter().flatten() {
                    *target = self.target(target);
                }
            }
            Step::CheckCommand { .. } => {}
        }
        step
    }
}

/// The object that a step makes, if it makes one with an id of its own.
pub fn makes(step: &Step) -> Option<&Id> {
    match step {
        Step::PullImage { image, .. } | Step::BuildImage { image, .. } | Step::LoadImage { image, .. } => {
            Some(image)
        }
        Step::CreateNetwork { network, .. } => Some(&network.id),
        Step::CreateContainer { container, .. } | Step::CreateTrial { container, .. } => Some(&container.id),
        _ => None,
    }
}

/// The container that a step acts on.
pub fn container_of(step: &Step) -> Option<&Target> {
    match step {
        Step::CreateContainer { container, .. }
        | Step::CreateTrial { container, .. }
        | Step::AwaitEnd { container, .. }
        | Step::RemoveTrial { container }
        | Step::PutFiles { container, .. }
        | Step::StartContainer { container }
        | Step::StopContainer { container, .. }
        | Step::RestartContainer { container, .. }
        | Step::SignalContainer { container, .. }
        | Step::UnpauseContainer { container }
        | Step::RenameContainer { container, .. }
        | Step::UpdateContainer { container, .. }
        | Step::Settle { container, .. }
        | Step::Watch { container, .. }
        | Step::AwaitHealthy { container, .. }
        | Step::RemoveContainer { container } => Some(container),
        Step::RunHook { hook } => hook.container(),
        _ => None,
    }
}

/// How long to wait before another attempt: the interval and, so that many hosts do not come back at
/// once, a part of the splay.
pub(super) fn pause(retry: Retry) -> Duration {
    let chance = RandomState::new().build_hasher().finish();
    let splay = u64::try_from(retry.splay.as_millis()).unwrap_or(u64::MAX);
    retry.interval + Duration::from_millis(chance.checked_rem(splay.saturating_add(1)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pause_lasts_the_interval_and_at_most_the_splay_more() {
        let (interval, splay) = (Duration::from_secs(3), Duration::from_millis(40));
        let none = Retry { attempts: 2, interval, splay: Duration::ZERO };
        assert_eq!(pause(none), interval);
        let pauses: Vec<_> = (0..100).map(|_| pause(Retry { splay, ..none })).collect();
        assert!(pauses.iter().all(|pause| (interval..=interval + splay).contains(pause)), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
    }

    #[test]
    fn planned_ids_become_the_engines_wherever_they_stand() {
        let mut bindings = Bindings::default();
        bindings.learn(&Id::Planned(1), "aaa");
        bindings.learn(&Id::Planned(12), "bbb");
        let step = Step::CreateContainer {
            container: Target { id: Id::Planned(13), name: "web".to_owned() },
            image: Id::Planned(1),
            body: json!({"HostConfig": {
                "NetworkMode": "container:planned:12", "PidMode": "container:planned:1", "IpcMode": "shareable",
                "Links": ["planned:1:db"], "VolumesFrom": ["planned:12:ro"],
            }}),
        };
        let Step::CreateContainer { image, body, .. } = bindings.bind(&step) else { panic!("another step") };
        assert_eq!(image, Id::Engine("aaa".to_owned()));
        assert_eq!(
            body["HostConfig"],
            json!({
                "NetworkMode": "container:bbb", "PidMode": "container:aaa", "IpcMode": "shareable",
                "Links": ["aaa:db"], "VolumesFrom": ["bbb:ro"],
            })
        );
    }
}
