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
    row("tag", &[salt("tag")], &form::TEXT, "The tag, if the name has none."),
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
