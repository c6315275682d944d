//! What a container may do, and what it shares with others.

use super::{At, Field, Unset, form, plain, salt};

pub const FIELDS: &[Field] = &[
    replaced!(
        "pid",
        [plain("pid"), plain("pid_mode"), salt("pid_mode")],
        At::Structure,
        form::PID,
        Unset::Engine,
        "Whose processes the container sees: `container:NAME`, or `host`; without it, only its own. It ends with the other container, without being asked to stop, and is replaced or started again after that one."
    ),
    replaced!(
        "ipc",
        [plain("ipc"), plain("ipc_mode"), salt("ipc_mode")],
        At::Structure,
        form::IPC,
        Unset::Engine,
        "Whose shared memory the container has: `private`, `shareable` (its own, and others may have it too), `container:NAME` (that of another one, which is `shareable`), `host`, or `none`. Without it the engine's default, which is `private` unless its configuration says `shareable`. Whoever has that of a container which is replaced or restarted is so too, after it."
    ),
    replaced!(
        "cap_add",
        [plain("cap_add"), salt("cap_add")],
        At::Path("HostConfig.CapAdd"),
        form::CAPABILITIES,
        Unset::Engine,
        "Capabilities on top of the engine's default, such as `NET_ADMIN`."
    ),
    replaced!(
        "cap_drop",
        [plain("cap_drop"), salt("cap_drop")],
        At::Path("HostConfig.CapDrop"),
        form::CAPABILITIES,
        Unset::Engine,
        "Capabilities to take away; `ALL` takes all of them."
    ),
    replaced!(
        "privileged",
        [plain("privileged"), salt("privileged")],
        At::Path("HostConfig.Privileged"),
        form::BOOL,
        Unset::Engine,
        "Give the container nearly all rights of the host."
    ),
    replaced!(
        "security_opt",
        [plain("security_opt"), salt("security_opt"), salt("security_opts")],
        At::Path("HostConfig.SecurityOpt"),
        form::SECURITY_OPT,
        Unset::Engine,
        "What the program may become and which profiles hold it: `no-new-privileges`, `seccomp=./profile.json` (a file beside the state file, sent with its text: an edit is a difference), `seccomp=unconfined`, `apparmor=NAME` (a profile that the host has loaded), `label=…`."
    ),
    replaced!(
        "devices",
        [plain("devices"), salt("devices")],
        At::Path("HostConfig.Devices"),
        form::DEVICES,
        Unset::Engine,
        "Devices of the host: `/dev/sda`, `/dev/ttyUSB0:/dev/modem`, `/dev/sda:/dev/sda:r` (some of `r`, `w`, `m`), or `[{source, target, permissions}]`."
    ),
    replaced!(
        "device_cgroup_rules",
        [plain("device_cgroup_rules"), salt("device_cgroup_rules")],
        At::Path("HostConfig.DeviceCgroupRules"),
        form::STRING_SET,
        Unset::Engine,
        "Which devices the program may use if it makes them itself, such as `c 188:* rmw`."
    ),
    replaced!(
        "masked_paths",
        [plain("masked_paths"), salt("masked_paths")],
        At::Path("HostConfig.MaskedPaths"),
        form::CONTAINER_PATHS,
        Unset::Chosen("each release of the engine has a list of its own"),
        "Paths that are hidden in the container, in place of the engine's own list; `[]` hides nothing."
    ),
    replaced!(
        "readonly_paths",
        [plain("readonly_paths"), salt("readonly_paths")],
        At::Path("HostConfig.ReadonlyPaths"),
        form::CONTAINER_PATHS,
        Unset::Chosen("each release of the engine has a list of its own"),
        "Paths that nobody can write to in the container, in place of the engine's own list; `[]` is none."
    ),
    replaced!(
        "userns_mode",
        [plain("userns_mode"), plain("userns"), salt("userns_mode"), salt("user_ns_mode")],
        At::Path("HostConfig.UsernsMode"),
        form::NAMESPACE,
        Unset::Engine,
        "`host` for the users of the host, where the engine gives containers users of their own."
    ),
    replaced!(
        "uts",
        [plain("uts"), plain("uts_mode"), salt("uts_mode"), salt("uts")],
        At::Path("HostConfig.UTSMode"),
        form::NAMESPACE,
        Unset::Engine,
        "`host` to share the host name with the host."
    ),
    replaced!(
        "cgroup",
        [plain("cgroup"), plain("cgroupns"), plain("cgroupns_mode"), salt("cgroupns"), salt("cgroup")],
        At::Path("HostConfig.CgroupnsMode"),
        form::CGROUP_NAMESPACE,
        Unset::Chosen("the engine's configuration decides"),
        "Whether the program sees its own control group alone (`private`) or those of the host (`host`)."
    ),
    replaced!(
        "sysctls",
        [plain("sysctls"), salt("sysctls"), salt("sysctl")],
        At::Path("HostConfig.Sysctls"),
        form::SYSCTLS,
        Unset::Engine,
        "Kernel parameters of the container's namespaces, such as `net.core.somaxconn: 1024`."
    ),
];
