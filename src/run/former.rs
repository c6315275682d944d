//! The secrets of containers that are declared again as they were, without the files that say where values come from:
//! those that the containers have.

use serde_json::Value;

use crate::resource::{Spec, shown_of};
use crate::secret::{Values, Vault, former_values};
use crate::source::{Piece, each_token, pieces, token, value_holds_token};
use crate::world::Container;

#[derive(Default)]
pub(super) struct Former(Values);

impl Former {
    /// Takes the values that a container has, and lets what is declared of it name them.
    ///
    /// # Errors
    /// A fragment that names a field whose value cannot be had.
    pub(super) fn take(&mut self, spec: &mut Spec, container: Option<&Container>) -> Result<(), String> {
        let mut own = Values::new();
        let fields: Vec<&'static str> = spec
            .iter()
            .filter(|(_, declared)| value_holds_token(&declared.value))
            .map(|(field, _)| field)
            .collect();
        for field in &fields {
            if let (Some(value), Some(shown)) =
                (spec.value(field), container.and_then(|it| shown_of(field, it)))
            {
                former_values(value, &shown, &mut own);
            }
        }
        for field in fields {
            let mut is_known = true;
            each_token(spec.value(field).unwrap_or(&Value::Null), &mut |name| {
                is_known &= own.contains_key(name)
            });
            if !is_known {
                return Err(format!("the value of `{field}` is secret, so it is not on record"));
            }
        }
        let renamed: Vec<(String, String)> = own
            .into_iter()
            .map(|(name, value)| {
                let mut free = name.clone();
                let mut number = 1;
                // Another container may have the same secret as it was at another time.
                while self.0.get(&free).is_some_and(|known| *known != value) {
                    free = format!("{name}.{number}");
                    number += 1;
                }
                self.0.insert(free.clone(), value);
                (name, free)
            })
            .collect();
        for (name, free) in renamed.iter().filter(|(name, free)| name != free) {
            spec.change(|_, value| rename(value, name, free));
        }
        Ok(())
    }

    /// Takes a value that nobody declares any more, and gives what names it.
    pub(super) fn keep(&mut self, value: String) -> String {
        let name = format!("former-file-{}", self.0.len() + 1);
        self.0.insert(name.clone(), value.into());
        token(&name)
    }

    pub(super) fn vault(self) -> Vault {
        Vault::new(self.0)
    }
}

fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) => {
            let parts = pieces(text).into_iter().map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Secret(name) => token(if name == from { to } else { &name }),
            });
            *text = parts.collect();
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, from, to)),
        Value::Object(map) => map.values_mut().for_each(|item| rename(item, from, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::source::Place;
    use crate::world::{Attributes, Id, RunState};

    fn spec() -> Spec {
        let mut spec = Spec::default();
        spec.insert(
            "env",
            json!({"URL": format!("pg://{}@db", token("db")), "A": "1"}),
            &Place::outside("a record"),
        );
        spec
    }

    fn container(url: &str) -> Container {
        Container {
            id: Id::Engine("1".to_owned()),
            name: "web".to_owned(),
            state: RunState::Running,
            image: Id::Engine("2".to_owned()),
            networks: BTreeMap::new(),
            attributes: Attributes::observed(json!({"Config": {"Env": ["A=1", format!("URL={url}")]}})),
        }
    }

    #[test]
    fn each_container_keeps_the_value_that_it_has() {
        let (mut former, mut old, mut new) = (Former::default(), spec(), spec());
        assert_eq!(former.take(&mut old, Some(&container("pg://hunter2@db"))), Ok(()));
        assert_eq!(former.take(&mut new, Some(&container("pg://hunter3@db"))), Ok(()));
        let vault = former.vault();
        for (spec, url) in [(old, "pg://hunter2@db"), (new, "pg://hunter3@db")] {
            let mut env = spec.value("env").cloned().expect("it is declared");
            assert_eq!(vault.resolve_value(&mut env), Ok(()));
            assert_eq!(env, json!({"URL": url, "A": "1"}));
        }
    }

    #[test]
    fn without_a_container_the_value_is_gone() {
        for container in [None, Some(container("mysql://hunter2@db"))] {
            let told = Former::default().take(&mut spec(), container.as_ref());
            assert_eq!(told, Err("the value of `env` is secret, so it is not on record".to_owned()));
        }
    }
}
