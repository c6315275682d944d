//! How others write a value: programs put it into JSON, URLs and base64 before they print it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// A value as it is, and as it may stand in what programs print.
pub fn spellings(value: &str) -> Vec<Zeroizing<String>> {
    let in_json = serde_json::Value::from(value).to_string();
    let encoders = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
    let mut all = vec![value.to_owned(), in_json[1..in_json.len() - 1].to_owned()];
    all.push(value.escape_debug().to_string());
    all.push(value.replace('\'', "'\\''"));
    all.push(percent(value, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)));
    all.push(percent(value, |byte| byte.is_ascii_alphanumeric() || b"-._~/:@".contains(&byte)));
    all.extend(encoders.map(|encoder| encoder.encode(value)));
    all.sort();
    all.dedup();
    all.into_iter().map(Zeroizing::new).collect()
}

fn percent(value: &str, stays: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if stays(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
