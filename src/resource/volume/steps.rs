//! What it takes to make or remove a volume.

use serde_json::{Map, Value};

use super::super::compare;
use super::super::kind::{Desired, Planned, Transition};
use super::fields::FIELDS;
use crate::plan::{Action, Effect, Steps};
use crate::world::{Step, World};

pub fn steps(desired: &Desired<'_>, transition: &Transition<'_>, world: &World) -> Planned {
    match transition {
        Transition::Create => {
            let mut body = Value::Object(Map::new());
            compare::send(FIELDS, desired.spec, |path, value| {
                // The API calls the options `DriverOpts` when it takes them and `Options` when it
                // shows them.
                let key = if path == "Options" { "DriverOpts" } else { path };
                body[key] = value;
            });
            body["Name"] = desired.name.into();
            compare::add_labels(&mut body["Labels"], &desired.labels());
            let step = Step::CreateVolume { name: desired.name.to_owned(), body };
            Planned::new(Action::Create, Steps { prepare: vec![step], ..Steps::default() })
        }
        Transition::Remove { found } => {
            let name = found.target.name.clone();
            let users: Vec<_> = world.volume_users(&name).map(|container| container.name.clone()).collect();
            let mut planned = Planned::new(
                Action::Remove,
                Steps { retire: vec![Step::RemoveVolume { name }], ..Steps::default() },
            );
            planned.effect = if users.is_empty() { Effect::None } else { Effect::Ends };
            planned
        }
        Transition::Replace { found, .. } if found.target.name != desired.name => {
            let (old, new) = (&found.target.name, desired.name);
            Planned::refused(vec![format!(
                "the engine cannot rename volume `{old}`; keep it with `name: {old}` in this state, or drop `was` and \
                 copy the data to `{new}` by hand"
            )])
        }
        Transition::Update { .. }
        | Transition::Signal { .. }
        | Transition::Restart { .. }
        | Transition::Replace { .. } => Planned::refused(vec![format!(
            "nothing of volume `{}` can be changed while it holds data; give the new volume another name and copy \
             the data, or remove the old one with `volume.absent` and --allow-data-loss={}",
            desired.name, desired.name
        )]),
    }
}
