//! Where an image or a container comes from, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::harmless;
use super::text::{BOLD, DIM, YELLOW, paint};
use crate::plan::{ContainerOrigin, OriginReport, Stamped};

const NOT_SET: &str = "not set";

/// All records as a JSON list, oldest first.
pub fn metadata_json(report: &OriginReport) -> String {
    let list = Value::Array(report.blocks().into_iter().map(Value::Object).collect());
    // The texts come from elsewhere, and JSON escapes what could steer a terminal but for these.
    let shown = serde_json::to_string_pretty(&list).unwrap_or_default();
    let mut text = String::with_capacity(shown.len() + 1);
    for c in shown.chars() {
        match c {
            '\n' => text.push('\n'),
            c if c.is_control() => _ = write!(text, "\\u{:04x}", u32::from(c)),
            c => text.push(c),
        }
    }
    text + "\n"
}

/// All records, oldest first, one line for each key.
pub fn metadata(report: &OriginReport) -> String {
    let mut text = String::new();
    let blocks = report.blocks();
    let count = match report.records.len() {
        0 => "no records; what its labels and the engine know".to_owned(),
        1 => "1 record".to_owned(),
        count => format!("{count} records, oldest first"),
    };
    let what = if report.container.is_some() { "container" } else { "image" };
    _ = writeln!(text, "{}: {count}", paint(BOLD, format!("{what} {}", harmless(&report.name))));
    for block in blocks {
        let width = block.keys().map(|key| key.chars().count()).max().unwrap_or_default();
        text.push('\n');
        for (key, value) in &block {
            let key = format!("{:<width$}", harmless(key));
            let shown = match value {
                Value::Null => paint(DIM, NOT_SET),
                value => plain(value),
            };
            _ = writeln!(text, "  {}  {shown}", paint(DIM, key));
        }
    }
    text
}

/// The whole story of a container or an image: its methods, and each ancestor's names, build and actions.
pub fn examination(report: &OriginReport) -> String {
    let mut text = String::new();
    match &report.container {
        Some(container) => text += &of_container(&report.name, container),
        None => _ = writeln!(text, "{}", paint(BOLD, format!("Image {}", harmless(&report.name)))),
    }
    let whose = if report.container.is_some() { "Container" } else { "Image" };
    _ = writeln!(text, "\n{whose} management methods:\n");
    let [start, update, validate] = &report.methods;
    for (name, command) in [("Start", start), ("Update", update), ("Validate", validate)] {
        row(&mut text, name, command.as_deref());
    }
    let of = report.records.len();
    for (number, block) in report.blocks().iter().enumerate() {
        text += &ancestor(block, number, of);
    }
    text
}

fn of_container(name: &str, container: &ContainerOrigin) -> String {
    let mut text = String::new();
    let owner = container.owner.as_ref();
    let owner = owner.map(|owner| format!(" of {}/{}", owner.project, owner.env)).unwrap_or_default();
    let revision = container.revision.map(|number| format!(", revision {number}")).unwrap_or_default();
    let title = format!("Container {name}{owner}{revision}: {}", container.state);
    _ = writeln!(text, "{}", paint(BOLD, harmless(&title)));
    let created = container.created.as_deref().unwrap_or("a time that is not known");
    let started = match &container.started {
        None => format!("Container not started yet, made at {created}"),
        Some(last) => format!("Container first started at {created}, last at {last}"),
    };
    _ = writeln!(text, "{}", harmless(&started));
    let Stamped { time, by, host, cause, why } = &container.deployed;
    if let Some(time) = time {
        let part = |word: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("{word}{value}")).unwrap_or_default()
        };
        let deployed = format!(
            "Container deployed at {time}{}{}{}{}",
            part(" by ", by),
            part(" from ", host),
            part(", cause: ", cause),
            part(", why: ", why)
        );
        _ = writeln!(text, "{}", harmless(&deployed));
    }
    _ = writeln!(text, "Made from image {}", harmless(&container.image));
    text
}

fn ancestor(block: &Map<String, Value>, number: usize, of: usize) -> String {
    let mut text = String::new();
    let said = |key: &str| block.get(key).filter(|value| !value.is_null()).map(plain);
    let name = said("image_name").unwrap_or_else(|| "without a name".to_owned());
    let place = if of > 1 { format!(" ({} of {of})", number + 1) } else { String::new() };
    _ = writeln!(text, "\n{}", paint(BOLD, format!("Image {name}{place}:")));
    if let Some(reason) = said("unreadable") {
        let label = said("label").unwrap_or_default();
        _ = writeln!(text, "\n  {}", paint(YELLOW, format!("the label {label} cannot be read: {reason}")));
        return text;
    }
    let time = match (said("build_time"), said("build_time_stamp")) {
        (Some(time), Some(stamp)) => Some(format!("{time} ({stamp})")),
        (time, _) => time,
    };
    let base = match (said("base_image"), said("base_digest").or_else(|| said("base_id"))) {
        (Some(name), Some(digest)) => Some(format!("{name} ({digest})")),
        (name, _) => name,
    };
    let parts = [
        (
            "Names",
            vec![
                ("Project", said("project")),
                ("Image", said("image_name")),
                ("Tags", said("image_tag_names")),
            ],
        ),
        (
            "Build Info",
            vec![
                ("Time", time),
                ("Host", said("build_host")),
                ("By", said("build_actor")),
                ("Cause", said("build_cause")),
                ("Why", said("build_why")),
                ("CI run", said("ci")),
                ("CI tag", said("build_tag")),
                ("Git repository", said("git_remote")),
                ("Git commit", said("gitref")),
                ("Base image", base),
            ],
        ),
        (
            "Actions",
            vec![
                ("Start", said("start_method")),
                ("Update", said("update_method")),
                ("Validate", said("validate_method")),
            ],
        ),
    ];
    for (title, rows) in parts {
        _ = writeln!(text, "\n  {title}:");
        for (name, value) in rows {
            shown_row(&mut text, name, value);
        }
    }
    if let Some(Value::Object(metadata)) = block.get("metadata") {
        _ = writeln!(text, "\n  Metadata:");
        for (key, value) in metadata {
            shown_row(&mut text, &harmless(key), Some(plain(value)));
        }
    }
    text
}

fn row(text: &mut String, name: &str, value: Option<&str>) {
    shown_row(text, name, value.map(harmless));
}

fn shown_row(text: &mut String, name: &str, value: Option<String>) {
    let value = value.unwrap_or_else(|| paint(DIM, NOT_SET));
    _ = writeln!(text, "    {:<16}{value}", format!("{name}:"));
}

/// A value as people write it: texts as they are, lists of texts with commas, the rest as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => harmless(text),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            harmless(&items.join(", "))
        }
        other => harmless(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Owner, Record};
    use serde_json::json;

    fn report() -> OriginReport {
        let record = |number: u32, content: Value| Record {
            number,
            label: format!("io.evenkeel.image.{number:02}"),
            content: content.as_object().cloned().ok_or_else(|| "it is no JSON".to_owned()),
        };
        OriginReport {
            name: "shop-web".to_owned(),
            container: Some(ContainerOrigin {
                owner: Some(Owner { project: "shop".to_owned(), env: "prod".to_owned() }),
                revision: Some(3),
                state: "running",
                image: "shop/web:1.4".to_owned(),
                created: Some("2026-01-02T03:04:05Z".to_owned()),
                started: Some("2026-01-03T03:04:05Z".to_owned()),
                deployed: Stamped {
                    time: Some("2026-01-02T03:04:05Z".to_owned()),
                    by: Some("ann".to_owned()),
                    host: None,
                    cause: Some("push".to_owned()),
                    why: Some("new \u{1b}[31m logo".to_owned()),
                },
            }),
            methods: [None, None, Some("test -x /app".to_owned())],
            records: vec![
                record(0, json!("?")),
                record(
                    1,
                    json!({"project": "shop", "image_name": "shop/web:1.4", "image_tag_names": ["shop/web:1.4", "shop/web:dev"],
                        "build_time": "2026-01-01T00:00:00Z", "build_time_stamp": 1_767_225_600, "ci": true,
                        "metadata": {"owner": "db-team", "tier": {"level": 1}}}),
                ),
            ],
            known: Map::new(),
        }
    }

    fn stripped(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_container_is_examined_with_its_ancestors_oldest_first() {
        insta::assert_snapshot!(stripped(&examination(&report())), @r#"
        Container shop-web of shop/prod, revision 3: running
        Container first started at 2026-01-02T03:04:05Z, last at 2026-01-03T03:04:05Z
        Container deployed at 2026-01-02T03:04:05Z by ann, cause: push, why: new \u{1b}[31m logo
        Made from image shop/web:1.4

        Container management methods:

            Start:          not set
            Update:         not set
            Validate:       test -x /app

        Image without a name (1 of 2):

          the label io.evenkeel.image.00 cannot be read: it is no JSON

        Image shop/web:1.4 (2 of 2):

          Names:
            Project:        shop
            Image:          shop/web:1.4
            Tags:           shop/web:1.4, shop/web:dev

          Build Info:
            Time:           2026-01-01T00:00:00Z (1767225600)
            Host:           not set
            By:             not set
            Cause:          not set
            Why:            not set
            CI run:         true
            CI tag:         not set
            Git repository: not set
            Git commit:     not set
            Base image:     not set

          Actions:
            Start:          not set
            Update:         not set
            Validate:       not set

          Metadata:
            owner:          db-team
            tier:           {"level":1}
        "#);
    }

    #[test]
    fn programs_get_a_list_of_objects() {
        let list: Value = serde_json::from_str(&metadata_json(&report())).expect("JSON");
        assert_eq!(list[0]["unreadable"], "it is no JSON");
        assert_eq!(list[1]["metadata"]["tier"]["level"], 1);
        assert_eq!(list[1]["gitref"], Value::Null);
        let text = stripped(&metadata(&report()));
        assert!(text.starts_with("container shop-web: 2 records, oldest first\n"), "{text}");
        assert!(text.contains("\n  gitref            not set\n"), "{text}");
    }
}
