//! MAC addresses.

use serde_json::{Value, json};

use super::parts::{Read, text, unexpected};
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node};

/// A MAC address. Normal form: small letters and colons, `null` for nothing.
pub struct Mac;

pub const MAC: Mac = Mac;

impl Form for Mac {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() || node.text() == Some("") {
            return Ok(Value::Null);
        }
        Ok(json!(mac(node)?))
    }

    fn observe(&self, shown: &Value) -> Value {
        let shown = shown.as_str().filter(|mac| !mac.is_empty());
        shown.map_or(Value::Null, |mac| json!(mac.to_ascii_lowercase()))
    }

    fn expects(&self) -> &'static str {
        "a MAC address, such as `02:42:0a:05:00:02`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample { plain: &["'02:42:0a:05:00:02'", "'02:42:0A:05:00:02'", "02-42-0a-05-00-02"], salt: &[] },
            Sample { plain: &["'02:42:0a:05:00:03'"], salt: &[] },
            Sample { plain: &["''"], salt: &[] },
        ])
    }
}

/// Reads an address that has to be there.
pub(super) fn mac(node: &Node) -> Read<String> {
    let mac = text(node, MAC.expects())?.to_ascii_lowercase().replace('-', ":");
    let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    if mac.split(':').count() == 6 && mac.split(':').all(is_pair) {
        Ok(mac)
    } else {
        Err(unexpected(node, MAC.expects()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn addresses_obey_the_laws() {
        obeys_the_laws(&MAC);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["'02:42'", "'02:42:0a:05:00:0g'", "web"] {
            assert!(refused(&MAC, text).contains("a MAC address"), "{text}");
        }
    }
}
