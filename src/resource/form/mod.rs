//! Forms: how a value is written, sent, shown by the engine, compared and printed. Whatever the
//! spelling, a form reads it to one normal form; two are equal if they have no `differences`.

mod address;
mod command;
mod cpuset;
mod device;
mod driver;
mod duration;
mod files;
mod health;
mod hooks;
mod ipam;
mod lifecycle;
mod line_files;
mod list;
mod local;
mod mac;
mod map;
mod metadata;
mod mount;
mod mount_spellings;
mod mounts;
#[cfg(test)]
mod mounts_tests;
mod name;
mod networks;
mod options;
mod parts;
mod paths;
mod platform;
mod port;
mod port_bindings;
mod ports;
mod pull;
mod rates;
mod raw;
mod rebuild;
mod requests;
mod restart;
mod scalar;
mod secrets;
mod security;
mod shared;
mod size;
mod strategy;
#[cfg(test)]
pub(crate) mod testing;
mod texts;
mod tmpfs;
mod ulimits;
mod validation;
mod wait;

use serde_json::Value;

use super::field::Reading;
use crate::source::{Diagnostics, Node};

pub use address::{DNS_SERVERS, DnsServers, EXTRA_HOSTS, ExtraHosts, IP, Ip, SUBNET, Subnet};
pub use command::{COMMAND, Command, ENTRYPOINT, Entrypoint};
pub use cpuset::{CPUSET, CpuSet, MEMSET};
pub use device::{DEVICES, Devices};
pub use driver::{ISOLATION, NETWORK_DRIVER, VOLUME_DRIVER};
pub use duration::{DURATION, DURATION_SECONDS, STOP_TIMEOUT, Seconds, Span, whole_seconds};
pub use files::{FILES, ON_CHANGE, default_mode};
pub use health::{HEALTHCHECK, Healthcheck};
pub use hooks::{POST_REPLACE, POST_START, PRE_REPLACE, PRE_STOP};
pub use ipam::{IPAM, Ipam};
pub use lifecycle::LIFECYCLE;
pub use line_files::{LINE_FILES, LineFiles, WrongLine, lines as file_lines};
pub use list::{CAPABILITIES, Capabilities, STRING_LIST, STRING_SET, StringList, StringSet};
pub use local::LOCAL_PATH;
pub use mac::{MAC, Mac};
pub use map::{ENV, Env, LABELS, Labels};
pub use metadata::METADATA;
pub use mounts::{MOUNTS, Mounts, SentMounts, carry_volumes, observed_mounts, send_mounts};
pub use name::{HOSTNAME, Hostname, NETWORK_MODE, NetworkMode, SIGNAL, Signal, USER, User};
pub use networks::{NETWORKS, Networks, observed_endpoint, sent_endpoint, without_own_name};
pub use options::{BRIDGE_OPTIONS, LOG_OPTIONS, STRING_MAP, SYSCTLS, StringMap, VOLUME_OPTIONS};
pub use paths::{CONSOLE_SIZE, CONTAINER_PATHS, ConsoleSize, ContainerPaths};
pub use platform::{PLATFORM, Platform};
pub use ports::{EXPOSED_PORTS, ExposedPorts, PORTS, Ports, exposed as exposed_ports};
pub use pull::PULL;
pub use rates::{BYTE_RATES, DEVICE_WEIGHTS, Rates, TIMES_RATES};
pub use raw::{RAW, Raw};
pub use rebuild::REBUILD;
pub use requests::{DEVICE_REQUESTS, DeviceRequests};
pub use restart::{RESTART, Restart};
pub use scalar::{
    BLKIO_WEIGHT, BOOL, BOOL_ON, Bool, COUNT, CPU_PERIOD, CPU_QUOTA, CPU_SHARES, Choice, ContainerPath,
    INTEGER, Integer, LOG_DRIVER, ON_UNKNOWN, OOM_SCORE, PATH, PIDS_LIMIT, REALTIME, SWAPPINESS, TEXT, Text,
};
pub use secrets::BUILD_SECRETS;
pub use security::{FROM_FILE, SECURITY_OPT, SecurityOptions, profile as seccomp_profile};
pub use shared::{IPC, Ipc, PID, Pid, VOLUMES_FROM, VolumesFrom};
pub use size::{CPUS, Cpus, MEMORY_SWAP, SHM_SIZE, SIZE, Size};
pub use strategy::STRATEGY;
pub use texts::{
    CGROUP_NAMESPACE, CGROUP_PARENT, DOMAIN, DRIVER_OF_VOLUMES, NAMESPACE, NETWORK_SCOPE, RUNTIME,
};
pub use tmpfs::{TMPFS, Tmpfs};
pub use ulimits::{ULIMITS, Ulimits};
pub use validation::VALIDATION;
pub use wait::WAIT;

/// What is known of one sort of value. Normal forms are JSON values; `null` is "not set".
pub trait Form: Sync {
    /// Reads what a person wrote to the normal form.
    ///
    /// # Errors
    /// Says what is wrong, where, and what would be right.
    fn read(&self, node: &Node, reading: &Reading) -> Result<Value, Diagnostics>;

    /// Reads what the engine shows (or an image's config says) to the normal form. Never fails:
    /// what the engine shows is what there is. `null` gives the engine's default, so that a field
    /// that was never set equals one that was set to the default.
    fn observe(&self, shown: &Value) -> Value;

    /// Gives what the engine takes for a normal form.
    fn send(&self, normal: &Value) -> Value {
        normal.clone()
    }

    /// The parts of a value that only newer engines know, and the API version that brought them.
    fn since(&self, normal: &Value) -> Vec<(String, (u32, u32))> {
        let _ = normal;
        Vec::new()
    }

    /// True of files and folders of this machine, which evenkeel itself reads or writes.
    fn is_local(&self) -> bool {
        false
    }

    /// Puts what is declared on top of what the image says. Most values simply win; maps and sets
    /// are joined.
    fn over(&self, background: &Value, declared: &Value) -> Value {
        let _ = background;
        declared.clone()
    }

    /// Lists the differences between two normal forms: for each a suffix to the field's name (a
    /// key of a map, else nothing) and the value on either side. Empty if they are equal. `from` is
    /// what is there and `to` what is wanted: what the engine fills in and nobody asked for, and
    /// notes (keys that begin with `_`), make no difference.
    fn differences(&self, from: &Value, to: &Value) -> Vec<(String, Value, Value)> {
        if from == to { Vec::new() } else { vec![(String::new(), from.clone(), to.clone())] }
    }

    /// Gives a value as a person would write it, such as `64m` for a size.
    fn show(&self, normal: &Value) -> Value {
        normal.clone()
    }

    /// What a person may write, in a few words with an example: `a size, such as 64m`.
    fn expects(&self) -> &'static str;

    /// Values for tests; at least two that differ, or it does not compile.
    fn samples(&self) -> Samples;
}

/// One value for the tests of a form.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Spellings in YAML that must all read to the same normal form.
    pub plain: &'static [&'static str],
    /// The same in Salt's vocabulary, where it differs.
    pub salt: &'static [&'static str],
}

/// The values for the tests of a form. A form without them does not compile.
#[derive(Debug, Clone, Copy)]
pub struct Samples(&'static [Sample]);

impl Samples {
    /// Two values or more.
    pub const fn of<const N: usize>(samples: &'static [Sample; N]) -> Self {
        const { assert!(N >= 2, "a form has at least two samples") };
        Self(samples)
    }
}

impl std::ops::Deref for Samples {
    type Target = [Sample];

    fn deref(&self) -> &[Sample] {
        self.0
    }
}

impl IntoIterator for Samples {
    type Item = &'static Sample;
    type IntoIter = std::slice::Iter<'static, Sample>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
