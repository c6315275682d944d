//! The rules of a host, and which states break them.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::super::graph::{State, StateGraph};
use super::scope::{Scope, loaded_names};
use super::{body, volume};
use crate::host::from_images;
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
    scope: Scope,
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
        Self { rules: rules.into_iter().collect(), scope: Scope::default() }
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
        self.rules.is_empty() && self.scope == Scope::default()
    }

    /// True if a rule is one of the policy's.
    pub(super) fn allows_not(&self, rule: Rule) -> bool {
        self.rules.contains(&rule)
    }

    /// The same, for states that may concern only some projects and images.
    pub fn within(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// Tells everything in a tree that is not allowed, with its place and what to do about it.
    pub fn check(&self, graph: &StateGraph) -> Diagnostics {
        let mut problems = Diagnostics::default();
        if self.is_empty() {
            return problems;
        }
        problems.extend(self.scope.check(graph));
        let containers = graph
            .graph
            .node_weights()
            .filter(|state| state.kind.name() == "container" && state.function.presence != Presence::Absent);
        let declared: BTreeSet<&str> = containers.map(|state| state.name.as_str()).collect();
        let is_declared = |name: &str| declared.contains(name);
        for state in graph.graph.node_weights() {
            let broken = match (state.kind.name(), state.function.presence) {
                (_, Presence::Absent) => Vec::new(),
                ("container", _) => of_container(state, &graph.owner, &is_declared),
                ("volume", _) => of_volume(state),
                ("network", _) => of_network(state),
                ("image", _) => of_image(state, &is_declared),
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
        Rule::NoHostNetwork => &["network_mode", "networks", "network", "driver"],
        Rule::NoDockerSocket | Rule::NoHostBinds => &["volumes", "driver_opts", "volumes_from"],
        Rule::NoLatest => &["image", "tags", "context", "path", "volumes"],
        Rule::NoAddedCapabilities => &["cap_add"],
        Rule::NoDevices => &["devices", "device_requests", "device_cgroup_rules", "driver_opts"],
        Rule::NoHostPid => &["pid"],
        Rule::NoHostIpc => &["ipc"],
        Rule::NoUnconfined => {
            &["security_opt", "userns_mode", "cgroup", "uts", "masked_paths", "readonly_paths"]
        }
    }
}

fn place_of(rule: Rule, state: &State) -> Place {
    let declared = fields(rule).iter().find_map(|field| state.spec.get(field));
    declared.map_or(&state.place, |declared| &declared.place).clone()
}

/// Asks what the container would be created from, first without `raw`, which decides the place.
fn of_container(state: &State, owner: &Owner, is_declared: &dyn Fn(&str) -> bool) -> Vec<Broken> {
    let mut plain = state.spec.clone();
    plain.remove("raw");
    let of_fields = body::broken(&created(state, &plain, owner), is_declared);
    let all = match state.spec.get("raw") {
        Some(_) => body::broken(&created(state, &state.spec, owner), is_declared),
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
    let mut named = networks.into_iter().flat_map(serde_json::Map::keys);
    if !is_known && let Some(what) = named.find_map(|name| body::of_network(name)) {
        let rule = Rule::NoHostNetwork;
        broken.push(Broken { rule, what, place: place_of(rule, state) });
    }
    broken
}

/// What the engine would be told to create the container of a state.
pub fn created(state: &State, spec: &Spec, owner: &Owner) -> Value {
    let facts = Facts::default();
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

/// Drivers that put containers into a network of the host's.
const OF_HOST: [&str; 3] = ["host", "macvlan", "ipvlan"];

fn of_network(state: &State) -> Vec<Broken> {
    let driver = state.spec.text("driver").filter(|driver| OF_HOST.contains(&body::fold(driver).as_str()));
    let broken = driver.map(|driver| {
        let (rule, what) = (Rule::NoHostNetwork, format!("a network of the host's (`driver: {driver}`)"));
        Broken { rule, what, place: place_of(rule, state) }
    });
    broken.into_iter().collect()
}

fn of_image(state: &State, is_declared: &dyn Fn(&str) -> bool) -> Vec<Broken> {
    let mut broken = Vec::new();
    let name = image_reference(&state.name, &state.spec);
    let own = (!state.implied).then_some((name, state.place.clone()));
    let tags = state.spec.get("tags");
    let further = tags.and_then(|tags| tags.value.as_array()).into_iter().flatten().filter_map(Value::as_str);
    let further = further.map(|tag| (tag.to_owned(), place_of(Rule::NoLatest, state)));
    let loaded = loaded_names(state).unwrap_or_else(|error| {
        let (rule, what) = (Rule::NoLatest, format!("an archive with any images ({error})"));
        broken.push(Broken { rule, what, place: place_of(rule, state) });
        BTreeSet::new()
    });
    let loaded = loaded.into_iter().filter(|name| own.as_ref().is_none_or(|(own, _)| own != name));
    let inside = bases(state).into_iter().chain(loaded);
    let inside = inside.map(|name| (name, place_of(Rule::NoLatest, state)));
    for (reference, place) in own.iter().cloned().chain(further).chain(inside) {
        if is_latest(&reference) {
            let what = format!("an image without a tag of its own, `{reference}`,");
            broken.push(Broken { rule: Rule::NoLatest, what, place });
        }
    }
    if state.function.name == "built"
        && let Some(mode) = state.spec.text("network")
    {
        let other = body::of_container(mode).filter(|name| body::is_id(name) || !is_declared(name));
        let what = match other {
            Some(name) => Some(body::of_stranger(name)),
            None => body::of_network(mode).map(|network| format!("a build in {network}")),
        };
        let rule = Rule::NoHostNetwork;
        broken.extend(what.map(|what| Broken { rule, what, place: place_of(rule, state) }));
    }
    broken
}

/// What the Dockerfile of a state starts from. One that cannot be read is told elsewhere.
fn bases(state: &State) -> Vec<String> {
    if state.function.name != "built" {
        return Vec::new();
    }
    let context = Path::new(state.spec.text("context").unwrap_or_default());
    let file = context.join(state.spec.text("dockerfile").unwrap_or("Dockerfile"));
    let Ok(text) = std::fs::read_to_string(file) else { return Vec::new() };
    let args = state.spec.value("args").and_then(Value::as_object).into_iter().flatten();
    let args = args.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    from_images(&text, &args, state.spec.text("target"))
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
