//! The rules of a host, and which states break them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::graph::{State, StateGraph};
use super::{body, volume};
use crate::resource::{Desired, Facts, Presence, Spec, container_body, image_reference};
use crate::source::{Diagnostic, Diagnostics, Place};
use crate::world::{Gate, ImageReference, Owner};

/// One thing that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    NoPrivileged,
    NoHostNetwork,
    NoHostPid,
    NoHostIpc,
    /// Nothing by which the engine, or another one, can be spoken to.
    NoDockerSocket,
    NoHostBinds,
    NoLatest,
    NoAddedCapabilities,
    NoDevices,
    NoUnconfined,
}

/// What is not allowed on a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    rules: BTreeSet<Rule>,
}

const RULES: [Rule; 10] = [
    Rule::NoPrivileged,
    Rule::NoHostNetwork,
    Rule::NoHostPid,
    Rule::NoHostIpc,
    Rule::NoDockerSocket,
    Rule::NoHostBinds,
    Rule::NoLatest,
    Rule::NoAddedCapabilities,
    Rule::NoDevices,
    Rule::NoUnconfined,
];

impl Rule {
    /// How a configuration says it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoPrivileged => "no_privileged",
            Self::NoHostNetwork => "no_host_network",
            Self::NoHostPid => "no_host_pid",
            Self::NoHostIpc => "no_host_ipc",
            Self::NoDockerSocket => "no_docker_socket",
            Self::NoHostBinds => "no_host_binds",
            Self::NoLatest => "no_latest",
            Self::NoAddedCapabilities => "no_added_capabilities",
            Self::NoDevices => "no_devices",
            Self::NoUnconfined => "no_unconfined",
        }
    }

    /// What to do about it.
    fn hint(self) -> &'static str {
        match self {
            Self::NoPrivileged => "remove it; containers have their own rights and no others",
            Self::NoHostNetwork => "publish `ports`, or join a network with `networks`",
            Self::NoHostPid | Self::NoHostIpc => "remove it; the container gets a namespace of its own",
            Self::NoDockerSocket => "remove it: who speaks to the engine has all rights of the host",
            Self::NoHostBinds => "use a volume: `volumes: ['data:/data']`",
            Self::NoLatest => "say which: a tag such as `:1.4`, or a digest",
            Self::NoAddedCapabilities => "remove it; the engine's default has to be enough",
            Self::NoDevices => "remove it",
            Self::NoUnconfined => "remove it; the engine's default profiles stay",
        }
    }
}

impl FromIterator<Rule> for Policy {
    fn from_iter<T: IntoIterator<Item = Rule>>(rules: T) -> Self {
        Self { rules: rules.into_iter().collect() }
    }
}

impl Policy {
    /// Every word that a configuration may say.
    pub const WORDS: [&'static str; RULES.len()] = {
        let mut words = [""; RULES.len()];
        let mut n = 0;
        while n < RULES.len() {
            words[n] = RULES[n].word();
            n += 1;
        }
        words
    };

    /// The rule of a word.
    pub fn parse(word: &str) -> Option<Rule> {
        RULES.into_iter().find(|rule| rule.word() == word)
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Tells everything in a tree that is not allowed, with its place and what to do about it.
    pub fn check(&self, graph: &StateGraph) -> Diagnostics {
        let mut problems = Diagnostics::default();
        if self.is_empty() {
            return problems;
        }
        for state in graph.graph.node_weights() {
            let broken = match (state.kind.name(), state.function.presence) {
                (_, Presence::Absent) => Vec::new(),
                ("container", _) => of_container(state, &graph.owner),
                ("volume", _) => of_volume(state),
                ("image", _) => of_image(state),
                _ => Vec::new(),
            };
            let forbidden = broken.into_iter().filter(|broken| self.rules.contains(&broken.rule));
            problems.extend(forbidden.map(|broken| broken.told(state)));
        }
        problems
    }
}

/// What breaks a rule, and where it is said.
struct Broken {
    rule: Rule,
    what: String,
    place: Place,
}

impl Broken {
    fn told(self, state: &State) -> Diagnostic {
        Diagnostic::error(
            &self.place,
            format!("{}: {} is not allowed on this host", state.title(), self.what),
        )
        .note(format!("the host's policy says `{}`", self.rule.word()))
        .hint(self.rule.hint())
    }
}

/// Fields that say what a rule is about, to find the place.
fn fields(rule: Rule) -> &'static [&'static str] {
    match rule {
        Rule::NoPrivileged => &["privileged"],
        Rule::NoHostNetwork => &["network_mode", "networks", "network"],
        Rule::NoDockerSocket | Rule::NoHostBinds => &["volumes", "driver_opts"],
        Rule::NoLatest => &["image"],
        Rule::NoAddedCapabilities => &["cap_add"],
        Rule::NoDevices => &["driver_opts"],
        Rule::NoHostPid | Rule::NoHostIpc | Rule::NoUnconfined => &[],
    }
}

fn place_of(rule: Rule, state: &State) -> Place {
    let declared = fields(rule).iter().find_map(|field| state.spec.get(field));
    declared.map_or(&state.place, |declared| &declared.place).clone()
}

/// Asks what the container would be created from, first without `raw`, which decides the place.
fn of_container(state: &State, owner: &Owner) -> Vec<Broken> {
    let mut plain = state.spec.clone();
    plain.remove("raw");
    let of_fields = body::broken(&created(state, &plain, owner));
    let all = match state.spec.get("raw") {
        Some(_) => body::broken(&created(state, &state.spec, owner)),
        None => of_fields.clone(),
    };
    let mut broken: Vec<Broken> = Vec::new();
    for (rule, what) in all {
        let raw = state.spec.get("raw").filter(|_| !of_fields.contains(&(rule, what.clone())));
        let place = raw.map_or_else(|| place_of(rule, state), |raw| raw.place.clone());
        broken.push(Broken { rule, what, place });
    }
    // Attached after it is created, so no part of that.
    let networks = state.spec.value("networks").and_then(Value::as_object);
    let is_known = broken.iter().any(|broken| broken.rule == Rule::NoHostNetwork);
    if !is_known && networks.is_some_and(|networks| networks.contains_key("host")) {
        let (rule, what) = (Rule::NoHostNetwork, "the network of the host".to_owned());
        broken.push(Broken { rule, what, place: place_of(rule, state) });
    }
    broken
}

/// What the engine would be told to create the container of a state.
pub fn created(state: &State, spec: &Spec, owner: &Owner) -> Value {
    let facts =
        Facts { now: 0, sources: BTreeMap::new(), pins: BTreeMap::new(), open_ranges: BTreeMap::new() };
    container_body(&Desired {
        id: state.label_id(),
        name: &state.name,
        function: &state.function,
        spec,
        owner,
        was: None,
        protect: false,
        facts: &facts,
        gate: Gate::default(),
        yields: false,
    })
}

fn of_volume(state: &State) -> Vec<Broken> {
    let Some(options) = state.spec.value("driver_opts") else { return Vec::new() };
    let broken = volume::broken(options).into_iter();
    broken.map(|(rule, what)| Broken { rule, what, place: place_of(rule, state) }).collect()
}

fn of_image(state: &State) -> Vec<Broken> {
    let mut broken = Vec::new();
    let reference = image_reference(&state.name, &state.spec);
    if state.function.name == "present" && !state.implied && is_latest(&reference) {
        let what = format!("an image without a tag of its own, `{reference}`,");
        broken.push(Broken { rule: Rule::NoLatest, what, place: state.place.clone() });
    }
    if state.function.name == "built" && state.spec.text("network") == Some("host") {
        let (rule, what) = (Rule::NoHostNetwork, "a build in the network of the host".to_owned());
        broken.push(Broken { rule, what, place: place_of(rule, state) });
    }
    broken
}

/// True of a reference that means whatever is the newest.
pub fn is_latest(reference: &str) -> bool {
    match ImageReference::parse(reference) {
        ImageReference::Id(_) => false,
        named @ ImageReference::Named { .. } => {
            named.digest().is_none() && named.normal().ends_with(":latest")
        }
    }
}
