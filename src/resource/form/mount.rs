//! One mount: what it is, what goes without saying, and its options.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::list::texts;
use super::size::{bytes, shown_bytes};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    Bind,
    #[default]
    Volume,
    /// A volume without a name of its own.
    Anonymous,
    Tmpfs,
    /// What an image holds, read-only.
    Image,
}

/// A mount without its target. See `Mounts` for the normal form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Mount {
    pub kind: Kind,
    /// A path of the host or the name of a volume.
    pub source: String,
    pub read_only: bool,
    pub propagation: Option<String>,
    pub selinux: Option<String>,
    pub nocopy: bool,
    pub non_recursive: bool,
    /// What of a read-only bind is below other mounts: `writable`, or `readonly` by all means.
    pub recursion: Option<String>,
    /// Of a volume that is made with the container.
    pub labels: BTreeMap<String, String>,
    /// Of a volume that is made with the container.
    pub driver: Option<String>,
    pub driver_options: BTreeMap<String, String>,
    pub subpath: Option<String>,
    /// Of a tmpfs, in bytes.
    pub size: Option<i64>,
    /// Of a tmpfs: its permission bits.
    pub mode: Option<i64>,
    /// Of a tmpfs: what the kernel is told besides.
    pub options: Vec<String>,
    /// The name that the engine gave an anonymous volume. A note: never compared.
    pub name: Option<String>,
    /// True if the engine is not to create a missing source. A note: never compared.
    pub must_exist: bool,
}

/// What may follow the second colon of `source:target:options`.
pub(super) const OPTIONS: &[&str] = &[
    "ro",
    "rw",
    "z",
    "Z",
    "nocopy",
    "shared",
    "slave",
    "private",
    "rshared",
    "rslave",
    "rprivate",
    "rbind",
    "bind",
    "consistent",
    "cached",
    "delegated",
];

impl Mount {
    pub(super) fn bind(source: impl Into<String>) -> Self {
        Self { kind: Kind::Bind, source: source.into(), ..Self::default() }
    }

    pub(super) fn volume(name: impl Into<String>) -> Self {
        Self { source: name.into(), ..Self::default() }
    }

    pub(super) fn anonymous() -> Self {
        Self { kind: Kind::Anonymous, ..Self::default() }
    }

    pub(super) fn tmpfs() -> Self {
        Self { kind: Kind::Tmpfs, ..Self::default() }
    }

    pub(super) fn image(reference: impl Into<String>) -> Self {
        Self { kind: Kind::Image, source: reference.into(), read_only: true, ..Self::default() }
    }

    /// What only the long form of the engine says.
    pub(super) fn is_long(&self) -> bool {
        self.kind == Kind::Image
            || self.non_recursive
            || self.recursion.is_some()
            || self.subpath.is_some()
            || self.driver.is_some()
            || !self.labels.is_empty()
            || !self.driver_options.is_empty()
    }

    /// A volume as the engine shows it: one with an engine-made name is anonymous, also if it was
    /// bound again by that name.
    pub(super) fn observed_volume(name: &str) -> Self {
        if is_made_up(name) {
            Self { name: Some(name.to_owned()), ..Self::anonymous() }
        } else {
            Self::volume(name)
        }
    }

    /// Takes one option of the short form; false if nobody knows it.
    pub(super) fn set_option(&mut self, option: &str) -> bool {
        match option {
            "ro" => self.read_only = true,
            "z" | "Z" => self.selinux = Some(option.to_owned()),
            "nocopy" => self.nocopy = true,
            "bind" => self.non_recursive = true,
            "shared" | "slave" | "private" | "rshared" | "rslave" | "rprivate" => {
                self.propagation = Some(option.to_owned());
            }
            // These go without saying, or mean nothing on Linux.
            "" | "rw" | "rbind" | "copy" | "consistent" | "cached" | "delegated" => {}
            _ => return false,
        }
        true
    }

    /// Takes the options of a tmpfs, such as `size=64m,mode=1777,exec`.
    pub(super) fn set_tmpfs_options(&mut self, options: &str) {
        for option in options.split(',').map(str::trim) {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            match key {
                "size" if bytes(value).is_some() => self.size = bytes(value),
                "mode" if octal(value).is_some() => self.mode = octal(value),
                "ro" => self.read_only = true,
                // The engine's defaults.
                "" | "rw" | "noexec" | "nosuid" | "nodev" => {}
                _ => self.options.push(option.to_owned()),
            }
        }
    }

    /// The options of a tmpfs as the engine takes them.
    pub(super) fn tmpfs_options(&self) -> String {
        let mut options = Vec::new();
        options.extend(self.read_only.then(|| "ro".to_owned()));
        options.extend(self.size.map(|size| format!("size={size}")));
        options.extend(self.mode.map(|mode| format!("mode={mode:o}")));
        options.extend(self.options.iter().cloned());
        options.join(",")
    }

    /// The options of the short form.
    pub(super) fn short_options(&self) -> Vec<&str> {
        let mut options = Vec::new();
        options.extend(self.read_only.then_some("ro"));
        options.extend(self.nocopy.then_some("nocopy"));
        options.extend(self.non_recursive.then_some("bind"));
        options.extend(self.propagation.as_deref());
        options.extend(self.selinux.as_deref());
        options
    }

    /// The normal form, without what goes without saying.
    pub(super) fn normal(&self) -> Value {
        let mut map = Map::new();
        let mut set = |key: &str, value: Value| {
            if !matches!(value, Value::Null | Value::Bool(false)) {
                map.insert(key.to_owned(), value);
            }
        };
        let is_bind = self.kind == Kind::Bind;
        let mut options = self.options.clone();
        options.sort();
        options.dedup();
        set("type", json!(self.kind.word()));
        set("source", json!(Some(&self.source).filter(|source| !source.is_empty())));
        set("read_only", json!(self.read_only));
        set("propagation", json!(self.propagation.as_deref().filter(|it| is_bind && *it != "rprivate")));
        // The engine shares volumes with other containers without being told.
        set("selinux", json!(self.selinux.as_deref().filter(|label| is_bind || *label == "Z")));
        set("non_recursive", json!(self.non_recursive && is_bind));
        set("recursion", json!(self.recursion.as_deref().filter(|_| is_bind)));
        set("nocopy", json!(self.nocopy && !is_bind));
        set("labels", if self.labels.is_empty() { Value::Null } else { json!(self.labels) });
        set("driver", json!(self.driver));
        set(
            "driver_options",
            if self.driver_options.is_empty() { Value::Null } else { json!(self.driver_options) },
        );
        set("subpath", json!(self.subpath));
        set("size", json!(self.size.filter(|size| *size > 0)));
        set("mode", json!(self.mode.filter(|mode| *mode > 0)));
        set("options", if options.is_empty() { Value::Null } else { json!(options) });
        set("_name", json!(self.name));
        set("_must_exist", json!(self.must_exist));
        Value::Object(map)
    }

    /// Reads a normal form back.
    pub(super) fn of_normal(normal: &Value) -> Self {
        let text = |key: &str| normal[key].as_str().map(str::to_owned);
        let flag = |key: &str| normal[key].as_bool().unwrap_or(false);
        let map = |key: &str| {
            let entries = normal[key].as_object().into_iter().flatten();
            entries.map(|(key, value)| (key.clone(), super::parts::written(value))).collect()
        };
        Self {
            kind: Kind::of_word(normal["type"].as_str().unwrap_or_default()),
            source: text("source").unwrap_or_default(),
            read_only: flag("read_only"),
            propagation: text("propagation"),
            selinux: text("selinux"),
            recursion: text("recursion"),
            labels: map("labels"),
            driver: text("driver"),
            driver_options: map("driver_options"),
            nocopy: flag("nocopy"),
            non_recursive: flag("non_recursive"),
            subpath: text("subpath"),
            size: normal["size"].as_i64(),
            mode: normal["mode"].as_i64(),
            options: texts(&normal["options"]).map(str::to_owned).collect(),
            name: text("_name"),
            must_exist: flag("_must_exist"),
        }
    }

    /// The long form of the engine.
    pub(super) fn sent(&self, target: &str) -> Value {
        let mut sent = Map::new();
        let mut set = |key: &str, value: Value| {
            if !matches!(value, Value::Null | Value::Bool(false)) {
                sent.insert(key.to_owned(), value);
            }
        };
        let source = self.name.as_ref().unwrap_or(&self.source);
        let (word, of_kind) = match self.kind {
            Kind::Bind => ("bind", "BindOptions"),
            Kind::Image => ("image", "ImageOptions"),
            Kind::Volume | Kind::Anonymous | Kind::Tmpfs => ("volume", "VolumeOptions"),
        };
        set("Type", json!(word));
        set("Source", json!(Some(source).filter(|source| !source.is_empty())));
        set("Target", json!(target));
        // An image is read-only without saying so.
        set("ReadOnly", json!(self.read_only && self.kind != Kind::Image));
        let mut options = Map::new();
        let mut option = |key: &str, value: Value| {
            if !matches!(value, Value::Null | Value::Bool(false)) {
                options.insert(key.to_owned(), value);
            }
        };
        option("Propagation", json!(self.propagation));
        option("NonRecursive", json!(self.non_recursive));
        option("ReadOnlyNonRecursive", json!(self.recursion.as_deref() == Some("writable")));
        option("ReadOnlyForceRecursive", json!(self.recursion.as_deref() == Some("readonly")));
        // As with binds; engines before API 1.42 know nothing of it, and want the path to be there.
        option("CreateMountpoint", json!(self.kind == Kind::Bind && !self.must_exist));
        option("NoCopy", json!(self.nocopy));
        option("Subpath", json!(self.subpath));
        option("Labels", if self.labels.is_empty() { Value::Null } else { json!(self.labels) });
        if self.driver.is_some() || !self.driver_options.is_empty() {
            option("DriverConfig", json!({"Name": self.driver, "Options": self.driver_options}));
        }
        if !options.is_empty() {
            set(of_kind, Value::Object(options));
        }
        Value::Object(sent)
    }

    /// True if both mount the same thing in the same way, whatever their notes.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let named = |mount: &Self| match (&mount.kind, &mount.name) {
            (Kind::Anonymous, Some(name)) => Some(name.clone()),
            (Kind::Volume, _) => Some(mount.source.clone()),
            _ => None,
        };
        let bare = |mount: &Self| Self { name: None, must_exist: false, ..mount.clone() }.normal();
        let nameless =
            |mount: &Self| bare(&Self { kind: Kind::Anonymous, source: String::new(), ..mount.clone() });
        // A state may name an engine-made volume, as a re-bound anonymous one.
        bare(self) == bare(other)
            || self.kind != other.kind
                && named(self).is_some()
                && named(self) == named(other)
                && nameless(self) == nameless(other)
    }

    /// In a few words, for people.
    pub(super) fn shown(&self) -> String {
        let mut options: Vec<String> = self.short_options().into_iter().map(str::to_owned).collect();
        let what = match self.kind {
            Kind::Bind | Kind::Volume => self.source.clone(),
            Kind::Anonymous => "anonymous volume".to_owned(),
            Kind::Tmpfs => {
                options.extend(self.size.map(|size| format!("size={}", shown_bytes(size))));
                options.extend(self.mode.map(|mode| format!("mode={mode:o}")));
                options.extend(self.options.iter().cloned());
                "tmpfs".to_owned()
            }
            Kind::Image => format!("image {}", self.source),
        };
        options.extend(self.recursion.as_ref().map(|recursion| format!("recursive={recursion}")));
        options.extend(self.driver.as_ref().map(|driver| format!("driver={driver}")));
        options.extend(self.driver_options.iter().map(|(key, value)| format!("{key}={value}")));
        options.extend(self.labels.iter().map(|(key, value)| format!("label {key}={value}")));
        options.extend(self.subpath.as_ref().map(|subpath| format!("subpath={subpath}")));
        if options.is_empty() { what } else { format!("{what} ({})", options.join(", ")) }
    }
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Volume => "volume",
            Self::Anonymous => "anonymous",
            Self::Tmpfs => "tmpfs",
            Self::Image => "image",
        }
    }

    fn of_word(word: &str) -> Self {
        match word {
            "bind" => Self::Bind,
            "anonymous" => Self::Anonymous,
            "tmpfs" => Self::Tmpfs,
            "image" => Self::Image,
            _ => Self::Volume,
        }
    }
}

/// True for the names that engines give volumes.
fn is_made_up(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Permission bits.
pub(super) fn octal(text: &str) -> Option<i64> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    i64::from_str_radix(digits, 8).ok().filter(|mode| (0..=0o7777).contains(mode) && !digits.starts_with('+'))
}
