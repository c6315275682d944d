//! How people write a mount: `source:target:options`, the long form, docker-py's mapping.

use std::collections::BTreeMap;

use super::mount::{Kind, Mount, OPTIONS, octal};
use super::parts::{Read, clean_path, each, entries, suggestion, text, unexpected, unknown_key, wrong};
use super::scalar::container_path;
use super::size::bytes;
use super::{BOOL, Form};
use crate::resource::Reading;
use crate::source::{Entry, Node, NodeValue};

const EXPECTED: &str = "a mount, such as `data:/var/lib/data` or `./conf:/etc/app:ro`";

/// Reads one item of a list of mounts to its target and what is mounted there.
pub(super) fn mount(node: &Node, reading: &Reading) -> Read<(String, Mount)> {
    if node.as_map().is_some() {
        return long(node, reading);
    }
    let text = text(node, EXPECTED)?;
    match *text.split(':').collect::<Vec<_>>() {
        [target] if target.starts_with('/') => Ok((below_root(target, node)?, Mount::anonymous())),
        [name] => Err(wrong(
            node,
            format!("`{name}` has no target"),
            format!("write `{name}:/path/in/the/container`"),
        )),
        [from, target] => Ok((below_root(target, node)?, source(from, node, reading)?)),
        [from, target, options] => {
            let mut mount = source(from, node, reading)?;
            set_options(&mut mount, options, node)?;
            Ok((below_root(target, node)?, mount))
        }
        _ => Err(unexpected(node, EXPECTED).hint("a path with a colon needs the long form").into()),
    }
}

/// Reads an entry of docker-py's `{source: {bind: target, mode: ro}}`.
pub(super) fn docker_py_bind(entry: &Entry, reading: &Reading) -> Read<(String, Mount)> {
    let mut mount = source(&entry.key, &entry.value, reading)?;
    if let Some(text) = entry.value.text() {
        let (target, options) = text.split_once(':').unwrap_or((text, ""));
        set_options(&mut mount, options, &entry.value)?;
        return Ok((below_root(target, &entry.value)?, mount));
    }
    let mut target = None;
    for entry in &entries(&entry.value, "`{bind: /target, mode: ro}`")? {
        match entry.key.as_str() {
            "bind" => target = Some(below_root(text(&entry.value, EXPECTED)?, &entry.value)?),
            "mode" | "propagation" => {
                set_options(&mut mount, text(&entry.value, "mount options")?, &entry.value)?
            }
            "ro" => mount.read_only = flag(&entry.value, reading)?,
            _ => return Err(unknown_key(entry, "a bind", &["bind", "mode", "ro", "propagation"])),
        }
    }
    match target {
        Some(target) => Ok((target, mount)),
        None => Err(wrong(&entry.value, "`bind` is missing", "it is the path in the container")),
    }
}

/// Cuts Salt's comma string; a comma between options (`/a:/b:ro,Z`) does not separate.
pub(super) fn comma_separated(text: &str) -> Vec<String> {
    let mut mounts: Vec<String> = Vec::new();
    for piece in super::parts::pieces(text) {
        match mounts.last_mut() {
            Some(last) if OPTIONS.contains(&piece) && last.matches(':').count() == 2 => {
                last.push(',');
                last.push_str(piece);
            }
            _ => mounts.push(piece.to_owned()),
        }
    }
    mounts
}

/// A target, which cannot be the root itself.
pub(super) fn below_root(path: &str, node: &Node) -> Read<String> {
    match container_path(node, path)? {
        path if path == "/" => Err(wrong(node, "nothing can be mounted on `/`", "mount it below")),
        path => Ok(path),
    }
}

fn source(text: &str, node: &Node, reading: &Reading) -> Read<Mount> {
    if text.starts_with('/') {
        return Ok(Mount::bind(clean_path(text)));
    }
    if text.starts_with('.') {
        return Ok(Mount::bind(clean_path(&reading.folder.join(text).to_string_lossy())));
    }
    if text.starts_with('~') {
        let hint = "write the home folder out, such as `/home/me`: it would differ with who runs evenkeel";
        return Err(wrong(node, format!("`{text}` depends on a home folder"), hint));
    }
    if text.contains('/') {
        let hint = format!("a path begins with `/` or `./`: write `./{text}`");
        return Err(wrong(node, format!("`{text}` is not the name of a volume"), hint));
    }
    Ok(Mount::volume(volume_name(text, node)?))
}

fn volume_name(name: &str, node: &Node) -> Read<String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(is_allowed)
    {
        return Ok(name.to_owned());
    }
    let hint = "two or more letters, digits, `_`, `.` and `-`, beginning with a letter or a digit";
    Err(wrong(node, format!("`{name}` is not the name of a volume"), hint))
}

fn set_options(mount: &mut Mount, options: &str, node: &Node) -> Read<()> {
    let unknown = options.split(',').map(str::trim).find(|option| !mount.set_option(option));
    match unknown {
        Some(option) => {
            Err(wrong(node, format!("`{option}` is not an option of a mount"), suggestion(option, OPTIONS)))
        }
        None => Ok(()),
    }
}

fn flag(node: &Node, reading: &Reading) -> Read<bool> {
    Ok(BOOL.read(node, reading)? == serde_json::Value::Bool(true))
}

/// What the long form says, before its parts are put together.
#[derive(Default)]
struct Long<'a> {
    kind: Option<&'a Node>,
    source: Option<&'a Node>,
    target: Option<&'a Node>,
}

fn long(node: &Node, reading: &Reading) -> Read<(String, Mount)> {
    let (mut long, mut options) = (Long::default(), Mount::default());
    let entries = entries(node, EXPECTED)?;
    each(entries.iter().filter(|entry| !entry.value.is_null()), |entry| {
        key(entry, &mut long, &mut options, reading)
    })?;
    let Some(target) = long.target else {
        return Err(wrong(node, "`target` is missing", "it is the path in the container"));
    };
    let Some(kind) = long.kind else {
        return Err(wrong(node, "`type` is missing", "write `type: bind`, `type: volume` or `type: tmpfs`"));
    };
    let target = below_root(text(target, EXPECTED)?, target)?;
    let mut mount = match (text(kind, "`bind`, `volume` or `tmpfs`")?, long.source) {
        ("bind", Some(from)) => match source(text(from, "a path")?, from, reading)? {
            mount if mount.kind == Kind::Bind => mount,
            mount => {
                let hint = format!("write `./{}`, or `type: volume`", mount.source);
                return Err(wrong(from, format!("`{}` is not a path", mount.source), hint));
            }
        },
        ("bind", None) => return Err(wrong(node, "`source` is missing", "it is the path on the host")),
        ("volume", Some(from)) => Mount::volume(volume_name(text(from, "a volume's name")?, from)?),
        ("volume", None) => Mount::anonymous(),
        ("image", Some(from)) => {
            options.read_only = true;
            Mount::image(text(from, "an image")?)
        }
        ("image", None) => return Err(wrong(node, "`source` is missing", "it is the name of an image")),
        ("tmpfs", None) => Mount::tmpfs(),
        ("tmpfs", Some(from)) => return Err(wrong(from, "a tmpfs has no source", "remove the line")),
        ("npipe", _) => return Err(wrong(kind, "named pipes are for Windows containers", TYPES)),
        ("cluster", _) => {
            let hint = "make the volume with a driver that reaches all hosts, and write `type: volume`";
            return Err(wrong(kind, "cluster volumes are for services of a swarm", hint));
        }
        _ => return Err(unexpected(kind, TYPES).into()),
    };
    options.kind = mount.kind;
    std::mem::swap(&mut options.source, &mut mount.source);
    if options.short_options().iter().any(|option| !fits(option, options.kind)) || !sizes_fit(&options) {
        return Err(wrong(
            node,
            format!("a {} does not take all of these options", options.kind.word()),
            "remove those of another type",
        ));
    }
    Ok((target, options))
}

const TYPES: &str = "`bind`, `volume`, `tmpfs` or `image`";

fn fits(option: &str, kind: Kind) -> bool {
    match option {
        "ro" => true,
        "nocopy" => matches!(kind, Kind::Volume | Kind::Anonymous),
        _ => kind == Kind::Bind,
    }
}

fn sizes_fit(mount: &Mount) -> bool {
    let is_volume = matches!(mount.kind, Kind::Volume | Kind::Anonymous);
    let is_made = mount.driver.is_some() || !mount.driver_options.is_empty() || !mount.labels.is_empty();
    (mount.kind == Kind::Tmpfs || mount.size.is_none() && mount.mode.is_none() && mount.options.is_empty())
        && (matches!(mount.kind, Kind::Volume | Kind::Image) || mount.subpath.is_none())
        && (is_volume || !is_made)
        && (mount.kind == Kind::Bind || mount.recursion.is_none())
}

fn key<'a>(entry: &'a Entry, long: &mut Long<'a>, options: &mut Mount, reading: &Reading) -> Read<()> {
    const KEYS: &[&str] =
        &["type", "source", "target", "read_only", "bind", "volume", "tmpfs", "image", "consistency"];
    let value = &entry.value;
    match entry.key.as_str() {
        "type" | "Type" => long.kind = Some(value),
        "source" | "src" | "Source" => long.source = Some(value).filter(|value| value.text() != Some("")),
        "target" | "dst" | "destination" | "Target" => long.target = Some(value),
        "read_only" | "readonly" | "ReadOnly" => options.read_only = flag(value, reading)?,
        "consistency" | "Consistency" => {}
        "bind" | "volume" | "tmpfs" | "image" | "BindOptions" | "VolumeOptions" | "TmpfsOptions"
        | "ImageOptions" => {
            let options_of_kind = entries(value, "a mapping of options")?;
            each(options_of_kind.iter().filter(|entry| !entry.value.is_null()), |entry| {
                detail(entry, options, reading)
            })?;
        }
        _ => return Err(unknown_key(entry, "a mount", KEYS)),
    }
    Ok(())
}

fn detail(entry: &Entry, options: &mut Mount, reading: &Reading) -> Read<()> {
    const KEYS: &[&str] = &[
        "propagation",
        "create_host_path",
        "selinux",
        "recursive",
        "nocopy",
        "subpath",
        "labels",
        "driver_config",
        "size",
        "mode",
        "options",
    ];
    let value = &entry.value;
    match entry.key.as_str() {
        "propagation" | "Propagation" | "selinux" => {
            let option = text(value, "an option")?;
            let is_label = matches!(option, "z" | "Z");
            if is_label != (entry.key == "selinux") || !options.set_option(option) || option == "ro" {
                return Err(unexpected(
                    value,
                    if entry.key == "selinux" { "`z` or `Z`" } else { "a propagation, such as `rslave`" },
                )
                .into());
            }
        }
        "create_host_path" | "CreateMountpoint" => options.must_exist = !flag(value, reading)?,
        "recursive" => match text(value, RECURSIVE)? {
            "enabled" => {}
            "disabled" => options.non_recursive = true,
            word @ ("writable" | "readonly") => options.recursion = Some(word.to_owned()),
            _ => return Err(unexpected(value, RECURSIVE).into()),
        },
        "ReadOnlyNonRecursive" if flag(value, reading)? => options.recursion = Some("writable".to_owned()),
        "ReadOnlyForceRecursive" if flag(value, reading)? => options.recursion = Some("readonly".to_owned()),
        "ReadOnlyNonRecursive" | "ReadOnlyForceRecursive" => {}
        "labels" | "Labels" => options.labels = texts_by_name(value, reading)?,
        "driver" => options.driver = Some(text(value, "the name of a driver")?.to_owned()),
        "driver_opts" => options.driver_options = texts_by_name(value, reading)?,
        "driver_config" | "DriverConfig" => {
            for entry in &entries(value, "`{name: local, options: {…}}`")? {
                match entry.key.as_str() {
                    "name" | "Name" => {
                        options.driver = Some(text(&entry.value, "the name of a driver")?.to_owned());
                    }
                    "options" | "Options" => options.driver_options = texts_by_name(&entry.value, reading)?,
                    _ => return Err(unknown_key(entry, "a driver", &["name", "options"])),
                }
            }
        }
        "options" if value.text().is_some() => {
            options.set_tmpfs_options(text(value, "options of a tmpfs")?);
        }
        "options" | "Options" => {
            for option in super::parts::items(value, reading, "options of a tmpfs, such as `[noexec]`")? {
                let words = match option.as_list() {
                    Some(words) => each(words, |word| text(word, "an option").map(str::to_owned))?.join("="),
                    None => text(&option, "an option")?.to_owned(),
                };
                options.set_tmpfs_options(&words);
            }
        }
        "NonRecursive" => options.non_recursive = flag(value, reading)?,
        "nocopy" | "NoCopy" => options.nocopy = flag(value, reading)?,
        "subpath" | "Subpath" => options.subpath = Some(text(value, "a path in the volume")?.to_owned()),
        "size" | "SizeBytes" => {
            let size = text(value, "a size, such as `64m`")?;
            options.size = Some(bytes(size).ok_or_else(|| unexpected(value, "a size, such as `64m`"))?);
        }
        "mode" | "Mode" => {
            let mode = text(value, "permission bits, such as `1777`")?;
            let bits = if entry.key == "Mode" { mode.parse().ok() } else { octal(mode) };
            options.mode = Some(
                bits.filter(|bits| (0..=0o7777).contains(bits))
                    .ok_or_else(|| unexpected(value, "permission bits, such as `1777`"))?,
            );
        }
        _ => return Err(unknown_key(entry, "the options of a mount", KEYS)),
    }
    Ok(())
}

const RECURSIVE: &str = "`enabled`, `disabled`, `writable` or `readonly`";

fn texts_by_name(node: &Node, reading: &Reading) -> Read<BTreeMap<String, String>> {
    let map = super::LABELS.read(node, reading)?;
    let entries = map.as_object().into_iter().flatten();
    Ok(entries.map(|(key, value)| (key.clone(), super::parts::written(value))).collect())
}

/// Reads an item of a list of tmpfs mounts: `/run` or `/run:size=64m`.
pub(super) fn tmpfs(node: &Node) -> Read<(String, Mount)> {
    let text = text(node, "a tmpfs, such as `/run` or `/run:size=64m`")?;
    let (target, options) = text.split_once(':').unwrap_or((text, ""));
    tmpfs_at(target, options, node)
}

/// Reads an entry of `{/run: size=64m}`.
pub(super) fn tmpfs_of_entry(entry: &Entry) -> Read<(String, Mount)> {
    match &entry.value.value {
        NodeValue::Scalar { text, .. } => {
            let options = if entry.value.is_null() { "" } else { text };
            tmpfs_at(&entry.key, options, &entry.value)
        }
        NodeValue::List(_) | NodeValue::Map(_) => {
            Err(unexpected(&entry.value, "options, such as `size=64m`").into())
        }
    }
}

fn tmpfs_at(target: &str, options: &str, node: &Node) -> Read<(String, Mount)> {
    let mut mount = Mount::tmpfs();
    mount.set_tmpfs_options(options);
    let malformed = |option: &String| match option.split_once('=') {
        Some(("size", size)) => !size.ends_with('%'),
        Some((key, _)) => key == "mode" || key.is_empty(),
        None => false,
    };
    match mount.options.iter().find(|option| malformed(option)) {
        Some(option) => Err(wrong(
            node,
            format!("`{option}` is not an option of a tmpfs"),
            "such as `size=64m,mode=1777`",
        )),
        None => Ok((below_root(target, node)?, mount)),
    }
}
