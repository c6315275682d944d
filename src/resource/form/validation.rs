//! What an image is validated with.

use serde_json::{Value, json};

use super::parts::{each, text, unexpected};
use super::{Form, Sample, Samples};
use crate::resource::field::Reading;
use crate::source::{Diagnostics, Node};

/// Normal form: `true` for what the image's own label says, `false` for nothing, else the list of
/// the program and its arguments.
pub struct Validation;

pub const VALIDATION: Validation = Validation;

impl Form for Validation {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if let Some(items) = node.as_list() {
            let words = each(items, |item| text(item, "a text").map(str::to_owned))?;
            return match words.is_empty() {
                true => Err(unexpected(node, self.expects()).into()),
                false => Ok(json!(words)),
            };
        }
        match text(node, self.expects())? {
            "true" | "yes" | "on" => Ok(json!(true)),
            "false" | "no" | "off" => Ok(json!(false)),
            command if command.trim().is_empty() => Err(unexpected(node, self.expects()).into()),
            command => Ok(json!(["/bin/sh", "-c", command])),
        }
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.clone()
    }

    fn expects(&self) -> &'static str {
        "a command for the image's shell, a list of a program and its arguments, or `true` for what the image's label says"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["test -x /app", "[/bin/sh, -c, 'test -x /app']"], salt: &[] },
            Sample { plain: &["true", "yes"], salt: &[] },
            Sample { plain: &["false", "no"], salt: &[] },
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn validations_obey_the_laws() {
        obeys_the_laws(&VALIDATION);
        assert!(refused(&VALIDATION, "[]").contains("a command"));
    }
}
