//! What is mounted into a container, whichever of the engine's three ways it goes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::map::{object, sorted};
use super::mount::{Kind, Mount};
use super::mount_spellings::{comma_separated, docker_py_bind, mount};
use super::parts::{Read, clean_path, each, items, unexpected};
use super::{Form, Sample, Samples};
use crate::resource::{Reading, Vocabulary};
use crate::source::{Diagnostic, Diagnostics, Node, NodeValue, Place};

/// The mounts in effect. Normal form: a map of targets to `{type: bind|volume|anonymous|tmpfs,
/// source, read_only, propagation, selinux, non_recursive, recursion, nocopy, labels, driver,
/// driver_options, subpath, size, mode, options}`,
/// each key only if it is set and does not go without saying.
///
/// Keys with `_` are notes that are never compared: `_name` is what the engine called an
/// anonymous volume, `_must_exist` says not to create a source. So equality is `differences`.
pub struct Mounts;

pub const MOUNTS: Mounts = Mounts;

impl Form for Mounts {
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics> {
        let mounts = match (&node.value, reading.vocabulary) {
            (NodeValue::Map(entries), Vocabulary::Salt) => {
                each(entries, |entry| Ok((docker_py_bind(entry, reading)?, &entry.key_place)))?
            }
            (NodeValue::Map(_), Vocabulary::Plain) => {
                let hint = "write a list, such as `[\"data:/var/lib/data\"]`";
                return Err(unexpected(node, self.expects()).hint(hint).into());
            }
            (NodeValue::Scalar { text, style }, Vocabulary::Salt) if !node.is_null() => {
                each(comma_separated(text), |piece| {
                    Ok((mount(&Node::scalar(node.place.clone(), piece, *style), reading)?, &node.place))
                })?
            }
            _ => {
                let items = items(node, reading, self.expects())?;
                let mounts = each(&items, |item| mount(item, reading))?;
                let places: Vec<Place> = items.into_iter().map(|item| item.place).collect();
                return by_target(mounts.into_iter().zip(&places));
            }
        };
        by_target(mounts)
    }

    /// Reads a container's whole inspect JSON (as [`observed_mounts`] does), its `HostConfig`, or
    /// the `Volumes` of an image's config.
    fn observe(&self, shown: &Value) -> Value {
        if shown["HostConfig"].is_object() {
            return observed_mounts(shown);
        }
        if sorted(shown).keys().any(|key| key.starts_with('/')) {
            return observed_mounts(&json!({"Config": {"Volumes": shown}}));
        }
        observed_mounts(&json!({"HostConfig": shown}))
    }

    /// Gives the part of `HostConfig` that [`send_mounts`] makes.
    fn send(&self, normal: &Value) -> Value {
        let sent = send_mounts(normal);
        json!({"Binds": sent.binds, "Mounts": sent.mounts, "Tmpfs": sent.tmpfs})
    }

    fn over(&self, background: &Value, declared: &Value) -> Value {
        super::map::union(background, declared)
    }

    fn differences(&self, from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
        let differences = super::map::differences_by_key(from, to).into_iter();
        differences
            .filter(|(_, from, to)| {
                from.is_null() != to.is_null() || !Mount::of_normal(from).is_same(&Mount::of_normal(to))
            })
            .map(|(target, from, to)| (target, shown(&from), shown(&to)))
            .collect()
    }

    fn show(&self, normal: &Value) -> Value {
        if !normal.is_object() {
            return normal.clone();
        }
        object(sorted(normal).into_iter().map(|(target, mount)| (target.clone(), shown(mount))))
    }

    fn since(&self, normal: &Value) -> Vec<(String, (u32, u32))> {
        let parts = sorted(normal).into_iter().flat_map(|(target, mount)| {
            let mount = Mount::of_normal(mount);
            let newer = [
                ("recursive", (1, 44), mount.recursion.is_some()),
                ("subpath", (1, 45), mount.subpath.is_some() && mount.kind != Kind::Image),
                ("type: image", (1, 48), mount.kind == Kind::Image),
            ];
            let said = newer.into_iter().filter(|(.., is_said)| *is_said);
            said.map(|(word, since, _)| (format!("{target}.{word}"), since)).collect::<Vec<_>>()
        });
        parts.collect()
    }

    fn expects(&self) -> &'static str {
        "a list of mounts, such as `[\"data:/var/lib/data\", \"./conf:/etc/app:ro\"]`"
    }

    fn samples(&self) -> Samples {
        Samples::of(&[
            Sample {
                plain: &[
                    "['/a:/m:ro', 'data:/d']",
                    "['data:/d/:rw', '/a/:/m/:ro,rprivate']",
                    "[{type: bind, source: /a, target: /m, read_only: true}, {type: volume, source: data, target: /d}]",
                ],
                salt: &[
                    "['/a:/m:ro', 'data:/d']",
                    "'/a:/m:ro,rprivate,data:/d:z'",
                    "{/a: {bind: /m, mode: ro}, data: {bind: /d}}",
                    "{/a: {bind: /m, ro: true}, data: '/d:rw'}",
                    "[{Type: bind, Source: /a, Target: /m, ReadOnly: true}, {Type: volume, Source: data, Target: /d}]",
                ],
            },
            Sample {
                plain: &[
                    "[./conf:/etc/app:Z]",
                    "[/srv/states/conf:/etc/app:Z]",
                    "[../states/conf:/etc/app/:Z]",
                ],
                salt: &[],
            },
            Sample { plain: &["[/cache]", "[/cache/]", "[{type: volume, target: /cache}]"], salt: &[] },
            Sample {
                plain: &["[{type: tmpfs, target: /run, tmpfs: {size: 64m, mode: 1777}}]"],
                salt: &["[{Type: tmpfs, Target: /run, TmpfsOptions: {SizeBytes: 67108864, Mode: 1023}}]"],
            },
            Sample {
                plain: &[
                    "['data:/d:nocopy']",
                    "[{type: volume, source: data, target: /d, volume: {nocopy: true}}]",
                ],
                salt: &[],
            },
            Sample {
                plain: &["[{type: volume, source: data, target: /d, volume: {subpath: x}}]"],
                salt: &[],
            },
            Sample {
                plain: &[
                    "[{type: volume, source: data, target: /d, volume: {labels: {a: b}, driver_config: {name: local, options: {type: tmpfs}}}}]",
                    "[{type: volume, source: data, target: /d, volume: {labels: [a=b], driver: local, driver_opts: [type=tmpfs]}}]",
                ],
                salt: &[
                    "[{Type: volume, Source: data, Target: /d, VolumeOptions: {Labels: {a: b}, DriverConfig: {Name: local, Options: {type: tmpfs}}}}]",
                ],
            },
            Sample {
                plain: &[
                    "[{type: bind, source: /a, target: /m, read_only: true, bind: {recursive: writable, propagation: rslave}}]",
                ],
                salt: &[
                    "[{Type: bind, Source: /a, Target: /m, ReadOnly: true, BindOptions: {ReadOnlyNonRecursive: true, Propagation: rslave}}]",
                ],
            },
            Sample {
                plain: &["[{type: image, source: 'app:1', target: /m, image: {subpath: bin}}]"],
                salt: &["[{Type: image, Source: 'app:1', Target: /m, ImageOptions: {Subpath: bin}}]"],
            },
            Sample { plain: &["[]"], salt: &[] },
        ])
    }
}

fn shown(mount: &Value) -> Value {
    if mount.is_object() { json!(Mount::of_normal(mount).shown()) } else { mount.clone() }
}

pub(super) fn by_target<'a>(mounts: impl IntoIterator<Item = ((String, Mount), &'a Place)>) -> Read<Value> {
    let mut seen: BTreeMap<String, (Mount, &Place)> = BTreeMap::new();
    let mut problems = Diagnostics::default();
    for ((target, mount), place) in mounts {
        match seen.get(&target) {
            Some((first, first_place)) if *first != mount => problems.push(
                Diagnostic::error(place, format!("`{target}` is mounted twice"))
                    .note(format!("the first time at {first_place}"))
                    .hint("keep one of them"),
            ),
            Some(_) => {}
            None => {
                seen.insert(target, (mount, place));
            }
        }
    }
    if problems.has_errors() {
        return Err(problems);
    }
    Ok(object(seen.into_iter().map(|(target, (mount, _))| (target, mount.normal()))))
}

/// The wanted mounts, with the anonymous volumes of a container that stood there before: where
/// both have one at a target, the new container gets the old one's, data and all.
pub fn carry_volumes(observed: &Value, wanted: &Value) -> Value {
    object(sorted(wanted).into_iter().map(|(target, mount)| {
        let (mut mount, old) = (Mount::of_normal(mount), Mount::of_normal(&observed[target]));
        if mount.kind == Kind::Anonymous && old.kind == Kind::Anonymous && mount.name.is_none() {
            mount.name = old.name;
        }
        (target.clone(), mount.normal())
    }))
}

/// What the engine takes for the mounts of a container, all of it in `HostConfig`.
#[derive(Debug, Clone, PartialEq)]
pub struct SentMounts {
    /// `source:target:options`; the engine creates a missing source.
    pub binds: Value,
    /// What binds cannot say: anonymous volumes, paths with colons, subpaths.
    pub mounts: Value,
    /// Targets to options.
    pub tmpfs: Value,
}

/// Makes what the engine takes. An anonymous volume with a `_name` is bound again by that name.
pub fn send_mounts(normal: &Value) -> SentMounts {
    let (mut binds, mut mounts, mut tmpfs) = (Vec::new(), Vec::new(), Map::new());
    for (target, mount) in sorted(normal) {
        let mount = Mount::of_normal(mount);
        match bind_text(target, &mount) {
            _ if mount.kind == Kind::Tmpfs => {
                tmpfs.insert(target.clone(), json!(mount.tmpfs_options()));
            }
            Some(bind) => binds.push(bind),
            None => mounts.push(mount.sent(target)),
        }
    }
    SentMounts { binds: json!(binds), mounts: json!(mounts), tmpfs: Value::Object(tmpfs) }
}

/// The short form, if it can say all of the mount.
fn bind_text(target: &str, mount: &Mount) -> Option<String> {
    let source = if mount.kind == Kind::Anonymous { mount.name.as_ref()? } else { &mount.source };
    let has_colon = source.contains(':') || target.contains(':');
    let is_strict = mount.must_exist && mount.selinux.is_none();
    if has_colon || is_strict || mount.is_long() {
        return None;
    }
    let options = mount.short_options().join(",");
    Some(if options.is_empty() {
        format!("{source}:{target}")
    } else {
        format!("{source}:{target}:{options}")
    })
}

/// The mounts in effect of a container, from its whole inspect JSON: what was asked for in
/// `HostConfig`, and the anonymous volumes that came of the image. What `volumes_from` brought is
/// left out.
pub fn observed_mounts(container: &Value) -> Value {
    let host = &container["HostConfig"];
    let mut mounts: BTreeMap<String, Mount> = BTreeMap::new();
    let effective: BTreeMap<String, &Value> = list(&container["Mounts"])
        .filter_map(|mount| Some((clean_path(mount["Destination"].as_str()?), mount)))
        .collect();
    for (target, options) in sorted(&host["Tmpfs"]) {
        let mut mount = Mount::tmpfs();
        mount.set_tmpfs_options(options.as_str().unwrap_or_default());
        mounts.insert(clean_path(target), mount);
    }
    mounts.extend(list(&host["Mounts"]).filter_map(observed_mount));
    mounts.extend(super::list::texts(&host["Binds"]).filter_map(observed_bind));
    let volumes: Vec<String> =
        sorted(&container["Config"]["Volumes"]).keys().map(|path| clean_path(path)).collect();
    let is_from_others = !list(&host["VolumesFrom"]).collect::<Vec<_>>().is_empty();
    for (target, shown) in &effective {
        if !is_from_others || volumes.contains(target) {
            mounts.entry(target.clone()).or_insert_with(|| effective_mount(shown));
        }
    }
    for target in volumes {
        mounts.entry(target).or_insert_with(Mount::anonymous);
    }
    let mounts = mounts.into_iter().map(|(target, mut mount)| {
        if mount.kind == Kind::Anonymous && mount.name.is_none() {
            mount.name = effective.get(&target).and_then(|shown| shown["Name"].as_str()).map(str::to_owned);
        }
        (target, mount.normal())
    });
    object(mounts)
}

/// What newer engines put on volumes that have no name.
const ENGINES_LABEL: &str = "com.docker.volume.anonymous";

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn observed_bind(bind: &str) -> Option<(String, Mount)> {
    let (source, rest) = bind.split_once(':')?;
    let (target, options) = rest.split_once(':').unwrap_or((rest, ""));
    let mut mount = if source.starts_with('/') {
        Mount::bind(clean_path(source))
    } else {
        Mount::observed_volume(source)
    };
    for option in options.split(',') {
        mount.set_option(option);
    }
    Some((clean_path(target), mount))
}

fn observed_mount(shown: &Value) -> Option<(String, Mount)> {
    let source = shown["Source"].as_str().unwrap_or_default();
    let mut mount = match shown["Type"].as_str()? {
        "bind" => Mount::bind(clean_path(source)),
        "volume" if source.is_empty() => Mount::anonymous(),
        "volume" => Mount::observed_volume(source),
        "tmpfs" => Mount::tmpfs(),
        "image" => Mount::image(source),
        _ => return None,
    };
    let flag = |value: &Value| value.as_bool().unwrap_or(false);
    let (bind, volume, tmpfs) = (&shown["BindOptions"], &shown["VolumeOptions"], &shown["TmpfsOptions"]);
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    mount.read_only = flag(&shown["ReadOnly"]) || mount.kind == Kind::Image;
    mount.propagation = text(&bind["Propagation"]);
    mount.non_recursive = flag(&bind["NonRecursive"]);
    mount.nocopy = flag(&volume["NoCopy"]);
    mount.recursion = match (flag(&bind["ReadOnlyNonRecursive"]), flag(&bind["ReadOnlyForceRecursive"])) {
        (true, _) => Some("writable".to_owned()),
        (_, true) => Some("readonly".to_owned()),
        (false, false) => None,
    };
    mount.subpath = text(&volume["Subpath"]).or_else(|| text(&shown["ImageOptions"]["Subpath"]));
    let map = |shown: &Value| {
        let entries = sorted(shown).into_iter().filter(|(key, _)| *key != ENGINES_LABEL);
        entries.map(|(key, value)| (key.clone(), super::parts::written(value))).collect()
    };
    mount.labels = map(&volume["Labels"]);
    mount.driver = text(&volume["DriverConfig"]["Name"]);
    mount.driver_options = map(&volume["DriverConfig"]["Options"]);
    mount.size = tmpfs["SizeBytes"].as_i64();
    mount.mode = tmpfs["Mode"].as_i64();
    for option in list(&tmpfs["Options"]) {
        mount.set_tmpfs_options(&super::list::texts(option).collect::<Vec<_>>().join("="));
    }
    Some((clean_path(shown["Target"].as_str()?), mount))
}

/// From `Mounts`, which shows what is in effect.
fn effective_mount(shown: &Value) -> Mount {
    let mut mount = match shown["Type"].as_str() {
        Some("bind") => Mount::bind(clean_path(shown["Source"].as_str().unwrap_or_default())),
        Some("tmpfs") => Mount::tmpfs(),
        Some("image") => Mount::image(shown["Name"].as_str().unwrap_or_default()),
        _ => Mount::observed_volume(shown["Name"].as_str().unwrap_or_default()),
    };
    mount.read_only = shown["RW"].as_bool() == Some(false);
    mount
}
