//! Mounts in memory, as the engine's `Tmpfs` takes them.

use serde_json::{Value, json};

use super::mount_spellings::{tmpfs, tmpfs_of_entry};
use super::mounts::{by_target, observed_mounts, send_mounts};
use super::parts::each;
use super::{Form, MOUNTS, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node, NodeValue};

/// Mounts in memory. Normal form: as that of `Mounts`, all of type `tmpfs`.
pub struct Tmpfs;

pub const TMPFS: Tmpfs = Tmpfs;

impl Form for Tmpfs {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        let mounts = match &node.value {
            NodeValue::Map(entries) => each(entries, |entry| Ok((tmpfs_of_entry(entry)?, &entry.key_place)))?,
            NodeValue::List(items) => each(items, |item| match item.as_map() {
                Some(entries) => each(entries, |entry| Ok((tmpfs_of_entry(entry)?, &entry.key_place))),
                None => Ok(vec![(tmpfs(item)?, &item.place)]),
            })?
            .into_iter()
            .flatten()
            .collect(),
            NodeValue::Scalar { .. } if node.is_null() => Vec::new(),
            NodeValue::Scalar { .. } => vec![(tmpfs(node)?, &node.place)],
        };
        by_target(mounts)
    }

    fn observe(&self, shown: &Value) -> Value {
        observed_mounts(&json!({"HostConfig": {"Tmpfs": shown}}))
    }

    fn send(&self, normal: &Value) -> Value {
        send_mounts(normal).tmpfs
    }

    fn differences(&self, from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
        MOUNTS.differences(from, to)
    }

    fn show(&self, normal: &Value) -> Value {
        MOUNTS.show(normal)
    }

    fn expects(&self) -> &'static str {
        "mounts in memory, such as `[/run]` or `[\"/run:size=64m\"]`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &[
                    "['/run:size=64m,mode=1777']",
                    "['/run/:mode=01777,size=67108864,rw,noexec']",
                    "{/run: 'size=64M,mode=1777'}",
                ],
                salt: &["{/run: 'size=64m,mode=1777'}", "[{/run: 'size=64m,mode=1777'}]"],
            },
            Sample { plain: &["[/run, /tmp]", "{/run: '', /tmp: }"], salt: &[] },
            Sample { plain: &["/run", "[/run]"], salt: &[] },
            Sample { plain: &["['/run:exec,uid=1000,ro']", "['/run:ro,uid=1000,exec']"], salt: &[] },
        ])
    }
}
