//! Which fields may hold secrets: those whose values are texts that evenkeel only hands on.

use serde_json::Value;

use crate::plan::FieldDiff;
use crate::source::value_holds_token;
use crate::world::Labels;

/// Where in a field a secret may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// In every value.
    Anywhere,
    /// In what is run, and not beside it.
    Commands,
    Nowhere,
}

/// The fields that may hold secrets, by kind.
const FIELDS: &[(&str, &[&str])] = &[
    ("container", &["env", "command", "entrypoint", "labels", "log_opt", "files"]),
    ("network", &["labels", "driver_opts"]),
    ("volume", &["labels", "driver_opts"]),
];
/// Fields of containers in which commands may hold some.
const COMMANDS: &[&str] =
    &["healthcheck", "wait", "pre_replace", "post_start", "pre_stop", "post_replace", "on_change"];
/// Hooks may be a command and nothing else.
const WHOLE: &[&str] = &["post_start", "pre_stop"];

/// Where a field may hold secrets.
pub fn holds_secrets(kind: &str, field: &str) -> Holds {
    let anywhere = FIELDS.iter().any(|(of, fields)| *of == kind && fields.contains(&field));
    match field {
        _ if anywhere => Holds::Anywhere,
        field if kind == "container" && WHOLE.contains(&field) => Holds::Anywhere,
        field if kind == "container" && COMMANDS.contains(&field) => Holds::Commands,
        _ => Holds::Nowhere,
    }
}

/// The names under which what holds a secret in a field is told: of its keys, else its own.
pub fn secret_names(field: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => {
            let keys = map.iter().filter(|(_, value)| value_holds_token(value));
            keys.map(|(key, _)| format!("{field}.{key}")).collect()
        }
        value if value_holds_token(value) => vec![field.to_owned()],
        _ => Vec::new(),
    }
}

/// Hides what held a secret when the object was made, whatever stands there now.
pub fn hide_former(rows: &mut [FieldDiff], labels: &Labels<'_>) {
    let former = labels.secret();
    let within = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    for row in rows {
        if former.iter().any(|name| within(name, &row.field) || within(&row.field, name)) {
            for value in [&mut row.from, &mut row.to].into_iter().filter(|value| !value.is_null()) {
                *value = Value::from(SECRET);
            }
        }
    }
}

/// What is shown of a value that holds a secret.
pub const SECRET: &str = "(secret)";

/// The paths in inspect JSON where values of such fields stand, by kind; also of an image, which is what containers
/// are compared with.
pub const OBSERVED: &[(&str, &[&str])] = &[
    (
        "container",
        &[
            "Config.Env",
            "Config.Cmd",
            "Config.Entrypoint",
            "Config.Labels",
            "Config.Healthcheck",
            "HostConfig.LogConfig.Config",
        ],
    ),
    ("image", &["Config.Env", "Config.Cmd", "Config.Entrypoint", "Config.Labels", "Config.Healthcheck"]),
    ("network", &["Labels", "Options"]),
    ("volume", &["Labels", "Options"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::field::{At, Unset};
    use crate::resource::kind_called;

    #[test]
    fn what_may_hold_a_secret_is_sealed_where_it_is_observed() {
        let covered =
            |kind: &str, path: &str| OBSERVED.iter().any(|(of, paths)| *of == kind && paths.contains(&path));
        let mut seen = 0;
        for (kind, fields) in FIELDS {
            let (known, _) = kind_called(kind).expect("a kind");
            for name in fields.iter().chain(COMMANDS.iter().filter(|_| *kind == "container")) {
                let tables = known.functions().iter().flat_map(|function| known.fields(function.name));
                let field = tables.into_iter().find(|field| field.name == *name);
                let field = field.unwrap_or_else(|| panic!("{kind} has no {name}"));
                seen += 1;
                if let At::Path(path) = field.at {
                    assert!(covered(kind, path), "{kind}.{name}");
                }
                if let Unset::Image(path) = field.unset {
                    assert!(covered("image", path), "{kind}.{name}");
                }
            }
        }
        assert_eq!(seen, 17);
    }
}
