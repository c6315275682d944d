//! Reads the arguments that every state takes, and leaves the rest to the kind.

use std::time::Duration;

use super::arguments::Arguments;
use super::options::{Options, Order, Retry, WatchAction};
use super::word::{NOISE, OPTIONS};
use crate::source::{Diagnostic, Diagnostics, Entry, Node, NodeValue, did_you_mean};

/// Splits arguments into the options of the language and the fields of the kind. `name` and
/// `names` belong to neither.
pub fn read_options(arguments: &Arguments, problems: &mut Diagnostics) -> (Options, Vec<Entry>) {
    let mut options = Options::default();
    let mut fields = Vec::new();
    for entry in &arguments.entries {
        let value = &entry.value;
        match entry.key.as_str() {
            "name" | "names" => {}
            word if NOISE.contains(&word) => problems.push(
                Diagnostic::warning(&entry.key_place, format!("`{word}` means nothing here and is left out"))
                    .hint("remove it"),
            ),
            word if OPTIONS.contains(&word) && value.is_null() => {}
            "order" => set(&mut options.order, order(value), problems),
            "failhard" => set(&mut options.failhard, truth(value), problems),
            "protect" => set(&mut options.protect, truth(value), problems),
            "retry" => set(&mut options.retry, retry(value), problems),
            "onlyif" => options.onlyif = texts(value, "a command", problems),
            "unless" => options.unless = texts(value, "a command", problems),
            "creates" => options.creates = texts(value, "a path", problems),
            "check_cmd" => options.check_cmd = texts(value, "a command", problems),
            "was" => match value.text() {
                Some(name) => options.was = Some(name.to_owned()),
                None => problems.push(expected(value, "the name that the object had before")),
            },
            "watch_action" => set(&mut options.watch_action, watch_action(value).map(Some), problems),
            _ => fields.push(entry.clone()),
        }
    }
    (options, fields)
}

type Read<T> = Result<T, Box<Diagnostic>>;

fn set<T>(slot: &mut T, read: Read<T>, problems: &mut Diagnostics) {
    match read {
        Ok(value) => *slot = value,
        Err(problem) => problems.push(*problem),
    }
}

fn expected(node: &Node, what: &str) -> Diagnostic {
    let found = match node.text() {
        Some(text) => format!("`{text}`"),
        None => node.sort().to_owned(),
    };
    Diagnostic::error(&node.place, format!("expected {what}, this is {found}"))
}

fn order(node: &Node) -> Read<Order> {
    let problem = || Box::new(expected(node, "`first`, `last` or a number"));
    match node.text().ok_or_else(problem)? {
        "first" => Ok(Order::First),
        "last" => Ok(Order::Last),
        text => match text.parse::<i32>() {
            Ok(number) if number < 0 => Ok(Order::FromEnd(number)),
            Ok(number) => Ok(Order::FromStart(number.unsigned_abs())),
            Err(_) => Err(problem()),
        },
    }
}

fn truth(node: &Node) -> Read<bool> {
    match node.text().map(str::to_lowercase).as_deref() {
        Some("true" | "yes" | "on") => Ok(true),
        Some("false" | "no" | "off") => Ok(false),
        _ => Err(Box::new(expected(node, "`true` or `false`"))),
    }
}

fn retry(node: &Node) -> Read<Option<Retry>> {
    let mut retry = Retry { attempts: 2, interval: Duration::from_secs(30), splay: Duration::ZERO };
    if node.text().is_some() {
        return Ok(truth(node)?.then_some(retry));
    }
    let parts = pairs(node).ok_or_else(|| {
        Box::new(expected(node, "`true` or a mapping").hint("write `retry: {attempts: 3, interval: 10}`"))
    })?;
    for entry in parts {
        let value = &entry.value;
        match entry.key.as_str() {
            "attempts" => {
                let number = value.text().and_then(|text| text.parse().ok()).filter(|number| *number > 0);
                retry.attempts = number.ok_or_else(|| Box::new(expected(value, "a number of attempts")))?;
            }
            "interval" => retry.interval = duration(value)?,
            "splay" => retry.splay = duration(value)?,
            // Salt's word; what it means is what always happens.
            "until" if truth(value)? => {}
            "until" => {
                let problem = "a state is tried again until it succeeds, never until it fails";
                return Err(Box::new(Diagnostic::error(&value.place, problem).hint("remove `until`")));
            }
            other => {
                let words = ["attempts", "interval", "splay", "until"];
                let meant = did_you_mean(other, words).map(|word| format!("did you mean `{word}`?"));
                return Err(Box::new(
                    Diagnostic::error(&entry.key_place, format!("`{other}` is not an option of retry"))
                        .hint(format!("it takes: {}", words.join(", ")))
                        .maybe_hint(meant),
                ));
            }
        }
    }
    Ok(Some(retry))
}

/// Entries of a mapping or of a list of one-key mappings.
fn pairs(node: &Node) -> Option<Vec<&Entry>> {
    match &node.value {
        NodeValue::Map(entries) => Some(entries.iter().collect()),
        NodeValue::List(items) => {
            let parts: Option<Vec<_>> = items.iter().map(Node::as_map).collect();
            Some(parts?.into_iter().flatten().collect())
        }
        NodeValue::Scalar { .. } => None,
    }
}

/// Seconds, or a number with a unit.
fn duration(node: &Node) -> Read<Duration> {
    let problem = || Box::new(expected(node, "a time such as `30`, `30s` or `2m`"));
    let text = node.text().ok_or_else(problem)?;
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| problem())?;
    let milliseconds = match &text[digits..] {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(problem()),
    };
    Ok(Duration::from_millis(number.saturating_mul(milliseconds)))
}

fn watch_action(node: &Node) -> Read<WatchAction> {
    let problem = || Box::new(expected(node, "`restart`, `replace` or a signal such as `SIGHUP`"));
    match node.text().ok_or_else(problem)? {
        "restart" => Ok(WatchAction::Restart),
        "replace" | "force" => Ok(WatchAction::Replace),
        text => {
            let number = !text.is_empty() && text.len() < 3 && text.bytes().all(|b| b.is_ascii_digit());
            let name = text.strip_prefix("SIG").unwrap_or(text);
            let named = name.len() >= 2
                && name
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'+' | b'-'));
            if number || (named && name.starts_with(|c: char| c.is_ascii_uppercase())) {
                Ok(WatchAction::Signal(text.to_owned()))
            } else {
                Err(problem())
            }
        }
    }
}

fn texts(node: &Node, what: &str, problems: &mut Diagnostics) -> Vec<String> {
    let items = node.as_list().unwrap_or(std::slice::from_ref(node));
    let mut found = Vec::new();
    for item in items {
        match item.text().filter(|_| !item.is_null()) {
            Some(text) => found.push(text.to_owned()),
            None if item.get("fun").is_some() => problems.push(
                Diagnostic::error(&item.place, "calls of Salt's functions are not known here")
                    .hint("write the shell command that says the same"),
            ),
            None => problems.push(expected(item, what)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Place, Style};

    fn scalar(text: &str) -> Node {
        Node::scalar(Place::outside("t"), text, Style::Plain)
    }

    #[test]
    fn orders_sort_as_they_say() {
        let mut orders: Vec<_> = ["last", "-1", "-2", "7", "0", "first"]
            .map(|text| order(&scalar(text)).expect("an order"))
            .into_iter()
            .chain([Order::Declared])
            .collect();
        orders.sort();
        assert_eq!(
            orders,
            [
                Order::First,
                Order::FromStart(0),
                Order::FromStart(7),
                Order::Declared,
                Order::FromEnd(-2),
                Order::FromEnd(-1),
                Order::Last
            ]
        );
    }

    #[test]
    fn times_have_units() {
        for (text, expected) in
            [("30", 30_000), ("5s", 5_000), ("2m", 120_000), ("1h", 3_600_000), ("10ms", 10)]
        {
            assert_eq!(duration(&scalar(text)).ok(), Some(Duration::from_millis(expected)), "{text}");
        }
        for text in ["", "s", "1d", "-1", "1.5"] {
            assert!(duration(&scalar(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn signals_are_names_or_numbers() {
        for text in ["SIGHUP", "HUP", "SIGRTMIN+3", "1"] {
            assert_eq!(
                watch_action(&scalar(text)).ok(),
                Some(Some(WatchAction::Signal(text.to_owned()))).flatten()
            );
        }
        assert_eq!(watch_action(&scalar("force")).ok(), Some(WatchAction::Replace));
        for text in ["hup", "", "999", "S"] {
            assert!(watch_action(&scalar(text)).is_err(), "{text}");
        }
    }
}
