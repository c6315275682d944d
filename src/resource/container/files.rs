//! The files that a container is to have: what differs, and the steps that put them there.

use serde_json::{Value, json};

use super::hooks::About;
use crate::plan::{FieldDiff, Impact};
use crate::resource::kind::Desired;
use crate::resource::spec::Spec;
use crate::source::{Diagnostic, Diagnostics, holds_token};
use crate::world::{
    Container, File, FileContent, FileTime, Hook, HookCommand, Moment, SeenFile, Step, Target, World,
};

/// What is done when a file is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnChange {
    Restart,
    Replace,
    Signal(String),
    Exec(Vec<String>),
}

pub fn on_change(spec: &Spec) -> OnChange {
    let declared = spec.value("on_change");
    match declared {
        Some(Value::String(word)) if word == "replace" => OnChange::Replace,
        Some(Value::Object(told)) => match (told.get("signal").and_then(Value::as_str), told.get("exec")) {
            (Some(signal), _) => OnChange::Signal(signal.to_owned()),
            (None, words) => OnChange::Exec(
                words.and_then(|words| serde_json::from_value(words.clone()).ok()).unwrap_or_default(),
            ),
        },
        _ => OnChange::Restart,
    }
}

/// The files of a spec whose contents are known.
pub fn declared(spec: &Spec) -> Vec<File> {
    let files = spec.value("files").and_then(Value::as_object);
    files.into_iter().flatten().filter_map(|(path, file)| read(path, file)).collect()
}

fn read(path: &str, file: &Value) -> Option<File> {
    let number = |key: &str| file[key].as_u64().and_then(|number| u32::try_from(number).ok());
    let content = match (file["content"].as_str(), file["base64"].as_str()) {
        (Some(text), _) => FileContent::Text(text.to_owned()),
        (None, Some(encoded)) => FileContent::from_base64(encoded)?,
        (None, None) => return None,
    };
    let is_secret =
        matches!(&content, FileContent::Text(text) if holds_token(text)) || file["hidden"] == true;
    Some(File {
        path: path.to_owned(),
        is_secret,
        content,
        mode: number("mode")?,
        uid: number("uid")?,
        gid: number("gid")?,
    })
}

/// The step that puts all files into a container that is made.
pub fn put(spec: &Spec, container: &Target) -> Option<Step> {
    let files = declared(spec);
    (!files.is_empty()).then(|| Step::PutFiles {
        container: container.clone(),
        files,
        time: FileTime::Settled,
    })
}

/// Where the files of a container differ from what is declared. `keys` are those that it was made with, if that is
/// known.
pub fn diff(
    desired: &Desired<'_>,
    container: &Container,
    was_declared: Option<&dyn Fn(&str) -> bool>,
    world: &World,
) -> Vec<FieldDiff> {
    let seen = world.files.get(&container.id);
    let mut rows = Vec::new();
    let files = declared(desired.spec);
    for file in &files {
        let Some(seen) = seen.and_then(|seen| seen.get(&file.path)) else { continue };
        let is_new = was_declared.is_some_and(|was_declared| !was_declared(&key(&file.path)));
        let impact = match on_change(desired.spec) {
            // Nobody would know later whose file it was.
            _ if is_new => Impact::Replace,
            OnChange::Replace => Impact::Replace,
            _ if !container.state.is_up() => Impact::Update,
            OnChange::Restart => Impact::Restart,
            OnChange::Signal(_) => Impact::Signal,
            OnChange::Exec(_) => Impact::Update,
        };
        rows.extend(differences(file, seen, impact));
    }
    let labels = container.labels();
    let gone = labels.declared().filter_map(|key| key.strip_prefix("files."));
    let gone = gone.filter(|_| was_declared.is_some());
    rows.extend(gone.filter(|path| !files.iter().any(|file| file.path == *path)).map(|path| FieldDiff {
        field: key(path),
        from: json!("a file that was put there"),
        to: Value::Null,
        impact: Impact::Replace,
    }));
    rows
}

fn differences(file: &File, seen: &SeenFile, impact: Impact) -> Vec<FieldDiff> {
    let row = |part: &str, from: Value, to: Value| FieldDiff {
        field: format!("{}{part}", key(&file.path)),
        from,
        to,
        impact,
    };
    let SeenFile::Found { content, mode, uid, gid, is_pending } = seen else {
        return match seen {
            SeenFile::Missing => vec![row("", Value::Null, file.content.shown())],
            SeenFile::Other(what) => vec![row("", json!(what), file.content.shown())],
            _ => Vec::new(),
        };
    };
    let mut rows = Vec::new();
    if *content != file.content {
        rows.push(row("", content.shown(), file.content.shown()));
    }
    let octal = |mode: u32| json!(format!("{mode:04o}"));
    if *mode != file.mode {
        rows.push(row(".mode", octal(*mode), octal(file.mode)));
    }
    if (*uid, *gid) != (file.uid, file.gid) {
        let owner = |(uid, gid): (u32, u32)| json!(format!("{uid}:{gid}"));
        rows.push(row(".owner", owner((*uid, *gid)), owner((file.uid, file.gid))));
    }
    if *is_pending && rows.is_empty() {
        rows.push(row("", json!("put there, and the container was not told"), json!("told")));
    }
    rows
}

/// What stands in the way of files of a container that is there and stays.
pub fn blockers(desired: &Desired<'_>, world: &World) -> Vec<String> {
    let Some(container) = world.container(desired.name) else { return Vec::new() };
    let seen = world.files.get(&container.id).into_iter().flatten();
    let unreadable = seen.filter_map(|(path, seen)| match seen {
        SeenFile::Unreadable(reason) => Some((path, reason)),
        _ => None,
    });
    unreadable
        .map(|(path, reason)| {
            format!(
                "the file {path} of container {} cannot be looked at: {reason}; mend that in it, or remove the \
                 container, so that it is made anew",
                container.name
            )
        })
        .collect()
}

/// The files that rows are about and that are put into the container as it is.
pub fn to_put(desired: &Desired<'_>, diff: &[FieldDiff]) -> Vec<File> {
    let files = declared(desired.spec).into_iter();
    let is_about = |file: &File, row: &FieldDiff| {
        let rest = row.field.strip_prefix(&key(&file.path));
        matches!(rest, Some("" | ".mode" | ".owner"))
    };
    files.filter(|file| diff.iter().any(|row| is_about(file, row))).collect()
}

/// Puts files into a container that is to know of them: the steps before it is told, and those after.
pub struct Told {
    pub before: Vec<Step>,
    pub after: Vec<Step>,
}

/// The steps around a restart or a signal. What a command tells it is among those before.
pub fn tell(desired: &Desired<'_>, container: &Target, is_up: bool, files: Vec<File>, about: &About) -> Told {
    let put = |time| Step::PutFiles { container: container.clone(), files: files.clone(), time };
    if files.is_empty() {
        return Told { before: Vec::new(), after: Vec::new() };
    }
    if !is_up {
        return Told { before: vec![put(FileTime::Settled)], after: Vec::new() };
    }
    let mut before = vec![put(FileTime::Pending)];
    if let OnChange::Exec(words) = on_change(desired.spec) {
        let hook = Hook {
            moment: Moment::OnChange,
            command: HookCommand::New(words),
            name: about.name.clone(),
            old: None,
            new: Some(container.clone()),
        };
        before.push(Step::RunHook { hook: Box::new(hook) });
    }
    Told { before, after: vec![put(FileTime::Settled)] }
}

/// Puts digests in place of contents. What is secret has not even that.
pub fn without_contents(files: &mut Value) {
    for (path, file) in files.as_object_mut().into_iter().flatten() {
        let Some(known) = read(path, file) else { continue };
        let mut left = json!({"mode": known.mode, "uid": known.uid, "gid": known.gid});
        match known.is_secret {
            true => left["hidden"] = json!(true),
            false => left["sha256"] = json!(known.content.digest()),
        }
        *file = left;
    }
}

/// The names by which the label of declared fields has the files.
pub fn declared_keys(spec: &Spec) -> Vec<String> {
    let files = spec.value("files").and_then(Value::as_object).into_iter().flatten();
    files.map(|(path, _)| key(path)).filter(|key| !key.contains(',')).collect()
}

fn key(path: &str) -> String {
    format!("files.{path}")
}

/// Finds files that would never be seen in the container.
pub fn check(spec: &Spec) -> Diagnostics {
    let mut problems = Diagnostics::default();
    if let (Some(declared), None) = (spec.get("on_change"), spec.get("files")) {
        problems.push(
            Diagnostic::error(&declared.place, "`on_change` is about `files`, and there are none")
                .hint("remove it, or use `watch_action` for what is watched"),
        );
    }
    let Some(files) = spec.get("files") else { return problems };
    let is_true = |field: &str| spec.value(field) == Some(&Value::Bool(true));
    let tmpfs = spec.value("tmpfs").and_then(Value::as_object).into_iter().flatten().map(|(path, _)| path);
    let tmpfs: Vec<&String> = tmpfs.collect();
    let mounts: Vec<(&String, &Value)> =
        spec.value("volumes").and_then(Value::as_object).into_iter().flatten().collect();
    for (path, _) in files.value.as_object().into_iter().flatten() {
        let mut refuse = |what: String, hint: &str| {
            problems.push(Diagnostic::error(&files.place, what).hint(hint));
        };
        let below = |at: &String| std::path::Path::new(path).starts_with(at);
        let mount = mounts.iter().filter(|(at, _)| below(at)).max_by_key(|(at, _)| at.len());
        if let Some(at) = tmpfs.iter().find(|at| below(at)) {
            refuse(
                format!("{path} lies in `tmpfs` {at}, which is empty whenever the container starts"),
                "put it elsewhere, or mount a volume there",
            );
        } else if let Some((at, mount)) = mount {
            if mount["type"] == "tmpfs" {
                refuse(
                    format!("{path} lies in the tmpfs at {at}, which is empty whenever the container starts"),
                    "put it elsewhere",
                );
            } else if *at == path {
                refuse(
                    format!("{path} is mounted, and no file of the container's own"),
                    "leave one of the two out",
                );
            } else if mount["read_only"] == true {
                refuse(format!("{path} lies in {at}, which is mounted read-only"), "put it elsewhere");
            }
        } else if files
            .value
            .as_object()
            .into_iter()
            .flatten()
            .any(|(other, _)| other != path && below(other))
        {
            refuse(
                format!("{path} lies below another one of the files"),
                "a file is no folder: choose another path",
            );
        } else if is_true("read_only") {
            refuse(
                format!("{path} cannot be put into a container with `read_only: true`"),
                "the engine writes nothing into it either: mount the file with `volumes`, or a volume around it",
            );
        }
    }
    problems
}
