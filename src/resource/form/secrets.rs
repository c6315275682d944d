//! Where a build's secrets come from. The secrets themselves are never read here.

use serde_json::{Value, json};

use super::local::clean;
use super::map::object;
use super::parts::{each, entries, text, unexpected, unknown_key};
use super::{Form, Sample, Samples};
use crate::resource::field::Reading;
use crate::source::{Diagnostics, Entry, Node};

/// Secrets by id. Normal form: a map of ids to `{file: full path}` or `{env: NAME}`.
pub struct BuildSecrets;

pub const BUILD_SECRETS: BuildSecrets = BuildSecrets;

const KEYS: &[&str] = &["file", "env"];

impl Form for BuildSecrets {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let secrets = each(entries(node, self.expects())?, |entry| {
            if entry.key.is_empty() || entry.key.contains([',', '=']) {
                return Err(unexpected(node, "an id without `,` and `=`").into());
            }
            Ok((entry.key.clone(), origin(&entry, reading)?))
        })?;
        Ok(object(secrets))
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.clone()
    }

    fn expects(&self) -> &'static str {
        "secrets by id, such as `{npm: {file: ./token}}` or `{npm: {env: NPM_TOKEN}}`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &["{a: {file: ./token}, b: {env: TOKEN}}", "{b: {env: TOKEN}, a: {file: token}}"],
                salt: &[],
            },
            Sample { plain: &["{a: {env: OTHER}}"], salt: &[] },
        ])
    }
}

fn origin(secret: &Entry, reading: &Reading) -> Result<Value, Diagnostics> {
    const EXPECTS: &str = "`{file: path}` or `{env: NAME}`";
    match entries(&secret.value, EXPECTS)?.as_slice() {
        [only] => {
            let said = text(&only.value, EXPECTS)?;
            match only.key.as_str() {
                // Commas separate what the builder is told of a secret.
                _ if said.is_empty() || said.contains(',') => Err(unexpected(&only.value, EXPECTS).into()),
                "file" => Ok(json!({"file": clean(&reading.folder.join(said)).to_string_lossy()})),
                "env" => Ok(json!({"env": said})),
                _ => Err(unknown_key(only, "a secret", KEYS)),
            }
        }
        _ => Err(unexpected(&secret.value, EXPECTS).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn secrets_of_builds_obey_the_laws() {
        obeys_the_laws(&BUILD_SECRETS);
        assert!(refused(&BUILD_SECRETS, "{a: {file: x, env: Y}}").contains("{env: NAME}"));
        assert!(refused(&BUILD_SECRETS, "{a: {value: x}}").contains("value"));
    }
}
