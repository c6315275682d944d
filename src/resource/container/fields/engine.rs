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
        "raw",
        [plain("raw")],
        At::Structure,
        form::RAW,
        Unset::Unmanaged("only what is declared is compared"),
        "Anything else that the engine's API takes to create a container, in the API's own words, such as `HostConfig: {CgroupParent: /x}`. Compared as it is written."
    ),
];
