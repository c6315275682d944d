//! Images that are built: why again, and with what.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::form::{self, Form};
use super::super::kind::{BuildFacts, Desired, Planned, SourceFact};
use super::super::spec::Spec;
use super::diff::has_digest;
use super::fields::reference;
use super::{keep, trial};
use crate::plan::{Action, FieldDiff, Impact, Steps};
use crate::world::{
    BuildOptions, BuildSpec, Builder, Image, ImageReference, Naming, Origin, RecordFiles, Remote,
    SecretOrigin, Step, Target, World, label,
};

/// Why the state cannot go on: its files, its builder, or a registry.
pub fn blockers(desired: &Desired<'_>, world: &World) -> Vec<String> {
    match desired.facts.sources.get(desired.name) {
        Some(SourceFact::Unreadable(reason)) => vec![reason.clone()],
        Some(SourceFact::Context { build, .. }) => {
            let needs = build.needs.iter().filter(|_| !build.has_buildx).map(|need| {
                format!(
                    "{need} needs BuildKit, which the engine's own builder has not; install `docker buildx` \
                     (Debian: docker-buildx), or do without"
                )
            });
            needs
                .chain(unknown_bases(desired, build, world))
                .chain(missing_bases(desired, build, world))
                .collect()
        }
        Some(SourceFact::Archive { .. }) | None => Vec::new(),
    }
}

/// A base of which nobody can say whether it has changed is not taken for unchanged.
fn unknown_bases(desired: &Desired<'_>, build: &BuildFacts, world: &World) -> Vec<String> {
    let here = world.image(&reference(desired.name, desired.spec)).is_some();
    if !here || !follows_base(desired.spec) {
        return Vec::new();
    }
    let unknown = build.outside.iter().filter_map(|base| match world.remote(base)? {
        Remote::Unknown(reason) => Some(format!(
            "whether the base {base} has changed is unknown, because its registry could not be asked: {reason}; \
             the image is left as it is"
        )),
        Remote::Missing => Some(format!("the registry has no base image {base}; is the tag right?")),
        // A person said that registries are not to be asked; the run says what that leaves open.
        Remote::Found(_) | Remote::NotAsked => None,
    });
    unknown.collect()
}

/// Bases that neither the engine nor a registry has: the build could not begin. They are asked for only if it has to.
fn missing_bases(desired: &Desired<'_>, build: &BuildFacts, world: &World) -> Vec<String> {
    if follows_base(desired.spec) && world.image(&reference(desired.name, desired.spec)).is_some() {
        return Vec::new();
    }
    let missing = build
        .outside
        .iter()
        .filter(|base| world.image(base).is_none() && matches!(world.remote(base), Some(Remote::Missing)));
    missing.map(|base| format!("the registry has no base image {base}; is the tag right?")).collect()
}

/// True if a new version of a base is a reason to build again.
pub fn follows_base(spec: &Spec) -> bool {
    spec.value("rebuild").is_some_and(|rebuild| rebuild["base_changed"] == true)
}

/// The names besides its own that a build gives.
pub fn further_tags(spec: &Spec) -> Vec<String> {
    let tags = spec.value("tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
}

/// What makes a build necessary, and which further names are not where they belong.
pub fn diff(desired: &Desired<'_>, image: &Image, world: &World) -> Vec<FieldDiff> {
    let Some(SourceFact::Context { hash, bases, build }) = desired.facts.sources.get(desired.name) else {
        return Vec::new();
    };
    let labels = image.labels();
    let mut diff = Vec::new();
    if labels.get(label::BUILD_HASH) != Some(hash) {
        let before = labels.get(label::BUILD_INPUTS).and_then(|text| serde_json::from_str(text).ok());
        diff.extend(changed_inputs(&before.unwrap_or_default(), &build.inputs));
        if diff.is_empty() {
            diff.push(row("context", labels.get(label::BUILD_HASH), hash));
        }
    }
    let base = base_ids(bases, world);
    if labels.get(label::BUILD_BASE).unwrap_or("") != base {
        diff.push(row("base", labels.get(label::BUILD_BASE), &base));
    }
    diff.extend(changed_bases(desired, image, build, world));
    diff.extend(too_old(desired, image));
    diff.extend(further_tags(desired.spec).iter().filter_map(|tag| other_tag(tag, image, world)));
    if labels.get(label::BUILD_HASH) == Some(hash) {
        let revision = keep::missing_tag(desired, image, world);
        diff.extend(revision.and_then(|tag| other_tag(&tag, image, world)));
    }
    diff
}

fn row(field: &str, from: Option<&str>, to: &str) -> FieldDiff {
    FieldDiff {
        field: field.to_owned(),
        from: from.map_or(Value::Null, |text| json!(text)),
        to: json!(to),
        impact: Impact::Replace,
    }
}

/// Which inputs are others now, if the build before has noted its own.
fn changed_inputs(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<FieldDiff> {
    if before.is_empty() {
        return Vec::new();
    }
    let mut diff = Vec::new();
    for (part, digest) in now {
        let known = before.get(part).map(String::as_str);
        if known != Some(digest) {
            diff.push(row(part, known, digest));
        }
    }
    for (part, digest) in before.iter().filter(|(part, _)| !now.contains_key(*part)) {
        diff.push(FieldDiff { to: Value::Null, ..row(part, Some(digest), "") });
    }
    diff
}

fn changed_bases(desired: &Desired<'_>, image: &Image, build: &BuildFacts, world: &World) -> Vec<FieldDiff> {
    if !follows_base(desired.spec) {
        return Vec::new();
    }
    let noted = image.labels().get(label::BUILD_BASE_DIGEST).unwrap_or("");
    let known = |base: &str| {
        let name = ImageReference::parse(base).normal();
        noted.split(',').find_map(|noted| noted.strip_prefix(&name)?.strip_prefix('@'))
    };
    let changed = build.outside.iter().filter_map(|base| match world.remote(base)? {
        Remote::Found(found) if known(base) != Some(&found.digest) => {
            Some(row(&format!("base.{base}"), known(base), &found.digest))
        }
        Remote::Found(_) | Remote::Missing | Remote::Unknown(_) | Remote::NotAsked => None,
    });
    changed.collect()
}

fn too_old(desired: &Desired<'_>, image: &Image) -> Option<FieldDiff> {
    let after = desired.spec.value("rebuild")?["after"].as_i64()?;
    let made = image.attributes.text("Created")?;
    let age = desired.facts.now - made.parse::<jiff::Timestamp>().ok()?.as_second();
    (age > after).then(|| row("rebuild.after", Some(made), &format!("not older than {} h", after / 3600)))
}

/// A further name that points elsewhere, or nowhere.
fn other_tag(tag: &str, image: &Image, world: &World) -> Option<FieldDiff> {
    let named = world.image(tag);
    let is_it = named.is_some_and(|named| named.id == image.id);
    (!is_it).then(|| FieldDiff {
        impact: Impact::Update,
        ..row(
            &format!("tags.{tag}"),
            named.map(|named| named.id.to_string()).as_deref(),
            &image.id.to_string(),
        )
    })
}

/// The ids of the declared images that a build starts from.
fn base_ids(bases: &[String], world: &World) -> String {
    let ids: Vec<_> =
        bases.iter().filter_map(|base| world.image(base)).map(|image| image.id.to_string()).collect();
    ids.join(",")
}

/// Puts further names back.
pub fn name_again(image: &Target, diff: &[FieldDiff]) -> Planned {
    let tags = diff.iter().filter_map(|row| row.field.strip_prefix("tags."));
    let tag = |tag: &str| Step::TagImage { image: image.clone(), reference: tag.to_owned() };
    Planned::new(Action::Tag, Steps { prepare: tags.map(tag).collect(), ..Steps::default() })
}

/// Builds, tries if that is wanted, and names.
pub fn make(desired: &Desired<'_>, diff: &[FieldDiff], world: &mut World) -> Planned {
    let reference = reference(desired.name, desired.spec);
    let mut prepare = newer_bases(desired, world);
    let image = world.next_planned();
    let trial = trial::wanted(desired.spec);
    let mut build = request(desired, &reference, world);
    build.options.no_cache |= diff.iter().any(|row| row.field == "rebuild.after");
    let mut names = further_tags(desired.spec);
    names.extend(keep::next_tag(desired, world));
    if trial.is_some() {
        build.naming = Naming::Unnamed;
        names.insert(0, reference.clone());
    }
    prepare.push(Step::BuildImage { image: image.clone(), build: Box::new(build) });
    if let Some(command) = trial {
        prepare.extend(trial::steps(desired, &reference, &image, command, world));
    }
    let image = Target::new(&image, &reference);
    prepare.extend(names.into_iter().map(|tag| Step::TagImage { image: image.clone(), reference: tag }));
    Planned::new(Action::Build, Steps { prepare, ..Steps::default() })
}

/// Bases that have changed are pulled as what the registry said, so that nothing slips in between.
fn newer_bases(desired: &Desired<'_>, world: &mut World) -> Vec<Step> {
    let mut steps = Vec::new();
    let Some(SourceFact::Context { build, .. }) = desired.facts.sources.get(desired.name) else {
        return steps;
    };
    for base in build.outside.iter().filter(|_| follows_base(desired.spec)) {
        let Some(digest) = world.remote(base).and_then(Remote::digest).map(str::to_owned) else { continue };
        if world.image(base).is_none_or(|image| !has_digest(image, base, &digest)) {
            let image = world.next_planned();
            let platform = desired.spec.text("platform").map(str::to_owned);
            steps.push(Step::PullImage { image, reference: base.clone(), digest: Some(digest), platform });
        }
    }
    steps
}

fn request(desired: &Desired<'_>, reference: &str, world: &World) -> BuildSpec {
    let spec = desired.spec;
    let needs_buildkit = match desired.facts.sources.get(desired.name) {
        Some(SourceFact::Context { build, .. }) => !build.needs.is_empty(),
        _ => false,
    };
    BuildSpec {
        tag: reference.to_owned(),
        naming: Naming::Named,
        context: PathBuf::from(spec.text("context").unwrap_or("")),
        dockerfile: spec.text("dockerfile").unwrap_or("Dockerfile").to_owned(),
        args: texts(spec, "args"),
        target: spec.text("target").map(str::to_owned),
        labels: labels(desired, world),
        origin: Some(origin(desired, reference)),
        options: options(spec),
        builder: if needs_buildkit { Builder::Buildx } else { Builder::Classic },
    }
}

/// What the record of the build says that is known now. The rest is known when it is built.
fn origin(desired: &Desired<'_>, reference: &str) -> Origin {
    let spec = desired.spec;
    let names = std::iter::once(reference.to_owned()).chain(further_tags(spec));
    Origin {
        owner: desired.owner.clone(),
        names: names.collect(),
        metadata: spec.value("metadata").cloned().unwrap_or_default(),
        is_validated: trial::wanted(spec).is_some(),
        files: match spec.value("metadata_files") {
            Some(Value::Bool(false)) => RecordFiles::LeftOut,
            Some(_) | None => RecordFiles::Written,
        },
    }
}

fn labels(desired: &Desired<'_>, world: &World) -> BTreeMap<String, String> {
    let mut labels = texts(desired.spec, "labels");
    let methods = desired.spec.value("lifecycle").map(|methods| form::LIFECYCLE.send(methods));
    let methods = methods.iter().filter_map(Value::as_object).flatten();
    labels.extend(methods.filter_map(|(key, command)| Some((key.clone(), command.as_str()?.to_owned()))));
    let Some(SourceFact::Context { hash, bases, build }) = desired.facts.sources.get(desired.name) else {
        return labels;
    };
    labels.insert(label::BUILD_HASH.to_owned(), hash.clone());
    labels.insert(label::BUILD_INPUTS.to_owned(), json!(build.inputs).to_string());
    if bases.is_empty() && build.outside.is_empty() {
        return labels;
    }
    let noted =
        [(label::BUILD_BASE, base_ids(bases, world)), (label::BUILD_BASE_DIGEST, base_digests(build, world))];
    for (key, value) in noted {
        // What is not said is inherited from the base, and would be wrong.
        labels.insert(key.to_owned(), value);
    }
    labels
}

/// What the bases that no state declares point to, as far as it is known before the build.
fn base_digests(build: &BuildFacts, world: &World) -> String {
    let digest = |base: &String| {
        let name = ImageReference::parse(base);
        let told = match world.remote(base).and_then(Remote::digest) {
            Some(digest) => Some(digest.to_owned()),
            None => world.image(base).and_then(|image| own_digest(&name, image)),
        }?;
        Some(format!("{}@{told}", name.normal()))
    };
    build.outside.iter().filter_map(digest).collect::<Vec<_>>().join(",")
}

/// The digest of an image in the repository of a name, if there is exactly one.
fn own_digest(name: &ImageReference, image: &Image) -> Option<String> {
    let ImageReference::Named { registry, repository, .. } = name else { return None };
    let mut digests = image.digests.iter().filter_map(|known| match ImageReference::parse(known) {
        ImageReference::Named { registry: r, repository: p, digest: Some(digest), .. }
            if r == *registry && p == *repository =>
        {
            Some(digest)
        }
        _ => None,
    });
    digests.next().filter(|_| digests.next().is_none())
}

fn options(spec: &Spec) -> BuildOptions {
    let is_on = |field: &str| spec.value(field) == Some(&Value::Bool(true));
    let list = |value: Value| -> Vec<String> {
        let items = value.as_array().cloned().unwrap_or_default();
        items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    BuildOptions {
        platform: spec.text("platform").map(str::to_owned),
        network: spec.text("network").map(str::to_owned),
        cache_from: spec.value("cache_from").cloned().map(list).unwrap_or_default(),
        no_cache: is_on("no_cache"),
        pull: is_on("pull"),
        extra_hosts: spec
            .value("extra_hosts")
            .map(|hosts| list(form::EXTRA_HOSTS.send(hosts)))
            .unwrap_or_default(),
        limits: limits(spec),
        secrets: secrets(spec),
    }
}

/// Our words for limits, and the API's.
const LIMITS: &[(&str, &str)] = &[
    ("shm_size", "shmsize"),
    ("memory", "memory"),
    ("memory_swap", "memswap"),
    ("cpu_shares", "cpushares"),
    ("cpu_period", "cpuperiod"),
    ("cpu_quota", "cpuquota"),
    ("cpuset_cpus", "cpusetcpus"),
    ("ulimits", "ulimits"),
];

fn limits(spec: &Spec) -> BTreeMap<String, String> {
    let sent = |field: &str, value: &Value| match (field, value) {
        ("ulimits", limits) => form::ULIMITS.send(limits).to_string(),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    };
    let declared = LIMITS.iter().filter_map(|(field, word)| {
        let value = spec.value(field).filter(|value| !value.is_null())?;
        Some(((*word).to_owned(), sent(field, value)))
    });
    declared.collect()
}

fn secrets(spec: &Spec) -> BTreeMap<String, SecretOrigin> {
    let origin = |origin: &Value| match (origin["file"].as_str(), origin["env"].as_str()) {
        (Some(file), _) => Some(SecretOrigin::File(PathBuf::from(file))),
        (None, Some(name)) => Some(SecretOrigin::Env(name.to_owned())),
        (None, None) => None,
    };
    let secrets = spec.value("secrets").and_then(Value::as_object).into_iter().flatten();
    secrets.filter_map(|(id, from)| Some((id.clone(), origin(from)?))).collect()
}

fn texts(spec: &Spec, field: &str) -> BTreeMap<String, String> {
    let map = spec.value(field).and_then(Value::as_object);
    map.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::FieldDiff;
    use crate::resource::kind::Facts;
    use crate::world::{Attributes, Gate, Id, Owner};

    fn desired<'a>(spec: &'a Spec, facts: &'a Facts, owner: &'a Owner) -> Desired<'a> {
        let function = &super::super::FUNCTIONS[1];
        let (id, gate) = ("web:1".to_owned(), Gate::default());
        Desired {
            id,
            name: "web:1",
            function,
            spec,
            owner,
            was: None,
            protect: false,
            facts,
            gate,
            yields: false,
        }
    }

    fn fields(diff: &[FieldDiff]) -> Vec<&str> {
        diff.iter().map(|row| row.field.as_str()).collect()
    }

    #[test]
    fn an_image_that_is_too_old_is_built_without_what_is_kept() {
        let place = crate::source::Place::outside("test");
        let mut spec = Spec::default();
        spec.insert("rebuild", json!({"after": 3600}), &place);
        let made = "2026-01-01T00:00:00Z";
        let at: i64 = made.parse::<jiff::Timestamp>().expect("a time").as_second();
        let build = BuildFacts::default();
        let source = SourceFact::Context { hash: "h".to_owned(), bases: Vec::new(), build };
        let attributes =
            Attributes::observed(json!({"Created": made, "Config": {"Labels": {label::BUILD_HASH: "h"}}}));
        let image = Image { id: Id::Engine("sha256:1".to_owned()), digests: Vec::new(), attributes };
        let owner = Owner { project: "p".to_owned(), env: "e".to_owned() };
        for (age, expected) in [(3600, Vec::new()), (3601, vec!["rebuild.after"])] {
            let facts = Facts {
                now: at + age,
                sources: [("web:1".to_owned(), source.clone())].into(),
                ..Facts::default()
            };
            let desired = desired(&spec, &facts, &owner);
            let found = diff(&desired, &image, &World::default());
            assert_eq!(fields(&found), expected);
            let planned = make(&desired, &found, &mut World::default());
            let Some(Step::BuildImage { build, .. }) = planned.steps.prepare.first() else {
                panic!("no build")
            };
            assert_eq!(build.options.no_cache, !expected.is_empty());
        }
    }

    #[test]
    fn the_inputs_that_changed_are_named() {
        let of = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        let before = of(&[("args.V", "1"), ("files.a", "2"), ("files.b", "3")]);
        let now = of(&[("args.V", "4"), ("files.a", "2"), ("files.c", "5")]);
        assert_eq!(fields(&changed_inputs(&before, &now)), ["args.V", "files.c", "files.b"]);
        assert_eq!(fields(&changed_inputs(&BTreeMap::new(), &now)), Vec::<&str>::new());
    }
}
