//! Devices that a driver of the engine hands out, such as GPUs.

use serde_json::{Map, Value, json};

use super::list::{set, texts};
use super::map::sorted;
use super::parts::{Read, each, entries, items, text, unexpected, unknown_key, whole_number, wrong};
use super::{Form, STRING_MAP, STRING_SET, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Entry, Node};

/// Requests for devices. Normal form: a list of `{driver, count, ids, capabilities, options}`, each
/// key only if it is set; -1 is all of them.
pub struct DeviceRequests;

pub const DEVICE_REQUESTS: DeviceRequests = DeviceRequests;

const KEYS: &[&str] = &["driver", "count", "device_ids", "capabilities", "options"];
const COUNT: &str = "a number of devices, such as `1`, or `all`";

impl Form for DeviceRequests {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(json!([]));
        }
        if node.text().is_some() {
            return Ok(match count(node)? {
                0 => json!([]),
                count => json!([{"count": count, "capabilities": [["gpu"]]}]),
            });
        }
        let items = items(node, reading, self.expects())?;
        Ok(json!(each(&items, |item| request(item, reading))?))
    }

    fn observe(&self, shown: &Value) -> Value {
        shown.as_array().into_iter().flatten().map(observed).collect()
    }

    fn send(&self, normal: &Value) -> Value {
        let requests = normal.as_array().into_iter().flatten();
        requests
            .map(|request| {
                json!({
                    "Driver": request["driver"].as_str().unwrap_or_default(),
                    "Count": request["count"].as_i64().unwrap_or_default(),
                    "DeviceIDs": request["ids"],
                    "Capabilities": request["capabilities"],
                    "Options": request["options"],
                })
            })
            .collect()
    }

    fn expects(&self) -> &'static str {
        "`all`, a number, or a list such as `[{driver: nvidia, count: 1, capabilities: [gpu]}]`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &["all", "-1", "[{count: all}]", "[{capabilities: [gpu], count: -1}]"],
                salt: &["all", "[{Count: -1, Capabilities: [[gpu]]}]"],
            },
            Sample {
                plain: &[
                    "[{driver: nvidia, device_ids: ['1', '0'], capabilities: [gpu, compute], options: {a: b}}]",
                    "[{driver: nvidia, device_ids: [0, 1], capabilities: [[compute, gpu]], options: [a=b]}]",
                ],
                salt: &[
                    "[{Driver: nvidia, DeviceIDs: ['0', '1'], Capabilities: [[gpu, compute]], Options: {a: b}}]",
                ],
            },
            Sample { plain: &["[]", "0"], salt: &[] },
        ])
    }
}

fn observed(shown: &Value) -> Value {
    let ids = set(texts(&shown["DeviceIDs"]).map(str::to_owned));
    let alternatives = shown["Capabilities"].as_array().into_iter().flatten();
    let capabilities = alternatives.map(|all| set(texts(all).map(str::to_owned))).collect();
    let driver = shown["Driver"].as_str().unwrap_or_default();
    let count = shown["Count"].as_i64().unwrap_or_default();
    normal(driver, count, ids, capabilities, STRING_MAP.observe(&shown["Options"]))
}

fn normal(driver: &str, count: i64, ids: Value, capabilities: Vec<Value>, options: Value) -> Value {
    let mut request = Map::new();
    let mut put = |key: &str, value: Value, is_set: bool| {
        if is_set {
            request.insert(key.to_owned(), value);
        }
    };
    put("driver", json!(driver), !driver.is_empty());
    put("count", json!(count), count != 0);
    let has_ids = texts(&ids).next().is_some();
    put("ids", ids, has_ids);
    let is_set = !capabilities.is_empty();
    put("capabilities", json!(capabilities), is_set);
    let has_options = !sorted(&options).is_empty();
    put("options", options, has_options);
    Value::Object(request)
}

fn count(node: &Node) -> Read<i64> {
    match text(node, COUNT)? {
        "all" => Ok(-1),
        text => match whole_number(text) {
            Some(count) if count >= -1 => Ok(count),
            Some(_) | None => Err(unexpected(node, COUNT).into()),
        },
    }
}

fn request(node: &Node, reading: &Reading) -> Read<Value> {
    let (mut driver, mut wanted, mut ids) = (String::new(), None, json!([]));
    let (mut capabilities, mut options) = (Vec::new(), json!({}));
    for entry in &entries(node, "a request, such as `{driver: nvidia, count: 1, capabilities: [gpu]}`")? {
        let Entry { key, value, .. } = entry;
        if value.is_null() {
            continue;
        }
        match key.as_str() {
            "driver" | "Driver" => text(value, "the name of a driver")?.clone_into(&mut driver),
            "count" | "Count" => wanted = Some(count(value)?),
            "device_ids" | "DeviceIDs" => ids = STRING_SET.read(value, reading)?,
            "capabilities" | "Capabilities" => capabilities = alternatives(value, reading)?,
            "options" | "Options" => options = STRING_MAP.read(value, reading)?,
            _ => return Err(unknown_key(entry, "a request for devices", KEYS)),
        }
    }
    let has_ids = texts(&ids).next().is_some();
    if has_ids && wanted.is_some_and(|count| count != 0) {
        return Err(wrong(node, "`count` and `device_ids` exclude each other", "keep one of them"));
    }
    if capabilities.is_empty() && driver != "cdi" {
        capabilities.push(json!(["gpu"]));
    }
    // Compose's default.
    let count = wanted.unwrap_or(if has_ids { 0 } else { -1 });
    Ok(normal(&driver, count, ids, capabilities, options))
}

/// A list of capabilities, all of which are needed, or the engine's list of such lists.
fn alternatives(node: &Node, reading: &Reading) -> Read<Vec<Value>> {
    match node.as_list() {
        Some(items) if items.iter().any(|item| item.as_list().is_some()) => {
            each(items, |item| STRING_SET.read(item, reading))
        }
        _ => Ok(vec![STRING_SET.read(node, reading)?]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, refused};
    use super::*;

    #[test]
    fn requests_obey_the_laws() {
        obeys_the_laws(&DEVICE_REQUESTS);
    }

    #[test]
    fn wrong_requests_are_refused() {
        assert!(refused(&DEVICE_REQUESTS, "many").contains("or `all`"));
        assert!(refused(&DEVICE_REQUESTS, "[{count: 1, device_ids: ['0']}]").contains("exclude each other"));
        assert!(refused(&DEVICE_REQUESTS, "[{drivers: x}]").contains("did you mean `driver`?"));
    }
}
