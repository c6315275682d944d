//! Files of the tree that a container mounts: what stood in them when it was made is in a label, since nobody can ask
//! a container what it has seen of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::plan::{FieldDiff, Impact};
use crate::resource::kind::Desired;
use crate::world::{Container, label};

/// Short digests by the path in the container.
pub fn digests<'a>(desired: &'a Desired<'_>) -> BTreeMap<&'a str, &'a str> {
    let declared = desired.spec.value("volumes").and_then(Value::as_object).into_iter().flatten();
    let binds = declared.filter(|(_, mount)| mount["type"] == "bind");
    let known = |mount: &Value| desired.facts.mounted.get(mount["source"].as_str()?).map(String::as_str);
    binds.filter_map(|(path, mount)| Some((path.as_str(), known(mount)?))).collect()
}

/// The text of the label; nothing if no file of the tree is mounted.
pub fn label_text(desired: &Desired<'_>) -> Option<String> {
    let digests = digests(desired);
    (!digests.is_empty()).then(|| json!(digests).to_string())
}

/// The files that were something else when the container was made. Where the label does not say it, nobody knows.
pub fn diff(desired: &Desired<'_>, container: &Container) -> Vec<FieldDiff> {
    let text = container.labels().get(label::MOUNTED);
    let then: BTreeMap<String, String> =
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let differs = |(path, now): (&str, &str)| {
        let then = then.get(path).filter(|then| *then != now)?;
        Some(FieldDiff {
            field: format!("volumes.{path}"),
            from: json!(format!("the file as it was made with (sha256 {then})")),
            to: json!(format!("the file as it is (sha256 {now})")),
            impact: Impact::Replace,
        })
    };
    digests(desired).into_iter().filter_map(differs).collect()
}
