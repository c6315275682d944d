//! When an image is asked for at its registry.

use serde_json::{Value, json};

use super::{Form, Sample, Samples};
use crate::resource::field::Reading;
use crate::source::{Diagnostic, Diagnostics, Node};

/// `missing`, `always`, `never`, or a number of seconds after which the registry is asked again.
pub struct Pull;

pub const PULL: Pull = Pull;

impl Form for Pull {
    fn read(&self, node: &Node, _reading: &Reading) -> Result<Value, Diagnostics> {
        match node.text() {
            Some("missing" | "if_not_present") => Ok(json!("missing")),
            Some("always" | "true") => Ok(json!("always")),
            Some("never" | "false") => Ok(json!("never")),
            Some(text) if seconds(text).is_some() => Ok(json!(seconds(text))),
            _ => Err(Diagnostic::error(&node.place, format!("`pull` takes {}", self.expects())).into()),
        }
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.clone()
    }

    fn expects(&self) -> &'static str {
        "`missing`, `always`, `never` or a time such as `12h`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["always"], salt: &[] },
            Sample { plain: &["12h", "720m"], salt: &[] },
            Sample { plain: &["never"], salt: &[] },
        ])
    }
}

pub(super) fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}
