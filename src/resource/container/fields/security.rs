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
        "sysctls",
        [plain("sysctls"), salt("sysctls"), salt("sysctl")],
        At::Path("HostConfig.Sysctls"),
        form::SYSCTLS,
        Unset::Engine,
        "Kernel parameters of the container's namespaces, such as `net.core.somaxconn: 1024`."
    ),
];
