//! Restart policies.

use serde_json::{Value, json};

use super::parts::{Read, entries, suggestion, text, unexpected, unknown_key, wrong};
use super::scalar::whole;
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node};

/// What the engine does when a container ends. Normal form: `no`, `always`, `unless-stopped`,
/// `on-failure` or `on-failure:3`.
pub struct Restart;

pub const RESTART: Restart = Restart;

const POLICIES: &[&str] = &["no", "always", "unless-stopped", "on-failure"];

impl Form for Restart {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(json!("no"));
        }
        let (name, retries) = if node.as_map().is_some() || node.as_list().is_some() {
            restart_of_mapping(node, self.expects())?
        } else {
            restart_of_text(node, self.expects())?
        };
        let name = match name.to_ascii_lowercase().as_str() {
            "" | "false" | "off" => "no".to_owned(),
            name => name.to_owned(),
        };
        if !POLICIES.contains(&name.as_str()) {
            return Err(unexpected(node, self.expects()).hint(suggestion(&name, POLICIES)).into());
        }
        match retries {
            Some(_) if name != "on-failure" => {
                let message = format!("`{name}` takes no number of retries");
                Err(wrong(node, message, "only `on-failure` does, such as `on-failure:3`"))
            }
            Some(retries) if !(0..=1_000_000).contains(&retries) => {
                Err(wrong(node, "the number of retries is out of range", "write 0 (for ever) or more"))
            }
            Some(retries) if retries > 0 => Ok(json!(format!("{name}:{retries}"))),
            Some(_) | None => Ok(json!(name)),
        }
    }

    fn observe(&self, shown: &Value) -> Value {
        let name = shown["Name"].as_str().filter(|name| !name.is_empty()).unwrap_or("no");
        match shown["MaximumRetryCount"].as_i64() {
            Some(retries) if retries > 0 && name == "on-failure" => json!(format!("{name}:{retries}")),
            _ => json!(name),
        }
    }

    fn send(&self, normal: &Value) -> Value {
        let (name, retries) = normal
            .as_str()
            .unwrap_or("no")
            .split_once(':')
            .unwrap_or_else(|| (normal.as_str().unwrap_or("no"), "0"));
        json!({"Name": name, "MaximumRetryCount": retries.parse::<i64>().unwrap_or(0)})
    }

    fn expects(&self) -> &'static str {
        "a restart policy: `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:3`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["no", "'no'", "false", "off", "''", "{name: no}"], salt: &[] },
            Sample {
                plain: &[
                    "on-failure:3",
                    "{name: on-failure, max_retry: 3}",
                    "{condition: on-failure, max_attempts: 3}",
                ],
                salt: &["on-failure:3", "[{Name: on-failure}, {MaximumRetryCount: 3}]"],
            },
            Sample { plain: &["on-failure", "on-failure:0"], salt: &[] },
            Sample { plain: &["unless-stopped", "{condition: unless-stopped}"], salt: &[] },
        ])
    }
}

fn restart_of_text(node: &Node, expects: &str) -> Read<(String, Option<i64>)> {
    let text = text(node, expects)?;
    let Some((name, retries)) = text.split_once(':') else { return Ok((text.to_owned(), None)) };
    match retries.trim().parse() {
        Ok(retries) => Ok((name.to_owned(), Some(retries))),
        Err(_) => {
            Err(wrong(node, format!("`{retries}` is not a number of retries"), "such as `on-failure:3`"))
        }
    }
}

fn restart_of_mapping(node: &Node, expects: &str) -> Read<(String, Option<i64>)> {
    let (mut name, mut retries) = (String::new(), None);
    for entry in &entries(node, expects)? {
        match entry.key.as_str() {
            "name" | "Name" => text(&entry.value, expects)?.clone_into(&mut name),
            "condition" => {
                name = match text(&entry.value, expects)? {
                    "none" => "no".to_owned(),
                    "any" => "always".to_owned(),
                    condition => condition.to_owned(),
                }
            }
            "max_retry" | "max_retries" | "max_attempts" | "retries" | "MaximumRetryCount" => {
                retries = Some(whole(&entry.value, "a number of retries, such as `3`")?);
            }
            _ => return Err(unknown_key(entry, "a restart policy", &["name", "condition", "max_retry"])),
        }
    }
    // The engine's own way of saying "for ever".
    Ok((name.clone(), retries.filter(|retries| *retries != 0 || name == "on-failure")))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn restart_policies_obey_the_laws() {
        obeys_the_laws(&RESTART);
    }

    #[test]
    fn only_on_failure_takes_retries() {
        assert!(refused(&RESTART, "always:3").contains("`always` takes no number of retries"));
        assert!(refused(&RESTART, "{name: always, max_retry: 3}").contains("takes no number"));
        assert!(refused(&RESTART, "alwyas").contains("did you mean `always`?"));
        assert!(refused(&RESTART, "on-failure:x").contains("`x` is not a number"));
        assert!(refused(&RESTART, "on-failure:-1").contains("out of range"));
    }
}
