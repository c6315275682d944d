//! Spellings that stand for several fields.

use super::super::field::{Reading, Vocabulary};
use crate::source::{Diagnostic, Diagnostics, Entry};

/// Rewrites Compose's `logging: {driver, options}` to `log_driver` and `log_opt`.
pub fn expand(arguments: &[Entry], reading: &Reading, problems: &mut Diagnostics) -> Vec<Entry> {
    let mut expanded = Vec::with_capacity(arguments.len());
    for entry in arguments {
        if reading.vocabulary == Vocabulary::Plain && entry.key == "logging" && !entry.value.is_null() {
            expanded.extend(logging(entry, problems));
        } else {
            expanded.push(entry.clone());
        }
    }
    expanded
}

/// Words of Compose and Salt that are something else than a field here.
pub fn instead_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "container_name" => "the state's id is the name; write `name: …` for another one",
        "depends_on" => "write `require: [container: other]`",
        "build" => {
            "declare the image: `my-image:1: {image.built: {context: ./folder}}`, and name it in `image`"
        }
        "deploy" => "write `memory`, `cpus` and `restart` directly",
        "scale" | "replicas" => "one state is one container; write a `{% for %}` loop for several",
        "profiles" => "put the states into a file of their own and include it where it is wanted",
        "configs" | "secrets" => "mount a file with `volumes`, such as `./app.conf:/etc/app.conf:ro`",
        "env_file" => "read it in the template: `env: {{ import_yaml('app.env.yml') }}`",
        "extends" => "use YAML anchors, `use`, or a module",
        _ => return None,
    })
}

fn logging(entry: &Entry, problems: &mut Diagnostics) -> Vec<Entry> {
    let Some(parts) = entry.value.as_map() else {
        problems.push(
            Diagnostic::error(
                &entry.value.place,
                format!("`logging` takes a mapping, and this is {}", entry.value.sort()),
            )
            .hint("write `logging: {driver: json-file, options: {max-size: 10m}}`"),
        );
        return Vec::new();
    };
    let mut rows = Vec::new();
    for part in parts {
        let key = match part.key.as_str() {
            "driver" => "log_driver",
            "options" => "log_opt",
            other => {
                problems.push(
                    Diagnostic::error(&part.key_place, format!("`{other}` is not a part of `logging`"))
                        .hint("it takes `driver` and `options`"),
                );
                continue;
            }
        };
        rows.push(Entry { key: key.to_owned(), ..part.clone() });
    }
    rows
}
