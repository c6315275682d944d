//! The matrix: every row of the tables of containers, networks and volumes on real engines, with the samples of its
//! form: set, set again, in every other spelling, to another value, to nothing. Containers are created and not
//! started. What an engine refuses is printed by name. `EVENKEEL_MATRIX=full`: every sample, in both vocabularies.

use super::scene::{Scene, at, everywhere};
use crate::rig::inspect::{self, Object};
use crate::rig::numbers::free_subnet;
use crate::rig::{engines, images};
use evenkeel::resource::{At, Field, Impact, KINDS, Kind, Reading, Unset, Vocabulary};
use evenkeel::source::{Entry, Node, Place, Style};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Value, json};
use std::env;
use std::io::Write as _;

/// Rows whose samples name things that have to be there, and the case that has them instead.
const ELSEWHERE: &[(&str, &str)] = &[
    ("image", "i07, i08, i09"),
    ("volumes", "n09, n31, f22"),
    ("networks", "n19, n20"),
    ("network_mode", "f23, n15"),
    ("links", "n22"),
    ("volumes_from", "cases2::sharing"),
    ("pid", "cases2::sharing"),
    ("ipc", "cases2::sharing"),
    ("raw", "n21, n29: its samples are no fields of the API"),
    ("ipam", "v05, v07: its samples are fixed ranges"),
    ("driver", "v03, v07: its samples are drivers that are not here"),
];

/// What a row cannot do without.
const COMPANIONS: &[(&str, &str)] = &[("memory_swap", "memory: 64m"), ("log_opt", "log_driver: json-file")];

/// One row with one of its samples, on its way.
struct Path {
    name: String,
    kind: &'static dyn Kind,
    field: &'static Field,
    vocabulary: Vocabulary,
    word: &'static str,
    /// The engine has few ranges of its own to give away.
    subnet: Option<String>,
    stages: Vec<Stage>,
    /// Why it went no further.
    ended: Option<String>,
}

/// A spelling, or nothing at all, and the normal form that it has to have.
#[derive(Clone)]
struct Stage {
    text: Option<&'static str>,
    normal: Option<Value>,
}

#[test]
fn every_row_keeps_every_sample_and_goes_back() {
    let is_full = env::var("EVENKEEL_MATRIX").is_ok_and(|value| value == "full");
    everywhere(|scene| {
        let mut paths = paths(is_full);
        let longest = paths.iter().map(|path| path.stages.len()).max().unwrap_or(0);
        let mut wrong = Vec::new();
        for number in 0..longest {
            wrong.extend(stage(scene, &mut paths, number));
        }
        for path in &paths {
            if let Some(reason) = &path.ended {
                let what = format!("{}.{} ({:?})", path.kind.name(), path.field.name, path.vocabulary);
                engines::skip(scene.engine.name, &format!("{what}: {reason}"));
            }
        }
        assert!(wrong.is_empty(), "{} of {} paths:\n{}", wrong.len(), paths.len(), wrong.join("\n"));
        let done = paths.iter().filter(|path| path.ended.is_none()).count();
        let text = format!("{done} of {} paths could be gone on {}", paths.len(), scene.engine.version);
        if is_full {
            // Past libtest's capture.
            drop(writeln!(std::io::stderr(), "{text}"));
        }
        assert!(done * 20 > paths.len() * 19, "{text}");
    });
}

#[test]
fn every_row_is_in_the_matrix_or_in_a_case_of_its_own() {
    for (name, _) in ELSEWHERE.iter().chain(COMPANIONS) {
        let is_row = |kind: &&dyn Kind| kind.fields(present(*kind)).iter().any(|field| field.name == *name);
        assert!(KINDS.iter().any(is_row), "{name} is no row");
    }
}

/// Goes one stage further with all paths at once, and gives what is wrong.
fn stage(scene: &Scene<'_>, paths: &mut [Path], number: usize) -> Vec<String> {
    let text: String =
        paths.iter().filter(|path| path.ended.is_none()).map(|path| path.state(number)).collect();
    scene.states(&text);
    let said = scene.test();
    let done = scene.run(&[]);
    let mut wrong = Vec::new();
    for path in paths.iter_mut().filter(|path| path.ended.is_none() && number < path.stages.len()) {
        let state = done.state(&path.name);
        let diff = said.diff(&path.name);
        let tell = |what: &str| {
            let text = path.stages[number].text.unwrap_or("(nothing)");
            format!("{} {}: {text}, stage {number}: {what}", path.kind.name(), path.field.name)
        };
        let comment = state["comment"].as_str().unwrap_or("").to_owned();
        let expects = path.expects_change(scene, number);
        let action = said.action(&path.name);
        if state["result"] != true {
            // Refused is what the engine does not take; what it took has to stay.
            if comment.contains("still shows") || expects == Some(false) {
                wrong.push(tell(&format!("{state}")));
            }
            path.ended = Some(comment.lines().next().unwrap_or("").to_owned());
            continue;
        }
        let is_own = |row: &String| {
            row.starts_with(&format!("{}:", path.field.name))
                || row.starts_with(&format!("{}.", path.field.name))
        };
        match expects {
            _ if number == 0 && action == "create" => {}
            Some(true) if action != "none" && !diff.is_empty() && diff.iter().all(is_own) => {}
            Some(false) if action == "none" => {}
            None => {}
            _ => wrong.push(tell(&format!("expected a change: {expects:?}, --test says {action} {diff:?}"))),
        }
        if said.changes().len() != done.changes().len() {
            wrong.push(tell("--test said something else than what was done"));
        }
        if let (At::Path(at_path), Some(wanted)) = (path.field.at, path.wanted(scene, number)) {
            let object = path.object(scene);
            let observed = path.field.form.observe(&at(&object, at_path));
            let left = path.field.form.differences(&observed, &wanted);
            if !left.is_empty() {
                wrong.push(tell(&format!("inspect shows {observed}, not {wanted}")));
            }
        }
    }
    wrong
}

fn paths(is_full: bool) -> Vec<Path> {
    let mut paths = Vec::new();
    let vocabularies: &[Vocabulary] =
        if is_full { &[Vocabulary::Plain, Vocabulary::Salt] } else { &[Vocabulary::Plain] };
    for kind in KINDS.iter().copied().filter(|kind| kind.name() != "image") {
        for field in kind.fields(present(kind)) {
            if matches!(field.at, At::Policy) || ELSEWHERE.iter().any(|(name, _)| *name == field.name) {
                continue;
            }
            for vocabulary in vocabularies {
                let Some(word) = field.words(*vocabulary).next() else { continue };
                let samples = field.form.samples().len();
                for first in 0..if is_full { samples } else { 1 } {
                    let name =
                        format!("{}-{}-{vocabulary:?}-{first}", kind.name(), field.name).to_lowercase();
                    let stages = stages(field, *vocabulary, first);
                    let subnet = (kind.name() == "network").then(free_subnet);
                    let (vocabulary, ended) = (*vocabulary, None);
                    paths.push(Path { name, kind, field, vocabulary, word, subnet, stages, ended });
                }
            }
        }
    }
    paths
}

/// A sample in all its spellings, the next one, nothing, and nothing again.
fn stages(field: &Field, vocabulary: Vocabulary, first: usize) -> Vec<Stage> {
    let samples = field.form.samples();
    let spellings = |number: usize| {
        let sample = &samples[number % samples.len()];
        let own = vocabulary == Vocabulary::Salt && !sample.salt.is_empty();
        if own { sample.salt } else { sample.plain }
    };
    let stage = |text: &'static str| {
        let reading = Reading { vocabulary, folder: "/srv/states".into() };
        let normal = field.form.read(&yaml(text), &reading).unwrap_or_else(|_| panic!("{text} is a sample"));
        Stage { text: Some(text), normal: Some(normal) }
    };
    let mut stages: Vec<Stage> = spellings(first).iter().map(|text| stage(text)).collect();
    stages.push(stage(spellings(first)[0]));
    if field.impact == Impact::Refuse {
        return stages;
    }
    stages.extend([stage(spellings(first + 1)[0]), stage(spellings(first + 1)[0])]);
    stages.extend([Stage { text: None, normal: None }, Stage { text: None, normal: None }]);
    stages
}

impl Path {
    /// The state at a stage, or at its last one.
    fn state(&self, number: usize) -> String {
        let stage = &self.stages[number.min(self.stages.len() - 1)];
        let mut parts = Vec::new();
        if self.kind.name() == "container" {
            parts.push(format!("    image: {}\n", images::BB));
        }
        if let Some((_, companion)) = COMPANIONS.iter().find(|(name, _)| *name == self.field.name) {
            parts.push(format!("    {companion}\n"));
        }
        if let Some(subnet) = &self.subnet {
            parts.push(self.pools(subnet));
        }
        if let Some(text) = stage.text {
            parts.push(format!("    {}: {text}\n", self.word));
        }
        let fields = if parts.is_empty() { " {}\n".to_owned() } else { format!("\n{}", parts.concat()) };
        format!(
            "{{p}}{}:\n  {}.{}:{fields}",
            self.name,
            self.kind.spelling(self.vocabulary),
            present(self.kind)
        )
    }

    /// The ranges of a network, so that the engine's own do not run out.
    fn pools(&self, subnet: &str) -> String {
        if self.field.name != "ipv6" {
            return format!("    subnet: {subnet}.0/24\n");
        }
        // Older engines have no v6 range of their own to give.
        let number = subnet.rsplit('.').next().unwrap_or("0");
        let v6 = format!("fd00:ec:{:x}:{number}::/64", std::process::id() % 0xffff);
        format!("    ipam: {{config: [{{subnet: {subnet}.0/24}}, {{subnet: \"{v6}\"}}]}}\n")
    }

    /// The value that the object is to show; `None` where that is the engine's to say.
    fn wanted(&self, scene: &Scene<'_>, number: usize) -> Option<Value> {
        let form = self.field.form;
        let background = match self.field.unset {
            Unset::Image(path) => form.observe(&at(&inspect::image(scene.engine, images::BB), path)),
            Unset::Engine | Unset::Unmanaged(_) => form.observe(&json!(null)),
        };
        match &self.stages[number].normal {
            Some(normal) if matches!(self.field.unset, Unset::Image(_)) => {
                Some(form.over(&background, normal))
            }
            Some(normal) if normal.is_null() && matches!(self.field.unset, Unset::Unmanaged(_)) => None,
            Some(normal) if self.field.name == "log_opt" => {
                let shown = form.observe(&at(&self.object(scene), "HostConfig.LogConfig.Config"));
                Some(form.over(&shown, normal))
            }
            Some(normal) => Some(normal.clone()),
            None if matches!(self.field.unset, Unset::Unmanaged(_)) => None,
            // The short id of the container is the default host name.
            None if self.field.name == "hostname" => None,
            None => Some(background),
        }
    }

    /// Whether this stage differs from the one before; `None` where that is not known.
    fn expects_change(&self, scene: &Scene<'_>, number: usize) -> Option<bool> {
        if number == 0 {
            return Some(true);
        }
        let [before, now] = [number - 1, number].map(|number| &self.stages[number]);
        if before.normal == now.normal {
            return Some(false);
        }
        // The engine adds its own to what is shown; only what is declared tells the two apart.
        if self.field.name == "log_opt" {
            let declared = |stage: &Stage| stage.normal.clone().unwrap_or(json!({}));
            return Some(declared(before) != declared(now));
        }
        let [before, now] = [self.wanted(scene, number - 1)?, self.wanted(scene, number)?];
        Some(!self.field.form.differences(&before, &now).is_empty())
    }

    fn object(&self, scene: &Scene<'_>) -> Value {
        let object = match self.kind.name() {
            "network" => Object::Network,
            "volume" => Object::Volume,
            _ => Object::Container,
        };
        inspect::find(scene.engine, object, &scene.name(&self.name)).unwrap_or_default()
    }
}

/// The function by which an object of this kind is there.
fn present(kind: &dyn Kind) -> &'static str {
    if kind.name() == "container" { "created" } else { "present" }
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
