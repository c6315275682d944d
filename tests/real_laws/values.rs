//! Law 4: every value that a diff promises is what the engine shows afterwards.

use super::scene::Scene;
use crate::rig::inspect::{self, Object};
use evenkeel::resource::{At, Field, kind_called};
use serde_json::Value;

/// Compares the `to` of every row of a run with the engine, for fields that have a path of their own.
pub fn are_as_promised(scene: &Scene<'_>, json: &Value) {
    for state in json["states"].as_array().into_iter().flatten() {
        let text = |key: &str| state[key].as_str().unwrap_or("");
        let object = match text("kind") {
            "container" => Object::Container,
            "network" => Object::Network,
            "volume" => Object::Volume,
            _ => continue,
        };
        let Some((kind, _)) = kind_called(text("kind")) else { continue };
        let shown = inspect::find(scene.engine, object, text("name"));
        for row in state["diff"].as_array().into_iter().flatten() {
            let what = format!("{} {} {row}", text("kind"), text("name"));
            let shown = shown.as_ref().unwrap_or_else(|| panic!("{what}: it is gone"));
            check_row(kind.fields(text("function")), row, shown, &what);
        }
    }
}

fn check_row(fields: &[Field], row: &Value, shown: &Value, what: &str) {
    let name = row["field"].as_str().unwrap_or("");
    let (stem, key) = name.split_once('.').map_or((name, None), |(stem, key)| (stem, Some(key)));
    let to = &row["to"];
    match (stem, key) {
        ("name", None) => {
            assert!(shown["Name"].as_str().is_some_and(|name| to == name.trim_start_matches('/')))
        }
        // A successor that does not have to run was never up.
        ("status", None) if to == "exited" => assert_eq!(shown["State"]["Running"], false, "{what}"),
        ("status", None) => assert_eq!(shown["State"]["Status"], *to, "{what}"),
        ("networks", Some(network)) => {
            let attached = shown["NetworkSettings"]["Networks"].get(network).is_some();
            assert_eq!(attached, !to.is_null(), "{what}");
        }
        ("volumes", Some(path)) => {
            let mounts = shown["Mounts"].as_array().into_iter().flatten();
            let mounted = mounts.filter(|mount| mount["Destination"] == path).count() == 1;
            assert_eq!(mounted, !to.is_null(), "{what}");
        }
        _ => {
            let Some(field) = fields.iter().find(|field| field.name == stem) else { return };
            let At::Path(path) = field.at else { return };
            let mut at = shown;
            for part in path.split('.') {
                at = &at[part];
            }
            let observed = field.form.show(&field.form.observe(at));
            let is_masked = to == "***" || to == "(secret)";
            match key {
                _ if is_masked => {}
                // Without options of a state the engine shows those of its own configuration.
                Some(key) if to.is_null() && stem == "log_opt" => {
                    assert_ne!(observed[key], row["from"], "{what}: the engine shows {observed}");
                }
                Some(key) => assert_eq!(observed[key], *to, "{what}: the engine shows {observed}"),
                None if to.is_null() => {}
                None => assert_eq!(observed, *to, "{what}"),
            }
        }
    }
}
