//! The throw-away container that shows whether a fresh image is sound, before it gets its name.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::kind::Desired;
use super::super::spec::Spec;
use crate::world::{Container, Id, LONGEST_TRIAL, Owner, Step, Target, Trial, World, label};

/// The command of a trial; the inner nothing is for what the image itself says. Nothing if none is wanted.
pub fn wanted(spec: &Spec) -> Option<Option<Vec<String>>> {
    match spec.value("validate")? {
        Value::Bool(true) => Some(None),
        Value::Array(words) => {
            Some(Some(words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()))
        }
        _ => None,
    }
}

/// Creates the container, waits for its end, and removes it.
pub fn steps(
    desired: &Desired<'_>,
    reference: &str,
    image: &Id,
    command: Option<Vec<String>>,
    world: &mut World,
) -> Vec<Step> {
    let container = Target { id: world.next_planned(), name: name(reference) };
    let mut labels = BTreeMap::from([(label::TRIAL.to_owned(), reference.to_owned())]);
    labels.extend(desired.owner.labels(&desired.id));
    let trial = Box::new(Trial { command, labels });
    vec![
        Step::CreateTrial { container: container.clone(), image: image.clone(), trial },
        Step::StartContainer { container: container.clone() },
        Step::AwaitEnd { container: container.clone(), timeout: LONGEST_TRIAL },
        Step::RemoveTrial { container },
    ]
}

/// A container's name in which the image's can be recognised.
fn name(reference: &str) -> String {
    let plain: String = reference
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' })
        .collect();
    format!("{}.trial", plain.trim_start_matches(['.', '-', '_']))
}

/// The containers of an owner that only try images. After a run none of them is needed.
pub fn trials<'a>(owner: &Owner, world: &'a World) -> Vec<&'a Container> {
    let is_trial = |container: &&Container| {
        container.labels().are_of(owner) && container.labels().get(label::TRIAL).is_some()
    };
    world.containers.values().filter(is_trial).collect()
}

/// Removes such a container, whatever it is doing.
pub fn end_of_trial(container: &Container) -> Vec<Step> {
    let target = Target::new(&container.id, &container.name);
    let stop = Step::StopContainer { container: target.clone(), timeout: Some(0) };
    let stop = container.state.is_up().then_some(stop);
    stop.into_iter().chain([Step::RemoveTrial { container: target }]).collect()
}
