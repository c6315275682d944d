//! The options of an image, one row each.

use super::super::field::{At, Field, Impact, Spelling, Unset, plain, salt};
use super::super::form::{self, Form};
use super::super::spec::Spec;

/// A row of this kind: nothing of an image can be changed, it can only be asked for again.
const fn row(
    name: &'static str,
    spellings: &'static [Spelling],
    form: &'static dyn Form,
    doc: &'static str,
) -> Field {
    Field {
        name,
        spellings,
        at: At::Policy,
        form,
        unset: Unset::Unmanaged("an image is made anew as a whole"),
        impact: Impact::Replace,
        removal: Impact::Replace,
        since: (1, 41),
        doc,
    }
}

/// An option of how a build goes about it, which is no reason to build again.
const fn how(
    name: &'static str,
    spellings: &'static [Spelling],
    form: &'static dyn Form,
    doc: &'static str,
) -> Field {
    let row = row(name, spellings, form, doc);
    Field { impact: Impact::Note, removal: Impact::Note, ..row }
}

const CACHE_FROM: &[Spelling] = &[plain("cache_from"), salt("cache_from")];
const NO_CACHE: &[Spelling] = &[plain("no_cache"), salt("nocache")];
const PULL: &[Spelling] = &[plain("pull"), salt("pull")];
const SHM_SIZE: &[Spelling] = &[plain("shm_size")];
const ULIMITS: &[Spelling] = &[plain("ulimits")];
const MEMORY: &[Spelling] = &[plain("memory"), plain("mem_limit")];
const MEMORY_SWAP: &[Spelling] = &[plain("memory_swap"), plain("memswap_limit")];
const CPU_SHARES: &[Spelling] = &[plain("cpu_shares")];
const CPU_PERIOD: &[Spelling] = &[plain("cpu_period")];
const CPU_QUOTA: &[Spelling] = &[plain("cpu_quota")];
const CPUSET_CPUS: &[Spelling] = &[plain("cpuset_cpus"), plain("cpuset")];
const REBUILD: &[Spelling] = &[plain("rebuild")];
const TAGS: &[Spelling] = &[plain("tags")];
const KEEP: &[Spelling] = &[plain("keep")];
const VALIDATE: &[Spelling] = &[plain("validate")];
const METADATA: &[Spelling] = &[plain("metadata")];
const LIFECYCLE: &[Spelling] = &[plain("lifecycle")];
const METADATA_FILES: &[Spelling] = &[plain("metadata_files")];

static PRESENT: &[Field] = &[
    row(
        "pull",
        &[plain("pull"), plain("pull_policy")],
        &form::PULL,
        "When the registry is asked: `missing` (default: only if the engine does not have the image), `always`, `never`, or a time such as `12h` (asked again when the image was pulled longer ago).",
    ),
    row(
        "platform",
        &[plain("platform"), salt("platform")],
        &form::TEXT,
        "The platform to pull for, such as `linux/arm64`.",
    ),
    how(
        "keep",
        KEEP,
        &form::INTEGER,
        "How many superseded images of this name are kept, such as `2`. Without it all are left alone. With it each image that is made or pulled for this state gets a revision of the name as a further tag (`web:1.r4`), by which it is known later; what has none is never removed, nor what a container needs, running or not, nor what has another name.",
    ),
    row(
        "tag",
        &[plain("tag"), salt("tag")],
        &form::TEXT,
        "The tag, if the name has none, or a range of versions, as in a container's `image`.",
    ),
    row("force", &[salt("force")], &form::BOOL, "As `pull: always`."),
    row("client_timeout", &[salt("client_timeout")], &form::DURATION_SECONDS, "Accepted for Salt's sake."),
    row(
        "insecure_registry",
        &[salt("insecure_registry")],
        &form::BOOL,
        "Accepted for Salt's sake; the engine's configuration decides.",
    ),
];

static BUILT: &[Field] = &[
    row(
        "context",
        &[plain("context"), salt("build")],
        &form::LOCAL_PATH,
        "The folder to build from, relative to the state file. `.dockerignore` in it is obeyed.",
    ),
    row(
        "dockerfile",
        &[plain("dockerfile"), salt("dockerfile")],
        &form::TEXT,
        "The Dockerfile, relative to the context (default `Dockerfile`).",
    ),
    row(
        "args",
        &[plain("args"), plain("buildargs"), salt("args")],
        &form::STRING_MAP,
        "Values for the `ARG` lines.",
    ),
    row("target", &[plain("target"), salt("target")], &form::TEXT, "The stage to build, if not the last."),
    row(
        "labels",
        &[plain("labels"), salt("labels")],
        &form::LABELS,
        "Labels, as a mapping or a list of `key=value`.",
    ),
    Field {
        impact: Impact::Update,
        removal: Impact::Note,
        ..row(
            "tags",
            TAGS,
            &form::STRING_LIST,
            "Further names that the image gets. One that is moved or removed by hand is put back; one that is taken out of the list stays.",
        )
    },
    row(
        "platform",
        &[plain("platform"), salt("platform")],
        &form::TEXT,
        "The platform to build for, such as `linux/arm64`, as far as the engine can.",
    ),
    row(
        "network",
        &[plain("network"), salt("network")],
        &form::TEXT,
        "The network of `RUN`: `default`, `none`, `host`, or the name of one.",
    ),
    row(
        "extra_hosts",
        &[plain("extra_hosts"), salt("extra_hosts")],
        &form::EXTRA_HOSTS,
        "Names that `RUN` finds in `/etc/hosts`.",
    ),
    row(
        "secrets",
        &[plain("secrets")],
        &form::BUILD_SECRETS,
        "What `RUN --mount=type=secret` finds, by id: a file of this machine or a variable of evenkeel's environment. Needs BuildKit. They are read by `docker buildx` alone; another content is no reason to build again.",
    ),
    row(
        "metadata",
        METADATA,
        &form::METADATA,
        "Whatever is to be known of the image, as a mapping of any YAML. It stands in the record of the build, which the image and all that are built from it carry; `evenkeel metadata` shows it.",
    ),
    row(
        "lifecycle",
        LIFECYCLE,
        &form::LIFECYCLE,
        "The commands by which what runs from the image is started, updated and validated, as labels `io.evenkeel.lifecycle.*`. What is not said here is as in the base image.",
    ),
    row(
        "metadata_files",
        METADATA_FILES,
        &form::BOOL,
        "Whether the records also lie in the image, as files in `/usr/share/evenkeel/metadata.d` (default `true`).",
    ),
    how("cache_from", CACHE_FROM, &form::STRING_LIST, "Images whose layers may be used again."),
    how(
        "no_cache",
        NO_CACHE,
        &form::BOOL,
        "Builds every step anew when there is a reason to build (default `false`).",
    ),
    how(
        "pull",
        PULL,
        &form::BOOL,
        "Lets the builder ask the registry for newer base images when it builds (default `false`).",
    ),
    how("shm_size", SHM_SIZE, &form::SHM_SIZE, "Size of `/dev/shm` for `RUN`."),
    how("ulimits", ULIMITS, &form::ULIMITS, "Limits of the kernel for `RUN`."),
    how("memory", MEMORY, &form::SIZE, "Memory for a step. Not with BuildKit."),
    how(
        "memory_swap",
        MEMORY_SWAP,
        &form::MEMORY_SWAP,
        "Memory and swap together for a step. Not with BuildKit.",
    ),
    how("cpu_shares", CPU_SHARES, &form::CPU_SHARES, "Weight of a step. Not with BuildKit."),
    how("cpu_period", CPU_PERIOD, &form::COUNT, "Length of a CPU period in microseconds. Not with BuildKit."),
    how(
        "cpu_quota",
        CPU_QUOTA,
        &form::COUNT,
        "Microseconds of a CPU period that a step may use. Not with BuildKit.",
    ),
    how(
        "cpuset_cpus",
        CPUSET_CPUS,
        &form::TEXT,
        "CPUs that a step may run on, such as `0-2`. Not with BuildKit.",
    ),
    how(
        "rebuild",
        REBUILD,
        &form::REBUILD,
        "When the image is built again although nothing here has changed: `base_changed: true` asks the registry of the bases that no state declares, `after: 7d` builds every step anew when the image is older.",
    ),
    how(
        "validate",
        VALIDATE,
        &form::VALIDATION,
        "What has to end well, with exit code 0, in a throw-away container before the image gets its name: a command, or `true` for what the image's label `io.evenkeel.lifecycle.validate` says.",
    ),
    how(
        "keep",
        KEEP,
        &form::INTEGER,
        "How many superseded images of this name are kept, such as `2`. Without it all are left alone. With it each image that is made or pulled for this state gets a revision of the name as a further tag (`web:1.r4`), by which it is known later; what has none is never removed, nor what a container needs, running or not, nor what has another name.",
    ),
    row("tag", &[salt("tag")], &form::TEXT, "The tag, if the name has none."),
];

static LOADED: &[Field] = &[row(
    "path",
    &[plain("path"), salt("load")],
    &form::LOCAL_PATH,
    "The archive that `docker save` wrote, relative to the state file. It has to contain an image of this name.",
)];

static ABSENT: &[Field] = &[row(
    "force",
    &[plain("force"), salt("force")],
    &form::BOOL,
    "Accepted for Salt's sake; an image that a container uses is never removed.",
)];

/// What a copy is made of.
const fn source(doc: &'static str) -> Field {
    const WORDS: &[Spelling] = &[plain("source"), salt("source")];
    row("source", WORDS, &form::TEXT, doc)
}

static TAGGED: &[Field] = &[source(
    "The image that the tag is to point to: another name, or an image id. One that no state declares is pulled if it is not there.",
)];

static PUSHED: &[Field] = &[source(
    "The image that is pushed under this name, if it is called otherwise on the engine: it gets the name as a tag first.",
)];

static SAVED: &[Field] = &[row(
    "path",
    &[plain("path"), salt("path")],
    &form::LOCAL_PATH,
    "The archive, relative to the state file. Its folder has to be there. It is written beside itself and then put in its place, readable for its owner only.",
)];

/// What a function takes.
pub fn of(function: &str) -> &'static [Field] {
    match function {
        "built" => BUILT,
        "loaded" => LOADED,
        "tagged" => TAGGED,
        "pushed" => PUSHED,
        "saved" => SAVED,
        "absent" => ABSENT,
        _ => PRESENT,
    }
}

/// The reference that a state means: its name, with Salt's separate tag.
pub fn reference(name: &str, spec: &Spec) -> String {
    match spec.text("tag") {
        Some(tag) => format!("{name}:{tag}"),
        None => name.to_owned(),
    }
}

/// When the registry is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull {
    Missing,
    Always,
    Never,
    /// If the image was pulled more than this many seconds ago.
    OlderThan(i64),
}

/// The pull policy of a state.
pub fn pull(spec: &Spec) -> Pull {
    if spec.value("force") == Some(&serde_json::Value::Bool(true)) {
        return Pull::Always;
    }
    match spec.value("pull") {
        Some(value) if value == "always" => Pull::Always,
        Some(value) if value == "never" => Pull::Never,
        Some(value) => value.as_i64().map_or(Pull::Missing, Pull::OlderThan),
        None => Pull::Missing,
    }
}
