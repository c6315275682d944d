//! Options of volumes by which the `local` driver mounts something of the host.

use serde_json::Value;

use super::Rule;
use super::body::{Finding, all, fold, from_host};

/// File systems that have nothing of the host.
const FOREIGN: [&str; 5] = ["tmpfs", "nfs", "nfs4", "cifs", "smb3"];

/// Everything in the options of a volume that some rule is about.
pub fn broken(options: &Value) -> Vec<Finding> {
    let text = |key: &str| all(options, &[key]).into_iter().filter_map(Value::as_str).map(fold);
    let is_bind = text("o").any(|words| words.split(',').any(|word| matches!(word.trim(), "bind" | "rbind")));
    let is_foreign = text("type").any(|kind| FOREIGN.contains(&kind.as_str()));
    let mut found = Vec::new();
    if is_foreign && !is_bind {
        return found;
    }
    // Case matters in paths.
    let devices: Vec<&str> = all(options, &["device"]).into_iter().filter_map(Value::as_str).collect();
    for device in &devices {
        from_host(device, &mut found);
        if device.starts_with("/dev/") {
            found.push((Rule::NoDevices, format!("{device} of the host")));
        }
    }
    // Such as `type: overlay, o: lowerdir=/etc`.
    if let Some(words) = text("o").find(|words| words.contains("dir=/")) {
        found.push((Rule::NoHostBinds, format!("`{words}`")));
    }
    found
}
