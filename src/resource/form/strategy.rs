//! How a container is replaced.

use serde_json::{Value, json};

use super::{Form, Sample, Samples};
use crate::resource::field::Reading;
use crate::source::{Diagnostic, Diagnostics, Node, did_you_mean};

/// `auto`, `overlap` or `replace`.
pub struct Strategy;

pub const STRATEGY: Strategy = Strategy;

const WORDS: [&str; 3] = ["auto", "overlap", "replace"];

impl Form for Strategy {
    fn read(&self, node: &Node, _reading: &Reading) -> Result<Value, Diagnostics> {
        let text = node.text().unwrap_or_default();
        // Compose's words for the order of an update.
        let word = match text {
            "start-first" => "overlap",
            "stop-first" => "replace",
            other => other,
        };
        if WORDS.contains(&word) {
            return Ok(json!(word));
        }
        let meant = did_you_mean(text, WORDS).map(|word| format!("did you mean `{word}`?"));
        let problem = Diagnostic::error(&node.place, format!("`strategy` takes {}", self.expects()));
        Err(problem.maybe_hint(meant).into())
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.clone()
    }

    fn expects(&self) -> &'static str {
        "`auto`, `overlap` or `replace`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["auto"], salt: &[] },
            Sample { plain: &["overlap", "start-first"], salt: &[] },
            Sample { plain: &["replace", "stop-first"], salt: &[] },
        ])
    }
}
