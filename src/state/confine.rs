//! What a tree that others have written may not ask of this machine: to run anything, to read or write
//! anything but itself, to say how registries are spoken to. Everything is refused here, before any of
//! it is looked at.

use std::path::Path;

use serde_json::Value;

use super::bounds::Bounds;
use super::chunk::Chunk;
use super::graph::State;
use super::inputs::Trust;
use super::policy::{ambiguous, created};
use super::secrets::used_by;
use crate::resource::Presence;
use crate::secret::{Declarations, Origin};
use crate::source::{Diagnostic, Diagnostics, Entry, Node, Place};
use crate::world::Owner;

/// Arguments that run or look at something here.
const GUARDS: [&str; 4] = ["onlyif", "unless", "creates", "check_cmd"];
/// Arguments that may run something here, beside what they run in containers.
const HOOKS: [&str; 4] = ["pre_replace", "post_start", "pre_stop", "post_replace"];
/// Options of a registry that decide whom a login of this host is sent to.
const TRANSPORT: [&str; 2] = ["insecure", "mirrors"];
/// What the builder reads beside a Dockerfile.
const IGNORED: &str = ".dockerignore";
/// By these evenkeel knows what is whose.
const OWN_LABELS: &str = "io.evenkeel.";
/// What makes a folder a repository, whose settings say which programs `git` runs.
const REPOSITORY: [&str; 3] = ["HEAD", "objects", "refs"];

/// Refuses the guards of a state, unless the host allows them.
pub fn guards(chunk: &Chunk, trust: &Trust, problems: &mut Diagnostics) {
    if !matches!(trust, Trust::Pushed { guards: false, .. }) {
        return;
    }
    let said = chunk.arguments.entries.iter();
    let runs_here = |entry: &&Entry| {
        let is_guard = GUARDS.contains(&entry.key.as_str());
        !entry.value.is_null() && (is_guard || HOOKS.contains(&entry.key.as_str()) && is_here(&entry.value))
    };
    for entry in said.filter(runs_here) {
        let does = if HOOKS.contains(&entry.key.as_str()) { "runs something on" } else { "asks" };
        let what = format!("`{}` is refused: it {does} this host, and the tree was pushed to it", entry.key);
        problems.push(
            Diagnostic::error(&entry.key_place, what)
                .hint("remove it, or let who keeps the host allow guards in its own configuration"),
        );
    }
}

/// Refuses secrets that a state uses and that come from this host, unless the host allows guards.
pub fn secrets(
    state: &State,
    declarations: &Declarations,
    trust: &Trust,
    bounds: &Bounds,
    problems: &mut Diagnostics,
) {
    let Trust::Pushed { guards, .. } = trust else { return };
    for (name, place) in used_by(state) {
        let declared = declarations.named.get(&name);
        let usual = || declarations.usual_files().into_iter().any(|file| bounds.leave_out(&file));
        let from = match declared.map(|declared| &declared.origin) {
            None if usual() => "a file outside of the tree",
            Some(Origin::Age { file, .. }) if bounds.leave_out(file) => "a file outside of the tree",
            Some(Origin::File(path)) if bounds.leave_out(path) && !guards => "a file of this host",
            Some(Origin::Variable(_)) if !guards => "the environment of this host",
            Some(Origin::Command(_)) if !guards => "a command of this host",
            None | Some(Origin::Age { .. } | Origin::File(_) | Origin::Variable(_) | Origin::Command(_)) => {
                continue;
            }
        };
        let what =
            format!("the secret `{name}` is refused: it comes from {from}, and the tree was pushed to it");
        let problem = Diagnostic::error(&place, what).hint(
            "put it into a file of the tree that is encrypted with age (`evenkeel secret edit`), or let who keeps the \
             host allow guards in its own configuration",
        );
        problems.push(match declared {
            Some(declared) => problem.note(format!("it is declared at {}", declared.place)),
            None => problem,
        });
    }
}

/// True if a hook, or one of a list of them, is run on this machine.
fn is_here(hooks: &Node) -> bool {
    let items = hooks.as_list().unwrap_or(std::slice::from_ref(hooks));
    let mut keys = items.iter().filter_map(Node::as_map).flatten().map(|entry| entry.key.as_str());
    keys.any(|key| matches!(key, "here" | "controller" | "host"))
}

/// Refuses an option of a registry that is the host's to decide.
pub fn registry(option: &Entry, folder: &Path, bounds: &Bounds, problems: &mut Diagnostics) {
    if bounds.is_open() {
        return;
    }
    let refused = |what: String| Diagnostic::error(&option.key_place, what);
    if TRANSPORT.contains(&option.key.as_str()) {
        let what = "a login of the host would be sent there, and the tree was pushed to it";
        problems.push(
            refused(format!("`{}` is refused: {what}", option.key))
                .hint("remove it; the host's own configuration decides how registries are spoken to"),
        );
    }
    if let ("ca", Some(path)) = (option.key.as_str(), option.value.text())
        && bounds.leave_out(&folder.join(path))
    {
        problems.push(outside(&option.value.place, "ca", path));
    }
}

/// Refuses what a state reads and writes outside of the tree.
pub fn files(state: &State, bounds: &Bounds, problems: &mut Diagnostics) {
    if bounds.is_open() {
        return;
    }
    for field in state.kind.fields(state.function.name).iter().filter(|field| field.form.is_local()) {
        let Some(declared) = state.spec.get(field.name) else { continue };
        if let Some(path) = declared.value.as_str()
            && bounds.leave_out(Path::new(path))
        {
            problems.push(outside(&declared.place, field.name, &shown(path, bounds)));
        }
    }
    match (state.kind.name(), state.function.name) {
        ("container", _) => {
            raw(state, problems);
            sources(state, bounds, problems);
        }
        ("image", "built") => build(state, bounds, problems),
        ("image", "saved") => problems.push(
            Diagnostic::error(&state.place, "`image.saved` is refused: it writes to this host")
                .note("the tree was pushed to it")
                .hint("push the image to a registry instead, with `image.pushed`"),
        ),
        _ => {}
    }
}

/// Refuses names of the engine's API in another case: by them a tree could say whose its containers are.
fn raw(state: &State, problems: &mut Diagnostics) {
    let Some(raw) = state.spec.get("raw") else { return };
    if raw.value["Labels"].as_object().into_iter().flatten().any(|(name, _)| name.starts_with(OWN_LABELS)) {
        problems.push(
            Diagnostic::error(
                &raw.place,
                format!("labels that begin with `{OWN_LABELS}` are evenkeel's own"),
            )
            .hint("remove them from `raw`"),
        );
    }
    let nobody = Owner { project: String::new(), env: String::new() };
    if let Some(name) = ambiguous(&created(state, &state.spec, &nobody)) {
        problems.push(
            Diagnostic::error(&raw.place, format!("`{name}` stands here twice, in upper and lower case"))
                .note("the engine takes both for one, and the tree was pushed to this host")
                .hint("write it as the engine's API does, such as `HostConfig`"),
        );
    }
}

/// Refuses files of this host as files of a container.
fn sources(state: &State, bounds: &Bounds, problems: &mut Diagnostics) {
    let Some(declared) = state.spec.get("files") else { return };
    for file in declared.value.as_object().into_iter().flatten().map(|(_, file)| file) {
        for key in ["source", "template"] {
            if let Some(path) = file[key].as_str()
                && bounds.leave_out(Path::new(path))
            {
                problems.push(outside(&declared.place, "files", &shown(path, bounds)));
            }
        }
    }
}

/// Refuses what a build takes from elsewhere than the tree.
fn build(state: &State, bounds: &Bounds, problems: &mut Diagnostics) {
    let spec = &state.spec;
    let place = |field: &str| spec.get(field).map_or(&state.place, |declared| &declared.place);
    if let Some(context) = spec.text("context").map(Path::new).filter(|path| !bounds.leave_out(path)) {
        let dockerfile = spec.text("dockerfile").unwrap_or("Dockerfile");
        let beside = format!("{dockerfile}{IGNORED}");
        for name in [dockerfile, &beside, IGNORED] {
            if bounds.leave_out(&context.join(name)) {
                problems.push(outside(place("dockerfile"), "dockerfile", name));
            }
        }
        let around = context.ancestors().take_while(|folder| !bounds.leave_out(folder));
        if let Some(folder) = around.into_iter().find(|folder| is_repository(folder)) {
            let named = shown(&folder.to_string_lossy(), bounds);
            problems.push(
                Diagnostic::error(place("context"), format!("{named} has a git repository in it"))
                    .note("its settings say which programs git runs, and the tree was pushed to this host")
                    .hint("remove `.git`, or HEAD, objects and refs"),
            );
        }
    }
    for (id, origin) in spec.value("secrets").and_then(Value::as_object).into_iter().flatten() {
        if let Some(path) = origin["file"].as_str()
            && bounds.leave_out(Path::new(path))
        {
            problems.push(outside(place("secrets"), &format!("secrets.{id}"), &shown(path, bounds)));
        }
        if origin["env"].is_string() {
            let what = format!("`secrets.{id}` is refused: it reads the environment of this host");
            problems.push(
                Diagnostic::error(place("secrets"), what)
                    .note("the tree was pushed to it")
                    .hint("build the image elsewhere, and name it in the state"),
            );
        }
    }
    let caches = spec.value("cache_from").and_then(Value::as_array).into_iter().flatten();
    for cache in caches.filter_map(Value::as_str).filter(|cache| cache.contains('=')) {
        let what = format!("`cache_from` takes the names of images, `{cache}` may be anything of this host");
        problems.push(
            Diagnostic::error(place("cache_from"), what)
                .note("the tree was pushed to it")
                .hint("write `cache_from: [registry.example/web:cache]`"),
        );
    }
}

/// True if `git` would take the folder for a repository, or the top of one.
fn is_repository(folder: &Path) -> bool {
    let is_there = |name: &str| folder.join(name).symlink_metadata().is_ok();
    is_there(".git") || REPOSITORY.into_iter().all(is_there)
}

/// A path as who has written the tree knows it.
fn shown(path: &str, bounds: &Bounds) -> String {
    match bounds.below(Path::new(path)) {
        Some(inside) if inside.as_os_str().is_empty() => "the tree".to_owned(),
        Some(inside) => inside.to_string_lossy().into_owned(),
        None => path.to_owned(),
    }
}

/// Refuses to mount the pushed files themselves: they are gone when the run is over.
pub fn binds(state: &State, owner: &Owner, bounds: &Bounds, problems: &mut Diagnostics) {
    if bounds.is_open() || state.kind.name() != "container" || state.function.presence == Presence::Absent {
        return;
    }
    let body = created(state, &state.spec, owner);
    let host = &body["HostConfig"];
    let binds = host["Binds"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let binds = binds.filter_map(|bind| bind.split(':').next());
    let mounts = host["Mounts"].as_array().into_iter().flatten().filter_map(|mount| mount["Source"].as_str());
    let place = state.spec.get("volumes").map_or(&state.place, |declared| &declared.place);
    for source in binds.chain(mounts) {
        if source.starts_with('/') && !bounds.leave_out(Path::new(source)) {
            let message = format!("{} mounts {} of the pushed tree", state.title(), shown(source, bounds));
            problems.push(
                Diagnostic::error(place, message)
                    .note("these files are gone when the run is over")
                    .hint("build them into the image, or put them into a volume"),
            );
        }
    }
}

fn outside(place: &Place, field: &str, path: &str) -> Diagnostic {
    Diagnostic::error(place, format!("`{field}` leads out of the tree: {path}"))
        .note("a tree that was pushed to a host reads nothing but itself")
        .hint("put the file into the tree, and no link to elsewhere")
}
