//! Where an image or a container comes from, as far as its labels and the engine know.

use serde_json::{Map, Value, json};

use crate::world::{
    Container, Image, Labels, METHODS, Owner, RECORD_KEYS, Record, label, records, whole_seconds,
};

/// Everything that is known of where an image or a container comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct OriginReport {
    /// What was asked for.
    pub name: String,
    /// Nothing if an image was asked for.
    pub container: Option<ContainerOrigin>,
    /// The commands that are in force, in the order of [`METHODS`].
    pub methods: [Option<String>; 3],
    /// What builds have said, oldest ancestor first.
    pub records: Vec<Record>,
    /// What the engine and the standard's labels know of the image, by the keys of a record.
    pub known: Map<String, Value>,
}

/// What is known of the container itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerOrigin {
    pub owner: Option<Owner>,
    pub revision: Option<u32>,
    pub state: &'static str,
    /// The image as it was named when the container was made.
    pub image: String,
    pub created: Option<String>,
    /// The last start; nothing if it never ran.
    pub started: Option<String>,
    pub deployed: Stamped,
}

/// What the stamps of a container say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stamped {
    pub time: Option<String>,
    pub by: Option<String>,
    pub host: Option<String>,
    pub cause: Option<String>,
    pub why: Option<String>,
}

impl OriginReport {
    pub fn of_image(name: &str, image: &Image) -> Self {
        let labels = image.labels();
        Self {
            name: name.to_owned(),
            container: None,
            methods: methods(&labels),
            records: records(&labels),
            known: known(Some(image), &labels),
        }
    }

    /// The labels of a container are those of its image, and more. The image may be gone.
    pub fn of_container(container: &Container, image: Option<&Image>) -> Self {
        let labels = container.labels();
        let text = |path: &str| container.attributes.text(path).filter(|text| !text.is_empty());
        let named = text("Config.Image").unwrap_or_default().to_owned();
        let mut known = known(image, &labels);
        known.entry("image_name").or_insert_with(|| json!(named));
        Self {
            name: container.name.clone(),
            container: Some(ContainerOrigin {
                owner: labels.owner(),
                revision: labels.revision(),
                state: container.state.word(),
                image: named,
                created: text("Created").map(shortened),
                // The year of what never was.
                started: text("State.StartedAt").filter(|time| !time.starts_with("0001")).map(shortened),
                deployed: stamped(&labels),
            }),
            methods: methods(&labels),
            records: records(&labels),
            known,
        }
    }

    /// One object for each record, oldest first: all keys that every record is shown with, known or not, and
    /// what else it says. Without records what is known by other ways is the only one.
    pub fn blocks(&self) -> Vec<Map<String, Value>> {
        if self.records.is_empty() {
            return vec![block(&self.known)];
        }
        let blocks = self.records.iter().map(|record| {
            let mut block = match &record.content {
                Ok(content) => block(content),
                Err(_) => block(&Map::new()),
            };
            block.insert("label".to_owned(), json!(record.label));
            if let Err(reason) = &record.content {
                block.insert("unreadable".to_owned(), json!(reason));
            }
            block
        });
        blocks.collect()
    }
}

fn block(content: &Map<String, Value>) -> Map<String, Value> {
    let value = |key: &str| content.get(key).cloned().unwrap_or_default();
    let mut block: Map<String, Value> =
        RECORD_KEYS.map(|key| (key.to_owned(), value(key))).into_iter().collect();
    for (key, value) in content {
        block.entry(key.clone()).or_insert_with(|| value.clone());
    }
    block
}

fn methods(labels: &Labels<'_>) -> [Option<String>; 3] {
    METHODS.map(|(_, key)| labels.get(key).filter(|command| !command.is_empty()).map(str::to_owned))
}

fn stamped(labels: &Labels<'_>) -> Stamped {
    let said = |key: &str| labels.get(key).filter(|text| !text.is_empty()).map(str::to_owned);
    Stamped {
        time: said(label::DEPLOY_TIME),
        by: said(label::DEPLOY_BY),
        host: said(label::DEPLOY_HOST),
        cause: said(label::DEPLOY_CAUSE),
        why: said(label::DEPLOY_WHY),
    }
}

fn known(image: Option<&Image>, labels: &Labels<'_>) -> Map<String, Value> {
    let mut known = Map::new();
    let mut say = |key: &str, value: Value| {
        if !value.is_null() && value != "" && value != json!([]) {
            known.insert(key.to_owned(), value);
        }
    };
    for ((name, _), command) in METHODS.iter().zip(methods(labels)) {
        say(&format!("{name}_method"), json!(command));
    }
    let tags = image.and_then(|image| image.attributes.at("RepoTags").known()).cloned().unwrap_or_default();
    say("image_name", tags.get(0).cloned().unwrap_or_default());
    say("image_tag_names", tags);
    let created = labels.get(label::OCI_CREATED).filter(|time| time.parse::<jiff::Timestamp>().is_ok());
    let created = created.or_else(|| image?.attributes.text("Created"));
    if let Some(time) = created.and_then(|time| time.parse::<jiff::Timestamp>().ok()) {
        say("build_time", json!(whole_seconds(time)));
        say("build_time_stamp", json!(time.as_second()));
    }
    for (key, label) in [
        ("gitref", label::OCI_REVISION),
        ("git_remote", label::OCI_SOURCE),
        ("title", label::OCI_TITLE),
        ("version", label::OCI_VERSION),
        ("base_image", label::OCI_BASE_NAME),
        ("base_digest", label::OCI_BASE_DIGEST),
    ] {
        say(key, json!(labels.get(label)));
    }
    say("image_id", json!(image.map(|image| image.id.to_string())));
    known
}

/// A time without what is smaller than a second; as it is if it is none.
fn shortened(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), whole_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Attributes, Id, RunState};
    use std::collections::BTreeMap;

    fn image(labels: Value) -> Image {
        let json = json!({
            "Created": "2026-01-02T03:04:05.678Z", "RepoTags": ["shop/web:1", "shop/web:dev"],
            "Config": {"Labels": labels},
        });
        let id = Id::Engine("sha256:0a".to_owned());
        Image { id, digests: Vec::new(), attributes: Attributes::observed(json) }
    }

    #[test]
    fn every_record_is_shown_with_all_keys() {
        let labels = json!({
            "io.evenkeel.image.01": r#"{"project": "shop", "mine": [1]}"#,
            "io.evenkeel.image.00": "broken",
        });
        let blocks = OriginReport::of_image("x", &image(labels)).blocks();
        let keys = |number: usize| blocks[number].keys().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(keys(0)[..13], RECORD_KEYS);
        assert_eq!(keys(0)[13..], ["label", "unreadable"]);
        assert_eq!(keys(1)[13..], ["mine", "label"]);
        assert_eq!((&blocks[1]["project"], &blocks[1]["ci"]), (&json!("shop"), &Value::Null));
    }

    #[test]
    fn without_records_the_engine_and_the_standard_are_asked() {
        let labels = json!({
            "org.opencontainers.image.revision": "abc", "io.evenkeel.lifecycle.validate": "true",
            "org.opencontainers.image.created": "yesterday",
        });
        let blocks = OriginReport::of_image("x", &image(labels)).blocks();
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0]["image_name"], "shop/web:1");
        assert_eq!(blocks[0]["build_time"], "2026-01-02T03:04:05Z");
        assert_eq!(blocks[0]["gitref"], "abc");
        assert_eq!(blocks[0]["validate_method"], "true");
        assert_eq!(blocks[0]["project"], Value::Null);
    }

    #[test]
    fn a_container_is_told_without_its_image_as_well() {
        let json = json!({
            "Created": "2026-01-02T03:04:05.1Z", "State": {"StartedAt": "0001-01-01T00:00:00Z"},
            "Config": {"Image": "shop/web:1", "Labels": {"io.evenkeel.deploy.why": "because"}},
        });
        let container = Container {
            id: Id::Engine("c".to_owned()),
            name: "web".to_owned(),
            state: RunState::Created,
            image: Id::Engine("sha256:0a".to_owned()),
            networks: BTreeMap::new(),
            attributes: Attributes::observed(json),
        };
        let report = OriginReport::of_container(&container, None);
        assert_eq!(report.blocks()[0]["image_name"], "shop/web:1");
        let told = report.container.expect("a container");
        assert_eq!((told.started, told.deployed.why.as_deref()), (None, Some("because")));
    }
}
