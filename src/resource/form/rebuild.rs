//! When an image is built again although nothing that it is made of here has changed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::parts::{entries, unexpected, unknown_key};
use super::pull::seconds;
use super::{BOOL, Form, Sample, Samples};
use crate::resource::field::Reading;
use crate::source::{Diagnostics, Node};

/// Normal form: `base_changed` if that is wanted, and `after` in seconds.
pub struct Rebuild;

pub const REBUILD: Rebuild = Rebuild;

const KEYS: &[&str] = &["base_changed", "after"];

impl Form for Rebuild {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let mut normal: BTreeMap<String, Value> = BTreeMap::new();
        for entry in entries(node, self.expects())? {
            let value = match entry.key.as_str() {
                "base_changed" => BOOL.read(&entry.value, reading)?,
                "after" => match entry.value.text().and_then(seconds).filter(|seconds| *seconds > 0) {
                    Some(seconds) => json!(seconds),
                    None => return Err(unexpected(&entry.value, "a time, such as `12h` or `7d`").into()),
                },
                _ => return Err(unknown_key(&entry, "`rebuild`", KEYS)),
            };
            if value != json!(false) {
                normal.insert(entry.key, value);
            }
        }
        Ok(json!(normal))
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.clone()
    }

    fn expects(&self) -> &'static str {
        "`{base_changed: true, after: 7d}` or one of the two"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &["{base_changed: true, after: 7d}", "{after: 168h, base_changed: yes}"],
                salt: &[],
            },
            Sample { plain: &["{after: 12h}", "{after: 720m, base_changed: false}"], salt: &[] },
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn reasons_to_build_again_obey_the_laws() {
        obeys_the_laws(&REBUILD);
        assert!(refused(&REBUILD, "{after: soon}").contains("such as `12h`"));
        assert!(refused(&REBUILD, "{base_change: true}").contains("base_changed"));
    }
}
