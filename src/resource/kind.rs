//! What a kind of object has to say for itself, and the list of kinds.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::Timestamp;

use super::field::{Field, Reading, Vocabulary};
use serde_json::Value;

use super::secret_names;
use super::spec::Spec;
use crate::plan::{Action, Effect, FieldDiff, Steps};
use crate::source::{Diagnostics, Entry, Place};
use crate::world::{Claim, Gate, ImageReference, Owner, Target, World, label};

/// Every kind, in the order in which manuals list them.
pub static KINDS: &[&dyn Kind] = &[
    &super::container::ContainerKind,
    &super::container::JobKind,
    &super::image::ImageKind,
    &super::network::NetworkKind,
    &super::volume::VolumeKind,
];

/// The functions that may stand behind a word; several kinds may share one.
pub fn functions_of(word: &str) -> impl Iterator<Item = (&'static dyn Kind, Function)> {
    let is_called = move |kind: &&&'static dyn Kind| {
        [Vocabulary::Plain, Vocabulary::Salt].into_iter().any(|vocabulary| kind.spelling(vocabulary) == word)
    };
    KINDS.iter().filter(is_called).flat_map(|kind| kind.functions().iter().map(|function| (*kind, *function)))
}

/// Finds a kind by its word in a state file (`container`, `docker_container`).
pub fn kind_called(word: &str) -> Option<(&'static dyn Kind, Vocabulary)> {
    KINDS.iter().find_map(|kind| {
        [Vocabulary::Plain, Vocabulary::Salt]
            .into_iter()
            .find(|vocabulary| kind.spelling(*vocabulary) == word)
            .map(|vocabulary| (*kind, vocabulary))
    })
}

/// Whether an object is to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Present,
    Absent,
}

/// A function of a kind: what stands behind the dot in `container.running`.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    pub name: &'static str,
    pub presence: Presence,
    /// True for what is done with a copy of the object elsewhere: another state may declare the
    /// object itself.
    pub beside: bool,
    /// For the person who writes state files; this text is the manual.
    pub doc: &'static str,
}

/// Another object that a state names: an implied edge.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The kind's own name, such as `network`.
    pub kind: &'static str,
    pub name: String,
    pub place: Place,
}

/// What one state wants of one object.
#[derive(Debug, Clone)]
pub struct Desired<'a> {
    /// What the object's label `io.evenkeel.id` says.
    pub id: String,
    pub name: &'a str,
    pub function: &'a Function,
    pub spec: &'a Spec,
    pub owner: &'a Owner,
    /// The name that the object had before.
    pub was: Option<&'a str>,
    /// Whether the object is to outlive its state.
    pub protect: bool,
    /// How the engine is told apart from files: hashes of contexts, ages of images, and so on.
    pub facts: &'a Facts,
    /// What a replacement has to show before it counts as good.
    pub gate: Gate,
    /// True if another state takes a range that the object has, so that it cannot wait to go.
    pub yields: bool,
}

/// What was read of this machine and its clock before planning. Inputs of the plan.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Seconds since 1970.
    pub now: i64,
    /// By the place of a build or a load: what its files are.
    pub sources: BTreeMap<String, SourceFact>,
    /// By normalised reference: the digest that an image is to be used at.
    pub pins: BTreeMap<String, String>,
    /// By normalised reference with a range of versions: why nobody knows a tag for it.
    pub open_ranges: BTreeMap<String, String>,
    /// The highest revision that is on record, by the name of a container.
    pub revisions: BTreeMap<String, u32>,
    /// Short digests of files of the tree that containers mount, by their full path.
    pub mounted: BTreeMap<String, String>,
    /// What the engine's machine has, if that is this one; nothing where that cannot be known, or was not asked.
    pub machine: Machine,
    /// The last runs of jobs, if they went well and as far as they are on record, by name.
    pub jobs: BTreeMap<String, Ran>,
}

impl Facts {
    /// The digest that a reference is pinned to, in whatever spelling.
    pub fn pin(&self, reference: &str) -> Option<&str> {
        self.pins.get(&ImageReference::parse(reference).normal()).map(String::as_str)
    }

    /// Why no tag is known for a reference with a range of versions, in whatever spelling.
    pub fn open_range(&self, reference: &str) -> Option<&str> {
        self.open_ranges.get(&ImageReference::parse(reference).normal()).map(String::as_str)
    }
}

/// What was looked at on the engine's machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Machine {
    /// Nobody asked.
    #[default]
    NotAsked,
    /// It is another one, or shut off.
    Elsewhere,
    Here {
        /// Ports that processes hold which are no containers: protocol, address, number.
        listening: BTreeSet<(String, IpAddr, u16)>,
        /// Paths that containers are to have of it, and that are not there.
        missing: BTreeSet<String>,
    },
}

/// A run of a job that went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ran {
    pub at: Timestamp,
    pub revision: u32,
}

/// What the files behind an image are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceFact {
    /// A build context: a hash over its files and arguments, and the images that it starts from.
    Context { hash: String, bases: Vec<String>, build: BuildFacts },
    /// An archive that is loaded: the hash of the file.
    Archive { hash: String },
    /// They cannot be read, for this reason.
    Unreadable(String),
}

/// What else the files of a build say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BuildFacts {
    /// Short digests by what they are of.
    pub inputs: BTreeMap<String, String>,
    /// The images that it starts from and that no state declares.
    pub outside: Vec<String>,
    /// What needs BuildKit: where it stands and what it is.
    pub needs: Vec<String>,
    /// Whether there is something on this machine that has it. Only looked for if it is needed.
    pub has_buildx: bool,
}

/// An object that a state means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub target: Target,
    pub owner: Option<Owner>,
}

/// What is to happen to an object. The planner picks it from presence and the strongest impact.
#[derive(Debug, Clone)]
pub enum Transition<'a> {
    Create,
    /// In place, all differences at once.
    Update {
        found: &'a Found,
        diff: &'a [FieldDiff],
    },
    /// In place, and then a signal.
    Signal {
        found: &'a Found,
        diff: &'a [FieldDiff],
        signal: String,
    },
    /// In place, and then a restart.
    Restart {
        found: &'a Found,
        diff: &'a [FieldDiff],
    },
    Replace {
        found: &'a Found,
        diff: &'a [FieldDiff],
    },
    Remove {
        found: &'a Found,
    },
}

/// A kind's answer to a transition.
#[derive(Debug, Clone)]
pub struct Planned {
    pub action: Action,
    pub steps: Steps,
    pub effect: Effect,
    pub notes: Vec<String>,
    /// Why it cannot be done; then there are no steps.
    pub blockers: Vec<String>,
}

impl Planned {
    pub fn new(action: Action, steps: Steps) -> Self {
        Self { action, steps, effect: Effect::None, notes: Vec::new(), blockers: Vec::new() }
    }

    pub fn refused(blockers: Vec<String>) -> Self {
        Self { blockers, ..Self::new(Action::Refuse, Steps::default()) }
    }

    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }
}

/// One kind of Docker object that evenkeel can keep in its declared state. Pure.
pub trait Kind: Sync {
    /// Our name for it: `container`.
    fn name(&self) -> &'static str;

    /// The word for it in a vocabulary: `container`, `docker_container`.
    fn spelling(&self, vocabulary: Vocabulary) -> &'static str;

    fn functions(&self) -> &'static [Function];

    /// The options of a function.
    fn fields(&self, function: &str) -> &'static [Field];

    /// Rewrites spellings that stand for several fields (Compose's `logging`) to those fields.
    fn expand(&self, arguments: &[Entry], reading: &Reading, problems: &mut Diagnostics) -> Vec<Entry> {
        let _ = (reading, problems);
        arguments.to_vec()
    }

    /// Puts fields together that say parts of the same.
    fn combine(&self, spec: &mut Spec, problems: &mut Diagnostics) {
        let _ = (spec, problems);
    }

    /// What to write instead of a word that people know from elsewhere and that is no field here.
    fn instead_of(&self, word: &str) -> Option<&'static str> {
        let _ = word;
        None
    }

    /// Checks what one field alone cannot: missing fields, fields that exclude each other.
    fn check(&self, function: &str, name: &str, spec: &Spec, place: &Place) -> Diagnostics;

    /// The objects that a state names.
    fn references(&self, function: &str, spec: &Spec) -> Vec<Reference>;

    /// Further names of the object, by which other states may mean it.
    fn also_called(&self, function: &str, spec: &Spec) -> Vec<String> {
        let _ = (function, spec);
        Vec::new()
    }

    /// Gives another name to an object that the state names, as when a state inside a module means
    /// another one inside.
    fn rename(&self, spec: &mut Spec, reference: &Reference, name: &str) {
        let _ = (spec, reference, name);
    }

    /// Finds the object that a state means: by its name, its former name, or our label.
    fn find(&self, desired: &Desired<'_>, world: &World) -> Option<Found>;

    /// Compares what is declared with what was found.
    fn diff(&self, desired: &Desired<'_>, found: &Found, world: &World) -> Vec<FieldDiff>;

    /// Gives the steps of a transition. Objects that it makes get their numbers from `world`.
    fn steps(&self, desired: &Desired<'_>, transition: &Transition<'_>, world: &mut World) -> Planned;

    /// What the object would take for itself alone.
    fn claims(&self, desired: &Desired<'_>) -> Vec<Claim> {
        let _ = desired;
        Vec::new()
    }

    /// What a person should know before anything is done, such as an answer that is missing.
    fn blockers(&self, desired: &Desired<'_>, world: &World) -> Vec<String> {
        let _ = (desired, world);
        Vec::new()
    }

    /// Why an object that is as declared does not serve, so that nothing could be done but the same again.
    fn ailment(&self, desired: &Desired<'_>, found: &Found, world: &World) -> Option<String> {
        let _ = (desired, found, world);
        None
    }

    /// True if a change of what it watches makes an object of this kind react.
    fn reacts(&self) -> bool {
        false
    }
}

impl Desired<'_> {
    /// The labels of an object that is made for this state.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.owner.labels(&self.id);
        let declared: BTreeSet<_> = self.spec.iter().map(|(name, _)| name).collect();
        labels.insert(label::DECLARED.to_owned(), declared.into_iter().collect::<Vec<_>>().join(","));
        let secret: Vec<String> =
            self.spec.iter().flat_map(|(name, it)| secret_names(name, &it.value)).collect();
        if !secret.is_empty() {
            labels.insert(label::SECRET.to_owned(), Value::from(secret).to_string());
        }
        if self.protect {
            labels.insert(label::PROTECT.to_owned(), "true".to_owned());
        }
        labels
    }
}
