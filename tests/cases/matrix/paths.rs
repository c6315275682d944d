//! The way of one row through the columns of the matrix.

use super::table::Cell;
use super::{COMPANIONS, ELSEWHERE, update_key};
use crate::rig::images;
use crate::rig::numbers::free_subnet;
use evenkeel::resource::{At, Field, Impact, KINDS, Kind, Reading, Unset, Vocabulary};
use evenkeel::source::{Entry, Node, Place, Style};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is tried with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Made with a value; inspect shows what was asked for.
    Set,
    /// The same value in every other spelling of its form.
    Spelling,
    /// The same again.
    Same,
    /// The items of the value in another order: no change of a set, a change of a list.
    Reordered,
    /// One item less.
    Fewer,
    /// That item again.
    More,
    /// Somebody else has changed it meanwhile, by the engine's update call.
    ByHand,
    /// Another value.
    Next,
    /// Not declared any more: back to what it is without it.
    Removed,
    /// `~`, which is as if it were not there.
    Null,
    /// In a container that runs.
    Running,
    /// In one that has been stopped.
    Stopped,
    /// When its engine has restarted.
    Restarted,
}

/// One row with one of its samples, on its way.
pub struct Path {
    pub name: String,
    pub kind: &'static dyn Kind,
    pub field: &'static Field,
    pub vocabulary: Vocabulary,
    pub word: &'static str,
    pub function: &'static str,
    /// The engine has few ranges of its own to give away.
    pub subnet: Option<String>,
    pub stages: Vec<Stage>,
    pub cells: BTreeMap<Column, Cell>,
    /// Why it went no further.
    pub ended: Option<String>,
}

/// A spelling, or nothing at all, and the normal form that it has to have.
#[derive(Clone)]
pub struct Stage {
    pub column: Column,
    pub text: Option<String>,
    pub normal: Option<Value>,
    /// What somebody else tells the engine before.
    pub by_hand: Option<Value>,
}

/// The function by which an object of this kind is there.
pub fn present(kind: &dyn Kind) -> &'static str {
    if kind.name() == "container" { "created" } else { "present" }
}

/// The paths of all rows whose number is wanted.
pub fn paths(is_full: bool, is_wanted: impl Fn(usize) -> bool) -> Vec<Path> {
    let mut paths = Vec::new();
    let vocabularies: &[Vocabulary] =
        if is_full { &[Vocabulary::Plain, Vocabulary::Salt] } else { &[Vocabulary::Plain] };
    let mut row = 0;
    // A job has the rows of a container.
    let is_meant = |kind: &&dyn Kind| !matches!(kind.spelling(Vocabulary::Plain), "image" | "job");
    for kind in KINDS.iter().copied().filter(is_meant) {
        for field in kind.fields(present(kind)) {
            if matches!(field.at, At::Policy | At::Within(_))
                || ELSEWHERE.iter().any(|(name, _)| *name == field.name)
            {
                continue;
            }
            row += 1;
            if !is_wanted(row) {
                continue;
            }
            for vocabulary in vocabularies {
                let Some(word) = field.words(*vocabulary).next() else { continue };
                let samples = field.form.samples().len();
                let path = |first: usize, function: &'static str, stages: Vec<Stage>| Path {
                    name: format!("{}-{}-{vocabulary:?}-{first}-{function}", kind.name(), field.name)
                        .to_lowercase(),
                    kind,
                    field,
                    vocabulary: *vocabulary,
                    word,
                    function,
                    subnet: (kind.name() == "network").then(free_subnet),
                    stages,
                    cells: BTreeMap::new(),
                    ended: None,
                };
                for first in 0..if is_full { samples } else { 1 } {
                    let is_first = first == 0 && *vocabulary == Vocabulary::Plain;
                    paths.push(path(first, present(kind), stages(field, *vocabulary, first, is_first)));
                }
                let is_container = kind.name() == "container" && *vocabulary == Vocabulary::Plain;
                // A container that removes itself is for `created` alone.
                if is_full && is_container && field.name != "auto_remove" {
                    paths.push(path(0, "running", short_stages(field, Column::Running)));
                    paths.push(path(0, "stopped", short_stages(field, Column::Stopped)));
                }
            }
        }
    }
    paths
}

fn stage(field: &Field, vocabulary: Vocabulary, column: Column, text: &str) -> Stage {
    let reading = Reading { vocabulary, folder: "/srv/states".into() };
    let normal = field.form.read(&yaml(text), &reading).unwrap_or_else(|_| panic!("{text} is a sample"));
    Stage { column, text: Some(text.to_owned()), normal: Some(normal), by_hand: None }
}

/// A sample in all its spellings, the next one, nothing, and nothing again; in full also what lies between.
fn stages(field: &Field, vocabulary: Vocabulary, first: usize, is_all: bool) -> Vec<Stage> {
    let samples = field.form.samples();
    let spellings = |number: usize| {
        let sample = &samples[number % samples.len()];
        let own = vocabulary == Vocabulary::Salt && !sample.salt.is_empty();
        if own { sample.salt } else { sample.plain }
    };
    let at = |column, text: &str| stage(field, vocabulary, column, text);
    let own = spellings(first);
    let mut stages = vec![at(Column::Set, own[0])];
    stages.extend(own[1..].iter().map(|text| at(Column::Spelling, text)));
    stages.push(at(Column::Same, own[0]));
    // What is made of other samples and in other words is the same; only how it is read differs.
    if field.impact == Impact::Refuse || !is_all {
        return stages;
    }
    stages.extend(items(field, vocabulary, own[0]));
    let next = at(Column::Next, spellings(first + 1)[0]);
    let is_said = |stage: &Stage| stage.normal.as_ref().is_some_and(|normal| !normal.is_null());
    if let (true, Some(key)) = (is_said(&stages[0]) && is_said(&next), update_key(field))
        && field.name != "memory_swap"
    {
        let sent = field.form.send(next.normal.as_ref().unwrap_or(&Value::Null));
        let mut body = json!({ key: sent });
        // The engine wants both.
        if key == "Memory" {
            body["MemorySwap"] = json!(-1);
        }
        if key != "Memory" {
            stages.push(Stage { by_hand: Some(body), ..at(Column::ByHand, own[0]) });
        }
    }
    stages.extend([next.clone(), Stage { column: Column::Same, ..next }]);
    let nothing = |column, text: Option<&str>| Stage {
        column,
        text: text.map(str::to_owned),
        normal: None,
        by_hand: None,
    };
    stages.extend([nothing(Column::Removed, None), nothing(Column::Null, Some("~"))]);
    stages
}

/// What a container in another state is tried with.
fn short_stages(field: &Field, column: Column) -> Vec<Stage> {
    let samples = field.form.samples();
    let at = |text| stage(field, Vocabulary::Plain, column, text);
    let (own, next) = (samples[0].plain[0], samples[1].plain[0]);
    let mut stages = vec![at(own), at(own), at(next), at(next)];
    if !matches!(field.unset, Unset::Unmanaged(_)) {
        stages.push(Stage { column, text: None, normal: None, by_hand: None });
    }
    stages
}

/// A value of several items in another order, with one item less, and with all of them again.
fn items(field: &Field, vocabulary: Vocabulary, text: &str) -> Vec<Stage> {
    let node = yaml(text);
    let parts: Vec<String> = match (node.as_list(), node.as_map()) {
        (Some(items), _) => items.iter().map(written).collect(),
        (_, Some(entries)) => {
            entries.iter().map(|entry| format!("\"{}\": {}", entry.key, written(&entry.value))).collect()
        }
        _ => return Vec::new(),
    };
    let [open, close] = if node.as_list().is_some() { ["[", "]"] } else { ["{", "}"] };
    let text = |parts: &[String]| format!("{open}{}{close}", parts.join(", "));
    let reading = Reading { vocabulary, folder: "/srv/states".into() };
    let is_value = |text: &str| field.form.read(&yaml(text), &reading).is_ok();
    if parts.len() < 2 || parts.iter().any(String::is_empty) {
        return Vec::new();
    }
    let reversed: Vec<String> = parts.iter().rev().cloned().collect();
    let wanted = [
        (Column::Reordered, text(&reversed)),
        (Column::Fewer, text(&parts[..parts.len() - 1])),
        (Column::More, text(&parts)),
    ];
    let wanted = wanted.into_iter().filter(|(_, text)| is_value(text));
    wanted.map(|(column, text)| stage(field, vocabulary, column, &text)).collect()
}

/// A node as flow YAML.
fn written(node: &Node) -> String {
    if let Some(items) = node.as_list() {
        return format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", "));
    }
    if let Some(entries) = node.as_map() {
        let entry = |entry: &Entry| format!("\"{}\": {}", entry.key, written(&entry.value));
        return format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "));
    }
    if node.is_null() { "~".to_owned() } else { json!(node.text().unwrap_or_default()).to_string() }
}

impl Path {
    /// The state at a stage, or at its last one.
    pub fn state(&self, number: usize) -> String {
        let stage = &self.stages[number.min(self.stages.len() - 1)];
        let mut parts = Vec::new();
        if self.kind.name() == "container" {
            parts.push(format!("    image: {}\n", images::BB));
            // Salt has no word for it.
            if self.vocabulary == Vocabulary::Plain {
                parts.push("    keep_revisions: 0\n".to_owned());
            }
        }
        if self.function == "running" {
            // Nothing of what is tried is about how it ends.
            if self.field.name != "stop_signal" {
                parts.push("    stop_signal: KILL\n".to_owned());
            }
            parts.push("    strategy: replace\n    stable_for: 0s\n".to_owned());
        }
        if let Some((_, companion)) = COMPANIONS.iter().find(|(name, _)| *name == self.field.name) {
            parts.push(format!("    {companion}\n"));
        }
        if let Some(subnet) = &self.subnet {
            parts.push(self.pools(subnet));
        }
        if let Some(text) = &stage.text {
            parts.push(format!("    {}: {text}\n", self.word));
        }
        let fields = if parts.is_empty() { " {}\n".to_owned() } else { format!("\n{}", parts.concat()) };
        format!("{{p}}{}:\n  {}.{}:{fields}", self.name, self.kind.spelling(self.vocabulary), self.function)
    }

    /// The ranges of a network, so that the engine's own do not run out.
    fn pools(&self, subnet: &str) -> String {
        if self.field.name != "ipv6" && self.field.name != "ipv4" {
            return format!("    subnet: {subnet}.0/24\n");
        }
        // Older engines have no v6 range of their own to give.
        let number = subnet.rsplit('.').next().unwrap_or("0");
        let v6 = format!("fd00:ec:{:x}:{number}::/64", std::process::id() % 0xffff);
        format!("    ipam: {{config: [{{subnet: {subnet}.0/24}}, {{subnet: \"{v6}\"}}]}}\n")
    }
}

/// A node from YAML; samples have no anchors and no tags.
fn yaml(text: &str) -> Node {
    let events = Parser::new_from_str(text).map(|event| event.expect("a sample is YAML").0);
    let mut events = events.filter(|event| {
        !matches!(event, Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing)
    });
    node(&mut events).expect("a sample is a value")
}

fn node<'a>(events: &mut impl Iterator<Item = Event<'a>>) -> Option<Node> {
    let place = Place::outside("sample");
    match events.next()? {
        Event::Scalar(text, ScalarStyle::Plain, ..) => Some(Node::scalar(place, text, Style::Plain)),
        Event::Scalar(text, ..) => Some(Node::scalar(place, text, Style::Quoted)),
        Event::SequenceStart(..) => Some(Node::list(place, std::iter::from_fn(|| node(events)).collect())),
        Event::MappingStart(..) => {
            let entry = || {
                let key = node(events)?.text()?.to_owned();
                let value = node(events)?;
                Some(Entry { key, key_place: Place::outside("sample"), value })
            };
            Some(Node::map(place, std::iter::from_fn(entry).collect()))
        }
        _ => None,
    }
}
