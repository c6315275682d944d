//! Lists of paths in a container.

use serde_json::{Value, json};

use super::list::{set, texts};
use super::parts::{clean_path, each, items, text};
use super::scalar::container_path;
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node};

/// Paths whose order means nothing. Normal form: a sorted list, which may be empty; `null` if
/// nothing is said.
pub struct ContainerPaths;

pub const CONTAINER_PATHS: ContainerPaths = ContainerPaths;

impl Form for ContainerPaths {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(Value::Null);
        }
        let paths = items(node, reading, self.expects())?;
        Ok(set(each(&paths, |path| container_path(path, text(path, self.expects())?))?))
    }

    fn observe(&self, shown: &Value) -> Value {
        if shown.is_array() { set(texts(shown).map(clean_path)) } else { Value::Null }
    }

    fn expects(&self) -> &'static str {
        "a list of absolute paths, such as `[/proc/kcore]`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &["[/proc/kcore, /proc/keys]", "[/proc/keys/, /proc/kcore]"],
                salt: &["'/proc/keys,/proc/kcore'"],
            },
            Sample { plain: &["[]"], salt: &[] },
            Sample { plain: &["[/proc/kcore]", "/proc/kcore"], salt: &[] },
        ])
    }
}

/// The size of a terminal: rows and columns. Normal form: `[rows, columns]`, `null` for nothing.
pub struct ConsoleSize;

pub const CONSOLE_SIZE: ConsoleSize = ConsoleSize;

impl Form for ConsoleSize {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(Value::Null);
        }
        let parts: Vec<i64> = node
            .as_list()
            .into_iter()
            .flatten()
            .filter_map(|part| {
                super::parts::whole_number(part.text()?).filter(|size| (0..=10_000).contains(size))
            })
            .collect();
        match (node.as_list().map(<[Node]>::len), parts.as_slice()) {
            (Some(2), [rows, columns]) => Ok(self.observe(&json!([rows, columns]))),
            _ => Err(super::parts::unexpected(node, self.expects()).into()),
        }
    }

    fn observe(&self, shown: &Value) -> Value {
        match (shown[0].as_i64().unwrap_or(0), shown[1].as_i64().unwrap_or(0)) {
            (0, 0) => Value::Null,
            (rows, columns) => json!([rows, columns]),
        }
    }

    fn expects(&self) -> &'static str {
        "rows and columns, such as `[40, 120]`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["[40, 120]", "['40', '120']"], salt: &[] },
            Sample { plain: &["[24, 80]"], salt: &[] },
            Sample { plain: &["[0, 0]"], salt: &[] },
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn paths_and_sizes_obey_the_laws() {
        let forms: &[&dyn Form] = &[&CONTAINER_PATHS, &CONSOLE_SIZE];
        for form in forms {
            obeys_the_laws(*form);
        }
    }

    #[test]
    fn what_is_no_path_or_size_is_refused() {
        assert!(refused(&CONTAINER_PATHS, "[proc]").contains("begin it with `/`"));
        for text in ["[1]", "[1, x]", "40x120", "[1, 2, 3]"] {
            assert!(refused(&CONSOLE_SIZE, text).contains("rows and columns"), "{text}");
        }
    }
}
