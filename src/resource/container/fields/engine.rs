//! How the engine makes a container and looks after it.

use super::{At, Field, Impact, Unset, form, plain, salt};

pub const FIELDS: &[Field] = &[
    updated!(
        "restart",
        [plain("restart"), plain("restart_policy"), salt("restart_policy"), salt("restart")],
        "HostConfig.RestartPolicy",
        form::RESTART,
        Unset::Engine,
        Impact::Update,
        "What the engine does when the program ends: `no` (default), `always`, `unless-stopped`, `on-failure[:times]`."
    ),
    replaced!(
        "log_driver",
        [plain("log_driver"), salt("log_driver")],
        At::Path("HostConfig.LogConfig.Type"),
        form::LOG_DRIVER,
        Unset::Unmanaged("the engine's configuration decides"),
        "Where the engine keeps the output, such as `json-file`."
    ),
    replaced!(
        "log_opt",
        [plain("log_opt"), salt("log_opt")],
        At::Path("HostConfig.LogConfig.Config"),
        form::LOG_OPTIONS,
        Unset::Unmanaged("the engine's configuration decides"),
        "Options of the log driver, such as `max-size: 10m`."
    ),
    replaced!(
        since(1, 43),
        "annotations",
        [plain("annotations"), salt("annotations")],
        At::Path("HostConfig.Annotations"),
        form::STRING_MAP,
        Unset::Engine,
        "Texts that are handed to the runtime that starts the container, as a mapping or a list of `key=value`."
    ),
    replaced!(
        "auto_remove",
        [plain("auto_remove"), salt("auto_remove"), salt("rm")],
        At::Path("HostConfig.AutoRemove"),
        form::BOOL,
        Unset::Engine,
        "Let the engine remove the container when it ends, and when the engine itself is restarted. Only for `container.created`: evenkeel goes back to what it stopped, which would be gone, and would make a container that has ended anew in every run. Not with a `restart` policy, which the engine refuses."
    ),
    replaced!(
        "runtime",
        [plain("runtime"), salt("runtime")],
        At::Path("HostConfig.Runtime"),
        form::RUNTIME,
        Unset::Chosen("the engine's configuration decides"),
        "The runtime that starts the container, such as `io.containerd.runc.v2` or one that the engine's configuration names."
    ),
    replaced!(
        "isolation",
        [plain("isolation"), salt("isolation")],
        At::Path("HostConfig.Isolation"),
        form::ISOLATION,
        Unset::Engine,
        "How a container of Windows is kept apart; engines of Linux take `default` alone."
    ),
    replaced!(
        "platform",
        [plain("platform"), salt("platform")],
        At::Structure,
        form::PLATFORM,
        Unset::Unmanaged("it is a property of the image"),
        "What the image has to be made for, such as `linux/amd64` (`amd64` alone is the same). The image is pulled for that platform, if no state declares it; one that is for another is refused before anything is touched."
    ),
    replaced!(
        "cgroup_parent",
        [plain("cgroup_parent"), salt("cgroup_parent")],
        At::Path("HostConfig.CgroupParent"),
        form::CGROUP_PARENT,
        Unset::Engine,
        "The control group that the container's own is made in, such as `/tenants/a`."
    ),
    replaced!(
        "raw",
        [plain("raw")],
        At::Structure,
        form::RAW,
        Unset::Unmanaged("only what is declared is compared"),
        "Anything else that the engine's API takes to create a container, in the API's own words, such as `HostConfig: {CgroupParent: /x}`. Compared as it is written."
    ),
];
