//! What a program is made for: system, processor, variant.

use serde_json::{Value, json};

use super::parts::{text, unexpected};
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node};

/// A platform. Normal form: `linux/amd64` or `linux/arm/v7`, `null` for nothing. A word alone is a
/// processor of Linux, or a system.
pub struct Platform;

pub const PLATFORM: Platform = Platform;

const SYSTEMS: &[&str] = &["linux", "windows", "freebsd", "darwin"];

impl Form for Platform {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() || node.text() == Some("") {
            return Ok(Value::Null);
        }
        let text = text(node, self.expects())?;
        let is_word = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        };
        if text.split('/').count() > 3 || !text.split('/').all(is_word) {
            return Err(unexpected(node, self.expects()).into());
        }
        Ok(self.observe(&json!(text)))
    }

    fn observe(&self, shown: &Value) -> Value {
        let Some(text) = shown.as_str().filter(|text| !text.is_empty()) else { return Value::Null };
        let lower = text.to_ascii_lowercase();
        let mut parts: Vec<&str> = lower.split('/').collect();
        if parts.len() == 1 && !SYSTEMS.contains(&parts[0]) {
            parts.insert(0, "linux");
        }
        let processor = parts.get(1).map(|name| match *name {
            "x86_64" | "x86-64" => "amd64",
            "aarch64" => "arm64",
            "i386" | "i486" | "i586" | "i686" | "x86" => "386",
            "armhf" => "arm",
            "armel" => "arm",
            name => name,
        });
        let variant = match parts.get(1..).unwrap_or_default() {
            ["armhf"] => Some("v7"),
            ["armel"] => Some("v6"),
            // It is what goes without saying.
            ["arm64" | "aarch64", "8" | "v8"] => None,
            ["arm", "5" | "6" | "7"] => Some(["v5", "v6", "v7"][usize::from(parts[2].as_bytes()[0] - b'5')]),
            [_, variant] => Some(*variant),
            _ => None,
        };
        let all = [Some(parts[0]), processor, variant].into_iter().flatten();
        json!(all.collect::<Vec<_>>().join("/"))
    }

    fn expects(&self) -> &'static str {
        "a platform, such as `linux/amd64` or `linux/arm/v7`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["linux/amd64", "amd64", "linux/x86_64", "Linux/AMD64"], salt: &[] },
            Sample { plain: &["linux/arm64", "arm64", "linux/arm64/v8", "aarch64"], salt: &[] },
            Sample { plain: &["linux/arm/v7", "linux/arm/7", "armhf"], salt: &[] },
            Sample { plain: &["''"], salt: &[] },
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn platforms_obey_the_laws() {
        obeys_the_laws(&PLATFORM);
    }

    #[test]
    fn what_is_no_platform_is_refused() {
        for text in ["linux//x", "a/b/c/d", "'a b'"] {
            assert!(refused(&PLATFORM, text).contains("a platform"), "{text}");
        }
    }
}
