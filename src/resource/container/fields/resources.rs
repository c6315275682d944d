//! How much of the machine a container gets.

use super::{At, Field, Impact, Unset, form, plain, salt};

pub const FIELDS: &[Field] = &[
    updated!(
        "memory",
        [plain("memory"), plain("mem_limit"), salt("mem_limit"), salt("memory")],
        "HostConfig.Memory",
        form::SIZE,
        Unset::Engine,
        Impact::Replace,
        "The most memory that the container gets, such as `256m`; units are powers of 1024. `0` is no limit."
    ),
    updated!(
        "memory_swap",
        [plain("memory_swap"), plain("memswap_limit"), salt("memswap_limit"), salt("memory_swap")],
        "HostConfig.MemorySwap",
        form::MEMORY_SWAP,
        Unset::Unmanaged("the engine derives it from memory"),
        Impact::Replace,
        "Memory and swap together; `-1` is no limit of swap. The engine's default is twice the memory."
    ),
    updated!(
        "cpus",
        [plain("cpus"), salt("cpus")],
        "HostConfig.NanoCpus",
        form::CPUS,
        Unset::Engine,
        Impact::Replace,
        "How many processors the container may use, such as `0.5`."
    ),
    updated!(
        "cpu_shares",
        [plain("cpu_shares"), salt("cpu_shares")],
        "HostConfig.CpuShares",
        form::COUNT,
        Unset::Engine,
        Impact::Replace,
        "The container's weight when processors are scarce; the engine's default is 1024."
    ),
    updated!(
        "pids_limit",
        [plain("pids_limit"), salt("pids_limit")],
        "HostConfig.PidsLimit",
        form::PIDS_LIMIT,
        Unset::Engine,
        Impact::Update,
        "How many processes the container may have; `-1` or `0` is no limit."
    ),
    replaced!(
        "ulimits",
        [plain("ulimits"), salt("ulimits"), salt("ulimit")],
        At::Path("HostConfig.Ulimits"),
        form::ULIMITS,
        Unset::Engine,
        "Limits of processes: `{nofile: 1024}` or `{nofile: {soft: 1024, hard: 2048}}`."
    ),
];
