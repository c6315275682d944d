//! Sets of processors or memory nodes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::parts::{text, unexpected};
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node, NodeValue};

/// Numbers of processors. Normal form: ranges in order (`0-2,4`), `null` for nothing.
pub struct CpuSet {
    samples: Samples,
}

pub const CPUSET: CpuSet = CpuSet {
    samples: Samples::of(&[
        Sample { plain: &["0-1", "'0,1'", "'1,0'", "'0, 1'", "[0, 1]"], salt: &["0-1", "'0,1'"] },
        Sample { plain: &["0", "'0'", "0-0"], salt: &[] },
        Sample { plain: &["''"], salt: &[] },
    ]),
};

/// A machine without NUMA has one memory node.
pub const MEMSET: CpuSet = CpuSet {
    samples: Samples::of(&[
        Sample { plain: &["0", "'0'", "0-0", "[0]"], salt: &[] },
        Sample { plain: &["''"], salt: &[] },
    ]),
};

/// The highest number that a kernel knows is far below.
const HIGHEST: u32 = 8191;

impl Form for CpuSet {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        if node.is_null() {
            return Ok(Value::Null);
        }
        let listed = match &node.value {
            NodeValue::List(items) => {
                let mut words = Vec::new();
                for item in items {
                    words.push(text(item, self.expects())?);
                }
                words.join(",")
            }
            _ => text(node, self.expects())?.to_owned(),
        };
        match numbers(&listed) {
            Some(numbers) => Ok(normal(&numbers)),
            None => Err(unexpected(node, self.expects()).into()),
        }
    }

    fn observe(&self, shown: &Value) -> Value {
        match shown.as_str() {
            None | Some("") => Value::Null,
            Some(text) => numbers(text).map_or_else(|| json!(text), |numbers| normal(&numbers)),
        }
    }

    fn send(&self, normal: &Value) -> Value {
        json!(normal.as_str().unwrap_or_default())
    }

    fn expects(&self) -> &'static str {
        "numbers, such as `0-3` or `0,2`"
    }

    fn samples(&self) -> Samples {
        self.samples
    }
}

fn numbers(text: &str) -> Option<BTreeSet<u32>> {
    let mut all = BTreeSet::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u32>().ok().filter(|number| *number <= HIGHEST);
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return None;
        }
        all.extend(first..=last);
    }
    Some(all)
}

fn normal(numbers: &BTreeSet<u32>) -> Value {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let shown = |(first, last): &(u32, u32)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    let text = ranges.iter().map(shown).collect::<Vec<_>>().join(",");
    if text.is_empty() { Value::Null } else { json!(text) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{obeys_the_laws, plain, refused};
    use super::*;

    #[test]
    fn sets_of_processors_obey_the_laws() {
        for form in [CPUSET, MEMSET] {
            obeys_the_laws(&form);
        }
    }

    #[test]
    fn ranges_are_joined() {
        assert_eq!(plain(&CPUSET, "'3,0-1,2,7'"), json!("0-3,7"));
        for text in ["3-1", "a", "'0,x'", "99999"] {
            assert!(refused(&CPUSET, text).contains("such as `0-3`"), "{text}");
        }
    }
}
