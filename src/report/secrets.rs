//! The names of secrets, and where their values come from. No value gets here.

use serde_json::{Value, json};

use super::text::harmless;

/// Renders a line for each: its name, and where it comes from.
pub fn secrets(rows: &[(&str, &str)]) -> String {
    if rows.is_empty() {
        return "there are no secrets\n".to_owned();
    }
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(name, from)| format!("{:<width$}  {}\n", harmless(name), harmless(from))).collect()
}

/// Renders them as one JSON object.
pub fn secrets_json(rows: &[(&str, &str)]) -> String {
    let rows: Vec<Value> = rows.iter().map(|(name, from)| json!({"name": name, "from": from})).collect();
    format!("{:#}\n", json!({"secrets": rows}))
}
